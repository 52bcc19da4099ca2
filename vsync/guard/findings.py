"""What the guard finds, and the names of its rules."""

from __future__ import annotations

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

    def at(self, path: bytes, commit: bytes) -> Finding:
        """Return the same finding in another place that has the same content."""
        twin = Finding(path, self.line, self.rule, self.name, self.vault)
        twin.reason = self.reason
        twin.commit = commit
        return twin

    @property
    def message(self) -> str:
        """One line for people."""
        named = f": {self.name}" if self.name else ""
        vault = f" of {self.vault}" if self.vault else ""
        return f"{MESSAGES[self.rule]}{named}{vault}"
