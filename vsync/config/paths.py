"""Names and paths that a committed configuration may hold (product contract §2, attacks 26, 37).

The file comes with the repository, so it may be hostile: a path in it must not leave the
repository, reach into `.git`, or go through a link.
"""

import os
import re
import stat
from pathlib import Path

from vsync.errors import ConfigError
from vsync.formats.names import fold, reader_problem
from vsync.model import SecretName

RESERVED_REPOSITORIES = frozenset({"profiles", "backups"})

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}", re.ASCII)
VARIABLE = re.compile(r"[^\s=#'\"]{1,255}")
_NAME_RULE = "use up to 100 of a-z 0-9 . _ - and begin with a letter or digit"

# What nearly every path looks like, one expression for speed: whatever does not match is
# looked at closely. No part begins with a dot, except `.env…`, which is not `.envrc`.
_PART = r"(?!\.envrc)(?:\.env|[A-Za-z0-9_])[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
_ORDINARY = re.compile(rf"{_PART}(?:/{_PART})*", re.ASCII)
_ORDINARY_LENGTH = 200  # characters; no part of it can be too long then


def parse_secret_name(text: str, *, where: str) -> SecretName:
    """Return the two parts of `<repo>/<name>`; ConfigError begins with `where`."""
    repo, slash, name = text.partition("/")
    if not slash:
        raise ConfigError(f"{where}: a secret name is <repository>/<name>", hint=_NAME_RULE)
    return SecretName(check_repository(repo, where=where), check_name(name, where=where))


def check_name(text: str, *, where: str) -> str:
    """Return an environment, repository or vault name that is one; ConfigError otherwise."""
    if NAME.fullmatch(text) is None:
        raise ConfigError(f"{where}: not a valid name", hint=_NAME_RULE)
    return text


def check_repository(text: str, *, where: str) -> str:
    """Return a repository name; `profiles` and `backups` are folders of ours and refused."""
    if text in RESERVED_REPOSITORIES:
        raise ConfigError(f"{where}: {text!r} is reserved", hint='set another name: [vault] repo = "…"')
    return check_name(text, where=where)


def clean_path(text: str, *, where: str) -> str:
    """Return a relative path without `.` parts and doubled or final slashes; may be empty.

    ConfigError when it is absolute, begins with `~` or has that as a part, has `..`, a backslash or a control
    character, or a part that git obeys, `.git` in any spelling.
    """
    if len(text) <= _ORDINARY_LENGTH and _ORDINARY.fullmatch(text):
        return text
    if text.startswith("/"):
        raise ConfigError(f"{where}: is absolute", hint="write it relative to the configuration file")
    path = "/".join(part for part in text.split("/") if part not in ("", "."))
    if path.startswith("~") or "~" in path.split("/"):
        raise ConfigError(
            f"{where}: a part of it is, or begins with, ~", hint="write it relative to the configuration file"
        )
    problem = reader_problem(path) if path else None
    if problem:
        raise ConfigError(
            f"{where}: {problem}",
            hint="name something inside the repository, with / between the parts",
        )
    return path


def path_key(path: str) -> str:
    """Return what a file system that ignores case and normal form compares."""
    return path.lower() if path.isascii() else fold(path)


def check_folder(folder: str, *, top: Path, where: str = "the vault folder") -> None:
    """Refuse a vault folder that leaves the repository or is reached through a link.

    `folder` is relative to `top`. Raises ConfigError for what clean_path refuses, for the
    repository itself, and for a link or file in the way, naming it. It need not exist.
    """
    path = clean_path(folder, where=where)
    if not path:
        raise ConfigError(
            f"{where}: is the repository itself", hint="choose a folder of its own, like infra/vault/prod"
        )
    check_no_link(path, top=top, where=where)


def check_no_link(path: str, *, top: Path, where: str) -> None:
    """Raise ConfigError if `path`, or a folder on the way to it from `top`, is no real folder."""
    reached = Path(top)
    for part in path.split("/"):
        reached /= part
        try:
            mode = os.lstat(reached).st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigError(f"{where}: cannot look at {_shown(reached, top)}") from error
        if stat.S_ISLNK(mode):
            raise ConfigError(
                f"{where}: {_shown(reached, top)} is a symbolic link",
                hint="replace the link by a folder, or map the folder it points to",
            )
        if not stat.S_ISDIR(mode):
            raise ConfigError(
                f"{where}: {_shown(reached, top)} is not a folder", hint="move it away, or map another folder"
            )


def _shown(path: Path, top: Path) -> str:
    return repr(path.relative_to(top).as_posix())
