"""Reading many blobs through one `git cat-file --batch`, in pieces, so that size does not matter."""

from vsync.guard.errors import CannotLook
from vsync.guard.processes import Process

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

# Two batches of names must fit into a pipe, or we would both wait: of SHA-256 they are 26 KiB. And what is
# said about one must fill git's buffer of 4 KiB, or we would wait for what it keeps.
_AT_ONCE = 200
PIECE = 4 * 1024 * 1024  # bytes scanned at once


class Blob:
    """One blob: `pieces` must be read to its end before the next blob is."""

    __slots__ = ("_process", "size")

    def __init__(self, process: Process, size: int) -> None:
        self._process = process
        self.size = size

    def pieces(self) -> "Iterator[bytes]":
        """Give its content, at most PIECE bytes at a time; an empty blob has one empty piece."""
        left = self.size
        while True:
            piece = self._process.read(min(left, PIECE))
            left -= len(piece)
            if left and not piece:
                raise CannotLook("git stopped in the middle of a file", hint="git fsck")
            yield piece
            if not left:
                self._process.read(1)
                return


def read_blobs(process: Process, ids: list[bytes]) -> "Iterator[tuple[bytes, Blob]]":
    """Give the blobs in the order of the ids; CannotLook when one is not there."""
    process.give(_asked(ids, 0))
    for start in range(0, len(ids), _AT_ONCE):
        # One batch ahead: git keeps the end of what it has to say until there is more, or no more to come.
        process.give(_asked(ids, start + _AT_ONCE))
        if start + _AT_ONCE >= len(ids):
            process.end_input()
        for blob in ids[start : start + _AT_ONCE]:
            words = process.readline().split()
            if len(words) != 3 or words[1] != b"blob":  # noqa: PLR2004 - id, type, size
                raise CannotLook(
                    f"git cannot read the blob {blob.decode()[:40]}",
                    hint="git fsck; in a partial clone: git fetch --refetch",
                )
            yield blob, Blob(process, int(words[2]))


def _asked(ids: list[bytes], start: int) -> bytes:
    return b"".join([blob + b"\n" for blob in ids[start : start + _AT_ONCE]])
