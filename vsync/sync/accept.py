"""git vsync accept: the only way to lower what this machine has seen of a vault (formats §4).

After a real restore of the store every machine refuses it, as it must. Whoever knows that the
restore was meant says so here, sees both sides, and the audit log keeps it.
"""

from dataclasses import dataclass, replace

from vsync.errors import StoreError, UsageError
from vsync.formats.audit_log import read_log
from vsync.machine.memory import Seen
from vsync.model import Mapping, Result
from vsync.sync import trail
from vsync.sync.head import Head, found_head, seen_of, went_back, witness_of
from vsync.sync.opened import OpenVault, open_vault
from vsync.world import World


@dataclass(frozen=True, slots=True)
class Restored:
    """What this machine saw, and the authentic but older state that the store shows now."""

    vault: OpenVault
    seen: Seen | None
    head: Head | None
    problem: str

    def lines(self) -> tuple[str, ...]:
        """Return both sides, for a person who has to decide."""
        seen = f"{self.seen.version}, generation {self.seen.gen}" if self.seen else "nothing on this machine"
        by = self.head.pointer.by if self.head and self.head.pointer else None
        now = "no pointer at all"
        if self.head is not None:
            now = f"{self.head.version}, generation {self.head.gen}, pushed by {by or 'somebody'}"
        return (
            f"vault  {self.vault.secret} in {self.vault.store.where}",
            f"seen   {seen}",
            f"store  {now} ({self.problem})",
        )


def accept(world: World, mapping: Mapping, *, yes: bool) -> Result:
    """Take the state of the store although it is older than seen, once the user agreed.

    Nothing is lowered where nothing contradicts. Raises UsageError when nobody agrees.
    """
    with world.machine.vault_lock(mapping.secret):
        vault = open_vault(world, mapping)
        restored = _restored(vault)
        if restored is None:
            return Result(str(mapping.secret), "unchanged", "the store is not older than what was seen here")
        for line in restored.lines():
            world.terminal.notice(line)
        if not world.terminal.confirm(f"take the older state of {mapping.secret}?", yes=yes):
            raise UsageError("nothing was changed")
        _lower(restored)
    return _result(restored)


def _restored(vault: OpenVault) -> Restored | None:
    memory = vault.world.machine.memory
    seen, head = memory.seen(vault.secret), found_head(vault)
    if head is None:
        witness = witness_of(vault, seen)
        if witness and not vault.store.is_there():
            raise StoreError(
                f"{vault.secret}: {vault.store.where} is not there",
                hint="is its drive mounted? nothing was changed",
            )
        return Restored(vault, seen, None, f"without the pointer that {witness}") if witness else None
    problem = went_back(head, seen) if seen else None
    return Restored(vault, seen, head, problem) if problem else None


def _lower(restored: Restored) -> None:
    vault, head = restored.vault, restored.head
    memory = vault.world.machine.memory
    row = trail.new_row(vault.world, "accept", head.version if head else "", meta=_meta(restored.seen))
    if head is None:
        memory.lower(vault.secret, Seen(0, "", "", ""))  # an empty store, seen and agreed to
        memory.drop_ledger(vault.secret, vault.world.checkout)
    else:
        log = read_log(trail.read_audit(vault)[0])
        taken = replace(seen_of(head, vault.key.key_id, None), rows=len(log.rows), last_mac=log.last_mac)
        memory.lower(vault.secret, taken)
    trail.write_row(vault, row)


def _meta(seen: Seen | None) -> dict[str, object]:
    return {"seen_version": seen.version, "seen_gen": seen.gen} if seen else {}


def _result(restored: Restored) -> Result:
    vault, head, seen = restored.vault, restored.head, restored.seen
    name = vault.secret.name
    data = {
        "version": head.version if head else None,
        "generation": head.gen if head else None,
        "seen_version": seen.version if seen else None,
        "seen_generation": seen.gen if seen else None,
    }
    if head is None:
        summary = "accepted that the store is empty"
        details: tuple[str, ...] = (f"git vsync push {name} publishes what this folder has",)
    else:
        summary = f"accepted {head.version}" + (f" after {seen.version}" if seen else "")
        details = (
            f"what this folder has is published by: git vsync push {name} --force",
            f"the store's state is taken by: git vsync pull {name} && git vsync lock {name}",
        )
    return Result(str(vault.secret), "accepted", summary, details, data)
