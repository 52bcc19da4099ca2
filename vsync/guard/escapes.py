r"""Undoing `%XX` and `\uXXXX` before values are looked for: there are too many ways to write one with them.

Line ends stay escaped, so that a line is the same line before and after.
"""

_HEX = b"0123456789abcdefABCDEF"
_LINE_ENDS = (10, 13)


def readings(data: bytes) -> list[bytes]:
    """Return the text as it is, and as URLs, JSON and both of them mean it where that is something else."""
    found = [data]
    if b"%" in data:
        found.append(_from_url(data))
    if b"\\u" in data or b"\\/" in data:
        found += [_from_json(one) for one in found]
    return [one for number, one in enumerate(found) if one not in found[:number]]


def _from_url(data: bytes) -> bytes:
    first, *parts = data.split(b"%")
    table = _table()
    found = [first]
    for part in parts:
        byte = table.get(part[:2])
        found += (b"%", part) if byte is None else (byte, part[2:])
    return b"".join(found)


def _table() -> dict[bytes, bytes]:
    pairs = (bytes((high, low)) for high in _HEX for low in _HEX)
    return {pair: bytes((int(pair, 16),)) for pair in pairs if int(pair, 16) not in _LINE_ENDS}


def _from_json(data: bytes) -> bytes:
    first, *parts = data.split(b"\\")
    found = [first]
    high = 0
    parts_left = iter(parts)
    for part in parts_left:
        code = _code(part)
        if 0xD800 <= code < 0xDC00 and len(part) == 5:  # noqa: PLR2004 - the first of two halves
            high = code
            continue
        if high and 0xDC00 <= code < 0xE000:  # noqa: PLR2004 - the second
            code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00
        high = 0
        if code >= 0:
            found += (chr(code).encode("utf-8", "replace"), part[5:])
        elif part[:1] in (b'"', b"/"):
            found.append(part)
        elif not part:  # a backslash that is escaped; what follows it is text
            found += (b"\\", next(parts_left, b""))
        else:
            found += (b"\\", part)
    return b"".join(found)


def _code(part: bytes) -> int:
    """Return the character of `uXXXX`, -1 where there is none."""
    if part[:1] != b"u" or len(part) < 5 or part[1:5].strip(_HEX):  # noqa: PLR2004 - `u` and four digits
        return -1
    code = int(part[1:5], 16)
    return -1 if code in _LINE_ENDS else code
