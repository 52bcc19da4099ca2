"""Reading many blobs: what was just added from its own file, all else through one `git cat-file --batch`.

`git add` leaves a file of its own for each blob. Reading such files here takes a third of the time that git
takes, and often no further process is needed. Whatever is packed, borrowed, big or odd is left to git.
"""

from io import BytesIO

from vsync.guard.errors import CannotLook
from vsync.guard.processes import BATCH, Process

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Two batches of names must fit into a pipe, or we would both wait: of SHA-256 they are 26 KiB. And what is
# said about one must fill git's buffer of 4 KiB, or we would wait for what it keeps.
_AT_ONCE = 200
PIECE = 4 * 1024 * 1024  # bytes scanned at once


class Blob:
    """One blob: `pieces` must be read to its end before the next blob is."""

    __slots__ = ("_read", "size")

    def __init__(self, read: "Callable[[int], bytes]", size: int) -> None:
        self._read = read
        self.size = size

    def pieces(self) -> "Iterator[bytes]":
        """Give its content, at most PIECE bytes at a time; an empty blob has one empty piece."""
        left = self.size
        while True:
            piece = self._read(min(left, PIECE))
            left -= len(piece)
            if left and not piece:
                raise CannotLook("git stopped in the middle of a file", hint="git fsck")
            yield piece
            if not left:
                return


def read_blobs(ids: list[bytes], objects: str) -> "Iterator[tuple[bytes, Blob]]":
    """Give every blob once, in any order; CannotLook when one is not there.

    `objects` is the folder of the repository's objects, empty where git is to be asked at once.
    """
    from vsync.guard.loose import loose_blob

    packed = []
    for blob in ids:
        content = loose_blob(objects, blob) if objects else None
        if content is None:
            packed.append(blob)
        else:
            yield blob, Blob(BytesIO(content).read, len(content))
    if packed:
        yield from _from_git(packed)


def _from_git(ids: list[bytes]) -> "Iterator[tuple[bytes, Blob]]":
    process = Process(BATCH, talks=True)
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
            yield blob, Blob(process.read, int(words[2]))
            process.read(1)  # the line feed behind it
    process.leave()


def _asked(ids: list[bytes], start: int) -> bytes:
    return b"".join([blob + b"\n" for blob in ids[start : start + _AT_ONCE]])
