"""Finding many values in much text in one pass, without a search for each.

A value is looked for by the words in it. The text is cut into words of eight bytes: wherever a value of
fifteen bytes or more stands, of any eight words that begin at neighbouring bytes of it one is a cut.
Shorter values are found in the same way by words of four bytes; from eleven bytes on two of them follow
each other, and both must be there. Which words of a value is chosen when the index is made: the rarest.
`frozenset.intersection` of a memory view does that at 10 ms a megabyte; what it hits is then compared in
full.

The words are not kept: opening a file that is sealed takes more time than cutting them out.
"""

import sys

LONG = 8
SHORT = 4
SHORTEST_LONG = 2 * LONG - 1
SHORTEST_PAIR = 3 * SHORT - 1
_FEW = 32

Owner = tuple[str, str]
"""Vault folder, and name of the variable or file."""

Made = tuple[list[bytes], list[int], list[Owner], bool]
"""What choosing.py makes: the spellings, where in each its words start, and its owner; whether any
has a line end."""

Words = tuple[frozenset[int], frozenset[int]]
"""Long ones and short ones, as numbers."""


class Values:
    """The spellings of every value, ready to be looked for; `stamp` changes with every making."""

    __slots__ = (
        *("_index", "_needles", "_owners", "_starts", "_words"),
        *("multiline", "stamp"),
    )

    def __init__(self, made: Made, stamp: bytes) -> None:
        self._needles, self._starts, self._owners, self.multiline = made
        self._words: Words = (_long_words(*made[:2]), _short_words(*made[:2]))
        self._index: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
        self.stamp = stamp

    def __bool__(self) -> bool:
        return bool(self._needles)

    def places(self, data: bytes) -> list[tuple[int, Owner]]:
        """Return offset and owner of every spelling in the text, the first in each line, sorted."""
        found: set[tuple[int, Owner]] = set()
        for number in self._candidates(data):
            needle, owner = self._needles[number], self._owners[number]
            position = data.find(needle)
            while position >= 0:
                found.add((position, owner))
                end = data.find(b"\n", position)
                position = data.find(needle, end + 1) if end >= 0 else -1
        return sorted(found)

    def _candidates(self, data: bytes) -> "set[int] | frozenset[int]":
        """Return the spellings that may stand in the text."""
        view, size = memoryview(data), len(data)
        cuts = (view[: size - size % LONG].cast("Q"), view[: size - size % SHORT].cast("I"))
        hits = (self._words[0].intersection(cuts[0]), self._words[1].intersection(cuts[1]))
        if not (hits[0] or hits[1]):
            return frozenset()
        self._prepare()
        found = {number for kind in (0, 1) for word in hits[kind] for number in self._index[kind][word]}
        found = {number for number in found if self._has_pair(number, hits[1])}
        return found if len(found) <= _FEW else self._compared(data, cuts, hits, found)

    def _has_pair(self, number: int, hits: frozenset[int]) -> bool:
        """Tell whether words that follow each other were hit, where a spelling is long enough for two."""
        needle = self._needles[number]
        if not SHORTEST_PAIR <= len(needle) < SHORTEST_LONG:
            return True
        words = self._words_of(number)
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
        for number, needle in enumerate(self._needles):
            index = self._index[0 if len(needle) >= SHORTEST_LONG else 1]
            for word in self._words_of(number):
                index.setdefault(word, []).append(number)

    def _words_of(self, number: int) -> list[int]:
        """Return the words of a spelling, at neighbouring bytes."""
        needle, start = self._needles[number], self._starts[number]
        width, order = width_of(needle), sys.byteorder
        places = range(start, start + count_of(needle))
        return [int.from_bytes(needle[at : at + width], order) for at in places]


def width_of(needle: bytes) -> int:
    """Return how many bytes the words of a spelling have."""
    return LONG if len(needle) >= SHORTEST_LONG else SHORT


def count_of(needle: bytes) -> int:
    """Return how many words, at neighbouring bytes, are taken of a spelling."""
    return LONG if len(needle) >= SHORTEST_PAIR else SHORT


def _long_words(needles: list[bytes], starts: list[int]) -> frozenset[int]:
    # Cells of sixteen bytes, of which only the first fifteen count.
    cells = _cells(needles, starts, range(SHORTEST_LONG, sys.maxsize), SHORTEST_LONG)
    rows = [memoryview(cells[at:] + cells[:at]).cast("Q") for at in range(LONG)]
    return frozenset().union(*(row[::2] for row in rows))


def _short_words(needles: list[bytes], starts: list[int]) -> frozenset[int]:
    # Cells of twelve bytes with two words, one behind the other, and of eight with one.
    pairs = _cells(needles, starts, range(SHORTEST_PAIR, SHORTEST_LONG), SHORTEST_PAIR)
    others = _cells(needles, starts, range(SHORTEST_PAIR), 2 * SHORT - 1)
    words: set[int] = set()
    for at in range(SHORT):
        row = memoryview(pairs[at:] + pairs[:at]).cast("I")
        words.update(row[::3], row[1::3], memoryview(others[at:] + others[:at]).cast("I")[::2])
    return frozenset(words)


def _cells(needles: list[bytes], starts: list[int], lengths: range, span: int) -> bytes:
    """Return the bytes that words are cut from of all spellings of these lengths, a zero byte behind each."""
    spans = [
        needle[start : start + span]
        for needle, start in zip(needles, starts, strict=True)
        if len(needle) in lengths
    ]
    return b"\0".join([*spans, b""])
