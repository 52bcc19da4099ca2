"""Git as a child process, without the 12 ms that importing `subprocess` costs.

GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE and the quarantine of a push are kept as they came:
a hook asks about the commit that is being made.
"""

import os

from vsync.guard.errors import CannotLook

_UNWANTED = ("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")
_SETTINGS = {
    "LC_ALL": "C",
    # Looking must not write: not the index, not objects fetched from a promisor.
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    # `git replace` could show us other bytes than those that are committed.
    "GIT_NO_REPLACE_OBJECTS": "1",
}
# A file system monitor is a program named by configuration: nothing here needs it.
_ALWAYS = ("git", "-c", "core.fsmonitor=false")
CONFIG_NAMES = ("vsync.toml", "envdrift.toml", "pyproject.toml")
"""In the order in which one folder is searched (product contract §2)."""

# What git is asked. It stands here, so that git can be started before the rest is imported.
STAGED = (
    *("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff"),
    *("HEAD", "--"),
)
INDEX = ("ls-files", "-s", "-z", "--full-name", "--", ":(top)")
CONFIGS = (
    *("ls-files", "-s", "-z", "--full-name", "--"),
    *(f":(top,glob)**/{name}" for name in CONFIG_NAMES),
)
BATCH = ("cat-file", "--batch")
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
            data = data[os.write(self._in, data) :]

    def end_input(self) -> None:
        """Close its stdin."""
        if self._in >= 0:
            os.close(self._in)
            self._in = -1

    def finish(self) -> int:
        """Close its ends, wait for it and return its exit code."""
        self.end_input()
        self._reader.close()
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def answer(self) -> bytes | None:
        """Return all it says, None when it failed."""
        said = self.read()
        return None if self.finish() else said


def _spawn(arguments: tuple[str | bytes, ...], *, talks: bool) -> tuple[int, int, int]:
    readable, writable = os.pipe()
    actions: list[tuple[object, ...]] = [
        (os.POSIX_SPAWN_DUP2, writable, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    theirs, ours = -1, -1
    if talks:
        theirs, ours = os.pipe()
        actions.append((os.POSIX_SPAWN_DUP2, theirs, 0))
    else:
        actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    try:
        pid = os.posix_spawnp("git", [*_ALWAYS, *arguments], _environment(), file_actions=actions)
    except OSError as error:
        raise CannotLook("git cannot be started", hint="is git installed, and on PATH?") from error
    os.close(writable)
    if theirs >= 0:
        os.close(theirs)
    return pid, readable, ours


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VSYNC_")}
    for name in _UNWANTED:
        kept.pop(name, None)
    kept.update(_SETTINGS)
    return kept


def keep_standard_streams() -> None:
    """Open what is closed of stdin, stdout and stderr, so that no pipe of ours gets their number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
