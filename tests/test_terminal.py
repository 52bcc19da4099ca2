"""The person in front of us: what is asked, what is shown, and what is never shown."""

import io
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.errors import UsageError
from vsync.report import harmless
from vsync.terminal import Console


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_shown_as_it_is(text: str) -> None:  # attack 92
    shown = harmless(text)
    assert not [char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;Y2FuYXJ5\x07", "\\x1b]52;c;Y2FuYXJ5\\x07"),
        ("\x1b]8;;https://evil\x1b\\", "\\x1b]8;;https://evil\\x1b\\"),
        ("\x9b31mred", "\\x9b31mred"),
        ("one\rtwo\nthree", "one\\rtwo\\nthree"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("Grüße, 東京 ✓", "Grüße, 東京 ✓"),
    ],
)
def test_known_tricks_are_shown_as_escapes(text: str, shown: str) -> None:  # attack 92
    assert harmless(text) == shown


def test_notices_are_said_once_and_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(quiet=False, no_input=True)
    console.notice("careful\x1b[2J")
    console.notice("careful\x1b[2J")
    assert capsys.readouterr() == ("", "vsync: careful\\x1b[2J\n")


def test_quiet_silences_notices(capsys: pytest.CaptureFixture[str]) -> None:
    Console(quiet=True, no_input=True).notice("careful")
    assert capsys.readouterr() == ("", "")


def test_without_a_person_every_question_names_its_flag() -> None:
    console = Console(quiet=False, no_input=True)
    assert console.confirm("write this?", yes=True)
    for ask in (
        lambda: console.confirm("sure?", yes=False),
        lambda: console.ask("bucket", default=None, flag="--bucket"),
        lambda: console.secret("passphrase", flag="--passphrase -"),
    ):
        with pytest.raises(UsageError, match="cannot ask") as error:
            ask()
        assert "--" in (error.value.hint or "")


def test_no_bar_is_drawn_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:  # attack 55
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Console(quiet=False, no_input=True).progress("upload", 10) as advance:
        advance(10)
    assert stream.getvalue() == ""
