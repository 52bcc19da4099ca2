"""What a merge leaves in the vault folder for its user to decide.

In an env file, the two candidates of one variable between marks such as git's own:

    <<<<<<< yours
    TOKEN=…
    =======
    TOKEN=…
    >>>>>>> remote 20260523-120001

Of any other file, the candidate that is not in place lies beside it, as `NAME.conflict-<version>`.
"""

import io
import re
from collections.abc import Iterator
from itertools import islice

from vsync.formats.dotenv import is_name

MOST_MARKS = 200  # more than anybody wants to read
YOURS, BETWEEN, THEIRS = "<<<<<<< yours", "=======", ">>>>>>> remote "

# However somebody left it: after a byte order mark or spaces, behind a `#`, without its words.
_MARK = re.compile(
    rb"(?:\A(?:\xef\xbb\xbf)?|(?<=[\r\n]))[ \t]*(?:#[# \t]*)?"
    rb"(?:(?P<yours><{7}(?!<))|>{7}(?!>))[^\r\n]*"
)
_BETWEEN = re.compile(r"(?:\A|(?<=[\r\n]))={7}[ \t]*(?=[\r\n]|\Z)")
_ASIDE = re.compile(r"(?:.*/)?[^/]*\.conflict-[0-9]{8}-[0-9]{6}[^/]*", re.DOTALL | re.IGNORECASE)


def aside_path(path: str, version: str) -> str:
    """Return where a candidate from this merge lies that is not in place."""
    return f"{path}.conflict-{version}"


def is_aside(path: str) -> bool:
    """Tell whether a file was set aside by a merge; in any case, and with anything put behind its name."""
    return _ASIDE.fullmatch(path) is not None


def marked(yours: str, theirs: str, *, version: str, newline: str) -> str:
    """Return two candidates between marks; each is whole lines, or empty where it was removed."""
    first, middle = f"{YOURS}{newline}{yours}", f"{BETWEEN}{newline}{theirs}"
    return f"{first}{middle}{THEIRS}{version}{newline}"


def marked_names(data: bytes) -> tuple[str, ...]:
    """Return which variables of an env file are still between marks.

    A mark that stands alone, or around something else, is told by the number of its line.
    """
    found: dict[str, None] = {}
    marks = list(islice(_MARK.finditer(data), MOST_MARKS))
    for number, mark in enumerate(marks):
        after = marks[number + 1] if number + 1 < len(marks) else None
        names: tuple[str, ...] = ()
        if mark["yours"] and after is not None and not after["yours"]:
            names = tuple(_names(data[mark.end() : after.start()]))
        elif not mark["yours"] and number and marks[number - 1]["yours"]:
            continue  # the end of what was looked at with its beginning
        found |= dict.fromkeys(names or (f"line {_line_number(data, mark.start())}",))
    return tuple(found)


def _line_number(data: bytes, position: int) -> int:
    return len(re.findall(rb"\r\n|\r|\n", data[:position])) + 1


def _names(data: bytes) -> Iterator[str]:
    """Yield the variables of both candidates; none of what is no longer an assignment (attack 56)."""
    # Its package brings logging and tempfile along.
    from dotenv.parser import parse_stream

    halves = _BETWEEN.split(data.decode("utf-8", "replace"))
    bindings = [one for half in halves for one in parse_stream(io.StringIO(half))]
    if not any(one.error for one in bindings):
        yield from (one.key for one in bindings if one.key and one.value is not None and is_name(one.key))
