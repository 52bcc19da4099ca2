"""`guard FILE…`: the entries of the index that were named."""

from __future__ import annotations

import os

from vsync.guard.entries import Listing
from vsync.guard.errors import CannotLook
from vsync.guard.report import harmless

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable


def only_named(listing: Listing, files: list[str], top: str | None) -> Listing:
    """Return those entries that are named or lie in a folder that is.

    CannotLook when git has none of one of the names, or has one in conflict: a file that was not
    looked at must not seem to have passed (attack 72).
    """
    names = {_from_top(name, top) for name in files}
    found = Listing()
    unseen = set(names)
    for entry in listing.entries:
        hits = _prefixes(entry.path) & names
        if hits:
            unseen -= hits
            found.entries.append(entry)
    torn = [path for path in listing.left_out if _prefixes(path) & names]
    if torn:
        raise CannotLook(
            f"nothing was scanned: {_listed(torn)} is in conflict", hint="resolve it, then git add it"
        )
    if unseen:
        raise CannotLook(
            f"nothing was scanned: the index has no {_listed(unseen)}",
            hint="git add it first, or check the name",
        )
    return found


def _listed(paths: Iterable[bytes]) -> str:
    found = sorted(set(paths))
    first = harmless(found[0].decode("utf-8", "backslashreplace"))
    return f"{first!r} and {len(found) - 1} more" if len(found) > 1 else repr(first)


def _from_top(name: str, top: str | None) -> bytes:
    """Return a name relative to the top of the work tree, as the index has it; empty for all."""
    path = os.path.normpath(name)
    if top is not None:
        here = os.path.realpath(os.getcwd())
        # Only the folder is resolved: a link that is named is looked at itself.
        absolute = os.path.normpath(os.path.join(here, path))
        if os.path.isabs(path):
            absolute = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        path = os.path.relpath(absolute, os.path.realpath(top))
    if path.startswith("../") or path == "..":
        raise CannotLook(f"{harmless(name)!r} lies outside the repository", hint="name files in it", code=2)
    return b"" if path == "." else os.fsencode(path)


def _prefixes(path: bytes) -> set[bytes]:
    found = {b"", path}
    end = path.find(b"/")
    while end > 0:
        found.add(path[:end])
        end = path.find(b"/", end + 1)
    return found
