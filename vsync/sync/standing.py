"""How the vault folder stands to a version: the same, edited, another version, or not there."""

from vsync.checks import finding, shortened
from vsync.drift import compare
from vsync.formats.content import digests
from vsync.formats.lockfile import LockEntry
from vsync.model import Finding, Mapping
from vsync.sync.judging import Judged
from vsync.sync.snapshot import edits_since, folder_of, synced_ledger
from vsync.vault.tree import Tree
from vsync.world import World


def check_folder(
    world: World, mapping: Mapping, judged: Judged, *, may_be_missing: bool
) -> list[Finding] | None:
    """Compare the folder with a version, file by file; None where there is no folder, and need not be."""
    tree, found = _tree(world, mapping)
    if tree is None:
        return None if may_be_missing else [_missing(mapping, judged.version, locked=judged.pinned)]
    edits = compare(digests(tree.states), digests(judged.files))
    if not edits:
        return found
    ledger = synced_ledger(world, mapping)
    if ledger is not None and not edits_since(tree, ledger, world.machine.local_key):
        return [*found, _behind(mapping, ledger.version, judged.version, locked=judged.pinned)]
    return [*found, _dirty(mapping, edits.lines(), judged.version, locked=judged.pinned)]


def check_folder_offline(
    world: World, mapping: Mapping, entry: LockEntry | None, *, may_be_missing: bool
) -> list[Finding] | None:
    """Compare the folder with what was last synced, and that with the lock; None where neither is here."""
    tree, found = _tree(world, mapping)
    wanted = entry.version if entry else "the newest version"
    if tree is None:
        return None if may_be_missing else [_missing(mapping, wanted, locked=entry is not None)]
    ledger = synced_ledger(world, mapping)
    if ledger is None:
        return found or None
    edits = edits_since(tree, ledger, world.machine.local_key)
    if edits:
        found.append(_dirty(mapping, edits.lines(), ledger.version, locked=entry is not None))
    if entry is not None and ledger.version != entry.version:
        found.append(_behind(mapping, ledger.version, entry.version, locked=True))
    return found


def _tree(world: World, mapping: Mapping) -> tuple[Tree | None, list[Finding]]:
    folder = folder_of(world, mapping)
    tree = folder.scan() if folder.exists() else None
    if folder.unsettled() is None:
        return tree, []
    found = finding(
        "folder-unsettled",
        mapping,
        found=f"a pull into {mapping.folder} was interrupted",
        wanted="the old folder or the new one",
        fix=f"git vsync pull {mapping.secret.name}",
    )
    return tree, [found]


def _missing(mapping: Mapping, version: str, *, locked: bool) -> Finding:
    return finding(
        "folder-missing",
        mapping,
        found=f"there is no folder {mapping.folder}",
        wanted=version,
        fix=_pull(mapping, locked=locked),
    )


def _behind(mapping: Mapping, has: str, wanted: str, *, locked: bool) -> Finding:
    return finding(
        "folder-behind",
        mapping,
        found=f"{mapping.folder} holds {has}",
        wanted=f"{wanted}, the {'locked' if locked else 'newest'} version",
        fix=_pull(mapping, locked=locked),
    )


def _dirty(mapping: Mapping, edits: tuple[str, ...], version: str, *, locked: bool) -> Finding:
    count = f"{len(edits)} edit{'' if len(edits) == 1 else 's'}"
    back = f"{_pull(mapping, locked=locked)} --backup"
    return finding(
        "folder-dirty",
        mapping,
        found=f"{mapping.folder} has {count}: {shortened(edits)}",
        wanted=f"the content of {version}; to drop the edits: {back}",
        fix=f"git vsync push {mapping.secret.name}",
    )


def _pull(mapping: Mapping, *, locked: bool) -> str:
    return f"git vsync pull {mapping.secret.name}{' --locked' if locked else ''}"
