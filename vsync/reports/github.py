"""Findings for GitHub Actions: annotations of the log, and a table for the summary of the step.

Nothing from a repository or a store may become a command of the runner or markup of the page:
annotations are escaped as the runner decodes them, the table holds no character that Markdown
or HTML reads (attack 91).
"""

from vsync.guard.formats import annotation
from vsync.model import Failure, Finding, Report
from vsync.report import harmless
from vsync.reports.text import finding_text, summary

MOST_ROWS = 300  # GitHub takes 1 MiB a step
_PLAIN = frozenset(" .,/-")


def annotations(report: Report) -> list[str]:
    """Return one annotation a finding or failure."""
    found = [one for result in report.results for one in result.findings]
    return [*map(_annotation, found), *map(_failed, report.failures)]


def _annotation(one: Finding) -> str:
    level = "notice" if one.notice else "error"
    text = f"{one.vault or 'repository'}: {finding_text(one)}"
    return annotation(level, harmless(text), file=harmless(one.path), title=f"vsync {one.id}")


def _failed(failure: Failure) -> str:
    hint = f"; fix: {failure.error.hint}" if failure.error.hint else ""
    return annotation("error", harmless(failure.error.message + hint), title="vsync verify")


def step_summary(report: Report) -> str:
    """Return a Markdown table of everything that was found."""
    lines = ["### vsync verify", "", _cell(summary(report, brief=True)), ""]
    rows = [
        (one.vault or "repository", "notice" if one.notice else one.id, one.found, one.wanted, one.fix)
        for result in report.results
        for one in result.findings
    ]
    rows += [
        (failure.vault, "not looked at", failure.error.message, "", failure.error.hint or "")
        for failure in report.failures
    ]
    more = len(rows) - MOST_ROWS
    if rows:
        lines += ["| vault | what | is | should be | fix |", "|---|---|---|---|---|"]
        lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows[:MOST_ROWS]]
        lines += ["", _cell(f"and {more} more, in the log")] if more > 0 else []
    return "\n".join(lines) + "\n\n"


def _cell(text: str) -> str:
    """Return text that neither Markdown nor HTML reads as anything but itself."""
    return "".join(
        char if char.isalnum() or char in _PLAIN or not char.isascii() else f"&#{ord(char)};"
        for char in harmless(text)
    )
