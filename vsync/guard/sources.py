"""What the index of values is made of: what each vault held when it was last here, kept sealed."""

from __future__ import annotations

import marshal
import os
from typing import Any

from vsync.guard.errors import CannotLook
from vsync.guard.index import SOURCES, VERSION, Stamps, loaded
from vsync.guard.place import Place
from vsync.guard.rules import keep
from vsync.guard.seal import digest, name_of, opened
from vsync.guard.sealing import sealed

_FORM = 1
_FIELDS = 5  # form, version of what was read from vaults, and what a memory has
_READ_ANEW: Stamps = (("", -1, -1, -1),)  # stamps that no vault has

Sources = dict[tuple[str, str], tuple[Stamps, list[tuple[str, str]]]]
"""Work tree and vault → the stamps of its files, and (name, value) of all that counts in them."""


class Memory:
    """What each vault held when it was last here.

    `known` has digests of values that may stay where they stood in the tracked tree, `recorded` the
    vaults that were compared with it.
    """

    __slots__ = ("known", "recorded", "sources")

    def __init__(self, sources: Sources, known: frozenset[bytes], recorded: frozenset[str]) -> None:
        self.sources = sources
        self.known = known
        self.recorded = recorded


def digest_of(value: str) -> bytes:
    """Return what is kept of a known value: it need not be kept itself."""
    return digest(value.encode("utf-8", "surrogatepass"))


def keep_sealed(place: Place, name: str, key: bytes, content: tuple[Any, ...]) -> bytes:
    """Seal and keep; returns the bytes kept. Without a key nothing is written."""
    if not key:
        return b""
    # The form that every Python knows: another one must not lose what is remembered.
    data = sealed(key, marshal.dumps(content, 4))
    keep(place.shared, name_of(name, key), data)
    return data


def load_memory(place: Place, key: bytes) -> Memory:
    """Return what is remembered of the vaults under this key.

    CannotLook when it is there and does not open: it is not taken for nothing, and not replaced.
    """
    path = os.path.join(place.shared, name_of(SOURCES, key))
    data = _content(path) if key else b""
    if not data:
        return Memory({}, frozenset(), frozenset())
    kept = loaded(opened(key, data), _FIELDS)
    if kept is None or kept[0] != _FORM:
        raise _closed(path)
    sources: Sources = kept[2]
    if kept[1] != VERSION:
        # Another release took other values from the same files: what is here is read anew, the rest counts.
        sources = {place_of: (_READ_ANEW, values) for place_of, (_, values) in sources.items()}
    return Memory(sources, *kept[3:])


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _closed(path) from error


def _closed(path: str) -> CannotLook:
    return CannotLook(
        f"what is remembered of the vaults cannot be opened: {path}",
        hint="remove that file, then git vsync pull the vaults that are not here",
    )


def keep_memory(place: Place, key: bytes, memory: Memory) -> None:
    """Keep what is remembered of the vaults."""
    keep_sealed(place, SOURCES, key, (_FORM, VERSION, memory.sources, memory.known, memory.recorded))
