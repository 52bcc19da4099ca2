"""Replacing the vault folder: a backup first, the ledger with the swap."""

from collections.abc import Callable

from vsync.machine.memory import Ledger
from vsync.sync.opened import OpenVault
from vsync.sync.snapshot import folder_of
from vsync.vault.tree import Tree


def back_up(vault: OpenVault, local: Tree | None) -> str | None:
    """Encrypt what is about to be replaced, and keep its ledger with it; without files there is no need.

    The ledger comes back with the folder: whoever restores an old folder has not seen what was
    pushed since, and must not push over it.
    """
    if local is None or not local.files:
        return None
    world, machine = vault.world, vault.world.machine
    entries = folder_of(world, vault.mapping).pack_entries(local)
    name = machine.backups.write(vault.secret, vault.key, entries, world.now)
    ledger = machine.memory.ledger(vault.secret, world.checkout)
    if ledger is not None:
        machine.memory.keep_ledger(machine.backups.ledger_path(vault.secret, name), ledger)
    return name


def swap_in(vault: OpenVault, build: Callable[[int], Ledger | None], *, expected: Tree | None) -> None:
    """Let `build` fill a new folder (given its descriptor), and swap it in with the ledger it returns.

    The ledger is noted before the swap and counts from it on: stopped in between, the next start
    does the rest. None is noted at once: a folder without a ledger is never pushed over anything.
    FolderChanged when the folder no longer holds what is `expected`.
    """
    world, memory = vault.world, vault.world.machine.memory
    ledgers: list[Ledger | None] = []

    def fill(root: int) -> None:
        ledgers.append(build(root))
        if ledgers[0] is None:
            memory.drop_ledger(vault.secret, world.checkout)
        memory.write_incoming(vault.secret, world.checkout, ledgers[0])

    def done() -> None:
        if ledgers[0] is not None:
            memory.write_ledger(vault.secret, world.checkout, ledgers[0])
        undone()

    def undone() -> None:
        memory.drop_incoming(vault.secret, world.checkout)

    folder_of(world, vault.mapping).replace(fill, expected=expected, done=done, undone=undone)
