"""The rules of one repository, prepared from every configuration file in the index, and kept.

A commit reads them with `marshal`, which costs nothing to import; they are prepared again
whenever what they were made from is no longer the same: another blob of a configuration
file, a new one, a link on the way to a vault.
"""

import marshal
import posix

from vsync.guard.configs import fingerprint, listed_configs
from vsync.guard.place import Place
from vsync.guard.processes import CONFIG_NAMES

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from typing import Any

_VERSION = 2
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


def load_rules(place: Place, listed: bytes | None = None) -> Rules:
    """Return the rules that hold for the index, or for the configuration files that are `listed`.

    CannotLook (2) when a configuration file is wrong: then nobody knows what is a vault.
    """
    known = _read(f"{place.kept}/{_FILE}")
    seen = fingerprint(place.index) if listed is None else None
    if listed is None and known and seen and seen == known[1]:
        listed = known[2]
    if listed is None:
        listed = listed_configs()
        # What git said holds only for an index that was the same before and after.
        seen = seen if seen == fingerprint(place.index) else None
    loose = _loose(listed, place.top)
    made = known[4:] if known and known[2:4] == (listed, loose) else None
    if made is None or made[1] != links(place.top, made[0]):
        from vsync.guard.prepare import prepare

        made = prepare(listed, [name for name, *_ in loose], place.top)
    now = (_VERSION, seen, listed, loose, *made)
    if now != known:
        keep(place.kept, _FILE, marshal.dumps(now))
    return Rules(made, (listed, loose))


def _loose(listed: bytes, top: str | None) -> tuple[tuple[str, int, int, int], ...]:
    """Return the stamps of configuration files at the top that git does not track yet."""
    if top is None:
        return ()
    found = []
    for name in CONFIG_NAMES:
        if b"\t" + name.encode() + b"\0" not in listed:
            try:
                info = posix.stat(f"{top}/{name}")
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
