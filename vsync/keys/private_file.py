"""Reading files that hold keys: of their owner only, or not at all, as ssh does it."""

import os
import stat
from pathlib import Path

from vsync.errors import KeyUnavailable

_OTHERS = 0o077
_POSIX = hasattr(os, "geteuid")  # elsewhere modes and owners say nothing


def read_private(path: Path, *, limit: int) -> bytes | None:
    """Return the content of a private file, or None when there is no file.

    The opened file is judged, not its name, so links are fine and nothing can be exchanged
    in between. KeyUnavailable when it is not a regular file, belongs to somebody else, can
    be read or written by group or others, or has more than `limit` bytes.
    """
    # O_NONBLOCK: opening a named pipe must not wait for its writer.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY if _POSIX else os.O_RDONLY
    try:
        data = _read_checked(path, flags, limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyUnavailable(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise KeyUnavailable(f"{path} is larger than the {limit} bytes it may have")
    return data


def _read_checked(path: Path, flags: int, count: int) -> bytes:
    descriptor = os.open(path, flags)
    try:
        _check(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(count)
    finally:
        os.close(descriptor)


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyUnavailable(
            f"{path} is not a regular file", hint="for a program's output: VSYNC_KEY_COMMAND"
        )
    if not _POSIX:
        return
    if status.st_uid != os.geteuid():
        raise KeyUnavailable(
            f"{path} belongs to somebody else, so its key is not used", hint=f"chown it to yourself: {path}"
        )
    if status.st_mode & _OTHERS:
        raise KeyUnavailable(
            f"{path} can be used by others (mode {stat.S_IMODE(status.st_mode):04o}), so its key is not used",
            hint=f"chmod 600 {path}",
        )
