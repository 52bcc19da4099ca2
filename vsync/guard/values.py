"""Finding many values in much text in one pass, without a search for each.

A value is looked for by the words of eight bytes in it. The text is cut into such words, once
from its first byte and once from its fifth: wherever a value of eleven bytes or more stands, of
any four words that begin at neighbouring bytes of it one is a cut. Shorter values are found by
words of four bytes in the same way. Which four is chosen when the index is made: the rarest.
`frozenset.intersection` of a memory view does that at 5 ms a megabyte; what it hits is then
compared in full.
"""

from __future__ import annotations

_LONG = 8
_SHORT = 4
STRIDE = 4
_SHORTEST_LONG = _LONG + STRIDE - 1
_FEW = 32
_MOST_STARTS = 24
# Small letters count as one: words of a language are made of them.
_PLAIN = bytes.maketrans(bytes(range(97, 123)), b"a" * 26)
MOST_PLACES = 100
"""Places of one spelling that are looked at in one piece of a file."""

Owner = tuple[str, str]
"""Vault folder, and name of the variable or file."""


class Values:
    """The spellings of every value, ready to be looked for; `stamp` changes with every making."""

    __slots__ = ("_index", "_long", "_needles", "_owners", "_short", "_starts", "multiline", "stamp")

    def __init__(
        self,
        words: tuple[bytes, bytes],
        needles: list[bytes],
        starts: list[int],
        owners: list[Owner],
        stamp: bytes,
    ) -> None:
        self._long: frozenset[int] = frozenset(memoryview(words[0]).cast("Q"))
        self._short: frozenset[int] = frozenset(memoryview(words[1]).cast("I"))
        self._needles = needles
        self._starts = starts
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
                    needle, begin = self._needles[candidate], at - self._starts[candidate]
                    around = data[max(0, begin - STRIDE) : max(0, begin + len(needle))]
                    if candidate not in found and needle in around:
                        found.add(candidate)
        return found

    def _prepare(self) -> None:
        """Map each word to the spellings that have it; only when a text has one of them."""
        if self._index:
            return
        for number, (needle, start) in enumerate(zip(self._needles, self._starts, strict=True)):
            width, words = _words_of(needle, start)
            for word in words:
                self._index.setdefault((width, word), []).append(number)


def _words_of(needle: bytes, start: int) -> tuple[int, list[int]]:
    """Return the width of the words by which a spelling is looked for, and the words."""
    width = _width(needle)
    parts = memoryview(b"".join(_parts(needle, start)))
    return width, (parts.cast("Q") if width == _LONG else parts.cast("I")).tolist()


def _width(needle: bytes) -> int:
    return _LONG if len(needle) >= _SHORTEST_LONG else _SHORT


def _parts(needle: bytes, start: int) -> list[bytes]:
    width = _width(needle)
    return [needle[at : at + width] for at in range(start, start + STRIDE)]


def choose_words(needles: list[bytes]) -> tuple[tuple[bytes, bytes], list[int]]:
    """Return all words of both widths as they are kept, and where in each spelling its words start.

    `postgres://` stands in many values and in much code: the words that fewest spellings share,
    and of those the most varied, are hit by nearly nothing else.
    """
    shared: dict[bytes, int] = {}
    for needle in needles:
        for start in _possible(needle):
            word = needle[start : start + _width(needle)]
            shared[word] = shared.get(word, 0) + 1
    starts = [_rarest(needle, shared) for needle in needles]
    kept: dict[int, set[bytes]] = {_LONG: set(), _SHORT: set()}
    for needle, start in zip(needles, starts, strict=True):
        kept[_width(needle)].update(_parts(needle, start))
    return (b"".join(sorted(kept[_LONG])), b"".join(sorted(kept[_SHORT]))), starts


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
