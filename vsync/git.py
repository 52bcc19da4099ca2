"""Every question we ask git, one function each: plumbing or `-z` output, `--` before paths, no shell.

GIT_DIR, GIT_WORK_TREE and GIT_INDEX_FILE are kept as we got them: a hook asks about the commit
that is being made. GitPython is not used here: it ignores GIT_INDEX_FILE and costs 70 ms.
"""

import os
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from vsync.errors import GitError

TIMEOUT_SECONDS = 60
_HOOKS_IN_CONFIGURATION = (2, 54)  # the version of git that brought them


def _git(
    folder: Path, *arguments: str | bytes, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("VSYNC_")}
    # Messages are shown to nobody, and answers must not depend on the user's language.
    environ |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environ,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        missing = "git is not installed" if folder.is_dir() else f"no folder {str(folder)!r}"
        raise GitError(missing) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError("git did not answer") from error


def _path(data: bytes) -> Path:
    return Path(os.fsdecode(data))


def _first_come(path: Path, text: str) -> str:
    """Write a file whole, unless another process was first, and return what is in it."""
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        beside.write_text(text + "\n", "ascii")
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
        except OSError:
            # No hard links on this file system: the second writer of a race wins there.
            os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path.read_text("ascii").strip()


def ignore_rule(path: str) -> str:
    """Return the line of a .gitignore at the top that covers exactly this path (gitignore(5))."""
    return "/" + "".join(f"\\{char}" if char in "*?[]\\" else char for char in path)


def ignore_command(path: str) -> str:
    """Return what to type so that git ignores the path; harmless in a shell, from any folder."""
    return f'echo {shlex.quote(ignore_rule(path))} >> "$(git rev-parse --show-toplevel)/.gitignore"'


def untrack_command(path: str, *, folder: bool = False) -> str:
    """Return what to type at the top so that git no longer tracks the path; harmless in a shell."""
    exact = f":(literal){path}" if any(char in "*?[]\\:" for char in path) else path
    return f"git rm {'-r ' if folder else ''}--cached -- {shlex.quote(exact)}"


class Repository(NamedTuple):
    """One work tree: its top, its own git directory, and the one it shares with other work trees."""

    top: Path
    git_dir: Path
    common_dir: Path

    @classmethod
    def find(cls, start: Path) -> "Repository":
        """Return the repository `start` lies in; GitError when there is none, or no work tree."""
        wanted = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
        answer = _git(start, "rev-parse", *wanted)
        lines = answer.stdout.split(b"\n")[:-1]
        if answer.returncode == 0 and len(lines) != len(wanted):
            # A path has a line feed in it: ask for one at a time.
            lines = [_git(start, "rev-parse", one).stdout.removesuffix(b"\n") for one in wanted]
        if answer.returncode or not lines[0]:
            if b"dubious ownership" in answer.stderr:
                raise GitError(
                    "git does not trust this folder: it belongs to somebody else",
                    hint="git config --global --add safe.directory FOLDER, if you trust it",
                )
            raise GitError("not inside a git work tree", hint="cd into one, or: git init")
        common = Path(os.path.join(start, os.fsdecode(lines[2]))).resolve()
        return cls(_path(lines[0]), _path(lines[1]), common)

    def known_checkout_id(self) -> str | None:
        """Return the id of this checkout, 16 random hex digits; None before it has one (formats §8)."""
        try:
            text = self._checkout_file.read_text("ascii").strip()
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            return None
        return text if len(text) == 16 and all(char in "0123456789abcdef" for char in text) else None  # noqa: PLR2004

    def checkout_id(self) -> str:
        """Return the id of this checkout, made at first use (formats §8)."""
        known = self.known_checkout_id()
        if known is not None:
            return known
        path = self._checkout_file
        try:
            path.unlink(missing_ok=True)  # one that is damaged is nobody's
            path.parent.mkdir(mode=0o700, exist_ok=True)
            return _first_come(path, os.urandom(8).hex())
        except OSError as error:
            raise GitError(
                f"cannot write into the git directory: {(error.strerror or '').lower()}",
                hint="check the owner and the mode of .git/vsync",
            ) from error

    @property
    def _checkout_file(self) -> Path:
        return self.git_dir / "vsync" / "checkout"

    def not_ignored(self, paths: Iterable[str]) -> list[str]:
        """Return those of the paths (relative to the top) that git would not ignore."""
        wanted = list(paths)
        # --no-index: a path that is tracked by mistake is still judged by the rules.
        answer = _git(
            self.top,
            "check-ignore",
            "--no-index",
            "-z",
            "--stdin",
            stdin=b"\0".join(map(os.fsencode, wanted)),
        )
        if answer.returncode not in (0, 1):
            raise GitError("git check-ignore failed", hint="git check-ignore -v PATH shows why")
        ignored = {os.fsdecode(path) for path in answer.stdout.split(b"\0")}
        return [path for path in wanted if path not in ignored]

    def tracked(self, paths: Iterable[str]) -> list[str]:
        """Return the tracked files at or under the paths, relative to the top."""
        # --literal-pathspecs: a folder named `*` is a folder named `*`.
        answer = _git(self.top, "--literal-pathspecs", "ls-files", "-z", "--", *paths)
        if answer.returncode:
            raise GitError("git ls-files failed", hint="git status shows what is wrong")
        return [os.fsdecode(path) for path in answer.stdout.split(b"\0") if path]

    def tracked_like(self, patterns: Iterable[str]) -> list[str]:
        """Return the tracked files, in any folder, whose names match one of the patterns in any case."""
        words = [f":(top,glob,icase)**/{pattern}" for pattern in patterns]
        answer = _git(self.top, "ls-files", "-z", "--", *words)
        if answer.returncode:
            raise GitError("git ls-files failed", hint="git status shows what is wrong")
        return [os.fsdecode(path) for path in answer.stdout.split(b"\0") if path]

    def conflict_sides(self, path: str) -> tuple[bytes, bytes] | None:
        """Return ours and theirs of a file that a merge left unmerged; None when it has no two sides."""
        sides = []
        for stage in (2, 3):  # as git-merge(1) numbers them
            answer = _git(self.top, "cat-file", "blob", f":{stage}:{path}")
            if answer.returncode:
                return None
            sides.append(answer.stdout)
        return sides[0], sides[1]

    def user_email(self) -> str | None:
        """Return the e-mail address git would put on a commit made now, or None when it knows none."""
        answer = _git(self.top, "var", "GIT_AUTHOR_IDENT")
        _, bracket, rest = answer.stdout.decode("utf-8", "replace").rpartition(" <")
        return (rest.partition(">")[0] or None) if bracket else None

    def origin_name(self) -> str | None:
        """Return the last part of origin's URL without `.git`, or None."""
        answer = _git(self.top, "config", "--get", "remote.origin.url")
        url = answer.stdout.decode("utf-8", "replace").strip().rstrip("/")
        return url.replace(":", "/").split("/")[-1].removesuffix(".git") or None

    def hooks_path(self) -> tuple[str, str] | None:
        """Return scope and value of `core.hooksPath` with `~` expanded, None where it is not set."""
        answer = _git(self.top, "config", "--show-scope", "--type=path", "-z", "--get", "core.hooksPath")
        scope, separator, value = answer.stdout.rstrip(b"\0").partition(b"\0")
        return (scope.decode(), os.fsdecode(value)) if separator else None

    def set_hooks_path(self, scope: str, value: str | None) -> None:
        """Set or unset `core.hooksPath` in this repository's `local` or `worktree` configuration."""
        words = ("core.hooksPath", value) if value is not None else ("--unset-all", "core.hooksPath")
        if _git(self.top, "config", f"--{scope}", *words).returncode:
            raise GitError("git did not take core.hooksPath", hint="git config --show-origin core.hooksPath")

    def has_configured_hooks(self) -> bool:
        """Tell whether this git runs hooks that stand in its configuration."""
        # As in `git version 2.54.1.windows.1` and `git version 2.39.5 (Apple Git-154)`.
        words = _git(self.top, "version").stdout.decode("ascii", "replace").split()
        numbers = words[2].split(".")[:2] if len(words) > 2 else []  # noqa: PLR2004 - git, version, number
        if not all(number.isdigit() for number in numbers):
            return False
        return tuple(map(int, numbers)) >= _HOOKS_IN_CONFIGURATION

    def configured_hooks(self, event: str) -> dict[str, str]:
        """Return what git runs for an event by its configuration, name → command, in git's order.

        Only for a git that has such hooks. git itself says which are left after `enabled`, an
        emptied list of events and every file of the configuration.
        """
        listed = _git(self.top, "hook", "list", "-z", "--show-scope", event).stdout
        found = {}
        for line in listed.split(b"\0"):
            scope, separator, name = line.partition(b"\t")
            # A hook in a folder has no scope; of one that is switched off, a word says so before its name.
            if scope and separator and not name.startswith((b"disabled\t", b"event-disabled\t")):
                command = _git(self.top, "config", "-z", "--get", b"hook.%s.command" % name).stdout
                found[os.fsdecode(name)] = os.fsdecode(command.removesuffix(b"\0"))
        return found

    def configure_hook(self, name: str, event: str, command: str) -> None:
        """Have git run a command for an event, by this repository's own configuration."""
        # The command first: git stops at an event that has none.
        for key, value in (("command", command), ("event", event)):
            if _git(self.top, "config", "--local", f"hook.{name}.{key}", value).returncode:
                raise GitError(f"git did not take hook.{name}.{key}", hint="git config --list --show-origin")

    def drop_configured_hook(self, name: str) -> None:
        """Take a hook out of this repository's own configuration; none is no error."""
        _git(self.top, "config", "--local", "--remove-section", f"hook.{name}")
