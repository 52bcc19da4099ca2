"""`guard --fix-help`: what leaked, where it is, and what to type, in the order that helps.

It runs none of it: rewriting history is a decision, and a secret that was pushed is only
safe again once it is another one.
"""

from __future__ import annotations

import shlex

from vsync.guard.findings import PRIVATE_KEY, VAULT_VALUE, Finding
from vsync.guard.processes import Process
from vsync.guard.report import harmless, shown
from vsync.guard.scan import Outcome

_MOST = 20
_INSIDE = (VAULT_VALUE, PRIVATE_KEY)


def fix_help(outcome: Outcome) -> list[str]:
    """Return the way out, for what the history holds."""
    if not outcome.findings:
        return [f"vsync: guard: {outcome.commits} commits looked at, nothing leaked that the guard knows"]
    commits = list(dict.fromkeys(finding.commit.decode() for finding in outcome.findings))
    pushed = {commit: _remotes(commit) for commit in commits}
    lines = ["What leaked:"]
    lines += [f"  {_line(finding, pushed)}" for finding in outcome.findings]
    lines += [
        "",
        "1. Replace the secrets first; taking them out of the history does not make them secret again:",
    ]
    lines += [f"  {line}" for line in _what_to_replace(outcome.findings)]
    lines += ["", "2. Keep the new values in a vault, and publish it:", "  git vsync push"]
    # A file with a value in it is code that somebody needs: only the value goes.
    inside = {finding.path for finding in outcome.findings if finding.rule in _INSIDE}
    paths = sorted({finding.path for finding in outcome.findings if finding.rule not in _INSIDE})
    tracked = _tracked()
    lines += ["", "3. Take the files out of what is tracked, and the values out of the others:"]
    there = [path for path in paths if path in tracked]
    lines += [f"  git rm --cached -- {_typed(path)}" for path in there[:_MOST]] + _cut(len(there))
    edited = sorted((inside & tracked) - set(paths))
    lines += [f"  edit {_typed(path)}, then git add it" for path in edited[:_MOST]] + _cut(len(edited))
    lines += ["", *_history(paths, has_values=bool(inside - set(paths)), is_pushed=any(pushed.values()))]
    return lines


def _tracked() -> set[bytes]:
    return set((Process(("ls-files", "-z", "--full-name", "--", ":(top)")).answer() or b"").split(b"\0"))


def _typed(path: bytes) -> str:
    """Return a path as a shell takes it, whatever bytes are in it."""
    text = path.decode("utf-8", "surrogateescape")
    if text.isprintable():
        return shlex.quote(text)
    plain = frozenset(range(32, 127)) - frozenset(b"'\\")
    return "$'" + "".join(chr(byte) if byte in plain else f"\\x{byte:02x}" for byte in path) + "'"


def _line(finding: Finding, pushed: dict[str, str]) -> str:
    commit = finding.commit.decode()
    where = pushed[commit]
    line = f":{finding.line}" if finding.line else ""
    state = f"pushed, on {harmless(where)}" if where else "not pushed, as far as this clone knows"
    return (
        f"{commit[:12]}  {shown(finding.path)}{line}  {finding.rule}: {harmless(finding.message)} ({state})"
    )


def _remotes(commit: str) -> str:
    """Return the first remote-tracking branch that has the commit, empty when none has."""
    words = ("for-each-ref", "--count=1", "--format=%(refname:short)", "--contains", commit, "refs/remotes")
    said = Process(words).answer() or b""
    return said.decode("utf-8", "replace").strip()


def _what_to_replace(findings: list[Finding]) -> list[str]:
    wanted = dict.fromkeys(
        f"{finding.shown_name or shown(finding.path)}" + (f" of {finding.vault}" if finding.vault else "")
        for finding in findings
    )
    names = [harmless(name) for name in wanted]
    return [*names[:_MOST], *_cut(len(names))]


def _history(paths: list[bytes], *, has_values: bool, is_pushed: bool) -> list[str]:
    words = " ".join(f"--path {_typed(path)}" for path in paths[:_MOST])
    if is_pushed:
        lines = [
            "4. It was pushed: whoever fetched has it. Out of the history as well, after telling everybody:"
        ]
    else:
        lines = ["4. It was not pushed: rewrite your own commits before anybody gets them."]
    lines += [
        "  git clone --mirror . ../before-the-cleaning.git",
        *([f"  git filter-repo --force --invert-paths {words}"] if paths else []),
    ]
    if has_values:
        lines += [
            "  write each leaked value into ../leaked.txt, one a line; that file goes away afterwards",
            "  git filter-repo --force --replace-text ../leaked.txt",
        ]
    if is_pushed:
        lines += [
            "  git remote add origin URL    (git filter-repo takes it away)",
            "  git push --force --all origin && git push --force --tags origin",
            "  everybody clones anew",
        ]
    return [*lines, "  git vsync guard --history"]


def _cut(number: int) -> list[str]:
    return [f"  … and {number - _MOST} more"] if number > _MOST else []
