"""Blobs that were found clean at the last commit, so that the backstop need not read them again.

They hold only for the very rules and values they were judged by.
"""

from __future__ import annotations

import marshal
import os

from vsync.guard.place import Place
from vsync.guard.rules import Rules, keep
from vsync.guard.scan import NOTHING, Judged, Outcome
from vsync.guard.seal import read_file
from vsync.guard.values import Values

_FILE = "guard-judged"
_MOST = 10_000


def load_judged(place: Place, rules: Rules, values: Values) -> Judged:
    """Return what was judged by these rules and values."""
    data = read_file(os.path.join(place.kept, _FILE))
    try:
        kept = marshal.loads(data) if data else ()  # noqa: S302 - our own file, in the git directory
    except (ValueError, EOFError, TypeError):
        return NOTHING
    if not isinstance(kept, tuple) or len(kept) != 2 or kept[0] != _by(rules, values):  # noqa: PLR2004
        return NOTHING
    return frozenset(kept[1])


def keep_judged(place: Place, rules: Rules, values: Values, outcome: Outcome) -> None:
    """Keep what a look found clean; nothing when it found or allowed something."""
    if outcome.findings or outcome.allowed or not 0 < len(outcome.clean) <= _MOST:
        return
    keep(place.kept, _FILE, marshal.dumps((_by(rules, values), tuple(outcome.clean))))


def _by(rules: Rules, values: Values) -> tuple[bytes, bytes]:
    return rules.stamp, values.stamp
