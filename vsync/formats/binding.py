"""The binding: the disk half of a vault, and named profiles (formats §§8.2, 8.3).

Unknown keys survive a round trip: other tools, and newer versions, write here too.
"""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from vsync.errors import ConfigError, IntegrityError
from vsync.formats.strict import HEX16, Fields, gunzip, load_object

MAX_BINDING_BYTES = 256 * 1024
MIN_SALT_CHARACTERS = 16
Layout = Literal["vsync", "classic"]
_SEGMENT = re.compile(r"[A-Za-z0-9._=-]+", re.ASCII)
_PROFILE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class RetiredSalt(NamedTuple):
    """The salt of a half that rotation replaced, by its key id (formats §1.1.1)."""

    kid: str
    salt: str


@dataclass(frozen=True, slots=True)
class Location:
    """Where a store is: an S3 bucket, or `url` when it is not S3 (`file:///…`).

    Both credentials may be absent: boto3's own chain supplies them, under `aws_profile` if set.
    """

    endpoint: str | None = None
    region: str | None = None
    bucket: str = ""
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    aws_profile: str | None = None
    url: str | None = None

    @property
    def shown(self) -> str:
        """The place in words for people; holds no credential."""
        if self.url:
            return self.url
        return f"s3://{self.bucket} at {self.endpoint or 'AWS'}"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where one vault is and the salt of its key; `prefix` is the root in the store, ending in `/`."""

    location: Location
    salt: str = field(repr=False)
    prefix: str | None = None
    layout: Layout = "vsync"
    retired: tuple[RetiredSalt, ...] = ()
    audit: bool = True
    init_profile: str | None = None
    unknown: dict[str, Any] = field(default_factory=dict, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of formats §8.2."""
        place, others = self.location, self.unknown
        encryption: dict[str, Any] = {**others.get("encryption", {}), "salt": self.salt}
        if self.retired:
            encryption["retired"] = [{"kid": old.kid, "salt": old.salt} for old in self.retired]
        optional = {
            "prefix": self.prefix,
            "initProfile": self.init_profile,
            "store": place.url,
            "awsProfile": place.aws_profile,
            "layout": None if self.layout == "vsync" else self.layout,
        }
        document = {
            "version": 1,
            "s3": {**others.get("s3", {}), **_s3_to_json(place)},
            "encryption": encryption,
            "files": others.get("files", {}),
            "audit": {**others.get("audit", {}), "enabled": self.audit},
            **{key: value for key, value in optional.items() if value is not None},
        }
        return document | {key: value for key, value in others.items() if key not in document}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Binding":
        """Check a binding; IntegrityError names the key that is wrong, never its value."""
        fields = Fields(document, "the binding")
        if "version" in document and fields.integer("version", 0, 2**31) != 1:
            raise IntegrityError("the binding has an unknown version", hint="update vsync and try again")
        layout: Layout = "vsync"
        if "layout" in document:
            if document["layout"] not in ("vsync", "classic"):
                fields.refuse("layout")
            layout = document["layout"]
        encryption = fields.table("encryption")
        prefix = fields.optional_text("prefix")
        return cls(
            location=_location(fields),
            salt=encryption.text("salt"),
            prefix=None if prefix is None else check_prefix(prefix),
            layout=layout,
            retired=tuple(
                RetiredSalt(row.shaped("kid", HEX16), _salt(row)) for row in encryption.tables("retired")
            ),
            audit=fields.optional_table("audit").flag("enabled", default=True),
            init_profile=fields.optional_text("initProfile"),
            unknown=_unknown(document),
        )

    def without_credentials(self) -> "Binding":
        """Return the binding as it may be handed to somebody who brings credentials of their own."""
        return replace(
            self,
            location=replace(self.location, access_key_id=None, secret_access_key=None, aws_profile=None),
        )


_KNOWN: dict[str, tuple[str, ...]] = {
    "s3": ("endpoint", "region", "bucket", "accessKeyId", "secretAccessKey"),
    "encryption": ("salt", "retired"),
    "audit": ("enabled",),
}
_KNOWN_SCALARS = {"version", "prefix", "initProfile", "store", "awsProfile", "layout"}


def _unknown(document: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in document.items() if key not in _KNOWN_SCALARS}
    for table, known in _KNOWN.items():
        if table in kept:
            kept[table] = {key: value for key, value in kept[table].items() if key not in known}
    return kept


def _s3_to_json(place: Location) -> dict[str, Any]:
    values = {
        "endpoint": place.endpoint,
        "region": place.region,
        "bucket": place.bucket or None,
        "accessKeyId": place.access_key_id,
        "secretAccessKey": place.secret_access_key,
    }
    return {key: value for key, value in values.items() if value is not None}


def _location(fields: Fields) -> Location:
    s3 = fields.optional_table("s3")
    place = Location(
        endpoint=_endpoint(s3),
        region=s3.optional_text("region"),
        bucket=s3.optional_text("bucket") or "",
        access_key_id=s3.optional_text("accessKeyId"),
        secret_access_key=s3.optional_text("secretAccessKey"),
        aws_profile=fields.optional_text("awsProfile"),
        url=fields.optional_text("store"),
    )
    if (place.access_key_id is None) != (place.secret_access_key is None):
        s3.refuse("secretAccessKey" if place.secret_access_key is None else "accessKeyId")
    if not place.bucket and not place.url:
        s3.refuse("bucket")
    return place


def _salt(row: Fields) -> str:
    salt = row.text("salt")
    if len(salt) < MIN_SALT_CHARACTERS:
        row.refuse("salt")
    return salt


def _endpoint(s3: Fields) -> str | None:
    """Return the endpoint as a URL; other writers leave the scheme to `useSsl`."""
    endpoint = s3.optional_text("endpoint")
    if not endpoint or "://" in endpoint:
        return endpoint or None
    return ("https://" if s3.flag("useSsl", default=True) else "http://") + endpoint


def check_prefix(prefix: str) -> str:
    """Return a root with its final slash; IntegrityError unless every segment is harmless (formats §5)."""
    stripped = prefix.removesuffix("/")
    for segment in stripped.split("/") if stripped else []:
        if not _SEGMENT.fullmatch(segment) or segment in (".", ".."):
            raise IntegrityError(
                f"{prefix[:100]!r} cannot be a prefix in a store",
                hint="use segments of letters, digits and . _ = -, with / between them",
            )
    return f"{stripped}/" if stripped else ""


def binding_to_bytes(binding: Binding) -> bytes:
    """Return the file: readable JSON, with a final newline."""
    return (json.dumps(binding.to_json(), indent=2) + "\n").encode()


def binding_from_bytes(data: bytes) -> Binding:
    """Parse a binding file, plain or gzipped (formats §8)."""
    if data[:2] == b"\x1f\x8b":
        data = gunzip(data, "the binding", limit=MAX_BINDING_BYTES)
    if len(data) > MAX_BINDING_BYTES:
        raise IntegrityError(f"the binding is larger than the {MAX_BINDING_BYTES} bytes it may have")
    # Floats pass: what other tools keep here is theirs.
    return Binding.from_json(load_object(data, "the binding", floats=True))


@dataclass(frozen=True, slots=True)
class Profile:
    """A named store; `prefix` may hold `{repo}` for the repository part of a secret name."""

    location: Location
    prefix: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of formats §8.3."""
        place = self.location
        optional = {"prefix": self.prefix, "awsProfile": place.aws_profile, "store": place.url}
        kept = {key: value for key, value in optional.items() if value is not None}
        return {"version": 1, **_s3_to_json(place), **kept}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Profile":
        """Check a profile; IntegrityError names the key that is wrong, never its value."""
        fields = Fields(document, "the profile")
        if fields.integer("version", 0, 2**31) != 1:
            raise IntegrityError("the profile has an unknown version", hint="update vsync and try again")
        place = _location(Fields({**document, "s3": document}, "the profile"))
        return cls(place, fields.optional_text("prefix"))


def check_profile_name(name: str) -> str:
    """Return the name; ConfigError unless it is one (formats §8.3)."""
    if not _PROFILE_NAME.fullmatch(name) or name in (".", ".."):
        raise ConfigError(f"{name!r} cannot be a profile's name", hint="use 1-64 of letters, digits, . _ -")
    return name
