"""Rules about what stands in a file, whatever its name: keys by their header, markers in ciphertext.

Everything is a search for fixed bytes first, so that a file without them costs one pass.
"""

from __future__ import annotations

from vsync.guard.findings import CONFLICT_MARKER, ENV_PLAINTEXT, PRIVATE_KEY, Finding

ALLOW = b"vsync:allow"
MOST_PER_FILE = 100
"""Findings of one rule that are named in one file; more say nothing new."""

_PEM = b"PRIVATE KEY"
_AGE = b"AGE-SECRET-KEY-1"
_AGE_BODY = 58  # characters after the header, all of them upper-case Bech32
_PUTTY = b"PuTTY-User-Key-File-"
_HEADERS = (_PEM, _AGE, _PUTTY)
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
_BECH32 = frozenset(b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")
_SHORTEST_BODY = 16  # base64 characters in a row that make a header more than a mention
_CIPHERS = (
    *(b"encrypted:", b"ENC[AES256_GCM,", b"-----BEGIN AGE ENCRYPTED FILE-----"),
    *(b"age-encryption.org/v1", b"$ANSIBLE_VAULT;"),
)


def as_bytes(data: bytes) -> bytes:
    """Return UTF-16 text as UTF-8, anything else as it is."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    # PowerShell and resource files leave the mark out: every second byte is then mostly zero.
    start = data[:512]
    zeros = start.count(0)
    if zeros * 5 > len(start) * 2 > 16:  # noqa: PLR2004 - two fifths of at least nine bytes
        little = start[1::2].count(0) > start[::2].count(0)
        return data.decode("utf-16-le" if little else "utf-16-be", "replace").encode("utf-8", "replace")
    return data


def judge_content(data: bytes, *, is_env: bool) -> list[Finding]:
    """Return what is wrong with a piece of a file, as UTF-8; paths are put in by the caller."""
    found: list[Finding] = []
    for header in _HEADERS:
        if header in data:
            found += _keys(data, header)
    if b"\n>>>>>>> " in data and _has_conflict(data):
        line = data.count(b"\n", 0, data.find(b"<<<<<<< ")) + 1
        found.append(Finding(b"", line, CONFLICT_MARKER))
    if is_env:
        found += _env(data)
    return found


def _env(data: bytes) -> list[Finding]:
    from vsync.guard.envfile import plain_assignments

    found = []
    for one in plain_assignments(data.decode("utf-8", "replace"))[:MOST_PER_FILE]:
        finding = Finding(b"", one.line, ENV_PLAINTEXT, one.name)
        if ALLOW.decode() in one.text:
            finding.reason = "allowed on the line"
        found.append(finding)
    return found


def _has_conflict(data: bytes) -> bool:
    begins = data.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in data
    return begins and any(cipher in data for cipher in _CIPHERS)


def _keys(data: bytes, header: bytes) -> list[Finding]:
    found: list[Finding] = []
    position = data.find(header)
    while position >= 0 and len(found) < MOST_PER_FILE:
        if _IS_KEY[header](data, position):
            found.append(finding_at(data, position, PRIVATE_KEY))
        position = data.find(header, position + len(header))
    return found


def finding_at(data: bytes, position: int, rule: str, name: str = "", vault: str = "") -> Finding:
    """Return a finding for an offset, allowed when its line says so."""
    finding = Finding(b"", data.count(b"\n", 0, position) + 1, rule, name, vault)
    start = data.rfind(b"\n", 0, position) + 1
    stop = data.find(b"\n", position)
    if ALLOW in data[start : stop if stop >= 0 else len(data)]:
        finding.reason = "allowed on the line"
    return finding


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
