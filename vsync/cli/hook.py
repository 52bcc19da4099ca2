"""git vsync hook: git hooks that run the guard. It works before there is any vault, too."""

import os

import click

from vsync.cli.arming import allow_option, allowances_of, arm
from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError
from vsync.git import Repository
from vsync.hooks import Arming, look, uninstall
from vsync.model import Report, Result
from vsync.terminal import Console
from vsync.unguarded import forget, guarding

ACTIONS = ("install", "uninstall", "status")


@verb(
    "hook",
    epilog="A hook that is there already is kept, runs first, and is as before after uninstall.",
    examples=(
        "git vsync hook install",
        "git vsync hook install --allow '.env.test=made up for the tests'",
        "git vsync hook status",
        "git vsync hook uninstall",
    ),
)
@click.argument("action", type=click.Choice(ACTIONS))
@allow_option
def command(call: Invocation, action: str, allowed: tuple[str, ...]) -> Report:
    """Install, uninstall or show the git hooks that keep plaintext out of commits."""
    if allowed and action != "install":
        raise UsageError(f"--allow says nothing to {action}", hint="git vsync hook install --allow PATH=WHY")
    repository = Repository.find(call.place.folder)
    if action == "install":
        allowances = allowances_of(allowed)
        for one in allowances:
            if not repository.tracked([one.path]):
                raise UsageError(f"git tracks no {one.path!r}", hint="git add it first, or check the name")
        no_input = call.place.no_input or bool(os.environ.get("CI"))
        terminal = Console(quiet=call.place.quiet, no_input=no_input)
        armed = arm(call, repository, terminal, allowances)
        return call.report((_armed(repository, armed.arming, armed.lines),))
    if action == "uninstall":
        removed = uninstall(repository)
        forget(repository)
        what = f"took away {', '.join(removed)}" if removed else "no hook of vsync's was here"
        return call.report((Result(None, "uninstalled", what, data={"removed": list(removed)}),))
    return call.report((_armed(repository, look(repository)),))


def _armed(repository: Repository, arming: Arming, more: tuple[str, ...] = ()) -> Result:
    lines = [
        f"{hook.name}: {hook.state}" + (", after the hook that was there" if hook.chained else "")
        for hook in arming.hooks
    ]
    if arming.passes_to is not None:
        lines.append(f"every hook is passed on to {arming.passes_to}")
    if arming.configured:
        lines.append("named in git's configuration, beside every other hook")
    summary = f"the guard runs from {arming.folder}" if arming.armed else "the guard is not armed"
    data = {
        "folder": str(arming.folder),
        "passes_to": arming.passes_to,
        "configured": arming.configured,
        "hooks": {hook.name: hook.state for hook in arming.hooks},
    }
    if not arming.armed:
        other = guarding(repository)
        if other:
            lines.append(f"before a commit it runs all the same, from {other[-1]}")
        lines.append("git vsync hook install arms it")
    code = 0 if arming.armed else 1
    return Result(None, "armed" if arming.armed else "not armed", summary, (*lines, *more), data, code)
