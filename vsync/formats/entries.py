"""What goes into an archive, and how much of one a reader takes: values, without zipfile."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

MAX_ENTRIES = 100_000
MAX_UNPACKED_BYTES = 4 * 1024**3


class PackEntry(NamedTuple):
    """One entry to write: name from the repository's top, a directory's with its final slash.

    `pieces` is called once and yields the content; None for a directory. `size` in bytes is
    only a forecast.
    """

    name: str
    executable: bool = False
    size: int = 0
    pieces: Callable[[], Iterator[bytes]] | None = None


class ArchiveLimits(NamedTuple):
    """What a reader takes at most; raised only in the user's own configuration."""

    entries: int = MAX_ENTRIES
    unpacked: int = MAX_UNPACKED_BYTES
