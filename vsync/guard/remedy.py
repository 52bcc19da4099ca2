"""`guard --fix-help`: what leaked, where it is, and what to type, in the order that helps.

It runs none of it: rewriting history is a decision, and a secret that was pushed is only
safe again once it is another one.
"""

from __future__ import annotations

import shlex

from vsync.guard.findings import Finding
from vsync.guard.processes import Process
from vsync.guard.report import harmless, shown
from vsync.guard.scan import Outcome

_MOST = 20


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
    paths = sorted({finding.path for finding in outcome.findings})
    lines += ["", "3. Take the files out of what is tracked:"]
    lines += [f"  git rm --cached -- {shlex.quote(shown(path))}" for path in paths[:_MOST]]
    lines += _cut(len(paths))
    lines += ["", *_history(paths, is_pushed=any(pushed.values()))]
    return lines


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


def _history(paths: list[bytes], *, is_pushed: bool) -> list[str]:
    words = " ".join(f"--path {shlex.quote(shown(path))}" for path in paths[:_MOST])
    if is_pushed:
        lines = [
            "4. It was pushed: whoever fetched has it. Out of the history as well, after telling everybody:"
        ]
    else:
        lines = ["4. It was not pushed: rewrite your own commits before anybody gets them."]
    lines += [
        "  git clone --mirror . ../before-the-cleaning.git",
        f"  git filter-repo --invert-paths {words}",
    ]
    if is_pushed:
        lines += ["  git push --force-with-lease --all && git push --force --tags", "  everybody clones anew"]
    return [*lines, "  git vsync guard --history"]


def _cut(number: int) -> list[str]:
    return [f"  … and {number - _MOST} more"] if number > _MOST else []
