"""git vsync restore: a local backup comes back."""

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError
from vsync.model import Report
from vsync.sync.restore import backups, restore_backup


@verb(
    "restore",
    epilog="Every pull that replaces files keeps a backup; the newest ten stay, encrypted, on this machine.",
    examples=(
        "git vsync restore prod --list",
        "git vsync restore prod --backup",
        "git vsync restore prod --backup 2",
    ),
)
@click.argument("vault", required=False)
@click.option(
    "--backup", is_flag=False, flag_value=1, type=int, metavar="[N]", help="the N-th newest [default: 1]"
)
@click.option("--list", "listed", is_flag=True, help="list the backups of this machine")
def command(call: Invocation, vault: str | None, backup: int | None, listed: bool) -> Report:
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
    return call.report((restore_backup(call.world, mapping, backup),))
