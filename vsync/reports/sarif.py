"""Findings as SARIF 2.1.0 (OASIS), for code scanning."""

import json
from typing import Any
from urllib.parse import quote

from vsync import __version__
from vsync.checks import IDS
from vsync.model import Finding, Report
from vsync.report import exit_code, harmless
from vsync.reports.text import UNKNOWN, finding_text, first_contact

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = list(IDS)


def to_sarif(report: Report) -> str:
    """Return a log with one run; what could not be looked at is a notification of a failed invocation."""
    driver = {
        "name": "vsync verify",
        "semanticVersion": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, (_, text) in IDS.items()],
    }
    invocation: dict[str, Any] = {
        "executionSuccessful": not report.failures
        and not any(one.state == UNKNOWN for one in report.results),
        "exitCode": exit_code(report),
        "toolExecutionNotifications": [*_failed(report), *_first_contact(report)],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "results": [_result(one) for result in report.results for one in result.findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _failed(report: Report) -> list[dict[str, Any]]:
    texts = (harmless(f"{one.vault}: {one.error.message}") for one in report.failures)
    return [{"level": "error", "message": {"text": text}} for text in texts]


def _first_contact(report: Report) -> list[dict[str, Any]]:
    text = first_contact(report)
    return [{"level": "note", "message": {"text": text}}] if text else []


def _result(one: Finding) -> dict[str, Any]:
    text = harmless(f"{one.vault or 'repository'}: {finding_text(one)}")
    # A tracked path need not be UTF-8.
    place = {"artifactLocation": {"uri": quote(one.path, safe="/~", errors="backslashreplace")}}
    return {
        "ruleId": one.id,
        "ruleIndex": _RULES.index(one.id),
        "level": "note" if one.notice else "error",
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        # The same drift is the same alert, whatever the version that is current when it is found.
        "partialFingerprints": {"vsync/v1": f"{one.vault or ''}:{one.id}:{one.path}:{one.subject}"},
    }
