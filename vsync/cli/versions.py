"""git vsync versions: every version of a vault."""

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import RolledBack
from vsync.model import Failure, Report
from vsync.sync.versions import versions


@verb(
    "versions",
    epilog="An older one: git vsync pull VAULT --at VERSION.",
    examples=("git vsync versions prod", "git vsync versions prod --json"),
)
@click.argument("vault", required=False)
def command(call: Invocation, vault: str | None) -> Report:
    """List every version of a vault, newest first: who, size, age, note, current, locked."""
    mapping, doubts = call.select_one(vault), list[RolledBack]()
    results = versions(call.world, mapping, doubts)
    return call.report([*results, *(Failure(str(mapping.secret), doubt) for doubt in doubts)])
