"""Env files, read as python-dotenv reads them, with line numbers and without `re`.

Where python-dotenv gives up on a line, such as an open quote, the text is taken as it
stands: what might be a value is judged as one.
"""

from __future__ import annotations

from vsync.guard.findings import ALLOW, ENV_PLAINTEXT, MOST_PER_FILE, Finding

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEST_WRITTEN = 4  # characters of a value between bytes that are ciphertext
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CIPHERS = ("encrypted:", "ENC[AES256_GCM,", "-----BEGIN AGE ENCRYPTED FILE-----")
_CLEAR_BESIDE_CIPHERS = ("DOTENV_PUBLIC_KEY", "DOTENV_VAULT_", "sops_")


class Assignment:
    """`NAME=value`: `line` counts from 1, `value` is what a program gets, `text` the lines as written."""

    __slots__ = ("line", "name", "text", "value")

    def __init__(self, line: int, name: str, value: str, text: str) -> None:
        self.line = line
        self.name = name
        self.value = value
        self.text = text

    @property
    def is_plain(self) -> bool:
        """Whether the value is neither empty, nor encrypted, nor only a reference to another."""
        return bool(self.value) and not self.value.startswith(_CIPHERS) and not is_reference(self.value)


def plain_findings(data: bytes) -> list[Finding]:
    """Return a finding for every value that is readable, allowed when its line says so."""
    from vsync.guard.ciphers import without_ciphertext

    stopped: list[Finding] = []
    allowed: list[Finding] = []
    clear, binary = without_ciphertext(data)
    for one in _plain(clear.decode("utf-8", "replace"), binary=binary):
        finding = Finding(b"", one.line, ENV_PLAINTEXT, one.name)
        if ALLOW.decode() in one.text:
            finding.reason = "allowed on the line"
        (allowed if finding.reason else stopped).append(finding)
    # Only now: no number of allowed ones may hide another.
    return sorted(stopped[:MOST_PER_FILE] + allowed[:MOST_PER_FILE], key=lambda finding: finding.line)


def _plain(text: str, *, binary: bool) -> list[Assignment]:
    from vsync.guard.names import is_name
    from vsync.guard.other_lines import is_written

    found = plain_assignments(text)
    if not binary:
        return found
    # Any byte stands in ciphertext, also a line feed before a sign of equality.
    return [
        one
        for one in found
        if (is_name(one.name) or not one.name)
        and len(one.value) >= _SHORTEST_WRITTEN
        and is_written(one.text)
    ]


def plain_assignments(text: str) -> list[Assignment]:
    """Return the assignments whose values are readable by everybody who gets the file."""
    from vsync.guard.other_lines import other_assignments

    found = list(assignments(text))
    found = sorted([*found, *other_assignments(text, found)], key=lambda one: one.line)
    plain = [one for one in found if one.is_plain]
    if len(plain) < len(found) and plain:
        # Public keys and sums stand in the clear in what dotenvx, dotenv-vault and SOPS encrypted.
        encrypted = any(one.value.startswith(_CIPHERS) for one in found)
        return [one for one in plain if not (encrypted and one.name.startswith(_CLEAR_BESIDE_CIPHERS))]
    return [one for one in plain if not one.name.startswith("DOTENV_PUBLIC_KEY")]


def assignments(text: str) -> Iterator[Assignment]:
    """Give every `NAME=value` of an env file."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    position, line, end = 0, 1, len(text)
    while position < end:
        start = position
        stop = _line_end(text, position)
        found = _name(text[start:stop])
        if found is None:
            position = stop + 1
        else:
            name, offset = found
            value, stop = _value(text, start + offset, stop)
            yield Assignment(line, name, value, text[start:stop])
            position = stop + 1
        line += text.count("\n", start, min(position, end))


def _line_end(text: str, position: int) -> int:
    stop = text.find("\n", position)
    return len(text) if stop < 0 else stop


def _name(line: str) -> tuple[str, int] | None:
    """Return the name and where its value begins, None when the line assigns nothing."""
    rest = line.lstrip()
    if rest.startswith("export") and rest[6:7].isspace():
        rest = rest[6:].lstrip()
    closing = rest.find("'", 1) if rest.startswith("'") else -1
    if closing > 1:
        name, after = rest[1:closing], rest[closing + 1 :].lstrip()
        found = after.startswith("=")
        after = after[1:]
    else:
        name, equals, after = rest.partition("=")
        name, found = name.strip(), bool(equals)
        if "#" in name or len(name.split()) != 1:
            return None
    if not found:
        return None
    value = after.lstrip()
    if value.startswith("#") and value != after:
        return name, len(line)  # a comment behind nothing
    return name, len(line) - len(value)


def _value(text: str, start: int, stop: int) -> tuple[str, int]:
    """Return the value and where the line it ends on ends."""
    quote = text[start : start + 1]
    if quote in ("'", '"') and quote:
        closing = _closing(text, start + 1, quote)
        if closing >= 0:
            return _unescaped(text[start + 1 : closing], quote), _line_end(text, closing)
    raw = text[start:stop]
    comment = _comment(raw)
    return (raw[:comment] if comment >= 0 else raw).strip(), stop


def _closing(text: str, position: int, quote: str) -> int:
    """Return where the quote closes, -1 when it does not; a backslash escapes what follows it."""
    while True:
        found = text.find(quote, position)
        escape = text.find("\\", position, found) if found >= 0 else -1
        if escape < 0:
            return found
        position = escape + 2


def _comment(raw: str) -> int:
    position = raw.find("#")
    while position > 0:
        if raw[position - 1].isspace():
            return position
        position = raw.find("#", position + 1)
    return -1


def _unescaped(raw: str, quote: str) -> str:
    if "\\" not in raw:
        return raw
    taken, position = [], 0
    while position < len(raw):
        char, after = raw[position], raw[position + 1 : position + 2]
        if (
            char == "\\"
            and after
            and (after in ("\\", "'") or after == quote or (quote == '"' and after in _ESCAPES))
        ):
            taken.append(_ESCAPES.get(after, after) if quote == '"' else after)
            position += 2
        else:
            taken.append(char)
            position += 1
    return "".join(taken)


def is_reference(value: str) -> bool:
    """Tell whether a value is `${NAME}` or `$NAME`, and nothing else."""
    if value.startswith("${") and value.endswith("}"):
        inner = value[2:-1]
        # A default may be a secret: `${NAME:-hunter2}` is no reference alone.
        return _is_name(inner)
    return value.startswith("$") and _is_name(value[1:])


def _is_name(text: str) -> bool:
    return bool(text) and text.isascii() and text.replace("_", "a").isalnum() and not text[0].isdigit()
