"""Blobs that were found clean at the last commit, so that the backstop need not read them again.

They hold only for the very rules and values they were judged by.
"""

import marshal

from vsync.guard.index import stamp_now
from vsync.guard.place import Place
from vsync.guard.rules import Rules, keep
from vsync.guard.scan import NOTHING, Judged, Outcome
from vsync.guard.seal import read_file
from vsync.guard.values import Values

_FILE = "guard-judged"
_MOST = 10_000


def load_judged(place: Place, rules: Rules) -> Judged:
    """Return what was judged by these rules, and by the values as they are now."""
    data = read_file(f"{place.kept}/{_FILE}")
    try:
        kept = marshal.loads(data) if data else ()  # noqa: S302 - our own file, in the git directory
    except (ValueError, EOFError, TypeError):
        return NOTHING
    if not isinstance(kept, tuple) or len(kept) != 3:  # noqa: PLR2004 - as written
        return NOTHING
    stamp = stamp_now(place, rules)
    return frozenset(kept[2]) if stamp and kept[:2] == (rules.stamp, stamp) else NOTHING


def keep_judged(place: Place, rules: Rules, values: Values, outcome: Outcome) -> None:
    """Keep what a look found clean; nothing when it found or allowed something."""
    if outcome.findings or outcome.allowed or not 0 < len(outcome.clean) <= _MOST or not values.stamp:
        return
    keep(place.kept, _FILE, marshal.dumps((rules.stamp, values.stamp, tuple(outcome.clean))))
