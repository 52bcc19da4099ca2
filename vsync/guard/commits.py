"""What commits add: `git log --raw`, oldest first, each path and blob once."""

from vsync.guard.entries import GITLINK, GONE, Entry, Listing, config_line, is_config, refused
from vsync.guard.processes import Process

# Every word that the user's configuration could change is said: `git log` is no plumbing, but one
# process where plumbing needs two.
_LOG = (
    *("log", "-z", "--raw", "-r", "--root", "--reverse", "--no-renames", "--no-abbrev", "--no-ext-diff"),
    *("--no-show-signature", "--no-notes", "--no-color", "--no-follow", "--format=tformat:%H"),
    # The user's order may be written in a file that is not there.
    "-O/dev/null",
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
    configs: dict[bytes, dict[bytes, None]] = {}
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
        if is_config(path):
            sides = zip(words[: parents + 1], words[parents + 1 : 2 * parents + 2], strict=True)
            configs.setdefault(commit, {}).update(dict.fromkeys(config_line(*side, path) for side in sides))
        if mode not in (GONE, GITLINK) and (path, blob) not in seen:
            seen.add((path, blob))
            listing.entries.append(Entry(path, blob, commit))
    listing.configs = _all_configs(configs)
    return listing, commits


def _all_configs(configs: dict[bytes, dict[bytes, None]]) -> bytes:
    """Return every configuration that held at one of the commits; what links lead to is in their tree."""
    if not configs:
        return b""
    from vsync.guard.trees import with_links_followed

    found: dict[bytes, None] = {}
    for commit, lines in configs.items():
        listed = with_links_followed(b"".join(lines), commit, strict=False)
        found |= dict.fromkeys(line + b"\0" for line in listed.split(b"\0")[:-1])
    return b"".join(found)
