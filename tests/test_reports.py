"""Findings for people and for other programs; each format judged by its published schema."""

import json
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.sarif import validate_sarif
from tests.test_report import HOSTILE
from vsync.checks import IDS, Check
from vsync.errors import StoreError
from vsync.model import Failure, Finding, Report, Result
from vsync.reports.github import annotations, step_summary
from vsync.reports.junit import to_junit
from vsync.reports.sarif import to_sarif
from vsync.reports.text import verify_lines

JUNIT_SCHEMA = Path(__file__).parent / "vectors" / "junit" / "junit-10.xsd"
hostile = st.sampled_from([*HOSTILE, "\ufffe", "\uffff", "\ud800"]) | st.text(max_size=12)
findings = st.builds(
    Finding,
    id=st.sampled_from(list(IDS)),
    vault=st.just("app/prod"),
    found=hostile,
    wanted=hostile,
    fix=hostile,
    path=hostile,
    notice=st.booleans(),
)


def _result(found: tuple[Finding, ...], vault: str | None = "app/prod") -> Result:
    checked = [str(check) for check in Check if check is not Check.FOLDER]
    data = {"checked": checked, "skipped": {"folder": "no folder here"}, "version": None}
    return Result(vault, "drift", "1 finding", data=data, code=1, findings=found)


def _failure(text: str) -> Failure:
    return Failure("app/dev", StoreError(text, hint=text))


reports = st.builds(
    lambda found, failed: Report("verify", (_result(tuple(found)),), tuple(map(_failure, failed))),
    st.lists(findings, max_size=4),
    st.lists(hostile, max_size=2),
)
ONE = Finding(
    "name-missing", "app/prod", "A is not in the version", "a value", "git vsync push prod", "vsync.toml"
)


def _one(**changes: Any) -> Report:
    values = {name: getattr(ONE, name) for name in ONE._fields} | changes
    return Report("verify", (_result((Finding(**values),)),))


@cache
def _junit() -> Any:
    return xmlschema.XMLSchema(str(JUNIT_SCHEMA))


@given(reports)
def test_sarif_is_what_its_schema_says(report: Report) -> None:
    log = json.loads(to_sarif(report))
    validate_sarif(log)
    (run,) = log["runs"]
    assert len(run["results"]) == len(report.results[0].findings)
    assert run["invocations"][0]["executionSuccessful"] is not bool(report.failures)


@given(reports)
def test_junit_is_what_its_schema_says(report: Report) -> None:
    text = to_junit(report)
    _junit().validate(text)
    root = ET.fromstring(text)
    drift = {IDS[one.id][0] for one in report.results[0].findings if not one.notice}
    assert len(root.findall(".//failure")) == len(drift)
    assert len(root.findall(".//error")) == len(report.failures)


def test_a_schema_can_refuse() -> None:
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        _junit().validate("<testsuites><testsuite><case/></testsuite></testsuites>")


def test_a_check_that_was_not_made_is_skipped_and_never_passed() -> None:
    root = ET.fromstring(to_junit(_one()))
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases["folder"] == ["skipped"]
    assert cases["names"] == ["failure"]
    assert cases["key"] == []


@given(reports)
def test_an_annotation_is_one_line_and_one_command(report: Report) -> None:  # attack 91
    for line in annotations(report):
        assert len(line.splitlines()) == 1
        assert line.startswith(("::error ", "::notice "))
        head, _, _ = line[2:].partition("::")
        assert head.count("title=") == 1


def test_a_message_cannot_begin_a_command_of_its_own() -> None:
    (line,) = annotations(_one(found="%0A::add-mask::x\n::error::y", path="a,b:c%\r"))
    assert "%250A::add-mask" in line
    assert "\n" not in line
    assert "file=a%2Cb%3Ac%25" in line


@given(reports)
def test_the_table_shows_texts_as_texts(report: Report) -> None:  # attack 91
    html = MarkdownIt("commonmark").enable("table").render(step_summary(report))
    tags = {part.split(">")[0].split()[0].strip("/") for part in html.split("<")[1:]}
    assert tags <= {"h3", "p", "table", "thead", "tbody", "tr", "th", "td"}
    rows = sum(len(result.findings) for result in report.results) + len(report.failures)
    assert html.count("<td>") == rows * 5


def test_what_looks_like_markup_stays_text() -> None:
    text = step_summary(_one(found="<script>|`x`|[a](http://b)", fix="@team *b* #1 !"))
    row = re.sub("&#[0-9]+;", "", text.splitlines()[-2])
    assert not set("<>`[]()@*#!&") & set(row)


@given(reports, st.booleans())
def test_lines_drive_no_terminal(report: Report, brief: bool) -> None:  # attack 92
    shown = "".join(verify_lines(report, brief=brief))
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]


def test_a_job_gets_one_line_a_finding_and_the_summary_last() -> None:
    lines = verify_lines(_one(), brief=True)
    assert lines == [
        "app/prod: name-missing: A is not in the version; wanted: a value; fix: git vsync push prod",
        "verify: 1 vault, 6 checks, 1 finding; not looked at: folder (no folder here)",
    ]


def test_people_get_a_block_a_vault_with_what_was_not_looked_at() -> None:
    lines = verify_lines(_one(notice=True), brief=False)
    assert lines[:2] == ["app/prod  1 finding", "    notice: name-missing: A is not in the version"]
    assert "    not looked at: folder (no folder here)" in lines
    assert lines[-1] == "verify: 1 vault, 6 checks, 0 findings, 1 notice"
