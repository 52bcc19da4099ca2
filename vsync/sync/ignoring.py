"""Ignore rules: what keeps plaintext out of `git add` (product contract §3, init)."""

import os
from pathlib import Path

from vsync.errors import ConfigError, GitError
from vsync.git import ignore_rule, untrack_command
from vsync.model import Mapping
from vsync.world import World

FILE_NAME = ".gitignore"
MAX_IGNORE_BYTES = 4 * 1024 * 1024
SHARES = ("*.share", "*.keytree")


def require_untracked(world: World, mapping: Mapping) -> None:
    """Refuse while git tracks something under the vault; the hint is what fixes it."""
    tracked = world.repository.tracked([mapping.folder])
    if tracked:
        listed = ", ".join(tracked[:3]) + (f" and {len(tracked) - 3} more" if len(tracked) > 3 else "")  # noqa: PLR2004
        raise GitError(
            f"git tracks files under the vault: {listed}",
            hint=f"{untrack_command(mapping.folder, folder=True)} && git commit, then change the secrets in "
            "them: "
            "they stay in the history",
        )


def ensure_ignored(world: World, mapping: Mapping, links: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Add the rules that are missing, and prove with git that they hold; returns the rules added.

    `links` are paths, besides the one of `use`, where the env file will be linked to.
    A rule has no final slash: with one, it would not cover a link of that name.
    Raises GitError when git would still take the folder, a file in it, or the link of `use`.
    """
    links = tuple(dict.fromkeys((mapping.activate_to or ".env", *links)))
    folder_files = [mapping.folder, f"{mapping.folder}/{mapping.env_file}", f"{mapping.folder}/any.file"]
    rules = {
        f"/{mapping.folder}": folder_files,
        **{f"/{link}": [link] for link in links},
        **{rule: [rule.replace("*", "any")] for rule in SHARES},
    }
    tracked_links = set(world.repository.tracked(links))
    missing = [rule for rule, paths in rules.items() if world.repository.not_ignored(paths)]
    if missing:
        _append(world.repository.top / FILE_NAME, missing)
    for rule, paths in rules.items():
        exposed = [path for path in world.repository.not_ignored(paths) if path not in tracked_links]
        if exposed and rule not in SHARES:
            raise GitError(
                f"git does not ignore {exposed[0]}, although {FILE_NAME} says {rule}",
                hint=f"another rule takes it back; see: git check-ignore -v --no-index -- {exposed[0]}",
            )
    return tuple(missing)


def _append(path: Path, rules: list[str]) -> None:
    """Add lines to the committed file, in its own kind of line ends."""
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_APPEND
        with open(os.open(path, flags, 0o666), "r+b") as file:
            before = file.read(MAX_IGNORE_BYTES)
            end = b"\r\n" if b"\r\n" in before else b"\n"
            lead = b"" if not before or before.endswith(b"\n") else end
            file.write(lead + b"".join(_escaped(rule) + end for rule in rules))
    except OSError as error:
        raise ConfigError(f"cannot write {FILE_NAME}: {(error.strerror or '').lower()}") from error


def _escaped(rule: str) -> bytes:
    """Escape what gitignore(5) would read as a pattern in a path of ours."""
    return (rule if rule in SHARES else ignore_rule(rule.removeprefix("/"))).encode()
