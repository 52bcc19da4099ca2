"""Finding many values in much text in one pass, without a search for each.

A value is looked for by the words in it. The text is cut into words of eight bytes: wherever a value of
fifteen bytes or more stands, of any eight words that begin at neighbouring bytes of it one is a cut.
Shorter values are found in the same way by words of four bytes; from eleven bytes on two of them follow
each other, and both must be there. Which words of a value is chosen when the index is made: the rarest.
`frozenset.intersection` of a memory view does that at 10 ms a megabyte; what it hits is then compared in
full.
"""

import sys
from itertools import islice

LONG = 8
SHORT = 4
SHORTEST_LONG = 2 * LONG - 1
SHORTEST_PAIR = 3 * SHORT - 1
_FEW = 32
MOST_PLACES = 100
"""Places of one spelling that are looked at in one piece of a file."""

Owner = tuple[str, str]
"""Vault folder, and name of the variable or file."""

Made = tuple[tuple[bytes, bytes], list[bytes], list[int], list[Owner], bool]
"""What choosing.py makes: for both widths the words of all spellings, one behind the other; the
spellings, where in each its words start, and its owner; whether any has a line end."""

Words = tuple[frozenset[int], frozenset[int]]
"""Long ones and short ones, as numbers."""


class Values:
    """The spellings of every value, ready to be looked for; `stamp` changes with every making."""

    __slots__ = (
        *("_index", "_needles", "_owners", "_sets", "_starts", "_words"),
        *("multiline", "stamp"),
    )

    def __init__(self, made: Made, stamp: bytes) -> None:
        words, self._needles, self._starts, self._owners, self.multiline = made
        self._words = (memoryview(words[0]).cast("Q"), memoryview(words[1]).cast("I"))
        self._index: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
        self._sets: Words = (frozenset(self._words[0]), frozenset(self._words[1]))
        self.stamp = stamp

    def __bool__(self) -> bool:
        return bool(self._needles)

    def places(self, data: bytes) -> list[tuple[int, Owner]]:
        """Return offset and owner of every spelling in the text, sorted."""
        found: set[tuple[int, Owner]] = set()
        for number in self._candidates(data):
            needle, owner = self._needles[number], self._owners[number]
            position = data.find(needle)
            count = 0
            while position >= 0 and count < MOST_PLACES:
                found.add((position, owner))
                position = data.find(needle, position + 1)
                count += 1
        return sorted(found)

    def _candidates(self, data: bytes) -> "set[int] | frozenset[int]":
        """Return the spellings that may stand in the text."""
        view, size = memoryview(data), len(data)
        cuts = (view[: size - size % LONG].cast("Q"), view[: size - size % SHORT].cast("I"))
        hits = (self._sets[0].intersection(cuts[0]), self._sets[1].intersection(cuts[1]))
        if not (hits[0] or hits[1]):
            return frozenset()
        self._prepare()
        found = {number for kind in (0, 1) for word in hits[kind] for number in self._index[kind][word]}
        found = {number for number in found if self._has_pair(number, hits[1])}
        return found if len(found) <= _FEW else self._compared(data, cuts, hits, found)

    def _has_pair(self, number: int, hits: frozenset[int]) -> bool:
        """Tell whether words that follow each other were hit, where a spelling is long enough for two."""
        needle, start = self._needles[number], self._starts[number]
        if not SHORTEST_PAIR <= len(needle) < SHORTEST_LONG:
            return True
        words = [int.from_bytes(needle[at : at + SHORT], sys.byteorder) for at in range(start, start + LONG)]
        return any(words[at] in hits and words[at + SHORT] in hits for at in range(SHORT))

    def _compared(
        self, data: bytes, cuts: tuple[memoryview, memoryview], hits: Words, candidates: set[int]
    ) -> set[int]:
        """Return those candidates that do stand there, where there are too many to search for each."""
        found: set[int] = set()
        for kind, width in enumerate((LONG, SHORT)):
            words, cut, index = hits[kind], cuts[kind], self._index[kind]
            for place in [place for place, word in enumerate(cut) if word in words]:
                numbers = candidates.intersection(index[cut[place]]) - found
                found.update(number for number in numbers if self._stands(data, number, place * width))
        return found

    def _stands(self, data: bytes, number: int, at: int) -> bool:
        """Tell whether a spelling stands where one of its words does."""
        needle, begin = self._needles[number], at - self._starts[number]
        return needle in data[max(0, begin - LONG) : max(0, begin + len(needle))]

    def _prepare(self) -> None:
        """Map each word to the spellings that have it; only when a text has one of them."""
        if self._index[0] or self._index[1]:
            return
        rest = [iter(words) for words in self._words]
        for number, needle in enumerate(self._needles):
            kind = 0 if len(needle) >= SHORTEST_LONG else 1
            index = self._index[kind]
            for word in islice(rest[kind], words_of(needle)):
                index.setdefault(word, []).append(number)


def words_of(needle: bytes) -> int:
    """Return how many words, at neighbouring bytes, are taken of a spelling."""
    return LONG if len(needle) >= SHORTEST_PAIR else SHORT
