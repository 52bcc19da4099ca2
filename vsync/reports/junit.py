"""Findings as JUnit XML: a suite a vault, a case a check; what GitLab and Jenkins show as tests."""

from collections import defaultdict
from xml.etree import ElementTree as ET

from vsync.checks import IDS, Check
from vsync.model import Failure, Finding, Report, Result
from vsync.report import harmless
from vsync.reports.text import finding_text


def to_junit(report: Report) -> str:
    """Return the document; a check that found drift is a failure, one not made is skipped."""
    root = ET.Element("testsuites", name="vsync verify")
    for result in report.results:
        root.append(_suite(result))
    for failure in report.failures:
        root.append(_broken(failure))
    text: str = ET.tostring(root, encoding="unicode")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + text


def _suite(result: Result) -> ET.Element:
    name = result.vault or "repository"
    by_check: dict[Check, list[Finding]] = defaultdict(list)
    for one in result.findings:
        by_check[IDS[one.id][0]].append(one)
    cases = [_case(name, check, by_check[check], result) for check in Check if _concerns(check, result)]
    tags = [child.tag for case in cases for child in case]
    suite = _suite_element(name, cases, failures=tags.count("failure"), skipped=tags.count("skipped"))
    suite.extend(cases)
    if result.data.get("first_contact"):
        told = "first contact: only the lock can tell whether the store was set back"
        ET.SubElement(suite, "system-out").text = told
    return suite


def _concerns(check: Check, result: Result) -> bool:
    found = any(IDS[one.id][0] is check for one in result.findings)
    return found or check in result.data.get("checked", ()) or check in result.data.get("skipped", {})


def _case(name: str, check: Check, findings: list[Finding], result: Result) -> ET.Element:
    case = ET.Element("testcase", classname=_xml(name), name=str(check), time="0")
    drift = [finding_text(one) for one in findings if not one.notice]
    if drift:
        failure = ET.SubElement(case, "failure", type=findings[0].id, message=_xml(drift[0]))
        failure.text = "\n".join(map(_xml, drift))
    elif check not in result.data.get("checked", ()):
        ET.SubElement(case, "skipped", message=_xml(result.data["skipped"].get(check, "")))
    notices = [finding_text(one) for one in findings if one.notice]
    if notices:
        ET.SubElement(case, "system-out").text = "\n".join(map(_xml, notices))
    return case


def _broken(failure: Failure) -> ET.Element:
    case = ET.Element("testcase", classname=_xml(failure.vault), name="verify", time="0")
    kind = type(failure.error).__name__
    error = ET.SubElement(case, "error", type=kind, message=_xml(failure.error.message))
    error.text = _xml(failure.error.hint or "")
    suite = _suite_element(failure.vault, [case], errors=1)
    suite.append(case)
    return suite


def _xml(text: str) -> str:
    """Return text that a document can hold: two characters are none in XML 1.0, however written."""
    return harmless(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _suite_element(name: str, cases: list[ET.Element], **counts: int) -> ET.Element:
    numbers = {"tests": len(cases), "failures": 0, "errors": 0, "skipped": 0} | counts
    words = {key: str(number) for key, number in numbers.items()}
    return ET.Element("testsuite", {"name": _xml(name), "time": "0"} | words)
