"""`vsync.lock` in this checkout: read, and edited one entry at a time (formats §9)."""

import errno
import os
import stat
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vsync.errors import ConfigError
from vsync.files import translated
from vsync.formats.lockfile import (
    EMPTY_LOCK,
    FILE_NAME,
    MAX_LOCK_BYTES,
    LockEntry,
    has_markers,
    lock_from_text,
    lock_to_text,
)
from vsync.machine.locks import held
from vsync.model import SecretName
from vsync.world import World

if TYPE_CHECKING:
    from vsync.formats.lockconflict import Settled


def lock_path(world: World) -> Path:
    """Return where the file is: at the repository's top."""
    return world.repository.top / FILE_NAME


def read_lock(world: World) -> dict[str, LockEntry]:
    """Return the entries by secret name; ConfigError for conflict markers or a malformed file."""
    return lock_from_text(_read(world))


def _read(world: World) -> str:
    """Return the file's text; a missing one is as empty as a lock can be."""
    path = lock_path(world)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return EMPTY_LOCK
    except OSError as error:
        raise _not_plain() from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain()
    with open(descriptor, "rb") as file:
        data = file.read(MAX_LOCK_BYTES + 1)
    if len(data) > MAX_LOCK_BYTES:
        raise ConfigError(f"{FILE_NAME} is larger than {MAX_LOCK_BYTES} bytes")
    return _decoded(data)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{FILE_NAME} is not UTF-8") from error


def _not_plain() -> ConfigError:
    return ConfigError(
        f"{FILE_NAME} is not a readable plain file", hint=f"remove it, then: git checkout -- {FILE_NAME}"
    )


def locked_entry(world: World, secret: SecretName) -> LockEntry | None:
    """Return what this commit belongs to, or None."""
    return read_lock(world).get(str(secret))


def record(world: World, entry: LockEntry, *, lower: bool = False) -> bool:
    """Write one entry; True when the file changed. One that is newer stays, unless it shall be lowered."""
    with _guarded(world):
        entries = read_lock(world)
        before = entries.get(entry.name)
        newer = before is not None and before.generation > entry.generation
        if before == entry or (newer and not lower):
            return False
        entries[entry.name] = entry
        _replace(world, lock_to_text(entries.values()))
        return True


def settle_markers(world: World) -> "tuple[Settled, ...] | None":
    """Settle the conflict markers of a merge and return what was taken; None when there are none.

    Raises ConfigError for markers that git does not write, IntegrityError for a fork; the file
    is then as it was.
    """
    # Every verb reads the lock; hardly any finds markers in it.
    from vsync.formats.lockconflict import settle_sides, sides_of

    with _guarded(world):
        text = _read(world)
        if not has_markers(text):
            read_lock(world)  # another fault is told, not passed over
            return None
        # Git keeps both sides whole while a file is unmerged; the markers may have been merged around.
        sides = world.repository.conflict_sides(FILE_NAME)
        settled = settle_sides(*(map(_decoded, sides) if sides else sides_of(text)))
        entries = (one.entry for one in settled)
        if not world.config.lock_names:
            entries = (replace(entry, variables=(), files=()) for entry in entries)
        _replace(world, lock_to_text(entries))
        return settled


def _guarded(world: World) -> AbstractContextManager[None]:
    """Hold the file against every other process in this work tree."""
    guard = world.repository.git_dir / "vsync" / "lock.guard"
    return held(guard, FILE_NAME, timeout=world.machine.settings.lock_timeout)


def _replace(world: World, text: str) -> None:
    """Replace the committed file; its mode is what the umask makes of an ordinary file's."""
    path, flags = lock_path(world), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    # Written where no `git add` looks. One name, under the lock: what a killed run left is overwritten.
    draft = world.repository.git_dir / "vsync" / "lock.draft"
    with translated(path):
        try:
            with open(os.open(draft, flags, 0o666), "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            _move(draft, path)
        finally:
            draft.unlink(missing_ok=True)


def _move(draft: Path, path: Path) -> None:
    try:
        os.replace(draft, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The git directory of this work tree is on another file system: rename from beside the file.
        beside = path.with_name(f".{path.name}.tmp")
        beside.write_bytes(draft.read_bytes())
        os.replace(beside, path)
