"""Git as a child process, without the 12 ms that importing `subprocess` costs.

GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE and the quarantine of a push are kept as they came:
a hook asks about the commit that is being made.
"""

import posix

from vsync.guard.errors import CannotLook

_UNWANTED = (b"GIT_LITERAL_PATHSPECS", b"GIT_GLOB_PATHSPECS", b"GIT_NOGLOB_PATHSPECS", b"GIT_ICASE_PATHSPECS")
_SETTINGS = {
    b"LC_ALL": b"C",
    # Looking must not write: not the index, not objects fetched from a promisor.
    b"GIT_OPTIONAL_LOCKS": b"0",
    b"GIT_NO_LAZY_FETCH": b"1",
    # `git replace` could show us other bytes than those that are committed.
    b"GIT_NO_REPLACE_OBJECTS": b"1",
}
# A file system monitor is a program named by configuration: nothing here needs it.
# And no setting may hide a file from us, or stop git on the way to it: those stand here for which not every
# git has an option.
_ALWAYS = (
    *("git", "-c", "core.fsmonitor=false", "-c", "diff.relative=false"),
    *("-c", "diff.ignoreSubmodules=none", "-c", "log.diffMerges=separate"),
)
CONFIG_NAMES = ("vsync.toml", "envdrift.toml", "pyproject.toml")
"""In the order in which one folder is searched (product contract §2)."""

# What git is asked. It stands here, so that git can be started before the rest is imported.
STAGED = (
    *("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff"),
    *("HEAD", "--"),
)
INDEX = ("ls-files", "-s", "-z", "--full-name", "--", ":(top)")
CONFIG_GLOBS = tuple(f":(top,glob)**/{name}" for name in CONFIG_NAMES)
CONFIG_ENDS = tuple(name.encode() + b"\0" for name in CONFIG_NAMES)
CONFIGS = ("ls-files", "-s", "-z", "--full-name", "--", *CONFIG_GLOBS)
LOOKS_AT_INDEX = ("pre-commit", "pre-merge-commit")
"""Hooks that ask what is staged."""
BATCH = ("cat-file", "--batch", "--buffer")
_NOWHERE = "/dev/null"
PIECE = 1 << 18  # bytes


class Process:
    """A git that runs: what it says is read from `out`, and `give` writes to it."""

    def __init__(self, arguments: tuple[str | bytes, ...], *, talks: bool = False) -> None:
        self._pid, self.out, self._in = _spawn(arguments, talks=talks)
        self._reader = open(self.out, "rb", buffering=PIECE)  # noqa: SIM115 - closed by finish()
        self.readline = self._reader.readline
        self.read = self._reader.read

    def give(self, data: bytes) -> None:
        """Write to its stdin, all of it."""
        while data:
            data = data[posix.write(self._in, data) :]

    def end_input(self) -> None:
        """Close its stdin."""
        if self._in >= 0:
            posix.close(self._in)
            self._in = -1

    def finish(self) -> int:
        """Close its ends, wait for it and return its exit code."""
        self.end_input()
        self._reader.close()
        return posix.waitstatus_to_exitcode(posix.waitpid(self._pid, 0)[1])

    def leave(self) -> None:
        """Close its ends and let it end by itself: for a git that has answered all it was asked."""
        self.end_input()
        self._reader.close()

    def answer(self) -> bytes | None:
        """Return all it says, None when it failed."""
        said = self.read()
        return None if self.finish() else said


def _spawn(arguments: tuple[str | bytes, ...], *, talks: bool) -> tuple[int, int, int]:
    readable, writable = posix.pipe()
    actions: list[tuple[object, ...]] = [
        (posix.POSIX_SPAWN_DUP2, writable, 1),
        (posix.POSIX_SPAWN_OPEN, 2, _NOWHERE, posix.O_WRONLY, 0),
    ]
    theirs, ours = -1, -1
    if talks:
        theirs, ours = posix.pipe()
        actions.append((posix.POSIX_SPAWN_DUP2, theirs, 0))
    else:
        actions.append((posix.POSIX_SPAWN_OPEN, 0, _NOWHERE, posix.O_RDONLY, 0))
    try:
        pid = posix.posix_spawnp("git", [*_ALWAYS, *arguments], _environment(), file_actions=actions)
    except OSError as error:
        raise CannotLook("git cannot be started", hint="is git installed, and on PATH?") from error
    posix.close(writable)
    if theirs >= 0:
        posix.close(theirs)
    return pid, readable, ours


def _environment() -> dict[bytes, bytes]:
    kept = {name: value for name, value in posix.environ.items() if not name.startswith(b"VSYNC_")}
    for name in _UNWANTED:
        kept.pop(name, None)
    kept.update(_SETTINGS)
    return kept


def keep_standard_streams() -> None:
    """Open what is closed of stdin, stdout and stderr, so that no pipe of ours gets their number."""
    for number in (0, 1, 2):
        try:
            posix.fstat(number)
        except OSError:
            posix.open(_NOWHERE, posix.O_RDWR)
