"""`.share` and `.keytree`: both halves of a vault, or of several, under a passphrase (formats §6.1)."""

import base64
import gzip
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from vsync.errors import IntegrityError, UnsupportedVersion
from vsync.formats.envelope import ITERATIONS, OVERHEAD_BYTES, check_header, derive, open_sealed, seal
from vsync.formats.strict import HEX16, HEX64, Fields, decode_base64, gunzip, load_object
from vsync.formats.version import MAX_GENERATION

SHARE_MAGIC = b"SLS1"
KEYTREE_MAGIC = b"VKT1"
SALT_LENGTH = 24
HEADER_BYTES = 5 + SALT_LENGTH
SALT_BYTES = 16
MAX_SHARE_BYTES = 1024 * 1024  # one binding of at most 256 KiB, and its retired keys
MAX_KEYTREE_BYTES = 16 * 1024 * 1024  # 1 000 vaults with many retired keys each
MAX_PLAIN_BYTES = 4 * 1024 * 1024
_RIGHT_VERB = {
    SHARE_MAGIC: ("a share of one vault", "git vsync import FILE"),
    KEYTREE_MAGIC: ("a keytree", "git vsync keystore import FILE"),
    b"RQE1": ("a bundle or a backup", "git vsync pull, or git vsync restore VAULT --backup"),
}


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """A half that rotation replaced: history stays readable with it (formats §1.1.1)."""

    kid: str
    salt: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Share:
    """One vault's halves: `config` is the binding as JSON (formats §8.2), `key` the vault key text.

    `seen` is the receiver's floor, `{"gen", "sha256"}` (formats §4).
    """

    repo: str
    env: str
    config: dict[str, Any] = field(repr=False)
    key: str = field(repr=False)
    retired: tuple[RetiredKey, ...] = ()
    seen: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of one entry."""
        row: dict[str, Any] = {"repo": self.repo, "env": self.env, "config": self.config, "key": self.key}
        if self.retired:
            row["retired"] = [{"kid": old.kid, "salt": old.salt, "key": old.key} for old in self.retired]
        if self.seen is not None:
            row["seen"] = self.seen
        return row

    @classmethod
    def from_json(cls, fields: Fields) -> "Share":
        """Check one entry; IntegrityError names the field that is wrong."""
        retired = tuple(
            RetiredKey(row.shaped("kid", HEX16), row.text("salt"), row.text("key"))
            for row in fields.tables("retired")
        )
        seen = None
        if "seen" in fields.values:
            floor = fields.table("seen")
            seen = {"gen": floor.integer("gen", 1, MAX_GENERATION), "sha256": floor.shaped("sha256", HEX64)}
        config = fields.table("config").values
        return cls(fields.text("repo"), fields.text("env"), config, fields.text("key"), retired, seen)


@dataclass(frozen=True, slots=True)
class Keytree:
    """Every vault of a machine, for a new one; `profiles` are named stores as JSON."""

    exported_at: str
    entries: tuple[Share, ...]
    profiles: tuple[dict[str, Any], ...] = field(default=(), repr=False)


def share_to_bytes(share: Share, passphrase: str, *, iterations: int = ITERATIONS) -> bytes:
    """Seal a share under the passphrase; a fresh salt and nonce each time."""
    plain = json.dumps({"version": 2, **share.to_json()}).encode()
    text = base64.b64encode(gzip.compress(plain, mtime=0))
    return _lock(SHARE_MAGIC, text, passphrase, iterations)


def share_from_bytes(data: bytes, passphrase: str, *, iterations: int = ITERATIONS) -> Share:
    """Open a share. Raises WrongKey for a wrong passphrase, IntegrityError for damage."""
    text = _unlock(SHARE_MAGIC, data, passphrase, iterations)
    plain = gunzip(decode_base64(text, "the share"), "the share", limit=MAX_PLAIN_BYTES)
    fields = Fields(load_object(plain, "the share", floats=True), "the share")
    _require_version(fields, 2)
    return Share.from_json(fields)


def keytree_to_bytes(tree: Keytree, passphrase: str, *, iterations: int = ITERATIONS) -> bytes:
    """Seal a keytree under the passphrase."""
    document = {
        "version": 1,
        "exportedAt": tree.exported_at,
        "entries": [entry.to_json() for entry in tree.entries],
        "profiles": list(tree.profiles),
    }
    return _lock(KEYTREE_MAGIC, json.dumps(document).encode(), passphrase, iterations)


def keytree_from_bytes(data: bytes, passphrase: str, *, iterations: int = ITERATIONS) -> Keytree:
    """Open a keytree. Raises WrongKey for a wrong passphrase, IntegrityError for damage."""
    plain = _unlock(KEYTREE_MAGIC, data, passphrase, iterations)
    fields = Fields(load_object(plain, "the keytree", floats=True), "the keytree")
    _require_version(fields, 1)
    if "entries" not in fields.values:
        fields.refuse("entries")
    entries = tuple(Share.from_json(row) for row in fields.tables("entries"))
    if len({(entry.repo, entry.env) for entry in entries}) != len(entries):
        raise IntegrityError("the keytree holds a vault twice")
    profiles = tuple(row.values for row in fields.tables("profiles"))
    return Keytree(fields.text("exportedAt"), entries, profiles)


def _require_version(fields: Fields, version: int) -> None:
    if fields.integer("version", 0, 2**31) != version:
        raise UnsupportedVersion(f"{fields.what} has an unknown version", hint="update vsync and try again")


def _lock(magic: bytes, plain: bytes, passphrase: str, iterations: int) -> bytes:
    salt = base64.b64encode(secrets.token_bytes(SALT_BYTES)).decode()
    key = derive(passphrase, salt, iterations=iterations)
    data = magic + bytes([SALT_LENGTH]) + salt.encode() + seal(key, plain)
    _require_size(magic, data)
    return data


def _unlock(magic: bytes, data: bytes, passphrase: str, iterations: int) -> bytes:
    """Open the container; every check that needs no key comes before the costly derivation."""
    _require_magic(magic, data)
    _require_size(magic, data)
    if len(data) < HEADER_BYTES + OVERHEAD_BYTES or data[4] != SALT_LENGTH:
        raise IntegrityError("the file is damaged: it is too short, or its salt is not as it should be")
    salt, envelope = data[5:HEADER_BYTES], data[HEADER_BYTES:]
    check_header(envelope[:16], len(envelope))
    if len(decode_base64(salt, "the salt of the file")) != SALT_BYTES:
        raise IntegrityError("the file is damaged: its salt is not as it should be")
    key = derive(passphrase, salt.decode("ascii"), iterations=iterations)
    return open_sealed(key, envelope)


def _require_magic(magic: bytes, data: bytes) -> None:
    if data[:4] == magic:
        return
    if data[:4] in _RIGHT_VERB:
        what, verb = _RIGHT_VERB[data[:4]]
        raise IntegrityError(f"this file is {what}, not {_RIGHT_VERB[magic][0]}", hint=verb)
    if data[:3] == magic[:3] and data[3:4].isdigit():
        raise UnsupportedVersion("the file was written by a newer vsync", hint="update vsync and try again")
    raise IntegrityError(f"the file is not {_RIGHT_VERB[magic][0]}, or it is damaged")


def _require_size(magic: bytes, data: bytes) -> None:
    limit = MAX_SHARE_BYTES if magic == SHARE_MAGIC else MAX_KEYTREE_BYTES
    if len(data) > limit:
        raise IntegrityError(f"the file is larger than the {limit} bytes it may have")
