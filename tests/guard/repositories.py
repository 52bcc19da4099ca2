"""Real repositories for the guard's tests, and the real guard as git runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
GUARD = [sys.executable, "-I", "-S", str(ROOT / "vsync" / "guard" / "__main__.py")]
VSYNC_TOML = """\
[vault]
provider = "file"
repo = "myapp"

[[vault.sync.mappings]]
folder_path = "infra/vault/prod"
environment = "prod"
"""
_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
PRIVATE_KEY = "-----BEGIN {0} KEY-----\n{1}\n-----END {0} KEY-----\n".format("PRIVATE", _BODY)
"""Put together here, so that this file itself holds no header with a body."""


class Repository:
    """A repository with one mapped vault, and verbs that read like what a user types."""

    def __init__(self, top: Path, *words: str) -> None:
        self.top = top
        top.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", *words)

    def git(self, *words: str, stdin: bytes = b"", check: bool = True, **env: str) -> bytes:
        """Run git and return what it said; an error fails the test unless it is expected."""
        done = self.try_git(*words, stdin=stdin, **env)
        assert not check or done.returncode == 0, f"git {words}: {done.stderr.decode()}"
        return done.stdout

    def try_git(self, *words: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        """Run git and return how it ended."""
        return subprocess.run(
            ["git", *words],
            cwd=self.top,
            input=stdin,
            env={**os.environ, **env},
            capture_output=True,
            check=False,
        )

    def write(self, path: str | bytes, content: str | bytes) -> Path:
        """Write a file of the work tree."""
        target = Path(os.fsdecode(os.path.join(os.fsencode(self.top), os.fsencode(path))))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def stage(self, path: str | bytes, content: str | bytes) -> None:
        """Write a file and add it, ignored or not."""
        self.write(path, content)
        self.git("add", "-f", "--", os.fsdecode(path))

    def commit(self, *words: str) -> None:
        """Commit what is staged, past every hook."""
        self.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "--allow-empty", "-m", "change", *words)

    def map_vault(self, extra: str = "") -> None:
        """Commit a configuration with one vault, infra/vault/prod."""
        self.stage("vsync.toml", VSYNC_TOML + extra)
        self.commit()

    def guard(self, *words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the guard as a hook does, and as text."""
        return subprocess.run(
            [*GUARD, *words],
            cwd=cwd or self.top,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    def found(self, *words: str, **env: str) -> list[tuple[str, int | None, str, str | None]]:
        """Return (path, line, rule, name) of every finding, sorted; anything but 0 and 1 fails."""
        return rows(self.answer(*words, **env)["findings"])

    def answer(self, *words: str, **env: str) -> dict[str, Any]:
        """Return the guard's JSON document."""
        done = self.guard("--json", *words, cwd=self.top, **env)
        assert done.returncode in (0, 1), done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert document["exit_code"] == done.returncode == bool(document["findings"])
        return document


def rows(findings: list[dict[str, Any]]) -> list[tuple[str, int | None, str, str | None]]:
    """Return findings as sorted tuples."""
    found = [(one["path"], one["line"], one["rule"], one["name"]) for one in findings]
    return sorted(found, key=lambda row: (row[0], row[1] or 0, row[2], row[3] or ""))
