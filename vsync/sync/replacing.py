"""Replacing the vault folder: a backup first, the ledger with the swap."""

from collections.abc import Callable

from vsync.machine.memory import Ledger
from vsync.sync.opened import OpenVault
from vsync.sync.snapshot import folder_of
from vsync.vault.tree import Tree


def back_up(vault: OpenVault, local: Tree | None) -> str | None:
    """Encrypt what is about to be replaced; a folder without files needs no backup."""
    if local is None or not local.files:
        return None
    entries = folder_of(vault.world, vault.mapping).pack_entries(local)
    return vault.world.machine.backups.write(vault.secret, vault.key, entries, vault.world.now)


def swap_in(vault: OpenVault, build: Callable[[int], Ledger], *, expected: Tree | None) -> None:
    """Let `build` fill a new folder (given its descriptor), and swap it in with the ledger it returns.

    The ledger is noted before the swap and counts from it on: stopped in between, the next start
    does the rest. FolderChanged when the folder no longer holds what is `expected`.
    """
    world, memory = vault.world, vault.world.machine.memory
    ledgers: list[Ledger] = []

    def fill(root: int) -> None:
        ledgers.append(build(root))
        memory.write_incoming(vault.secret, world.checkout, ledgers[0])

    def done() -> None:
        memory.write_ledger(vault.secret, world.checkout, ledgers[0])

    folder_of(world, vault.mapping).replace(fill, expected=expected, done=done)
