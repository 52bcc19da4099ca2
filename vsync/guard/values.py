"""Finding many values in much text in one pass, without a search for each.

A value is looked for by the words of eight bytes in it. The text is cut into such words, once
from its first byte and once from its fifth: wherever a value of eleven bytes or more stands, one
of its words that begin at its bytes 0 to 3 is one of the cuts. Shorter values are found by words
of four bytes in the same way. `frozenset.intersection` of a memory view does that at 5 ms a
megabyte; what it hits is then compared in full.
"""

from __future__ import annotations

_LONG = 8
_SHORT = 4
STRIDE = 4
SHORTEST = _SHORT + STRIDE - 1
_SHORTEST_LONG = _LONG + STRIDE - 1
_FEW = 32
MOST_PLACES = 100
"""Places of one spelling that are looked at in one piece of a file."""

Owner = tuple[str, str]
"""Vault folder, and name of the variable or file."""


class Values:
    """The spellings of every value, ready to be looked for; `stamp` changes with every making."""

    __slots__ = ("_index", "_long", "_needles", "_owners", "_short", "multiline", "stamp")

    def __init__(
        self, words: tuple[bytes, bytes], needles: list[bytes], owners: list[Owner], stamp: bytes
    ) -> None:
        self._long: frozenset[int] = frozenset(memoryview(words[0]).cast("Q"))
        self._short: frozenset[int] = frozenset(memoryview(words[1]).cast("I"))
        self._needles = needles
        self._owners = owners
        self._index: dict[tuple[int, int], list[int]] = {}
        self.multiline = any(b"\n" in needle for needle in needles)
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

    def _candidates(self, data: bytes) -> list[int]:
        """Return the spellings that may stand in the text."""
        hits: set[tuple[int, int]] = set()
        cuts = self._cuts(data)
        for width, words, cut in cuts:
            hits.update((width, word) for word in words.intersection(cut))
        if not hits:
            return []
        self._prepare()
        numbers = {number for hit in hits for number in self._index[hit]}
        if len(numbers) <= _FEW:
            return sorted(numbers)
        return sorted(self._compared(data, cuts, hits))

    def _cuts(self, data: bytes) -> list[tuple[int, frozenset[int], memoryview]]:
        view = memoryview(data)
        size = len(data)
        cuts = []
        if self._long:
            cuts.append((_LONG, self._long, view[: size - size % _LONG].cast("Q")))
            rest = max(size - STRIDE, 0)
            cuts.append((_LONG, self._long, view[STRIDE : STRIDE + rest - rest % _LONG].cast("Q")))
        if self._short:
            cuts.append((_SHORT, self._short, view[: size - size % _SHORT].cast("I")))
        return cuts

    def _compared(
        self, data: bytes, cuts: list[tuple[int, frozenset[int], memoryview]], hits: set[tuple[int, int]]
    ) -> set[int]:
        """Return the spellings that do stand there, where too many may to search for each."""
        found: set[int] = set()
        for number, (width, _, cut) in enumerate(cuts):
            start = STRIDE if number == 1 and width == _LONG else 0
            words = {word for size, word in hits if size == width}
            for place in [place for place, word in enumerate(cut) if word in words]:
                at = start + place * width
                for candidate in self._index[width, cut[place]]:
                    needle = self._needles[candidate]
                    if candidate not in found and needle in data[max(0, at - STRIDE) : at + len(needle)]:
                        found.add(candidate)
        return found

    def _prepare(self) -> None:
        """Map each word to the spellings that have it; only when a text has one of them."""
        if self._index:
            return
        for number, needle in enumerate(self._needles):
            width, words = words_of(needle)
            for word in words:
                self._index.setdefault((width, word), []).append(number)


def words_of(needle: bytes) -> tuple[int, list[int]]:
    """Return the width of the words by which a spelling is looked for, and the words."""
    width = _LONG if len(needle) >= _SHORTEST_LONG else _SHORT
    parts = memoryview(b"".join(needle[offset : offset + width] for offset in range(STRIDE)))
    return width, (parts.cast("Q") if width == _LONG else parts.cast("I")).tolist()


def packed_words(needles: list[bytes]) -> tuple[bytes, bytes]:
    """Return all words of both widths, as they are kept."""
    parts: dict[int, set[bytes]] = {_LONG: set(), _SHORT: set()}
    for needle in needles:
        width = _LONG if len(needle) >= _SHORTEST_LONG else _SHORT
        parts[width].update(needle[offset : offset + width] for offset in range(STRIDE))
    return b"".join(sorted(parts[_LONG])), b"".join(sorted(parts[_SHORT]))
