"""The little of `os` that the way of a clean commit needs.

Importing `os` costs a tenth of the whole look; `posix`, which it is made of, is built in.
"""

import posix
import sys

_ENCODING = sys.getfilesystemencoding()
KIND = 0o170000
FOLDER = 0o040000


def variable(name: bytes) -> str:
    """Return a variable of the environment, empty when it is not set."""
    return text(posix.environ.get(name, b""))


def text(name: bytes) -> str:
    """Return a file name as text, from which the same bytes come back."""
    return name.decode(_ENCODING, "surrogateescape")


def absolute(path: str) -> str:
    """Return a path from the root, without `.` and `..`; links stay as they are."""
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{posix.getcwd()}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def exists(path: str) -> bool:
    """Tell whether there is something, at the end of links."""
    return _mode(path) != 0


def _mode(path: str) -> int:
    try:
        return posix.stat(path).st_mode
    except (OSError, ValueError):
        return 0
