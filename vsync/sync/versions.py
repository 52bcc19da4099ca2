"""git vsync versions: every version of a vault, newest first, with what the audit log says of each."""

import json
from datetime import datetime

from vsync.errors import IntegrityError, Refused, RolledBack
from vsync.formats.audit_log import Row, read_log
from vsync.formats.version import parse_version
from vsync.model import Mapping, Result
from vsync.sync.head import Head, read_head, remember
from vsync.sync.locking import locked_entry
from vsync.sync.opened import OpenVault, open_vault
from vsync.sync.trail import PUBLISHING, read_audit
from vsync.world import World


def versions(world: World, mapping: Mapping, doubts: list[RolledBack]) -> tuple[Result, ...]:
    """Return one result a version; `current` is the pointer's, `locked` this commit's.

    A store that was set back is listed all the same, so that a version can be named, with no
    version current and the reason in `doubts`. A version that the log does not know was never
    published, or its row was lost.
    """
    vault = open_vault(world, mapping)
    head = _head_if_believed(vault, doubts)
    entry = locked_entry(world, mapping.secret)
    pushes = _pushes(vault)
    found = []
    for info in vault.store.names(vault.root.versions_prefix):
        version = vault.root.version_of(info.name)
        if version is None:
            continue
        marks = {
            "current": head is not None and head.version == version,
            "locked": entry is not None and entry.version == version,
        }
        found.append(_result(world, mapping, version, info.size, pushes.get(version), marks))
    return tuple(sorted(found, key=lambda result: str(result.data["version"]), reverse=True))


def _head_if_believed(vault: OpenVault, doubts: list[RolledBack]) -> Head | None:
    """Return the newest version; None, and a doubt, when the store was set back."""
    try:
        head = read_head(vault)
    except RolledBack as error:
        doubts.append(error)
        return None
    if head is not None:
        remember(vault, head)
    return head


def _pushes(vault: OpenVault) -> dict[str, Row]:
    """Return the row that published each version; none when the log cannot be read."""
    try:
        log = read_log(read_audit(vault)[0])
    except (IntegrityError, Refused) as error:
        vault.world.terminal.notice(f"{vault.secret}: {error.message}")
        return {}
    return {row.version_ts: row for row in log.rows if row.action in PUBLISHING}


def _result(
    world: World, mapping: Mapping, version: str, size: int, row: Row | None, marks: dict[str, bool]
) -> Result:
    data = {
        "version": version,
        "size": size,
        "by": (row.git_email or row.os_user) if row else None,
        "note": _note(row),
        "age_seconds": int((world.now - parse_version(version)).total_seconds()),
        **marks,
    }
    shown = [
        version,
        age(world.now, parse_version(version)),
        human_size(size),
        str(data["by"] or "not in the audit log"),
    ]
    shown += [name for name, on in marks.items() if on] + ([str(data["note"])] if data["note"] else [])
    return Result(str(mapping.secret), "current" if marks["current"] else "old", "  ".join(shown), data=data)


def _note(row: Row | None) -> str | None:
    try:
        note = json.loads(row.meta).get("note") if row and row.meta else None
    except (ValueError, AttributeError):
        return None
    return note if isinstance(note, str) else None


def age(now: datetime, then: datetime) -> str:
    """Return how long ago a moment was, in its largest unit; clocks differ, so the future is `0s`."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit} ago"
    return f"{seconds}s ago"


def human_size(size: int) -> str:
    """Return a size in the unit that leaves at most four digits."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":  # noqa: PLR2004 - the step between the units
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{size} B"
