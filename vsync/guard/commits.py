"""What commits add: `rev-list | diff-tree --stdin`, oldest first, each path and blob once."""

from __future__ import annotations

from vsync.guard.entries import GITLINK, GONE, Entry, Listing, refused
from vsync.guard.processes import Process

_TREES = (
    *("diff-tree", "--stdin", "--raw", "-z", "-r", "--root", "--no-renames", "--no-abbrev", "--no-ext-diff"),
    # Of a merge only what is in none of its parents: the rest is in their own commits.
    *("-c", "--always"),
)


def added_by(revisions: tuple[str, ...]) -> tuple[Listing, int]:
    """Return what the commits of a `rev-list` add, and how many they are; CannotLook when git refuses."""
    # First the answer of rev-list alone: it is empty for most updates of a branch.
    chosen = Process(("rev-list", "--reverse", *revisions)).answer()
    if chosen is None:
        raise refused("rev-list")
    listing = Listing()
    if not chosen:
        return listing, 0
    trees = Process(_TREES, talks=True)
    ids = chosen.split(b"\n")[:-1]
    seen: set[tuple[bytes, bytes]] = set()
    # One commit at a time is asked for while its answer is read: neither pipe can fill up.
    _take(trees.exchange(chosen), listing, seen)
    if trees.finish():
        raise refused("diff-tree")
    return listing, len(ids)


def _take(said: bytes, listing: Listing, seen: set[tuple[bytes, bytes]]) -> None:
    commit = b""
    fields = iter(said.split(b"\0"))
    for field in fields:
        if not field.startswith(b":"):
            commit = field
            continue
        path = next(fields)
        parents = len(field) - len(field.lstrip(b":"))
        words = field[parents:].split(b" ")
        mode, blob = words[parents], words[2 * parents + 1]
        if mode not in (GONE, GITLINK) and (path, blob) not in seen:
            seen.add((path, blob))
            listing.entries.append(Entry(path, blob, commit))


def configs_of(revision: str) -> bytes:
    """Return the configuration files of a commit in the form of `ls-files -s -z`, where there is no index."""
    from vsync.guard.processes import CONFIG_NAMES

    said = Process(("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", revision)).answer()
    if said is None:
        raise refused("ls-tree")
    found = []
    for line in said.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        if path.rpartition(b"/")[2].decode("utf-8", "replace") in CONFIG_NAMES:
            mode, _, blob = head.split(b" ")
            found.append(b"%s %s 0\t%s\0" % (mode, blob, path))
    return b"".join(found)
