"""The guard as a program: words → what to look at → findings → exit code (product contract §6, §7)."""

import posix
import sys

from vsync.guard.errors import CannotLook
from vsync.guard.processes import CONFIG_GLOBS, LOOKS_AT_INDEX, STAGED, Process, keep_standard_streams

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from typing import NoReturn

    from vsync.guard.scan import Outcome
    from vsync.guard.words import Words

_INTERRUPTED = 130
_A_BUG = 3


def run(arguments: list[str]) -> int:
    """Do what the words ask for; returns 0 clean, 1 found, or the code of what kept us from looking."""
    keep_standard_streams()
    form = "json" if "--json" in arguments or "--format=json" in arguments else "text"
    try:
        # Hooks are started with these words. Before anything else, since git is what we wait for.
        looks = len(arguments) > 1 and arguments[0] == "--hook" and arguments[1] in LOOKS_AT_INDEX
        diff = Process(STAGED) if looks else None
        from vsync.guard.words import parse

        words = parse(arguments)
        form = words.form
        return _run(words, diff)
    except CannotLook as error:
        _tell(error, form)
        return error.code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read what we found has gone; it was found all the same.
        posix.dup2(posix.open("/dev/null", posix.O_WRONLY), 1)
        return 1
    except Exception as error:  # noqa: BLE001 - a bug must not look like a finding, whose code is 1
        from vsync.guard.answers import bug

        _tell(bug(error), form)
        return _A_BUG


def _run(words: "Words", diff: Process | None) -> int:
    if words.help:
        from vsync.guard.words import HELP

        _write(1, HELP)
        return 0
    if words.version:
        from vsync import __version__

        _write(1, f"vsync {__version__}\n")
        return 0
    if words.hook.startswith("post-") or words.hook == "framework-checkout":
        from vsync.guard.notices import notice

        _write(2, notice(words))
        return 0
    if words.folder:
        try:
            posix.chdir(words.folder)
        except OSError as error:
            raise CannotLook(
                f"there is no folder {words.folder!r}", hint="check what stands after -C", code=2
            ) from error
    return _answer(_look(words, diff), words)


def _look(words: "Words", diff: Process | None) -> "Outcome":
    if words.hook and words.hook not in LOOKS_AT_INDEX:
        from vsync.guard.ranges import look_at_hook

        return look_at_hook(words)
    if words.mode in ("range", "history"):
        from vsync.guard.ranges import look_at_commits

        return look_at_commits(words)
    from vsync.guard.place import find_place

    place = find_place()
    if words.mode == "staged" and diff is None:
        diff = Process(STAGED)
    # Imported only now, while git works: that hides what it costs.
    from vsync.guard import entries
    from vsync.guard.index import load_values
    from vsync.guard.rules import load_rules
    from vsync.guard.scan import scan

    rules = load_rules(place)
    values = load_values(place, rules)
    listing = entries.staged(diff) if diff is not None else entries.indexed()
    if diff is None:
        listing.configs = entries.configs_before(Process((*STAGED, *CONFIG_GLOBS)).answer() or b"")
    if listing.configs:
        from vsync.guard.trees import with_links_followed

        # What the last commit calls a vault is one in this commit, too.
        rules = load_rules(place, more=with_links_followed(listing.configs, b"HEAD", strict=False))
        values = load_values(place, rules)
    if not listing.entries and words.or_all:
        listing, words.mode = entries.indexed(), "all"
    if words.mode == "files":
        from vsync.guard.named import only_named

        listing = only_named(listing, words.files, place.top)
    outcome = scan(listing, rules, values, place.objects)
    if words.record:
        from vsync.guard.recording import record

        record(place, rules, outcome)
    if words.hook:
        from vsync.guard.judged import keep_judged

        keep_judged(place, rules, values, outcome)
    return outcome


def _answer(outcome: "Outcome", words: "Words") -> int:
    quiet = words.quiet or bool(words.hook)
    if quiet and words.form == "text" and not (outcome.findings or outcome.allowed or outcome.left_out):
        return 0
    from vsync.guard import answers, report

    # A program reads findings from stdout; what a hook writes there, git may take for its own.
    _write(2 if words.hook else 1, answers.said(outcome, words, quiet=quiet))
    if words.form == "text" and not words.fix_help:
        _write(2, "".join(f"{line}\n" for line in report.hints(outcome, first=_is_first(words))))
    return 1 if outcome.findings else 0


def _is_first(words: "Words") -> bool:
    """Tell whether there is no commit yet: git then takes back what is staged in another way."""
    if not (words.hook in LOOKS_AT_INDEX or words.mode in ("staged", "files")):
        return False
    return Process(("rev-parse", "--quiet", "--verify", "HEAD")).answer() is None


def _tell(error: CannotLook, form: str) -> None:
    from vsync.guard import report

    message, hint = report.harmless(error.message), report.harmless(error.hint)
    if form == "json":
        _write(1, report.error_json(message, hint, error.code) + "\n")
    _write(2, f"vsync: error: {message}\n" + (f"vsync: hint: {hint}\n" if hint else ""))


def _write(number: int, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[posix.write(number, data) :]


def main() -> "NoReturn":
    """Run with the words of the command line, and exit."""
    code = run(sys.argv[1:])
    # Everything is written, without a buffer; what the interpreter would tidy up takes a millisecond.
    posix._exit(code)  # noqa: SLF001 - its name
