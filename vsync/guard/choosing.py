"""Choosing the words by which spellings are looked for (values.py); runs when the index is made."""

from __future__ import annotations

from vsync.guard.values import Made, Owner, count_of, width_of

_MOST_STARTS = 24
# Small letters count as one: words of a language are made of them.
_PLAIN = bytes.maketrans(bytes(range(97, 123)), b"a" * 26)


def made_of(owners: dict[bytes, Owner]) -> Made:
    """Return the index of these spellings, each with its owner.

    `postgres://` stands in many values and in much code: the words that fewest spellings share,
    and of those the most varied, are hit by nearly nothing else.
    """
    needles = list(owners)
    shared: dict[bytes, int] = {}
    for needle in needles:
        for start in _possible(needle):
            word = needle[start : start + width_of(needle)]
            shared[word] = shared.get(word, 0) + 1
    starts = [_rarest(needle, shared) for needle in needles]
    return needles, starts, list(owners.values()), any(b"\n" in needle for needle in needles)


def _span(needle: bytes) -> int:
    return width_of(needle) + count_of(needle) - 1


def _possible(needle: bytes) -> range:
    return range(min(len(needle) - _span(needle) + 1, _MOST_STARTS))


def _rarest(needle: bytes, shared: dict[bytes, int]) -> int:
    """Return where the words start of which the most usual is shared by fewest spellings."""
    width, count, possible = width_of(needle), count_of(needle), _possible(needle)
    counts = [shared.get(needle[at : at + width], 0) for at in range(len(possible) + count - 1)]
    ranks = [
        (max(counts[at : at + count]), -len(set(needle[at : at + _span(needle)].translate(_PLAIN))))
        for at in possible
    ]
    return ranks.index(min(ranks))
