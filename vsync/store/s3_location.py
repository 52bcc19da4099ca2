"""Where an S3 bucket is and who asks for it; the client that talks to it, and to nothing else.

1. An endpoint is an https URL; http only where it cannot leave this machine.
2. Explicit keys shut out the user's own AWS_* variables and ~/.aws; without keys, boto3's own
   chain supplies them.
3. Path style wherever a certificate may not cover `<bucket>.<host>`; SigV4 always.
4. Off AWS no checksum trailers: Ceph refuses them, and some servers store them in the object.
   The signature covers the SHA-256 of every body instead.
5. A request whose URL points elsewhere, because a server redirected, is never sent.

botocore is imported when a client is built, not before: it takes longer than most commands.
"""

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from vsync.errors import StoreError

CONNECT_TIMEOUT = 10.0  # seconds
CONNECTIONS = 16  # `verify` reads that many pointers at a time

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_AWS = re.compile(r"(?:.+\.)?amazonaws\.com(?:\.cn)?")
# Hosts that say their region; most other servers take any.
_REGION_IN_HOST = re.compile(
    r"s3[.-]([a-z0-9-]+)\.(?:amazonaws\.com|amazonaws\.com\.cn|backblazeb2\.com|wasabisys\.com|scw\.cloud)"
)


@dataclass(frozen=True, slots=True)
class S3Location:
    """One bucket behind one endpoint, as one identity; hashable, so that stores can be shared.

    No endpoint means AWS. Keys come both or not at all; without them `aws_profile` names what
    boto3's own chain shall use. `timeout` is how many seconds the server may stay silent.
    """

    endpoint: str | None
    region: str | None
    bucket: str
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    aws_profile: str | None = None
    timeout: float = 60.0

    @property
    def host(self) -> str:
        """The server's name, for people; `aws` when the region decides."""
        return (self.endpoint and urlsplit(self.endpoint).hostname) or "aws"

    @property
    def identity(self) -> str:
        """Who asks, for people: never the secret part."""
        if self.access_key_id:
            return f"access key {self.access_key_id}"
        return (
            f"aws profile {self.aws_profile}" if self.aws_profile else "the aws credentials of this machine"
        )

    @property
    def is_aws(self) -> bool:
        """Whether Amazon itself answers there."""
        return self.endpoint is None or _AWS.fullmatch(self.host) is not None


def check_location(location: S3Location) -> None:
    """Raise StoreError unless the location is whole and safe to connect to; connects nowhere."""
    if not _BUCKET.fullmatch(location.bucket):
        raise StoreError(
            f"{location.bucket!r} is not the name of a bucket", hint="check the spelling of the bucket"
        )
    if bool(location.access_key_id) != bool(location.secret_access_key):
        raise StoreError(
            f"bucket {location.bucket} has one half of an access key",
            hint="give both the access key id and the secret access key, or neither",
        )
    if location.endpoint is not None:
        _check_endpoint(location.endpoint)


def build_client(location: S3Location) -> Any:
    """Return a botocore S3 client for the location; botocore's exceptions come out as they are."""
    from botocore.session import Session

    from vsync.store.s3_signing import choose

    if location.access_key_id and location.secret_access_key:
        session = Session(session_vars=_isolated(Session.SESSION_VARIABLES))
        session.set_credentials(location.access_key_id, location.secret_access_key)
    else:
        session = Session(profile=location.aws_profile)
    # It would look through the folders of four hundred services, twice, to find out that S3 is one.
    session.get_component("data_loader").list_available_services = lambda *_: ["s3"]
    client = session.create_client(
        "s3",
        endpoint_url=location.endpoint,
        region_name=_region(location, session.get_config_variable("region")),
        config=_client_config(location),
    )
    client.meta.events.register("before-send.s3", _stay_at(location))
    client.meta.events.register_first("choose-signer.s3.PutObject", choose)
    if not location.is_aws:
        client.meta.events.register_last("before-parameter-build.s3", _follow_nothing)
    return client


def _check_endpoint(endpoint: str) -> None:
    hint = "write it as https://host or https://host:port"
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise StoreError("the endpoint is not a URL", hint=hint) from error
    if not re.fullmatch(r"[!-~]+", endpoint) or parts.scheme not in {"http", "https"} or not host:
        raise StoreError("the endpoint is not an https URL", hint=hint)
    # Not repeated in the message: what stands there may be a password.
    if "@" in parts.netloc or "?" in endpoint or "#" in endpoint:
        raise StoreError("the endpoint carries more than a host, a port and a path", hint=hint)
    if parts.scheme == "http" and not _is_loopback(host):
        raise StoreError(
            f"http to {host} would leave this machine without encryption",
            hint=f"use https://{parts.netloc}",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _isolated(variables: dict[str, tuple[Any, Any, Any, Any]]) -> dict[str, tuple[Any, Any, Any, Any]]:
    """Return botocore's settings with their defaults only: no environment, no file."""
    settings = {name: (None, None, default, convert) for name, (_, _, default, convert) in variables.items()}
    nowhere = (None, None, os.devnull, None)
    # A company's own certificate authority is a fact of the machine, not of an account.
    authority = (None, "AWS_CA_BUNDLE", None, None)
    return settings | {"config_file": nowhere, "credentials_file": nowhere, "ca_bundle": authority}


def _region(location: S3Location, configured: str | None) -> str:
    if location.region:
        return location.region
    if found := _REGION_IN_HOST.fullmatch(location.host):
        return found[1]
    if location.host.endswith(".r2.cloudflarestorage.com"):
        return "auto"
    return (configured if location.is_aws else None) or "us-east-1"


def _client_config(location: S3Location) -> Any:
    from botocore.config import Config

    checksums = "when_supported" if location.is_aws else "when_required"
    virtual = location.is_aws and "." not in location.bucket
    plain = location.endpoint is not None and location.endpoint.startswith("http:")
    settings: dict[str, Any] = {
        "signature_version": "s3v4",
        "connect_timeout": min(CONNECT_TIMEOUT, location.timeout),
        "read_timeout": location.timeout,
        # Trying again is the store's: it bounds the total time and knows Retry-After.
        "retries": {"mode": "standard", "total_max_attempts": 1},
        "max_pool_connections": CONNECTIONS,
        "s3": {"addressing_style": "virtual" if virtual else "path"},
        "request_checksum_calculation": checksums,
        "response_checksum_validation": checksums,
        "ignore_configured_endpoint_urls": True,
        "use_dualstack_endpoint": False,
        "use_fips_endpoint": False,
        # A proxy from the environment would carry loopback's plain http off this machine.
        "proxies": {} if plain else None,
        "tcp_keepalive": True,
        "user_agent_appid": "vsync",
    }
    return Config(**settings)


def _follow_nothing(context: dict[str, Any], **_: Any) -> None:
    # botocore looks for AWS's regions behind any redirect, with requests that recurse without
    # end when they are redirected as well; this mark is its own for "has been redirected once".
    context.setdefault("s3_redirect", {})["redirected"] = True


def _stay_at(location: S3Location) -> Callable[..., None]:
    home = urlsplit(location.endpoint) if location.endpoint else None

    def refuse_elsewhere(request: Any, **_: Any) -> None:
        target = urlsplit(request.url)
        if not _belongs(target, home, location):
            raise StoreError(
                f"{location.host} sends requests for bucket {location.bucket} on to another host",
                hint="check the endpoint and the region; credentials are not sent elsewhere",
            )

    return refuse_elsewhere


def _belongs(target: SplitResult, home: SplitResult | None, location: S3Location) -> bool:
    if location.is_aws:
        # AWS answers for a bucket of another region with that region, under its own name.
        return target.scheme == "https" and _AWS.fullmatch(target.hostname or "") is not None
    return home is not None and (target.scheme, target.netloc) == (home.scheme, home.netloc)
