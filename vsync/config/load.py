"""Find and read the committed configuration (product contract §2).

1. From the current folder up to the repository's top, never above it, the nearest folder
   wins; within one: `vsync.toml`, `envdrift.toml`, `[tool.vsync]`, then `[tool.envdrift]` in
   `pyproject.toml`.
2. A file is a regular file of bounded size inside the repository; a link out of it is refused.
3. What TOML's parser says is never repeated: it may quote the file.
4. Reading is tomllib's and costs no look at any mapped folder; `check_folder` does that for
   the mappings a verb uses.
"""

import os
import re
import stat
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from vsync.config.mappings import read_mappings, repository_of
from vsync.config.paths import (
    NAME,
    RESERVED_REPOSITORIES,
    check_folder,
    check_no_link,
    clean_path,
    parse_secret_name,
)
from vsync.config.schema import (
    DEFAULT_WORKERS,
    MAX_WORKERS,
    OWN_PROVIDERS,
    SYNC,
    Document,
    S3Routing,
    provider_of,
    s3_routing,
)
from vsync.config.select import select, select_one
from vsync.config.variables import read_rules
from vsync.errors import ConfigError
from vsync.model import Mapping, Rule

__all__ = [
    "Config",
    "ConfigSource",
    "S3Routing",
    "check_folder",
    "check_no_link",
    "find_config",
    "load_config",
    "parse_secret_name",
    "path_in_file",
    "select",
    "select_one",
]

MAX_CONFIG_BYTES = 4 * 1024 * 1024  # 10 000 mappings
OWN_FILE = "vsync.toml"
ENVDRIFT_FILE = "envdrift.toml"
PYPROJECT = "pyproject.toml"
_TOOLS = ("vsync", "envdrift")
_LINE = re.compile(r"\(at line ([0-9]+), column [0-9]+\)\Z")


DefaultRepo = Callable[[], str | None]
"""Finds out a repository's name, asked only where the file says none: it costs a process."""


class ConfigSource(NamedTuple):
    """A file with our tables: `values` as parsed, `tool` the one of `[tool.…]` they stand under."""

    path: Path
    values: dict[str, Any]
    tool: str | None = None

    @property
    def is_envdrift(self) -> bool:
        """Whether the file is envdrift's own, with keys that only it reads."""
        return self.tool == "envdrift" or self.path.name == ENVDRIFT_FILE


class Config(NamedTuple):
    """The committed configuration, checked; defaults where nothing is said.

    `base` is the folder that paths in the file are relative to; those in `mappings` are
    relative to the repository's top. With a provider of envdrift's there are no mappings.
    """

    path: Path | None
    base: Path
    provider: str = "s3"
    repo: str | None = None
    s3: S3Routing = S3Routing()
    max_workers: int = DEFAULT_WORKERS
    max_age: timedelta | None = None
    rotate_after: timedelta | None = None
    mappings: tuple[Mapping, ...] = ()
    lock_names: bool = True
    schema: tuple[Rule, ...] = ()
    warnings: tuple[str, ...] = ()


def find_config(start: Path, top: Path) -> ConfigSource | None:
    """Return the nearest configuration from `start` up to `top`, None when there is none.

    Raises ConfigError for a file that cannot be read or is not TOML.
    """
    top, folder = Path(os.path.realpath(top)), Path(os.path.realpath(start))
    candidates = (folder, *folder.parents) if folder.is_relative_to(top) else (top,)
    for candidate in candidates:
        found = _in_folder(candidate, top)
        if found is not None or candidate == top:
            return found
    return None


def load_config(
    start: Path, top: Path, *, explicit: Path | None = None, default_repo: DefaultRepo | None = None
) -> Config:
    """Return the configuration that holds at `start`; ConfigError names file, table and key.

    `explicit` is read instead of searching, relative to `start`. `default_repo` gives the
    repository's name where the file has none; one that is no valid name counts as none.
    """
    top = Path(os.path.realpath(top))
    source = find_config(start, top) if explicit is None else _explicit(start / explicit, top)
    if source is None:
        return Config(path=None, base=top)
    document = Document(
        source.values,
        _shown(source.path, top),
        prefix=f"tool.{source.tool}." if source.tool else "",
        envdrift=source.is_envdrift,
    )
    return _config(source, document, top, default_repo)


def path_in_file(path: str, *, base: Path, top: Path) -> str:
    """Return a path relative to the top as a file in `base` writes it; ConfigError if it lies elsewhere."""
    below = _below(base, Path(os.path.realpath(top)))
    cleaned = clean_path(path, where=repr(path))
    if not below:
        return cleaned
    if not cleaned.startswith(f"{below}/"):
        raise ConfigError(
            f"{path!r} lies outside {below!r}, the folder of the configuration",
            hint=f"choose a folder inside {below}, or use a {OWN_FILE} at the top of the repository",
        )
    return cleaned.removeprefix(f"{below}/")


def _config(source: ConfigSource, document: Document, top: Path, default_repo: DefaultRepo | None) -> Config:
    vault, sync = document.table("vault"), document.table(SYNC)
    provider = provider_of(vault)
    repo = repository_of(vault)
    base = source.path.parent
    mappings: tuple[Mapping, ...] = ()
    if provider in OWN_PROVIDERS:
        named = repo or (_usable(default_repo()) if default_repo else None)
        mappings = read_mappings(document.mappings(), repo=named, below=_below(base, top))
    routing = s3_routing(document.table("vault.s3"))
    names = document.table("vault.lock").flag("names", default=True)
    schema = read_rules(document.rules())
    document.table("guard")
    return Config(
        path=source.path,
        base=base,
        provider=provider,
        repo=repo,
        s3=routing,
        max_workers=sync.integer("max_workers", default=DEFAULT_WORKERS, high=MAX_WORKERS),
        max_age=sync.duration("max_age"),
        rotate_after=sync.duration("rotate_after"),
        mappings=mappings,
        lock_names=names,
        schema=schema,
        warnings=document.warnings,
    )


def _usable(repo: str | None) -> str | None:
    # It comes from a URL that nobody wrote for us: if it is no name, it is no mistake either.
    return repo if repo and NAME.fullmatch(repo) and repo not in RESERVED_REPOSITORIES else None


def _below(base: Path, top: Path) -> str:
    relative = Path(os.path.realpath(base)).relative_to(top).as_posix()
    return "" if relative == "." else relative


def _in_folder(folder: Path, top: Path) -> ConfigSource | None:
    for name in (OWN_FILE, ENVDRIFT_FILE):
        path = folder / name
        if os.path.lexists(path):
            return ConfigSource(path, _parse(_read(path, top), path, top))
    path = folder / PYPROJECT
    return _from_pyproject(path, top) if path.is_file() else None


def _explicit(path: Path, top: Path) -> ConfigSource:
    path = Path(os.path.realpath(path.parent)) / path.name
    if not os.path.lexists(path):
        raise ConfigError(f"{path.name}: no such file", hint="check the path after -c")
    if path.name != PYPROJECT:
        return ConfigSource(path, _parse(_read(path, top), path, top))
    found = _from_pyproject(path, top)
    if found is None:
        raise ConfigError(f"{_shown(path, top)}: has no [tool.vsync] table", hint="git vsync init")
    return found


def _from_pyproject(path: Path, top: Path) -> ConfigSource | None:
    data = _read(path, top)
    # Somebody else's file, without a word about us: not ours to parse, nor to complain about.
    if not any(tool.encode() in data for tool in _TOOLS):
        return None
    tools = _parse(data, path, top).get("tool", {})
    tool = next((name for name in _TOOLS if isinstance(tools, dict) and name in tools), None)
    if tool is None:
        return None
    if not isinstance(tools[tool], dict):
        raise ConfigError(f"{_shown(path, top)}: [tool.{tool}]: must be a table")
    return ConfigSource(path, tools[tool], tool)


def _read(path: Path, top: Path) -> bytes:
    where = _shown(path, top)
    if not Path(os.path.realpath(path)).is_relative_to(top):
        raise ConfigError(
            f"{where}: is outside the repository", hint="keep the configuration in the repository it is about"
        )
    try:
        # A FIFO of that name must not make us wait.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigError(f"{where}: is not a regular file")
            data = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise ConfigError(f"{where}: cannot be read: {reason}", hint="check the file and its mode") from error
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{where}: is larger than the {MAX_CONFIG_BYTES} bytes it may have")
    return data


def _parse(data: bytes, path: Path, top: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"line {line} is not UTF-8"
    except (ValueError, RecursionError) as error:
        found = _LINE.search(str(error))
        problem = f"line {found[1]} is not valid TOML" if found else "is not valid TOML"
    # Outside the handlers, so that no traceback can show what the parser quoted.
    raise ConfigError(f"{_shown(path, top)}: {problem}", hint="correct the file, then try again")


def _shown(path: Path, top: Path) -> str:
    shown = path.relative_to(top).as_posix() if path.is_relative_to(top) else path.name
    return shown if shown.isprintable() else repr(shown)
