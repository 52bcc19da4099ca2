"""Configuration files in the index and beside it → what the guard needs of them; runs only when they changed.

Every file counts, wherever it lies, not only the one that holds in some folder: a vault is
a vault for every commit of the repository.
"""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any

from vsync.guard.blobs import read_blobs
from vsync.guard.errors import CannotLook
from vsync.guard.findings import RULES
from vsync.guard.paths import fold
from vsync.guard.rules import links

MAX_CONFIG_BYTES = 4 * 1024 * 1024
_OWN_PROVIDERS = ("s3", "file")
_LINE = re.compile(r"\(at line ([0-9]+), column [0-9]+\)\Z")

Prepared = tuple[
    tuple[str, ...],
    tuple[tuple[str, str], ...],
    tuple[str, ...],
    tuple[str, ...],
    tuple[tuple[str, str, str], ...],
]
"""Vault folders, the links on the way to them, their folded spellings, public names, allowances."""


def prepare(listed: bytes, more: bytes, loose: list[str], top: str | None) -> Prepared:
    """Return what all configuration files say.

    `listed` is what `ls-files -s -z` said, `loose` names files in the work tree. `more` in the form of the
    former, and files of the work tree that git tracks, hold for a while only, and may be half written: of
    them the vaults count, and nothing that lets something pass. CannotLook (2) names the file, and never
    quotes it.
    """
    vaults: dict[str, None] = {}
    public: dict[str, None] = {}
    allow: dict[tuple[str, str, str], None] = {}
    indexed = _from_git(listed)
    tracked = {path for path, _ in indexed}
    beside = _from_work_tree(loose, top)
    for path, data in [*indexed, *((path, data) for path, data in beside if path not in tracked)]:
        tables = _tables(path, data)
        if tables is None:
            continue
        below = path.rpartition("/")[0]
        vaults |= dict.fromkeys(_vaults(tables, path, below))
        guard = _table(tables, "guard", path)
        public |= dict.fromkeys(_names(guard, path))
        allow |= dict.fromkeys(_allowances(guard, path, below))
    for path, data in [*_from_git(more), *((path, data) for path, data in beside if path in tracked)]:
        vaults |= dict.fromkeys(_understood(path, data))
    found = links(top, tuple(vaults))
    real = _real(top, tuple(vaults)) if top and found else ()
    folders = tuple(sorted({fold(os.fsencode(folder)) for folder in (*vaults, *real)}))
    return tuple(vaults), found, folders, tuple(public), tuple(allow)


def _understood(path: str, data: bytes) -> list[str]:
    """Return the vaults of a configuration that need not be in order any more, or not yet."""
    try:
        return _vaults(_tables(path, data) or {}, path, path.rpartition("/")[0])
    except CannotLook:
        return []


def _real(top: str, vaults: tuple[str, ...]) -> tuple[str, ...]:
    """Return where linked vaults really lie, as far as that is inside the work tree."""
    root = os.path.realpath(top)
    real = (os.path.relpath(os.path.realpath(os.path.join(root, vault)), root) for vault in vaults)
    return tuple(sorted({path for path in real if path != "." and not path.startswith("..")} - set(vaults)))


def no_configuration(message: str, hint: str) -> CannotLook:
    """Return the error for a configuration that cannot be understood."""
    return CannotLook(message, hint=hint, code=2)


def _from_git(listed: bytes) -> list[tuple[str, bytes]]:
    paths: list[str] = []
    ids: list[bytes] = []
    for line in listed.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, blob, stage = head.split(b" ")
        # Of a file in conflict every side counts.
        if mode.startswith(b"100") and stage in (b"0", b"2", b"3"):
            paths.append(os.fsdecode(path))
            ids.append(blob)
    contents: dict[bytes, bytes] = {}
    for blob, content in read_blobs(list(dict.fromkeys(ids)), ""):
        contents[blob] = b"".join(content.pieces())
    found = [(path, contents[blob]) for path, blob in zip(paths, ids, strict=True)]
    for name, data in found:
        if len(data) > MAX_CONFIG_BYTES:
            raise no_configuration(
                f"{name} in the index is larger than {MAX_CONFIG_BYTES} bytes", "git restore it"
            )
    return found


def _from_work_tree(names: list[str], top: str | None) -> list[tuple[str, bytes]]:
    found = []
    for name in names:
        path = os.path.join(top or "", name)
        if not _lies_inside(path, top or ""):
            if os.path.islink(path):
                raise no_configuration(
                    f"{name} is a link that leads to no file of the repository", "put a file in its place"
                )
            continue
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                found.append((name, file.read(MAX_CONFIG_BYTES)))
        except OSError:
            continue
    return found


def _lies_inside(path: str, top: str) -> bool:
    """Tell whether a file really lies in the work tree: nothing beyond it is read."""
    real = os.path.realpath(path)
    return real.startswith(os.path.join(os.path.realpath(top), "")) and os.path.exists(real)


def _tables(path: str, data: bytes) -> dict[str, Any] | None:
    """Return our tables of a file, None when it has none."""
    is_pyproject = path.rpartition("/")[2] == "pyproject.toml"
    if is_pyproject and b"vsync" not in data and b"envdrift" not in data:
        return None
    problem = ""
    try:
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except (ValueError, RecursionError) as error:
        found = _LINE.search(str(error))
        problem = f"line {found[1]} is not valid TOML" if found else "is not valid TOML"
    if problem:
        raise no_configuration(
            f"{path}: {problem}, so nobody knows which folders are vaults", f"correct {path}, then git add it"
        )
    if not is_pyproject:
        return tables
    tools = tables.get("tool")
    for name in ("vsync", "envdrift"):
        if isinstance(tools, dict) and isinstance(tools.get(name), dict):
            return dict(tools[name])
    return None


def _table(tables: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    found = tables.get(name, {})
    if not isinstance(found, dict):
        raise no_configuration(f"{path}: [{name}]: must be a table", f"correct {path}, then git add it")
    return found


def _rows(table: dict[str, Any], key: str, path: str) -> list[dict[str, Any]]:
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise no_configuration(
            f"{path}: {key}: must be an array of tables", f"correct {path}, then git add it"
        )
    return rows


def _vaults(tables: dict[str, Any], path: str, below: str) -> list[str]:
    vault = _table(tables, "vault", path)
    if vault.get("provider", "s3") not in _OWN_PROVIDERS:
        return []  # envdrift's folders hold ciphertext that belongs into git
    found = []
    for number, row in enumerate(_rows(_table(vault, "sync", path), "mappings", path), 1):
        folder = row.get("folder_path")
        where = f"{path}: [[vault.sync.mappings]] #{number} folder_path"
        if not isinstance(folder, str):
            raise no_configuration(f"{where}: is missing", 'folder_path = "infra/vault/prod"')
        parts = [part for part in folder.split("/") if part not in ("", ".")]
        if not parts or ".." in parts or folder.startswith(("/", "~")) or "\0" in folder:
            raise no_configuration(f"{where}: must lie in the repository", 'folder_path = "infra/vault/prod"')
        found.append("/".join([below, *parts] if below else parts))
    return found


def _names(guard: dict[str, Any], path: str) -> list[str]:
    names = guard.get("public", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise no_configuration(
            f"{path}: [guard] public: must be an array of names", 'public = ["AWS_REGION"]'
        )
    return names


def _allowances(guard: dict[str, Any], path: str, below: str) -> list[tuple[str, str, str]]:
    found = []
    for number, row in enumerate(_rows(guard, "allow", path), 1):
        where = f"{path}: [[guard.allow]] #{number}"
        for key in ("path", "rule", "reason"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise no_configuration(
                    f"{where} {key}: must be text", "an allowance has path, rule and reason"
                )
        if row["rule"] not in RULES:
            raise no_configuration(f"{where} rule: there is no such rule", f"one of: {', '.join(RULES)}")
        pattern = row["path"].removeprefix("./")
        if pattern.strip("/") in ("", "."):
            raise no_configuration(f"{where} path: allows nothing", 'for every file: path = "**"')
        found.append((f"{below}/{pattern}" if below else pattern, row["rule"], row["reason"].strip()))
    return found
