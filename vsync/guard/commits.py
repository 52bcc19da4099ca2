"""What commits add: `git log --raw`, oldest first, each path and blob once."""

from vsync.guard.entries import GITLINK, GONE, Entry, Listing, refused
from vsync.guard.processes import Process

# Every word that the user's configuration could change is said: `git log` is no plumbing, but one
# process where plumbing needs two.
_LOG = (
    *("log", "-z", "--raw", "-r", "--root", "--reverse", "--no-renames", "--no-abbrev", "--no-ext-diff"),
    *("--no-show-signature", "--no-notes", "--no-color", "--no-follow", "--format=tformat:%H"),
    # Of a merge only what is in none of its parents: the rest is in their own commits.
    "-c",
)


def start_log(revisions: tuple[str, ...]) -> Process:
    """Start git on the commits of these revisions."""
    return Process((*_LOG, *revisions))


def added_by(log: Process) -> tuple[Listing, int]:
    """Return what the commits add, and how many they are; CannotLook when git refuses."""
    said = log.answer()
    if said is None:
        raise refused("log")
    listing = Listing()
    seen: set[tuple[bytes, bytes]] = set()
    commit, commits = b"", 0
    fields = iter(said.split(b"\0"))
    for said_next in fields:
        # The first entry of a commit has a line feed before it.
        field = said_next.strip(b"\n")
        if not field.startswith(b":"):
            commit = field or commit
            commits += bool(field)
            continue
        path = next(fields)
        parents = len(field) - len(field.lstrip(b":"))
        words = field[parents:].split(b" ")
        mode, blob = words[parents], words[2 * parents + 1]
        if mode not in (GONE, GITLINK) and (path, blob) not in seen:
            seen.add((path, blob))
            listing.entries.append(Entry(path, blob, commit))
    return listing, commits


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
