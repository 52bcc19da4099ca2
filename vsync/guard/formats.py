"""Findings for other programs: SARIF 2.1.0, and annotations of GitHub Actions.

Nothing from a repository may become a command of the reader: in an annotation `%`, CR, LF, `:` and
`,` are escaped as GitHub's runner decodes them (attack 91).
"""

from __future__ import annotations

import json
from urllib.parse import quote

from vsync.guard.findings import MESSAGES, Finding
from vsync.guard.report import harmless, shown
from vsync.guard.scan import Outcome

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_github(outcome: Outcome) -> list[str]:
    """Return one annotation a finding; allowed ones are notices."""
    return [
        *(_annotated("error", finding, finding.message) for finding in outcome.findings),
        *(_annotated("notice", one, f"{one.message} (allowed: {one.reason})") for one in outcome.allowed),
    ]


def _annotated(level: str, finding: Finding, message: str) -> str:
    line = {"line": str(finding.line)} if finding.line else {}
    place = {"file": shown(finding.path), **line, "title": f"vsync guard {finding.rule}"}
    return annotation(level, harmless(message), **place)


def annotation(level: str, message: str, **properties: str) -> str:
    """Return a workflow command that the runner shows beside a file, whatever the texts hold."""
    shown_at = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {shown_at}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def to_sarif(outcome: Outcome) -> str:
    """Return a SARIF 2.1.0 log with one run; what was allowed is there, marked as suppressed."""
    from vsync import __version__

    driver = {
        "name": "vsync guard",
        "semanticVersion": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, text in MESSAGES.items()],
    }
    results = [_result(finding) for finding in (*outcome.findings, *outcome.allowed)]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(finding: Finding) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": quote(finding.path, safe="/~")}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    result: dict[str, object] = {
        "ruleId": finding.rule,
        "ruleIndex": list(MESSAGES).index(finding.rule),
        "level": "error",
        "message": {"text": harmless(finding.message)},
        "locations": [{"physicalLocation": place}],
    }
    if finding.commit:
        result["properties"] = {"commit": finding.commit.decode()}
    if finding.reason:
        result["suppressions"] = [{"kind": "inSource", "justification": harmless(finding.reason)}]
    return result
