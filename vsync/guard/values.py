"""Finding many values in much text in one pass, without a search for each.

A value is looked for by the words of eight bytes in it. The text is cut into such words, once
from its first byte and once from its fifth: wherever a value of eleven bytes or more stands, of
any four words that begin at neighbouring bytes of it one is a cut. Shorter values are found by
words of four bytes in the same way. Which four is chosen when the index is made: the rarest.
`frozenset.intersection` of a memory view does that at 5 ms a megabyte; what it hits is then
compared in full.
"""

LONG = 8
SHORT = 4
STRIDE = 4
_FEW = 32
MOST_PLACES = 100
"""Places of one spelling that are looked at in one piece of a file."""

Owner = tuple[str, str]
"""Vault folder, and name of the variable or file."""

Made = tuple[tuple[bytes, bytes], tuple[bytes, bytes], list[bytes], list[int], list[Owner], bool]
"""What choosing.py makes: for both widths all words one behind the other, and the numbers of the
spellings they belong to; the spellings, where in each its words start, and its owner; whether any
has a line end."""


class Values:
    """The spellings of every value, ready to be looked for; `stamp` changes with every making."""

    __slots__ = (
        *("_index", "_long", "_needles", "_numbers", "_owners", "_short", "_starts", "_words"),
        *("multiline", "stamp"),
    )

    def __init__(self, made: Made, stamp: bytes) -> None:
        self._words, self._numbers, self._needles, self._starts, self._owners, self.multiline = made
        self._long: frozenset[int] = frozenset(memoryview(self._words[0]).cast("Q"))
        self._short: frozenset[int] = frozenset(memoryview(self._words[1]).cast("I"))
        self._index: dict[tuple[int, int], list[int]] = {}
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
            cuts.append((LONG, self._long, view[: size - size % LONG].cast("Q")))
            rest = max(size - STRIDE, 0)
            cuts.append((LONG, self._long, view[STRIDE : STRIDE + rest - rest % LONG].cast("Q")))
        if self._short:
            cuts.append((SHORT, self._short, view[: size - size % SHORT].cast("I")))
        return cuts

    def _compared(
        self, data: bytes, cuts: list[tuple[int, frozenset[int], memoryview]], hits: set[tuple[int, int]]
    ) -> set[int]:
        """Return the spellings that do stand there, where too many may to search for each."""
        found: set[int] = set()
        for number, (width, _, cut) in enumerate(cuts):
            start = STRIDE if number == 1 and width == LONG else 0
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
        cut = (memoryview(self._words[0]).cast("Q"), memoryview(self._words[1]).cast("I"))
        for width, words, numbers in zip((LONG, SHORT), cut, self._numbers, strict=True):
            for word, number in zip(words, memoryview(numbers).cast("I"), strict=True):
                self._index.setdefault((width, word), []).append(number)
