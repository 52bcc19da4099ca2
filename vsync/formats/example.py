"""The text of a template, edited by names: what nobody asked to change stays as it is, byte for byte.

1. A name that is gone takes its line along; comments, blank lines, order and line ends stay.
2. A new name stands behind the one it follows in the vault; the first ones before the one they
   precede and its comment; else at the end. Nothing ever stands behind its `=`.
3. What holds one of the given texts is emptied, or if it is a comment, removed.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vsync.errors import IntegrityError
from vsync.formats.dotenv import is_name, line_of

_BLANK = re.compile(r"(?:[^\S\r\n]*(?:\r\n|\n|\r))*")
_ASSIGNED = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=#\s]+)[^\S\r\n]*=?")
_LINE_END = re.compile(r"\r\n|\n|\r")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Edited:
    """A template as it shall be, and what that changed; `held` has (line's number, whose text it was)."""

    text: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    held: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some lines of an env file: an assignment, blank ones, or a comment, as is what has no `=`."""

    raw: str = field(repr=False)
    name: str | None = None
    value: str = field(default="", repr=False)
    line: int = 0

    @property
    def is_comment(self) -> bool:
        return self.name is None and bool(self.raw.strip())

    def holds(self, texts: Iterable[str]) -> str | None:
        """Return the first of the texts that stands here, in whatever spelling, but not in a name."""
        rest = self.raw if self.name is None else self.raw.removeprefix(self._assigned)
        return next((text for text in texts if text in rest or text in self.value), None)

    def emptied(self) -> "_Piece":
        """Return the same assignment of nothing."""
        end = self.raw[len(self.raw.rstrip("\r\n")) :]
        return replace(self, raw=self._assigned.rstrip() + end, value="")

    @property
    def _assigned(self) -> str:
        found = _ASSIGNED.match(self.raw)
        return found[0] if found else ""


def edit(text: str, names: Sequence[str], texts: Mapping[str, str]) -> Edited:
    """Return a template with exactly these names, and none of the texts (text → whose it is).

    The names are such as `is_name` takes. Raises IntegrityError for a line that cannot be read.
    """
    bom, text = text[: text.startswith(_BOM)], text.removeprefix(_BOM)
    pieces = list(_pieces(text))
    wanted = set(names)
    kept = [piece for piece in pieces if piece.name is None or piece.name in wanted]
    present = _present(texts, kept)
    held = [(piece, one) for piece in kept if (one := piece.holds(present)) is not None]
    there = {piece.name for piece in kept}
    added = tuple(name for name in names if name not in there)
    end = found[0] if (found := _LINE_END.search(text)) else "\n"
    edited = _with_new(_without(kept, held), names, end)
    return Edited(
        bom + "".join(_ended(edited, end)),
        added,
        tuple(dict.fromkeys(piece.name for piece in pieces if piece.name and piece.name not in wanted)),
        tuple(dict.fromkeys(piece.name for piece, _ in held if piece.name)),
        tuple((piece.line, texts[one]) for piece, one in held if piece.name is None),
    )


def _pieces(text: str) -> Iterator[_Piece]:
    from dotenv.parser import parse_stream  # as in formats.dotenv: most verbs read no env file

    for binding in parse_stream(io.StringIO(text)):
        raw, line = binding.original.string, line_of(binding)
        if binding.error:
            raise IntegrityError(f"line {line} of the env file is not NAME=value")
        named = binding.key is not None and binding.value is not None and is_name(binding.key)
        found = _BLANK.match(raw)
        blank = found[0] if found else ""
        if blank:
            yield _Piece(blank)
        if len(blank) < len(raw):
            yield _Piece(raw[len(blank) :], binding.key if named else None, binding.value or "", line)


def _present(texts: Mapping[str, str], pieces: Iterable[_Piece]) -> tuple[str, ...]:
    """Return the texts that stand anywhere: most do not, and need not be looked for in each piece."""
    whole = "\0".join(part for piece in pieces for part in (piece.raw, piece.value))
    return tuple(text for text in texts if text in whole)


def _without(kept: Sequence[_Piece], held: Sequence[tuple[_Piece, str]]) -> list[_Piece]:
    found = {id(piece) for piece, _ in held}
    return [
        piece.emptied() if id(piece) in found else piece
        for piece in kept
        if id(piece) not in found or piece.name is not None
    ]


def _with_new(kept: Sequence[_Piece], names: Sequence[str], end: str) -> list[_Piece]:
    """Put the new names where they belong."""
    last = {piece.name: index for index, piece in enumerate(kept) if piece.name}
    behind: dict[str | None, list[_Piece]] = {}
    anchor = None
    for name in names:
        if name in last:
            anchor = name
        else:
            behind.setdefault(anchor, []).append(_Piece(f"{name}={end}", name))
    first = behind.pop(None, [])
    follower = next((name for name in names if name in last), None)
    out: list[_Piece] = []
    for index, piece in enumerate(kept):
        if first and follower is not None and piece.name == follower:
            out[_before_comment(out) : len(out)] = [*first, *out[_before_comment(out) :]]
            first = []
        out.append(piece)
        if piece.name and last[piece.name] == index:
            out += behind.get(piece.name, [])
    return out + first


def _before_comment(pieces: Sequence[_Piece]) -> int:
    place = len(pieces)
    while place and pieces[place - 1].is_comment:
        place -= 1
    return place


def _ended(pieces: Sequence[_Piece], end: str) -> Iterator[str]:
    """Give the pieces, each but the last on lines of its own."""
    for index, piece in enumerate(pieces):
        closed = piece.raw.endswith(("\n", "\r")) or index == len(pieces) - 1
        yield piece.raw if closed else piece.raw + end
