"""What stands behind a header or a marker: whether it is a key, or a conflict inside ciphertext."""

from __future__ import annotations

from vsync.guard.content import HEADERS
from vsync.guard.findings import CONFLICT_MARKER, PRIVATE_KEY, Finding, findings_at

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

_PEM, _AGE, _PUTTY = HEADERS
_AGE_BODY = 58  # characters after the header, all of them upper-case Bech32
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
_BECH32 = frozenset(b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")
_SHORTEST_BODY = 16  # base64 characters in a row that make a header more than a mention
_CIPHERS = (
    *(b"encrypted:", b"ENC[AES256_GCM,", b"-----BEGIN AGE ENCRYPTED FILE-----"),
    *(b"age-encryption.org/v1", b"$ANSIBLE_VAULT;"),
)


def conflicts(data: bytes) -> list[Finding]:
    """Return the first conflict of a piece that has ciphertext in it; its end is known to be there."""
    begins = data.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in data
    if not begins or not any(cipher in data for cipher in _CIPHERS):
        return []
    line = data.count(b"\n", 0, data.find(b"<<<<<<< ")) + 1
    return [Finding(b"", line, CONFLICT_MARKER)]


def keys(data: bytes, header: bytes) -> list[Finding]:
    """Return the private keys that begin with this header."""
    return findings_at(data, _headers(data, header), PRIVATE_KEY)


def _headers(data: bytes, header: bytes) -> Iterator[tuple[int, tuple[str, str]]]:
    position = data.find(header)
    while position >= 0:
        if _IS_KEY[header](data, position):
            yield position, ("", "")
        position = data.find(header, position + len(header))


def _is_pem(data: bytes, position: int) -> bool:
    """Tell whether a key follows the words, so that code which only mentions the header passes."""
    begin = data.rfind(b"-----BEGIN ", max(0, position - 40), position)
    if begin < 0 or b"\n" in data[begin:position]:
        return False
    after = data[position + len(_PEM) : position + 600].removeprefix(b" BLOCK")
    if not after.startswith(b"-----"):
        return False
    body = after[5:].replace(b"\\n", b"\n").replace(b"\\r", b"\n")
    if b"Proc-Type:" in body[:40] or b"DEK-Info:" in body:
        return True
    run = 0
    for byte in body:
        run = run + 1 if byte in _BASE64 else 0
        if run == _SHORTEST_BODY:
            return True
    return False


def _is_age(data: bytes, position: int) -> bool:
    body = data[position + len(_AGE) : position + len(_AGE) + _AGE_BODY]
    return len(body) == _AGE_BODY and all(byte in _BECH32 for byte in body)


def _is_putty(data: bytes, position: int) -> bool:
    return b"Private-Lines:" in data[position : position + 8192]


_IS_KEY = {_PEM: _is_pem, _AGE: _is_age, _PUTTY: _is_putty}
