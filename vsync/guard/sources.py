"""What the index of values is made of: what each vault held when it was last here, kept sealed."""

from __future__ import annotations

import marshal
import os
from typing import Any

from vsync.guard.index import VERSION, Stamps, loaded
from vsync.guard.place import Place
from vsync.guard.rules import keep
from vsync.guard.seal import opened, read_file
from vsync.guard.sealing import sealed

_FILE = "guard-sources"

Sources = dict[tuple[str, str], tuple[Stamps, list[tuple[str, str]]]]
"""Work tree and vault → the stamps of its files, and (name, value) of all that counts in them."""


def keep_sealed(place: Place, name: str, key: bytes, content: tuple[Any, ...]) -> bytes:
    """Seal and keep; returns the bytes kept. Without a key nothing is written."""
    if not key:
        return b""
    data = sealed(key, marshal.dumps(content))
    keep(place.shared, name, data)
    return data


def load_sources(place: Place, key: bytes) -> tuple[Sources, frozenset[str]]:
    """Return what each vault held when it was last here, and the values that count as known."""
    kept = loaded(opened(key, read_file(os.path.join(place.shared, _FILE))), 3)
    if kept is None or kept[0] != VERSION:
        return {}, frozenset()
    return kept[1], kept[2]


def keep_sources(place: Place, key: bytes, sources: Sources, known: frozenset[str]) -> None:
    """Keep what each vault held, and the values that count as known."""
    keep_sealed(place, _FILE, key, (VERSION, sources, known))
