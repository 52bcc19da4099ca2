"""Which file names may stand in a bundle (formats §2.1, attacks 22, 27 to 30).

Two strictnesses: what every reader refuses because it is dangerous or ambiguous, and what
writers refuse on top because it could not be written, or would deceive, on somebody's machine.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

TEMPLATE_SUFFIXES = (".example", ".sample", ".template", ".dist")
"""What the name of a file ends in that shows how an env file looks, and is none."""

MAX_PART_BYTES = 255
MAX_PATH_BYTES = 1024
MAX_DEPTH = 64

# In any part: what comes after the sender's folder becomes the start of the receiver's path.
_DRIVE = re.compile(r"(?:\A|/)[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_GIT_SHORT_NAME = re.compile(r"git~[0-9]+")
_RESERVED = re.compile(r'[<>:"|?*]')
_DOS_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)( *\..*)?")
# Files that another program obeys as soon as somebody stands in the folder.
_OBEYED = {".git", ".gitattributes", ".gitmodules", ".envrc", ".claude"}
# Letters that HFS+ ignores when it compares names, so that `.g\u200cit` would be `.git` (CVE-2014-9390).
_IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])


def reader_problem(path: str) -> str | None:
    """Say why a path from a bundle must be refused, or None; a directory comes without its slash."""
    for applies, problem in _READER_RULES:
        if applies(path):
            return problem
    return None


def _too_long(path: str) -> bool:
    return path.count("/") >= MAX_DEPTH or len(path.encode()) > MAX_PATH_BYTES


def _part_too_long(path: str) -> bool:
    return any(len(part.encode()) > MAX_PART_BYTES for part in path.split("/"))


def _not_normalised(path: str) -> bool:
    return any(part in ("", ".", "..") for part in path.split("/"))


def _obeyed(path: str) -> bool:
    return any(map(_is_obeyed, path.split("/")))


def _is_obeyed(part: str) -> bool:
    name = fold(part.translate(_IGNORED)).split(":")[0].rstrip(". ")
    return name in _OBEYED or _GIT_SHORT_NAME.fullmatch(name) is not None


_READER_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (_SURROGATE.search, "is not valid Unicode"),
    (lambda path: path[:1] in ("", "/"), "is absolute"),
    (_DRIVE.search, "has a drive letter"),
    (lambda path: "\\" in path, "has a backslash"),
    (_CONTROL.search, "has a control character"),
    (_not_normalised, "leaves its folder or is not normalised"),
    (_too_long, "is too deep or too long"),
    (_part_too_long, "has a part that is too long"),
    (_obeyed, "is a name that git or another program obeys"),
)
"""What every reader refuses, in the order in which it is said; the first ones make the rest safe to ask."""


def writer_problem(path: str) -> str | None:
    """Say why a path must not be pushed, or None: every reader's rule, and what fails elsewhere."""
    problem = reader_problem(path)
    if problem:
        return problem
    if not path.isascii() and any(
        unicodedata.category(char) in ("Cf", "Zl", "Zp", "Co", "Cn") for char in path
    ):
        return "has an invisible or direction-changing character"
    for part in path.split("/"):
        if _DOS_DEVICE.fullmatch(part.casefold()):
            return "is a device name on Windows"
        if part != part.rstrip(". ") or part.startswith(" "):
            return "begins with a space or ends with a dot or a space"
        if _RESERVED.search(part):
            return 'has one of < > : " | ? *'
    return None


def collision(paths: Iterable[str], directories: Iterable[str] = ()) -> tuple[str, str] | None:
    """Return two paths that some file system takes for one, or a file that another path needs as a folder.

    Names are compared after Unicode NFC and case folding.
    """
    files: dict[str, str] = {}
    for path in paths:
        key = fold(path)
        if key in files:
            return files[key], path
        files[key] = path
    folders: dict[str, str] = {}
    for path in (*files.values(), *(f"{name}/" for name in directories)):
        for parent in _parents(path, folders):
            key = fold(parent)
            if key in files:
                return files[key], path
            if folders.setdefault(key, parent) != parent:
                return folders[key], parent
    return None


def _parents(path: str, known: dict[str, str]) -> Iterator[str]:
    """Yield the folders above a path, deepest first, up to one that was seen in the same spelling."""
    while "/" in path:
        path = path.rpartition("/")[0]
        if known.get(fold(path)) == path:
            return
        yield path


def fold(path: str) -> str:
    """Return the form under which case-insensitive, normalising file systems compare a name."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
