"""git vsync hook: git hooks that run the guard. It works before there is any vault, too."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

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
        armed = _armed(install(repository))
        return call.report((replace(armed, details=(*armed.details, *_already_there(repository))),))
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


def _already_there(repository: Repository) -> tuple[str, ...]:
    """Tell what is tracked already, once; values that are no longer stop nobody from now on."""
    guard = Path(__file__).resolve().parent.parent / "guard" / "__main__.py"
    words = [sys.executable, "-I", "-S", str(guard), "--all", "--record", "--json"]
    done = subprocess.run(words, cwd=repository.top, capture_output=True, check=False)
    try:
        found = json.loads(done.stdout).get("findings", [])
    except ValueError:
        found = []
    if done.returncode not in (0, 1):
        return ("what is tracked already was not looked at: git vsync guard --all says why",)
    values = [f"{row['path']}:{row['line']}" for row in found if row["rule"] == "vault-value"]
    lines = [
        f"a value of {row['vault']} is tracked already, and passes from now on: {row['name']} in {place}"
        for row, place in zip((row for row in found if row["rule"] == "vault-value"), values, strict=True)
    ]
    if lines:
        lines.append("replace these, or list their names in [guard] public")
    for path in dict.fromkeys(row["path"] for row in found if row["rule"] == "env-plaintext"):
        lines.append(f"{path} is tracked with values that everybody can read; to allow that, in vsync.toml:")
        lines.append(f'[[guard.allow]] path = "{path}" rule = "env-plaintext" reason = "…" (one line each)')
    return tuple(lines)
