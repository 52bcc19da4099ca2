"""Configuration files that are links in git: followed inside the same index or tree, or refused.

The other verbs follow such a link in the work tree. A guard that passed over it would know of no vault.
"""

from __future__ import annotations

from vsync.guard.blobs import read_blobs
from vsync.guard.entries import GITLINK
from vsync.guard.errors import CannotLook
from vsync.guard.report import shown

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable

LINK = b"120000"
_MOST_LINKS = 40
_LONGEST = 4096  # bytes of a link

Files = dict[bytes, tuple[bytes, bytes]]
"""Path → mode and blob."""


def followed(listed: bytes, everything: Callable[[], bytes], *, strict: bool) -> bytes:
    """Return configuration files with what links lead to in their place, each as said by `ls-files -s -z`.

    `everything` gives all files that lie beside them in the same form. A link that leads to no file is
    an error (2) where that is `strict`, and left out where it stood in an older commit.
    """
    found: list[bytes] = []
    files: Files | None = None
    for line in listed.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, _, stage = head.split(b" ")
        if mode not in (LINK, GITLINK):
            found.append(line)
            continue
        if files is None:
            files = _files(everything())
        end = _end_of(path, files) if mode == LINK else None
        if end is not None:
            blob = files[end][1]
            folder, name = end.rpartition(b"/")[0], path.rpartition(b"/")[2]
            # Its paths are meant from where the link is, or from where it leads: both count.
            places = dict.fromkeys((path, folder + b"/" + name if folder else name))
            found += [b"100644 %s %s\t%s" % (blob, stage, place) for place in places]
        elif strict:
            raise CannotLook(
                f"{shown(path)} is a link that leads to no file in git, so nobody knows what is a vault",
                hint="put a file in its place, and git add it",
                code=2,
            )
    return b"".join(line + b"\0" for line in found)


def _files(said: bytes) -> Files:
    found: Files = {}
    for line in said.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, blob, _ = head.split(b" ")
        found[path] = (mode, blob)
    return found


def _end_of(path: bytes, files: Files) -> bytes | None:
    """Return the path of the file that a link leads to, None when there is none in the repository."""
    waiting, reached, hops = path.split(b"/"), list[bytes](), 0
    while waiting:
        part = waiting.pop(0)
        if part in (b"", b"."):
            continue
        if part == b"..":
            if not reached:
                return None
            reached.pop()
            continue
        mode, blob = files.get(b"/".join([*reached, part]), (b"", b""))
        if mode != LINK:
            reached.append(part)
            continue
        hops += 1
        target = _said_by(blob)
        if hops > _MOST_LINKS or not target or target.startswith(b"/"):
            return None
        waiting = target.split(b"/") + waiting
    end = b"/".join(reached)
    return end if files.get(end, (b"", b""))[0].startswith(b"100") else None


def _said_by(blob: bytes) -> bytes:
    found = b""
    for _, content in read_blobs([blob], ""):
        found = b"".join(content.pieces())
    return found if len(found) <= _LONGEST else b""
