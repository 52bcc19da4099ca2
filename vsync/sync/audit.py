"""git vsync audit: the log, read and judged (formats §7)."""

from dataclasses import asdict

from vsync.formats.audit_log import Row, check_chain, read_log
from vsync.model import Mapping, Result
from vsync.sync.opened import open_vault
from vsync.sync.trail import read_audit
from vsync.world import World


def audit(
    world: World, mapping: Mapping, *, since: str | None, limit: int | None, verify: bool
) -> tuple[Result, ...]:
    """Return one result a row, oldest first; with `verify` each carries its verdict.

    `since` is a date or moment that timestamps are compared with as text (ISO 8601 sorts).
    A row is a finding (code 1) when the chain of MACs breaks there, or when rows are missing
    that this machine has seen.
    """
    vault = open_vault(world, mapping)
    log = read_log(read_audit(vault)[0])
    verdicts = [""] * len(log.rows)
    if verify:
        keys = {key.key_id: key for key in (vault.key, *vault.retired_keys())}
        verdicts = check_chain(log.rows, keys)
    rows = [
        _result(mapping, row, verdict)
        for row, verdict in zip(log.rows, verdicts, strict=True)
        if since is None or row.ts >= since
    ]
    rows = rows if limit is None else rows[-limit:] if limit else []
    return (*rows, *_missing(world, mapping, len(log.rows)))


def _result(mapping: Mapping, row: Row, verdict: str) -> Result:
    who = row.git_email or row.os_user or "?"
    shown = [row.ts, row.action, row.version_ts, f"{who} on {row.hostname}", *([verdict] if verdict else [])]
    data = asdict(row) | ({"verdict": verdict} if verdict else {})
    code = 1 if verdict == "broken" else 0
    return Result(str(mapping.secret), verdict or "row", "  ".join(filter(None, shown)), data=data, code=code)


def _missing(world: World, mapping: Mapping, count: int) -> tuple[Result, ...]:
    seen = world.machine.memory.seen(mapping.secret)
    if seen is None or count >= seen.rows:
        return ()
    text = f"the log has {count} rows, this machine saw {seen.rows}: the newest were removed"
    return (Result(str(mapping.secret), "truncated", text, data={"rows": count, "seen": seen.rows}, code=1),)
