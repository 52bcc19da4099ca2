"""git vsync accept: take an older state of the store, after a restore that was meant."""

import click

from vsync.cli.common import Invocation, require_keys_for, verb
from vsync.model import Report
from vsync.sync.accept import accept


@verb(
    "accept",
    epilog="Every machine that has seen the newer state decides for itself. A restore that nobody meant is "
    "an attack or a mistake: find out who can write to the bucket.",
    examples=("git vsync accept prod", "git vsync accept prod --yes"),
)
@click.argument("vault", required=False)
@click.option("--profile", metavar="P", help="also the vaults that are mapped for profile P")
@click.option("--yes", is_flag=True, help="agree without being asked")
def command(call: Invocation, vault: str | None, profile: str | None, yes: bool) -> Report:
    """Take the store's state although this machine has seen a newer one.

    Shows both, asks, and writes it into the audit log. Nothing else lowers what was seen.
    """
    mapping = call.select_one(vault, profile)
    require_keys_for(call.world, (mapping,))
    return call.report((accept(call.world, mapping, yes=yes),))
