"""Env files, read by python-dotenv's own parser; nothing in them is ever expanded.

1. Applications get what the parser reads: `read_env`.
2. What is shown, or written where it can be committed, are names of one form only, each before a
   `=`: a line of a pasted key has none, and the parser would call all of it a name.
"""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vsync.errors import IntegrityError

if TYPE_CHECKING:
    from dotenv.parser import Binding

MAX_ENV_BYTES = 16 * 1024 * 1024
MEND_LINE = (
    "write it as NAME=value, or NAME= where there is no value; a name has letters, digits and _ . - only, "
    "and a value of several lines stands in quotes"
)
"""What to do about a line that `variable_names` refuses."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,254}", re.ASCII)
_LINE_END = re.compile(r"\r\n|\r|\n")


def is_name(text: str) -> bool:
    """Tell whether a text may be shown, and written, as the name of a variable."""
    return _NAME.fullmatch(text) is not None


def read_env(data: bytes) -> dict[str, str | None]:
    """Return name → value as written, the last one winning; None for a name without `=`.

    Raises IntegrityError with the number of the first line that is no assignment, never its text.
    """
    return dict(assignments(data))


def read_named(data: bytes) -> dict[str, str | None]:
    """Return the same without what has no `=`, or a name that may not be shown."""
    return {name: value for name, value in assignments(data) if value is not None and is_name(name)}


def assignments(data: bytes) -> Iterator[tuple[str, str | None]]:
    """Yield every name and value in their order, doubles too; raises as `read_env` does."""
    for binding in _bindings(data):
        if binding.key is not None:
            yield binding.key, binding.value


def variable_names(data: bytes) -> tuple[str, ...]:
    """Return the names in an env file, once each, sorted by their UTF-8 bytes (formats §9).

    Raises IntegrityError, with the number of the line, for one that is not `NAME=value`.
    """
    found: set[str] = set()
    for binding in _bindings(data):
        if binding.key is None:
            continue
        # `…==` is how the last line of base64 ends: what stands before it is no name.
        if binding.value is None or not is_name(binding.key) or _is_padding(binding):
            raise _no_assignment(binding)
        found.add(binding.key)
    return tuple(sorted(found, key=str.encode))


def ambiguous_names(data: bytes) -> tuple[str, ...]:
    """Return the names that stand twice in an env file, with different values."""
    last: dict[str, str | None] = {}
    found: dict[str, None] = {}
    for name, value in assignments(data):
        if last.setdefault(name, value) != value:
            found[name] = None
    return tuple(found)


def _bindings(data: bytes) -> Iterator["Binding"]:
    # Its package brings logging and tempfile along, and most verbs read no env file.
    from dotenv.parser import parse_stream

    if len(data) > MAX_ENV_BYTES:
        raise IntegrityError(f"the env file is larger than the {MAX_ENV_BYTES} bytes it may have")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Not chained: the exception holds the whole file.
        raise IntegrityError("the env file is not UTF-8") from None
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise _no_assignment(binding)
        yield binding


def _is_padding(binding: "Binding") -> bool:
    return binding.value == "=" and binding.original.string.rstrip().endswith("==")


def _no_assignment(binding: "Binding") -> IntegrityError:
    return IntegrityError(f"line {line_of(binding)} of the env file is not NAME=value")


def line_of(binding: "Binding") -> int:
    """Return the number of the line: the parser counts from the blank ones above it."""
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(_LINE_END.findall(blank))
