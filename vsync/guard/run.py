"""The guard as a program: words → what to look at → findings → exit code (product contract §6, §7)."""

from __future__ import annotations

import os
import sys

from vsync.guard.errors import CannotLook
from vsync.guard.place import find_place
from vsync.guard.processes import BATCH, CONFIGS, STAGED, Process, keep_standard_streams
from vsync.guard.words import HELP, Words, parse

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from typing import NoReturn

    from vsync.guard.scan import Outcome

_INTERRUPTED = 130
_A_BUG = 3
_WORTH_REMEMBERING = 256 * 1024  # bytes: less is read again in the time it takes to write down what was


def run(arguments: list[str]) -> int:
    """Do what the words ask for; returns 0 clean, 1 found, or the code of what kept us from looking."""
    keep_standard_streams()
    form = "json" if "--json" in arguments or "--format=json" in arguments else "text"
    try:
        words = parse(arguments)
        form = words.form
        return _run(words)
    except CannotLook as error:
        _tell(error, form)
        return error.code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read what we found has gone; it was found all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:  # noqa: BLE001 - a bug must not look like a finding, whose code is 1
        _tell(_bug(error), form)
        return _A_BUG


def _bug(error: Exception) -> CannotLook:
    """Say where the guard failed, and nothing of what it was reading."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "nowhere"
    return CannotLook(
        f"a bug in the guard: {type(error).__name__} at {where}", hint="please report this line", code=_A_BUG
    )


def _run(words: Words) -> int:
    if words.help:
        _write(1, HELP)
        return 0
    if words.hook.startswith("post-") or words.hook == "framework-checkout":
        from vsync.guard.notices import notice

        _write(2, notice(words))
        return 0
    if words.folder:
        try:
            os.chdir(words.folder)
        except OSError as error:
            raise CannotLook(
                f"there is no folder {words.folder!r}", hint="check what stands after -C", code=2
            ) from error
    return _answer(_look(words), words)


def _look(words: Words) -> Outcome:
    if words.hook and words.hook not in ("pre-commit", "pre-merge-commit"):
        from vsync.guard.ranges import look_at_hook

        return look_at_hook(words)
    if words.mode in ("range", "history"):
        from vsync.guard.ranges import look_at_commits

        return look_at_commits(words)
    place = find_place()
    configs = Process(CONFIGS)
    diff, batch = None, None
    if words.mode == "staged":
        diff, batch = Process(STAGED), Process(BATCH, talks=True)
    # Imported only now, while git starts: that hides half of what it costs.
    from vsync.guard import entries
    from vsync.guard.index import load_values
    from vsync.guard.rules import load_rules
    from vsync.guard.scan import scan

    listing = entries.staged(diff) if diff is not None else entries.indexed()
    if not listing.entries and words.or_all:
        listing, words.mode = entries.indexed(), "all"
    if words.mode == "files":
        from vsync.guard.named import only_named

        listing = only_named(listing, words.files, place.top)
    rules = load_rules(entries.answered(configs, "ls-files"), place.top, place.kept)
    values = load_values(place, rules)
    outcome = scan(listing, rules, values, batch)
    if words.record:
        from vsync.guard.indexing import record_known

        record_known(place, rules, outcome)
    if words.hook and outcome.bytes > _WORTH_REMEMBERING:
        from vsync.guard.judged import keep_judged

        keep_judged(place, rules, values, outcome)
    return outcome


def _answer(outcome: Outcome, words: Words) -> int:
    quiet = words.quiet or bool(words.hook)
    if quiet and words.form == "text" and not (outcome.findings or outcome.allowed or outcome.left_out):
        return 0
    from vsync.guard import report

    # A program reads findings from stdout; what a hook writes there, git may take for its own.
    _write(2 if words.hook else 1, _said(outcome, words, quiet=quiet))
    if words.form == "text" and not words.fix_help:
        _write(2, "".join(f"{line}\n" for line in report.hints(outcome)))
    return 1 if outcome.findings else 0


def _said(outcome: Outcome, words: Words, *, quiet: bool) -> str:
    from vsync.guard import report

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


def _tell(error: CannotLook, form: str) -> None:
    from vsync.guard import report

    message, hint = report.harmless(error.message), report.harmless(error.hint)
    if form == "json":
        _write(1, report.error_json(message, hint, error.code) + "\n")
    _write(2, f"vsync: error: {message}\n" + (f"vsync: hint: {hint}\n" if hint else ""))


def _write(number: int, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(number, data) :]


def main() -> NoReturn:
    """Run with the words of the command line, and exit."""
    code = run(sys.argv[1:])
    # Everything is written, by os.write; what the interpreter would tidy up takes a millisecond.
    os._exit(code)
