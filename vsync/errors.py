"""Every exception vsync raises on purpose, with the exit code it ends in (product contract §7).

    VsyncError
    ├── UsageError          2   wrong words
    │   └── ConfigError     2   wrong configuration: names file, table and key
    ├── NotFound           10   no such vault, version or store object
    ├── Conflict           11   somebody else was first, unpushed edits, a lock is held
    │   ├── AlreadyExists       the store already has an object of that name
    │   └── StaleTag            the object is no longer the one that was read
    ├── KeyUnavailable     12   a half is missing or cannot be used
    │   ├── WrongKey            authentication failed, and the key may be the reason
    │   └── ForeignKey          the store says which key it takes, and it is not ours
    ├── IntegrityError     13   do not trust: altered, truncated, rolled back
    │   ├── RolledBack          older than what this machine has seen, or gone
    │   └── UnsupportedVersion  written by a newer tool
    ├── StoreError         14   unreachable, refused or unfit
    │   ├── Uncertain           the answer was lost: the write may have happened
    │   ├── Refused             401 or 403: who we are is known, and not enough
    │   ├── Unfit               the server lacks what vsync relies on
    │   └── DiskError           a disk or folder of this machine said no
    └── GitError           15   not a repository, tracked plaintext, not ignored

A finding (drift, a difference) is a result, never one of these.
"""

from typing import ClassVar


class VsyncError(Exception):
    """Something expected went wrong; `hint` says what to type or check next.

    Messages are lower case, name the object, and never contain a secret.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(VsyncError):
    """The words on the command line do not make sense together."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file is wrong; the message names file, table and key."""


class NotFound(VsyncError):
    """There is no such vault, version or object."""

    exit_code = 10


class Conflict(VsyncError):
    """Somebody else was first, or going on would lose somebody's work."""

    exit_code = 11


class AlreadyExists(Conflict):
    """The store has an object of that name with other content."""


class StaleTag(Conflict):
    """The object is no longer the one whose tag was expected."""


class KeyUnavailable(VsyncError):
    """The key or the binding is missing or cannot be used."""

    exit_code = 12


class WrongKey(KeyUnavailable):
    """An authentication tag did not verify; the key may be the wrong one.

    Callers who know from the key id that the key is right turn it into IntegrityError.
    """


class ForeignKey(KeyUnavailable):
    """The newest version is under another key than this machine has, going by its key id."""


class IntegrityError(VsyncError):
    """Bytes that must not be trusted: altered, truncated, rolled back or malformed."""

    exit_code = 13


class RolledBack(IntegrityError):
    """The store is older than what this machine has seen; an older version is taken only by name."""


class UnsupportedVersion(IntegrityError):
    """A format or version that this vsync does not know."""


class StoreError(VsyncError):
    """The store did not do what was asked."""

    exit_code = 14


class Uncertain(StoreError):
    """A write was sent and its answer was lost: it may or may not have happened."""


class Refused(StoreError):
    """The store knows who asks and says no (401, 403)."""


class Unfit(StoreError):
    """The store does not honour what vsync relies on, such as conditional writes."""


class DiskError(StoreError):
    """A disk or folder of this machine said no: full, read-only, somebody else's."""


class GitError(VsyncError):
    """Git says no: not a repository, tracked plaintext, a folder that is not ignored."""

    exit_code = 15


GRAVEST_FIRST = (130, 3, 2, 13, 12, 15, 11, 10, 14, 1)


def gravest(codes: list[int]) -> int:
    """Return the exit code that a run over several vaults ends in (product contract §7)."""
    return min((code for code in codes if code), key=GRAVEST_FIRST.index, default=0)
