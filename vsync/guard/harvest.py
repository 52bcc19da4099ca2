"""What counts as a value of a vault (product contract §6): read from its files, public ones left out."""

from __future__ import annotations

import json
import os
import re

from vsync.guard.envfile import assignments
from vsync.guard.index import is_nowhere, unreadable
from vsync.guard.paths import is_env_name

MAX_FILE_BYTES = 64 * 1024 * 1024
SHORTEST = 8  # characters
_SHORTEST_LINE = 20  # of a file or a value of several lines: what is shorter stands elsewhere by chance
_SHORTEST_IN_JSON = 16
_LONGEST = 64 * 1024
_SLICE = 48
_SLICES = 16
_LEAST_VARIETY = 12  # different bytes in a slice of a binary file, so that runs of zeros do not count

_NUMBER = re.compile(r"[-+]?[0-9][0-9_., ]*")
_MOST_DIGITS = 11
_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off", "enabled", "disabled", "enable", "disable"})
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?"
_HOST = re.compile(
    rf"(?:localhost|(?:{_LABEL}\.)+[a-z]{{2,18}}|(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}|\[[0-9a-f:]+\])(?::[0-9]{{1,5}})?"
)
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://([^/?#@\s]*)((?:/[^/?#@\s]*)*)", re.IGNORECASE)
_LONGEST_SEGMENT = 20
_POINTS = "north|south|east|west|central"
_AREAS = (
    f"{_POINTS}|us|uk|eu|asia|europe|africa|america|australia|brazil|canada|france|germany|india|israel|italy|"
    "japan|korea|mexico|norway|poland|qatar|spain|sweden|switzerland|uae"
)
_REGION = re.compile(
    # AWS and GCP with their zones, then Azure.
    rf"(?:[a-z]{{2}}|{_AREAS}|northamerica|southamerica)(?:-(?:gov|iso|isob|{_POINTS}|(?:{_POINTS})+))+-?[0-9]{{1,2}}"
    rf"(?:-?[a-z])?|(?:{_AREAS})+[0-9]?"
)
_CIPHERS = ("encrypted:", "ENC[AES256_GCM,")
_PUBLIC_BLOCKS = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*(?:CERTIFICATE|PUBLIC KEY)[A-Z ]*)-----.*?-----END \1-----", re.DOTALL
)


def is_public(value: str) -> bool:
    """Tell whether a value is plainly no secret."""
    text = value.strip()
    if len(text) < SHORTEST or text.lower() in _BOOLEANS or text.startswith(_CIPHERS):
        return True
    if _NUMBER.fullmatch(text):
        return sum(char.isdigit() for char in text) <= _MOST_DIGITS
    if text.startswith("${") and text.endswith("}"):
        return True
    return bool(_HOST.fullmatch(text) or _REGION.fullmatch(text)) or _is_public_url(text)


def _is_public_url(text: str) -> bool:
    found = _URL.fullmatch(text)
    if found is None:
        return False
    return all(len(segment) <= _LONGEST_SEGMENT for segment in found[2].split("/"))


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
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [(path, piece) for piece in _slices(data)]
    text = text.replace("\r\n", "\n")
    if is_env_name(name) or name.startswith(".env"):
        return [(one.name, part) for one in assignments(text) for part in _parts(one.value)]
    if "\0" in text:
        return [(path, piece) for piece in _slices(data)]
    if name.endswith(".json"):
        return [(path, part) for leaf in _leaves(text) for part in _parts(leaf)]
    return [(path, part) for part in _parts(_PUBLIC_BLOCKS.sub("", text))]


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


def _leaves(text: str) -> list[str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    found, waiting = [], [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and len(one) >= _SHORTEST_IN_JSON:
            found.append(one)
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
