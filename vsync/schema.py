"""What the variables of a vault must look like: `[vault.schema]` as values and rules.

A violation names the variable and says what was expected. It never holds the value, nor how
long it is, nor where it goes wrong. Values are judged as they are written; an empty one counts
as not set.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vsync.model import Kind, Rule
from vsync.patterns import Patterns, Unjudged

_MAX_SHOWN_ALLOWED = 10
_INT = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_HIGHEST_PORT = 65535
_BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no", "on", "off"})
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_EMAIL = re.compile(rf"[^@\s\"(),:;<>\[\]\\]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{0,10}}")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,60}):(//[^/?#]*)?(.*)")
_WITH_HOST = frozenset({"http", "https", "ws", "wss"})


@dataclass(frozen=True, slots=True)
class Violation:
    """A variable that is not what its rule says; `problem` completes a sentence about it."""

    variable: str
    problem: str


def violations(
    schema: tuple[Rule, ...], env: Mapping[str, str | None], *, environment: str | None = None
) -> tuple[Violation, ...]:
    """Return what of `env` breaks the rules for this environment, in the order of the schema.

    Raises ConfigError for a pattern that is none, even if no variable needs it.
    """
    applied = [rule for rule in schema if not rule.environments or environment in rule.environments]
    patterns = Patterns(
        (f"{rule.where} pattern", rule.pattern) for rule in schema if rule.pattern is not None
    )
    judged = ((rule.variable, _problem(rule, env, patterns)) for rule in applied)
    return tuple(Violation(variable, problem) for variable, problem in judged if problem)


def required_names(schema: tuple[Rule, ...], *, environment: str | None = None) -> tuple[str, ...]:
    """Return the variables that the schema requires in this environment."""
    return tuple(
        rule.variable
        for rule in schema
        if rule.required and (not rule.environments or environment in rule.environments)
    )


def _problem(rule: Rule, env: Mapping[str, str | None], patterns: Patterns) -> str | None:
    value = env.get(rule.variable)
    if not value:
        what = "has no value" if rule.variable in env else "is missing"
        return f"is required and {what}" if rule.required else None
    if rule.allowed and value not in rule.allowed:
        return f"is not one of: {_listed(rule.allowed)}"
    if rule.pattern is not None:
        return _unmatched(rule.pattern, value, patterns)
    if rule.kind is None or _LOOKS[rule.kind](value):
        return None
    return f"is not {_CALLED[rule.kind]}"


def _unmatched(pattern: str, value: str, patterns: Patterns) -> str | None:
    try:
        return None if patterns.matches(pattern, value) else "does not match its pattern"
    except Unjudged:
        return "could not be judged by its pattern in time"


def _listed(allowed: tuple[str, ...]) -> str:
    more = len(allowed) - _MAX_SHOWN_ALLOWED
    shown = ", ".join(text[:80] for text in allowed[:_MAX_SHOWN_ALLOWED])
    return f"{shown} and {more} more" if more > 0 else shown


def _is_url(value: str) -> bool:
    # Java writes the driver before the URL: jdbc:postgresql://host/db.
    value = value.removeprefix("jdbc:")
    found = _URL.fullmatch(value) if value.isprintable() and " " not in value else None
    if found is None:
        return False
    scheme, authority, path = found[1].lower(), found[2] or "", found[3]
    host = authority.removeprefix("//").rpartition("@")[2]
    if host and not host.startswith(":"):
        return True
    return scheme not in _WITH_HOST and path.startswith("/")


def _is_port(value: str) -> bool:
    return _PORT.fullmatch(value) is not None and int(value) <= _HIGHEST_PORT


_LOOKS: dict[Kind, Callable[[str], bool]] = {
    Kind.URL: _is_url,
    Kind.INT: lambda value: _INT.fullmatch(value) is not None,
    Kind.BOOL: lambda value: value.lower() in _BOOLEANS,
    Kind.PORT: _is_port,
    Kind.EMAIL: lambda value: _EMAIL.fullmatch(value) is not None,
}
_CALLED = {
    Kind.URL: "a URL with a scheme, and a host or an absolute path",
    Kind.INT: "a whole number",
    Kind.BOOL: "one of true, false, yes, no, on, off, 1, 0",
    Kind.PORT: "a port, 1 to 65535",
    Kind.EMAIL: "an e-mail address",
}
