"""What the guard finds, and the names of its rules."""

from __future__ import annotations

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable

VAULT_PATH = "vault-path"
ENV_PLAINTEXT = "env-plaintext"
ENV_KEYS = "env-keys"
SHARE = "share"
KEYTREE = "keytree"
PRIVATE_KEY = "private-key"
CONFLICT_MARKER = "conflict-marker"
VAULT_VALUE = "vault-value"

MESSAGES = {
    VAULT_PATH: "this path belongs to a vault",
    ENV_PLAINTEXT: "a value in an env file that is not encrypted",
    ENV_KEYS: "private keys of dotenvx",
    SHARE: "a share holds both halves of a vault",
    KEYTREE: "a keytree holds both halves of several vaults",
    PRIVATE_KEY: "a private key",
    CONFLICT_MARKER: "a conflict marker inside an encrypted file",
    VAULT_VALUE: "a value of a vault of this repository",
}
RULES = tuple(MESSAGES)
ALLOW = b"vsync:allow"
STOOD_THERE = "it stood in the tracked tree when the hooks were installed"
MOST_PER_FILE = 100
"""Findings of one rule that are named in one file; more say nothing new. What is allowed counts apart."""


class Finding:
    """One place that must not get into git; never holds the value itself.

    `line` counts from 1 and is 0 where the whole file is meant; `name` is the variable,
    `vault` the folder it stands in; `reason` is set when it was allowed, `commit` when it
    is already in one.
    """

    __slots__ = ("commit", "line", "name", "path", "reason", "rule", "vault")

    def __init__(self, path: bytes, line: int, rule: str, name: str = "", vault: str = "") -> None:
        self.path = path
        self.line = line
        self.rule = rule
        self.name = name
        self.vault = vault
        self.commit = b""
        self.reason = ""

    def at_all(self, places: list[tuple[bytes, bytes, bool]]) -> list[Finding]:
        """Return the same finding in all places, path and commit, that have the same content.

        What is wrong with env files concerns only those places that are one.
        """
        fitting = [place for place in places if place[2] or self.rule != ENV_PLAINTEXT]
        return [self._at(path, commit) for path, commit, _ in fitting]

    def _at(self, path: bytes, commit: bytes) -> Finding:
        twin = Finding(path, self.line, self.rule, self.name, self.vault)
        twin.reason = self.reason
        twin.commit = commit
        return twin

    @property
    def shown_name(self) -> str:
        """The name, empty where it may be a piece of a value: such a line has no name to show."""
        from vsync.guard.names import is_name

        files = self.name.split("/") if self.rule == VAULT_VALUE else [self.name]
        return self.name if all(is_name(part.removeprefix(".")) for part in files) else ""

    @property
    def message(self) -> str:
        """One line for people."""
        name = self.shown_name or (f"line {self.line}" if self.name and self.line and not self.vault else "")
        named = f": {name}" if name else ""
        vault = f" of {self.vault}" if self.vault else ""
        return f"{MESSAGES[self.rule]}{named}{vault}"


def findings_at(data: bytes, places: Iterable[tuple[int, tuple[str, str]]], rule: str) -> list[Finding]:
    """Return a finding for each line and owner (vault and name) of these offsets, which are sorted.

    One is allowed when its line says so. Of each owner the first MOST_PER_FILE are named, both of
    those that are allowed and of all others: no number of allowed ones hides another.
    """
    found: dict[tuple[int, tuple[str, str]], Finding] = {}
    counts: dict[tuple[tuple[str, str], bool], int] = {}
    line, start, stop, is_allowed = 1, 0, -1, False
    for position, owner in places:
        if position > stop:
            line += data.count(b"\n", start, position)
            start = data.rfind(b"\n", 0, position) + 1
            stop = data.find(b"\n", position)
            stop = len(data) if stop < 0 else stop
            is_allowed = data.find(ALLOW, start, stop) >= 0
        count = counts.get((owner, is_allowed), 0)
        if count < MOST_PER_FILE and (line, owner) not in found:
            counts[owner, is_allowed] = count + 1
            found[line, owner] = Finding(b"", line, rule, owner[1], owner[0])
            found[line, owner].reason = "allowed on the line" if is_allowed else ""
    return list(found.values())
