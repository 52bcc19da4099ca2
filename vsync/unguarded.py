"""Whether anything guards a repository at all, and whether its people were told when nothing does.

1. Whoever runs the guard before a commit counts: a hook of ours, of anybody's, of the pre-commit
   framework, husky or lefthook whose own configuration runs it, or one in git's configuration.
2. Looking costs git processes, so the answer is kept in the common git directory: that it was
   told, for ever; that a guard was there, as long as the files that said so are the same.
"""

import contextlib
import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from vsync.git import Repository

_KEPT = "guard-notice"
_TOLD = "told"
_EVENT = "pre-commit"
_MOST_BYTES = 256 * 1024

# `vsync-guard`, `git vsync guard`, `python -m vsync.guard`, its file as in a hook of ours, an id of
# .pre-commit-hooks.yaml that looks before a commit.
# Nor does what is only said, or whose answer is thrown away.
_GUARD = re.compile(
    rb"(?m)^(?![ \t]*(?:#|echo\b|printf\b)).*\bvsync(-| +|\.|/)guard\b(?!-push)"
    rb"(?![^\n]*\|\|[ \t]*(?:true|:)(?![\w-]))"
)

_PRE_COMMIT = (".pre-commit-config.yaml", "prek.toml")
_LEFTHOOK = tuple(
    f"{folder}{name}.{form}"
    for folder in ("", ".", ".config/")
    for name in ("lefthook", "lefthook-local")
    for form in ("yml", "yaml", "toml", "json", "jsonc")
)


def must_tell(repository: Repository) -> bool:
    """Tell whether nothing guards this repository and nobody was told; costs some `stat` once settled."""
    kept = _read_kept(repository)
    if kept == _TOLD or (isinstance(kept, list) and kept == _stamps(row[0] for row in kept)):
        return False
    found = guarding(repository)
    if not found:
        return True
    _keep(repository, _stamps([str(repository.common_dir / "config"), *map(str, found)]))
    return False


def remember_told(repository: Repository) -> None:
    """Keep that it was told, so that it is told once a clone."""
    _keep(repository, _TOLD)


def forget(repository: Repository) -> None:
    """Forget what was found and told: the hooks are others now."""
    with contextlib.suppress(OSError):
        (repository.common_dir / "vsync" / _KEPT).unlink()


def guarding(repository: Repository) -> tuple[Path, ...]:
    """Return the files by which something runs the guard before each commit, empty when nothing does."""
    configured = repository.hooks_path()
    folder = repository.top / configured[1] if configured else repository.common_dir / "hooks"
    hook = folder / _EVENT
    if os.access(hook, os.X_OK):
        for path in (hook, *_run_by(hook, repository.top)):
            if _runs_guard(path):
                return (hook, path)
    if repository.has_configured_hooks():
        for command in repository.configured_hooks(_EVENT).values():
            script = repository.top / Path(_first_word(command)).expanduser()
            if _GUARD.search(os.fsencode(command)) or _runs_guard(script):
                return (script,)
    return ()


def _first_word(command: str) -> str:
    try:
        return next(iter(shlex.split(command)), "")
    except ValueError:
        return ""


def _run_by(hook: Path, top: Path) -> Iterator[Path]:
    """Give the files that decide what a known tool's hook runs."""
    text = _text(hook)
    if b"pre-commit" in text or b"pre_commit" in text or b"prek" in text:
        # The framework keeps the hook that it found, and runs it first.
        yield hook.with_name(f"{hook.name}.legacy")
        yield from (top / name for name in _PRE_COMMIT)
    if b"lefthook" in text:
        yield from (top / name for name in _LEFTHOOK)
    if hook.parent.name == "_":
        yield hook.parent.parent / hook.name  # husky


def _runs_guard(path: Path) -> bool:
    return _GUARD.search(_text(path)) is not None


def _text(path: Path) -> bytes:
    try:
        # Nothing else: a link of the repository may lead to something that never ends.
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except (OSError, ValueError):
        return b""


def _stamps(paths: Iterable[str | int]) -> list[list[str | int]]:
    found: list[list[str | int]] = []
    for path in paths:
        try:
            status = os.stat(str(path))
        except OSError:
            continue
        found.append([str(path), status.st_mtime_ns, status.st_size, status.st_ino])
    return found


def _read_kept(repository: Repository) -> str | list[list[str | int]] | None:
    try:
        kept = json.loads((repository.common_dir / "vsync" / _KEPT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    is_rows = isinstance(kept, list) and all(isinstance(row, list) and row for row in kept)
    return kept if kept == _TOLD or is_rows else None


def _keep(repository: Repository, what: str | list[list[str | int]]) -> None:
    """Replace what is kept as a whole; where nothing can be kept, the next command looks again."""
    path = repository.common_dir / "vsync" / _KEPT
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        beside.write_text(json.dumps(what), "utf-8")
        os.replace(beside, path)
