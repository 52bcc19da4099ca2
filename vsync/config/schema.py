"""TOML tables → checked values: types, names, durations, known keys (product contract §2).

1. A value of the wrong type or form is a ConfigError that names file, table and key, and
   never quotes the value: somebody may have pasted a secret.
2. A key that nobody knows is a warning with the nearest one; envdrift's own keys are known
   in envdrift's own files.
3. Everything here is linear in the number of mappings and touches no file.
"""

import re
from collections.abc import Iterator
from collections.abc import Mapping as Readable
from datetime import timedelta
from typing import Any, NamedTuple

from vsync.errors import ConfigError, IntegrityError

OWN_PROVIDERS = ("s3", "file")
FOREIGN_PROVIDERS = ("azure", "aws", "hashicorp", "gcp")
"""Providers of envdrift, whose mappings are files that git keeps encrypted: not ours."""

DEFAULT_WORKERS = 8
MAX_WORKERS = 256
MAX_WARNINGS = 20
_MAX_SHOWN_KEY = 60  # characters

_DURATION = re.compile(r"([1-9][0-9]{0,4})([hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_CREDENTIALS = re.compile(r"//[^/?#]*@")

ROOT = ""
SYNC = "vault.sync"
MAPPINGS = "vault.sync.mappings"
RULES = "vault.schema"
MAPPING_KEYS = frozenset(
    {
        "secret_name",
        "folder_path",
        "environment",
        "env_file",
        "profile",
        "activate_to",
        "template",
        "required",
    }
)
S3_KEYS = ("endpoint_url", "region", "bucket", "prefix", "profile", "aws_profile")
OWN_KEYS = {
    ROOT: frozenset({"vault", "guard"}),
    "vault": frozenset({"provider", "repo", "s3", "sync", "lock", "schema"}),
    "vault.s3": frozenset(S3_KEYS),
    SYNC: frozenset({"max_workers", "max_age", "rotate_after", "mappings"}),
    MAPPINGS: MAPPING_KEYS,
    "vault.lock": frozenset({"names"}),
    RULES: frozenset({"type", "required", "allowed", "pattern", "environments"}),
    "guard": frozenset({"public", "allow"}),
}
_ENVDRIFT_KEYS = {
    # In pyproject.toml, what is [envdrift] elsewhere stands in [tool.envdrift] itself.
    ROOT: {
        *("envdrift", "validation", "encryption", "partial_encryption", "precommit", "git_hook_check"),
        *("guardian", "schema", "environments", "env_file_pattern"),
    },
    "vault": {"mappings", *FOREIGN_PROVIDERS},
    SYNC: {"default_vault_name", "env_keys_filename", "ephemeral_keys"},
    MAPPINGS: {"vault_name", "ephemeral_keys"},
    "guard": {
        *("scanners", "auto_install", "include_history", "check_entropy", "entropy_threshold"),
        *("fail_on_severity", "skip_clear_files", "skip_encrypted_files", "skip_duplicate"),
        *("skip_gitignored", "ignore_paths", "ignore_rules", "verify_secrets"),
    },
}


class S3Routing(NamedTuple):
    """`[vault.s3]`: where the store is, without any secret; a binding on this machine wins."""

    endpoint_url: str | None = None
    region: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    profile: str | None = None
    aws_profile: str | None = None


class Table(NamedTuple):
    """One TOML table and what messages call it; every getter raises ConfigError."""

    values: Readable[str, Any]
    shown: str

    def wrong(self, key: str, problem: str, *, hint: str | None = None) -> ConfigError:
        """Return the error about one key of this table."""
        return ConfigError(f"{self.where(key)}: {problem}", hint=hint)

    def where(self, key: str) -> str:
        """Name file, table and key."""
        return f"{self.shown} {key}"

    def text(self, key: str) -> str | None:
        """Return a text of one line, or None where it is absent or empty."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.wrong(key, "must be text", hint=f'{key} = "…"')
        if not value.isprintable():
            raise self.wrong(key, "has a control or invisible character")
        return value or None

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false", hint=f"{key} = {str(default).lower()}")
        return value

    def integer(self, key: str, *, default: int, high: int) -> int:
        """Return a whole number from 1 to `high`."""
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= high:
            raise self.wrong(key, f"must be a whole number from 1 to {high}", hint=f"{key} = {default}")
        return value

    def duration(self, key: str) -> timedelta | None:
        """Return hours, days or weeks: `12h`, `90d`, `4w`."""
        text = self.text(key)
        if text is None:
            return None
        found = _DURATION.fullmatch(text)
        if found is None:
            raise self.wrong(key, "must be a number of hours, days or weeks", hint=f'{key} = "90d"')
        return int(found[1]) * _UNITS[found[2]]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return an array of texts of one line, none of them empty."""
        values = self.values.get(key, [])
        if not isinstance(values, list) or not all(
            isinstance(value, str) and value and value.isprintable() for value in values
        ):
            raise self.wrong(key, "must be an array of texts", hint=f'{key} = ["…"]')
        return tuple(values)


class Document:
    """The tables of one file, and the warnings that reading them gave.

    `file` is what messages call it; `prefix` stands before each table's name, `tool.vsync.`
    in pyproject.toml. `envdrift` says whether that tool's keys are at home here.
    """

    def __init__(self, values: Readable[str, Any], file: str, *, prefix: str, envdrift: bool) -> None:
        self._file = file
        self._prefix = prefix
        self._warnings: list[str] = []
        self._known = {
            name: keys | _ENVDRIFT_KEYS.get(name, set()) if envdrift else keys
            for name, keys in OWN_KEYS.items()
        }
        self._root = Table(values, file)
        self._note_unknown(ROOT, self._root)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell the user once, a bounded number of lines."""
        more = len(self._warnings) - MAX_WARNINGS
        cut = (f"{self._file} has {more} more unknown keys",) if more > 0 else ()
        return (*self._warnings[:MAX_WARNINGS], *cut)

    def table(self, name: str) -> Table:
        """Return a table by its dotted name, empty when it is absent."""
        table = self._found(name)
        self._note_unknown(name, table)
        return table

    def _found(self, name: str) -> Table:
        values: Readable[str, Any] = self._root.values
        reached: list[str] = []
        for part in name.split("."):
            reached.append(part)
            found = values.get(part, {})
            if not isinstance(found, dict):
                raise ConfigError(f"{self._shown('.'.join(reached))}: must be a table")
            values = found
        return Table(values, self._shown(name))

    def mappings(self) -> Iterator[Table]:
        """Give the mapping tables in order, called by their number from 1."""
        rows = self.table(SYNC).values.get("mappings", [])
        shown = f"{self._file}: [[{self._prefix}{MAPPINGS}]]"
        if not isinstance(rows, list):
            raise ConfigError(f"{shown}: must be an array of tables")
        known = self._known[MAPPINGS]
        for number, row in enumerate(rows, 1):
            table = Table(row, f"{shown} #{number}")
            if not isinstance(row, dict):
                raise ConfigError(f"{table.shown}: must be a table")
            if not row.keys() <= known:
                self._note_unknown(MAPPINGS, table)
            yield table

    def rules(self) -> Iterator[tuple[str, Table]]:
        """Give the tables of `[vault.schema]` in order, each with the variable it is about."""
        for variable, row in self._found(RULES).values.items():
            table = Table(row, self._shown(f"{RULES}.{variable[:_MAX_SHOWN_KEY]}"))
            if not isinstance(row, dict):
                raise ConfigError(
                    f"{table.shown}: must be a table",
                    hint=f'[{self._prefix}{RULES}]: NAME = {{ type = "url" }}',
                )
            self._note_unknown(RULES, table)
            yield variable, table

    def _shown(self, name: str) -> str:
        return f"{self._file}: [{self._prefix}{name}]"

    def _note_unknown(self, name: str, table: Table) -> None:
        known = self._known[name]
        for key in table.values:
            if key not in known:
                # Beyond the limit they are only counted: looking for the nearest is slow.
                full = len(self._warnings) >= MAX_WARNINGS
                self._warnings.append("" if full else f"{table.shown} has an unknown key {_near(key, known)}")


def _near(key: str, known: frozenset[str]) -> str:
    shown = repr(key[:_MAX_SHOWN_KEY])
    near = nearest(key[:_MAX_SHOWN_KEY], known)
    return f"{shown}; did you mean {near!r}?" if near else shown


def nearest(word: str, known: frozenset[str] | tuple[str, ...]) -> str | None:
    """Return the known word that is most like this one, or None when none is."""
    # difflib costs as much as reading a small file, and is needed for slips only.
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, sorted(known), n=1)), None)


def provider_of(vault: Table) -> str:
    """Return `s3`, `file` or one of envdrift's; ConfigError for any other."""
    provider = vault.text("provider") or "s3"
    if provider not in OWN_PROVIDERS + FOREIGN_PROVIDERS:
        raise vault.wrong("provider", "is not a provider", hint='provider = "s3", or "file"')
    return provider


def s3_routing(table: Table) -> S3Routing:
    """Read `[vault.s3]`; a URL with credentials in it and a harmful prefix are refused."""
    found = {key: table.text(key) for key in S3_KEYS}
    if _CREDENTIALS.search(found["endpoint_url"] or ""):
        raise table.wrong(
            "endpoint_url",
            "holds credentials",
            hint="take them out and replace them, they were written down; then: git vsync profile add",
        )
    if found["prefix"]:
        _check_prefix(table, found["prefix"])
    return S3Routing(**found)


def _check_prefix(table: Table, prefix: str) -> None:
    # Most files leave the prefix out, and need nothing that reads bindings.
    from vsync.formats.binding import check_prefix

    try:
        # As in a profile, `{repo}` stands for the repository's part of the secret name.
        check_prefix(prefix.replace("{repo}", "repo"))
    except IntegrityError as error:
        raise table.wrong("prefix", "cannot be a prefix in a store", hint=error.hint) from error
