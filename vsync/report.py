"""Answers and errors as text or JSON: the only place that formats what people and scripts read.

Whatever comes from a store, a repository or a file name is made harmless on its way to a
terminal: control, direction-changing and invisible characters are shown as escapes.
"""

import json
import unicodedata
from typing import Any

from vsync.errors import VsyncError, gravest
from vsync.model import Report, Result

JSON_VERSION = 1
_HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")


def harmless(text: str) -> str:
    """Return one line that a terminal shows as it is (attack 92)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def exit_code(report: Report) -> int:
    """Return the gravest code of all vaults (product contract §7)."""
    codes = [result.code for result in report.results]
    return gravest(codes + [failure.error.exit_code for failure in report.failures])


def to_text(report: Report, *, quiet: bool, verbose: bool) -> list[str]:
    """Return the lines for stdout: one a result, its details indented below."""
    lines = []
    width = max((len(result.vault or "") for result in report.results), default=0)
    for result in report.results:
        name = f"{result.vault or '':<{width}}  " if result.vault else ""
        lines.append(harmless(name + result.summary))
        shown = () if quiet else result.details
        lines += [f"    {harmless(line)}" for line in (shown if verbose else _shortened(shown))]
    return lines


def _shortened(details: tuple[str, ...], most: int = 20) -> tuple[str, ...]:
    if len(details) <= most:
        return details
    return (*details[:most], f"… and {len(details) - most} more (-v shows all)")


def to_json(report: Report) -> str:
    """Return the one document of `--json`; ASCII, so that C1 and bidi characters are escaped too."""
    document: dict[str, Any] = {
        "version": JSON_VERSION,
        "verb": report.verb,
        "exit_code": exit_code(report),
        "results": [_result(result) for result in report.results],
    }
    if report.failures:
        document["errors"] = [
            {"vault": failure.vault, **_error(failure.error)} for failure in report.failures
        ]
    if report.untried:
        document["not_tried"] = list(report.untried)
    return json.dumps(document, ensure_ascii=True)


def untried_line(report: Report) -> str:
    """Return the line for stderr about the vaults after the one that stopped the verb."""
    return f"vsync: not tried: {harmless(', '.join(report.untried))}"


def _result(result: Result) -> dict[str, Any]:
    row = {"vault": result.vault, "state": result.state, "summary": result.summary}
    findings = {"findings": [one._asdict() for one in result.findings]} if result.findings else {}
    return row | {"details": list(result.details), **result.data} | findings


def _error(error: VsyncError) -> dict[str, Any]:
    return {"code": error.exit_code, "message": error.message, "hint": error.hint}


def error_lines(error: VsyncError) -> list[str]:
    """Return the one or two lines for stderr (product contract §7)."""
    lines = [f"vsync: error: {harmless(error.message)}"]
    return [*lines, f"vsync: hint: {harmless(error.hint)}"] if error.hint else lines


def error_json(verb: str, error: VsyncError) -> str:
    """Return the document of `--json` for a verb that did not get as far as a report."""
    document = {"version": JSON_VERSION, "verb": verb, "exit_code": error.exit_code, "results": []}
    return json.dumps({**document, "errors": [{"vault": None, **_error(error)}]})
