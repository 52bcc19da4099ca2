"""Loose objects: the file that git leaves for each blob that was added.

It is a zlib stream of `blob SIZE NUL content` (gitformat-loose). Git is asked about everything that is not
exactly that: it knows more places, and says what is broken.
"""

import posix
from zlib import decompressobj, error

_MOST = 64 * 1024  # bytes of the file: of more, git's own pieces take less memory
_MOST_CONTENT = 1024 * 1024
_LONGEST_HEAD = 32


def loose_blob(objects: str, blob: bytes) -> bytes | None:
    """Return the content of a blob, None where only git can tell."""
    name = blob.decode("ascii")
    try:
        descriptor = posix.open(f"{objects}/{name[:2]}/{name[2:]}", posix.O_RDONLY)
    except OSError:
        return None
    try:
        stream = posix.read(descriptor, _MOST)
    except OSError:
        return None
    finally:
        posix.close(descriptor)
    unpacker = decompressobj()
    try:
        said = unpacker.decompress(stream, _MOST_CONTENT)
    except error:
        return None
    end = said.find(b"\0", 0, _LONGEST_HEAD)
    if not unpacker.eof or unpacker.unused_data or said[:end] != b"blob %d" % (len(said) - end - 1):
        return None
    return said[end + 1 :]
