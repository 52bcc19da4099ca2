"""`guard FILE…`: the entries of the index that were named."""

from __future__ import annotations

import os

from vsync.guard.entries import Listing
from vsync.guard.errors import CannotLook
from vsync.guard.report import harmless


def only_named(listing: Listing, files: list[str], top: str | None) -> Listing:
    """Return those entries that are named or lie in a folder that is.

    CannotLook when git has none of one of the names: a file that was not looked at must not
    seem to have passed (attack 72).
    """
    names = {_from_top(name, top) for name in files}
    found = Listing()
    unseen = set(names)
    for entry in listing.entries:
        hits = _prefixes(entry.path) & names
        if hits:
            unseen -= hits
            found.entries.append(entry)
    for path in listing.left_out:
        hits = _prefixes(path) & names
        if hits:
            unseen -= hits
            found.left_out.append(path)
    if unseen:
        first = harmless(min(unseen).decode("utf-8", "backslashreplace"))
        more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
        raise CannotLook(
            f"nothing was scanned: the index has no {first!r}{more}",
            hint="git add it first, or check the name",
        )
    return found


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
