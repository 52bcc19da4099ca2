"""Edit the committed configuration so that comments, order and spelling survive (product contract §2).

1. Text in, text out; tomlkit does the writing, and only what is asked for changes.
2. The result is read again with tomllib and compared with what it must say: where tomlkit
   cannot express a change in somebody's layout, nothing is written.
3. In a pyproject.toml the tables stand under `[tool.vsync]`, or `[tool.envdrift]` if only that
   is there.
"""

import contextlib
import copy
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Readable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from vsync.config.mappings import secret_of
from vsync.config.schema import S3Routing
from vsync.errors import ConfigError, DiskError
from vsync.model import Json, SecretName

_LONE_NEWLINE = re.compile(r"(?<!\r)\n")
Change = Callable[[Json], None]
# What tomlkit raises where it does not support somebody's layout, and our own refusals.
_UNSUPPORTED = (TOMLKitError, TypeError, ValueError, LookupError, AttributeError, ConfigError)
_PYPROJECT_SIGNS = ("tool", "project", "build-system")


@dataclass(frozen=True, slots=True)
class NewMapping:
    """What a mapping shall say; None is not said, and changes nothing where the mapping exists.

    Paths are relative to the configuration's folder: see `config.path_in_file`.
    """

    secret: SecretName
    folder: str | None = None
    environment: str | None = None
    env_file: str | None = None
    profile: str | None = None
    activate_to: str | None = None
    template: str | None = None
    required: tuple[str, ...] | None = None

    def entry(self) -> dict[str, Any]:
        """Return the keys and values of the TOML table, in the order they are written."""
        values = {
            "secret_name": str(self.secret),
            "folder_path": self.folder,
            "environment": self.environment,
            "env_file": self.env_file,
            "profile": self.profile,
            "activate_to": self.activate_to,
            "template": self.template,
            "required": None if self.required is None else list(self.required),
        }
        return {key: value for key, value in values.items() if value is not None}


def add_mapping(text: str, mapping: NewMapping) -> str:
    """Return the text with the mapping after the others; one of the same secret is changed in place.

    Raises ConfigError when the text is not TOML or cannot be edited safely.
    """
    entry = mapping.entry()
    index = _index_of(_root(_values(text)), mapping.secret)
    if index is None:
        return _edited(text, lambda root: _append(root, entry))
    for key, value in entry.items():
        if key != "secret_name":
            text = _edited(text, partial(_set_in_row, index, key, value))
    if _index_of(_root(_values(text)), mapping.secret) != index:
        # Its name came from the environment, which is another now.
        text = _edited(text, partial(_set_in_row, index, "secret_name", entry["secret_name"]))
    return text


def set_vault(
    text: str, *, provider: str | None = None, repo: str | None = None, s3: S3Routing | None = None
) -> str:
    """Return the text with `[vault]` as said; None leaves a key as it is.

    With `s3`, `[vault.s3]` says exactly that afterwards: a key that is None there is taken out.
    """
    for key, value in (("provider", provider), ("repo", repo)):
        if value is not None:
            text = _edited(text, partial(_set, ("vault",), key, value))
    for key, value in s3._asdict().items() if s3 is not None else ():
        change = partial(_remove, key) if value is None else partial(_set, ("vault", "s3"), key, value)
        text = _edited(text, change)
    return text


def set_lock_names(text: str, names: bool) -> str:
    """Return the text with `[vault.lock] names` set: whether `vsync.lock` lists names."""
    return _edited(text, partial(_set, ("vault", "lock"), "names", names))


def add_allowance(text: str, *, path: str, rule: str, reason: str) -> str:
    """Return the text with one more `[[guard.allow]]`; one for the same path and rule gets the reason."""
    rows = _subtable(_root(_values(text)), "guard").get("allow", [])
    if not isinstance(rows, list):
        raise _uneditable()
    for index, row in enumerate(rows):
        if isinstance(row, Readable) and (row.get("path"), row.get("rule")) == (path, rule):
            return _edited(text, partial(_set_reason, index, reason))
    return _edited(text, lambda root: _allow(root, {"path": path, "rule": rule, "reason": reason}))


def read_text(path: Path) -> str:
    """Return a configuration's text as it is, line ends included; empty when there is no file."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read as text", hint="check the file") from error


def write_config(path: Path, text: str) -> None:
    """Replace the file as a whole, keeping its mode, and have it on disk before returning.

    Raises ConfigError for a link, which may lead out of the repository, and DiskError.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        mode = _mode(path)
        # The committed file is no secret: a new one gets the mode that the user's umask leaves.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(beside, flags, 0o666)
        with open(descriptor, "wb") as file:
            if mode is not None:
                os.chmod(beside, mode)
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        os.replace(beside, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise DiskError(f"{path.name}: cannot be written: {reason}", hint="check the folder") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(beside)


def _edited(text: str, change: Change) -> str:
    """Change the text by tomlkit and a plain copy of its values alike; they must agree in the end."""
    before = _values(text)
    wanted = copy.deepcopy(before)
    change(_root(wanted))
    if wanted == before:
        return text
    ended = text if not text or text.endswith("\n") else text + "\n"
    attempts: tuple[Callable[[], str], ...] = (
        lambda: _in_place(ended, change),
        lambda: _at_the_end(ended, _addition(before, wanted)),
    )
    for attempt in attempts:
        # What tomlkit raises where it does not support somebody's layout, and our own refusals.
        with contextlib.suppress(
            TOMLKitError, TypeError, ValueError, LookupError, AttributeError, ConfigError
        ):
            result = attempt()
            if _values(result) == wanted:
                crlf = "\r\n" in text and _LONE_NEWLINE.search(text) is None
                return _LONE_NEWLINE.sub("\r\n", result) if crlf else result
    raise _uneditable()


def _in_place(text: str, change: Change) -> str:
    document = tomlkit.parse(text)
    change(_root(document))
    return _with_room(text, tomlkit.dumps(document))


def _at_the_end(text: str, addition: Json) -> str:
    # Tables that stand apart from each other are more than tomlkit can join; new ones can follow.
    return f"{text}\n{tomlkit.dumps(addition)}"


def _addition(before: Json, wanted: Json) -> Json:
    """Return the tables and rows that came in; ValueError when something was changed or taken out."""
    if isinstance(before, dict) and isinstance(wanted, dict) and before.keys() <= wanted.keys():
        pairs = {key: (before.get(key), value) for key, value in wanted.items() if before.get(key) != value}
        return {key: new if old is None else _addition(old, new) for key, (old, new) in pairs.items()}
    if isinstance(before, list) and isinstance(wanted, list) and wanted[: len(before)] == before:
        return wanted[len(before) :]
    raise ValueError


def _values(text: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        return tomllib.loads(text)
    # Outside the parser's exception: it may quote the file.
    raise ConfigError("the configuration is not valid TOML", hint="correct the file, then try again")


def _uneditable() -> ConfigError:
    return ConfigError(
        "the configuration is written in a way that cannot be edited safely",
        hint="write its tables as [vault], [vault.s3] and [[vault.sync.mappings]], then try again",
    )


def _root(document: Json) -> Json:
    """Return the table that `[vault]` stands in, or shall stand in."""
    tools = document.get("tool", {})
    for tool in ("vsync", "envdrift"):
        if tool in tools:
            return _subtable(tools, tool)
    if any(sign in document for sign in _PYPROJECT_SIGNS):
        return _subtable(_subtable(document, "tool"), "vsync")
    return document


def _subtable(table: Json, key: str) -> Json:
    if key not in table:
        table[key] = {}
    if not isinstance(table[key], Readable):
        raise _uneditable()
    return table[key]


def _set(path: Sequence[str], key: str, value: Json, root: Json) -> None:
    table = root
    for part in path:
        table = _subtable(table, part)
    if table.get(key) != value:
        table[key] = value


def _remove(key: str, root: Json) -> None:
    routing = root.get("vault", {}).get("s3", {})
    if key in routing:
        del routing[key]


def _rows(root: Json) -> Json:
    rows = _subtable(_subtable(root, "vault"), "sync").get("mappings", [])
    if not isinstance(rows, list):
        raise _uneditable()
    return rows


def _append(root: Json, entry: Json) -> None:
    rows = _rows(root)
    if rows:
        rows.append(entry)
    else:
        root["vault"]["sync"]["mappings"] = [entry]


def _allow(root: Json, entry: Json) -> None:
    guard = _subtable(root, "guard")
    if guard.get("allow"):
        guard["allow"].append(entry)
    else:
        guard["allow"] = [entry]


def _set_reason(index: int, reason: str, root: Json) -> None:
    row = root["guard"]["allow"][index]
    if row["reason"] != reason:
        row["reason"] = reason


def _set_in_row(index: int, key: str, value: Json, root: Json) -> None:
    row = _rows(root)[index]
    if row.get(key) != value:
        row[key] = value


def _index_of(root: Json, secret: SecretName) -> int | None:
    """Return the place of the mapping of a vault; a broken entry is for load_config to report."""
    rows = _rows(root)
    repo = root["vault"].get("repo", secret.repo)
    for index, row in enumerate(rows):
        with contextlib.suppress(ConfigError, TypeError, AttributeError):
            if secret_of(row, repo=repo, where="") == secret:
                return index
    return None


def _with_room(before: str, after: str) -> str:
    """Put what came in before the comment of what follows it, a new table between blank lines.

    Lines are only moved when all that happened is that lines came in; otherwise nothing is.
    """
    old, new = before.split("\n"), after.split("\n")
    head = _common(old, new)
    tail = min(_common(old[::-1], new[::-1]), len(old) - head)
    rest, added = old[len(old) - tail :], _stripped(new[head : len(new) - tail])
    more = any(line.strip() for line in rest)
    is_table = bool(added) and added[0].startswith("[")
    if head + tail < len(old) or not added or not (more or is_table):
        return after
    # At the end of the file, what comes after the last newline stays the last line.
    split = _end_of_table(old, head) if more else len(old) - 1
    follows = [*old[split:head], *rest] if more else [""]
    above = [""] if is_table and split and old[split - 1].strip() else []
    below = [""] if is_table and more and follows[0].strip() else []
    return "\n".join([*old[:split], *above, *added, *below, *follows])


def _stripped(lines: Sequence[str]) -> list[str]:
    kept = [index for index, line in enumerate(lines) if line.strip()]
    return list(lines[kept[0] : kept[-1] + 1]) if kept else []


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(first), len(second)))


def _end_of_table(lines: Sequence[str], end: int) -> int:
    """Return the line after a table's own: the first blank one of the comments before `end`."""
    start = end
    while start and (not lines[start - 1].strip() or lines[start - 1].lstrip().startswith("#")):
        start -= 1
    return next((index for index in range(start, end) if not lines[index].strip()), end)


def _mode(path: Path) -> int | None:
    """Return the mode of an existing regular file; ConfigError for anything else of that name."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{path.name}: is not a regular file", hint="replace it by a file, then try again")
    return stat.S_IMODE(found.st_mode)


def _sync_folder(path: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
