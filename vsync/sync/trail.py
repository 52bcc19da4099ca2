"""Writing the audit log: rows are appended by compare-and-swap (formats §7).

An audit row that cannot be written is never an error of the verb: it is reported, waits on
this machine, and goes with the next writing verb.
"""

import random
import time
from dataclasses import replace
from datetime import UTC, datetime

from vsync import __version__
from vsync.errors import NotFound, Refused, StaleTag, StoreError, VsyncError
from vsync.formats.audit_log import (
    MAX_LOG_BYTES,
    Log,
    Row,
    append_row,
    encode_meta,
    read_log,
    seal_row,
    split_meta,
)
from vsync.machine.memory import Pending
from vsync.sync.opened import OpenVault
from vsync.world import World

PUBLISHING = ("push", "rotate")
"""The actions that make a version."""

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 2.0


def new_row(world: World, action: str, version: str, *, meta: dict[str, object] | None = None) -> Row:
    """Return the row for what is being done now; meta that is too long is cut, with a notice."""
    import platform

    text, truncated = encode_meta(world.actor.meta | (meta or {}))
    if truncated:
        world.terminal.notice(
            "the note and meta are longer than 2048 bytes and were left out of the audit log"
        )
    return Row(
        ts=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        action=action,
        version_ts=version,
        hostname=world.actor.hostname,
        local_ip=world.actor.local_ip,
        os_user=world.actor.os_user,
        git_email=world.actor.git_email or "",
        vsync_version=__version__,
        bun_version=f"python {platform.python_version()}",
        meta=text,
    )


def write_row(vault: OpenVault, row: Row) -> None:
    """Append a row, and those that waited; what cannot be written now waits (never raises for that)."""
    if not vault.binding.audit:
        return
    memory = vault.world.machine.memory
    pending = memory.pending(vault.secret)
    memory.write_pending(vault.secret, Pending(pending.publication, (*pending.rows, row)))
    flush_rows(vault)


def flush_rows(vault: OpenVault) -> None:
    """Write the rows that wait, if there are any; says so when they have to go on waiting."""
    memory = vault.world.machine.memory
    pending = memory.pending(vault.secret)
    if not pending.rows:
        return
    try:
        log = _append(vault, pending.rows)
    except Refused:
        # A read-only user cannot write the log, today or tomorrow: keep no queue for that.
        vault.world.terminal.notice(f"{vault.secret}: no audit row: this identity may not write to the store")
    except VsyncError as error:
        vault.world.terminal.notice(f"{vault.secret}: the audit row waits on this machine: {error.message}")
        return
    else:
        remember_rows(vault, log)
    memory.write_pending(vault.secret, Pending(pending.publication, ()))


def _append(vault: OpenVault, rows: tuple[Row, ...]) -> Log:
    deadline = time.monotonic() + vault.world.machine.settings.audit_timeout
    pause = FIRST_PAUSE_SECONDS
    while True:
        before, tag = read_audit(vault)
        log = read_log(before)
        _notice_lost_rows(vault, log)
        data = before
        for row in _unwritten(vault, rows, log):
            data = append_row(data, seal_row(row, vault.key, read_log(data).last_mac))
        if data == before:
            return log
        try:
            vault.store.swap(vault.root.audit, data, expected=tag)
        except StaleTag:
            if time.monotonic() + pause > deadline:
                raise StoreError("others kept writing to the audit log") from None
            time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        else:
            return read_log(data)


def _unwritten(vault: OpenVault, rows: tuple[Row, ...], log: Log) -> list[Row]:
    """Return the rows the log does not have: the answer of an earlier append may have been lost."""

    def plain(row: Row) -> Row:
        return replace(row, meta=split_meta(row.meta)[0])

    present = {plain(row) for row in log.rows}
    return [row for row in rows if plain(seal_row(row, vault.key, "")) not in present]


def read_audit(vault: OpenVault) -> tuple[bytes, str | None]:
    """Return the log's bytes and its tag; empty and None when there is none yet."""
    try:
        blob = vault.store.read(vault.root.audit, limit=MAX_LOG_BYTES)
    except NotFound:
        return b"", None
    return blob.data, blob.tag


def lost_rows(vault: OpenVault, log: Log) -> str | None:
    """Say so when the log is no continuation of what this machine has seen of it."""
    seen = vault.world.machine.memory.seen(vault.secret)
    if seen is None:
        return None
    if len(log.rows) < seen.rows:
        return f"the audit log has {len(log.rows)} rows, and this machine saw {seen.rows}: rows were removed"
    if Log(log.rows[: seen.rows]).last_mac == seen.last_mac:
        return None
    return f"the first {seen.rows} rows of the audit log are not those that this machine saw"


def remember_rows(vault: OpenVault, log: Log) -> None:
    """Remember how far the log has come, unless rows were lost: that must go on being found."""
    if lost_rows(vault, log) is None:
        vault.world.machine.memory.see_rows(vault.secret, len(log.rows), log.last_mac)


def _notice_lost_rows(vault: OpenVault, log: Log) -> None:
    problem = lost_rows(vault, log)
    if problem:
        vault.world.terminal.notice(f"{vault.secret}: {problem} (git vsync audit shows what is left)")
