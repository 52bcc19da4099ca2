"""Runtime token (`VSYNC_CONFIG`) and runtime slot (formats §6.2)."""

import base64
import binascii
import gzip
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from vsync.errors import IntegrityError, KeyUnavailable, UnsupportedVersion
from vsync.formats.binding import MIN_SALT_CHARACTERS, check_prefix
from vsync.formats.envelope import HEADER_BYTES, ITERATIONS, check_header, derive, open_sealed, seal
from vsync.formats.strict import Fields, gunzip, load_object

PREFIX = "vsync-cfg-v1:"
MIN_ITERATIONS = 600_000
MAX_ITERATIONS = 10_000_000
MAX_TOKEN_BYTES = 64 * 1024
MAX_PLAIN_BYTES = 256 * 1024
MAX_SLOT_BYTES = 16 * 1024
# Both become part of an object's name (formats §5).
_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._=-]{1,255}")


class TokenMissing(KeyUnavailable):
    """The text is no token at all: empty, or without its prefix."""


class TokenUnsupported(UnsupportedVersion):
    """The token is of a version, or a spelling, that this reader does not take."""


@dataclass(frozen=True, slots=True)
class Token:
    """Where a vault is and how its key is derived; `slot` names the runtime slot, if it has one.

    Both credentials may be absent (never one): boto3's own chain supplies them.
    """

    endpoint: str
    region: str
    bucket: str
    prefix: str
    env: str
    salt: str
    iterations: int = ITERATIONS
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    slot: str | None = None


def token_to_text(token: Token) -> str:
    """Return the token as one line; two encodings of one token need not be equal text.

    Raises as `token_from_text` does for a token that no reader would take.
    """
    values: dict[str, Any] = {
        "v": 1,
        "endpoint": token.endpoint,
        "region": token.region,
        "bucket": token.bucket,
        "prefix": token.prefix,
        "env": token.env,
        "salt": token.salt,
        "iterations": token.iterations,
    }
    if token.access_key_id is not None:
        values |= {"accessKeyId": token.access_key_id, "secretAccessKey": token.secret_access_key}
    if token.slot is not None:
        values["slot"] = token.slot
    _parse(Fields(values, "the token"))
    packed = gzip.compress(json.dumps(values, separators=(",", ":")).encode(), mtime=0)
    return PREFIX + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def token_from_text(text: str) -> Token:
    """Parse a token; errors in the order of formats §6.2.

    Raises TokenMissing, TokenUnsupported, or IntegrityError for damage.
    """
    return _parse(Fields(token_json(text), "the token"))


def token_json(text: str) -> dict[str, Any]:
    """Return the JSON inside a token of version 1; raises as `token_from_text` does."""
    if not text.startswith(PREFIX):
        raise TokenMissing("this is not a runtime token", hint=f"a token starts with {PREFIX}")
    body = text.removeprefix(PREFIX)
    if any(char in "+/=" for char in body):
        raise TokenUnsupported("the token is not base64url without padding")
    values = load_object(_inflate(body), "the token")
    if type(values.get("v")) is not int or values["v"] != 1:
        raise TokenUnsupported("the token has an unknown version", hint="update vsync and try again")
    return values


def _inflate(body: str) -> bytes:
    if len(body) > MAX_TOKEN_BYTES:
        raise IntegrityError("the token is too long")
    try:
        packed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityError("the token is not valid base64url") from error
    if base64.urlsafe_b64encode(packed).decode().rstrip("=") != body:
        raise IntegrityError("the token is not canonical base64url")
    return gunzip(packed, "the token", limit=MAX_PLAIN_BYTES)


def _parse(fields: Fields) -> Token:
    token = Token(
        endpoint=fields.text("endpoint"),
        region=fields.text("region"),
        bucket=fields.text("bucket"),
        prefix=fields.text("prefix"),
        env=fields.shaped("env", _SEGMENT),
        salt=fields.text("salt"),
        iterations=fields.integer("iterations", MIN_ITERATIONS, MAX_ITERATIONS),
        access_key_id=fields.optional_text("accessKeyId"),
        secret_access_key=fields.optional_text("secretAccessKey"),
        slot=fields.shaped("slot", _SEGMENT) if "slot" in fields.values else None,
    )
    check_prefix(token.prefix)
    if (token.access_key_id is None) != (token.secret_access_key is None):
        fields.refuse("secretAccessKey" if token.secret_access_key is None else "accessKeyId")
    if len(token.salt) < MIN_SALT_CHARACTERS:
        raise TokenUnsupported(f"the token's salt is shorter than {MIN_SALT_CHARACTERS} characters")
    return token


@dataclass(frozen=True, slots=True)
class Slot:
    """What a runtime slot opens to: the vault's key text and salt, under the slot's name."""

    name: str
    key: str = field(repr=False)
    salt: str
    created_at: str


def slot_to_bytes(slot: Slot, passphrase: str, *, iterations: int = ITERATIONS) -> bytes:
    """Seal a slot under a runtime passphrase, with a salt of its own."""
    salt = base64.b64encode(secrets.token_bytes(18)).decode()
    document = {
        "v": 1,
        "key": slot.key,
        "salt": slot.salt,
        "name": slot.name,
        "created_at": slot.created_at,
    }
    envelope = seal(derive(passphrase, salt, iterations=iterations), json.dumps(document).encode())
    return bytes([len(salt)]) + salt.encode() + envelope


def slot_from_bytes(data: bytes, passphrase: str, name: str, *, iterations: int = ITERATIONS) -> Slot:
    """Open the slot called `name`. Raises WrongKey, or IntegrityError for damage or another's slot."""
    length = data[0] if data else 0
    if length < MIN_SALT_CHARACTERS or len(data) > MAX_SLOT_BYTES:
        raise IntegrityError("the runtime slot is malformed")
    try:
        salt = data[1 : 1 + length].decode("ascii")
    except UnicodeDecodeError as error:
        raise IntegrityError("the runtime slot is malformed") from error
    envelope = data[1 + length :]
    check_header(envelope[:HEADER_BYTES], len(envelope))
    plain = open_sealed(derive(passphrase, salt, iterations=iterations), envelope)
    fields = Fields(load_object(plain, "the runtime slot"), "the runtime slot")
    if fields.integer("v", 0, 2**31) != 1:
        raise UnsupportedVersion("the runtime slot has an unknown version")
    if fields.text("name") != name:
        raise IntegrityError("the runtime slot belongs to another token")
    return Slot(name, fields.text("key"), fields.text("salt"), fields.text("created_at"))
