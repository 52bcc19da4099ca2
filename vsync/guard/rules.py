"""The rules of one repository, prepared from every configuration file in the index and beside it, and kept.

A commit reads them with `marshal`, which costs nothing to import; they are prepared again
whenever what they were made from is no longer the same: another blob of a configuration
file, a new one, a link on the way to a vault.
"""

import marshal
import posix

from vsync.guard.configs import fingerprint, listed_configs
from vsync.guard.place import Place
from vsync.guard.processes import CONFIG_NAMES
from vsync.guard.system import text

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from typing import Any

_VERSION = 3
_FIELDS = 9  # version, fingerprint, listed, loose, and the five that `prepare` returns
_FILE = "guard-rules"


class Rules:
    """What the configuration says: all paths are relative to the repository's top.

    `vaults` has the mapped folders as written, `folders` every folded spelling of them that
    git could see, `allow` has (path pattern, rule, reason). `linked` is whether a link stands on
    the way to a vault. `stamp` is other bytes for other rules.
    """

    __slots__ = ("allow", "folders", "linked", "public", "stamp", "vaults")

    def __init__(self, made: "tuple[Any, ...]", made_from: object) -> None:
        self.vaults: tuple[str, ...] = made[0]
        self.linked = bool(made[1])
        self.folders: frozenset[str] = frozenset(made[2])
        self.public: tuple[str, ...] = made[3]
        self.allow: tuple[tuple[str, str, str], ...] = made[4]
        # Not marshal, whose bytes depend on who else refers to an object.
        self.stamp = repr((made_from, made)).encode("utf-8", "surrogateescape")


def load_rules(place: Place, tips: bytes = b"", more: bytes = b"", *, index: bool = True) -> Rules:
    """Return the rules of the index, the work tree, and of the configuration files that are named.

    `tips` are those of the commits that are looked at; of what held before them, `more`, only the vaults
    count, as far as they can be understood. Both are in the form of `ls-files -s -z`. Without `index`
    there is only what is named. CannotLook (2) when a configuration file is wrong: then nobody knows
    what is a vault.
    """
    known = _read(f"{place.kept}/{_FILE}")
    seen, listed = _indexed(place, known) if index else (None, b"")
    loose = _loose(listed, place.top) if index else ()
    if tips or more:
        tips = _new_in(tips, listed)
        more = _new_in(more, listed + tips)
    held = (listed, loose) if index and not (tips or more) else None
    made = known[4:] if held and known and known[2:4] == held else None
    if made is None or made[1] != links(place.top, made[0]):
        from vsync.guard.prepare import prepare

        made = prepare(listed + tips, more, [name for name, *_ in loose], place.top)
    now = (_VERSION, seen, listed, loose, *made)
    if held and now != known:
        keep(place.kept, _FILE, marshal.dumps(now))
    return Rules(made, (listed + tips, more, loose))


def _indexed(place: Place, known: "tuple[Any, ...] | None") -> tuple[bytes | None, bytes]:
    """Return the configuration files in the index, and by what it is known again, None when by nothing."""
    seen = fingerprint(place.index)
    if known and seen and seen == known[1]:
        return seen, known[2]
    listed = listed_configs()
    if b"\x00120000 " in b"\0" + listed or b"\x00160000 " in b"\0" + listed:
        from vsync.guard.linked import followed

        # Where links lead to has another name: the fingerprint would not notice when it changes.
        return None, followed(listed, _all_indexed, strict=True)
    # What git said holds only for an index that was the same before and after.
    return (seen if seen == fingerprint(place.index) else None), listed


def _all_indexed() -> bytes:
    from vsync.guard.entries import answered
    from vsync.guard.processes import INDEX, Process

    return answered(Process(INDEX), "ls-files")


def _new_in(some: bytes, known: bytes) -> bytes:
    """Return those lines of a listing that another does not have."""
    lines = set(known.split(b"\0"))
    new = [line for line in dict.fromkeys(some.split(b"\0")) if line not in lines]
    return b"".join([line + b"\0" for line in new if line])


def _loose(listed: bytes, top: str | None) -> tuple[tuple[str, int, int, int], ...]:
    """Return the stamps of configuration files in the work tree: at the top, and where the index has one."""
    if top is None:
        return ()
    found = []
    tracked = [text(line.partition(b"\t")[2]) for line in listed.split(b"\0")[:-1]]
    for name in dict.fromkeys([*CONFIG_NAMES, *tracked]):
        try:
            info = posix.stat(f"{top}/{name}")
        except OSError:
            try:
                info = posix.lstat(f"{top}/{name}")  # a link that leads nowhere is not passed over
            except OSError:
                continue
        found.append((name, info.st_size, info.st_mtime_ns, info.st_ino))
    return tuple(found)


def _read(path: str) -> "tuple[Any, ...] | None":
    """Return what was kept, None when it is not there or not ours."""
    try:
        with open(path, "rb", buffering=0) as file:
            kept = marshal.loads(file.read())  # noqa: S302 - our own file, in the git directory
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return kept if isinstance(kept, tuple) and len(kept) == _FIELDS and kept[0] == _VERSION else None


def keep(folder: str, name: str, data: bytes) -> None:
    """Replace a file of ours as a whole; what cannot be kept is made anew the next time."""
    beside = f"{folder}/.{name}.{posix.getpid()}.tmp"
    how = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW
    try:
        try:
            descriptor = posix.open(beside, how, 0o600)
        except FileNotFoundError:
            posix.mkdir(folder, 0o700)
            descriptor = posix.open(beside, how, 0o600)
        with open(descriptor, "wb", buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
        posix.replace(beside, f"{folder}/{name}")
    except OSError:
        return


def links(top: str | None, vaults: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the symbolic links on the way to the vaults, with what they say."""
    if top is None:
        return ()
    found: dict[str, str] = {}
    for vault in vaults:
        reached = ""
        for part in vault.split("/"):
            reached = f"{reached}/{part}" if reached else part
            if reached not in found:
                found[reached] = _link(f"{top}/{reached}")
    return tuple(sorted((path, target) for path, target in found.items() if target))


def _link(path: str) -> str:
    try:
        return posix.readlink(path)
    except (OSError, ValueError):
        return ""
