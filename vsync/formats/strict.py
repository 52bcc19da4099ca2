"""Reading JSON and base64 that somebody else wrote: one spelling, bounded, no surprises."""

import base64
import binascii
import json
import math
import re
import zlib
from typing import Any, NoReturn, TypeVar

from vsync.errors import IntegrityError

T = TypeVar("T")
HEX64 = re.compile(r"[0-9a-f]{64}")
HEX16 = re.compile(r"[0-9a-f]{16}")


def load_object(text: bytes | str, what: str, *, floats: bool = False) -> dict[str, Any]:
    """Parse a JSON object; duplicate keys, floats and NaN are refused (formats §4).

    `floats` lets finite ones pass, for files in which other writers keep keys of their own.
    Raises IntegrityError, which names `what` and never quotes the content.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(
            text,
            parse_float=_finite if floats else _refuse,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
        # A lone surrogate parses, but can be neither stored nor shown.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        # Not chained: the parser's exception holds the whole document, secrets included.
        raise IntegrityError(f"{what} is not valid") from None
    if not isinstance(value, dict):
        raise IntegrityError(f"{what} is not valid")
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def dump_canonical(value: dict[str, Any]) -> bytes:
    """Return the one spelling of a JSON object that our formats use (formats §4)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode_base64(text: bytes, what: str) -> bytes:
    """Decode standard base64 in its one canonical spelling; IntegrityError otherwise."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityError(f"{what} is not valid base64") from error
    if base64.b64encode(data) != text:
        raise IntegrityError(f"{what} is not canonical base64")
    return data


def gunzip(data: bytes, what: str, *, limit: int) -> bytes:
    """Decompress one gzip member of at most `limit` bytes; IntegrityError otherwise."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise IntegrityError(f"{what} is not valid gzip") from error
    if len(plain) > limit:
        raise IntegrityError(f"{what} unpacks to more than {limit} bytes")
    if not stream.eof or stream.unused_data:
        raise IntegrityError(f"{what} is not valid gzip")
    return plain


class Fields:
    """Typed access to the keys of a JSON object; IntegrityError names the key, never its value."""

    def __init__(self, values: dict[str, Any], what: str) -> None:
        self.values = values
        self.what = what

    def text(self, key: str) -> str:
        """Return a required string."""
        return self._typed(key, str)

    def optional_text(self, key: str) -> str | None:
        """Return a string, or None when the key is absent or null."""
        return None if self.values.get(key) is None else self._typed(key, str)

    def nullable_text(self, key: str) -> str | None:
        """Return a string or None; the key must be there, if only with null."""
        if key not in self.values:
            self.refuse(key)
        return self.optional_text(key)

    def shaped(self, key: str, shape: re.Pattern[str]) -> str:
        """Return a required string that the pattern matches as a whole."""
        value = self.text(key)
        if not shape.fullmatch(value):
            self.refuse(key)
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """Return a required integer in `low`…`high`."""
        value = self._typed(key, int)
        if not low <= value <= high:
            self.refuse(key)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a boolean, or the default when the key is absent."""
        return default if key not in self.values else self._typed(key, bool)

    def table(self, key: str) -> "Fields":
        """Return a required object."""
        return Fields(self._typed(key, dict), f"{self.what}.{key}")

    def optional_table(self, key: str) -> "Fields":
        """Return an object, empty when the key is absent."""
        return Fields(self._typed(key, dict) if key in self.values else {}, f"{self.what}.{key}")

    def tables(self, key: str) -> "list[Fields]":
        """Return a list of objects, empty when the key is absent."""
        rows = self._typed(key, list) if key in self.values else []
        if not all(isinstance(row, dict) for row in rows):
            self.refuse(key)
        return [Fields(row, f"{self.what}.{key}") for row in rows]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, empty when the key is absent."""
        rows = self._typed(key, list) if key in self.values else []
        if not all(isinstance(row, str) for row in rows):
            self.refuse(key)
        return tuple(rows)

    def refuse(self, key: str) -> NoReturn:
        """Raise the error that names the key."""
        raise IntegrityError(f"{self.what}: {key!r} is missing or wrong")

    def _typed(self, key: str, kind: type[T]) -> T:
        value = self.values.get(key)
        # bool is an int to isinstance, and not to us.
        if type(value) is not kind:
            self.refuse(key)
        return value
