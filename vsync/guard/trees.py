"""What names stand for in git: the configuration files of commits, and what tags hold without a commit."""

from vsync.guard.entries import GITLINK, Entry, Listing, answered, refused
from vsync.guard.processes import CONFIG_GLOBS, Process

_AT_ONCE = 200  # names that are asked for together: they and their answers fit into a pipe
# Git knows it without having it.
_EMPTY_TREE = {
    40: b"4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: b"6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_CONFIGS = ("diff-tree", "--stdin", "--raw", "-r", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff")


class Tip:
    """What a name stands for, at the end of tags: `kind` and `id` of the object, and its tree if it has one.

    All are empty where git has no such object.
    """

    __slots__ = ("id", "kind", "name", "tree")

    def __init__(self, name: bytes, kind: bytes, object_id: bytes, tree: bytes) -> None:
        self.name = name
        self.kind = kind
        self.id = object_id
        self.tree = tree


def tips_of(named: list[tuple[bytes, bytes]]) -> list[Tip]:
    """Return what each (object, name for people) stands for, by one process of git."""
    found: list[Tip] = []
    if not named:
        return found
    process = Process(("cat-file", "--batch-check=%(objecttype) %(objectname)"), talks=True)
    for start in range(0, len(named), _AT_ONCE):
        batch = named[start : start + _AT_ONCE]
        process.give(b"".join(b"%s^{}\n%s^{tree}\n" % (one, one) for one, _ in batch))
        for _, name in batch:
            kind, object_id = _said(process.readline())
            _, tree = _said(process.readline())
            found.append(Tip(name, kind, object_id, tree))
    process.leave()
    return found


def _said(line: bytes) -> tuple[bytes, bytes]:
    kind, _, object_id = line.rstrip(b"\n").partition(b" ")
    return (kind, object_id) if kind in (b"commit", b"tree", b"blob") else (b"", b"")


def add_directly_held(listing: Listing, tips: list[Tip]) -> None:
    """Add blobs and trees that a reference holds without any commit."""
    for tip in tips:
        if tip.kind == b"blob":
            # Without a name it may be anything: it is judged as an env file, too (paths.py).
            listing.entries.append(Entry(tip.name + b"^{}", tip.id))
        elif tip.kind == b"tree":
            for line in everything_in(tip.tree).split(b"\0")[:-1]:
                head, _, path = line.partition(b"\t")
                mode, blob, _ = head.split(b" ")
                if mode != GITLINK:
                    listing.entries.append(Entry(path, blob, tip.id))


def configs_of(tips: list[Tip], *, strict: bool) -> bytes:
    """Return the configuration files of all tips in the form of `ls-files -s -z`, each once."""
    trees = list(dict.fromkeys(tip.tree for tip in tips if tip.tree))
    if not trees:
        return b""
    found: dict[bytes, None] = {}
    by_tree: dict[bytes, list[bytes]] = {}
    tree, fields = b"", _asked_about(trees).split(b"\0")
    for number in range(0, len(fields) - 1, 2):
        pairs, _, entry = fields[number].rpartition(b"\n")
        tree = pairs.split()[-1] if pairs else tree
        words = entry.split(b" ")
        by_tree.setdefault(tree, []).append(b"%s %s 0\t%s\0" % (words[1], words[3], fields[number + 1]))
    for tree, lines in by_tree.items():
        listed = with_links_followed(b"".join(lines), tree, strict=strict)
        found |= dict.fromkeys(line + b"\0" for line in listed.split(b"\0")[:-1])
    return b"".join(found)


def _asked_about(trees: list[bytes]) -> bytes:
    said = []
    for start in range(0, len(trees), _AT_ONCE):
        process = Process((*_CONFIGS, "--", *CONFIG_GLOBS), talks=True)
        process.give(
            b"".join(b"%s %s\n" % (_EMPTY_TREE[len(tree)], tree) for tree in trees[start : start + _AT_ONCE])
        )
        process.end_input()
        said.append(process.read())
        if process.finish():
            raise refused("diff-tree")
    return b"".join(said)


def with_links_followed(listed: bytes, revision: bytes, *, strict: bool) -> bytes:
    """Return configuration files of a commit or tree with what links lead to in their place."""
    if not has_links(listed):
        return listed
    from vsync.guard.linked import followed

    return followed(listed, lambda: everything_in(revision), strict=strict)


def has_links(listed: bytes) -> bool:
    """Tell whether one of these entries is no file."""
    marked = b"\0" + listed
    return b"\x00120000 " in marked or b"\x00160000 " in marked


def everything_in(revision: bytes) -> bytes:
    """Return all files of a commit or tree in the form of `ls-files -s -z`."""
    said = answered(Process(("ls-tree", "-r", "-z", "--full-tree", revision)), "ls-tree")
    found = []
    for line in said.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, _, blob = head.split(b" ")
        found.append(b"%s %s 0\t%s\0" % (mode, blob, path))
    return b"".join(found)
