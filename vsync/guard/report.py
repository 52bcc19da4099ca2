"""What the guard says: text for people, JSON for programs; never a value, nothing a terminal obeys."""

from __future__ import annotations

from vsync.guard.findings import (
    ENV_KEYS,
    ENV_PLAINTEXT,
    KEYTREE,
    PRIVATE_KEY,
    SHARE,
    VAULT_PATH,
    VAULT_VALUE,
    Finding,
)
from vsync.guard.scan import Outcome

_UNSTAGE = "git restore --staged -- PATH"
_UNSTAGE_FIRST = "git rm --cached -- PATH"  # before the first commit there is nothing to restore from
_HINTS = {
    VAULT_PATH: f"take it out again: {_UNSTAGE}; git vsync push keeps vaults",
    ENV_PLAINTEXT: f"keep it in a vault: git vsync init ENV --from PATH, after {_UNSTAGE}",
    ENV_KEYS: f"take it out again: {_UNSTAGE}, and git ignore it",
    SHARE: f"take it out again: {_UNSTAGE}; a share goes from person to person",
    KEYTREE: f"take it out again: {_UNSTAGE}",
    VAULT_VALUE: "take the value out of the file and read it from the environment; "
    "a name that is no secret goes into [guard] public",
    PRIVATE_KEY: f"move it into a vault folder, after {_UNSTAGE}",
}
_IF_MEANT = "meant to be public? `# vsync:allow` on the line, or [[guard.allow]] in vsync.toml"


def shown(path: bytes) -> str:
    """Return one line that a terminal shows as it is (attack 92)."""
    return harmless(path.decode("utf-8", "backslashreplace"))


def harmless(text: str) -> str:
    """Escape what a terminal would obey: control, direction-changing and invisible characters."""
    if text.isascii() and text.isprintable():
        return text
    import unicodedata

    hidden = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in hidden else char
        for char in text
    )


def to_text(outcome: Outcome, mode: str, *, quiet: bool) -> list[str]:
    """Return the lines for stdout: findings, what was allowed, and a summary unless quiet."""
    lines = [_line(finding) for finding in outcome.findings]
    lines += [f"{_line(finding)} (allowed: {harmless(finding.reason)})" for finding in outcome.allowed]
    lines += [f"{shown(path)}: not looked at: it is in conflict" for path in sorted(set(outcome.left_out))]
    return lines if quiet and not outcome.findings else [*lines, f"vsync: guard: {_summary(outcome, mode)}"]


def _line(finding: Finding) -> str:
    commit = f"{finding.commit[:12].decode()}:" if finding.commit else ""
    line = f":{finding.line}" if finding.line else ""
    return f"{commit}{shown(finding.path)}{line}: {finding.rule}: {harmless(finding.message)}"


def _summary(outcome: Outcome, mode: str) -> str:
    if outcome.commits and not outcome.paths:
        return f"{_count(outcome.commits, 'commit')} scanned, none adds a file"
    if not outcome.paths:
        return "nothing is staged, nothing was scanned" if mode == "staged" else "nothing was scanned"
    commits = f" of {_count(outcome.commits, 'commit')}" if outcome.commits else ""
    scanned = f"{_count(outcome.paths, 'path')}{commits} scanned"
    allowed = f", {len(outcome.allowed)} allowed" if outcome.allowed else ""
    if not outcome.findings:
        return f"{scanned}, nothing found{allowed}"
    where = len({finding.path for finding in outcome.findings})
    return f"{_count(len(outcome.findings), 'finding')} in {_count(where, 'path')}; {scanned}{allowed}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def hints(outcome: Outcome, *, first: bool = False) -> list[str]:
    """Return what to type next, one line a rule that was broken; `first`: there is no commit yet."""
    rules = dict.fromkeys(finding.rule for finding in outcome.findings)
    lines = [_HINTS[rule] for rule in rules if rule in _HINTS]
    if first:
        lines = [line.replace(_UNSTAGE, _UNSTAGE_FIRST) for line in lines]
    return [f"vsync: hint: {line}" for line in (*lines, *((_IF_MEANT,) if rules else ()))]


def to_json(outcome: Outcome, mode: str) -> str:
    """Return the one document of `--format json`, in ASCII."""
    import json

    document = {
        "version": 1,
        "verb": "guard",
        "exit_code": 1 if outcome.findings else 0,
        "mode": mode,
        "scanned": {
            "commits": outcome.commits,
            "paths": outcome.paths,
            "blobs": outcome.blobs,
            "bytes": outcome.bytes,
        },
        "findings": [_row(finding) for finding in outcome.findings],
        "allowed": [{**_row(finding), "reason": finding.reason} for finding in outcome.allowed],
        "left_out": [shown(path) for path in outcome.left_out],
    }
    return json.dumps(document)


def _row(finding: Finding) -> dict[str, object]:
    return {
        "path": shown(finding.path),
        "line": finding.line or None,
        "rule": finding.rule,
        "name": harmless(finding.shown_name) or None,
        "vault": harmless(finding.vault) or None,
        "commit": finding.commit.decode() or None,
        "message": harmless(finding.message),
    }


def error_json(message: str, hint: str, code: int) -> str:
    """Return the document of `--format json` for a guard that could not look."""
    import json

    error = {"code": code, "message": message, "hint": hint or None}
    return json.dumps({"version": 1, "verb": "guard", "exit_code": code, "findings": [], "errors": [error]})
