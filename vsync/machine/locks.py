"""Locks between the processes of one machine; the kernel lets go of them, even after kill -9."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vsync.errors import Conflict
from vsync.files import make_folder, translated


@contextmanager
def held(path: Path, what: str, *, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock on `path`; Conflict when it is not free within `timeout` seconds.

    The file stays behind, empty: removing it would let two processes lock two files.
    """
    from filelock import FileLock, Timeout

    make_folder(path.parent)
    lock = FileLock(path, timeout=timeout, mode=0o600)
    with translated(path):
        try:
            lock.acquire()
        except Timeout as error:
            raise Conflict(
                f"another vsync is at work on {what}", hint="wait until it has finished, then try again"
            ) from error
    try:
        yield
    finally:
        lock.release()
