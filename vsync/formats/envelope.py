"""Envelope `RQE1`: AES-256-GCM with a fresh nonce (formats §1).

    0..3 "RQE1" · 4..15 nonce · 16.. ciphertext, its last 16 bytes the tag

1. Checks run in the order of the format: length, magic, version, tag.
2. Nothing decrypted is handed out before the tag of the whole was verified.
3. Writing is one pass with flat memory. Reading verifies in one pass; after that any part
   is decrypted on its own by its counter, so no plaintext copy is ever needed.

cryptography is imported at its first use: many modules need what stands here for its types,
and a verb without a key must not wait for it.
"""

import io
import os
from dataclasses import dataclass
from typing import Any, BinaryIO

from vsync.errors import IntegrityError, KeyUnavailable, UnsupportedVersion, WrongKey

ITERATIONS = 600_000
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
HEADER_BYTES = 4 + NONCE_BYTES
OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES
BLOCK_BYTES = 16
BUFFER_BYTES = 1024 * 1024


def derive(password: str, salt: str, *, iterations: int = ITERATIONS) -> bytes:
    """Return the 32-byte key of a password and a salt text (PBKDF2-HMAC-SHA256, formats §1.1).

    Raises KeyUnavailable when either text holds bytes that are not UTF-8.
    """
    try:
        secret, salted = password.encode(), salt.encode()
    except UnicodeEncodeError:
        # Not chained: the exception holds the whole password.
        raise KeyUnavailable("the key, the passphrase or its salt is not valid UTF-8") from None
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    return PBKDF2HMAC(hashes.SHA256(), KEY_BYTES, salted, iterations).derive(secret)


def seal(key: bytes, plaintext: bytes) -> bytes:
    """Return the envelope of a small plaintext under a fresh random nonce."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return b"RQE1" + nonce + AESGCM(key).encrypt(nonce, plaintext, None)


def open_sealed(key: bytes, data: bytes) -> bytes:
    """Return the plaintext of a small envelope.

    Raises IntegrityError (malformed), UnsupportedVersion, or WrongKey when the tag fails.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    check_header(data[:HEADER_BYTES], len(data))
    try:
        return AESGCM(key).decrypt(data[4:HEADER_BYTES], data[HEADER_BYTES:], None)
    except InvalidTag as error:
        raise WrongKey("the key does not open this data, or it was altered") from error


def check_header(header: bytes, size: int) -> None:
    """Check length, magic and version of an envelope of `size` bytes, in this order (formats §1)."""
    if size < OVERHEAD_BYTES:
        raise IntegrityError("the encrypted data is too short to be whole")
    if header[:3] != b"RQE":
        raise IntegrityError("this is not vsync's encrypted data")
    if header[3:4] != b"1":
        raise UnsupportedVersion(
            "the data was encrypted by a newer version of the format", hint="update vsync and try again"
        )


def _gcm(key: bytes, nonce: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.GCM(nonce))


@dataclass(frozen=True, slots=True)
class Written:
    """What a Sealer has written: SHA-256 (hex) and size in bytes of the whole envelope."""

    sha256: str
    size: int


class Sealer:
    """Encrypts what is written to it into `out`, in one pass and flat memory.

    `finish` must be called once, at the end; without it the envelope is worthless.
    """

    def __init__(self, key: bytes, out: BinaryIO) -> None:
        from vsync.formats.digest import Digest

        nonce = os.urandom(NONCE_BYTES)
        self._gcm = _gcm(key, nonce).encryptor()
        self._out = out
        # Two in turn: while one is hashed, the other is filled.
        self._buffers = [bytearray(BUFFER_BYTES + BLOCK_BYTES) for _ in range(2)]
        self._hash = Digest()
        self._size = 0
        self._emit(b"RQE1" + nonce)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Encrypt and pass on; returns the number of plaintext bytes taken."""
        view = memoryview(data)
        for start in range(0, len(view), BUFFER_BYTES):
            buffer = self._buffers[0]
            count = self._gcm.update_into(view[start : start + BUFFER_BYTES], buffer)
            self._emit(memoryview(buffer)[:count])
            self._buffers.reverse()
        return len(view)

    def flush(self) -> None:
        """Do nothing: archive writers call it, and there is nothing held back."""

    def finish(self) -> Written:
        """Append the tag and return the digest and size of the whole envelope."""
        self._emit(self._gcm.finalize())
        self._emit(self._gcm.tag)
        return Written(self._hash.hexdigest(), self._size)

    def _emit(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._out.write(data)
        self._size += len(data)


class SealedReader(io.RawIOBase):
    """A seekable, read-only view of the plaintext of an envelope in `source`.

    The tag of the whole is verified before the object exists; `source` must then stay
    unchanged and private to this process. Raises as `open_sealed` does.
    """

    def __init__(self, key: bytes, source: BinaryIO) -> None:
        super().__init__()
        self._key = key
        self._source = source
        size = source.seek(0, io.SEEK_END)
        source.seek(0)
        header = source.read(HEADER_BYTES)
        check_header(header, size)
        self._nonce = header[4:]
        self._size = size - OVERHEAD_BYTES
        self._verify()
        self._skip = 0
        self._position = 0

    def skip(self, count: int) -> None:
        """Take `count` bytes off the front: what follows becomes position 0."""
        self._skip += min(count, self._size - self._skip)
        self._position = 0

    def _verify(self) -> None:
        from cryptography.exceptions import InvalidTag

        gcm = _gcm(self._key, self._nonce).decryptor()
        cipher, scratch = bytearray(BUFFER_BYTES), bytearray(BUFFER_BYTES + BLOCK_BYTES)
        left = self._size
        while left:
            count = self._fill(memoryview(cipher)[: min(left, BUFFER_BYTES)])
            gcm.update_into(memoryview(cipher)[:count], scratch)
            left -= count
        try:
            gcm.finalize_with_tag(self._source.read(TAG_BYTES))
        except InvalidTag as error:
            raise WrongKey("the key does not open this data, or it was altered") from error

    def _fill(self, view: memoryview) -> int:
        count = self._source.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise IntegrityError("the encrypted data ended early")
        return int(count)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move in the plaintext, counted from what was skipped."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size - self._skip}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position in the plaintext, counted from what was skipped."""
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Decrypt from the current position; 0 at the end."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        start = self._skip + self._position
        wanted = min(len(buffer), self._size - start)
        if wanted <= 0:
            return 0
        block, inside = divmod(start, BLOCK_BYTES)
        # GCM uses counter 1 for the tag; the plaintext starts at counter 2 (NIST SP 800-38D §7.1).
        counter = self._nonce + (block + 2).to_bytes(4, "big")
        ctr = Cipher(algorithms.AES(self._key), modes.CTR(counter)).decryptor()
        self._source.seek(HEADER_BYTES + start - inside)
        data = ctr.update(self._source.read(inside + wanted))[inside:]
        if len(data) != wanted:
            raise IntegrityError("the encrypted data ended early")
        buffer[:wanted] = data
        self._position += wanted
        return wanted
