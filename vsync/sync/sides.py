"""What a vault can be compared with: a version, the lock's names, another environment, a plain env file.

Whatever comes from a store is read where it lies, after it was proved; nothing is unpacked.
"""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from vsync.config.select import select_one
from vsync.drift import Holding
from vsync.errors import Conflict, IntegrityError, NotFound, UsageError
from vsync.files import read_regular
from vsync.formats.dotenv import MAX_ENV_BYTES, is_name, read_named
from vsync.formats.lockfile import FILE_NAME
from vsync.formats.version import is_version
from vsync.model import Json, Mapping
from vsync.sync.contents import Contents, holding_of, read_contents
from vsync.sync.head import remember
from vsync.sync.locking import locked_entry
from vsync.sync.opened import open_vault
from vsync.sync.snapshot import folder_of
from vsync.sync.target import LOCK, REMOTE, fetch_target, target_of
from vsync.world import World

ENVIRONMENT = "env:"


@dataclass(frozen=True, slots=True)
class Side:
    """One side, what people call it, and what `--json` says of it."""

    holding: Holding
    shown: str
    data: dict[str, Json] = field(default_factory=dict)


def folder_side(world: World, mapping: Mapping, *, layout: bool = True) -> Side:
    """Return what the vault folder holds; NotFound when it is missing, Conflict when it cannot be read."""
    folder = folder_of(world, mapping)
    if not folder.exists():
        raise NotFound(
            f"there is no folder {mapping.folder}", hint=f"git vsync pull {mapping.secret.name} brings it"
        )
    tree = folder.scan()
    data = folder.read_file(mapping.env_file, limit=MAX_ENV_BYTES)
    try:
        env = None if data is None else read_named(data)
    except IntegrityError as error:
        raise Conflict(
            f"{mapping.folder}/{mapping.env_file}: {error.message}", hint="mend that line, then try again"
        ) from error
    holding = holding_of(Contents(tree.states, env), mapping.env_file, layout=layout)
    return Side(holding, mapping.folder, {"vault": str(mapping.secret), "folder": mapping.folder})


def other_side(world: World, mapping: Mapping, against: str, cwd: Path) -> Side:
    """Return what `against` names: remote, lock, a version, `env:NAME`, else a file, seen from `cwd`."""
    if against in (REMOTE, LOCK) or is_version(against):
        return _version_side(world, mapping, against)
    if against.startswith(ENVIRONMENT):
        other = _other_mapping(world, mapping, against, cwd)
        if folder_of(world, other).exists():
            return folder_side(world, other, layout=False)
        side = _version_side(world, other, REMOTE, layout=False)
        return replace(side, shown=f"{other.secret}, {side.shown} ({other.folder} is not here)")
    return _file_side(against, cwd)


def names_side(world: World, mapping: Mapping, against: str, cwd: Path) -> Side:
    """Return the names that `against` knows without a key; UsageError for what takes one."""
    if against == LOCK:
        return _lock_names(world, mapping)
    if against.startswith(ENVIRONMENT):
        other = _other_mapping(world, mapping, against, cwd)
        return folder_side(world, other, layout=False)
    if against == REMOTE or is_version(against):
        raise UsageError(
            f"--names-only asks for no key, and {against} takes one",
            hint="leave --names-only out, or: --against lock",
        )
    return _file_side(against, cwd)


def _version_side(world: World, mapping: Mapping, which: str, *, layout: bool = True) -> Side:
    vault = open_vault(world, mapping)
    vault.derive_early()
    target = target_of(vault, which)
    with world.spool() as spool:
        contents = read_contents(fetch_target(vault, target, spool), mapping.env_file)
    if target.head is not None:
        remember(vault, target.head)
    pointer = target.head.pointer if target.head is not None else None
    by = pointer.by if pointer is not None else None
    what = {REMOTE: "the newest version", LOCK: "the locked version"}.get(which, "version")
    shown = f"{what} {target.version}" + (f", pushed by {by}" if by else "")
    data = {"vault": str(vault.secret), "version": target.version, "generation": target.gen or None, "by": by}
    return Side(holding_of(contents, mapping.env_file, layout=layout), shown, data)


def _other_mapping(world: World, mapping: Mapping, against: str, cwd: Path) -> Mapping:
    word = against.removeprefix(ENVIRONMENT)
    # Whoever names a vault like this need not ask for its profile, too.
    everyone = tuple(one._replace(profile=None) for one in world.config.mappings)
    config = world.config._replace(mappings=everyone)
    found = select_one(config, word, profile=None, cwd=cwd, top=world.repository.top)
    if found.secret == mapping.secret:
        raise UsageError(f"{against} is {mapping.secret} itself", hint="name another, or: --against remote")
    return found


def _file_side(path: str, cwd: Path) -> Side:
    try:
        data = read_regular(cwd / path, limit=MAX_ENV_BYTES)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "cannot be read").lower()
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
        kind = NotFound if missing else UsageError
        raise kind(
            f"{path!r}: {reason}",
            hint="--against takes remote, lock, a version, env:NAME, or the path of an env file",
        ) from error
    try:
        env = read_named(data)
    except IntegrityError as error:
        raise UsageError(
            f"{path!r} is no env file: {error.message}", hint="mend it, or name another file"
        ) from error
    return Side(Holding(env), os.path.normpath(path), {"file": path})


def _lock_names(world: World, mapping: Mapping) -> Side:
    entry = locked_entry(world, mapping.secret)
    name = mapping.secret.name
    if entry is None:
        raise NotFound(
            f"{FILE_NAME} has no entry for {mapping.secret}", hint=f"git vsync push {name} writes one"
        )
    if not entry.variables and not entry.files:
        why = "" if world.config.lock_names else ": [vault.lock] names = false"
        raise UsageError(
            f"{FILE_NAME} has no names of {mapping.secret}{why}",
            hint=f"with the key: git vsync diff {name} --against lock",
        )
    holding = Holding(dict.fromkeys(filter(is_name, entry.variables)), dict.fromkeys(entry.files, ""))
    data = {"vault": entry.name, "version": entry.version, "generation": entry.generation or None}
    return Side(holding, f"the names in {FILE_NAME}, version {entry.version}", data)
