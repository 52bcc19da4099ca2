"""Findings as lines: a block a vault for people, one line a finding for a job's log."""

from collections import Counter
from collections.abc import Iterator

from vsync.model import Finding, Report, Result
from vsync.report import harmless

UNKNOWN = "unknown"
"""The state of a vault that could not be looked at."""


def verify_lines(report: Report, *, brief: bool) -> list[str]:
    """Return the lines for stdout, the summary last; `brief` leaves out vaults without a finding."""
    width = max((len(result.vault or "") for result in report.results), default=0)
    lines = []
    for result in report.results:
        if not brief:
            lines.append(f"{result.vault or '':<{width}}  {result.summary}")
            lines += [f"    {line}" for line in _below(result)]
        else:
            lines += [f"{one.vault or 'repository'}: {finding_text(one)}" for one in result.findings]
    return [harmless(line) for line in (*lines, summary(report, brief=brief))]


def _below(result: Result) -> Iterator[str]:
    for one in result.findings:
        yield f"{_mark(one)}{one.id}: {one.found}"
        yield f"  wanted: {one.wanted}"
        yield f"  fix:    {one.fix}"
    skipped: dict[str, str] = result.data.get("skipped", {})
    if skipped:
        yield "not looked at: " + ", ".join(f"{check} ({reason})" for check, reason in skipped.items())


def finding_text(one: Finding) -> str:
    """Return a finding as one line, its vault left out."""
    return f"{_mark(one)}{one.id}: {one.found}; wanted: {one.wanted}; fix: {one.fix}"


def _mark(one: Finding) -> str:
    return "notice: " if one.notice else ""


def summary(report: Report, *, brief: bool) -> str:
    """Return how much was looked at, what was not, and how much was found."""
    findings = [one for result in report.results for one in result.findings]
    vaults = sum(result.vault is not None for result in report.results) + len(report.failures)
    made = sum(len(result.data.get("checked", ())) for result in report.results)
    notices = sum(one.notice for one in findings)
    unknown = sum(result.state == UNKNOWN for result in report.results) + len(report.failures)
    parts = [
        counted(vaults, "vault"),
        counted(made, "check"),
        counted(len(findings) - notices, "finding"),
        *([counted(notices, "notice")] if notices else []),
        *([f"{counted(unknown, 'vault')} could not be looked at"] if unknown else []),
    ]
    told = first_contact(report)
    return f"verify: {', '.join(parts)}" + (_skipped(report) if brief else "") + (f"; {told}" if told else "")


def first_contact(report: Report) -> str:
    """Return a word about vaults of which this machine remembers nothing (attack 21), or nothing."""
    count = sum(bool(result.data.get("first_contact")) for result in report.results)
    told = f"first contact with {counted(count, 'vault')}: only the lock can tell whether they were set back"
    return told if count else ""


def _skipped(report: Report) -> str:
    """Return what was not looked at in all vaults together."""
    skipped: Counter[str] = Counter()
    for result in report.results:
        skipped.update(f"{check} ({reason})" for check, reason in result.data.get("skipped", {}).items())
    listed = "; ".join(what + (f" in {count} vaults" if count > 1 else "") for what, count in skipped.items())
    return f"; not looked at: {listed}" if listed else ""


def counted(number: int, what: str) -> str:
    """Return `1 vault`, `2 vaults`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
