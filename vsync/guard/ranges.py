"""Looking at commits: a range, the whole history, or what a hook says has moved.

They are judged by every configuration that concerns them: of the index, of what they end with, of what
was before them, and of each of them that changed one.
"""

from vsync.guard.commits import added_by, start_log
from vsync.guard.entries import answered, indexed
from vsync.guard.errors import CannotLook
from vsync.guard.hooked import Asked, asked_by
from vsync.guard.place import Place, find_place
from vsync.guard.processes import Process
from vsync.guard.words import Words

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from vsync.guard.entries import Listing
    from vsync.guard.rules import Rules
    from vsync.guard.scan import Outcome

_BACKSTOP = "reference-transaction"


def look_at_commits(words: Words) -> "Outcome":
    """Judge what the commits of `--range` or `--history` add."""
    place = find_place()
    asked = _everything(place) if words.mode == "history" else _range(words.range)
    log = start_log(asked.revisions)
    from vsync.guard.index import load_values
    from vsync.guard.scan import scan
    from vsync.guard.trees import add_directly_held, tips_of

    listing, commits = added_by(log)
    add_directly_held(listing, tips_of(asked.held))
    rules = _rules(place, listing, asked)
    outcome = scan(listing, rules, load_values(place, rules), place.objects)
    outcome.commits = commits
    return _without_guesses(outcome)


def look_at_hook(words: Words) -> "Outcome":
    """Judge the commits that a hook is about."""
    asked = asked_by(words)
    log = start_log(asked.revisions) if asked.revisions else None
    # Imported only now, while git works.
    from vsync.guard.index import load_values
    from vsync.guard.scan import Outcome, judge_blobs, judge_paths

    words.mode = "range"
    if log is None:
        return Outcome()
    place = find_place()
    listing, commits = added_by(log)
    if asked.held:
        from vsync.guard.trees import add_directly_held, tips_of

        add_directly_held(listing, tips_of(asked.held))
    # Before anything else: whoever goes back to an older commit must not need a valid configuration.
    if not commits and not listing.entries and words.hook != "framework-push":
        return Outcome()
    if not commits and words.hook == "framework-push":
        # Started by hand, there is nothing to push: then the tracked files are looked at.
        listing, words.mode = indexed(), "all"
    if words.hook == _BACKSTOP and _was_judged(place, listing):
        outcome = Outcome()
        outcome.paths = len(listing.entries)
    else:
        rules = _rules(place, listing, asked)
        outcome, wanted = judge_paths(listing, rules)
        if wanted:
            judge_blobs(outcome, wanted, rules, load_values(place, rules), place.objects)
    outcome.commits = commits
    return _without_guesses(outcome)


def _was_judged(place: Place, listing: "Listing") -> bool:
    """Tell whether pre-commit looked at all of it, by the very rules and values that hold now."""
    from vsync.guard.judged import load_judged
    from vsync.guard.rules import load_rules
    from vsync.guard.scan import judge_paths

    rules = load_rules(place, more=listing.configs)
    judged = load_judged(place, rules)
    outcome, wanted = judge_paths(listing, rules, judged)
    return bool(judged) and not (wanted or outcome.findings or outcome.allowed)


def _rules(place: Place, listing: "Listing", asked: Asked) -> "Rules":
    from vsync.guard.rules import load_rules
    from vsync.guard.trees import configs_of, tips_of

    tips = tips_of([*asked.tips, *asked.before])
    ends, before = tips[: len(asked.tips)], tips[len(asked.tips) :]
    return load_rules(
        place,
        configs_of(ends, strict=True),
        listing.configs + configs_of(before, strict=False),
        index=place.top is not None,
    )


def _everything(place: Place) -> Asked:
    """Return all that any reference holds; what a configuration ever said is in the log itself."""
    said = answered(Process(("for-each-ref", "--format=%(objectname) %(refname)")), "for-each-ref")
    refs = [line.partition(b" ")[::2] for line in said.split(b"\n") if line]
    held = list({name: (name, ref) for name, ref in reversed(refs)}.values())
    return Asked(("--all",), tips=[(b"HEAD", b"HEAD")] if place.top is None else [], held=held)


def _range(revisions: str) -> Asked:
    """Return what a range means; CannotLook when git does not know it, in words that say so."""
    known = revisions and Process(("rev-list", "-n1", "--end-of-options", revisions)).answer() is not None
    said = Process(("rev-parse", "--revs-only", revisions)).answer() if known else None
    if said is None:
        raise CannotLook(
            f"git does not know the range {revisions!r}",
            hint="--range A..B with commits that are here; in CI, fetch the whole history",
        )
    names = said.split()
    tips = [(name, name) for name in names if not name.startswith(b"^")]
    before = [(name[1:], name) for name in names if name.startswith(b"^")]
    return Asked(("--end-of-options", revisions), tips=tips, before=before)


def _without_guesses(outcome: "Outcome") -> "Outcome":
    """Leave out lines of what has no name, and need not be an env file, unless they set a variable."""
    outcome.findings = [
        one
        for one in outcome.findings
        if one.shown_name or not one.path.endswith(b"^{}") or one.rule != "env-plaintext"
    ]
    return outcome
