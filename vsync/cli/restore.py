"""git vsync restore: a local backup comes back."""

import re

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError
from vsync.formats.version import is_version
from vsync.model import Report
from vsync.sync.restore import backups, restore_backup

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@verb(
    "restore",
    epilog="Every pull that replaces files keeps a backup; the newest ten stay, encrypted, on this machine.",
    examples=(
        "git vsync restore prod --list",
        "git vsync restore prod --backup",
        "git vsync restore prod --backup 2",
        "git vsync restore prod --backup 20260523-120000",
    ),
)
@click.argument("vault", required=False)
@click.option(
    "--backup",
    is_flag=False,
    flag_value="1",
    metavar="[N|TIMESTAMP]",
    help="the N-th newest, or the one of that time [default: 1]",
)
@click.option("--list", "listed", is_flag=True, help="list the backups of this machine")
def command(call: Invocation, vault: str | None, backup: str | None, listed: bool) -> Report:
    """Bring back what a pull replaced. What is in the folder now becomes a backup in turn."""
    mapping = call.select_one(vault)
    if listed:
        return call.report(backups(call.world, mapping))
    if backup is None:
        raise UsageError(
            "restore needs to know what",
            hint=f"git vsync restore {mapping.secret.name} --backup; an old version: "
            f"git vsync pull {mapping.secret.name} --at VERSION",
        )
    if not is_version(backup) and not _NUMBER.fullmatch(backup):
        raise UsageError(
            f"--backup {backup!r} is neither a number nor a timestamp",
            hint=f"git vsync restore {mapping.secret.name} --list shows both",
        )
    which = backup if is_version(backup) else int(backup)
    return call.report((restore_backup(call.world, mapping, which),))
