"""git vsync use: point .env at a vault's env file."""

import os

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError
from vsync.model import Report
from vsync.sync.activate import current_target, use


@verb(
    "use",
    epilog="A regular file that vsync did not write is never replaced.",
    examples=("git vsync use dev", "git vsync use prod --link services/api/.env", "git vsync use"),
)
@click.argument("vault", required=False)
@click.option(
    "--link", metavar="PATH", default=".env", show_default=True, help="what to point at the env file"
)
@click.option("--copy", is_flag=True, help="a copy instead of a link")
def command(call: Invocation, vault: str | None, link: str, copy: bool) -> Report:
    """Make ./.env the env file of a vault; without VAULT, show what it is now."""
    top = call.world.repository.top
    relative = os.path.relpath(call.place.folder.resolve() / link, top.resolve())
    if relative == os.pardir or relative.startswith(f"{os.pardir}{os.sep}"):
        raise UsageError(f"--link {link!r} lies outside the repository", hint="--link .env")
    if vault is None:
        return call.report((current_target(call.world, relative),))
    return call.report((use(call.world, call.select_one(vault), relative, copy=copy),))
