"""What a version holds, read where it lies: nothing of it is ever unpacked on the way to an answer."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vsync.drift import Holding
from vsync.errors import IntegrityError
from vsync.formats.archive import Archive, Entry
from vsync.formats.content import FileState, digests
from vsync.formats.dotenv import MAX_ENV_BYTES, read_named


@dataclass(frozen=True, slots=True)
class Contents:
    """The regular files of one version, and the variables of its env file; `env` is None without one.

    Shows itself by its counts only: `env` holds values.
    """

    files: tuple[FileState, ...]
    env: Mapping[str, str | None] | None = field(repr=False)


def states_of(archive: Archive) -> tuple[FileState, ...]:
    """Return every file of an archive with its digest; reads all of it, a piece at a time."""
    return tuple(
        FileState(entry.path, entry.executable, _digest(archive.pieces(entry)))
        for entry in archive.entries
        if not entry.is_directory
    )


def read_entry(archive: Archive, path: str, *, limit: int) -> bytes | None:
    """Return one file's content, None when there is none of that name; IntegrityError above `limit` bytes."""
    entry = next((one for one in archive.entries if one.path == path and not one.is_directory), None)
    return None if entry is None else _bounded(archive, entry, limit)


def _bounded(archive: Archive, entry: Entry, limit: int) -> bytes:
    if entry.info.file_size > limit:
        raise IntegrityError(f"{entry.path[:200]!r} in the bundle is larger than {limit} bytes")
    return b"".join(archive.pieces(entry))


def read_contents(archive: Archive, env_file: str) -> Contents:
    """Return files, and what variables may be shown; IntegrityError, with the line, for a bad env file."""
    data = read_entry(archive, env_file, limit=MAX_ENV_BYTES)
    return Contents(states_of(archive), None if data is None else read_named(data))


def holding_of(contents: Contents, env_file: str, *, layout: bool) -> Holding:
    """Return contents as one side of a comparison; `layout` says whether the env file as written counts."""
    files = digests(contents.files)
    written = files.pop(env_file, None)
    kept = {} if written is None else {env_file: written}
    return Holding(contents.env or {}, files, kept if layout else None)


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
