"""Which version a verb means: the newest, the one that the lock pins, or one by its name.

What vouches for it differs: the pointer for the newest, `vsync.lock` for the pinned one, and
for one by its name nothing but the key that opens it (formats §4).
"""

from dataclasses import dataclass
from typing import BinaryIO

from vsync.errors import IntegrityError, NotFound, RolledBack
from vsync.formats.archive import Archive
from vsync.formats.lockfile import FILE_NAME, LockEntry
from vsync.sync.fetch import fetch_head, fetch_pinned, fetch_version
from vsync.sync.head import Head, read_head
from vsync.sync.locking import locked_entry
from vsync.sync.opened import OpenVault

REMOTE = "remote"
LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Target:
    """One version to take, and who vouches for it: `head` for the newest, `pinned` for the lock's.

    `gen` is 0, and `kid` empty, where nobody does.
    """

    version: str
    gen: int = 0
    kid: str = ""
    head: Head | None = None
    pinned: LockEntry | None = None


def head_for(vault: OpenVault, *, named: bool) -> Head | None:
    """Return the newest version; None when the store was set back and a version is asked for by name.

    Raises NotFound when nothing was pushed yet.
    """
    try:
        head = read_head(vault)
    except RolledBack as error:
        if not named:
            raise
        vault.world.terminal.notice(f"{error.message}; going on, since a version was named")
        return None
    if head is None:
        raise NotFound(
            f"{vault.secret} has no version in {vault.store.where} yet",
            hint=f"put files into {vault.mapping.folder}, then: git vsync push {vault.secret.name}",
        )
    return head


def target_of(vault: OpenVault, which: str) -> Target:
    """Return the version that a word means: `remote` (the newest), `lock`, or one by its name."""
    head = head_for(vault, named=which != REMOTE)
    if which == LOCK:
        return pinned_target(vault, head)
    return named_target(vault, head, which) if which != REMOTE or head is None else newest_target(vault, head)


def newest_target(vault: OpenVault, head: Head) -> Target:
    """Return the newest version."""
    return Target(head.version, head.gen, head.pointer.kid if head.pointer else vault.key.key_id, head)


def named_target(vault: OpenVault, head: Head | None, version: str) -> Target:
    """Return a version by its name; NotFound for one later than the newest, which was never published."""
    if head is not None and version == head.version:
        return newest_target(vault, head)
    if head is not None and version > head.version:
        raise NotFound(
            f"{vault.secret}: {version} is later than the newest version {head.version}: "
            "it was never published",
            hint=f"git vsync versions {vault.secret.name}",
        )
    return Target(version)


def pinned_target(vault: OpenVault, head: Head | None) -> Target:
    """Return the version that `vsync.lock` pins.

    Raises NotFound without an entry, IntegrityError when the pointer contradicts it.
    """
    entry = locked_entry(vault.world, vault.secret)
    name = vault.secret.name
    if entry is None:
        raise NotFound(
            f"{FILE_NAME} has no entry for {vault.secret}",
            hint=f"git vsync pull {name} takes the newest version, then git vsync lock {name} records it",
        )
    problem = contradiction(entry, head)
    if problem:
        raise IntegrityError(
            f"{vault.secret}: {problem}",
            hint=f"git log -p {FILE_NAME} shows who changed it; git vsync pull {name} takes the newest",
        )
    if head is not None and head.version == entry.version:
        return newest_target(vault, head)
    return Target(entry.version, entry.generation, entry.key_id, pinned=entry)


def contradiction(entry: LockEntry, head: Head | None) -> str | None:
    """Say how a lock entry contradicts an authentic pointer, or None (product contract §5).

    The same version has the same generation, key and bundle; any other pinned version is older,
    by its generation and by its time. Classic stores have only the time.
    """
    if head is None:
        return None
    pinned = f"{FILE_NAME} names {entry.version}, generation {entry.generation}"
    newest = f"the store's newest is {head.version}, generation {head.gen}"
    if head.pointer is None:
        later = entry.version > head.version
        return f"{pinned}, and {newest}: the store was set back, or the lock was edited" if later else None
    if entry.version == head.version:
        vouched = (head.gen, head.pointer.kid, head.sha256)
        same = (entry.generation, entry.key_id, entry.sha256) == vouched
        return None if same else f"{pinned}, with another generation, key or bundle than the store's"
    if entry.generation >= head.gen:
        what = "the store was set back" if entry.generation > head.gen else "the history forked"
        return f"{pinned}, and {newest}: {what}, or the lock was edited"
    if entry.generation == 0:
        return f"{pinned}, which only a classic vault has"
    return f"{pinned}, and {newest}, which is not later" if entry.version > head.version else None


def fetch_target(vault: OpenVault, target: Target, spool: BinaryIO) -> Archive:
    """Download a version and prove it, as far as anybody vouches for it."""
    if target.head is not None:
        return fetch_head(vault, target.head, spool)
    if target.pinned is not None and target.pinned.sha256:
        return fetch_pinned(vault, target.pinned, spool)
    return fetch_version(vault, target.version, spool)
