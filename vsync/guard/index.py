"""The index of values: kept sealed, compared with the vaults at every look, made anew when they changed.

Two files in the common git directory, both sealed (seal.py). `guard-values` has what a commit
needs: the stamps of the vault files and every spelling with its words. `guard-sources` has what
the former is made of, by work tree and vault, so that a vault that is not here at the moment
still counts. Without a key that can be kept, the index lives as long as one look.
"""

from __future__ import annotations

import marshal
import os
import sys

from vsync.guard.place import Place
from vsync.guard.rules import Rules, keep
from vsync.guard.seal import local_key, opened, read_file, sealed
from vsync.guard.values import Values

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from typing import Any

_VERSION = 2
VALUES = "guard-values"
SOURCES = "guard-sources"
_MOST_FILES = 100_000

Stamps = tuple[tuple[str, int, int, int], ...]
"""Path below the vault folder, size, mtime in ns and inode of each file, sorted."""


def load_values(place: Place, rules: Rules) -> Values:
    """Return the values of this repository's vaults as they are now."""
    now = {vault: stamps for vault in rules.vaults if (stamps := stamps_of(place.top, vault)) is not None}
    path = os.path.join(place.shared, VALUES)
    data = read_file(path)
    if not data and not now:
        return Values((b"", b""), [], [], [], b"")
    key = local_key(make=bool(now))
    kept = _loaded(opened(key, data), 7)
    if kept is not None and _is_current(kept, place.top or "", now, rules):
        words, needles, starts, owners = kept[3:]
        try:
            return Values(words, needles, starts, owners, data[:32])
        except (TypeError, ValueError):
            pass  # another release wrote it in another way: it is made anew
    from vsync.guard.indexing import make_index

    return make_index(place, rules, key, now)


def _is_current(kept: tuple[Any, ...], top: str, now: dict[str, Stamps], rules: Rules) -> bool:
    if kept[:2] != (_header(), rules.public):
        return False
    known = kept[2]
    return all(known.get((top, vault)) == stamps for vault, stamps in now.items())


def _header() -> tuple[int, str]:
    # The words are kept as this machine reads them.
    return _VERSION, sys.byteorder


def _loaded(data: bytes | None, fields: int) -> tuple[Any, ...] | None:
    if data is None:
        return None
    try:
        kept = marshal.loads(data)  # noqa: S302 - it was sealed with this machine's key
    except (ValueError, EOFError, TypeError):
        return None
    return kept if isinstance(kept, tuple) and len(kept) == fields else None


def stamps_of(top: str | None, vault: str) -> Stamps | None:
    """Return the stamps of a vault's files, None when there is no such folder in the work tree."""
    if top is None:
        return None
    folder = os.path.join(top, vault)
    if not os.path.isdir(folder) or not is_inside(top, folder):
        return None
    found: list[tuple[str, int, int, int]] = []
    waiting = [""]
    try:
        while waiting and len(found) < _MOST_FILES:
            below = waiting.pop()
            for entry in os.scandir(os.path.join(folder, below)):
                path = os.path.join(below, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    info = entry.stat(follow_symlinks=False)
                    found.append((path, info.st_size, info.st_mtime_ns, info.st_ino))
    except OSError:
        return None
    return tuple(sorted(found))


def is_inside(top: str, folder: str) -> bool:
    """Tell whether a folder really lies in the work tree: a repository must not make us read beyond it."""
    return os.path.realpath(folder).startswith(os.path.realpath(top) + os.sep)


def keep_sealed(place: Place, name: str, key: bytes, content: tuple[Any, ...]) -> bytes:
    """Seal and keep; returns the bytes kept. Without a key nothing is written."""
    if not key:
        return b""
    data = sealed(key, marshal.dumps(content))
    keep(place.shared, name, data)
    return data


def load_sources(place: Place, key: bytes) -> tuple[dict[tuple[str, str], tuple[Any, Any]], frozenset[str]]:
    """Return what each vault held when it was last here, and the values that count as known."""
    kept = _loaded(opened(key, read_file(os.path.join(place.shared, SOURCES))), 3)
    if kept is None or kept[0] != _header():
        return {}, frozenset()
    return kept[1], kept[2]


def keep_sources(
    place: Place, key: bytes, sources: dict[tuple[str, str], tuple[Any, Any]], known: frozenset[str]
) -> None:
    """Keep what each vault held, and the values that count as known."""
    keep_sealed(place, SOURCES, key, (_header(), sources, known))


def keep_values(
    place: Place,
    key: bytes,
    public: tuple[str, ...],
    stamps: dict[tuple[str, str], Stamps],
    made: tuple[tuple[bytes, bytes], list[bytes], list[int], list[tuple[str, str]]],
) -> bytes:
    """Keep the index itself; returns the bytes kept."""
    return keep_sealed(place, VALUES, key, (_header(), public, stamps, *made))
