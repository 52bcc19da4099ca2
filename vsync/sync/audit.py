"""git vsync audit: the log, read and judged (formats §7)."""

from dataclasses import asdict

from vsync.formats.audit_log import Row, check_chain, read_log
from vsync.model import Mapping, Result
from vsync.sync.opened import open_vault
from vsync.sync.trail import lost_rows, read_audit, remember_rows
from vsync.world import World


def audit(
    world: World, mapping: Mapping, *, since: str | None, limit: int | None, verify: bool
) -> tuple[Result, ...]:
    """Return one result a row, oldest first; with `verify` each carries its verdict.

    `since` is a date or moment that timestamps are compared with as text (ISO 8601 sorts).
    A row is a finding (code 1) when the chain of MACs breaks there, or when it has none
    although every writer of this layout makes one; findings are shown whatever `since` and
    `limit` say. So is a log that lost rows which this machine has seen.
    """
    vault = open_vault(world, mapping)
    log = read_log(read_audit(vault)[0])
    verdicts = [""] * len(log.rows)
    if verify:
        keys = {key.key_id: key for key in (vault.key, *vault.retired_keys())}
        verdicts = check_chain(log.rows, keys)
    suspect = {"broken"} if vault.root.classic else {"broken", "not authenticated"}
    results = [
        _result(mapping, row, verdict, code=int(verdict in suspect))
        for row, verdict in zip(log.rows, verdicts, strict=True)
    ]
    first = len(results) if limit == 0 else 0 if limit is None else max(0, len(results) - limit)
    shown = tuple(
        result
        for number, result in enumerate(results)
        if result.code or (number >= first and (since is None or str(result.data["ts"]) >= since))
    )
    problem = lost_rows(vault, log)
    if problem is None:
        remember_rows(vault, log)
        return shown
    return (*shown, Result(str(mapping.secret), "truncated", problem, data={"rows": len(log.rows)}, code=1))


def _result(mapping: Mapping, row: Row, verdict: str, *, code: int) -> Result:
    who = row.git_email or row.os_user or "?"
    shown = [row.ts, row.action, row.version_ts, f"{who} on {row.hostname}", *([verdict] if verdict else [])]
    data = asdict(row) | ({"verdict": verdict} if verdict else {})
    return Result(str(mapping.secret), verdict or "row", "  ".join(filter(None, shown)), data=data, code=code)
