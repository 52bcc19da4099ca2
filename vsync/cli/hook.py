"""git vsync hook: git hooks that run the guard. It works before there is any vault, too."""

import click

from vsync.cli.common import Invocation, verb
from vsync.git import Repository
from vsync.hooks import Arming, install, look, uninstall
from vsync.model import Report, Result

ACTIONS = ("install", "uninstall", "status")


@verb(
    "hook",
    epilog="A hook that is there already is kept, runs first, and is as before after uninstall.",
    examples=("git vsync hook install", "git vsync hook status", "git vsync hook uninstall"),
)
@click.argument("action", type=click.Choice(ACTIONS))
def command(call: Invocation, action: str) -> Report:
    """Install, uninstall or show the git hooks that keep plaintext out of commits."""
    repository = Repository.find(call.place.folder)
    if action == "install":
        return call.report((_armed(install(repository)),))
    if action == "uninstall":
        removed = uninstall(repository)
        what = f"took away {', '.join(removed)}" if removed else "no hook of vsync's was here"
        return call.report((Result(None, "uninstalled", what, data={"removed": list(removed)}),))
    return call.report((_armed(look(repository)),))


def _armed(arming: Arming) -> Result:
    lines = [
        f"{hook.name}: {hook.state}" + (", after the hook that was there" if hook.chained else "")
        for hook in arming.hooks
    ]
    if arming.passes_to is not None:
        lines.append(f"every hook is passed on to {arming.passes_to}")
    summary = f"the guard runs from {arming.folder}" if arming.armed else "the guard is not armed"
    data = {
        "folder": str(arming.folder),
        "passes_to": arming.passes_to,
        "hooks": {hook.name: hook.state for hook in arming.hooks},
    }
    hint = () if arming.armed else ("git vsync hook install arms it",)
    code = 0 if arming.armed else 1
    return Result(None, "armed" if arming.armed else "not armed", summary, (*lines, *hint), data, code)
