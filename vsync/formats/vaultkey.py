"""The vault key and what is derived from it (formats §§1.1, 1.2)."""

import base64
import hmac
import secrets
from dataclasses import dataclass

from vsync.errors import KeyUnavailable
from vsync.formats.binding import MIN_SALT_CHARACTERS
from vsync.formats.envelope import KEY_BYTES, derive

MIN_KEY_CHARACTERS = 20
KEY_ID_BYTES = 8


def new_key_text() -> str:
    """Return a new vault key: standard base64 of 32 random bytes, 44 characters."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def new_salt_text() -> str:
    """Return a new salt: standard base64 of 18 random bytes, 24 characters, no padding."""
    return base64.b64encode(secrets.token_bytes(18)).decode()


def check_texts(key_text: str, salt_text: str) -> None:
    """Refuse a key or a salt too short to be one (formats §1.1); the codec itself judges no length."""
    if len(key_text) < MIN_KEY_CHARACTERS:
        raise KeyUnavailable(f"the vault key is shorter than {MIN_KEY_CHARACTERS} characters")
    if len(salt_text) < MIN_SALT_CHARACTERS:
        raise KeyUnavailable(f"the salt is shorter than {MIN_SALT_CHARACTERS} characters")


def _subkey(derived: bytes, info: bytes) -> bytes:
    # At its first use, as in envelope.py: most modules that import this one only name the type.
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(hashes.SHA256(), KEY_BYTES, None, info).derive(derived)


@dataclass(frozen=True, slots=True, repr=False)
class VaultKey:
    """One derived bundle key and its sub-keys; shows itself by its key id only."""

    derived: bytes
    key_id: str

    def __repr__(self) -> str:
        return f"VaultKey({self.key_id})"

    @classmethod
    def from_texts(cls, key_text: str, salt_text: str) -> "VaultKey":
        """Derive from the two halves as they are stored; costs one PBKDF2 (~70 ms)."""
        return cls.from_derived(derive(key_text, salt_text))

    @classmethod
    def from_derived(cls, derived: bytes) -> "VaultKey":
        """Wrap a bundle key that was derived already."""
        return cls(derived, _subkey(derived, b"vsync key id v1")[:KEY_ID_BYTES].hex())

    def pointer_mac(self, message: bytes) -> str:
        """Authenticate a pointer (formats §4); 64 hex digits."""
        return self._mac(b"vsync manifest v1", message)

    def audit_mac(self, message: bytes) -> str:
        """Authenticate an audit row (formats §7); 64 hex digits."""
        return self._mac(b"vsync audit v1", message)

    def content_mac(self, message: bytes) -> str:
        """Digest the content of a tree (formats §1.2); 64 hex digits."""
        return self._mac(b"vsync content v1", message)

    def _mac(self, info: bytes, message: bytes) -> str:
        return hmac.digest(_subkey(self.derived, info), message, "sha256").hex()
