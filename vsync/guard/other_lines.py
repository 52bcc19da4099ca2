"""Lines of an env file that are no assignments to python-dotenv, and are to a shell or another dotenv."""

from __future__ import annotations

import re

from vsync.guard.envfile import Assignment
from vsync.guard.names import is_name, looks_random

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

# As dotenv for JavaScript has it: a colon counts when white space follows.
_COLON = re.compile(r"(?:export\s+)?([\w.-]+):\s+(\S.*)")
# `export A SECRET=…`, `declare -x SECRET=…`, `readonly SECRET=…`: the last word before the sign is the name.
_WORD = re.compile(r"[^=#]*\s([A-Za-z_][A-Za-z0-9_]*)\+?=(\S.*)")
_URL_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@\S+", re.IGNORECASE)
_BARE = range(16, 4096)  # characters of a line that is one word, and no name
_MOST = 1024 * 1024  # characters: what is bigger is not written by hand, and its lines mean something else


def other_assignments(text: str, known: list[Assignment]) -> Iterator[Assignment]:
    """Give what is assigned in lines that are no assignments to python-dotenv, and secrets without a name."""
    taken = {one.line + more for one in known for more in range(one.text.count("\n") + 1)}
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        words = line.strip()
        if number in taken or not words or words.startswith("#"):
            continue
        found = _COLON.fullmatch(words) or _WORD.fullmatch(words)
        if found is not None:
            yield Assignment(number, found[1], _bare_value(found[2]), line)
        elif len(text) <= _MOST and _is_secret(words):
            yield Assignment(number, "", words, line)


def _bare_value(raw: str) -> str:
    value = raw.partition(" #")[0].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        return value[1:-1]
    return "" if value.startswith("#") else value


def _is_secret(word: str) -> bool:
    if _URL_WITH_PASSWORD.fullmatch(word):
        return True
    if len(word) not in _BARE or not word.isascii() or any(char.isspace() for char in word):
        return False
    return not is_name(word) and looks_random(word) and "/" not in word[:2] and "://" not in word


def is_written(text: str) -> bool:
    """Tell whether a line was written by somebody, and is not what ciphertext happens to look like."""
    return "\ufffd" not in text and text.replace("\t", " ").isprintable()
