"""git vsync lock: record in vsync.lock the version that this checkout has."""

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError
from vsync.model import Report
from vsync.sync.lock import lock, resolve


@verb(
    "lock",
    epilog="A push does this by itself; a pull never does. Commit the file with what needs the version.",
    examples=("git vsync lock prod", "git vsync lock --resolve"),
)
@click.argument("vaults", nargs=-1, metavar="[VAULT]...")
@click.option("--profile", metavar="P", help="also the vaults that are mapped for profile P")
@click.option("--resolve", "settle", is_flag=True, help="settle the conflict markers that a merge left in it")
def command(call: Invocation, vaults: tuple[str, ...], profile: str | None, settle: bool) -> Report:
    """Record in vsync.lock the version that this checkout has, for the commit that needs it.

    After a merge, --resolve keeps of each vault the entry that was pushed last.
    """
    if settle:
        if vaults or profile:
            raise UsageError("--resolve settles the whole file", hint="git vsync lock --resolve")
        return call.report(resolve(call.world))
    chosen = call.select(vaults, profile)
    return call.write_each(chosen, lambda mapping: lock(call.world, mapping))
