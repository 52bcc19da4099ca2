"""Entries → findings: every path once, every blob once however many paths have it."""

from vsync.guard.blobs import Blob, read_blobs
from vsync.guard.content import as_bytes, judge_content
from vsync.guard.entries import Entry, Listing
from vsync.guard.paths import judge_path
from vsync.guard.rules import Rules
from vsync.guard.values import Values

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from vsync.guard.findings import Finding

_OVERLAP = 64 * 1024  # bytes that two pieces of one file share, so that nothing hides between them


Judged = frozenset[tuple[bytes, bool]]
NOTHING: Judged = frozenset()
"""Blobs that were found clean, each with whether it was judged as an env file."""

Wanted = dict[bytes, list[tuple[bytes, bytes, bool]]]
"""Blobs, each with its places: path, commit, and whether it is an env file there."""


class Outcome:
    """What a look brought: findings that stop, findings that were allowed, and how much was read."""

    __slots__ = ("allowed", "blobs", "bytes", "clean", "commits", "findings", "left_out", "paths")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.allowed: list[Finding] = []
        self.left_out: list[bytes] = []
        self.clean: list[tuple[bytes, bool]] = []
        self.commits = 0
        self.paths = 0
        self.blobs = 0
        self.bytes = 0

    def take(self, found: "list[Finding]", rules: Rules) -> None:
        """Sort findings into those that stop and those that somebody allowed."""
        if not found:
            return
        from vsync.guard.allowances import allowance

        for finding in found:
            finding.reason = finding.reason or allowance(rules, finding.path, finding.rule)
            (self.allowed if finding.reason else self.findings).append(finding)


def scan(listing: Listing, rules: Rules, values: Values, objects: str) -> Outcome:
    """Judge every entry; `objects` is where blobs that were just added lie."""
    outcome, wanted = judge_paths(listing, rules)
    judge_blobs(outcome, wanted, rules, values, objects)
    return outcome


def judge_paths(listing: Listing, rules: Rules, judged: Judged = NOTHING) -> tuple[Outcome, Wanted]:
    """Judge every path; returns what it brought, and the blobs that are still to be judged.

    Blobs in `judged` were found clean before and are not read again.
    """
    outcome = Outcome()
    outcome.left_out = listing.left_out
    outcome.paths = len(listing.entries)
    wanted: Wanted = {}
    paths: dict[bytes, tuple[bool, bool]] = {}
    for entry in listing.entries:
        if entry.path not in paths:
            paths[entry.path] = _judge_path(outcome, entry, rules)
        stops, is_env = paths[entry.path]
        # What must not be committed at all need not be described as well.
        if not stops and (entry.blob, is_env) not in judged:
            wanted.setdefault(entry.blob, []).append((entry.path, entry.commit, is_env))
    return outcome, wanted


def judge_blobs(outcome: Outcome, wanted: Wanted, rules: Rules, values: Values, objects: str) -> None:
    """Judge every blob once, however many paths have it."""
    found: dict[bytes, list[Finding]] = {}
    for blob_id, blob in read_blobs(list(wanted), objects):
        outcome.blobs += 1
        outcome.bytes += blob.size
        is_env = any(is_env for *_, is_env in wanted[blob_id])
        found[blob_id] = judge_blob(blob, values, is_env=is_env)
        if not found[blob_id]:
            outcome.clean.append((blob_id, is_env))
    for blob_id, places in wanted.items():
        for finding in found[blob_id]:
            outcome.take(finding.at_all(places), rules)


def _judge_path(outcome: Outcome, entry: Entry, rules: Rules) -> tuple[bool, bool]:
    """Judge a path once, however many commits have it; returns whether it stops, and is an env file."""
    found, is_env = judge_path(entry.path, rules.folders)
    for finding in found:
        finding.commit = entry.commit
    before = len(outcome.findings)
    outcome.take(found, rules)
    return len(outcome.findings) > before, is_env


def judge_blob(blob: Blob, values: Values, *, is_env: bool) -> "list[Finding]":
    """Judge one blob, in pieces that overlap; each finding comes once."""
    found: dict[tuple[int, str, str, str], Finding] = {}
    tail, line = b"", 0
    for piece in blob.pieces():
        data = tail + piece
        for finding in _judge_piece(data, values, is_env=is_env):
            finding.line += line
            found.setdefault((finding.line, finding.rule, finding.name, finding.vault), finding)
        if len(data) <= _OVERLAP:
            continue
        # From the beginning of a line, so that no name is read from its middle.
        start = data.find(b"\n", len(data) - _OVERLAP) + 1
        tail = data[start or len(data) - _OVERLAP :]
        line += data.count(b"\n", 0, len(data) - len(tail))
    return list(found.values())


def _judge_piece(data: bytes, values: Values, *, is_env: bool) -> "list[Finding]":
    text = as_bytes(data)
    found = judge_content(text, is_env=is_env)
    if values:
        found += _values_in(text, values)
        if text is not data:
            # Not all that looks like UTF-16 is: a program has its strings in both kinds.
            found += _values_in(data, values)
    return found


def _values_in(data: bytes, values: Values) -> "list[Finding]":
    if values.multiline and b"\r\n" in data:
        data = data.replace(b"\r\n", b"\n")
    texts = [data]
    if b"%" in data or b"\\u" in data or b"\\/" in data:
        from vsync.guard.escapes import readings

        texts = readings(data)
    found: list[Finding] = []
    for text in texts:
        places = values.places(text)
        if places:
            from vsync.guard.findings import VAULT_VALUE, findings_at

            found += findings_at(text, places, VAULT_VALUE)
    return found
