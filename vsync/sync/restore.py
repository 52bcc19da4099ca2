"""git vsync restore --backup: a local backup comes back into the folder."""

from typing import BinaryIO

from vsync.errors import IntegrityError, WrongKey
from vsync.files import translated
from vsync.formats.archive import Archive
from vsync.formats.bundle import open_backup
from vsync.machine.memory import Ledger
from vsync.model import Mapping, Result
from vsync.sync.fetch import unpack
from vsync.sync.opened import OpenVault, open_vault
from vsync.sync.replacing import back_up, swap_in
from vsync.sync.snapshot import folder_of, require_hidden_from_git, settle
from vsync.vault.tree import Tree
from vsync.world import World


def backups(world: World, mapping: Mapping) -> tuple[Result, ...]:
    """Return one result a backup, newest first; numbers count from 1."""
    names = world.machine.backups.names(mapping.secret)
    return tuple(
        Result(str(mapping.secret), "backup", f"{number}  {name}", data={"number": number, "backup": name})
        for number, name in enumerate(names, 1)
    )


def restore_backup(world: World, mapping: Mapping, which: int | str) -> Result:
    """Replace the folder by a backup, given by number or timestamp; what is there now becomes a backup, too.

    The ledger of that time comes back with it: what others pushed since is not pushed over.
    """
    with world.machine.vault_lock(mapping.secret):
        vault = open_vault(world, mapping)
        folder = folder_of(world, mapping)
        folder.exists()  # a link in its place is refused before anything else is asked
        settle(world, mapping)
        require_hidden_from_git(world, mapping)
        path = world.machine.backups.path(mapping.secret, which)
        local = folder.scan() if folder.exists() else None
        with translated(path), path.open("rb") as source:
            archive = _open(vault, source)
            name = path.name.split(".")[0]
            ledger = world.machine.memory.kept_ledger(world.machine.backups.ledger_path(mapping.secret, name))
            back_up(vault, local)
            built: list[Tree] = []

            def build(root: int) -> Ledger | None:
                built.append(unpack(archive, root))
                return ledger

            swap_in(vault, build, expected=local)
    count = len(built[0].files)
    summary = f"restored {count} file{'' if count == 1 else 's'} from the backup {name}"
    return Result(str(mapping.secret), "restored", summary, data={"backup": name, "files": count})


def _open(vault: OpenVault, source: BinaryIO) -> Archive:
    limits = vault.world.machine.settings.limits
    for key in (vault.key, *vault.retired_keys()):
        try:
            return open_backup(source, key, limits)
        except WrongKey:
            continue
    raise IntegrityError(f"the backup of {vault.secret} was altered, or its key is gone")
