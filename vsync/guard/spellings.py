"""The ways one value may be written: as it is, in JSON, in a URL, in base64, as UTF-16."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

SHORTEST = 8  # bytes
# Everything is quoted, or what browsers, Python and form data leave as it is.
_SAFE = ("", "/", "!'()*~", "!'()*~/:?#[]@$&+,;=")


def spellings(value: str) -> set[bytes]:
    """Return every spelling of 8 bytes or more; line ends are LF in text, LF or CRLF in what is encoded."""
    found = {value.encode("utf-8", "surrogateescape")}
    wide = value.encode("utf-16-le", "surrogatepass")
    if max(value) <= "\xff":
        # Without its last byte, a zero, it stands in UTF-16 of either byte order.
        found.add(wide[:-1])
    else:
        found |= {wide, value.encode("utf-16-be", "surrogatepass")}
    for text in {value, value.replace("\n", "\r\n")}:
        data = text.encode("utf-8", "surrogateescape")
        found |= _in_json(text) | _in_urls(data) | in_base64(data)
        found |= in_base64(text.encode("utf-16-le", "surrogatepass"))
    # In a form, once `%XX` is undone (escapes.py).
    found.add(value.replace(" ", "+").encode("utf-8", "surrogateescape"))
    return {spelling for spelling in found if len(spelling) >= SHORTEST}


def _in_json(text: str) -> set[bytes]:
    spelled = {json.dumps(text, ensure_ascii=escaped)[1:-1] for escaped in (True, False)}
    spelled |= {one.replace("/", "\\/") for one in spelled}
    return {one.encode("utf-8", "surrogateescape") for one in spelled}


def _in_urls(data: bytes) -> set[bytes]:
    spelled = {quote(data, safe) for safe in _SAFE} | {quote_plus(data)}
    return {one.encode() for one in spelled} | {_lower_escapes(one) for one in spelled}


def _lower_escapes(quoted: str) -> bytes:
    head, *parts = quoted.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in parts)]).encode()


def in_base64(data: bytes) -> set[bytes]:
    """Return what base64 of any text around the value must contain, whatever surrounds it."""
    found = set()
    for shift in range(3):
        whole = b64encode(bytes(shift) + data)
        # Only characters all of whose six bits come from the value.
        stable = whole[-(-8 * shift // 6) : 8 * (shift + len(data)) // 6]
        found |= {stable, stable.translate(bytes.maketrans(b"+/", b"-_"))}
    return found
