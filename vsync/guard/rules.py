"""The rules of one repository, prepared from every configuration file in the index, and kept.

A commit reads them with `marshal`, which costs nothing to import; they are prepared again
whenever what they were made from is no longer the same: another blob of a configuration
file, a new one, a link on the way to a vault.
"""

from __future__ import annotations

import marshal
import os
import stat

from vsync.guard.errors import CannotLook
from vsync.guard.paths import fold
from vsync.guard.processes import CONFIG_NAMES

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from typing import Any

_VERSION = 1
_FILE = "guard-rules"


class Rules:
    """What the configuration says: all paths are relative to the repository's top.

    `vaults` has the mapped folders as written, `folders` every folded spelling of them that
    git could see, `allow` has (path pattern, rule, reason).
    """

    __slots__ = ("allow", "folders", "public", "stamp", "vaults")

    def __init__(
        self,
        vaults: tuple[str, ...],
        real: tuple[str, ...],
        public: tuple[str, ...],
        allow: tuple[tuple[str, str, str], ...],
    ) -> None:
        self.vaults = vaults
        self.folders = frozenset(fold(os.fsencode(folder)) for folder in (*vaults, *real))
        self.public = public
        self.allow = allow
        self.stamp = b""


def load_rules(listed: bytes, top: str | None, kept: str) -> Rules:
    """Return the rules that hold for this index; `listed` is what CONFIGS said.

    CannotLook (2) when a configuration file is wrong: then nobody knows what is a vault.
    """
    loose = _loose(listed, top)
    known = _read(os.path.join(kept, _FILE))
    if known is None or known[:3] != (_VERSION, listed, loose) or known[4] != links(top, known[3]):
        from vsync.guard.prepare import prepare

        vaults, public, allow = prepare(listed, [name for name, *_ in loose], top)
        found = links(top, vaults)
        real = _real(top, vaults) if top and found else ()
        known = (_VERSION, listed, loose, vaults, found, real, public, allow)
        keep(kept, _FILE, marshal.dumps(known))
    rules = Rules(known[3], *known[5:])
    rules.stamp = marshal.dumps(known)
    return rules


def _loose(listed: bytes, top: str | None) -> tuple[tuple[str, int, int, int], ...]:
    """Return the stamps of configuration files at the top that git does not track yet."""
    if top is None:
        return ()
    found = []
    for name in CONFIG_NAMES:
        if b"\t" + name.encode() + b"\0" not in listed:
            try:
                info = os.stat(os.path.join(top, name))
            except OSError:
                continue
            found.append((name, info.st_size, info.st_mtime_ns, info.st_ino))
    return tuple(found)


def _read(path: str) -> tuple[Any, ...] | None:
    """Return what was kept, None when it is not there or not ours."""
    try:
        with open(path, "rb") as file:
            kept = marshal.loads(file.read())  # noqa: S302 - our own file, in the git directory
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return kept if isinstance(kept, tuple) and len(kept) == 8 else None  # noqa: PLR2004 - as written


def keep(folder: str, name: str, data: bytes) -> None:
    """Replace a file of ours as a whole; what cannot be kept is made anew the next time."""
    beside = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    try:
        if not os.path.isdir(folder):
            os.makedirs(folder, 0o700)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(beside, os.path.join(folder, name))
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
                found[reached] = _link(os.path.join(top, reached))
    return tuple(sorted((path, target) for path, target in found.items() if target))


def _link(path: str) -> str:
    try:
        return os.readlink(path) if stat.S_ISLNK(os.lstat(path).st_mode) else ""
    except OSError:
        return ""


def _real(top: str, vaults: tuple[str, ...]) -> tuple[str, ...]:
    """Return where linked vaults really lie, as far as that is inside the work tree."""
    root = os.path.realpath(top)
    real = (os.path.relpath(os.path.realpath(os.path.join(root, vault)), root) for vault in vaults)
    return tuple(sorted({path for path in real if path != "." and not path.startswith("..")} - set(vaults)))


def allowance(rules: Rules, path: bytes, rule: str) -> str:
    """Return the reason for which a finding is let pass, empty when none is."""
    text = os.fsdecode(path)
    for pattern, allowed, reason in rules.allow:
        if allowed == rule and _matches(pattern, text):
            return reason
    return ""


def _matches(pattern: str, path: str) -> bool:
    """Match `*` within a part, `**` across parts, and a folder as all that is in it."""
    import re

    parts = []
    for piece in re.split(r"(\*\*/?|\*|\?)", pattern.rstrip("/")):
        wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece)
        parts.append(re.escape(piece) if wild is None else wild)
    return re.fullmatch("".join(parts) + "(?:/.*)?", path, re.DOTALL) is not None


def no_configuration(message: str, hint: str) -> CannotLook:
    """Return the error for a configuration that cannot be understood."""
    return CannotLook(message, hint=hint, code=2)
