"""The seal inside an encryption: which version these bytes are (formats §2)."""

from vsync.errors import IntegrityError
from vsync.formats.version import LENGTH, parse_version

SEAL_MAGIC = b"RQEM0001"
SEAL_BYTES = len(SEAL_MAGIC) + LENGTH


def seal_header(version: str) -> bytes:
    """Return the 23 bytes that name a version inside the encryption."""
    parse_version(version)
    return SEAL_MAGIC + version.encode("ascii")


def split_seal(data: bytes) -> tuple[str, bytes]:
    """Return the version a seal names, and what follows; IntegrityError if it is none."""
    if not data.startswith(SEAL_MAGIC):
        raise IntegrityError("the seal is not vsync's")
    try:
        version = data[len(SEAL_MAGIC) : SEAL_BYTES].decode("ascii")
    except UnicodeDecodeError as error:
        raise IntegrityError("the seal names no version") from error
    parse_version(version)
    return version, data[SEAL_BYTES:]


def unseal(data: bytes, *, version: str) -> bytes:
    """Return what the seal of exactly this version protects; IntegrityError if it names another."""
    found, payload = split_seal(data)
    if found != version:
        raise IntegrityError(f"the bundle is sealed as {found}, not as {version}")
    return payload
