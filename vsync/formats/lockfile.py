"""`vsync.lock`: which bundle each commit belongs to (formats §9).

One array table a vault, sorted by name, one name a line, so that git merges it line by line.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from vsync.errors import ConfigError, IntegrityError
from vsync.formats.strict import HEX16, HEX64, Fields
from vsync.formats.version import MAX_GENERATION, parse_version

FILE_NAME = "vsync.lock"
MAX_LOCK_BYTES = 16 * 1024 * 1024
EMPTY_LOCK = "version = 1\n"
_PART = "[a-z0-9][a-z0-9._-]{0,99}"
_NAME = re.compile(f"{_PART}/{_PART}", re.ASCII)
_MARKERS = ("<<<<<<< ", "||||||| ", "=======", ">>>>>>> ")


@dataclass(frozen=True, slots=True)
class LockEntry:
    """The bundle a commit belongs to; `variables` and `files` are names, never values."""

    name: str
    version: str
    generation: int
    key_id: str
    sha256: str
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def lock_from_text(text: str) -> dict[str, LockEntry]:
    """Return the entries by secret name. ConfigError for conflict markers or anything malformed."""
    if len(text) > MAX_LOCK_BYTES:
        raise ConfigError(f"{FILE_NAME} is larger than {MAX_LOCK_BYTES} bytes")
    if has_markers(text):
        raise ConfigError(f"{FILE_NAME} has conflict markers", hint="git vsync lock --resolve")
    try:
        document = Fields(tomllib.loads(text), FILE_NAME)
        if document.integer("version", 0, 2**31) != 1:
            raise ConfigError(f"{FILE_NAME} has an unknown version", hint="update vsync and try again")
        entries = [_entry(row) for row in document.tables("bundle")]
    except (tomllib.TOMLDecodeError, RecursionError, IntegrityError) as error:
        raise ConfigError(
            f"{FILE_NAME} is malformed: {_where(error)}", hint=f"git checkout {FILE_NAME}"
        ) from error
    by_name = {entry.name: entry for entry in entries}
    if len(by_name) != len(entries):
        raise ConfigError(f"{FILE_NAME} names a vault twice", hint="remove one [[bundle]] table")
    return by_name


def has_markers(text: str) -> bool:
    """Tell whether a merge left conflict markers."""
    # Not splitlines(): a name may hold what Python, but not TOML, takes for the end of a line.
    return any(line.startswith(_MARKERS) for line in text.split("\n"))


def _where(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it nests too deeply"
    return error.message if isinstance(error, IntegrityError) else str(error).split("\n", 1)[0]


def _entry(fields: Fields) -> LockEntry:
    version = fields.text("version")
    parse_version(version)
    generation = fields.integer("generation", 0, MAX_GENERATION)
    # Classic stores have no generation, and their head names neither key nor digest.
    nameless = generation == 0
    return LockEntry(
        name=fields.shaped("name", _NAME),  # it stands in hints that people type
        version=version,
        generation=generation,
        key_id=_digits(fields, "key_id", HEX16, empty=nameless),
        sha256=_digits(fields, "sha256", HEX64, empty=nameless),
        variables=fields.texts("variables"),
        files=fields.texts("files"),
    )


def _digits(fields: Fields, key: str, shape: re.Pattern[str], *, empty: bool) -> str:
    return "" if empty and fields.values.get(key) == "" else fields.shaped(key, shape)


def lock_to_text(entries: Iterable[LockEntry]) -> str:
    """Return the file: sorted by name, names sorted by their UTF-8 bytes."""
    blocks = [_block(entry) for entry in sorted(entries, key=lambda entry: entry.name.encode())]
    return "version = 1\n" + "".join(f"\n{block}" for block in blocks)


def _block(entry: LockEntry) -> str:
    lines = [
        "[[bundle]]",
        f"name = {_string(entry.name)}",
        f"version = {_string(entry.version)}",
        f"generation = {entry.generation}",
        f"key_id = {_string(entry.key_id)}",
        f"sha256 = {_string(entry.sha256)}",
    ]
    for key, names in (("variables", entry.variables), ("files", entry.files)):
        if names:
            ordered = sorted(set(names), key=str.encode)
            lines += [f"{key} = [", *(f"    {_string(name)}," for name in ordered), "]"]
    return "\n".join(lines) + "\n"


def _string(text: str) -> str:
    """Return a TOML basic string; JSON's is one, but for DEL (TOML 1.0)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
