"""git vsync diff: the names that differ between a vault folder and something else."""

import click

from vsync.cli.common import Invocation, verb
from vsync.cli.person import require_person
from vsync.errors import UsageError
from vsync.model import Report
from vsync.sync.diff import DiffOptions, diff


@verb(
    "diff",
    epilog="+ is in the folder and not on the other side, - the reverse, ~ on both and different. A file "
    "named like a keyword is ./lock.",
    examples=(
        "git vsync diff prod",
        "git vsync diff prod --against lock --exit-code",
        "git vsync diff dev --against env:prod",
        "git vsync diff dev --against .env.example",
        "git vsync diff prod --names-only          # needs no key",
    ),
)
@click.argument("vault", required=False)
@click.option("--profile", metavar="P", help="also the vaults that are mapped for profile P")
@click.option(
    "--against",
    metavar="OTHER",
    help="remote (the newest version, the default), lock, a version, env:NAME, or an env file",
)
@click.option("--names-only", is_flag=True, help="names alone, from vsync.lock, without key or network")
@click.option("--exit-code", is_flag=True, help="exit with 1 when there is a difference")
@click.option("--reveal", is_flag=True, help="show the values that differ; to a person at a terminal only")
def command(call: Invocation, vault: str | None, profile: str | None, **given: str | bool) -> Report:
    """Compare a vault folder with its newest version, or with what --against names.

    Variables of the env file are compared by their values, other files by content and mode;
    shown are names. Nothing is changed or unpacked.
    """
    options = DiffOptions(**given)  # type: ignore[arg-type]  # click's names are those of the options
    if options.reveal:
        if options.names_only:
            raise UsageError("--names-only has no values to --reveal", hint="leave one of them out")
        require_person(call, "--reveal")
    mapping = call.select_one(vault, profile)
    return call.report((diff(call.world, mapping, options, call.place.folder),))
