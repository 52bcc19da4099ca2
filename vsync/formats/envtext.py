"""An env file as variables that can be put together anew, byte for byte.

1. python-dotenv's parser says where a variable begins and ends; nothing is ever expanded.
2. The comments and blank lines before a variable belong to it. Above the last blank line over
   the first variable is the header, below the last variable the footer.
3. Every line keeps its own ending. A file that does not end with one gets it for as long as it
   is worked on, so that lines can change places.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from vsync.errors import IntegrityError
from vsync.formats.dotenv import MAX_ENV_BYTES, assignments, is_name, variable_names
from vsync.formats.names import TEMPLATE_SUFFIXES

Lines = tuple[str, ...]

_BOM = "\ufeff"
_ENDING = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")
_LINE_END = re.compile(r"(?:\r\n|\r|\n)\Z")
# A name, and a quoted value if there is one: where a `#` begins no comment.
_QUOTED = re.compile(
    r"[^\S\r\n]*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*"
    r"(?P<equals>=[^\S\r\n]*(?P<quoted>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')?)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: the lines above it, `NAME=value` as written, what stands behind it, its line ending.

    Shows itself by its name only.
    """

    name: str
    value: str | None = field(repr=False)
    lead: Lines = field(default=(), repr=False)
    code: str = field(default="", repr=False)
    comment: str = field(default="", repr=False)
    ending: str = field(default="\n", repr=False)

    @property
    def line(self) -> str:
        """The variable as written, without what stands above it."""
        return f"{self.code}{self.comment}{self.ending}"


@dataclass(frozen=True, slots=True)
class Document:
    """An env file in which no name stands twice. Shows itself by its names only."""

    header: Lines = field(default=(), repr=False)
    variables: tuple[Variable, ...] = ()
    footer: Lines = field(default=(), repr=False)
    bom: bool = False
    final_newline: bool = True

    @property
    def newline(self) -> str:
        """The line ending that most lines have; LF where there is none."""
        endings = Counter(match[0] for line in self._lines() for match in _ENDING.finditer(line))
        return max(endings, key=lambda one: (endings[one], one), default="\n")

    def _lines(self) -> Iterator[str]:
        yield from self.header
        for variable in self.variables:
            yield from variable.lead
            yield variable.ending
        yield from self.footer

    def with_newline(self, newline: str) -> "Document":
        """Return the same with every line ended alike; values of several lines stay as they are."""
        variables = (replace(one, lead=_ended(one.lead, newline), ending=newline) for one in self.variables)
        header, footer = _ended(self.header, newline), _ended(self.footer, newline)
        return replace(self, header=header, variables=tuple(variables), footer=footer)


def _ended(lines: Lines, newline: str) -> Lines:
    return tuple(_ENDING.sub(newline, line) for line in lines)


def is_env_path(path: str) -> bool:
    """Tell whether a file of the vault is an env file by its name: `.env`, `.env.*`, `*.env`."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(TEMPLATE_SUFFIXES):
        return False
    return name == ".env" or name.startswith(".env.") or name.endswith(".env")


def parse(data: bytes) -> Document | None:
    """Return the variables of an env file.

    None for one that is no env file, is not UTF-8, is too large, or has a name twice or one not to be shown.
    """
    if len(data) > MAX_ENV_BYTES:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    bom, text = text.startswith(_BOM), text.removeprefix(_BOM)
    final_newline = not text or text.endswith(("\n", "\r"))
    document = _document(text if final_newline else text + ("\r\n" if "\r\n" in text else "\n"))
    if document is None:
        return None
    document = replace(document, bom=bom, final_newline=final_newline)
    # Whatever this module or the parser may have missed: what cannot be written back is not touched.
    return document if to_bytes(document) == data else None


def problem(data: bytes) -> str:
    """Say why `parse` gives None, with the number of a line or a name, and no other text."""
    try:
        variable_names(data)
    except IntegrityError as error:
        return error.message
    seen: set[str] = set()
    for name, _ in assignments(data):
        if name in seen:
            return f"{name} stands twice"
        seen.add(name)
    return "it could not be written back as it is"


def to_bytes(document: Document) -> bytes:
    """Return the file; `to_bytes(parse(data))` is `data`."""
    body = (f"{''.join(one.lead)}{one.line}" for one in document.variables)
    return to_file(document, (*document.header, *body, *document.footer))


def to_file(document: Document, lines: Iterable[str]) -> bytes:
    """Return lines as a file that begins and ends as the document does."""
    text = "".join(lines)
    if not document.final_newline:
        text = text[: -2 if text.endswith("\r\n") else -1]
    return f"{_BOM if document.bom else ''}{text}".encode()


def _document(text: str) -> Document | None:
    # Its package brings logging and tempfile along, and most verbs read no env file.
    from dotenv.parser import parse_stream

    lead: list[str] = []
    variables: dict[str, Variable] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or binding.key in variables:
            return None
        if binding.key is not None and (binding.value is None or not is_name(binding.key)):
            return None
        if binding.key is None:
            lead += _LINE.findall(binding.original.string)
            continue
        above, line = _divided(binding.original.string)
        variables[binding.key] = _variable(binding.key, binding.value, (*lead, *above), line)
        lead = []
    return _with_header(tuple(variables.values()), tuple(lead))


def _with_header(variables: tuple[Variable, ...], footer: Lines) -> Document:
    if not variables:
        return Document(footer=footer)
    lead = variables[0].lead
    blank = max((number for number, line in enumerate(lead, 1) if is_blank(line)), default=0)
    first = replace(variables[0], lead=lead[blank:])
    return Document(lead[:blank], (first, *variables[1:]), footer)


def is_blank(line: str) -> bool:
    """Tell whether nothing stands in the line."""
    return not line.strip()


def _divided(string: str) -> tuple[list[str], str]:
    """Divide what the parser took for one variable into blank lines above, and the variable's own."""
    start = len(string) - len(string.lstrip())
    start = max(string.rfind("\n", 0, start), string.rfind("\r", 0, start)) + 1
    return _LINE.findall(string[:start]), string[start:]


def _variable(name: str, value: str | None, lead: Lines, line: str) -> Variable:
    found = _LINE_END.search(line)
    ending = found[0] if found else ""
    text = line[: len(line) - len(ending)]
    code = text[: _comment_start(text)].rstrip() if "#" in text else text
    # Versions of the parser differ over `NAME= # text`: what this one would read otherwise stays whole.
    if code != text and not reads_as(code, name, value):
        code = text
    return Variable(name, value, lead, code, text[len(code) :], ending)


def _comment_start(text: str) -> int:
    """Return where the comment behind a variable begins, or the end."""
    found = _QUOTED.match(text)
    if found is None:
        return len(text)
    position = text.find("#", found.end())
    if found["equals"] and not found["quoted"]:
        # In a value without quotes, only a `#` after a space begins a comment.
        while position > 0 and not text[position - 1].isspace():
            position = text.find("#", position + 1)
    return position if position >= 0 else len(text)


def reads_as(text: str, name: str, value: str | None) -> bool:
    """Tell whether a line is this variable with this value, and nothing else."""
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(f"{text}\n")))
    return [(one.key, one.value, one.error) for one in bindings] == [(name, value, False)]
