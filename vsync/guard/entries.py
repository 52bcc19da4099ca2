"""What git has for us to look at: paths with their blobs, from plumbing and always with `-z`."""

from vsync.guard.errors import CannotLook
from vsync.guard.processes import CONFIG_ENDS, INDEX, Process

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
    """What there is to look at; `left_out` names what git cannot commit yet either.

    `configs` has the configuration files that change on the way, in the form of `ls-files -s -z`: those
    before a change, and of commits those behind it as well.
    """

    __slots__ = ("configs", "entries", "left_out")

    def __init__(self) -> None:
        self.configs = b""
        self.entries: list[Entry] = []
        self.left_out: list[bytes] = []


def staged(process: Process) -> Listing:
    """Read a `diff-index`; in a repository without a commit everything in the index is new."""
    said = process.answer()
    if said is not None:
        listing = Listing()
        take_raw(said, listing)
        listing.configs = configs_before(said)
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


def configs_before(said: bytes) -> bytes:
    """Return the configuration files as they were before the changes that git names in its raw format."""
    if not any(end in said for end in CONFIG_ENDS):
        return b""
    found, fields = [], said.split(b"\0")
    for number in range(0, len(fields) - 1, 2):
        path = fields[number + 1]
        if is_config(path):
            mode, _, blob, *_ = fields[number].split(b" ")
            found.append(config_line(mode[1:], blob, path))
    return b"".join(found)


def is_config(path: bytes) -> bool:
    """Tell whether a path has the name of a configuration file."""
    return path.rpartition(b"/")[2] + b"\0" in CONFIG_ENDS


def config_line(mode: bytes, blob: bytes, path: bytes) -> bytes:
    """Return a configuration file in the form of `ls-files -s -z`, nothing where there is none."""
    return b"" if mode == GONE else b"%s %s 0\t%s\0" % (mode, blob, path)


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
