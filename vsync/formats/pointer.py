"""The pointer: the small authenticated object that says which version is the newest (formats §4)."""

import hmac
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from vsync.errors import IntegrityError, UnsupportedVersion, WrongKey
from vsync.formats.seal import SEAL_BYTES, seal_header, split_seal
from vsync.formats.strict import HEX16, HEX64, Fields, dump_canonical, load_object
from vsync.formats.vaultkey import VaultKey
from vsync.formats.version import MAX_GENERATION, parse_version

MAX_POINTER_BYTES = 64 * 1024
MAC_DIGITS = 64
MAX_SIZE = 2**63 - 1
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class Pointer:
    """The newest version of a vault as its writer vouches for it; the fields of formats §4."""

    version: str
    name: str
    gen: int
    prev: str | None
    sha256: str
    size: int
    kid: str
    content: str
    rotated_at: str | None = None
    by: str | None = None


def _message(secret_name: str, body: bytes) -> bytes:
    return b"vsync pointer v1\0" + secret_name.encode() + b"\0" + body


def to_bytes(pointer: Pointer, key: VaultKey) -> bytes:
    """Return the pointer object, authenticated under the key's manifest sub-key.

    Raises IntegrityError for a pointer that no reader would take.
    """
    fields = asdict(pointer) | {"v": 1}
    version = fields.pop("version")
    _parse(version, Fields(fields, "the pointer"))
    body = seal_header(version) + dump_canonical(fields)
    if len(body) + 1 + MAC_DIGITS > MAX_POINTER_BYTES:
        raise IntegrityError(f"the pointer is larger than the {MAX_POINTER_BYTES} bytes it may have")
    return body + b"\n" + key.pointer_mac(_message(pointer.name, body)).encode()


def from_bytes(data: bytes, key: VaultKey, secret_name: str) -> Pointer:
    """Return the pointer after its MAC under this key and name was verified.

    Raises WrongKey when the MAC fails, IntegrityError or UnsupportedVersion when what the
    MAC covers is not a pointer. Callers tell a foreign key from tampering by `claimed_key_id`.
    """
    body, mac = _split(data)
    if not hmac.compare_digest(key.pointer_mac(_message(secret_name, body)).encode(), mac):
        raise WrongKey("the pointer is not authentic under this key")
    version, payload = split_seal(body)
    values = load_object(payload, "the pointer")
    if type(values.get("v")) is not int or values["v"] != 1:
        raise UnsupportedVersion("the pointer has an unknown version", hint="update vsync and try again")
    if dump_canonical(values) != payload:
        raise IntegrityError("the pointer is not in its canonical spelling")
    pointer = _parse(version, Fields(values, "the pointer"))
    if pointer.name != secret_name:
        raise IntegrityError(f"the pointer belongs to {pointer.name[:200]!r}, not to {secret_name!r}")
    return pointer


def claimed_key_id(data: bytes) -> str | None:
    """Return the key id an unverified pointer names: good for choosing a message, for nothing else."""
    kid = _claims(data).get("kid")
    return kid if isinstance(kid, str) and HEX16.fullmatch(kid) else None


def claimed_name(data: bytes) -> str | None:
    """Return the secret name an unverified pointer claims, for a reader who knows only its key.

    The MAC covers the name: `from_bytes` with the claimed name proves it or fails.
    """
    name = _claims(data).get("name")
    return name if isinstance(name, str) else None


def claimed_writer(data: bytes) -> str | None:
    """Return who an unverified pointer says wrote it: good for a hint, for nothing else."""
    writer = _claims(data).get("by")
    return writer if isinstance(writer, str) else None


def _claims(data: bytes) -> dict[str, object]:
    try:
        return load_object(split_seal(_split(data)[0])[1], "the pointer")
    except IntegrityError:
        return {}


def _split(data: bytes) -> tuple[bytes, bytes]:
    if not SEAL_BYTES + MAC_DIGITS < len(data) <= MAX_POINTER_BYTES or data[-MAC_DIGITS - 1 :][:1] != b"\n":
        raise IntegrityError("the pointer is malformed")
    return data[: -MAC_DIGITS - 1], data[-MAC_DIGITS:]


def _parse(version: str, fields: Fields) -> Pointer:
    pointer = Pointer(
        version=version,
        name=fields.text("name"),
        gen=fields.integer("gen", 1, MAX_GENERATION),
        prev=fields.nullable_text("prev"),
        sha256=fields.shaped("sha256", HEX64),
        size=fields.integer("size", 0, MAX_SIZE),
        kid=fields.shaped("kid", HEX16),
        content=fields.shaped("content", HEX64),
        rotated_at=fields.nullable_text("rotated_at"),
        by=fields.nullable_text("by"),
    )
    parse_version(version)
    if pointer.prev is not None:
        parse_version(pointer.prev)
    if pointer.rotated_at is not None and not _is_moment(pointer.rotated_at):
        fields.refuse("rotated_at")
    return pointer


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
