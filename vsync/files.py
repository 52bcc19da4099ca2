"""Private files: 0600 in 0700 folders from the first byte, replaced whole, bounded when read."""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from vsync.errors import DiskError, IntegrityError, VsyncError
from vsync.formats.strict import load_object

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
MAX_STATE_BYTES = 256 * 1024 * 1024  # the ledger of 100 000 files with long names


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, each 0700 from the start."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with translated(path), contextlib.suppress(FileExistsError):
        os.mkdir(path, PRIVATE_FOLDER)


def write_private(path: Path, data: bytes) -> None:
    """Replace a file as a whole: written beside it, synced, renamed."""
    with replacing(path) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a new private file: it takes the place of `path` if the block ends well, else it vanishes."""
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    with translated(path), contextlib.ExitStack() as undo:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
        undo.callback(beside.unlink, missing_ok=True)
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        os.replace(beside, path)
        undo.pop_all()
        sync_folder(path.parent)


def create_private(path: Path, data: bytes) -> None:
    """Create a file whole, unless somebody was first: then theirs stays."""
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    write_private(beside, data)
    with translated(path):
        try:
            os.link(beside, path)
        except FileExistsError:
            return
        except OSError:
            # No hard links on this file system: the second writer of a race wins there.
            os.replace(beside, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)


def sync_folder(path: Path) -> None:
    """Make a rename in the folder last; a file system that cannot is let be."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


def read_private(path: Path, *, limit: int = MAX_STATE_BYTES) -> bytes | None:
    """Return the content of a regular file, or None when there is none."""
    with translated(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DiskError(f"{path} is not a regular file")
            data = file.read(limit + 1)
    if len(data) > limit:
        raise DiskError(f"{path} is larger than the {limit} bytes it may have")
    return data


def read_regular(path: Path, *, limit: int) -> bytes:
    """Return the content of somebody else's file, through links.

    OSError, whose `strerror` says why, also for what is no regular file or larger than `limit`.
    """
    # A FIFO of that name must not make us wait.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    with open(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than the {limit} bytes it may have")
    return data


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a JSON object from a private file, None when there is none; IntegrityError when damaged."""
    data = read_private(path)
    if data is None:
        return None
    try:
        return load_object(data, str(path))
    except IntegrityError as error:
        raise IntegrityError(f"{path} is damaged", hint="move it away and try again") from error


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Replace a private file by a JSON object; dataclasses in it become objects."""
    write_private(path, json.dumps(document, separators=(",", ":"), default=fields_of).encode())


def fields_of(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass; `asdict` would copy every leaf of a large ledger as well."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def remove(path: Path) -> None:
    """Remove a private file; one that is not there is no error."""
    with translated(path), contextlib.suppress(FileNotFoundError):
        os.unlink(path)


class translated(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a clause
    """Turn an OSError about a file of ours into one line for people."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, VsyncError):
            reason = error.strerror or type(error).__name__
            raise DiskError(
                f"cannot use {self._path}: {reason.lower()}",
                hint="check its owner, its mode and the free space",
            ) from error
