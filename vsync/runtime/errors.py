"""What an application can catch, and how vsync's own errors become that.

    VSyncError
    ├── ConfigMissingError              no token or passphrase, or a text that is no token
    ├── ConfigUnsupportedVersionError   a token this reader does not know
    ├── S3UnreachableError              the store does not answer, or refuses who asks
    ├── ManifestNotFoundError           the store answers, and the vault is not there
    ├── WrongPassphraseError            the passphrase does not open the vault
    ├── BundleCorruptError              altered, truncated, rolled back or malformed
    └── UnsupportedSpecVersionError     written by a newer vsync

The names are those of the other implementations (product contract §9).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from vsync.errors import (
    IntegrityError,
    KeyUnavailable,
    NotFound,
    StoreError,
    UnsupportedVersion,
    VsyncError,
)
from vsync.formats.token import TokenMissing, TokenUnsupported


class VSyncError(Exception):
    """The vault cannot be used; `hint` says what to do next. Never holds a secret."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigMissingError(VSyncError):
    """`VSYNC_CONFIG` or the passphrase is missing, or the former is no token at all."""


class ConfigUnsupportedVersionError(VSyncError):
    """The token is of a version, or a spelling, that this reader does not take."""


class S3UnreachableError(VSyncError):
    """The store did not answer, or it knows who asks and says no."""


class ManifestNotFoundError(VSyncError):
    """The store answered, and what says which version is the newest is not in it."""


class WrongPassphraseError(VSyncError):
    """The passphrase does not open this vault."""


class BundleCorruptError(VSyncError):
    """What was read must not be trusted: altered, truncated, rolled back or malformed."""


class UnsupportedSpecVersionError(VSyncError):
    """The vault was written in a newer format than this reader knows."""


_TABLE: tuple[tuple[type[VsyncError], type[VSyncError]], ...] = (
    (TokenMissing, ConfigMissingError),
    (TokenUnsupported, ConfigUnsupportedVersionError),
    (UnsupportedVersion, UnsupportedSpecVersionError),
    (KeyUnavailable, WrongPassphraseError),
    (NotFound, ManifestNotFoundError),
    (StoreError, S3UnreachableError),
    (IntegrityError, BundleCorruptError),
    (VsyncError, VSyncError),
)
"""Most specific first."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn vsync's own errors into those an application catches."""
    try:
        yield
    except VsyncError as error:
        kind = next(ours for theirs, ours in _TABLE if isinstance(error, theirs))
        raise kind(error.message, hint=error.hint) from error
