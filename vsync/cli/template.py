"""git vsync template: .env.example from the names in a vault."""

import sys

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError
from vsync.model import Report
from vsync.report import harmless
from vsync.sync.templating import TemplateOptions, template


@verb(
    "template",
    epilog="The file is the mapping's `template` in vsync.toml, else .env.example. Its comments, order and "
    "values stay; a value that is the vault's own is emptied, and names of other vaults with the file stay.",
    examples=(
        "git vsync template prod",
        "git vsync template prod --write",
        "git vsync template prod --check          # in CI: 1 when it is out of date",
    ),
)
@click.argument("vault", required=False)
@click.option("--profile", metavar="P", help="also the vaults that are mapped for profile P")
@click.option("--write", is_flag=True, help="write the file instead of showing it")
@click.option("--check", is_flag=True, help="exit with 1 when the file would change; change nothing")
def command(
    call: Invocation, vault: str | None, profile: str | None, *, write: bool, check: bool
) -> Report | None:
    """Show the names in a vault as an env file without values, or write it.

    The names are those of the version that vsync.lock pins, else of the newest.
    """
    if write and check:
        raise UsageError("--check changes nothing, and --write does", hint="leave one of them out")
    options = TemplateOptions(write=write, check=check)
    result = template(call.world, call.select_one(vault, profile), options)
    if write or check or call.as_json:
        return call.report((result,))
    text = str(result.data["template"])
    # The comments in it are the repository's, and may be hostile to a terminal (attack 92).
    shown = "\n".join(map(harmless, text.splitlines())) + "\n" if sys.stdout.isatty() else text
    click.echo(shown, nl=False)
    return None
