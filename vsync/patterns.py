"""Patterns that a committed file brings, held against values: whoever wrote them may be hostile (attack 84).

1. A pattern is short, has only what the standard library's `re` has too, and its counted
   repeats multiply to little: what `regex` needs memory for is bounded before it begins.
2. What can still take for ever is stopped by the clock.
"""

import re
import time
from collections.abc import Iterable
from typing import Protocol

from vsync.errors import ConfigError

MAX_PATTERN = 500  # characters
MAX_VALUE = 16 * 1024  # characters
MAX_COST = 5_000  # atoms, each counted as often as the repeats around it say
SECONDS = 0.25
TOTAL_SECONDS = 2.0
_TOKEN = re.compile(
    r"\\(?:p\{[^}]*\}|.)"  # an escape
    r"|\[\^?\]?(?:\\.|[^\\\]])*\]"  # a set
    r"|\{(?P<least>[0-9]{0,9})(?P<comma>,?)(?P<most>[0-9]{0,9})\}"
    r"|(?P<open>\((?!\?)|\(\?(?:[:=!]|<[=!]|P?<[A-Za-z_][A-Za-z0-9_]*>))"
    r"|(?P<flag>\A\(\?i\))"
    r"|(?P<close>\))"
    r"|(?P<repeat>[*+?])"
    r"|[^\\{\[(]",
    re.DOTALL,
)


class Unjudged(Exception):
    """A value that could not be held against the pattern: too long, or it took too long."""


class _Compiled(Protocol):
    def fullmatch(self, string: str, *, timeout: float) -> object: ...


class Patterns:
    """Compiles every pattern at once, and has one clock for all: a thousand slow ones are stopped, too."""

    def __init__(self, given: Iterable[tuple[str, str]]) -> None:
        """Take pairs of where a pattern stands and the pattern; ConfigError names the first that is none."""
        self._compiled = {text: compiled(text, where=where) for where, text in given}
        self._left = TOTAL_SECONDS

    def matches(self, pattern: str, value: str) -> bool:
        """Tell whether the pattern matches the whole value; Unjudged when that cannot be said in time."""
        if len(value) > MAX_VALUE or self._left <= 0:
            raise Unjudged
        began = time.monotonic()
        try:
            return bool(self._compiled[pattern].fullmatch(value, timeout=min(SECONDS, self._left)))
        except (TimeoutError, MemoryError):
            # Not chained: what went wrong is nobody's business but the pattern's.
            raise Unjudged from None
        finally:
            self._left -= time.monotonic() - began


def compiled(pattern: str, *, where: str) -> _Compiled:
    """Return a pattern ready to be used; ConfigError beginning with `where` if it is none, or too costly."""
    problem = _problem(pattern)
    if problem is None:
        # Only what has a schema with a pattern in it pays for the import.
        import regex

        try:
            made: _Compiled = regex.compile(pattern, regex.VERSION0)
        except (regex.error, RecursionError, OverflowError, ValueError):
            problem = "is not a regular expression"
        else:
            return made
    raise ConfigError(f"{where}: {problem}", hint="write it as for Python's re, and try it there")


def _problem(pattern: str) -> str | None:
    """Say why a pattern is not even compiled, or None."""
    if len(pattern) > MAX_PATTERN:
        return f"has more than {MAX_PATTERN} characters"
    costs, last, position = [0], 0, 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            return r"has something other than groups, sets and repeats; a { that is no repeat is written \{"
        position = token.end()
        if token["open"]:
            costs.append(0)
            last = 0
        elif token["close"]:
            if len(costs) == 1:
                return "is not a regular expression"
            last = costs.pop() + 1
            costs[-1] += last
        elif token["least"] is not None:
            times = max(int(token["least"] or 0), int(token["most"] or 0), 1)
            costs[-1] += last * (times - 1)
            last *= times
        elif not token["repeat"] and not token["flag"]:
            last = 1
            costs[-1] += 1
        if costs[-1] > MAX_COST:
            return "repeats too much: write smaller numbers between the braces"
    return None
