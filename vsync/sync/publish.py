"""Publishing one version: seal, create, swap, and everything that follows once it has won.

    spool → pending → create the version → swap the pointer → seen → vsync.lock → ledger → audit

Stopped before the swap, the old state stands and the pending note is dropped at the next start.
Stopped after it, the next start finds its own pointer (or a successor of it) and does the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from vsync.errors import AlreadyExists, Conflict, Refused, StaleTag, StoreError, VsyncError
from vsync.formats import pointer as pointers
from vsync.formats.entries import PackEntry
from vsync.formats.envelope import Written
from vsync.formats.pointer import Pointer
from vsync.formats.version import MAX_GENERATION, version_after
from vsync.machine.halves import place_digest
from vsync.machine.memory import Ledger, Pending, Publication, Seen
from vsync.store.probe import probe, require_writable
from vsync.sync import trail
from vsync.sync.head import Head, read_head
from vsync.sync.locking import record
from vsync.sync.opened import OpenVault
from vsync.sync.snapshot import ledger_of, lock_entry_of, synced_ledger
from vsync.vault.folder import VaultFolder
from vsync.vault.tree import Tree

MAX_NAME_TRIES = 60


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be published: the folder as it was read, its variable names, its keyed digest."""

    tree: Tree
    names: tuple[str, ...]
    digest: str


def require_fit(vault: OpenVault) -> None:
    """Probe a store before this machine's first write to it; Unfit, with the reason, if it fails."""
    place = place_digest(vault.binding)
    if not vault.world.machine.is_fit(place):
        require_writable(probe(vault.store, vault.root.prefix))
        vault.world.machine.remember_fit(place)


def publish(vault: OpenVault, content: Content, head: Head | None, *, note: dict[str, object]) -> Publication:
    """Make the content the newest version. Conflict when somebody was first; nothing is then changed."""
    require_fit(vault)
    world = vault.world
    version = version_after(_newest_known(vault, head), world.now)
    entries = VaultFolder(world.repository.top, vault.mapping.folder).pack_entries
    with world.spool() as spool:
        for _ in range(MAX_NAME_TRIES):
            sealed = _seal(vault, spool, version, entries(content.tree))
            publication = _publication(vault, content, head, version, sealed, note)
            _note(vault, publication)
            try:
                _create(vault, version, spool, sealed)
                break
            except AlreadyExists:
                # Somebody took this second: a name is never used twice (formats §3).
                version = version_after(version, world.now)
        else:
            raise Conflict(f"{vault.secret}: others keep publishing", hint="try again in a moment")
    _swap(vault, publication, content, head, sealed)
    try:
        finish(vault, publication)
    except VsyncError as error:
        raise type(error)(
            f"{vault.secret}: {publication.version} is published, but then: {error.message}",
            hint=f"mend that, then: git vsync push {vault.secret.name}; it completes this push",
        ) from error
    return publication


def _newest_known(vault: OpenVault, head: Head | None) -> str | None:
    seen = vault.world.machine.memory.seen(vault.secret)
    known = [newest.version for newest in (head, seen) if newest is not None]
    return max(known, default=None)


def _seal(vault: OpenVault, spool: BinaryIO, version: str, entries: Iterable[PackEntry]) -> Written:
    # A push of what has not changed shares this module and seals nothing.
    from vsync.formats.bundle import write_bundle

    spool.seek(0)
    spool.truncate()
    sealed = write_bundle(spool, vault.key, version, entries, limits=vault.world.machine.settings.limits)
    spool.flush()
    return sealed


def _create(vault: OpenVault, version: str, spool: BinaryIO, sealed: Written) -> None:
    with vault.world.terminal.progress(f"{vault.secret}: upload", 0):
        vault.store.create(vault.root.version(version), spool, size=sealed.size, sha256=sealed.sha256)


def _publication(
    vault: OpenVault,
    content: Content,
    head: Head | None,
    version: str,
    sealed: Written,
    note: dict[str, object],
) -> Publication:
    world, kid = vault.world, vault.key.key_id
    gen = 0 if vault.root.classic else (head.gen if head else 0) + 1
    if gen > MAX_GENERATION:
        raise Conflict(f"{vault.secret}: the generation cannot grow any further")
    return Publication(
        version=version,
        gen=gen,
        prev=head.version if head else None,
        sha256=sealed.sha256,
        kid=kid,
        checkout=world.checkout,
        ledger=ledger_of(content.tree, world.machine.local_key, version=version, gen=gen, kid=kid),
        lock=lock_entry_of(
            world,
            vault.mapping,
            content.tree,
            content.names,
            version=version,
            gen=gen,
            kid=kid,
            sha256=sealed.sha256,
        ),
        row=trail.new_row(world, "push", version, meta=note),
    )


def _note(vault: OpenVault, publication: Publication | None) -> None:
    memory = vault.world.machine.memory
    memory.write_pending(vault.secret, Pending(publication, memory.pending(vault.secret).rows))


def _swap(
    vault: OpenVault, publication: Publication, content: Content, head: Head | None, sealed: Written
) -> None:
    if vault.root.classic:
        data = publication.version.encode()
    else:
        pointer = Pointer(
            version=publication.version,
            name=str(vault.secret),
            gen=publication.gen,
            prev=publication.prev,
            sha256=sealed.sha256,
            size=sealed.size,
            kid=vault.key.key_id,
            content=content.digest,
            rotated_at=head.pointer.rotated_at if head and head.pointer else None,
            by=vault.world.actor.git_email,
        )
        data = pointers.to_bytes(pointer, vault.key)
    try:
        vault.store.swap(vault.root.head, data, expected=head.tag if head else None)
    except Refused:
        _note(vault, None)
        raise
    except (StaleTag, StoreError) as error:
        newest = _newest_or_none(vault)
        if newest is not None and is_ours(newest, publication):
            return
        if isinstance(error, StaleTag):
            _note(vault, None)
            raise moved(vault, newest) from error
        # An answer that was lost may still come true: the note stays, and the next start decides.
        raise


def _newest_or_none(vault: OpenVault) -> Head | None:
    try:
        return read_head(vault)
    except StoreError:
        return None


def is_ours(head: Head, publication: Publication) -> bool:
    """Tell whether the newest version is this publication, or was pushed on top of it (formats §4)."""
    if head.version == publication.version:
        return head.pointer is None or head.sha256 == publication.sha256
    return head.pointer is not None and head.pointer.prev == publication.version


def moved(vault: OpenVault, head: Head | None) -> Conflict:
    """Return the error that says who was first, and when."""
    if head is None:
        return Conflict(f"{vault.secret}: the store changed while pushing", hint="try again")
    by = (head.pointer and head.pointer.by) or "somebody"
    gen = f", generation {head.gen}" if head.gen else ""
    name = vault.secret.name
    return Conflict(
        f"{vault.secret}: the remote moved: {by} pushed {head.version}{gen}",
        hint=f"git vsync pull {name} --merge puts your edits together with theirs, then push again",
    )


def finish(vault: OpenVault, publication: Publication) -> None:
    """Do what follows a swap that won; safe to do twice."""
    world, memory = vault.world, vault.world.machine.memory
    before = memory.seen(vault.secret)
    memory.see(
        vault.secret,
        Seen(
            publication.gen,
            publication.version,
            publication.sha256,
            publication.kid,
            before.rows if before else 0,
            before.last_mac if before else "",
        ),
    )
    if publication.checkout == world.checkout:
        record(world, publication.lock)
    memory.write_ledger(vault.secret, publication.checkout, publication.ledger)
    rows = memory.pending(vault.secret).rows
    if vault.binding.audit:
        rows = (*rows, publication.row)
    # The row moves to the queue in the same write that ends the publication: never lost, never twice.
    memory.write_pending(vault.secret, Pending(None, rows))
    trail.flush_rows(vault)


def recover(vault: OpenVault) -> None:
    """Finish or drop what a stopped push left behind, then write the audit rows that wait."""
    publication = vault.world.machine.memory.pending(vault.secret).publication
    if publication is not None:
        head = read_head(vault)
        if head is not None and is_ours(head, publication):
            vault.world.terminal.notice(f"{vault.secret}: completed the push of {publication.version}")
            finish(vault, publication)
        else:
            vault.world.terminal.notice(
                f"{vault.secret}: dropped the interrupted push of {publication.version}"
            )
            _note(vault, None)
    trail.flush_rows(vault)


def newest_ledger(vault: OpenVault, head: Head | None) -> Ledger | None:
    """Return what this checkout last synced, changing nothing.

    A push that won and a pull that swapped count, even if they were stopped before they could
    write it down: nobody is told that they conflict with themselves.
    """
    world = vault.world
    publication = world.machine.memory.pending(vault.secret).publication
    won = head is not None and publication is not None and is_ours(head, publication)
    if publication is not None and won and publication.checkout == world.checkout:
        return publication.ledger
    return synced_ledger(world, vault.mapping)
