"""git vsync status: one line a vault."""

import click

from vsync.cli.common import Invocation, verb
from vsync.model import Report
from vsync.sync.status import status


@verb(
    "status",
    epilog="Without --check-remote it needs neither network nor key, and tells what was last seen.",
    examples=("git vsync status", "git vsync status prod --check-remote", "git vsync status --json"),
)
@click.argument("vaults", nargs=-1, metavar="[VAULT]...")
@click.option("--profile", metavar="P", help="also the vaults that are mapped for profile P")
@click.option("--check-remote", is_flag=True, help="ask the store what the newest version is")
def command(call: Invocation, vaults: tuple[str, ...], profile: str | None, check_remote: bool) -> Report:
    """Compare folder, remote, lock and key of every vault, one line each."""
    chosen = call.select(vaults, profile)
    return call.read_each(
        chosen,
        lambda mapping: status(call.world, mapping, check_remote=check_remote),
        needs_keys=check_remote,
    )
