"""Conflict markers in `vsync.lock`: the two sides, and what settles them (formats §9).

1. Each side is the file as that branch had it: the lines outside the markers and its own lines
   within them.
2. A vault that only one side names is kept: a push never removes an entry.
3. Versions are a line, not a tree: of two entries the one of the higher generation was pushed
   on top of the other, so it holds what both sides published.
4. One generation with two bundles is no merge but a fork, or a lock that was edited: nobody
   can settle that from the file.
"""

from dataclasses import dataclass
from typing import cast

from vsync.errors import ConfigError, IntegrityError
from vsync.formats.lockfile import FILE_NAME, LockEntry, lock_from_text

_OURS, _BASE, _MIDDLE, _THEIRS = "<" * 7, "|" * 7, "=" * 7, ">" * 7


@dataclass(frozen=True, slots=True)
class Settled:
    """One entry of the settled lock; `side` says whose it was: `both`, `ours` or `theirs`."""

    entry: LockEntry
    side: str


def settle_sides(ours: str, theirs: str) -> tuple[Settled, ...]:
    """Return the entries that settle two locks, sorted by name.

    Raises ConfigError when one of them is malformed, IntegrityError for a fork.
    """
    found = lock_from_text(ours), lock_from_text(theirs)
    names = sorted(found[0].keys() | found[1].keys(), key=str.encode)
    return tuple(_settled(found[0].get(name), found[1].get(name)) for name in names)


def sides_of(text: str) -> tuple[str, str]:
    """Return the two sides of a file with conflict markers; diff3's base is left out."""
    sides: tuple[list[str], list[str]] = ([], [])
    taken: tuple[int, ...] = (0, 1)
    for line in text.split("\n"):
        mark = line.rstrip("\r")[:7]
        if mark in (_OURS, _BASE, _MIDDLE, _THEIRS):
            taken = _after(mark, taken)
            continue
        for side in taken:
            sides[side].append(line)
    if taken != (0, 1):
        raise _malformed()
    return "\n".join(sides[0]), "\n".join(sides[1])


def _after(mark: str, before: tuple[int, ...]) -> tuple[int, ...]:
    """Return which sides the lines after a marker belong to."""
    allowed = {
        (_OURS, (0, 1)): (0,),
        (_BASE, (0,)): (),
        (_MIDDLE, (0,)): (1,),
        (_MIDDLE, ()): (1,),
        (_THEIRS, (1,)): (0, 1),
    }
    try:
        return allowed[mark, before]
    except KeyError:
        raise _malformed() from None


def _malformed() -> ConfigError:
    return ConfigError(
        f"the conflict markers in {FILE_NAME} are not as git writes them",
        hint=f"take one side: git checkout --ours -- {FILE_NAME}",
    )


def _settled(ours: LockEntry | None, theirs: LockEntry | None) -> Settled:
    if theirs is None:
        return Settled(cast("LockEntry", ours), "ours")  # a name comes from one of the two
    if ours is None:
        return Settled(theirs, "theirs")
    if _bundle(ours) == _bundle(theirs):
        # They differ at most in the names: one branch may have left them out.
        return Settled(max(ours, theirs, key=_names), "both")
    if ours.generation == theirs.generation and (ours.generation or ours.version == theirs.version):
        raise IntegrityError(
            f"both sides of {FILE_NAME} name generation {ours.generation} of {ours.name}, with other "
            "bundles: the history forked, or one was edited",
            hint=f"git vsync versions {ours.name} shows what is published; keep that entry by hand",
        )
    # Classic has no generations; there a version's time is all there is.
    newer = max(ours, theirs, key=lambda entry: (entry.generation, entry.version))
    return Settled(newer, "ours" if newer is ours else "theirs")


def _bundle(entry: LockEntry) -> tuple[str, int, str, str]:
    return entry.version, entry.generation, entry.key_id, entry.sha256


def _names(entry: LockEntry) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    return len(entry.variables) + len(entry.files), entry.variables, entry.files
