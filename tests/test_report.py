"""Answers and errors as people and scripts read them; nothing remote reaches a terminal raw."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.errors import Conflict, IntegrityError, NotFound, StoreError
from vsync.model import Failure, Report, Result
from vsync.report import error_json, error_lines, exit_code, harmless, to_json, to_text


def _report(*results: Result, failures: tuple[Failure, ...] = ()) -> Report:
    return Report("push", results, failures)


HOSTILE = [
    "\x1b]52;c;ZXZpbA==\x07",  # OSC 52, the clipboard
    "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",  # OSC 8, a link
    "\x1b[2J\x1b[1;1H",  # CSI
    "\x9b31m",  # C1
    "over\rwritten",
    "two\nlines",
    "bidi\u202egpj.exe",
    "zero\u200bwidth",
    "para\u2029graph",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_what_drives_a_terminal_is_shown_as_text(text: str) -> None:
    result = Result(text, "state", text, (text,), {"note": text})  # attack 92
    lines = to_text(_report(result), quiet=False, verbose=True)
    lines += error_lines(Conflict(text, hint=text))
    shown = "".join(lines)
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]
    assert to_json(_report(result)).isascii()


@given(text=st.text())
def test_harmless_text_is_one_printable_line_and_plain_text_stays(text: str) -> None:
    shown = harmless(text)  # attack 92
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co") for char in shown)
    assert len(shown.splitlines()) <= 1
    assert harmless(shown) == shown
    assert not (text.isascii() and text.isprintable()) or shown == text


def test_umlauts_and_emoji_are_not_escaped() -> None:
    assert harmless("Änderung ✓ 日本語 🎉") == "Änderung ✓ 日本語 🎉"


def test_names_are_aligned_and_details_indented() -> None:
    report = _report(Result("a/b", "x", "one", ("+ k",)), Result("a/long", "x", "two"))
    assert to_text(report, quiet=False, verbose=False) == ["a/b     one", "    + k", "a/long  two"]
    assert to_text(report, quiet=True, verbose=False) == ["a/b     one", "a/long  two"]


def test_many_details_are_cut_unless_asked_for() -> None:
    report = _report(Result("a/b", "x", "one", tuple(f"+ {number}" for number in range(30))))
    short = to_text(report, quiet=False, verbose=False)
    assert (len(short), short[-1]) == (22, "    … and 10 more (-v shows all)")
    assert len(to_text(report, quiet=False, verbose=True)) == 31


CODES = [
    ((), 0),
    ((NotFound("x"), StoreError("x")), 10),
    ((StoreError("x"), Conflict("x"), IntegrityError("x")), 13),
]


@pytest.mark.parametrize(("errors", "code"), CODES)
def test_the_gravest_failure_decides(errors: tuple[Conflict, ...], code: int) -> None:
    failures = tuple(Failure("a/b", error) for error in errors)
    assert exit_code(_report(Result("a/b", "x", "y"), failures=failures)) == code


def test_a_finding_is_1_and_a_failure_is_graver() -> None:
    finding = Result("a/b", "x", "y", code=1)
    assert exit_code(_report(finding)) == 1
    assert exit_code(_report(finding, failures=(Failure("a/c", StoreError("x")),))) == 14


def test_json_is_one_versioned_document_with_results_and_errors() -> None:
    failures = (Failure("a/c", Conflict("moved", hint="pull")),)
    document = json.loads(to_json(_report(Result("a/b", "ok", "y", ("d",), {"gen": 1}), failures=failures)))
    assert document == {
        "version": 1,
        "verb": "push",
        "exit_code": 11,
        "results": [{"vault": "a/b", "state": "ok", "summary": "y", "details": ["d"], "gen": 1}],
        "errors": [{"vault": "a/c", "code": 11, "message": "moved", "hint": "pull"}],
    }


def test_an_error_before_any_report_is_a_document_too() -> None:
    document = json.loads(error_json("push", NotFound("none")))
    assert (document["exit_code"], document["results"]) == (10, [])
    assert document["errors"] == [{"vault": None, "code": 10, "message": "none", "hint": None}]


def test_an_error_is_one_line_and_its_hint_another() -> None:
    assert error_lines(NotFound("none", hint="look")) == ["vsync: error: none", "vsync: hint: look"]
    assert error_lines(NotFound("none")) == ["vsync: error: none"]
