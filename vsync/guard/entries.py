"""What git has for us to look at: paths with their blobs, from plumbing and always with `-z`."""

from vsync.guard.errors import CannotLook
from vsync.guard.processes import INDEX, Process

GITLINK = b"160000"
GONE = b"000000"


class Entry:
    """A path and the blob that git takes for it; `commit` where it is one of several."""

    __slots__ = ("blob", "commit", "path")

    def __init__(self, path: bytes, blob: bytes, commit: bytes = b"") -> None:
        self.path = path
        self.blob = blob
        self.commit = commit


class Listing:
    """What there is to look at; `left_out` names what git cannot commit yet either."""

    __slots__ = ("entries", "left_out")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.left_out: list[bytes] = []


def staged(process: Process) -> Listing:
    """Read a `diff-index`; in a repository without a commit everything in the index is new."""
    said = process.answer()
    if said is not None:
        listing = Listing()
        take_raw(said, listing)
        return listing
    head = Process(("rev-parse", "--quiet", "--verify", "HEAD"))
    if head.answer() is not None:
        raise refused("diff-index")
    return indexed()


def take_raw(said: bytes, listing: Listing, commit: bytes = b"") -> None:
    """Add the entries of git's raw format, `:mode mode id id letter NUL path NUL`."""
    fields = said.split(b"\0")
    for number in range(0, len(fields) - 1, 2):
        _, mode, _, blob, letter = fields[number].split(b" ")
        path = fields[number + 1]
        if letter == b"U":
            listing.left_out.append(path)
        elif mode not in (GONE, GITLINK):
            listing.entries.append(Entry(path, blob, commit))


def indexed() -> Listing:
    """Return everything in the index; CannotLook when git does not answer."""
    said = Process(INDEX).answer()
    if said is None:
        raise refused("ls-files")
    listing = Listing()
    for line in said.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, blob, stage = head.split(b" ")
        if stage != b"0":
            listing.left_out.append(path)
        elif mode != GITLINK:
            listing.entries.append(Entry(path, blob))
    return listing


def answered(process: Process, verb: str) -> bytes:
    """Return what git said; CannotLook when it failed."""
    said = process.answer()
    if said is None:
        raise refused(verb)
    return said


def refused(verb: str) -> CannotLook:
    """Return the error for a git that did not answer, in git's own words where they help."""
    said = Process(("rev-parse", "--git-dir")).answer()
    if said is None:
        return CannotLook(
            "git does not open this repository",
            hint="git status says why; a folder of somebody else must be a safe.directory",
        )
    return CannotLook(f"git {verb} failed", hint="git status and git fsck show what is wrong")
