"""git vsync versions: every version of a vault."""

import click

from vsync.cli.common import Invocation, verb
from vsync.model import Report
from vsync.sync.versions import versions


@verb(
    "versions",
    epilog="An older one: git vsync pull VAULT --at VERSION.",
    examples=("git vsync versions prod", "git vsync versions prod --json"),
)
@click.argument("vault", required=False)
def command(call: Invocation, vault: str | None) -> Report:
    """List every version of a vault, newest first: who, size, age, note, current, locked."""
    return call.report(versions(call.world, call.select_one(vault)))
