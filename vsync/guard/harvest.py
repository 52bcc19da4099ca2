"""What counts as a value of a vault (product contract §6): read from its files, public ones left out."""

from __future__ import annotations

import json
import os
import re

from vsync.guard.content import as_bytes
from vsync.guard.envfile import Assignment, assignments
from vsync.guard.index import is_nowhere, unreadable
from vsync.guard.paths import is_env_name
from vsync.guard.public import SHORTEST, is_public

MAX_FILE_BYTES = 64 * 1024 * 1024
_SHORTEST_LINE = 20  # of a file or a value of several lines: what is shorter stands elsewhere by chance
_LONGEST = 64 * 1024
_SLICE = 48
_SLICES = 16
_LEAST_VARIETY = 12  # different bytes in a slice of a binary file, so that runs of zeros do not count
_PUBLIC_BLOCKS = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*(?:CERTIFICATE|PUBLIC KEY)[A-Z ]*)-----.*?-----END \1-----", re.DOTALL
)
_BACKTICKS = re.compile(r"^[^\S\n]*(?:export\s+)?([^\s=#`]+)[^\S\n]*=[^\S\n]*`([^`]*)`", re.MULTILINE)
_QUOTED = re.compile(r"""(["'`])((?:\\.|(?!\1)[^\\\n])*)\1""")
_ESCAPED = re.compile(r"""\\([$`"'\\!])""")
_SETTING = re.compile(
    r"""^[^\S\n]*(?:-[^\S\n]+)?(?:export\s+)?["']?([\w./$-]{1,80})["']?[^\S\n]*(?::|=>?|:=)(?![/:=])[^\S\n]*(\S.*)$""",
    re.MULTILINE,
)
_COMMENT = re.compile(r"\s+(?:#|;|//).*$")


def values_of_folder(folder: str, files: list[str], public: frozenset[str]) -> list[tuple[str, str]]:
    """Return (name, value) for every value in the files, paths below the folder."""
    found: dict[tuple[str, str], None] = {}
    for path in files:
        data = _content(folder, path)
        for name, value in _values(path, data):
            if name not in public and not is_public(value) and _is_encodable(value):
                found[name, value] = None
    return list(found)


def _content(folder: str, path: str) -> bytes:
    """Return the content of a file of the vault, empty when it is gone; CannotLook when it cannot be read."""
    try:
        descriptor = os.open(os.path.join(folder, path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        if is_nowhere(error):
            return b""
        raise unreadable(os.path.join(folder, path), error) from error


def _is_encodable(value: str) -> bool:
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, from an escape in JSON
        return False
    return True


def _values(path: str, data: bytes) -> list[tuple[str, str]]:
    name = path.rpartition("/")[2].lower()
    is_env = is_env_name(name) or name.startswith(".env")
    text = (as_bytes(data) if is_env else data).decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n")
    is_text = is_env or "\0" not in text
    found: list[tuple[str, str]] = []
    if not is_text or not (is_env or _is_encoded(data)):
        found += [(path, piece) for piece in _slices(data)]
    if not is_text:
        return found
    if name.endswith(".json"):
        leaves = _leaves(text)
        if leaves is None:  # JSON with comments, or half of it: every text in it may be one
            leaves = [inner for _, inner in _QUOTED.findall(text)]
        else:
            text = ""
        found += [(path, part) for leaf in leaves for part in _parts(leaf)]
    if not is_env:
        text = _PUBLIC_BLOCKS.sub("", text)
        found += [(path, part) for part in _parts(text)]
        found += _settings(text)
    # An env file may have any name: a mapping says which.
    return found + _variables(text)


def _is_encoded(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _variables(text: str) -> list[tuple[str, str]]:
    """Return what shells, Python and JavaScript take for the values of an env file, and how it is written."""
    found = [
        (one.name, part) for one in assignments(text) for value in _readings(one) for part in _parts(value)
    ]
    return found + [(name, part) for name, value in _BACKTICKS.findall(text) for part in _parts(value)]


def _readings(one: Assignment) -> list[str]:
    found = [one.value]
    written = one.text.partition("=")[2].strip()
    quoted = _QUOTED.match(written)
    if quoted:
        found += [quoted[2], _ESCAPED.sub(r"\1", quoted[2])]
    else:
        # A `;` ends it for a shell, a `#` for JavaScript.
        found += [one.value.rstrip(";"), one.value.partition("#")[0]]
        found.append(_ESCAPED.sub(r"\1", one.value))
    return found


def _settings(text: str) -> list[tuple[str, str]]:
    """Return the values of `key: value` and `key = value`, as YAML, TOML, INI and properties have them."""
    found = []
    for name, raw in _SETTING.findall(text):
        value = raw.rstrip()
        quoted = [_ESCAPED.sub(r"\1", inner) for _, inner in _QUOTED.findall(value)]
        if not quoted or value[0] not in "\"'`[{":
            bare = _COMMENT.sub("", value)
            quoted += [bare, bare.rstrip(",;")]
        found += [(name, part) for one in dict.fromkeys(quoted) for part in _parts(one)]
    return found


def _parts(value: str) -> list[str]:
    """Return a value, and the long lines of one that has several: each of them is a secret too."""
    whole = value.strip()
    parts = [whole] if SHORTEST <= len(whole) <= _LONGEST else []
    if "\n" in whole:
        lines = (line.strip() for line in whole.split("\n"))
        parts += [
            line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith(("-----", "#"))
        ]
    return parts


def _leaves(text: str) -> list[str] | None:
    """Return the texts and numbers of a JSON document without its keys, None when it is not one."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found, waiting = [], [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str | int | float):
            found.append(str(one))
    return found


def _slices(data: bytes) -> list[str]:
    """Return pieces of a binary file that are found wherever the file or a part of it turns up."""
    found = []
    step = max(len(data) // _SLICES, _SLICE)
    for start in range(0, max(len(data) - _SLICE + 1, 1), step):
        piece = data[start : start + _SLICE]
        if len(piece) >= SHORTEST and len(set(piece)) >= min(_LEAST_VARIETY, len(piece)):
            found.append(piece.decode("utf-8", "surrogateescape"))
    return found
