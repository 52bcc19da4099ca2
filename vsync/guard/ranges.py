"""Looking at commits: a range, the whole history, or what a hook says has moved."""

from vsync.guard.commits import added_by, configs_of, start_log
from vsync.guard.errors import CannotLook
from vsync.guard.hooked import revisions_of
from vsync.guard.place import Place, find_place
from vsync.guard.processes import Process
from vsync.guard.words import Words

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from vsync.guard.rules import Rules
    from vsync.guard.scan import Outcome


def look_at_commits(words: Words) -> "Outcome":
    """Judge what the commits of `--range` or `--history` add; the rules are those of the index."""
    place = find_place()
    if words.mode == "history":
        revisions: tuple[str, ...] = ("--all",)
        newest = "HEAD"
    else:
        newest = words.range.rpartition("..")[2] or "HEAD"
        _check(words.range)
        revisions = ("--end-of-options", words.range)
    log = start_log(revisions)
    from vsync.guard.index import load_values
    from vsync.guard.scan import scan

    listing, commits = added_by(log)
    rules = _rules(place, newest)
    outcome = scan(listing, rules, load_values(place, rules), place.objects)
    outcome.commits = commits
    return outcome


def look_at_hook(words: Words) -> "Outcome":
    """Judge the commits that a hook is about."""
    revisions, newest = revisions_of(words)
    log = start_log(revisions) if revisions else None
    # Imported only now, while git works.
    from vsync.guard import entries
    from vsync.guard.index import load_values
    from vsync.guard.judged import load_judged
    from vsync.guard.scan import NOTHING, Outcome, judge_blobs, judge_paths

    words.mode = "range"
    if log is None:
        return Outcome()
    place = find_place()
    listing, commits = added_by(log)
    # Before anything else: whoever goes back to an older commit must not need a valid configuration.
    if not commits and words.hook != "framework-push":
        return Outcome()
    if not commits:
        # Started by hand, there is nothing to push: then the tracked files are looked at.
        listing, words.mode = entries.indexed(), "all"
    rules = _rules(place, newest)
    judged = load_judged(place, rules) if words.hook == "reference-transaction" else NOTHING
    outcome, wanted = judge_paths(listing, rules, judged)
    if wanted:
        judge_blobs(outcome, wanted, rules, load_values(place, rules), place.objects)
    outcome.commits = commits
    return outcome


def _rules(place: Place, newest: str) -> "Rules":
    from vsync.guard.rules import load_rules

    return load_rules(place, configs_of(newest) if place.top is None else None)


def _check(revisions: str) -> None:
    """Refuse a range that git does not know, in words that say so."""
    if not revisions or Process(("rev-list", "-n1", "--end-of-options", revisions)).answer() is None:
        raise CannotLook(
            f"git does not know the range {revisions!r}",
            hint="--range A..B with commits that are here; in CI, fetch the whole history",
        )
