"""git vsync lock: `vsync.lock` says which version this checkout has; conflict markers in it are settled."""

from vsync.errors import Conflict, IntegrityError, NotFound
from vsync.formats.lockfile import FILE_NAME, LockEntry
from vsync.machine.memory import Ledger
from vsync.model import Mapping, Result
from vsync.sync.contents import read_contents
from vsync.sync.fetch import fetch_digested
from vsync.sync.head import Head, read_head
from vsync.sync.locking import locked_entry, record, settle_markers
from vsync.sync.opened import OpenVault, open_vault
from vsync.sync.publish import newest_ledger, recover
from vsync.sync.snapshot import edits_since, folder_of, lock_entry_of, settle, shown_names
from vsync.world import World


def lock(world: World, mapping: Mapping) -> Result:
    """Record the version that this checkout has, even where the lock names a newer one.

    Edits that were never pushed belong to no version: they are named, and not recorded.
    Raises NotFound where nothing was synced yet.
    """
    with world.machine.vault_lock(mapping.secret):
        vault = open_vault(world, mapping)
        vault.derive_early()
        settle(world, mapping)
        recover(vault)
        head = read_head(vault)
        ledger = newest_ledger(vault, head)
        if ledger is None:
            raise NotFound(
                f"this checkout has no version of {mapping.secret} yet",
                hint=f"git vsync pull {mapping.secret.name}, or push it",
            )
        before = locked_entry(world, mapping.secret)
        entry, edits = _entry(vault, head, ledger, before)
        changed = record(world, entry, lower=True)
    return _result(entry, before, changed=changed, edits=edits)


def _entry(
    vault: OpenVault, head: Head | None, ledger: Ledger, before: LockEntry | None
) -> tuple[LockEntry, tuple[str, ...]]:
    """Return the entry of the ledger's version, and what the folder has besides it."""
    world, mapping = vault.world, vault.mapping
    folder = folder_of(world, mapping)
    tree = folder.scan() if folder.exists() else None
    edits = edits_since(tree, ledger, world.machine.local_key).lines() if tree is not None else ()
    if tree is not None and not edits and head is not None and head.sha256 and head.version == ledger.version:
        entry = lock_entry_of(
            world,
            mapping,
            tree,
            shown_names(world, mapping),
            version=head.version,
            gen=head.gen,
            kid=ledger.kid,
            sha256=head.sha256,
        )
        return entry, ()
    return _entry_of_bundle(vault, ledger, _generation(vault, ledger, before)), edits


def _generation(vault: OpenVault, ledger: Ledger, before: LockEntry | None) -> int:
    """Return the generation of the ledger's version; a pull by name alone does not tell it."""
    if ledger.gen or vault.root.classic:
        return ledger.gen
    if before is not None and before.version == ledger.version:
        return before.generation
    raise Conflict(
        f"{vault.secret}: {ledger.version} was pulled by its name, and nothing vouches for its generation",
        hint=f"check out a commit that locks it, then: git vsync pull {vault.secret.name} --locked",
    )


def _entry_of_bundle(vault: OpenVault, ledger: Ledger, generation: int) -> LockEntry:
    """Return the entry of a version as its bundle has it, once that is proved to be what was synced."""
    world, mapping = vault.world, vault.mapping
    with world.spool() as spool:
        archive, sha256 = fetch_digested(vault, ledger.version, spool)
        contents = read_contents(archive, mapping.env_file)
    if world.machine.local_key.content(contents.files) != ledger.content:
        raise IntegrityError(
            f"{vault.secret}: the bundle {ledger.version} is not what this checkout synced",
            hint="the store gives back other bytes than it did: do not trust it",
        )
    names = tuple(sorted(contents.env or (), key=str.encode))
    files = tuple(file.path for file in contents.files if file.path != mapping.env_file)
    if not world.config.lock_names:
        names, files = (), ()
    secret = str(vault.secret)
    return LockEntry(secret, ledger.version, generation, ledger.kid, sha256, names, files)


def _result(entry: LockEntry, before: LockEntry | None, *, changed: bool, edits: tuple[str, ...]) -> Result:
    data = {"version": entry.version, "generation": entry.generation}
    details = tuple(f"not in it, never pushed: {line}" for line in edits)
    if not changed:
        return Result(entry.name, "unchanged", f"locked to {entry.version} already", details, data)
    was = ""
    if before is not None and before.version != entry.version:
        was = f", was {before.version}"
        data["was"] = before.version
    return Result(entry.name, "locked", f"locked to {entry.version}{was}", details, data)


def resolve(world: World) -> tuple[Result, ...]:
    """Settle the conflict markers in `vsync.lock`; one result a vault, or one that says there were none.

    Raises IntegrityError for a fork, and then leaves the file as it is.
    """
    settled = settle_markers(world)
    if settled is None:
        return (Result(None, "unchanged", f"{FILE_NAME} has no conflict markers"),)
    rows = [
        Result(
            one.entry.name,
            "settled",
            one.entry.version + ("" if one.side == "both" else f" ({one.side})"),
            data={"version": one.entry.version, "generation": one.entry.generation, "side": one.side},
        )
        for one in settled
    ]
    return (*rows, Result(None, "next", f"next: git add {FILE_NAME}, then: git vsync pull --locked"))
