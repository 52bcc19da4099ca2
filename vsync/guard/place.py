"""Where we are: work tree, git directory and the one all work trees share, found without asking git.

Only what the guard keeps for itself depends on it; if git sees it otherwise, git's own
answers still decide what is looked at.
"""

import posix

from vsync.guard.errors import CannotLook
from vsync.guard.system import absolute, exists, text, variable


class Place:
    """One checkout; `top` is None in a bare repository. All are absolute."""

    __slots__ = ("common_dir", "git_dir", "kept", "shared", "top")

    def __init__(self, top: str | None, git_dir: str) -> None:
        self.top = top
        self.git_dir = git_dir
        self.common_dir = _common(git_dir)
        # The folders in which the guard keeps what holds for this checkout, and for all of the repository.
        self.kept = f"{git_dir}/vsync"
        self.shared = f"{self.common_dir}/vsync"

    @property
    def index(self) -> str:
        """The index that git was told to use, empty where only git knows which file is meant."""
        given = variable(b"GIT_INDEX_FILE")
        if given and not given.startswith("/"):
            # Git reads it from the top, where hooks run; elsewhere the same words may be another file.
            return absolute(given) if self.top == posix.getcwd() else ""
        return given or f"{self.git_dir}/index"

    @property
    def objects(self) -> str:
        """The folder of the repository's objects; with GIT_OBJECT_DIRECTORY git has others as well."""
        return f"{self.common_dir}/objects"


def find_place() -> Place:
    """Return the checkout the current folder lies in; CannotLook (15) when there is none."""
    try:
        here = posix.getcwd()
    except OSError as error:
        raise CannotLook("the current folder is gone", hint="cd into a repository") from error
    given = variable(b"GIT_DIR")
    if given:
        git_dir = absolute(given)
        top = variable(b"GIT_WORK_TREE")
        if top:
            return Place(absolute(top), git_dir)
        return Place(None if _is_git_dir(here) else here, git_dir)
    folder = here
    while True:
        git_dir = _git_dir_in(folder)
        if git_dir:
            return Place(folder, git_dir)
        if _is_git_dir(folder) and _is_head(first_line(f"{folder}/HEAD")):
            return Place(None, folder)
        parent = folder.rpartition("/")[0] or "/"
        if parent == folder:
            raise CannotLook("not inside a git repository", hint="cd into one, or: git init")
        folder = parent


def _git_dir_in(folder: str) -> str:
    dot_git = f"{folder}/.git"
    if _is_git_dir(dot_git):
        return dot_git
    # A linked work tree or a submodule has a file that says where.
    said = first_line(dot_git)
    if said.startswith("gitdir: "):
        return _from(folder, said.removeprefix("gitdir: "))
    return ""


def _from(folder: str, path: str) -> str:
    return absolute(path if path.startswith("/") else f"{folder}/{path}")


def _is_git_dir(folder: str) -> bool:
    if not exists(f"{folder}/HEAD"):
        return False
    return exists(f"{folder}/commondir") or (exists(f"{folder}/objects") and exists(f"{folder}/refs"))


def _is_head(said: str) -> bool:
    """Tell whether git would take a folder of the work tree for a repository: anybody can commit a `HEAD`."""
    return said.startswith("ref: refs/") or not said.strip("0123456789abcdef")


def _common(git_dir: str) -> str:
    given = variable(b"GIT_COMMON_DIR")
    if given:
        return absolute(given)
    said = first_line(f"{git_dir}/commondir")
    return _from(git_dir, said) if said else git_dir


def first_line(path: str) -> str:
    """Return the first line of a small file, empty when there is none."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return text(posix.read(descriptor, 4096)).split("\n", 1)[0]
    except OSError:
        return ""
    finally:
        posix.close(descriptor)
