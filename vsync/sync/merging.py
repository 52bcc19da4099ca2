"""git vsync pull --merge: local edits and the newest version become one folder.

newest version → what was last synced → each file, each variable judged (merge.py) → encrypted
backup → staged beside the folder → swapped → seen, ledger, audit row → activate_to. The ledger
is the newest version's: what is here beyond it counts as edits, and can be pushed.
"""

from typing import Any

from vsync.errors import IntegrityError
from vsync.formats.archive import Archive
from vsync.machine.memory import Ledger
from vsync.merge import Change, Clash
from vsync.model import Json, Result
from vsync.sync import trail
from vsync.sync.activate import activate
from vsync.sync.base import Base
from vsync.sync.contents import states_of
from vsync.sync.deciding import how_to_decide, require_decided, shown
from vsync.sync.fetch import require_content
from vsync.sync.head import remember
from vsync.sync.mergeplan import Merging, Plan, content_of_folder, content_of_version
from vsync.sync.opened import OpenVault
from vsync.sync.replacing import back_up, swap_in
from vsync.sync.snapshot import edits_since, folder_of, ledger_of
from vsync.sync.target import Target, fetch_target
from vsync.vault.filler import Filler
from vsync.vault.tree import Scanned, Tree

HOW = {
    ("changed", "changed"): "changed on both sides",
    ("changed", "removed"): "changed here, removed there",
    ("removed", "changed"): "removed here, changed there",
}


def merge(vault: OpenVault, target: Target, local: Tree, ledger: Ledger | None, *, dry_run: bool) -> Result:
    """Put the edits of `local` and the newest version together; code 11 if something is to be decided.

    `ledger` is what was last synced. Nobody's change is lost: what both sides changed differently
    is kept twice, in the folder only. Raises Conflict, and changes nothing, while the conflicts of
    an earlier merge are undecided, or when names of both sides cannot stand side by side.
    """
    folder = folder_of(vault.world, vault.mapping)
    require_decided(folder, vault.mapping, local)
    if ledger is not None and ledger.version == target.version:
        return _nothing_new(vault, target, local, ledger, dry_run=dry_run)
    with vault.world.spool() as newest, vault.world.spool() as before:
        archive = fetch_target(vault, target, newest)
        remote = _verified(vault, target, archive)
        sides = (content_of_folder(folder, local), content_of_version(archive, remote.states))
        merging = Merging(vault.mapping, target.version, Base(vault, ledger, before), *sides)
        plan = merging.plan(local.folders, remote.folders)
        if dry_run:
            return _answer(vault, target, plan, dry_run=True)
        backup = back_up(vault, local)
        _replace(vault, target, plan, local, remote)
    _remember(vault, target)
    trail.write_row(vault, trail.new_row(vault.world, "pull", target.version))
    return _answer(vault, target, plan, backup=backup)


def _nothing_new(vault: OpenVault, target: Target, local: Tree, ledger: Ledger, *, dry_run: bool) -> Result:
    """Say that the edits are on top of the newest version already."""
    details = edits_since(local, ledger, vault.world.machine.local_key).lines()
    if not dry_run:
        _remember(vault, target)
        details += activate(vault.world, vault.mapping)
    summary = f"up to date at {target.version}; your edits stay: git vsync push {vault.secret.name}"
    data = _data(target, Plan())
    return Result(str(vault.secret), "current", summary, details, data)


def _verified(vault: OpenVault, target: Target, archive: Archive) -> Tree:
    """Return what a version holds, as a folder of it would be read; IntegrityError unless vouched for."""
    states = {state.path: state for state in states_of(archive)}
    files = (
        Scanned(states[entry.path], entry.info.file_size, 0, ())
        for entry in archive.entries
        if not entry.is_directory
    )
    folders = tuple(entry.path for entry in archive.entries if entry.is_directory)
    tree = Tree(folders, tuple(files))
    if target.head is not None:
        require_content(vault, target.head, vault.key, tree)
    return tree


def _replace(vault: OpenVault, target: Target, plan: Plan, local: Tree, remote: Tree) -> None:
    ledger = ledger_of(
        remote, vault.world.machine.local_key, version=target.version, gen=target.gen, kid=target.kid
    )

    def build(root: int) -> Ledger:
        filler = Filler(root)
        for folder in plan.folders:
            filler.add_folder(folder)
        for path, one in plan.files.items():
            written = filler.add_file(path, one.pieces(), executable=one.state.executable)
            if written.state != one.state:
                raise IntegrityError(f"{vault.secret}: {path} was altered while it was merged")
        filler.sync()
        return ledger

    swap_in(vault, build, expected=local)


def _remember(vault: OpenVault, target: Target) -> None:
    if target.head is not None:
        remember(vault, target.head)


def _answer(
    vault: OpenVault, target: Target, plan: Plan, *, backup: str | None = None, dry_run: bool = False
) -> Result:
    name, state = vault.secret.name, "conflicts" if plan.clashes else "merged"
    following = how_to_decide(vault.mapping) if plan.clashes else f"git vsync push {name}"
    details = tuple(map(_conflict_line, plan.clashes))
    if not dry_run:
        details += (f"next: {following}",)
    details += tuple(map(_change_line, plan.changes))
    if backup:
        details += (f"what was here is in the backup {backup}: git vsync restore {name} --backup {backup}",)
    if not dry_run:
        details += activate(vault.world, vault.mapping)
    summary = f"{'would merge' if dry_run else 'merged'} {target.version}: {_counted(plan)}"
    data, code = _data(target, plan) | {"backup": backup}, 11 if plan.clashes else 0
    return Result(str(vault.secret), "planned" if dry_run else state, summary, details, data, code)


def _counted(plan: Plan) -> str:
    parts = []
    if plan.changes or not plan.clashes:
        parts.append(f"{len(plan.changes)} change{'' if len(plan.changes) == 1 else 's'} from there")
    if plan.clashes:
        number, names = len(plan.clashes), [_named(clash) for clash in plan.clashes]
        parts.append(f"{number} conflict{'' if number == 1 else 's'}: {shown(names)}")
    return ", ".join(parts)


def _data(target: Target, plan: Plan) -> dict[str, Json]:
    merged = [{"change": each.mark, "file": each.path, "variable": each.variable} for each in plan.changes]
    conflicts: list[dict[str, Any]] = [
        {
            "file": each.path,
            "variable": each.variable,
            "yours": each.yours,
            "theirs": each.theirs,
            "aside": each.aside,
            "why": each.why,
        }
        for each in plan.clashes
    ]
    return {
        "version": target.version,
        "generation": target.gen,
        "merged": merged,
        "conflicts": conflicts,
    }


def _named(one: Clash | Change) -> str:
    return one.path if one.variable is None else f"{one.variable} in {one.path}"


def _conflict_line(clash: Clash) -> str:
    line = f"conflict: {_named(clash)}, {HOW[clash.yours, clash.theirs]}"
    if clash.aside is None:
        return line
    whose = "yours" if clash.theirs == "removed" else "theirs"
    why = f"; merged as a whole: {clash.why}" if clash.why else ""
    return f"{line}; {whose} is {clash.aside}{why}"


def _change_line(change: Change) -> str:
    return f"{change.mark} {_named(change)}"
