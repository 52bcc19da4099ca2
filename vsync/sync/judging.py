"""The version that verify judges: the pinned one, else the newest; read once (product contract §5).

One pointer read and one bundle read decide a vault. What the lock says and the store does not is
a finding; what does not hold under the key is an IntegrityError.
"""

from dataclasses import dataclass, field
from typing import BinaryIO

from vsync.checks import finding
from vsync.errors import IntegrityError, KeyUnavailable, NotFound, WrongKey
from vsync.formats.archive import Archive
from vsync.formats.bundle import open_bundle
from vsync.formats.content import FileState, content_digest
from vsync.formats.dotenv import MAX_ENV_BYTES
from vsync.formats.lockfile import FILE_NAME, LockEntry
from vsync.model import Finding
from vsync.sync.contents import read_entry, states_of
from vsync.sync.fetch import download, fetch_head, key_of, open_any
from vsync.sync.head import Head
from vsync.sync.opened import OpenVault
from vsync.sync.target import contradiction


@dataclass(frozen=True, slots=True)
class Judged:
    """One version as its bundle has it; `env` is the env file's bytes, None without one."""

    version: str
    pinned: bool
    files: tuple[FileState, ...]
    env: bytes | None = field(repr=False)


def check_contradiction(vault: OpenVault, entry: LockEntry | None, head: Head) -> list[Finding]:
    """Find a lock that names what the store never published (formats §4)."""
    problem = contradiction(entry, head) if entry is not None else None
    if problem is None:
        return []
    found = finding(
        "lock-contradicts",
        vault.mapping,
        found=problem,
        wanted=f"a version that the store has published (git log -p {FILE_NAME} shows who changed it)",
        fix=f"git vsync pull {vault.secret.name} && git vsync lock {vault.secret.name}",
    )
    return [found]


def judge(
    vault: OpenVault, entry: LockEntry | None, head: Head, spool: BinaryIO
) -> tuple[Judged | None, list[Finding]]:
    """Return the judged version, None when a finding says why there is none.

    Raises IntegrityError for a bundle that does not hold, NotFound when the newest is gone.
    """
    if entry is not None and entry.version != head.version:
        return _pinned(vault, entry, spool)
    archive = fetch_head(vault, head, spool)
    judged = _read(vault, archive, head.version, pinned=entry is not None)
    pointer = head.pointer
    if pointer is not None and content_digest(judged.files, vault.key.content_mac) != pointer.content:
        raise IntegrityError(f"{vault.secret}: {head.version} does not hold the content its pointer names")
    return judged, []


def _pinned(vault: OpenVault, entry: LockEntry, spool: BinaryIO) -> tuple[Judged | None, list[Finding]]:
    try:
        sha256 = download(vault, entry.version, spool)
    except NotFound:
        return None, [_lock_finding(vault, "lock-missing", entry, "the store has no such version")]
    if not entry.key_id:  # classic: nothing but the key vouches for it
        return _read(vault, open_any(vault, entry.version, spool), entry.version, pinned=True), []
    try:
        key = key_of(vault, entry.key_id)
    except KeyUnavailable:
        return None, [other_key(vault, entry.key_id)]
    limits = vault.world.machine.settings.limits
    try:
        judged = _read(vault, open_bundle(spool, key, entry.version, limits), entry.version, pinned=True)
    except WrongKey as error:
        raise IntegrityError(f"{vault.secret}: the bundle {entry.version} was altered") from error
    if sha256 == entry.sha256:
        return judged, []
    # It opens, and says itself which version it is: so it is the lock that is wrong.
    found = _lock_finding(vault, "lock-hash", entry, f"the store's bundle has the digest {sha256[:12]}…")
    return judged, [found]


def _lock_finding(vault: OpenVault, kind: str, entry: LockEntry, problem: str) -> Finding:
    name = vault.secret.name
    return finding(
        kind,
        vault.mapping,
        found=f"{FILE_NAME} names {entry.version}, generation {entry.generation}: {problem}",
        wanted=f"the version as it was published (git log -p {FILE_NAME} shows who changed it)",
        fix=f"git vsync pull {name} && git vsync lock {name}",
    )


def other_key(vault: OpenVault, wanted: str | None) -> Finding:
    """Return the finding about a version that takes another key than this machine has."""
    return finding(
        "key-other",
        vault.mapping,
        found=f"this machine has key {vault.key.key_id}",
        wanted=f"key {wanted}" if wanted else "the key of the newest version",
        fix="git vsync import FILE.share, or in CI set VSYNC_KEY to the present key",
    )


def _read(vault: OpenVault, archive: Archive, version: str, *, pinned: bool) -> Judged:
    env = read_entry(archive, vault.mapping.env_file, limit=MAX_ENV_BYTES)
    return Judged(version, pinned, states_of(archive), env)
