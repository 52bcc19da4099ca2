"""git vsync pull: the newest version becomes the vault folder, after it was verified."""

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError
from vsync.model import Report
from vsync.sync.pull import PullOptions, pull


@verb(
    "pull",
    epilog="What a pull replaces is kept as an encrypted backup: git vsync restore VAULT --backup.",
    examples=(
        "git vsync pull",
        "git vsync pull --locked",
        "git vsync pull prod --merge",
        "git vsync pull prod --dry-run",
        "git vsync pull prod --at 20260523-114201",
    ),
)
@click.argument("vaults", nargs=-1, metavar="[VAULT]...")
@click.option("--profile", metavar="P", help="also the vaults that are mapped for profile P")
@click.option("--locked", is_flag=True, help="the version that vsync.lock pins for this commit")
@click.option("--at", metavar="VERSION", help="an older version, by its name")
@click.option(
    "--merge", is_flag=True, help="put edits that were never pushed together with what is new there"
)
@click.option("--backup", is_flag=True, help="replace edits that were never pushed; they go into the backup")
@click.option("--force", is_flag=True, help="the same as --backup")
@click.option("-n", "--dry-run", is_flag=True, help="verify, say what would change, change nothing")
def command(
    call: Invocation, vaults: tuple[str, ...], profile: str | None, at: str | None, **flags: bool
) -> Report:
    """Replace vault folders by the newest version, by the one of this commit, or by one that --at names.

    Everything is verified before anything is replaced. Edits that were never pushed stop it (11).
    With --merge only real conflicts do: they are listed, and both candidates are kept in the folder.
    """
    given = {"at": at, **flags}
    others = [f"--{word}" for word in ("at", "locked", "backup", "force") if given[word]]
    if flags["merge"] and others:
        raise UsageError(f"--merge and {others[0]} do not go together", hint="leave one of them out")
    if at and flags["locked"]:
        raise UsageError("--locked and --at both name a version", hint="leave one of them out")
    options = PullOptions(at=at, **flags)
    chosen = (
        (call.select_one(vaults[0] if vaults else None, profile),) if at else call.select(vaults, profile)
    )
    return call.write_each(
        chosen, lambda mapping: pull(call.world, mapping, options), dry_run=options.dry_run
    )
