"""git vsync pull: the newest version, or one by name, becomes the folder.

pointer → bundle → entries checked → local edits protected → encrypted backup → staged beside
the folder → swapped → seen and ledger → audit row → activate_to. `vsync.lock` is never touched.
With `merge`, local edits are put together with what changed in the store (merging.py).
"""

from dataclasses import dataclass

from vsync.drift import Edits, compare
from vsync.errors import Conflict, IntegrityError, RolledBack, UsageError
from vsync.formats.archive import Archive
from vsync.formats.content import content_digest, digests
from vsync.formats.version import is_version
from vsync.machine.memory import Ledger
from vsync.model import Mapping, Result
from vsync.sync import trail
from vsync.sync.activate import activate
from vsync.sync.contents import states_of
from vsync.sync.fetch import require_content, unpack
from vsync.sync.head import Head, remember
from vsync.sync.locking import locked_entry
from vsync.sync.merging import merge
from vsync.sync.opened import OpenVault, open_vault
from vsync.sync.publish import newest_ledger, recover
from vsync.sync.replacing import back_up, swap_in
from vsync.sync.snapshot import (
    edits_since,
    folder_of,
    ledger_of,
    require_hidden_from_git,
    settle,
)
from vsync.sync.target import Target, fetch_target, head_for, named_target, newest_target, pinned_target
from vsync.vault.tree import Tree
from vsync.world import World

SHOWN_EDITS = 5


@dataclass(frozen=True, slots=True)
class PullOptions:
    """The flags of pull; `at` names a version, `locked` takes the one that the lock pins."""

    at: str | None = None
    locked: bool = False
    merge: bool = False
    backup: bool = False
    force: bool = False
    dry_run: bool = False

    @property
    def named(self) -> bool:
        """Whether the user, or the commit, says which version it shall be."""
        return self.at is not None or self.locked


def pull(world: World, mapping: Mapping, options: PullOptions) -> Result:
    """Replace the mapping's folder by a version that was verified in full.

    Raises Conflict when there are edits that were never pushed, unless told to merge them or to
    back them up.
    """
    if options.at is not None and not is_version(options.at):
        raise UsageError(
            f"{options.at!r} is not a version name (YYYYMMDD-HHMMSS)",
            hint=f"git vsync versions {mapping.secret.name} lists them",
        )
    with world.machine.vault_lock(mapping.secret):
        vault = open_vault(world, mapping)
        vault.derive_early()
        folder = folder_of(world, mapping)
        folder.exists()  # a link in its place is refused before anything else is asked
        require_hidden_from_git(world, mapping)
        if not options.dry_run:
            settle(world, mapping)
            recover(vault)
        head = head_for(vault, named=options.named)
        local = folder.scan() if folder.exists() else None
        target = _target(vault, head, options)
        if _is_current(vault, target, head, local):
            return _current(vault, target, local, options)
        if options.merge and local is not None and _local_edits(vault, head, local):
            return merge(vault, target, local, newest_ledger(vault, head), dry_run=options.dry_run)
        return _fetch_and_swap(vault, target, head, local, options)


def _target(vault: OpenVault, head: Head | None, options: PullOptions) -> Target:
    if options.locked:
        return pinned_target(vault, head)
    if options.at is not None:
        return named_target(vault, head, options.at)
    if head is None:  # only a named version goes on without a pointer
        raise RolledBack(f"{vault.secret} has no pointer")
    _judge_lock(vault, head)
    return newest_target(vault, head)


def _judge_lock(vault: OpenVault, head: Head) -> None:
    """A lock newer than an authentic pointer is suspect, and says so (formats §4).

    Where this machine has seen nothing, the lock is the only witness against a store that was
    set back, and is believed: going on then takes the version's name.
    """
    entry = locked_entry(vault.world, vault.secret)
    if entry is None or head.pointer is None or entry.generation <= head.gen:
        return
    text = (
        f"vsync.lock names generation {entry.generation} of {vault.secret}, the store's newest is {head.gen}"
    )
    if vault.world.machine.memory.seen(vault.secret) is None:
        raise IntegrityError(
            f"{text}: the store was set back, or the lock was edited",
            hint="ask who pushed last; to take what is there: "
            f"git vsync pull {vault.secret.name} --at {head.version}",
        )
    vault.world.terminal.notice(f"{text}: the lock is suspect; git log -p vsync.lock shows who changed it")


def _is_current(vault: OpenVault, target: Target, head: Head | None, local: Tree | None) -> bool:
    if local is None:
        return False
    if target.head is not None and target.head.pointer is not None:
        return content_digest(local.states, vault.key.content_mac) == target.head.pointer.content
    if target.head is None and target.pinned is None:
        return False
    ledger = newest_ledger(vault, head)
    return (
        ledger is not None
        and (ledger.version, ledger.gen, ledger.kid) == (target.version, target.gen, target.kid)
        and not edits_since(local, ledger, vault.world.machine.local_key)
    )


def _current(vault: OpenVault, target: Target, local: Tree | None, options: PullOptions) -> Result:
    data = {"version": target.version, "generation": target.gen}
    details: tuple[str, ...] = ()
    if not options.dry_run:
        if target.head is not None:
            remember(vault, target.head)
        _write_ledger(vault, local or Tree(), target)
        details = activate(vault.world, vault.mapping)
    what = "holds the locked" if options.locked else "up to date at"
    return Result(str(vault.secret), "current", f"{what} {target.version}", details, data)


def _ledger_of(vault: OpenVault, target: Target, tree: Tree) -> Ledger:
    kid = target.kid or vault.key.key_id
    return ledger_of(tree, vault.world.machine.local_key, version=target.version, gen=target.gen, kid=kid)


def _write_ledger(vault: OpenVault, tree: Tree, target: Target) -> None:
    world = vault.world
    ledger = _ledger_of(vault, target, tree)
    if ledger != world.machine.memory.ledger(vault.secret, world.checkout):
        world.machine.memory.write_ledger(vault.secret, world.checkout, ledger)


def _fetch_and_swap(
    vault: OpenVault, target: Target, newest: Head | None, local: Tree | None, options: PullOptions
) -> Result:
    edits = _local_edits(vault, newest, local)
    with vault.world.spool() as spool:
        archive = fetch_target(vault, target, spool)
        _require_no_edits(vault, edits, options)
        if options.dry_run:
            return _planned(vault, target.version, archive, local)
        backup = back_up(vault, local)
        tree = _replace(vault, target, archive, local)
    if target.head is not None:
        remember(vault, target.head)
    trail.write_row(vault, trail.new_row(vault.world, "pull", target.version))
    changes = _changes(local, tree)
    details = changes.lines() + _told(vault, edits, backup) + activate(vault.world, vault.mapping)
    data = {"version": target.version, "generation": target.gen, "backup": backup}
    data |= {"added": changes.added, "removed": changes.removed, "changed": changes.changed}
    return Result(str(vault.secret), "pulled", f"pulled {target.version}", details, data)


def _local_edits(vault: OpenVault, head: Head | None, local: Tree | None) -> Edits:
    """Return what would be lost: a folder that does not exist, or is empty and new, holds no edits."""
    if local is None:
        return Edits()
    return edits_since(local, newest_ledger(vault, head), vault.world.machine.local_key)


def _require_no_edits(vault: OpenVault, edits: Edits, options: PullOptions) -> None:
    if not edits or options.backup or options.force:
        return
    shown = ", ".join(line.replace(" ", "", 1) for line in edits.lines()[:SHOWN_EDITS])
    more = f" and {len(edits) - SHOWN_EDITS} more" if len(edits) > SHOWN_EDITS else ""
    name = vault.secret.name
    raise Conflict(
        f"{vault.mapping.folder} has edits that were never pushed: {shown}{more}",
        hint=f"git vsync push {name}; if the remote moved: git vsync pull {name} --merge puts both together, "
        "--backup takes theirs and keeps yours in an encrypted copy",
    )


def _replace(vault: OpenVault, target: Target, archive: Archive, local: Tree | None) -> Tree:
    built: list[Tree] = []

    def build(root: int) -> Ledger:
        built.append(unpack(archive, root))
        if target.head is not None:
            require_content(vault, target.head, vault.key, built[0])
        return _ledger_of(vault, target, built[0])

    swap_in(vault, build, expected=local)
    return built[0]


def _changes(local: Tree | None, tree: Tree) -> Edits:
    return compare(digests(tree.states), digests(local.states if local else ()))


def _planned(vault: OpenVault, wanted: str, archive: Archive, local: Tree | None) -> Result:
    changes = compare(digests(states_of(archive)), digests(local.states if local else ()))
    summary = f"would pull {wanted} into {vault.mapping.folder}"
    return Result(str(vault.secret), "planned", summary, changes.lines(), {"version": wanted})


def _told(vault: OpenVault, edits: Edits, backup: str | None) -> tuple[str, ...]:
    if not edits or backup is None:
        return ()
    restore = f"git vsync restore {vault.secret.name} --backup {backup}"
    return (f"replaced {len(edits)} edits that were never pushed; they are in a backup: {restore}",)
