"""Findings and failures as the text that is asked for."""

from __future__ import annotations

from vsync.guard import report
from vsync.guard.errors import CannotLook
from vsync.guard.scan import Outcome
from vsync.guard.words import Words

A_BUG = 3


def bug(error: Exception) -> CannotLook:
    """Say where the guard failed, and nothing of what it was reading."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "nowhere"
    return CannotLook(
        f"a bug in the guard: {type(error).__name__} at {where}", hint="please report this line", code=A_BUG
    )


def said(outcome: Outcome, words: Words, *, quiet: bool) -> str:
    """Return what was found in the form that the words ask for."""
    if words.form == "json":
        return report.to_json(outcome, words.mode) + "\n"
    if words.form == "text":
        lines = report.to_text(outcome, words.mode, quiet=quiet)
        if words.fix_help:
            from vsync.guard.remedy import fix_help

            lines = fix_help(outcome)
        return "".join(f"{line}\n" for line in lines)
    from vsync.guard.formats import to_github, to_sarif

    if words.form == "sarif":
        return to_sarif(outcome) + "\n"
    return "".join(f"{line}\n" for line in to_github(outcome))
