"""Which configuration files the index has: git's answer, remembered while the index says the same of them.

A process of git less at every commit. The index file lies in the git directory and git wrote it.
We do not read its entries, only notice when one of those that matter may have changed.
"""

from vsync.guard.entries import answered
from vsync.guard.processes import CONFIG_ENDS, CONFIGS, Process

# Entries of these two formats have their path whole, and a zero byte behind it.
_FORMATS = (b"DIRC\0\0\0\2", b"DIRC\0\0\0\3")
# Extensions with which entries stand in another file, or one stands for a whole folder. That a path
# may look like them does no harm: git is asked.
_ELSEWHERE = (b"link\0", b"sdir")
_SUFFIX = b".toml\0"
_HEAD = 12  # bytes before the first entry, of which the last four count them
_BEFORE = 52  # bytes from the mode of an entry to its path, where most lie between: SHA-256, more flags


def listed_configs() -> bytes:
    """Return the configuration files in the index, as CONFIGS says them; CannotLook when git fails."""
    return answered(Process(CONFIGS), "ls-files")


def fingerprint(path: str) -> bytes | None:
    """Return all that an index file says of configuration files, None where only git can tell.

    Two index files with the same fingerprint have the same configuration files, with the same modes,
    blobs and stages. The other way round nothing is promised.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            index = file.read()
    except (OSError, ValueError):
        return None
    # From the end, since that way of searching skips more, and takes a fifth of the time.
    if index[:8] not in _FORMATS or any(index.rfind(mark) >= 0 for mark in _ELSEWHERE):
        return None
    found = [index[:8]]
    end = len(index)
    while (at := index.rfind(_SUFFIX, 0, end)) >= 0:
        end = at + len(_SUFFIX)
        if index.endswith(CONFIG_ENDS, 0, end):
            # A path has no zero byte in it: it begins behind the last one, and its mode lies before that.
            start = index.rfind(b"\0", 0, end - 1) - _BEFORE
            found.append(index[max(start, _HEAD) : end])
        end = at
    return b"\n".join(found)
