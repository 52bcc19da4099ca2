"""Choosing the words by which spellings are looked for (values.py); runs when the index is made."""

from __future__ import annotations

import sys

from vsync.guard.values import LONG, SHORT, STRIDE, Made, Owner

_SHORTEST_LONG = LONG + STRIDE - 1
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
            word = needle[start : start + _width(needle)]
            shared[word] = shared.get(word, 0) + 1
    starts = [_rarest(needle, shared) for needle in needles]
    words: dict[int, list[bytes]] = {LONG: [], SHORT: []}
    numbers: dict[int, list[bytes]] = {LONG: [], SHORT: []}
    for number, (needle, start) in enumerate(zip(needles, starts, strict=True)):
        width = _width(needle)
        words[width] += [needle[at : at + width] for at in range(start, start + STRIDE)]
        numbers[width] += [number.to_bytes(4, sys.byteorder)] * STRIDE
    return (
        (b"".join(words[LONG]), b"".join(words[SHORT])),
        (b"".join(numbers[LONG]), b"".join(numbers[SHORT])),
        needles,
        starts,
        list(owners.values()),
        any(b"\n" in needle for needle in needles),
    )


def _width(needle: bytes) -> int:
    return LONG if len(needle) >= _SHORTEST_LONG else SHORT


def _possible(needle: bytes) -> range:
    return range(min(len(needle) - _width(needle) - STRIDE + 2, _MOST_STARTS))


def _rarest(needle: bytes, shared: dict[bytes, int]) -> int:
    width = _width(needle)
    possible = _possible(needle)
    counts = [shared.get(needle[at : at + width], 0) for at in range(len(possible) + STRIDE - 1)]
    span = width + STRIDE - 1
    ranks = [
        (max(counts[at : at + STRIDE]), -len(set(needle[at : at + span].translate(_PLAIN))))
        for at in possible
    ]
    return ranks.index(min(ranks))
