"""SHA-256 beside other work: on a second thread, since hashing lets go of the interpreter."""

import hashlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

ALONE_BYTES = 64 * 1024  # below this, handing it over costs more than hashing it


@cache
def _threads() -> "ThreadPoolExecutor":
    # It brings logging along, and small vaults never come here.
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(2, "sha256")


class Digest:
    """SHA-256 of what it is fed, one piece behind.

    A piece must stay unchanged until the next `update` or `hexdigest` has returned.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._job: Future[None] | None = None

    def update(self, piece: bytes | memoryview) -> None:
        """Take the next piece, after the one before it was taken in."""
        self._settle()
        if len(piece) < ALONE_BYTES:
            self._hash.update(piece)
        else:
            self._job = _threads().submit(self._hash.update, piece)

    def hexdigest(self) -> str:
        """Return the digest of everything so far."""
        self._settle()
        return self._hash.hexdigest()

    def _settle(self) -> None:
        if self._job is not None:
            self._job.result()
            self._job = None
