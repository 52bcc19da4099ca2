"""Sealing, and the key for it: the half of seal.py that runs only when something changed."""

from __future__ import annotations

import os

from vsync.guard.seal import KEY, MAGIC, NONCE, key_path, local_key, masked, tag_of


def make_key() -> bytes:
    """Return this machine's key, made now where there was none; empty when it cannot be kept."""
    path = key_path()
    key = local_key()
    if key or not path:
        return key
    beside = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, os.urandom(KEY))
            os.fsync(descriptor)
            # Unlike a rename, a link does not replace the key that another process made first.
            os.link(beside, path)
        finally:
            os.close(descriptor)
            os.unlink(beside)
    except OSError:
        pass
    return local_key()


def sealed(key: bytes, data: bytes) -> bytes:
    """Encrypt and authenticate."""
    nonce = os.urandom(NONCE)
    body = MAGIC + nonce + masked(key, nonce, data)
    return body + tag_of(key, body)
