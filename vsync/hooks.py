"""Git hooks that run the guard: put where git really runs them, chained, undone byte for byte.

1. Without `core.hooksPath`, git runs what is in `hooks/` of the common git directory, for every
   work tree. A hook that is there already is renamed beside ours, runs first, and comes back
   under its name when ours goes.
2. With `core.hooksPath` (husky, a folder of the team's, one for all repositories) that folder is
   not ours to write in. The repository then gets a folder of its own in the common git
   directory, which runs the guard and passes every hook on to the folder that was configured.
3. A hook holds the absolute path of this Python: a shim in front of it would cost 100 ms.
"""

import contextlib
import hashlib
import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vsync.errors import Conflict, DiskError, GitError
from vsync.git import Repository

BLOCKING = ("pre-commit", "pre-merge-commit", "pre-push", "reference-transaction")
"""Hooks in which the guard looks, and may say no."""

NOTICES = ("post-checkout", "post-merge", "post-rewrite")
"""Hooks that say in one line that the lock moved, and never stop anything."""

HOOKS = (*BLOCKING, *NOTICES)
_WITH_INPUT = ("pre-push", "reference-transaction", "post-rewrite")

PASSED_ON = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit"),
    *("prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge"),
    *("pre-push", "post-rewrite", "pre-auto-gc", "sendemail-validate"),
)
"""What a folder of ours passes on; hooks whose mere presence changes what git does only if they exist."""

BEFORE = ".before-vsync"
_MARK = "# vsync hook"
_STATE = "hooks.json"

_PREVIOUS = """\
previous={previous}
code=0
"""
_CHEAP_END = """\
# Called three times for every change of a reference: only one of them is ours, and costs more.
if [ "$1" != prepared ] && [ ! -x "$previous" ]; then
    exit 0
fi
"""
_INPUT = """\
input=
while IFS= read -r line; do
    input="$input$line
"
done
if [ -x "$previous" ]; then
    printf %s "$input" | "$previous" "$@" || {failed}
fi
"""
_NO_INPUT = """\
if [ -x "$previous" ]; then
    "$previous" "$@" || {failed}
fi
"""
_ONLY_BRANCHES = """\
case "$1 $input" in
    "prepared "*" refs/heads/"* | "prepared "*" refs/stash"*) ;;
    *) exit 0 ;;
esac
"""
_PROGRAM = """\
python={python}
guard={guard}
"""
_OR_STOP = """\
if [ ! -x "$python" ] || [ ! -f "$guard" ]; then
    echo "vsync: error: the guard of this repository is gone: $guard" >&2
    echo "vsync: hint: install vsync again, then: git vsync hook install" >&2
    exit 15
fi
exec "$python" -I -S "$guard" --hook {name} "$@"{given}
"""
_OR_GO_ON = """\
if [ -x "$python" ] && [ -f "$guard" ]; then
    "$python" -I -S "$guard" --hook {name} "$@"{given}
fi
exit $code
"""
_GIVEN = """ <<END_OF_INPUT
$input
END_OF_INPUT"""


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook as it is: `state` is armed, outdated, foreign or missing."""

    name: str
    state: str
    path: Path
    chained: bool = False


@dataclass(frozen=True, slots=True)
class Arming:
    """The hooks of a repository: `folder` is where git runs them, `passes_to` what was configured there."""

    folder: Path
    hooks: tuple[Hook, ...]
    passes_to: str | None = None

    @property
    def armed(self) -> bool:
        """Whether the guard runs at every commit."""
        return all(hook.state == "armed" for hook in self.hooks if hook.name in BLOCKING)


def look(repository: Repository) -> Arming:
    """Return what git runs here now."""
    folder, passes_to = _where(repository)
    hooks = tuple(_hook(folder, name, passes_to) for name in HOOKS)
    return Arming(folder, hooks, passes_to)


def install(repository: Repository) -> Arming:
    """Put the guard's hooks where git runs them; again is no harm.

    Raises Conflict when a hook that was chained before is in the way, DiskError, GitError.
    """
    configured = repository.hooks_path()
    own = _own_folder(repository)
    with _explained(own):
        if configured is None:
            folder, passes_to = repository.common_dir / "hooks", None
        else:
            folder, passes_to = own, _redirect(repository, configured)
        folder.mkdir(parents=True, exist_ok=True)
        for name in HOOKS:
            _put(folder, name, passes_to)
        if passes_to is not None:
            _pass_on(repository, folder, passes_to)
    return look(repository)


def uninstall(repository: Repository) -> tuple[str, ...]:
    """Take our hooks away and bring back what was there; returns the names of those removed."""
    own = _own_folder(repository)
    removed: list[str] = []
    with _explained(own):
        if (repository.common_dir / "vsync" / _STATE).exists():
            _undo_redirect(repository)
        for folder in (own, repository.common_dir / "hooks"):
            names = sorted(os.listdir(folder)) if folder.is_dir() else []
            removed += [name for name in names if _take_away(folder, name) and name in HOOKS]
        with contextlib.suppress(OSError):
            own.rmdir()
    return tuple(dict.fromkeys(removed))


def _own_folder(repository: Repository) -> Path:
    return repository.common_dir / "vsync" / "hooks"


def _where(repository: Repository) -> tuple[Path, str | None]:
    configured = repository.hooks_path()
    if configured is None:
        return repository.common_dir / "hooks", None
    folder = repository.top / configured[1]
    if folder == _own_folder(repository):
        return folder, str(_state(repository).get("passes_to", ""))
    return folder, None


def _hook(folder: Path, name: str, passes_to: str | None) -> Hook:
    path = folder / name
    chained = (folder / f"{name}{BEFORE}").exists() or bool(passes_to)
    try:
        text = path.read_bytes()
    except OSError:
        return Hook(name, "missing", path)
    if not _is_ours(text):
        return Hook(name, "foreign", path)
    current = text == _text(name, passes_to) and os.access(path, os.X_OK)
    return Hook(name, "armed" if current else "outdated", path, chained)


def _text(name: str, passes_to: str | None) -> bytes:
    """Return a hook: what was there first, then the guard where it looks."""
    previous = f'"$0"{BEFORE}' if passes_to is None else shlex.quote(os.path.join(passes_to, name))
    body = _PREVIOUS.format(previous=previous) + _body(name)
    # Only what is exactly as we wrote it is ours to take away again.
    digest = hashlib.sha256(os.fsencode(body)).hexdigest()
    return os.fsencode(f"#!/bin/sh\n{_MARK} {digest}\n{body}")


def _body(name: str) -> str:
    if name not in HOOKS:
        return _NO_INPUT.format(failed="exit $?")
    has_input = name in _WITH_INPUT
    failed = "code=$?" if name in NOTICES else "exit $?"
    backstop = name == "reference-transaction"
    guard = Path(__file__).with_name("guard") / "__main__.py"
    parts = (
        _CHEAP_END if backstop else "",
        (_INPUT if has_input else _NO_INPUT).format(failed=failed),
        _ONLY_BRANCHES if backstop else "",
        _PROGRAM.format(python=shlex.quote(os.path.abspath(sys.executable)), guard=shlex.quote(str(guard))),
        (_OR_GO_ON if name in NOTICES else _OR_STOP).format(name=name, given=_GIVEN if has_input else ""),
    )
    return "".join(parts)


def _is_ours(text: bytes) -> bool:
    lines = text.split(b"\n", 2)
    if len(lines) < 3 or not lines[1].startswith(_MARK.encode()):  # noqa: PLR2004 - two lines and a body
        return False
    return lines[1].split()[-1].decode("ascii", "replace") == hashlib.sha256(lines[2]).hexdigest()


def _put(folder: Path, name: str, passes_to: str | None) -> None:
    path, before = folder / name, folder / f"{name}{BEFORE}"
    if os.path.lexists(path) and not (path.is_file() and _is_ours(path.read_bytes())):
        if os.path.lexists(before):
            raise Conflict(
                f"{path} is not vsync's, and {before.name} beside it was chained before",
                hint=f"put both together in {before.name}, remove {name}, then: git vsync hook install",
            )
        os.rename(path, before)
    beside = folder / f".{name}.{os.getpid()}.tmp"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o755), "wb") as file:
        file.write(_text(name, passes_to))
    os.chmod(beside, 0o755)  # noqa: S103 - a hook that git cannot run is silently no hook
    os.replace(beside, path)


def _take_away(folder: Path, name: str) -> bool:
    path = folder / name
    if name.endswith(BEFORE) or not path.is_file() or path.is_symlink() or not _is_ours(path.read_bytes()):
        return False
    before = folder / f"{name}{BEFORE}"
    if os.path.lexists(before):
        os.replace(before, path)
    else:
        path.unlink()
    return True


def _redirect(repository: Repository, configured: tuple[str, str]) -> str:
    """Point `core.hooksPath` at our own folder and remember what it was; returns what it was."""
    scope, value = configured
    own = _own_folder(repository)
    if repository.top / value == own:
        passes_to = _state(repository).get("passes_to")
        if not isinstance(passes_to, str):
            raise GitError(
                "core.hooksPath points to vsync's hooks, and what it was before is not known",
                hint="git config --unset core.hooksPath, then: git vsync hook install",
            )
        return passes_to
    if scope not in ("local", "worktree", "global", "system"):
        raise GitError(
            f"core.hooksPath comes from the {scope}, which nothing here can change",
            hint="run it without -c core.hooksPath and GIT_CONFIG_…",
        )
    level = scope if scope == "worktree" else "local"
    config = _config_file(repository, level)
    before = config.read_bytes()
    # First the folder, then the setting: a commit in between must find hooks.
    own.mkdir(parents=True, exist_ok=True)
    for name in (*HOOKS, *_passed_on(repository, value)):
        _put(own, name, value)
    repository.set_hooks_path(level, str(own))
    state = {
        "passes_to": value,
        "level": level,
        "was_set": scope == level,
        "before": before.decode("utf-8", "surrogateescape"),
        "after": config.read_bytes().decode("utf-8", "surrogateescape"),
    }
    path = repository.common_dir / "vsync" / _STATE
    path.write_text(json.dumps(state), "ascii")
    return value


def _undo_redirect(repository: Repository) -> None:
    state = _state(repository)
    level = str(state["level"])
    config = _config_file(repository, level)
    configured = repository.hooks_path()
    if configured is not None and repository.top / configured[1] == _own_folder(repository):
        before, after = (str(state[key]).encode("utf-8", "surrogateescape") for key in ("before", "after"))
        if config.read_bytes() == after:
            _replace_config(config, before)
        else:
            repository.set_hooks_path(level, str(state["passes_to"]) if state["was_set"] else None)
    (repository.common_dir / "vsync" / _STATE).unlink()


def _replace_config(config: Path, data: bytes) -> None:
    """Write git's configuration as git does: under its lock, and as a whole."""
    lock = config.with_name(f"{config.name}.lock")
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, config.stat().st_mode & 0o777)
    except FileExistsError as error:
        raise Conflict("git's configuration is locked", hint=f"if no git is running: rm {lock}") from error
    with open(descriptor, "wb") as file:
        file.write(data)
    os.replace(lock, config)


def _config_file(repository: Repository, level: str) -> Path:
    return repository.git_dir / "config.worktree" if level == "worktree" else repository.common_dir / "config"


def _passed_on(repository: Repository, passes_to: str) -> tuple[str, ...]:
    """Return the hooks to pass on: the usual ones, and whatever else is in the folder."""
    folder = repository.top / passes_to
    there = sorted(os.listdir(folder)) if folder.is_dir() else []
    named = [name for name in there if "." not in name and os.access(folder / name, os.X_OK)]
    more = [name for name in named if (folder / name).is_file()]
    return tuple(dict.fromkeys((*PASSED_ON, *more)))


def _pass_on(repository: Repository, folder: Path, passes_to: str) -> None:
    for name in _passed_on(repository, passes_to):
        if name not in HOOKS:
            _put(folder, name, passes_to)


def _state(repository: Repository) -> dict[str, Any]:
    try:
        state = json.loads((repository.common_dir / "vsync" / _STATE).read_text("ascii"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


class _explained(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a clause
    """Turn an OSError about the hooks into one line for people."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            reason = (error.strerror or type(error).__name__).lower()
            raise DiskError(f"cannot write hooks in {self._folder.parent.parent}: {reason}") from error
