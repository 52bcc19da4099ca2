"""What stood in the tracked tree when the hooks came: it is listed once, and passes from then on.

The commit that stood there at the first installation is remembered in the clear, by the clone. Only
its tree counts, whenever a vault arrives: what is merely staged, or was committed past the guard,
never becomes known by installing again. Of each vault it is asked once.
"""

from __future__ import annotations

from vsync.guard.choosing import made_of
from vsync.guard.entries import GITLINK, Entry, Listing
from vsync.guard.findings import STOOD_THERE, VAULT_VALUE, Finding
from vsync.guard.index import vaults_now
from vsync.guard.indexing import make_index, wanted_values
from vsync.guard.place import Place, first_line
from vsync.guard.processes import Process
from vsync.guard.rules import Rules, keep
from vsync.guard.scan import Outcome, scan
from vsync.guard.sealing import make_key
from vsync.guard.sources import digest_of, keep_memory, load_memory
from vsync.guard.spellings import spellings
from vsync.guard.system import exists
from vsync.guard.values import Values

_SINCE = "guard-since"

Wanted = list[tuple[str, str, str]]
"""Name, vault and value."""


def record(place: Place, rules: Rules, outcome: Outcome) -> None:
    """Let pass what stood there at the first installation; list what stands in HEAD beside it.

    Of values the outcome has then those two: the former as allowed, the latter as findings.
    """
    outcome.findings = [one for one in outcome.findings if one.rule != VAULT_VALUE]
    head = _head()
    if not exists(f"{place.shared}/{_SINCE}"):
        keep(place.shared, _SINCE, head.encode() + b"\n")
    since = first_line(f"{place.shared}/{_SINCE}")
    key = make_key()
    memory = load_memory(place, key)
    wanted = wanted_values(memory, rules)
    fresh = [row for row in wanted if row[1] not in memory.recorded]
    if key and fresh:
        stood = _standing(place, rules, fresh, since)
        memory.known |= {digest_of(finding.name) for finding in stood}
        memory.recorded |= {vault for _, vault, _ in fresh}
        keep_memory(place, key, memory)
        make_index(place, rules, vaults_now(place, rules))
        outcome.allowed += _named(stood, fresh, STOOD_THERE)
        wanted = wanted_values(memory, rules)
    outcome.findings += _named(_standing(place, rules, wanted, head), wanted, "")


def _head() -> str:
    """Return the commit that is checked out, empty where there is none yet."""
    said = Process(("rev-parse", "--quiet", "--verify", "HEAD^{commit}")).answer()
    return said.decode("ascii").strip() if said else ""


def _standing(place: Place, rules: Rules, wanted: Wanted, commit: str) -> list[Finding]:
    """Return where in a commit's tree these values stand; for a name each finding has the very value."""
    listing = _tree(commit)
    needles: dict[bytes, tuple[str, str]] = {}
    for _, vault, value in wanted:
        for spelling in spellings(value):
            needles.setdefault(spelling, (vault, value))
    if not listing.entries or not needles:
        return []
    found = scan(listing, rules, Values(made_of(needles), b""), place.objects)
    return [one for one in found.findings if one.rule == VAULT_VALUE]


def _tree(commit: str) -> Listing:
    listing = Listing()
    words = ("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit)
    # A commit that is gone since, after `git gc`, has nothing that stands there.
    said = Process(words).answer() if commit else None
    for line in (said or b"").split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, _, blob = head.split(b" ")
        if mode != GITLINK:
            listing.entries.append(Entry(path, blob))
    return listing


def _named(found: list[Finding], wanted: Wanted, reason: str) -> list[Finding]:
    """Put the name of the variable where the value was, before anybody sees it."""
    names: dict[tuple[str, str], str] = {}
    for name, vault, value in wanted:
        names.setdefault((vault, value), name)
    rows: dict[tuple[bytes, int, str, str], Finding] = {}
    for finding in found:
        finding.name = names[finding.vault, finding.name]
        finding.reason = reason
        rows.setdefault((finding.path, finding.line, finding.name, finding.vault), finding)
    return list(rows.values())
