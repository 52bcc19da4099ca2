"""git vsync template: the names of a vault as a committed file, and never one of its values.

1. The names are those of the version that `vsync.lock` pins, else of the newest, verified as always.
2. Comments of the vault's own env file stay there: `#KEY=value` in it is a secret, too.
3. The file is replaced as a whole, through no link, and keeps its mode.
"""

import os
from collections.abc import Iterable
from collections.abc import Mapping as Readable
from dataclasses import dataclass, field
from pathlib import Path

from vsync.config.load import path_in_file
from vsync.config.paths import path_key
from vsync.errors import KeyUnavailable, NotFound, UsageError
from vsync.formats.dotenv import MAX_ENV_BYTES, assignments, is_name, read_named
from vsync.formats.example import Edited, Given, edit
from vsync.guard.public import is_public
from vsync.model import Json, Mapping, Result
from vsync.sync.contents import read_entry
from vsync.sync.head import remember
from vsync.sync.locking import locked_entry
from vsync.sync.opened import open_vault
from vsync.sync.target import LOCK, REMOTE, fetch_target, target_of
from vsync.sync.template import (
    DEFAULT_NAME,
    names_in,
    read_template,
    require_writable,
    write_template,
)
from vsync.world import World

_SHORTEST_LINE = 20  # of a value of several lines: what is shorter stands elsewhere by chance
_SHOWN = 5
_NAMELESS = "a line that is not NAME=value"


@dataclass(frozen=True, slots=True)
class TemplateOptions:
    """The flags of template; without both, the text is only shown."""

    write: bool = False
    check: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    """The file as it is, None where there is none, and as it shall be."""

    path: str
    version: str
    before: bytes | None = field(repr=False)
    edited: Edited

    @property
    def changed(self) -> bool:
        return self.before is None or self.edited.text.encode() != self.before


def template(world: World, mapping: Mapping, options: TemplateOptions) -> Result:
    """Bring the mapping's template up to date with the names in the vault, or say what that would do.

    The whole text is in the data, under `template`. Raises ConfigError for a file that must not
    be written, UsageError when another vault has the same template and other names.
    """
    path = mapping.template or _default(world)
    require_writable(world, path)
    before = read_template(world, path)
    if before is not None:
        names_in(path, before)  # what cannot be read as an env file cannot be edited as one
    version, data = _bundle(world, mapping)
    env = read_named(data)
    if options.write or options.check:
        _require_same_names(world, mapping, path, env)
    draft = _Draft(path, version, before, _edited(before, data, _kept(world, mapping, path)))
    if draft.changed and options.write:
        write_template(world, path, draft.edited.text.encode())
    return _result(world, mapping, draft, options)


def _default(world: World) -> str:
    base = Path(os.path.realpath(world.config.base)).relative_to(os.path.realpath(world.repository.top))
    return (base / DEFAULT_NAME).as_posix()


def _bundle(world: World, mapping: Mapping) -> tuple[str, bytes]:
    """Return the version that counts and its env file; NotFound when there is no variable in it."""
    which = LOCK if locked_entry(world, mapping.secret) is not None else REMOTE
    vault = open_vault(world, mapping)
    vault.derive_early()
    target = target_of(vault, which)
    with world.spool() as spool:
        data = read_entry(fetch_target(vault, target, spool), mapping.env_file, limit=MAX_ENV_BYTES)
    if target.head is not None:
        remember(vault, target.head)
    if data is None or not read_named(data):
        raise NotFound(
            f"{target.version} of {mapping.secret} has no variable in {mapping.env_file}",
            hint=f"git vsync diff {mapping.secret.name} shows what the folder has",
        )
    return target.version, data


def _require_same_names(world: World, mapping: Mapping, path: str, env: Readable[str, object]) -> None:
    """Refuse one template for vaults with different names: each would take the other's out again."""
    for other in world.config.mappings:
        if other.secret == mapping.secret or not other.template or path_key(other.template) != path_key(path):
            continue
        differing = sorted(set(_names_of(world, other, env)) ^ set(env))
        if differing:
            more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
            raise UsageError(
                f"{path} is the template of {mapping.secret} and of {other.secret}, whose names differ: "
                f"{', '.join(differing[:_SHOWN])}{more}",
                hint="give each a template of its own, or both the same variables",
            )


def _names_of(world: World, mapping: Mapping, unknown: Readable[str, object]) -> Readable[str, object]:
    """Return the names in another vault, from the lock if that has them; `unknown` if nobody can tell."""
    entry = locked_entry(world, mapping.secret)
    if entry is not None and entry.variables:
        return dict.fromkeys(entry.variables)
    try:
        return read_named(_bundle(world, mapping)[1])
    except NotFound:
        return unknown
    except KeyUnavailable as error:
        world.terminal.notice(f"not compared with the names of {mapping.secret}: {error.message}")
        return unknown


def _kept(world: World, mapping: Mapping, path: str) -> frozenset[str]:
    """Return the names that the lock has of other vaults with this template: only they may take them out."""
    found: set[str] = set()
    for other in world.config.mappings:
        shared = path_key(other.template or _default(world)) == path_key(path)
        if other.secret != mapping.secret and shared and (entry := locked_entry(world, other.secret)):
            found.update(entry.variables)
    return frozenset(found)


def _edited(before: bytes | None, data: bytes, kept: frozenset[str]) -> Edited:
    values: dict[str, set[str]] = {}
    for name, value in assignments(data):
        if value and value.strip():
            values.setdefault(name, set()).add(value)
    frozen = {name: frozenset(some) for name, some in values.items() if is_name(name)}
    given = Given(_texts(assignments(data)), frozen, kept)
    return edit((before or b"").decode(), tuple(read_named(data)), given)


def _texts(env: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Return what must not stand in a template, and whose value it is: all that is not plainly public."""
    found: dict[str, str] = {}
    for name, value in env:
        whole = (value or "").strip()
        lines = (line.strip() for line in whole.split("\n")) if "\n" in whole else ()
        for text in (whole, *(line for line in lines if len(line) >= _SHORTEST_LINE)):
            if not is_public(text):
                found.setdefault(text, name if is_name(name) else _NAMELESS)
    return found


def _result(world: World, mapping: Mapping, draft: _Draft, options: TemplateOptions) -> Result:
    edited, path = draft.edited, draft.path
    details = [f"+ {name}" for name in edited.added] + [f"- {name}" for name in edited.removed]
    details += [f"~ {name} (it had a value of the vault; emptied)" for name in edited.emptied]
    details += [f"~ line {line} (a comment with the value of {name}; removed)" for line, name in edited.held]
    if options.write and mapping.template is None:
        line = path_in_file(path, base=world.config.base, top=world.repository.top)
        details.append(f'so that it is checked, add to the mapping: template = "{line}"')
    state, does = ("written", "written") if options.write else ("outdated", "would change")
    summary = f"{path} {does}: the names of {draft.version}"
    if not draft.changed:
        state, summary = "current", f"{path} has the names of {draft.version}"
    data: dict[str, Json] = {"file": path, "version": draft.version, "template": edited.text}
    data |= {"added": edited.added, "removed": edited.removed, "emptied": edited.emptied}
    code = int(draft.changed and options.check)
    return Result(str(mapping.secret), state, summary, tuple(details), data, code)
