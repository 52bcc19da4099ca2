"""git vsync status: one line a vault, without key or network unless `--check-remote` asks for them."""

from typing import NamedTuple

from vsync.errors import ConfigError
from vsync.formats.lockfile import LockEntry
from vsync.formats.version import days, parse_version
from vsync.machine.memory import Ledger, Seen
from vsync.model import Json, Mapping, Result
from vsync.sync.locking import read_lock
from vsync.sync.snapshot import edits_since, folder_of, synced_ledger
from vsync.world import World


class Newest(NamedTuple):
    """The newest version as far as known: remembered, or just read."""

    version: str
    gen: int


def status(world: World, mapping: Mapping, *, check_remote: bool) -> Result:
    """Compare folder, ledger, lock and the newest known version of one vault."""
    secret, memory = mapping.secret, world.machine.memory
    newest = _read_newest(world, mapping) if check_remote else _remembered(memory.seen(secret))
    ledger = synced_ledger(world, mapping)
    local, details = _local(world, mapping, ledger)
    if folder_of(world, mapping).unsettled() is not None:
        details = (*details, "a pull was interrupted: the next push or pull completes or undoes it")
    details = (*details, *_age(world, newest))
    bound = world.machine.bindings.find(secret) is not None
    parts = {
        "local": local,
        "remote": _remote(ledger, newest, checked=check_remote),
        "lock": _lock(world, mapping, ledger),
        "key": _key(memory.seen(secret), ledger, bound=bound),
    }
    if memory.pending(secret).publication is not None:
        details = (*details, "a push was interrupted: the next push or pull completes or drops it")
    data: dict[str, Json] = {**parts, "folder": mapping.folder, "environment": mapping.environment}
    data |= {"version": ledger.version if ledger else None, "generation": ledger.gen if ledger else None}
    return Result(str(secret), local.split()[0], ", ".join(parts.values()), details, data)


def _read_newest(world: World, mapping: Mapping) -> Newest | None:
    # Store and cipher are for those who ask the remote; without them, status answers in half the time.
    from vsync.sync.head import read_head, remember
    from vsync.sync.opened import open_vault

    vault = open_vault(world, mapping)
    head = read_head(vault)
    if head is None:
        return None
    remember(vault, head)
    return Newest(head.version, head.gen)


def _remembered(seen: Seen | None) -> Newest | None:
    return Newest(seen.version, seen.gen) if seen and seen.version else None


def _age(world: World, newest: Newest | None) -> tuple[str, ...]:
    """Warn of a newest version older than `max_age`: pushes may be held back (attack 13)."""
    limit = world.config.max_age
    if limit is None or newest is None:
        return ()
    age = world.now - parse_version(newest.version)
    if age <= limit:
        return ()
    return (f"the newest version is {days(age)} old, the limit is {days(limit)} (max_age)",)


def _local(world: World, mapping: Mapping, ledger: Ledger | None) -> tuple[str, tuple[str, ...]]:
    folder = folder_of(world, mapping)
    if not folder.exists():
        return "missing", ()
    tree = folder.scan()
    if not tree.files:
        return "empty", ()
    if ledger is None:
        return "untracked", ()
    edits = edits_since(tree, ledger, world.machine.local_key)
    return (f"dirty {len(edits)}", edits.lines()) if edits else ("clean", ())


def _remote(ledger: Ledger | None, newest: Newest | None, *, checked: bool) -> str:
    if newest is None:
        return "nothing pushed yet" if checked or ledger is None else "unknown"
    if ledger is None:
        return f"never pulled here, newest {newest.version}"
    if ledger.version == newest.version:
        return f"up to date at {newest.version}"
    if ledger.gen and newest.gen > ledger.gen:
        return f"behind {newest.gen - ledger.gen}, newest {newest.version}"
    return (
        f"behind, newest {newest.version}"
        if newest.version > ledger.version
        else f"ahead at {ledger.version}"
    )


def _lock(world: World, mapping: Mapping, ledger: Ledger | None) -> str:
    try:
        entry: LockEntry | None = read_lock(world).get(str(mapping.secret))
    except ConfigError as error:
        return error.message
    if entry is None:
        return "not locked"
    if ledger is not None and entry.version == ledger.version:
        return "locked"
    return f"locked to {entry.version}"


def _key(seen: Seen | None, ledger: Ledger | None, *, bound: bool) -> str:
    if not bound:
        return "no binding: git vsync import FILE.share"
    kid = seen.kid if seen else (ledger.kid if ledger else None)
    return f"key {kid}" if kid else "key not used yet"
