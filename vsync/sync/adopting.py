"""Moving an env file that lies about into its vault, and linking it back (product contract §3, init)."""

import os
import shutil
from pathlib import Path

from vsync.errors import Conflict, GitError, NotFound
from vsync.git import untrack_command
from vsync.model import Mapping
from vsync.sync.activate import place
from vsync.sync.snapshot import folder_of
from vsync.world import World


def candidates(world: World, mapping: Mapping) -> tuple[str, ...]:
    """Return the regular files at the top that are this environment's env file, `.env.<env>` first."""
    top = world.repository.top
    names = dict.fromkeys((f".env.{mapping.environment}", mapping.env_file, ".env"))
    return tuple(name for name in names if (top / name).is_file() and not (top / name).is_symlink())


def require_free(world: World, mapping: Mapping, source: Path) -> None:
    """Refuse a source that is tracked, missing, a link, or would overwrite the vault's env file."""
    if source.is_symlink() or not source.is_file():
        raise NotFound(f"{source} is not a regular file", hint="name the env file to move in: --from .env")
    relative = _shown(world, source)
    if not os.path.isabs(relative) and world.repository.tracked([relative]):
        raise GitError(
            f"git tracks {relative}: it was left where it is",
            hint=f"{untrack_command(relative)} && git commit, change every secret in it, then: "
            f"git vsync init {mapping.secret.name} --from {relative}",
        )
    target = world.repository.top / mapping.folder / mapping.env_file
    if target.exists() or target.is_symlink():
        raise Conflict(
            f"{mapping.folder}/{mapping.env_file} exists already: {relative} was left where it is",
            hint="put the two together by hand, then: git vsync push",
        )


def _shown(world: World, source: Path) -> str:
    """Return the path from the repository's top, or the absolute one of a file outside."""
    path = source.parent.resolve() / source.name
    top = world.repository.top.resolve()
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else str(path)


def links_back(world: World, source: Path | None) -> tuple[str, ...]:
    """Return where the file will be linked to: its own place, unless it lies outside the repository."""
    shown = _shown(world, source) if source else "/"
    return () if os.path.isabs(shown) else (shown,)


def move_in(world: World, mapping: Mapping, source: Path) -> tuple[str, ...]:
    """Move the file into the vault, 0600, and link it back where it was; returns lines for the report."""
    folder = folder_of(world, mapping)
    folder.create()
    target = folder.path / mapping.env_file
    try:
        source.chmod(0o600)
        shutil.move(source, target)
    except OSError as error:
        raise Conflict(f"cannot move {source.name}: {(error.strerror or '').lower()}") from error
    relative = _shown(world, source)
    lines = (f"moved {relative} to {mapping.folder}/{mapping.env_file}",)
    if os.path.isabs(relative):
        return lines
    try:
        place(world, mapping, relative, copy=False)
    except (Conflict, GitError, NotFound) as error:
        return (*lines, f"not linked back: {error.message}")
    return (*lines, f"{relative} -> {mapping.folder}/{mapping.env_file}")
