"""Putting a vault's env file where programs look for it: `activate_to` and `use` (product contract §2)."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path, PurePosixPath

from vsync.errors import Conflict, GitError, NotFound
from vsync.git import ignore_command, untrack_command
from vsync.model import Mapping, Result
from vsync.world import World

COPY_MARK = "vsync/copies"


def activate(world: World, mapping: Mapping) -> tuple[str, ...]:
    """Link `activate_to` to the vault's env file after a pull; returns a line for the report.

    What stands in the way is never replaced: the pull itself has worked, so that is told, not raised.
    """
    if mapping.activate_to is None:
        return ()
    try:
        place(world, mapping, mapping.activate_to, copy=False)
    except (Conflict, GitError, NotFound) as error:
        return (f"not activated: {error.message}",)
    return (f"{mapping.activate_to} -> {mapping.folder}/{mapping.env_file}",)


def place(world: World, mapping: Mapping, link: str, *, copy: bool) -> None:
    """Link or copy the vault's env file to `link`, a path from the repository's top.

    Raises NotFound without an env file, Conflict for a regular file that is not ours or a link
    on the way, GitError when git could take it.
    """
    top = world.repository.top
    source, target = top / mapping.folder / mapping.env_file, top / link
    if not source.is_file() or source.is_symlink():
        raise NotFound(
            f"there is no {mapping.folder}/{mapping.env_file}", hint=f"git vsync pull {mapping.secret.name}"
        )
    _require_outside_vaults(world, link)
    _require_plain_way(top, link)
    _require_hidden(world, link)
    _require_ours(world, target, link)
    _put(world, source, target, copy=copy)


def _require_ours(world: World, target: Path, link: str) -> None:
    """Refuse to replace anything but our own link and our own, untouched copy."""
    if target.is_symlink():
        pointed = os.path.normpath(target.parent.resolve() / os.readlink(target))
        if _vault_of(world, os.path.relpath(pointed, world.repository.top.resolve())):
            return
        what = f"a link to {os.readlink(target)}"
    elif target.is_dir():
        what = "a folder"
    elif not target.exists() or _is_our_copy(world, target):
        return
    else:
        what = "a regular file"
    raise Conflict(
        f"{link} is {what} that vsync did not make", hint=f"move it away first: mv {link} {link}.mine"
    )


def _require_outside_vaults(world: World, link: str) -> None:
    folder = _vault_of(world, link)
    if folder:
        raise Conflict(f"{link} lies in the vault {folder}, which holds plain files only", hint="--link .env")


def _vault_of(world: World, path: str) -> str | None:
    """Return the mapped folder that a path from the top is, or lies in."""
    folders = (mapping.folder for mapping in world.config.mappings)
    return next((one for one in folders if path == one or path.startswith(f"{one}/")), None)


def _require_plain_way(top: Path, link: str) -> None:
    parents = PurePosixPath(link).parents
    for parent in reversed([str(part) for part in parents][:-1]):
        if (top / parent).is_symlink() or not (top / parent).is_dir():
            raise Conflict(f"{parent} on the way to {link} is not a plain folder")


def _require_hidden(world: World, link: str) -> None:
    if world.repository.tracked([link]):
        raise GitError(f"git tracks {link}", hint=f"{untrack_command(link)}, commit, and change its secrets")
    if world.repository.not_ignored([link]):
        raise GitError(f"git does not ignore {link}", hint=ignore_command(link))


def _put(world: World, source: Path, target: Path, *, copy: bool) -> None:
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp.env")
    try:
        if copy:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with source.open("rb") as read, open(os.open(beside, flags, 0o600), "wb") as write:
                shutil.copyfileobj(read, write)
        else:
            os.symlink(os.path.relpath(source, target.parent), beside)
        os.replace(beside, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise Conflict(f"cannot write {target.name}: {(error.strerror or '').lower()}") from error
    if copy:
        _remember_copy(world, target)


def _copies(world: World) -> Path:
    return world.repository.git_dir / COPY_MARK


def _is_our_copy(world: World, target: Path) -> bool:
    """Tell whether `use --copy` wrote this very file: same place, and untouched since."""
    info = target.stat()
    mark = f"{target}\0{info.st_ino}\0{info.st_mtime_ns}\0{info.st_size}"
    with contextlib.suppress(FileNotFoundError):
        return mark in _copies(world).read_text("utf-8").split("\n")
    return False


def _remember_copy(world: World, target: Path) -> None:
    info = target.stat()
    path = _copies(world)
    lines = path.read_text("utf-8").split("\n") if path.exists() else []
    kept = [line for line in lines if line and line.split("\0")[0] != str(target)]
    kept.append(f"{target}\0{info.st_ino}\0{info.st_mtime_ns}\0{info.st_size}")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text("\n".join(kept) + "\n", "utf-8")


def use(world: World, mapping: Mapping, link: str, *, copy: bool) -> Result:
    """Point `link` at the mapping's env file, and say where it pointed before."""
    target = world.repository.top / link
    before = os.readlink(target) if target.is_symlink() else None
    place(world, mapping, link, copy=copy)
    source = f"{mapping.folder}/{mapping.env_file}"
    details = (
        (f"was {before}",)
        if before and before != os.path.relpath(world.repository.top / source, target.parent)
        else ()
    )
    summary = f"{link} is a copy of {source}" if copy else f"{link} -> {source}"
    return Result(
        str(mapping.secret),
        "copied" if copy else "linked",
        summary,
        details,
        {"link": link, "target": source},
    )


def current_target(world: World, link: str) -> Result:
    """Say what `link` points at now."""
    target = world.repository.top / link
    if target.is_symlink():
        pointed = os.readlink(target)
        broken = "" if target.exists() else " (missing: git vsync pull)"
        return Result(None, "linked", f"{link} -> {pointed}{broken}", data={"link": link, "target": pointed})
    if target.exists():
        return Result(None, "file", f"{link} is a regular file", data={"link": link, "target": None})
    return Result(None, "none", f"there is no {link}", data={"link": link, "target": None})
