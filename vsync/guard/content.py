"""Rules about what stands in a file, whatever its name: keys by their header, markers in ciphertext.

Everything is a search for fixed bytes first, so that a file without them costs one pass.
"""

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from vsync.guard.findings import Finding

HEADERS = (b"PRIVATE KEY", b"AGE-SECRET-KEY-1", b"PuTTY-User-Key-File-")
_MARKER = b"\n>>>>>>> "


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


def judge_content(data: bytes, *, is_env: bool) -> "list[Finding]":
    """Return what is wrong with a piece of a file, as UTF-8; paths are put in by the caller."""
    found: list[Finding] = []
    for header in HEADERS:
        if header in data:
            from vsync.guard.material import keys

            found += keys(data, header)
    if _MARKER in data:
        from vsync.guard.material import conflicts

        found += conflicts(data)
    if is_env:
        from vsync.guard.envfile import plain_findings

        found += plain_findings(data)
    return found
