"""`vsync.lock` in this checkout: read, and edited one entry at a time (formats §9)."""

import errno
import os
import shutil
import stat
from pathlib import Path

from vsync.errors import ConfigError
from vsync.files import translated
from vsync.formats.lockfile import FILE_NAME, MAX_LOCK_BYTES, LockEntry, lock_from_text, lock_to_text
from vsync.machine.locks import held
from vsync.model import SecretName
from vsync.world import World


def lock_path(world: World) -> Path:
    """Return where the file is: at the repository's top."""
    return world.repository.top / FILE_NAME


def read_lock(world: World) -> dict[str, LockEntry]:
    """Return the entries by secret name; ConfigError for conflict markers or a malformed file."""
    path = lock_path(world)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _not_plain() from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain()
    with open(descriptor, "rb") as file:
        data = file.read(MAX_LOCK_BYTES + 1)
    if len(data) > MAX_LOCK_BYTES:
        raise ConfigError(f"{FILE_NAME} is larger than {MAX_LOCK_BYTES} bytes")
    try:
        return lock_from_text(data.decode())
    except UnicodeDecodeError as error:
        raise ConfigError(f"{FILE_NAME} is not UTF-8") from error


def _not_plain() -> ConfigError:
    return ConfigError(
        f"{FILE_NAME} is not a readable plain file", hint=f"remove it, then: git checkout -- {FILE_NAME}"
    )


def locked_entry(world: World, secret: SecretName) -> LockEntry | None:
    """Return what this commit belongs to, or None."""
    return read_lock(world).get(str(secret))


def record(world: World, entry: LockEntry) -> bool:
    """Write one entry, unless the file says the same or something newer; True when it changed."""
    with held(
        world.repository.git_dir / "vsync" / "lock.guard",
        FILE_NAME,
        timeout=world.machine.settings.lock_timeout,
    ):
        entries = read_lock(world)
        before = entries.get(entry.name)
        if before == entry or (before is not None and before.generation > entry.generation):
            return False
        entries[entry.name] = entry
        _replace(world, lock_to_text(entries.values()))
        return True


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
        shutil.copyfile(draft, beside)
        os.replace(beside, path)
