"""The text of a template, edited by names: what nobody asked to change stays as it is, byte for byte.

1. A name that is gone takes its line along; comments, blank lines, order and line ends stay.
2. A new name stands behind the one it follows in the vault; the first ones before the one they
   precede and its comment; else at the end. Nothing ever stands behind its `=`.
3. What holds one of the given texts is emptied, or if it is a comment, removed. So is a variable
   with a value that it has in the vault, however short, and one that is commented out.
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
_SHORTEST = 4  # characters of a value that is looked for behind other names
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
class Given:
    """What a vault has: text → whose it is, and name → its values. Shows itself without any.

    `kept` are names that stay in the template without being in the vault.
    """

    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    values: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    kept: frozenset[str] = frozenset()

    def owners(self) -> dict[str, str]:
        """Return value → whose it is, of all that are no mere yes or no."""
        pairs = ((value, name) for name, values in self.values.items() for value in values)
        return {value: name for value, name in pairs if _tells(value)}


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

    def repeats(self, values: Mapping[str, frozenset[str]], owners: Mapping[str, str]) -> str | None:
        """Return whose value it assigns: its own name's in the vault, or if commented out, anybody's."""
        if self.name is not None:
            return self.name if self.value in values.get(self.name, ()) else None
        for name, value in _commented(self.raw):
            if value in values.get(name, ()):
                return name
            if value in owners:
                return owners[value]
        return None

    def emptied(self) -> "_Piece":
        """Return the same assignment of nothing."""
        end = self.raw[len(self.raw.rstrip("\r\n")) :]
        return replace(self, raw=self._assigned.rstrip() + end, value="")

    @property
    def _assigned(self) -> str:
        found = _ASSIGNED.match(self.raw)
        return found[0] if found else ""


def edit(text: str, names: Sequence[str], given: Given) -> Edited:
    """Return a template with exactly these names, and nothing of what the vault has.

    The names are such as `is_name` takes. Raises IntegrityError for a line that cannot be read.
    """
    bom, text = text[: text.startswith(_BOM)], text.removeprefix(_BOM)
    pieces = list(_pieces(text))
    wanted = {*names, *given.kept}
    kept = [piece for piece in pieces if piece.name is None or piece.name in wanted]
    present, owners = _present(given.texts, kept), given.owners()
    held = []
    for piece in kept:
        whose = piece.repeats(given.values, owners)
        if whose is None and (found := piece.holds(present)) is not None:
            whose = given.texts[found]
        if whose is not None:
            held.append((piece, whose))
    there = {piece.name for piece in kept}
    added = tuple(name for name in names if name not in there)
    ending = _LINE_END.search(text)
    end = ending[0] if ending else "\n"
    edited = _with_new(_without(kept, held), names, end)
    return Edited(
        bom + "".join(_ended(edited, end)),
        added,
        tuple(dict.fromkeys(piece.name for piece in pieces if piece.name and piece.name not in wanted)),
        tuple(dict.fromkeys(piece.name for piece, _ in held if piece.name)),
        tuple((piece.line, whose) for piece, whose in held if piece.name is None),
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


def _tells(value: str) -> bool:
    """Tell whether a value says whose it is, even where another name stands before it."""
    return len(value) >= _SHORTEST and value.lower() not in ("true", "false")


def _commented(raw: str) -> list[tuple[str, str]]:
    """Return the variable that is commented out in a line, none where it only says something."""
    from dotenv.parser import parse_stream

    text = raw.strip().lstrip("#").strip()
    if not raw.lstrip().startswith("#") or "=" not in text:
        return []
    bindings = parse_stream(io.StringIO(text))
    return [(one.key, one.value) for one in bindings if not one.error and one.key and one.value]


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
