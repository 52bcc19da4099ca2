"""git vsync init: make a vault."""

from dataclasses import replace
from pathlib import Path

import click

from vsync.cli.arming import Allowance, allow_option, allowances_of, arm, settle
from vsync.cli.common import UNGUARDED, Invocation, verb
from vsync.errors import UsageError
from vsync.git import untrack_command
from vsync.model import Report, Result
from vsync.sync.adopting import candidates
from vsync.sync.init import InitOptions, init, planned_mapping, repository_name
from vsync.unguarded import guarding, remember_told

DEFAULT_ENVIRONMENT = "dev"


@verb(
    "init",
    epilog="Run again, it keeps key and salt and changes only what the flags say; with another store it "
    "moves the vault, every version of it.",
    examples=(
        "git vsync init dev                          # embedded store on this machine",
        "git vsync init prod --profile team          # a store of git vsync profile add",
        "git vsync init prod --store file:///mnt/share/secrets",
        "git vsync init prod --from .env.prod        # move an env file in, and link it back",
    ),
)
@click.argument("environment", required=False, metavar="[ENV]")
@click.option("--name", metavar="N", help="name of the vault [default: ENV]")
@click.option("--profile", metavar="P", help="the store of this profile")
@click.option("--vault-folder", "vault_folder", metavar="D", help="the folder [default: infra/vault/NAME]")
@click.option("--prefix", metavar="R", help="where in the store the vault's objects are")
@click.option("--store", metavar="URL", help="file:///folder, or s3://bucket together with --profile")
@click.option("--from", "source", metavar="FILE", help="move this env file into the vault and link it back")
@click.option(
    "--layout", type=click.Choice(("vsync", "classic")), help="classic: readable by the TypeScript tool"
)
@click.option(
    "--names/--no-names", default=None, help="whether vsync.lock lists the names of variables and files"
)
@click.option("--drop-old", is_flag=True, help="after a move, remove everything from the old store")
@click.option(
    "--hooks/--no-hooks", default=None, help="whether git hooks keep plaintext out of commits from now on"
)
@allow_option
@click.option("-y", "--yes", is_flag=True, help="agree to what init proposes")
def command(
    call: Invocation,
    environment: str | None,
    source: str | None,
    store: str | None,
    vault_folder: str | None,
    hooks: bool | None,
    allowed: tuple[str, ...],
    yes: bool,
    **given: object,
) -> Report:
    """Make a vault: mapping, key, salt, binding, folder and ignore rule; offer the guard's hooks.

    Without a profile or [vault.s3] its store is a folder on this machine; move it later.
    """
    terminal = call.world.terminal
    allowances = allowances_of(allowed)
    if environment is None:
        try:
            environment = terminal.ask("environment", default=DEFAULT_ENVIRONMENT, flag="ENV")
        except UsageError as error:
            raise UsageError("init needs an environment", hint="git vsync init dev") from error
    options = InitOptions(
        environment=environment,
        source=call.place.folder / source if source else None,
        store=_absolute(call, store),
        folder=vault_folder,
        yes=yes,
        **given,  # type: ignore[arg-type]
    )
    terminal.notice(f"the repository's name is pinned as {repository_name(call.world)!r} ([vault] repo)")
    options = _asked(call, options)
    guarded = _wants_hooks(call, options, hooks)
    result = init(call.world, options)
    return call.report((_with_guard(call, result, allowances, guarded=guarded),))


def _wants_hooks(call: Invocation, options: InitOptions, said: bool | None) -> bool:
    """Ask whether git hooks shall keep plaintext out, with a new vault and where nothing does so yet."""
    world = call.world
    repository, terminal = world.repository, world.terminal
    if said is None:
        is_new = planned_mapping(world, options) not in world.config.mappings
        if not is_new or call.place.quiet or world.environ.get("CI") or guarding(repository):
            return False
        if terminal.interactive:
            said = terminal.confirm("install git hooks that keep plaintext out of commits?", yes=False)
        else:
            terminal.notice(f"{UNGUARDED}, or --hooks")
    if not said:
        # Whoever was asked or has said no is not told again by the next verb.
        remember_told(repository)
    return bool(said)


def _with_guard(call: Invocation, result: Result, allowed: tuple[Allowance, ...], *, guarded: bool) -> Result:
    repository, terminal = call.world.repository, call.world.terminal
    if not guarded:
        return result._replace(details=(*result.details, *settle(call, repository, terminal, allowed)))
    armed = arm(call, repository, terminal, allowed)
    line = f"hooks    in {armed.arming.folder}"
    return result._replace(details=(*result.details, line, *armed.lines))


def _absolute(call: Invocation, store: str | None) -> str | None:
    """Return a store that was given as a folder as seen from where we work, as any other path is."""
    if store is None or "://" in store:
        return store
    return str(call.place.folder / Path(store).expanduser())


def _asked(call: Invocation, options: InitOptions) -> InitOptions:
    """Ask, where somebody can be asked, what a new vault leaves open."""
    world = call.world
    mapping = planned_mapping(world, options)
    if mapping in world.config.mappings:
        return options
    if options.names is None:
        world.terminal.notice(
            "vsync.lock will list the names of variables and files, never values; --no-names leaves them out"
        )
    found = candidates(world, mapping)
    if options.source is None and found:
        options = _offer(call, options, found[0])
    return options


def _offer(call: Invocation, options: InitOptions, name: str) -> InitOptions:
    world = call.world
    if world.repository.tracked([name]):
        world.terminal.notice(
            f"git tracks {name}; to move it in: {untrack_command(name)} && git commit, "
            f"change every secret in it, then: git vsync init {options.environment} --from {name}"
        )
        return options
    source = world.repository.top / name
    if not world.terminal.interactive:
        world.terminal.notice(f"{name} is still outside the vault; to move it in: --from {name}")
        return options
    if world.terminal.confirm(f"move {name} into the vault and link it back?", yes=False):
        return replace(options, source=Path(source))
    return options
