"""`[[vault.sync.mappings]]` → `model.Mapping`, and what must hold between them (product contract §2).

1. The environment is `environment`, else `profile`, else `production`.
2. The secret name is `secret_name`, else the environment; without a slash it gets the
   repository before it.
3. No two mappings share a secret name or a folder, and no folder holds another.
4. `activate_to` is an env file's name outside every vault, `template` that of an example of one.
"""

import re
from collections.abc import Iterable
from collections.abc import Mapping as Readable
from itertools import pairwise
from typing import Any

from vsync.config.paths import (
    NAME,
    VARIABLE,
    check_name,
    check_repository,
    clean_path,
    parse_secret_name,
    path_key,
)
from vsync.config.schema import Table
from vsync.errors import ConfigError
from vsync.formats.names import TEMPLATE_SUFFIXES
from vsync.model import Mapping, SecretName

DEFAULT_ENVIRONMENT = "production"
_NAMING = ("secret_name", "environment", "profile")
_PROFILE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def read_mappings(rows: Iterable[Table], *, repo: str | None, below: str) -> tuple[Mapping, ...]:
    """Return the checked mappings in their order.

    `repo` is the repository's name, None when nobody knows it; `below` is the file's folder
    relative to the repository's top, empty at the top.
    """
    tables = tuple(rows)
    mappings = tuple(_mapping(table, repo, below) for table in tables)
    _check_secrets(tables, mappings)
    _check_folders(tables, mappings)
    _check_activations(tables, mappings)
    return mappings


def secret_of(entry: Readable[str, Any], *, repo: str | None, where: str) -> SecretName:
    """Return the name of the vault that an entry maps, by rules 1 and 2; ConfigError begins with `where`."""
    given = next((entry[key] for key in _NAMING if entry.get(key)), DEFAULT_ENVIRONMENT)
    if "/" in given:
        return parse_secret_name(given, where=where)
    name = check_name(given, where=where)
    if repo is None:
        raise ConfigError(
            f"{where}: the repository has no name, and {name!r} has none before it",
            hint='set one for the whole team: [vault] repo = "…"',
        )
    return SecretName(repo, name)


def repository_of(vault: Table) -> str | None:
    """Return `[vault] repo`, checked, or None."""
    repo = vault.text("repo")
    return None if repo is None else check_repository(repo, where=vault.where("repo"))


def _mapping(table: Table, repo: str | None, below: str) -> Mapping:
    values = table.values
    profile = table.text("profile")
    if profile is not None and _PROFILE.fullmatch(profile) is None:
        raise table.wrong("profile", "not a valid name", hint="use up to 64 of A-Z a-z 0-9 . _ -")
    environment = table.text("environment") or profile or DEFAULT_ENVIRONMENT
    if NAME.fullmatch(environment) is None:
        key = "environment" if values.get("environment") else "profile"
        check_name(environment, where=table.where(key))
    table.text("secret_name")
    return Mapping(
        secret=secret_of(values, repo=repo, where=table.where("secret_name")),
        folder=_folder(table, below),
        environment=environment,
        env_file=_env_file(table, environment),
        profile=profile,
        activate_to=_activate_to(table, below) if "activate_to" in values else None,
        template=_template(table, below) if "template" in values else None,
        required=_required(table) if "required" in values else (),
    )


def _folder(table: Table, below: str) -> str:
    text = table.text("folder_path")
    if text is None:
        raise table.wrong("folder_path", "is missing", hint='folder_path = "infra/vault/prod"')
    path = clean_path(text, where=table.where("folder_path"))
    if not path:
        what = "the folder of the configuration" if below else "the repository itself"
        raise table.wrong("folder_path", f"is {what}", hint="choose a folder in it, like infra/vault/prod")
    return _joined(below, path)


def _env_file(table: Table, environment: str) -> str:
    text = table.text("env_file")
    if text is None:
        return f".env.{environment}"
    if "/" in text or not clean_path(text, where=table.where("env_file")):
        raise table.wrong("env_file", "must be a file name", hint='env_file = ".env.prod"')
    return text


def _file(table: Table, key: str, below: str) -> str | None:
    text = table.text(key)
    if text is None:
        return None
    path = clean_path(text, where=table.where(key))
    if not path or text.endswith("/"):
        raise table.wrong(key, "must be a file")
    return _joined(below, path)


def _activate_to(table: Table, below: str) -> str | None:
    path = _file(table, "activate_to", below)
    name = (path or ".env").rpartition("/")[2]
    if not name.startswith(".env") and not name.endswith(".env"):
        raise table.wrong(
            "activate_to", "must be a file like .env, .env.local or prod.env", hint='activate_to = ".env"'
        )
    return path


def _template(table: Table, below: str) -> str | None:
    path = _file(table, "template", below)
    name = (path or ".env.example").rpartition("/")[2].lower()
    # It is rewritten by its names: a file that means something else would be destroyed (attack 26).
    if ".env" not in name or not name.endswith(TEMPLATE_SUFFIXES):
        raise table.wrong(
            "template",
            f"must be a file like .env.example: .env in its name, then {', '.join(TEMPLATE_SUFFIXES)}",
            hint='template = ".env.example"',
        )
    return path


def _required(table: Table) -> tuple[str, ...]:
    names = table.texts("required")
    if not all(VARIABLE.fullmatch(name) for name in names):
        raise table.wrong("required", "must be names of variables", hint='required = ["DATABASE_URL"]')
    return names


def _joined(below: str, path: str) -> str:
    return f"{below}/{path}" if below else path


def _check_secrets(tables: tuple[Table, ...], mappings: tuple[Mapping, ...]) -> None:
    first: dict[SecretName, int] = {}
    for index, mapping in enumerate(mappings):
        other = first.setdefault(mapping.secret, index)
        if other != index:
            raise tables[index].wrong(
                "secret_name",
                f"{mapping.secret} is mapped by #{other + 1} too",
                hint="give each its own",
            )


def _check_folders(tables: tuple[Table, ...], mappings: tuple[Mapping, ...]) -> None:
    # With a slash after each, whatever lies in a folder sorts directly behind it.
    keys = sorted((path_key(mapping.folder) + "/", index) for index, mapping in enumerate(mappings))
    for (outer, first), (inner, second) in pairwise(keys):
        if inner.startswith(outer):
            verb = "is the same folder as" if inner == outer else "lies in"
            raise tables[second].wrong(
                "folder_path",
                f"{mappings[second].folder!r} {verb} {mappings[first].folder!r} of #{first + 1}",
                hint="give each vault a folder of its own, none inside another",
            )


def _check_activations(tables: tuple[Table, ...], mappings: tuple[Mapping, ...]) -> None:
    wanted = [(index, mapping.activate_to) for index, mapping in enumerate(mappings) if mapping.activate_to]
    if not wanted:
        return
    vaults = {path_key(mapping.folder) for mapping in mappings}
    for index, path in wanted:
        parts = path_key(path).split("/")
        if any("/".join(parts[:end]) in vaults for end in range(1, len(parts) + 1)):
            raise tables[index].wrong(
                "activate_to", "lies in a vault", hint="choose a path outside every vault folder"
            )
