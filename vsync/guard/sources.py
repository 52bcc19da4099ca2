"""What the index of values is made of: what each vault held when it was last here, kept sealed."""

from __future__ import annotations

import marshal
import os
from typing import Any

from vsync.guard.index import VERSION, Stamps, loaded
from vsync.guard.place import Place
from vsync.guard.rules import keep
from vsync.guard.seal import digest, opened, read_file
from vsync.guard.sealing import sealed

_FILE = "guard-sources"
_FIELDS = 4  # version, and what a memory has

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
    data = sealed(key, marshal.dumps(content))
    keep(place.shared, name, data)
    return data


def load_memory(place: Place, key: bytes) -> Memory:
    """Return what is remembered of the vaults."""
    kept = loaded(opened(key, read_file(os.path.join(place.shared, _FILE))), _FIELDS)
    if kept is None or kept[0] != VERSION:
        return Memory({}, frozenset(), frozenset())
    return Memory(*kept[1:])


def keep_memory(place: Place, key: bytes, memory: Memory) -> None:
    """Keep what is remembered of the vaults."""
    keep_sealed(place, _FILE, key, (VERSION, memory.sources, memory.known, memory.recorded))
