"""Making the index of values; runs only when a vault or the configuration changed."""

from __future__ import annotations

import os

from vsync.guard.choosing import made_of
from vsync.guard.harvest import values_of_folder
from vsync.guard.index import VALUES, VERSION, Stamps, say_unseen, without
from vsync.guard.place import Place
from vsync.guard.rules import Rules
from vsync.guard.seal import local_key
from vsync.guard.sealing import make_key
from vsync.guard.sources import Memory, digest_of, keep_memory, keep_sealed, load_memory
from vsync.guard.spellings import spellings
from vsync.guard.values import Made, Owner

MOST_VALUES = 100_000


def make_index(place: Place, rules: Rules, now: dict[str, Stamps]) -> tuple[Made, bytes, bytes]:
    """Read the vaults that changed; return the index of all that are known, the key, and the bytes kept."""
    top = place.top or ""
    key = make_key() if now else local_key()
    memory = load_memory(place, key)
    sources = memory.sources
    for vault, stamps in now.items():
        source = sources.get((top, vault))
        if source is None or source[0] != stamps:
            folder = os.path.join(top, vault)
            # Names in [guard] public are left out later: their values stay known to us if that is undone.
            sources[top, vault] = (
                stamps,
                values_of_folder(folder, [path for path, *_ in stamps], frozenset()),
            )
    say_unseen(place, without(rules.vaults, now, sources), key)
    keep_memory(place, key, memory)
    needles: dict[bytes, Owner] = {}
    for name, vault, value in wanted_values(memory, rules):
        for spelling in spellings(value):
            needles.setdefault(spelling, (vault, name))
    made = made_of(needles)
    stamps_known = {place_of: stamps for place_of, (stamps, _) in sources.items()}
    return made, key, keep_sealed(place, VALUES, key, (VERSION, rules.public, stamps_known, made))


def wanted_values(memory: Memory, rules: Rules) -> list[tuple[str, str, str]]:
    """Return name, vault and value of all that must not get into git."""
    found = [
        (name, vault, value)
        for (_, vault), (_, values) in sorted(memory.sources.items())
        for name, value in values
        if name not in rules.public and digest_of(value) not in memory.known
    ]
    return found[:MOST_VALUES]
