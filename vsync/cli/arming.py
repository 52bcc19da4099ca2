"""What init and hook share: the guard's hooks, what git tracks already, and an allowance for each env file.

A value of a vault that stands in the tracked tree is listed once, when the hooks come; an env
file with plain values is listed until it is allowed, encrypted or gone.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from vsync.cli.common import Invocation
from vsync.config.paths import clean_path
from vsync.errors import UsageError
from vsync.git import Repository, untrack_command
from vsync.guard.findings import ENV_PLAINTEXT, STOOD_THERE, VAULT_VALUE
from vsync.guard.paths import is_env_name
from vsync.hooks import Arming, install
from vsync.unguarded import forget
from vsync.world import Terminal

Rows = list[dict[str, Any]]
_MOST_NAMES = 1000


def allow_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--allow PATH=WHY`, the answer to what is asked about each tracked env file."""
    return click.option(
        "--allow",
        "allowed",
        metavar="PATH=WHY",
        multiple=True,
        help="let this tracked env file pass from now on; once for each",
    )(function)


@dataclass(frozen=True, slots=True)
class Armed:
    """The hooks as they are now, and lines about what was tracked before them."""

    arming: Arming
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allowance:
    """A tracked env file that everybody may read, and why."""

    path: str
    reason: str


def allowances_of(words: Sequence[str]) -> tuple[Allowance, ...]:
    """Return what `--allow` said; UsageError without a reason, ConfigError for a path elsewhere."""
    found = []
    for word in words:
        path, _, reason = word.partition("=")
        if not path or not reason.strip():
            raise UsageError(
                f"--allow {word!r} is not PATH=WHY", hint="--allow '.env.test=made up for the tests'"
            )
        found.append(Allowance(clean_path(path, where="--allow"), reason.strip()))
    return tuple(found)


def arm(call: Invocation, repository: Repository, terminal: Terminal, allowed: Sequence[Allowance]) -> Armed:
    """Install the hooks, list what is tracked already, and settle what of it may stay."""
    arming = install(repository)
    forget(repository)
    said = _said(repository, "--all", "--record")
    lines = _values(said) if said is not None else ()
    return Armed(arming, (*lines, *_settled(call, terminal, said, allowed)))


def settle(
    call: Invocation, repository: Repository, terminal: Terminal, allowed: Sequence[Allowance]
) -> tuple[str, ...]:
    """List the tracked env files that everybody can read, where no hooks are wanted or needed."""
    tracked = repository.tracked(["."])
    env_files = [path for path in tracked if is_env_name(path.rpartition("/")[2].lower())]
    # More names than a command line may hold: then everything is looked at.
    words = ("--", *env_files) if len(env_files) <= _MOST_NAMES else ("--all",)
    said = _said(repository, *words) if env_files else {"findings": []}
    return _settled(call, terminal, said, allowed)


def _said(repository: Repository, *words: str) -> dict[str, Rows] | None:
    """Return what the guard finds and lets pass in the tracked tree, None when it cannot look."""
    guard = Path(__file__).resolve().parent.parent / "guard" / "__main__.py"
    command = [sys.executable, "-I", "-S", str(guard), "--json", *words]
    done = subprocess.run(command, cwd=repository.top, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        return None
    try:
        document = json.loads(done.stdout)
        return {kind: document[kind] for kind in ("findings", "allowed")}
    except (ValueError, KeyError):
        return None


def _settled(
    call: Invocation, terminal: Terminal, said: dict[str, Rows] | None, allowed: Sequence[Allowance]
) -> tuple[str, ...]:
    found = said["findings"] if said is not None else []
    unseen = ("what is tracked already was not looked at: git vsync guard --all says why",)
    paths = dict.fromkeys(row["path"] for row in found if row["rule"] == ENV_PLAINTEXT)
    chosen = {one.path: one for one in allowed}
    for path in paths:
        if path not in chosen:
            answer = _asked(terminal, path)
            chosen |= {path: answer} if answer else {}
    lines = _allow(call, tuple(chosen.values())) if chosen else ()
    lines += tuple(line for path in paths if path not in chosen for line in _ways_out(path))
    return lines if said is not None else (*lines, *unseen)


def _values(said: dict[str, Rows]) -> tuple[str, ...]:
    """Say which values stand in the tracked tree: those that pass, and those that came later and do not."""
    passing = [row for row in said["allowed"] if row["reason"] == STOOD_THERE]
    others = [row for row in said["findings"] if row["rule"] == VAULT_VALUE]
    lines = [f"{_place(row)} is tracked already, and passes from now on" for row in passing]
    lines += [f"{_place(row)} is tracked, and does not pass: it came after the hooks" for row in others]
    return (*lines, "rotate these, or list their names in [guard] public") if lines else ()


def _place(row: dict[str, Any]) -> str:
    return f"a value of {row['vault']}, {row['name'] or 'a value of it'} in {row['path']}:{row['line']},"


def _asked(terminal: Terminal, path: str) -> Allowance | None:
    if not terminal.interactive:
        return None
    question = f"git tracks {path}, with values that everybody can read: allow that?"
    if not terminal.confirm(question, yes=False):
        return None
    reason = terminal.ask("why may everybody read it?", default=None, flag=f"--allow {path}=WHY")
    return Allowance(path, " ".join(reason.split()))


def _allow(call: Invocation, chosen: Sequence[Allowance]) -> tuple[str, ...]:
    """Write the allowances into the configuration; the guard goes by what is in the index."""
    from vsync.config.edit import add_allowance, read_text, write_config
    from vsync.config.load import path_in_file
    from vsync.sync.init import config_file

    world = call.world
    top, file = world.repository.top, config_file(world)
    text = before = read_text(file)
    for one in chosen:
        pattern = path_in_file(one.path, base=file.parent, top=top)
        text = add_allowance(text, path=pattern, rule=ENV_PLAINTEXT, reason=one.reason)
    if text != before:
        write_config(file, text)
    shown = Path(os.path.relpath(file, os.path.realpath(top))).as_posix()
    lines = tuple(f"allowed {one.path}: {one.reason}" for one in chosen)
    return (*lines, f"the guard reads allowances from the index: git add {shlex.quote(shown)}")


def _ways_out(path: str) -> tuple[str, ...]:
    allow = shlex.quote(f"{path}=WHY")
    return (
        f"git tracks {path}, with values that everybody can read; a commit that changes it will be refused",
        f"secret? {untrack_command(path)}, and change every secret in it",
        f"meant to be read? git vsync hook install --allow {allow}",
    )
