"""The index of values: kept sealed, compared with the vaults at every look, made anew when they changed.

Two files in the common git directory for each key that was ever here, both sealed (seal.py).
`guard-values` has what a commit needs: the stamps of the vault files and every spelling, with the place of
its words. `guard-sources` has what the former is made of, by work tree and vault, so that a vault that is
not here at the moment still counts. Without a key that can be kept, the index lives as long as one look.
"""

import marshal
import posix

from vsync.guard.errors import CannotLook
from vsync.guard.place import Place
from vsync.guard.rules import Rules
from vsync.guard.seal import key_path, local_key, name_of, opened, read_file, tag_of
from vsync.guard.system import FOLDER, KIND

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from typing import Any

    from vsync.guard.values import Values

VERSION = 7
VALUES = "guard-values"
SOURCES = "guard-sources"
_FIELDS = 4  # version, public names, stamps, and what choosing.py made
_HEAD = 32  # bytes at the beginning of a sealed file that no other has: its nonce is among them
_MOST_FILES = 100_000

Stamps = tuple[tuple[str, int, int, int], ...]
"""Path below the vault folder, size, mtime in ns and inode of each file, sorted."""


def load_values(place: Place, rules: Rules) -> "Values":
    """Return the values of this repository's vaults as they are now."""
    from vsync.guard.values import Values

    now = vaults_now(place, rules)
    key = local_key()
    data = read_file(f"{place.shared}/{name_of(VALUES, key)}")
    if not data and not now:
        if rules.vaults:
            say_unseen(place, rules.vaults, key)
        return Values(([], [], [], False), _stamp(b"", b"", now))
    kept = loaded(opened(key, data), _FIELDS)
    if kept is not None and _is_current(kept, place.top or "", now, rules):
        if len(now) < len(rules.vaults):
            say_unseen(place, without(rules.vaults, now, kept[2]), key)
        try:
            return Values(kept[3], _stamp(key, data, now))
        except (TypeError, ValueError):
            pass  # another release wrote it in another way: it is made anew
    from vsync.guard.indexing import make_index

    made, key, data = make_index(place, rules, now)
    return Values(made, _stamp(key, data, now))


def stamp_now(place: Place, rules: Rules) -> bytes:
    """Return the stamp of the values that `load_values` would return, without opening them."""
    key = local_key()
    head = read_file(f"{place.shared}/{name_of(VALUES, key)}", _HEAD)
    return _stamp(key, head, vaults_now(place, rules))


def _stamp(key: bytes, data: bytes, now: dict[str, Stamps]) -> bytes:
    """Return other bytes for other values, empty where they cannot be told from others.

    The names of files of a vault are not for everybody, so that the key is needed here, too.
    """
    if not now and not data:
        return b"none"
    if not key or not data:
        return b""
    return data[:_HEAD] + tag_of(key, repr(now).encode("utf-8", "surrogateescape"))


def vaults_now(place: Place, rules: Rules) -> dict[str, Stamps]:
    """Return the stamps of the vaults that are in the work tree now."""
    found = {vault: stamps_of(place.top, vault, linked=rules.linked) for vault in rules.vaults}
    return {vault: stamps for vault, stamps in found.items() if stamps is not None}


def without(
    vaults: tuple[str, ...], now: dict[str, Stamps], known: "dict[tuple[str, str], Any]"
) -> list[str]:
    """Return the vaults that are neither here nor remembered."""
    remembered = {vault for _, vault in known}
    return [vault for vault in vaults if vault not in now and vault not in remembered]


def say_unseen(place: Place, vaults: "list[str] | tuple[str, ...]", key: bytes) -> None:
    """Say which vaults are not compared because another key sealed what is known of them.

    In a clone that never had them there is nothing to compare with, and nothing to say.
    """
    try:
        names = posix.listdir(place.shared) if vaults else []
    except OSError:
        return
    own = name_of(SOURCES, key)
    if any(name.startswith(f"{SOURCES}-") and name != own for name in names):
        from vsync.guard.report import harmless

        listed = harmless(", ".join(vaults))
        said = (
            f"vsync: values of {listed} were not looked for: it is not here, and another key than the one in "
            f"{harmless(key_path())} sealed what is remembered\n"
        )
        posix.write(2, said.encode("utf-8", "backslashreplace"))


def _is_current(kept: "tuple[Any, ...]", top: str, now: dict[str, Stamps], rules: Rules) -> bool:
    if kept[:2] != (VERSION, rules.public):
        return False
    known = kept[2]
    return all(known.get((top, vault)) == stamps for vault, stamps in now.items())


def loaded(data: bytes | None, fields: int) -> "tuple[Any, ...] | None":
    """Return what was sealed as so many fields, None when it is not that."""
    if data is None:
        return None
    try:
        kept = marshal.loads(data)  # noqa: S302 - it was sealed with this machine's key
    except (ValueError, EOFError, TypeError):
        return None
    return kept if isinstance(kept, tuple) and len(kept) == fields else None


def stamps_of(top: str | None, vault: str, *, linked: bool) -> Stamps | None:
    """Return the stamps of a vault's files, None when there is no such folder in the work tree.

    `linked` is whether a link may stand on the way to it.
    """
    if top is None:
        return None
    folder = f"{top}/{vault}"
    try:
        if posix.stat(folder).st_mode & KIND != FOLDER or (linked and not is_inside(top, folder)):
            return None
        found = _files_in(folder)
    except OSError as error:
        if is_nowhere(error):
            return None
        raise unreadable(str(error.filename), error) from error
    if len(found) > _MOST_FILES:
        raise CannotLook(f"{vault} has more than {_MOST_FILES} files", hint="keep only secrets in a vault")
    return tuple(sorted(found))


def _files_in(folder: str) -> list[tuple[str, int, int, int]]:
    found: list[tuple[str, int, int, int]] = []
    waiting = [""]
    while waiting and len(found) <= _MOST_FILES:
        below = waiting.pop()
        for entry in posix.scandir(f"{folder}/{below}"):
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)
            elif entry.is_file(follow_symlinks=False):
                info = entry.stat(follow_symlinks=False)
                found.append((path, info.st_size, info.st_mtime_ns, info.st_ino))
    return found


def is_nowhere(error: OSError) -> bool:
    """Tell whether there is nothing: no way leads to it, as with a link to itself or too long a name."""
    import errno

    return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


def unreadable(path: str, error: OSError) -> CannotLook:
    """Return the error for a vault that is there, and whose values nobody can tell."""
    return CannotLook(
        f"{path.rstrip('/')} is of a vault and cannot be read: {posix.strerror(error.errno or 0)}",
        hint="chmod -R u+rX on the vault's folder, or move it away: what is remembered of it counts",
    )


def is_inside(top: str, folder: str) -> bool:
    """Tell whether a folder really lies in the work tree: a repository must not make us read beyond it."""
    import os

    return os.path.realpath(folder).startswith(os.path.realpath(top) + os.sep)
