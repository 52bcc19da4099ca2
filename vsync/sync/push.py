"""git vsync push: the folder becomes the newest version."""

from dataclasses import dataclass, field

from vsync.drift import Edits
from vsync.errors import Conflict, VsyncError
from vsync.formats.content import content_digest
from vsync.machine.memory import Ledger
from vsync.model import Mapping, Result
from vsync.sync.head import Head, read_head, remember
from vsync.sync.locking import read_lock, record
from vsync.sync.opened import OpenVault, open_vault
from vsync.sync.publish import Content, moved, newest_ledger, publish, recover
from vsync.sync.snapshot import (
    edits_since,
    ledger_of,
    lock_entry_of,
    settle,
    snapshot_for_push,
)
from vsync.world import World


@dataclass(frozen=True, slots=True)
class PushOptions:
    """The flags of push; `note` is the caller's part of the audit row's meta."""

    force: bool = False
    dry_run: bool = False
    allow_empty: bool = False
    note: dict[str, object] = field(default_factory=dict)


def push(world: World, mapping: Mapping, options: PushOptions) -> Result:
    """Publish the mapping's folder; an unchanged one writes nothing but a missing lock entry.

    Raises Conflict when somebody pushed since this checkout last synced, unless forced.
    """
    with world.machine.vault_lock(mapping.secret):
        vault = open_vault(world, mapping)
        vault.derive_early()
        read_lock(world)  # a file with conflict markers must stop us now, not after the swap
        if not options.dry_run:
            settle(world, mapping)
        tree, names = snapshot_for_push(world, mapping, allow_empty=options.allow_empty)
        if not options.dry_run:
            recover(vault)
        head = read_head(vault)
        content = Content(tree, names, content_digest(tree.states, vault.key.content_mac))
        ledger = newest_ledger(vault, head)
        edits = edits_since(tree, ledger, world.machine.local_key)
        if head is not None and _holds(head, content, ledger, edits):
            return _adopt(vault, head, content, ledger, dry_run=options.dry_run)
        discarded = _require_synced(vault, head, ledger, force=options.force)
        if options.dry_run:
            return _planned(vault, head, edits)
        publication = publish(vault, content, head, note=options.note)
    details = edits.lines() + ((discarded,) if discarded else ())
    data = {"version": publication.version, "generation": publication.gen, "sha256": publication.sha256}
    if discarded and head is not None:
        data["discarded"] = head.version
    return Result(str(mapping.secret), "pushed", f"pushed {publication.version}", details, data)


def _holds(head: Head, content: Content, ledger: Ledger | None, edits: Edits) -> bool:
    """Tell whether the newest version is exactly this content."""
    if head.pointer is not None:
        return head.pointer.content == content.digest
    return ledger is not None and ledger.version == head.version and not edits


def _adopt(vault: OpenVault, head: Head, content: Content, ledger: Ledger | None, *, dry_run: bool) -> Result:
    """Take note that this checkout has the newest version, and mend `vsync.lock`."""
    world, secret, kid = vault.world, vault.secret, vault.key.key_id
    known = ledger is not None and ledger.version == head.version
    state, summary = ("unchanged", f"unchanged since {head.version}")
    if not known:
        state, summary = ("adopted", f"already published as {head.version}: adopted")
    data = {"version": head.version, "generation": head.gen}
    if dry_run:
        return Result(str(secret), state, summary, data=data)
    remember(vault, head)
    if not known:
        adopted = ledger_of(
            content.tree, world.machine.local_key, version=head.version, gen=head.gen, kid=kid
        )
        world.machine.memory.write_ledger(secret, world.checkout, adopted)
    entry = lock_entry_of(
        world,
        vault.mapping,
        content.tree,
        content.names,
        version=head.version,
        gen=head.gen,
        kid=kid,
        sha256=head.sha256,
    )
    if not vault.root.classic and record(world, entry):
        summary += "; vsync.lock mended"
        data["lock"] = "mended"
    return Result(str(secret), state, summary, data=data)


def _require_synced(vault: OpenVault, head: Head | None, ledger: Ledger | None, *, force: bool) -> str | None:
    """Refuse to push over a version this checkout has not synced; forced, say what that discards."""
    if head is None or (ledger is not None and ledger.version == head.version):
        return None
    error: VsyncError = moved(vault, head)
    if ledger is None:
        error = Conflict(
            f"{vault.secret}: this folder was never synced with what {_by(head)} pushed as {head.version}",
            hint=f"git vsync pull {vault.secret.name} --merge puts both together, --backup takes theirs; "
            "then push again",
        )
    if not force:
        raise error
    return (
        f"discarded {head.version} by {_by(head)}; it stays in the store: "
        f"git vsync versions {vault.secret.name}"
    )


def _by(head: Head) -> str:
    return (head.pointer and head.pointer.by) or "somebody"


def _planned(vault: OpenVault, head: Head | None, edits: Edits) -> Result:
    gen = 0 if vault.root.classic else (head.gen if head else 0) + 1
    summary = f"would push {len(edits)} change{'' if len(edits) == 1 else 's'} to {vault.store.where}"
    return Result(str(vault.secret), "planned", summary, edits.lines(), {"generation": gen})
