"""Entries → findings: every path once, every blob once however many paths have it."""

from __future__ import annotations

from vsync.guard.blobs import BATCH, Blob, read_blobs
from vsync.guard.content import as_bytes, judge_content
from vsync.guard.entries import Listing
from vsync.guard.findings import Finding
from vsync.guard.paths import judge_path
from vsync.guard.processes import Process
from vsync.guard.rules import Rules, allowance

_OVERLAP = 64 * 1024  # bytes that two pieces of one file share, so that nothing hides between them


class Outcome:
    """What a look brought: findings that stop, findings that were allowed, and how much was read."""

    __slots__ = ("allowed", "blobs", "bytes", "findings", "left_out", "paths")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.allowed: list[Finding] = []
        self.left_out: list[bytes] = []
        self.paths = 0
        self.blobs = 0
        self.bytes = 0

    def take(self, found: list[Finding], rules: Rules) -> None:
        """Sort findings into those that stop and those that somebody allowed."""
        for finding in found:
            finding.reason = finding.reason or allowance(rules, finding.path, finding.rule)
            (self.allowed if finding.reason else self.findings).append(finding)


def scan(listing: Listing, rules: Rules, process: Process | None = None) -> Outcome:
    """Judge every entry; `process` is a `cat-file --batch` that was started while we waited."""
    outcome = Outcome()
    outcome.left_out = listing.left_out
    outcome.paths = len(listing.entries)
    wanted: dict[bytes, list[tuple[bytes, bytes, bool]]] = {}
    for entry in listing.entries:
        found, is_env = judge_path(entry.path, rules.folders)
        for finding in found:
            finding.commit = entry.commit
        outcome.take(found, rules)
        wanted.setdefault(entry.blob, []).append((entry.path, entry.commit, is_env))
    if not wanted:
        if process is not None:
            process.finish()
        return outcome
    process = process or Process(BATCH, talks=True)
    for blob_id, blob in read_blobs(process, list(wanted)):
        places = wanted[blob_id]
        outcome.blobs += 1
        outcome.bytes += blob.size
        for finding in judge_blob(blob, is_env=any(is_env for *_, is_env in places)):
            outcome.take(
                [finding.at(path, commit) for path, commit, is_env in places if fits(finding, is_env=is_env)],
                rules,
            )
    process.finish()
    return outcome


def fits(finding: Finding, *, is_env: bool) -> bool:
    """Tell whether a finding about a blob concerns a path of it: env rules are for env files."""
    return is_env or finding.rule != "env-plaintext"


def judge_blob(blob: Blob, *, is_env: bool) -> list[Finding]:
    """Judge one blob, in pieces that overlap; each finding comes once."""
    found: dict[tuple[int, str, str], Finding] = {}
    tail, line = b"", 0
    for piece in blob.pieces():
        data = tail + piece
        for finding in judge_content(as_bytes(data), is_env=is_env):
            finding.line += line
            found.setdefault((finding.line, finding.rule, finding.name), finding)
        if len(data) <= _OVERLAP:
            continue
        # From the beginning of a line, so that no name is read from its middle.
        start = data.find(b"\n", len(data) - _OVERLAP) + 1
        tail = data[start or len(data) - _OVERLAP :]
        line += data.count(b"\n", 0, len(data) - len(tail))
    return list(found.values())
