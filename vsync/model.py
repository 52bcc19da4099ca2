"""Frozen values that several layers share; nothing here reads or writes anything."""

from collections.abc import Mapping as Readable
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from vsync.errors import VsyncError

Json = Any
"""A value that `json.dumps` takes."""


class SecretName(NamedTuple):
    """Identity of a vault, `<repo>/<name>`: keychain account, configuration path, store prefix.

    Parsed and checked by `config.parse_secret_name`; equal texts are equal names.
    """

    repo: str
    name: str

    def __str__(self) -> str:
        return f"{self.repo}/{self.name}"


class Mapping(NamedTuple):
    """One committed entry that ties a folder, an environment and a secret name together.

    `folder`, `activate_to` and `template` are relative to the repository's top, `/` between
    parts. `profile` set means: selected only with `--profile`.
    """

    secret: SecretName
    folder: str
    environment: str
    env_file: str
    profile: str | None = None
    activate_to: str | None = None
    template: str | None = None
    required: tuple[str, ...] = ()


class Kind(StrEnum):
    """What `type` of `[vault.schema]` may say."""

    URL = "url"
    INT = "int"
    BOOL = "bool"
    PORT = "port"
    EMAIL = "email"
    REGEX = "regex"


class Rule(NamedTuple):
    """What `[vault.schema]` says one variable must be; `where` is what messages call the rule's table.

    `environments` empty means: in all of them. `pattern` is there exactly for `Kind.REGEX`.
    """

    variable: str
    kind: Kind | None = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    pattern: str | None = None
    environments: tuple[str, ...] = ()
    where: str = ""


class Finding(NamedTuple):
    """One thing that `verify` found (product contract §5).

    `id` is stable: scripts, SARIF and allowances go by it. `found` says what is, `wanted` what
    should be, both in names and never in values; `fix` is the command that repairs it. `path` is
    the committed file it is about, from the repository's top, `subject` the variable or file where
    there may be several. A notice is worth knowing, and no drift.
    """

    id: str
    vault: str | None
    found: str
    wanted: str
    fix: str
    path: str
    notice: bool = False
    subject: str = ""


class Result(NamedTuple):
    """What one verb did for one vault.

    `state` is a stable word for scripts, `summary` one line for people, `details` further
    lines (names, never values), `data` what `--json` adds. `code` is 0, 1 for a finding, 11 for
    work that was done and left something to decide (a merge with conflicts), or 12 for a look
    that could be only half of one, for want of a key. `findings` are those of `verify`.
    """

    vault: str | None
    state: str
    summary: str
    details: tuple[str, ...] = ()
    data: Readable[str, Json] = MappingProxyType({})
    code: int = 0
    findings: tuple[Finding, ...] = ()


class Failure(NamedTuple):
    """A vault for which the verb could not do its work."""

    vault: str
    error: VsyncError


class Report(NamedTuple):
    """The answer of a verb: one result or failure a vault, in the order of the mappings.

    `untried` are the vaults after one that stopped the verb.
    """

    verb: str
    results: tuple[Result, ...] = ()
    failures: tuple[Failure, ...] = ()
    untried: tuple[str, ...] = ()
