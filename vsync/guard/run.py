"""The guard as a program: words → what to look at → findings → exit code (product contract §6, §7)."""

from __future__ import annotations

import os
import sys

from vsync.guard import entries
from vsync.guard.blobs import BATCH
from vsync.guard.errors import CannotLook
from vsync.guard.index import load_values
from vsync.guard.place import Place, find_place
from vsync.guard.processes import Process, keep_standard_streams
from vsync.guard.rules import LIST_CONFIGS, load_rules
from vsync.guard.scan import Outcome, scan
from vsync.guard.words import HELP, Words, parse

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from typing import NoReturn

_INTERRUPTED = 130


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


def _run(words: Words) -> int:
    if words.help:
        _write(1, HELP)
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
    place = find_place()
    # All are started before the first is read: git's start-ups overlap.
    rules = Process(LIST_CONFIGS)
    if words.mode == "staged":
        diff = Process(entries.STAGED)
        batch = Process(BATCH, talks=True)
        listing = entries.staged(diff)
        if not listing.entries and words.or_all:
            listing, words.mode = entries.indexed(), "all"
        return _judged(listing, rules, place, batch)
    listing = entries.indexed()
    if words.mode == "files":
        from vsync.guard.named import only_named

        listing = only_named(listing, words.files, place.top)
    return _judged(listing, rules, place, None)


def _judged(listing: entries.Listing, configs: Process, place: Place, batch: Process | None) -> Outcome:
    rules = load_rules(configs, place.top, place.kept)
    return scan(listing, rules, load_values(place, rules), batch)


def _answer(outcome: Outcome, words: Words) -> int:
    quiet = words.quiet or bool(words.hook)
    if quiet and words.form == "text" and not (outcome.findings or outcome.allowed or outcome.left_out):
        return 0
    from vsync.guard import report

    if words.form == "json":
        _write(1, report.to_json(outcome, words.mode) + "\n")
    else:
        # Git shows a hook's stdout and stderr alike; a program reads findings from stdout.
        _write(1, "".join(f"{line}\n" for line in report.to_text(outcome, words.mode, quiet=quiet)))
        _write(2, "".join(f"{line}\n" for line in report.hints(outcome)))
    return 1 if outcome.findings else 0


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
