"""Getting a bundle and proving it before anything in it is used (formats §§2, 4)."""

from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from typing import BinaryIO, cast

from vsync.errors import IntegrityError, KeyUnavailable, NotFound, WrongKey
from vsync.formats.archive import Archive
from vsync.formats.bundle import open_bundle
from vsync.formats.content import content_digest
from vsync.formats.digest import Digest
from vsync.formats.entries import ArchiveLimits
from vsync.formats.lockfile import FILE_NAME, LockEntry
from vsync.formats.vaultkey import VaultKey
from vsync.sync.head import Head
from vsync.sync.opened import OpenVault
from vsync.vault.filler import Filler
from vsync.vault.tree import Scanned, Tree

MAX_BUNDLE_BYTES = 5 * 1024**3  # what one PUT can carry


def fetch_head(vault: OpenVault, head: Head, spool: BinaryIO) -> Archive:
    """Download the newest bundle: its size and digest must be what the pointer says."""
    limit = head.pointer.size if head.pointer else MAX_BUNDLE_BYTES
    sha256 = download(vault, head.version, spool, limit)
    if head.pointer is not None:
        if sha256 != head.pointer.sha256:
            raise IntegrityError(
                f"{vault.secret}: the bundle {head.version} is not the one the pointer names",
                hint="the store gives back other bytes than were pushed: do not trust it",
            )
        return _open_with_own_key(vault, head.version, spool)
    return open_any(vault, head.version, spool)


def fetch_version(vault: OpenVault, version: str, spool: BinaryIO) -> Archive:
    """Download a version by its name; it opens with the current key or a retired one."""
    return fetch_digested(vault, version, spool)[0]


def fetch_digested(vault: OpenVault, version: str, spool: BinaryIO) -> tuple[Archive, str]:
    """Do as `fetch_version`, and return the SHA-256 of the bundle as well."""
    sha256 = download(vault, version, spool)
    return open_any(vault, version, spool), sha256


def fetch_pinned(vault: OpenVault, entry: LockEntry, spool: BinaryIO) -> Archive:
    """Download the version that `vsync.lock` pins: its digest and key must be those of the entry."""
    if download(vault, entry.version, spool) != entry.sha256:
        raise IntegrityError(
            f"{vault.secret}: the bundle {entry.version} is not the one that {FILE_NAME} names",
            hint=f"git log -p {FILE_NAME} shows whether the lock was edited; else do not trust the store",
        )
    try:
        return open_bundle(spool, key_of(vault, entry.key_id), entry.version, _limits(vault))
    except WrongKey as error:
        raise IntegrityError(f"{vault.secret}: the bundle {entry.version} was altered") from error


def key_of(vault: OpenVault, kid: str) -> VaultKey:
    """Return the current or retired key of this id; KeyUnavailable when this machine has none."""
    for key in chain((vault.key,), vault.retired_keys()):
        if key.key_id == kid:
            return key
    raise KeyUnavailable(
        f"{vault.secret}: this takes key {kid}, and this machine has {vault.key.key_id}",
        hint="ask a colleague for a new share, then: git vsync import FILE.share",
    )


def _limits(vault: OpenVault) -> ArchiveLimits:
    return vault.world.machine.settings.limits


class _Counted:
    """Passes on what is written to it, hashed and counted on its way."""

    def __init__(self, out: BinaryIO, done: Callable[[int], None]) -> None:
        self._out = out
        self._done = done
        self.digest = Digest()

    def write(self, data: bytes) -> int:
        """Write all of the data."""
        self.digest.update(data)
        self._done(len(data))
        return self._out.write(data)


def download(vault: OpenVault, version: str, spool: BinaryIO, limit: int = MAX_BUNDLE_BYTES) -> str:
    """Download a version, proving nothing, and return the SHA-256 of what came."""
    size = 0 if limit == MAX_BUNDLE_BYTES else limit
    try:
        with vault.world.terminal.progress(f"{vault.secret}: download", size) as done:
            counted = _Counted(spool, done)
            vault.store.download(vault.root.version(version), cast("BinaryIO", counted), limit=limit)
    except NotFound as error:
        raise NotFound(
            f"{vault.secret} has no version {version}", hint=f"git vsync versions {vault.secret.name}"
        ) from error
    return counted.digest.hexdigest()


def _open_with_own_key(vault: OpenVault, version: str, spool: BinaryIO) -> Archive:
    try:
        return open_bundle(spool, vault.key, version, _limits(vault))
    except WrongKey as error:
        # The pointer is authentic under this key, so the key is right and the bundle is not.
        raise IntegrityError(f"{vault.secret}: the bundle {version} was altered") from error


def try_keys(vault: OpenVault, version: str, spool: BinaryIO) -> Archive | None:
    """Open a bundle with the current key, then the retired ones; None when its tag fails under each."""
    for key in chain((vault.key,), vault.retired_keys()):
        with suppress(WrongKey):
            return open_bundle(spool, key, version, _limits(vault))
    return None


def open_any(vault: OpenVault, version: str, spool: BinaryIO) -> Archive:
    """Open a bundle whose key id nobody vouches for: the current key, then the retired ones."""
    archive = try_keys(vault, version, spool)
    if archive is not None:
        return archive
    # formats §4, classic: a failing tag is a wrong key until something has opened with this one.
    if vault.world.machine.memory.seen(vault.secret) is not None:
        raise IntegrityError(
            f"{vault.secret}: the bundle {version} was altered, or encrypted with a key this machine lacks"
        )
    raise KeyUnavailable(
        f"{vault.secret}: this machine's key does not open {version}",
        hint="ask a colleague for a new share, then: git vsync import FILE.share",
    )


def unpack(archive: Archive, root: int) -> Tree:
    """Write every entry into an empty private folder, and return the tree as it now is."""
    filler = Filler(root)
    folders: list[str] = []
    files: list[Scanned] = []
    for entry in archive.entries:
        if entry.is_directory:
            filler.add_folder(entry.path)
            folders.append(entry.path)
        else:
            files.append(filler.add_file(entry.path, archive.pieces(entry), executable=entry.executable))
    filler.sync()
    return Tree(tuple(folders), tuple(files))


def require_content(vault: OpenVault, head: Head, key: VaultKey, tree: Tree) -> None:
    """Refuse a tree that is not the content the pointer vouches for."""
    if head.pointer is not None and content_digest(tree.states, key.content_mac) != head.pointer.content:
        raise IntegrityError(f"{vault.secret}: {head.version} does not hold the content its pointer names")
