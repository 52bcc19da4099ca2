"""botocore's exceptions and S3's answers in the words of `vsync.errors`: one table.

1. An answer is judged by its S3 code, then by its HTTP status.
2. Any other exception is judged by the first class of its inheritance that the table names, so
   the most specific wins; names, because importing botocore for the table would cost every command.
3. A verdict says whether trying again can help, and whether a write may have been carried out.

No text of a foreign exception is passed on: it may quote a header or a URL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from vsync.errors import (
    IntegrityError,
    NotFound,
    Refused,
    StaleTag,
    StoreError,
    Uncertain,
    Unfit,
    VsyncError,
)
from vsync.store.s3_location import S3Location


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failed request means; `text` and `hint` may name {what}, {bucket}, {host}, {who}, {code}."""

    kind: type[VsyncError]
    text: str
    hint: str | None = None
    again: bool = False
    lost: bool = False
    code: str = ""
    retry_after: float = 0.0


_TRY_LATER = "try again later, or check the server"
_PROFILE = "check the keys: git vsync profile list, then git vsync profile test NAME; or ask for a new share"

_UNREACHABLE = Verdict(StoreError, "{host} cannot be reached", "check the network and the endpoint")
_NO_SUCH_HOST = Verdict(StoreError, "the name {host} does not resolve", "check the network and the endpoint")
_TLS = Verdict(
    StoreError,
    "{host} has no certificate that this machine trusts",
    "check the endpoint; a company's own authority goes into AWS_CA_BUNDLE",
)
_CUT = Verdict(StoreError, "the connection to {host} broke off", _TRY_LATER, again=True, lost=True)
_SILENT = Verdict(StoreError, "{host} does not answer in time", _TRY_LATER, again=True, lost=True)
_PROXY = Verdict(
    StoreError, "the proxy on the way to {host} cannot be reached", "check HTTPS_PROXY and NO_PROXY"
)
_NO_KEYS = Verdict(
    Refused,
    "there are no usable credentials for bucket {bucket} ({who})",
    "sign in again, or store keys with: git vsync profile add",
)
_SETTINGS = Verdict(
    StoreError, "the aws settings of this machine do not work for bucket {bucket} ({code})", _PROFILE
)
_GARBLED = Verdict(
    StoreError,
    "{host} does not answer as an S3 server does",
    "check the endpoint; a sign-in page of the network may be in the way",
)
_ALTERED = Verdict(
    IntegrityError, "{what} from {host} was altered on the way", "try again; if it stays, ask the server"
)
_UNEXPECTED = Verdict(StoreError, "the request for {what} to {host} failed ({code})", _PROFILE)

CLASSES: dict[str, Verdict] = {
    **dict.fromkeys(("EndpointConnectionError", "ConnectTimeoutError", "ConnectionError"), _UNREACHABLE),
    **dict.fromkeys(("NameResolutionError", "gaierror"), _NO_SUCH_HOST),
    "SSLError": _TLS,
    "ProxyConnectionError": _PROXY,
    "ReadTimeoutError": _SILENT,
    **dict.fromkeys(
        ("HTTPClientError", "IncompleteReadError", "HTTPError", "OSError"),
        _CUT,
    ),
    **dict.fromkeys(("ResponseParserError", "PaginationError"), _GARBLED),
    **dict.fromkeys(("ChecksumError", "FlexibleChecksumError"), _ALTERED),
    **dict.fromkeys(
        (
            *(
                "NoCredentialsError",
                "NoAuthTokenError",
                "PartialCredentialsError",
                "CredentialRetrievalError",
            ),
            *("TokenRetrievalError", "UnknownTokenProviderError", "UnknownCredentialError", "SSOError"),
            *("LoginError", "MetadataRetrievalError", "RefreshWithMFAUnsupportedError", "ProfileNotFound"),
        ),
        _NO_KEYS,
    ),
    **dict.fromkeys(
        (
            *("ConfigParseError", "ConfigNotFound", "InvalidConfigError", "InvalidDefaultsMode"),
            *("InvalidProxiesConfigError", "InvalidRetryConfigurationError", "InvalidChecksumConfigError"),
            *("InvalidIMDSEndpointError", "InvalidIMDSEndpointModeError", "InvalidS3AddressingStyleError"),
            *("InvalidS3UsEast1RegionalEndpointConfigError", "InvalidSTSRegionalEndpointsConfigError"),
            *("UnsupportedS3ConfigurationError", "UnsupportedS3AccesspointConfigurationError"),
            *("InvalidEndpointConfigurationError", "InvalidEndpointDiscoveryConfigurationError"),
            *(
                "BaseEndpointResolverError",
                "EndpointProviderError",
                "UnknownRegionError",
                "InvalidRegionError",
            ),
            *("InvalidDNSNameError", "InvalidHostLabelError", "DataNotFoundError", "ApiVersionNotFoundError"),
            *("UnknownSignatureVersionError", "UnsupportedSignatureVersionError", "ServiceNotInRegionError"),
            *("MissingDependencyException", "MD5UnavailableError", "UnsupportedServiceProtocolsError"),
        ),
        _SETTINGS,
    ),
    # What only a request that vsync never makes could raise, and whatever comes after this table.
    "Exception": _UNEXPECTED,
}

_WHO = Verdict(Refused, "{host} refuses {who} for bucket {bucket} ({code})", _PROFILE)
_CLOCK = Verdict(
    StoreError, "the clock of this machine differs too much from that of {host}", "set the clock"
)
_REGION = Verdict(
    StoreError,
    "bucket {bucket} is not where {host} was asked for it ({code})",
    "check the endpoint and the region; redirects are not followed",
)
_BUSY = Verdict(StoreError, "{host} is too busy ({code})", _TRY_LATER, again=True, lost=True)
_BROKEN = Verdict(StoreError, "{host} failed to answer ({code})", _TRY_LATER, again=True, lost=True)
_RACE = Verdict(
    StoreError, "{what} at {host} is being written by somebody else", _TRY_LATER, again=True, lost=True
)
_STALE = Verdict(StaleTag, "{what} at {host} was changed by somebody else", "pull, then push again")
_UNKNOWN_FEATURE = Verdict(
    Unfit,
    "{host} does not know conditional writes ({code})",
    "use a server that honours If-Match and If-None-Match: git vsync profile test names what is missing",
)
_ABSENT = Verdict(NotFound, "{what} is not in bucket {bucket} at {host}", "check the prefix, or push first")
_NO_BUCKET = Verdict(
    StoreError, "{host} has no bucket {bucket}", "create it, or check its spelling and the region"
)
_FULL = Verdict(
    StoreError, "{host} has no space left for {what} ({code})", "free some space, then push again"
)
_LARGE = Verdict(StoreError, "{what} is larger than {host} takes", "make the vault smaller")
_DAMAGED = Verdict(StoreError, "{what} did not reach {host} whole ({code})", _TRY_LATER, again=True)
_MOVED = Verdict(StoreError, "{what} at {host} changed while it was read", "try again", again=True)

CODES: dict[str, Verdict] = {
    "NoSuchKey": _ABSENT,
    "NoSuchBucket": _NO_BUCKET,
    "InvalidBucketName": _NO_BUCKET,
    "PreconditionFailed": _STALE,
    "NotImplemented": _UNKNOWN_FEATURE,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    **dict.fromkeys(("ConditionalRequestConflict", "OperationAborted"), _RACE),
    **dict.fromkeys(("SlowDown", "ServiceUnavailable", "TooManyRequests", "Throttling"), _BUSY),
    **dict.fromkeys(("RequestTimeout", "InternalError"), _BROKEN),
    **dict.fromkeys(("PermanentRedirect", "TemporaryRedirect", "Redirect"), _REGION),
    **dict.fromkeys(("AuthorizationHeaderMalformed", "IllegalLocationConstraintException"), _REGION),
    **dict.fromkeys(("QuotaExceeded", "InsufficientCapacity", "XMinioStorageFull"), _FULL),
    "EntityTooLarge": _LARGE,
    **dict.fromkeys(("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"), _DAMAGED),
    "InvalidRange": _MOVED,
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"), _NO_KEYS
    ),
    **dict.fromkeys(("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccountProblem"), _WHO),
}

STATUSES: dict[int, Verdict] = {
    **dict.fromkeys((301, 302, 303, 307, 308), _REGION),
    **dict.fromkeys((401, 403), _WHO),
    # A 404 without S3's own code is somebody else's page, and must not look like an empty store.
    404: _GARBLED,
    407: _PROXY,
    409: _RACE,
    412: _STALE,
    413: _LARGE,
    429: _BUSY,
    501: _UNKNOWN_FEATURE,
    503: _BUSY,
    507: _FULL,
}


def foreign() -> tuple[type[Exception], ...]:
    """Return what the S3 client may raise; imports botocore."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    return (BotoCoreError, ClientError, ResponseParserError, HTTPError, OSError)


def judge(error: Exception) -> Verdict:
    """Look the exception up; the most specific entry wins."""
    answer = getattr(error, "response", None)
    if isinstance(answer, dict):
        return _judge_answer(answer, getattr(error, "operation_name", ""))
    cause = getattr(error, "kwargs", {}).get("error")
    if type(cause).__name__ == "NameResolutionError":
        return _NO_SUCH_HOST
    names = [kind.__name__ for kind in type(error).__mro__]
    return replace(next(CLASSES[name] for name in names if name in CLASSES), code=names[0])


def failure(verdict: Verdict, location: S3Location, what: str) -> VsyncError:
    """Make the error that leaves the store; `what` is the object or prefix that was asked for."""
    names = {
        "what": what,
        "bucket": location.bucket,
        "host": location.host,
        "who": location.identity,
        "code": verdict.code,
    }
    return verdict.kind(verdict.text.format_map(names), hint=verdict.hint)


def uncertain(location: S3Location, what: str) -> Uncertain:
    """Make the error for a write that may or may not have been carried out."""
    return Uncertain(
        f"it is not known whether {location.host} stored {what}: no clear answer came",
        hint="run the same again: what was stored is recognised",
    )


@contextmanager
def translated(location: S3Location, what: str) -> Iterator[None]:
    """Turn what the S3 client raises into errors of ours."""
    try:
        yield
    except foreign() as error:
        raise failure(judge(error), location, what) from error


def _judge_answer(answer: dict[str, Any], operation: str) -> Verdict:
    code = str(answer.get("Error", {}).get("Code", ""))
    meta = answer.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    if operation == "HeadObject" and status == 404:  # noqa: PLR2004 - its answers have no body, so no code
        return _ABSENT
    found = CODES.get(code) or STATUSES.get(status) or (_BROKEN if status >= 500 else _UNEXPECTED)  # noqa: PLR2004
    wait = str(meta.get("HTTPHeaders", {}).get("retry-after", ""))
    shown = code if code.isalnum() and len(code) <= 64 else str(status)  # noqa: PLR2004 - a server may send anything
    return replace(found, code=shown, retry_after=float(wait) if wait.isascii() and wait.isdigit() else 0.0)
