"""What the guard keeps of vault values: sealed under a key that lies outside the repository.

The key comes from `local_key` in the base folder (formats §8): neither the repository nor that
folder alone tells anything about a value. SHAKE256 of key and nonce is the key stream, SHA3-256
of key and ciphertext the tag: both are one call each and cheap to import, and a sponge needs
no HMAC round it.
"""

import posix

from vsync.guard.system import variable

try:
    from _sha3 import sha3_256, shake_256  # type: ignore[import-not-found]
except ImportError:  # an interpreter that is built in another way
    from hashlib import sha3_256, shake_256

MAGIC = b"VGI1"
NONCE = 16
TAG = 32
KEY = 32
MOST = 256 * 1024 * 1024  # bytes that are read of a sealed file


def local_key() -> bytes:
    """Return this machine's key, empty when there is none."""
    key = read_file(key_path(), KEY + 1)
    return key if len(key) == KEY else b""


def key_path() -> str:
    """Return where the key lies, empty when there is no place for one."""
    configured = variable(b"XDG_CONFIG_HOME")
    if not configured.startswith("/"):
        home = variable(b"HOME")
        if not home.startswith("/"):
            return ""
        configured = f"{home}/.config"
    return f"{configured}/vsync/local_key"


def read_file(path: str, most: int = MOST) -> bytes:
    """Return the content of a regular file, empty when it cannot be read."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_NOFOLLOW)
    except (OSError, ValueError):
        return b""
    try:
        with open(descriptor, "rb", buffering=0) as file:
            return file.read(min(most, posix.fstat(descriptor).st_size)) or b""
    except OSError:
        return b""


def name_of(kind: str, key: bytes) -> str:
    """Return the name of what this key has sealed: another key's is neither opened nor replaced."""
    return f"{kind}-{digest(b'vsync guard name' + key)[:6].hex()}" if key else ""


def opened(key: bytes, data: bytes) -> bytes | None:
    """Return what was sealed, None when it was not sealed with this key or not left alone."""
    body, tag = data[:-TAG], data[-TAG:]
    if not key or not body.startswith(MAGIC) or tag_of(key, body) != tag:
        return None
    start = len(MAGIC) + NONCE
    return masked(key, body[len(MAGIC) : start], body[start:])


def masked(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """Return the data under the key stream; twice is what it was."""
    size = len(data)
    stream: bytes = shake_256(b"vsync guard stream" + key + nonce).digest(size)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def tag_of(key: bytes, body: bytes) -> bytes:
    """Return what nobody without the key can write behind these bytes."""
    return digest(b"vsync guard tag" + key + body)


def digest(data: bytes) -> bytes:
    """Return SHA3-256."""
    made: bytes = sha3_256(data).digest()
    return made
