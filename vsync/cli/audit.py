"""git vsync audit: who did what."""

import csv
import io
from datetime import datetime

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError
from vsync.formats.audit_log import COLUMNS, harmless_cell
from vsync.model import Report
from vsync.report import exit_code, harmless
from vsync.sync.audit import audit


@verb(
    "audit",
    epilog="With --verify, 1 means that a row was changed, removed or inserted.",
    examples=(
        "git vsync audit prod --limit 20",
        "git vsync audit prod --since 2026-01-01 --csv",
        "git vsync audit prod --verify",
    ),
)
@click.argument("vault", required=False)
@click.option("--verify", is_flag=True, help="check the chain of authentication codes, row by row")
@click.option("--since", metavar="DATE", help="rows from this date or moment on (2026-01-31)")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="the newest N rows")
@click.option("--csv", "as_csv", is_flag=True, help="as CSV, safe to open in a spreadsheet")
def command(
    call: Invocation, vault: str | None, verify: bool, since: str | None, limit: int | None, as_csv: bool
) -> Report | None:
    """Show the audit log of a vault, oldest row first."""
    _check_moment(since)
    report = call.report(audit(call.world, call.select_one(vault), since=since, limit=limit, verify=verify))
    if not as_csv:
        return report
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    rows = (result for result in report.results if "ts" in result.data)
    for result in rows:
        table.writerow(harmless_cell(str(result.data.get(column, ""))) for column in COLUMNS)
    click.echo(out.getvalue(), nl=False)
    for result in report.results:
        if "ts" not in result.data:
            click.echo(f"vsync: {harmless(result.summary)}", err=True)
    return click.get_current_context().exit(exit_code(report))


def _check_moment(text: str | None) -> None:
    try:
        datetime.fromisoformat(text or "2026-01-31")
    except ValueError as error:
        raise UsageError(
            f"--since {text!r} is no date", hint="--since 2026-01-31, or 2026-01-31T09:30"
        ) from error
