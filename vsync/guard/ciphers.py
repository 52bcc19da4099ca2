"""Files that are encrypted as a whole: age, OpenPGP, git-crypt and Ansible, told by a header with a body.

What a header does not cover is judged as ever: a plaintext file does not pass by beginning like ciphertext.
"""

from __future__ import annotations

import re

_BASE64_LINE = rb"[A-Za-z0-9+/=]{1,128}"
_ARMOR = re.compile(
    rb"-----BEGIN (AGE ENCRYPTED FILE|PGP MESSAGE)-----[ \t]*\r?\n"
    rb"(?:(?:Version|Comment|Hash|Charset|MessageID): [^\r\n]*\r?\n)*(?:[ \t]*\r?\n)?"
    rb"((?:" + _BASE64_LINE + rb"[ \t]*\r?\n)+)"
    # The end of a big file may lie in another piece of it.
    rb"(?:-----END \1-----[ \t]*(?:\r?\n|\Z)|\Z)"
)
_ANSIBLE = re.compile(rb"\A\$ANSIBLE_VAULT;[0-9.]+;AES256(?:;[^\r\n]*)?\r?\n(?:[0-9a-f]{2,80}\r?\n?)+")
_LEAST_BODY = 40  # characters of base64: nothing encrypted is shorter
_AGE = re.compile(
    rb"\Aage-encryption\.org/v1\n(?:-> [!-~ ]+\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)+"
    rb"--- [A-Za-z0-9+/]{43}\n"
)
_GIT_CRYPT = b"\0GITCRYPT\0"
# The packets that OpenPGP begins a message with: a session key for a public key, or for a passphrase, with
# their length in the old form and the new one, and the number of their version.
_PGP = re.compile(
    rb"\A(?:(?:\x84.|\x85..|\xc1(?:[\0-\xbf]|[\xc0-\xdf].))[\x03\x06]|(?:\x8c.|\xc3[\0-\xbf])[\x04\x05\x06])",
    re.DOTALL,
)


def without_ciphertext(data: bytes) -> tuple[bytes, bool]:
    """Return what is not encrypted, with all its lines, and whether the rest is binary ciphertext."""
    head = _AGE.match(data)
    if head is not None:
        return _blank(head[0]) + data[head.end() :], True
    if data.startswith(_GIT_CRYPT) or _PGP.match(data) is not None:
        return data, True
    if b"-----BEGIN " in data:
        data = _ARMOR.sub(_blank_armor, data)
    return _ANSIBLE.sub(lambda found: _blank(found[0]), data), False


def _blank_armor(found: re.Match[bytes]) -> bytes:
    return _blank(found[0]) if len(found[2]) >= _LEAST_BODY else found[0]


def _blank(data: bytes) -> bytes:
    return b"\n" * data.count(b"\n")
