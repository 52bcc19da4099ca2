"""Where we are: work tree, git directory and the one all work trees share, found without asking git.

Only what the guard keeps for itself depends on it; if git sees it otherwise, git's own
answers still decide what is looked at.
"""

import os

from vsync.guard.errors import CannotLook


class Place:
    """One checkout; `top` is None in a bare repository. All are absolute."""

    __slots__ = ("common_dir", "git_dir", "top")

    def __init__(self, top: str | None, git_dir: str) -> None:
        self.top = top
        self.git_dir = git_dir
        self.common_dir = _common(git_dir)

    @property
    def kept(self) -> str:
        """The folder in which the guard keeps what holds for this checkout."""
        return os.path.join(self.git_dir, "vsync")

    @property
    def shared(self) -> str:
        """The folder in which the guard keeps what holds for all checkouts of the repository."""
        return os.path.join(self.common_dir, "vsync")


def find_place() -> Place:
    """Return the checkout the current folder lies in; CannotLook (15) when there is none."""
    here = os.getcwd()
    given = os.environ.get("GIT_DIR")
    if given:
        git_dir = os.path.abspath(given)
        top = os.environ.get("GIT_WORK_TREE")
        if top:
            return Place(os.path.abspath(top), git_dir)
        return Place(None if _is_git_dir(here) else here, git_dir)
    folder = here
    while True:
        git_dir = _git_dir_in(folder)
        if git_dir:
            return Place(folder, git_dir)
        if _is_git_dir(folder):
            return Place(None, folder)
        parent = os.path.dirname(folder)
        if parent == folder:
            raise CannotLook("not inside a git repository", hint="cd into one, or: git init")
        folder = parent


def _git_dir_in(folder: str) -> str:
    dot_git = os.path.join(folder, ".git")
    if _is_git_dir(dot_git):
        return dot_git
    # A linked work tree or a submodule has a file that says where.
    said = first_line(dot_git)
    if said.startswith("gitdir: "):
        return os.path.normpath(os.path.join(folder, said.removeprefix("gitdir: ")))
    return ""


def _is_git_dir(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "HEAD")) and (
        os.path.exists(os.path.join(folder, "objects")) or os.path.exists(os.path.join(folder, "commondir"))
    )


def _common(git_dir: str) -> str:
    given = os.environ.get("GIT_COMMON_DIR")
    if given:
        return os.path.abspath(given)
    said = first_line(os.path.join(git_dir, "commondir"))
    return os.path.normpath(os.path.join(git_dir, said)) if said else git_dir


def first_line(path: str) -> str:
    """Return the first line of a small file, empty when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return os.fsdecode(os.read(descriptor, 4096)).split("\n", 1)[0]
    except OSError:
        return ""
    finally:
        os.close(descriptor)
