"""Making the index of values; runs only when a vault or the configuration changed."""

from __future__ import annotations

import os

from vsync.guard.choosing import made_of
from vsync.guard.findings import VAULT_VALUE
from vsync.guard.harvest import values_of_folder
from vsync.guard.index import VALUES, VERSION, Stamps
from vsync.guard.place import Place
from vsync.guard.rules import Rules
from vsync.guard.scan import Outcome
from vsync.guard.seal import local_key
from vsync.guard.sealing import make_key
from vsync.guard.sources import Sources, keep_sealed, keep_sources, load_sources
from vsync.guard.spellings import spellings
from vsync.guard.values import Made, Owner

MOST_VALUES = 100_000


def make_index(place: Place, rules: Rules, now: dict[str, Stamps]) -> tuple[Made, bytes, bytes]:
    """Read the vaults that changed; return the index of all that are known, the key, and the bytes kept."""
    top = place.top or ""
    key = make_key() if now else local_key()
    sources, known = load_sources(place, key)
    for vault, stamps in now.items():
        source = sources.get((top, vault))
        if source is None or source[0] != stamps:
            folder = os.path.join(top, vault)
            # Names in [guard] public are left out later: their values stay known to us if that is undone.
            sources[top, vault] = (
                stamps,
                values_of_folder(folder, [path for path, *_ in stamps], frozenset()),
            )
    keep_sources(place, key, sources, known)
    needles: dict[bytes, Owner] = {}
    for name, vault, value in _wanted(sources, rules, known):
        for spelling in spellings(value):
            needles.setdefault(spelling, (vault, name))
    made = made_of(needles)
    stamps_known = {place_of: stamps for place_of, (stamps, _) in sources.items()}
    return made, key, keep_sealed(place, VALUES, key, (VERSION, rules.public, stamps_known, made))


def _wanted(sources: Sources, rules: Rules, known: frozenset[str]) -> list[tuple[str, str, str]]:
    found = [
        (name, vault, value)
        for (_, vault), (_, values) in sorted(sources.items())
        for name, value in values
        if name not in rules.public and value not in known
    ]
    return found[:MOST_VALUES]


def record_known(place: Place, rules: Rules, outcome: Outcome) -> None:
    """Let values pass from now on that were found in the tracked tree when the hooks were installed."""
    owners = {(one.vault, one.name) for one in outcome.findings if one.rule == VAULT_VALUE}
    if owners:
        mark_known(place, rules, owners)


def mark_known(place: Place, rules: Rules, owners: set[Owner]) -> None:
    """Let the values of these variables pass from now on: they stand in the tracked tree already."""
    key = make_key()
    sources, known = load_sources(place, key)
    more = {
        value
        for (_, vault), (_, values) in sources.items()
        for name, value in values
        if (vault, name) in owners
    }
    keep_sources(place, key, sources, known | more)
    top = place.top or ""
    now = {vault: stamps for (folder, vault), (stamps, _) in sources.items() if folder == top}
    make_index(place, rules, now)
