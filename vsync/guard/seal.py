"""What the guard keeps of vault values: sealed under a key that lies outside the repository.

The key comes from `local_key` in the base folder (formats §8): neither the repository nor that
folder alone tells anything about a value. SHAKE256 of key and nonce is the key stream, SHA3-256
of key and ciphertext the tag: both are one call each and cheap to import, and a sponge needs
no HMAC round it.
"""

from __future__ import annotations

import os

try:
    from _sha3 import sha3_256, shake_256  # type: ignore[import-not-found]
except ImportError:  # an interpreter that is built in another way
    from hashlib import sha3_256, shake_256

_MAGIC = b"VGI1"
_NONCE = 16
_TAG = 32
_KEY = 32
MOST = 256 * 1024 * 1024  # bytes that are read of a sealed file


def local_key(*, make: bool = False) -> bytes:
    """Return this machine's key, empty when there is none; `make` creates it where that is possible."""
    path = _key_path()
    key = read_file(path, _KEY + 1)
    if len(key) == _KEY or not make or not path:
        return key if len(key) == _KEY else b""
    beside = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, os.urandom(_KEY))
            os.fsync(descriptor)
            # Unlike a rename, a link does not replace the key that another process made first.
            os.link(beside, path)
        finally:
            os.close(descriptor)
            os.unlink(beside)
    except OSError:
        pass
    key = read_file(path, _KEY + 1)
    return key if len(key) == _KEY else b""


def _key_path() -> str:
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    if not configured.startswith("/"):
        home = os.environ.get("HOME", "")
        if not home.startswith("/"):
            return ""
        configured = os.path.join(home, ".config")
    return os.path.join(configured, "vsync", "local_key")


def read_file(path: str, most: int = MOST) -> bytes:
    """Return the content of a regular file, empty when it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (OSError, ValueError):
        return b""
    try:
        with open(descriptor, "rb", buffering=0) as file:
            return file.read(most) or b""
    except OSError:
        return b""


def sealed(key: bytes, data: bytes) -> bytes:
    """Encrypt and authenticate."""
    nonce = os.urandom(_NONCE)
    body = _MAGIC + nonce + _masked(key, nonce, data)
    return body + _tag(key, body)


def opened(key: bytes, data: bytes) -> bytes | None:
    """Return what was sealed, None when it was not sealed with this key or not left alone."""
    body, tag = data[:-_TAG], data[-_TAG:]
    if not key or not body.startswith(_MAGIC) or _tag(key, body) != tag:
        return None
    start = len(_MAGIC) + _NONCE
    return _masked(key, body[len(_MAGIC) : start], body[start:])


def _masked(key: bytes, nonce: bytes, data: bytes) -> bytes:
    size = len(data)
    stream: bytes = shake_256(b"vsync guard stream" + key + nonce).digest(size)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def _tag(key: bytes, body: bytes) -> bytes:
    tag: bytes = sha3_256(b"vsync guard tag" + key + body).digest()
    return tag
