"""git vsync push: seal the vault folder and publish it as the next version."""

import click

from vsync.cli.common import Invocation, meta_of, verb
from vsync.errors import UsageError
from vsync.model import Report
from vsync.sync.push import PushOptions, push


@verb(
    "push",
    epilog="Refuses (11) when somebody pushed since this checkout last synced; git vsync pull first.",
    examples=(
        "git vsync push prod",
        'git vsync push prod --note "new database"',
        "git vsync push --all --dry-run",
    ),
)
@click.argument("vaults", nargs=-1, metavar="[VAULT]...")
@click.option("--all", "every", is_flag=True, help="push every vault that has no profile")
@click.option("--profile", metavar="P", help="also the vaults that are mapped for profile P")
@click.option("--note", metavar="TEXT", help="why, for the audit log and versions")
@click.option("--meta", multiple=True, metavar="K=V", help="more for the audit log; may be repeated")
@click.option("--force", is_flag=True, help="push over a version that was not pulled; it stays in the store")
@click.option("--allow-empty", is_flag=True, help="push although the folder or its env file is empty")
@click.option("-n", "--dry-run", is_flag=True, help="say what would be pushed, change nothing")
def command(
    call: Invocation,
    vaults: tuple[str, ...],
    every: bool,
    profile: str | None,
    note: str | None,
    meta: tuple[str, ...],
    **flags: bool,
) -> Report:
    """Publish vault folders as their next versions.

    An unchanged folder writes nothing but a missing entry of vsync.lock.
    """
    chosen = call.select(vaults, profile)
    if not vaults and not every and len(chosen) > 1:
        names = ", ".join(str(mapping.secret) for mapping in chosen)
        if not call.world.terminal.interactive:
            raise UsageError(f"several vaults are mapped: {names}", hint="name one, or push --all")
        if not call.world.terminal.confirm(f"push {names}?", yes=False):
            raise UsageError("nothing was pushed")
    options = PushOptions(
        force=flags["force"],
        dry_run=flags["dry_run"],
        allow_empty=flags["allow_empty"],
        note=meta_of(meta, note),
    )
    return call.write_each(
        chosen, lambda mapping: push(call.world, mapping, options), dry_run=options.dry_run
    )
