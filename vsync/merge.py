"""Three-way merging: what was last synced, what is here (yours), what is there (theirs).

1. What one side left alone is taken from the other. What both changed alike is taken once.
2. In env files this holds for each variable, for its value, the comments above it and the one
   behind it; comments that both changed are both kept. Any other file is one thing.
3. What both changed differently, or one changed and the other removed, is a clash: nobody's
   version wins, and both are kept for the user to decide.
4. A comment that is new on one side stays, even if the other removed the variable below it.
5. Yours is the skeleton: its order stays, and what they added follows what it follows there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from vsync.formats.conflict import marked
from vsync.formats.content import FileState
from vsync.formats.envtext import Document, Lines, Variable, is_blank, parse, reads_as, to_file

T = TypeVar("T")

UNKNOWN = ""
"""A digest that is nobody's: of a content that neither side has any more."""


class Take(Enum):
    """What becomes of one path."""

    YOURS = "yours stays"
    THEIRS = "theirs comes"
    NOTHING = "one side removed it, the other left it alone"
    BOTH = "both changed it: to be merged if it can be, else a clash"
    YOURS_ASIDE = "a clash: changed here, removed there"
    THEIRS_ASIDE = "a clash: removed here, changed there"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one path, and whether it may be executed then."""

    path: str
    take: Take
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What came from the other side: `+`, `-` or `~`, a file, and a variable if it is about one."""

    mark: str
    path: str
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """What the user must decide: a variable of an env file, or a whole file.

    `yours` and `theirs` are `changed` or `removed`; `aside` is where a file was set aside; `why` is
    what kept an env file from being merged by its variables.
    """

    path: str
    variable: str | None = None
    yours: str = "changed"
    theirs: str = "changed"
    aside: str | None = None
    why: str | None = None


def three_way(base: T, yours: T, theirs: T) -> T:
    """Return the side that changed; yours when both did."""
    return theirs if yours == base else yours


# Files


def judge(path: str, base: FileState | None, yours: FileState | None, theirs: FileState | None) -> Verdict:
    """Say what becomes of a path; at least one side has it."""
    if yours is None or theirs is None:
        return _judge_one(path, base, yours, theirs)
    executable = three_way(base is not None and base.executable, yours.executable, theirs.executable)
    known = base.sha256 if base else None
    if theirs.sha256 in (yours.sha256, known):
        return Verdict(path, Take.YOURS, executable)
    return Verdict(path, Take.THEIRS if yours.sha256 == known else Take.BOTH, executable)


def _judge_one(
    path: str, base: FileState | None, yours: FileState | None, theirs: FileState | None
) -> Verdict:
    left = yours or theirs
    if left is None or left == base:
        return Verdict(path, Take.NOTHING)
    if yours is not None:
        return Verdict(path, Take.YOURS if base is None else Take.YOURS_ASIDE, left.executable)
    return Verdict(path, Take.THEIRS if base is None else Take.THEIRS_ASIDE, left.executable)


def merge_folders(base: set[str], yours: set[str], theirs: set[str]) -> set[str]:
    """Return the folders that both have or one made; one that somebody removed goes."""
    return (yours & theirs) | (yours - base) | (theirs - base)


# Env files


@dataclass(frozen=True, slots=True)
class MergedEnv:
    """An env file put together, what came from the other side, and what has to be decided."""

    data: bytes = field(repr=False)
    changes: tuple[Change, ...] = ()
    clashes: tuple[Clash, ...] = ()


@dataclass(frozen=True, slots=True)
class _Clashing:
    """Two candidates for one variable; None stands for a removed one."""

    name: str
    lead: Lines = field(repr=False)
    yours: Variable | None
    theirs: Variable | None


def merge_env(path: str, base: bytes, yours: bytes, theirs: bytes, *, version: str) -> MergedEnv | None:
    """Merge an env file variable by variable; None when one of the three cannot be read as one.

    A side that equals the base gives way to the other, byte for byte. `version` names the other
    side in the marks around what clashes.
    """
    documents = [parse(data) for data in (base, yours, theirs)]
    if None in documents:
        return None
    if theirs in (yours, base):
        return MergedEnv(yours)
    one, two, three = (document for document in documents if document is not None)
    if yours == base:
        return MergedEnv(theirs, _changes(path, two, {each.name: each for each in three.variables}))
    newline = three_way(one.newline, two.newline, three.newline)
    if {one.newline, two.newline, three.newline} != {newline}:
        one, two, three = (document.with_newline(newline) for document in (one, two, three))
    return _merge_documents(path, (one, two, three), version)


def _merge_documents(path: str, documents: tuple[Document, Document, Document], version: str) -> MergedEnv:
    base, yours, theirs = documents
    tables = [{one.name: one for one in document.variables} for document in documents]
    found: dict[str, Variable | _Clashing] = {}
    for name in tables[1] | tables[2]:
        merged = _merge_variable(*(table.get(name) for table in tables))
        if merged is not None:
            found[name] = merged
    header, footer = (
        merge_lines(*(getattr(one, part) for one in documents)) for part in ("header", "footer")
    )
    there = {*header, *footer, *(line for one in found.values() for line in one.lead)}
    orphans = _orphans(documents, found, there)
    lines, newline = list(header), yours.newline
    for name in _ordered(yours, theirs, found):
        lines += (*orphans.get(name, ()), *_written(found[name], newline, version))
    lines += (*orphans.get("", ()), *footer)
    frame = replace(
        yours,
        bom=three_way(base.bom, yours.bom, theirs.bom),
        final_newline=three_way(base.final_newline, yours.final_newline, theirs.final_newline),
    )
    settled = {name: one for name, one in found.items() if isinstance(one, Variable)}
    clashes = [one for one in found.values() if isinstance(one, _Clashing)]
    names = {one.name for one in clashes}
    changes = tuple(one for one in _changes(path, yours, settled) if one.variable not in names)
    return MergedEnv(to_file(frame, lines), changes, tuple(_clash(path, one) for one in clashes))


def _merge_variable(
    base: Variable | None, yours: Variable | None, theirs: Variable | None
) -> Variable | _Clashing | None:
    left = yours or theirs
    if left is None:
        return None
    if yours is None or theirs is None:
        if base is None:
            return left
        # What was said about a variable goes with it.
        return None if left.value == base.value else _Clashing(left.name, left.lead, yours, theirs)
    lead = merge_lines(base.lead if base else (), yours.lead, theirs.lead)
    if base is None:
        if yours.value != theirs.value:
            return _Clashing(left.name, lead, yours, theirs)
        base = replace(theirs, lead=(), comment="")
    if yours.value != theirs.value and base.value not in (yours.value, theirs.value):
        return _Clashing(left.name, lead, yours, theirs)
    return _joined(base, yours, theirs, lead)


def _joined(base: Variable, yours: Variable, theirs: Variable, lead: Lines) -> Variable:
    """Join two variables of which one at most has a new value."""
    if yours.value == theirs.value:
        side = three_way(base.code, yours.code, theirs.code)
        source = yours if side == yours.code else theirs
    else:
        source = theirs if yours.value == base.value else yours
    comments = [three_way(base.comment, yours.comment, theirs.comment)]
    comments += [theirs.comment] if theirs.comment != base.comment else []
    # There is room for one comment behind a value: another one goes above it. So does one that
    # would no longer be a comment: behind `"1"`, `# c` is one; behind `1` it is part of the value.
    behind = next((one for one in comments if _fits(source, one)), "")
    notes = {f"{one.strip()}{yours.ending}": None for one in comments if one != behind and "#" in one}
    lead = (*lead, *(note for note in notes if note not in lead))
    return replace(source, lead=lead, comment=behind, ending=yours.ending)


def _fits(variable: Variable, comment: str) -> bool:
    """Tell whether a comment can stand behind a value without becoming a part of it."""
    same = comment == variable.comment
    return same or reads_as(f"{variable.code}{comment}", variable.name, variable.value)


def merge_lines(base: Lines, yours: Lines, theirs: Lines) -> Lines:
    """Merge comments: where both changed them, what either added stays and what either removed goes."""
    if base in (yours, theirs):
        return three_way(base, yours, theirs)
    gone = set(base) - set(theirs)
    kept = [line for line in yours if is_blank(line) or line not in gone]
    known = {*base, *yours}
    return (*kept, *(line for line in theirs if not is_blank(line) and line not in known))


def _orphans(
    documents: tuple[Document, Document, Document], found: Mapping[str, object], there: set[str]
) -> dict[str, list[str]]:
    """Return new comments above variables that go, by the variable that follows; empty for the end.

    What only moved, and the other side removed, goes; what is `there` already is not said twice.
    """
    base, yours, theirs = documents
    before, known = _comments(base), set(there)
    orphans: dict[str, list[str]] = {}
    for side, other in ((yours, theirs), (theirs, yours)):
        beyond = _comments(other)
        waiting: list[str] = []
        for one in side.variables:
            if one.name in found:
                orphans.setdefault(one.name, []).extend(waiting)
                waiting = []
                continue
            above = before.get(one.name, frozenset())
            for line in one.lead:
                moved = line in before[""] and line not in beyond[""]
                if not (is_blank(line) or line in above or moved or line in known):
                    waiting.append(line)
                    known.add(line)
        orphans.setdefault("", []).extend(waiting)
    return orphans


def _comments(document: Document) -> dict[str, frozenset[str]]:
    """Return the lines above each variable, and under the empty name all there are."""
    found = {one.name: frozenset(one.lead) for one in document.variables}
    return found | {"": frozenset((*document.header, *document.footer)).union(*found.values())}


def _ordered(yours: Document, theirs: Document, found: Mapping[str, object]) -> list[str]:
    """Return the names in your order, theirs after the one that they follow there."""
    own = [one.name for one in yours.variables if one.name in found]
    known, before = set(own), ""
    following: dict[str, list[str]] = {}
    for name in (one.name for one in theirs.variables):
        if name in known:
            before = name
        elif name in found:
            following.setdefault(before, []).append(name)
    return [*following.get("", ()), *(each for name in own for each in (name, *following.get(name, ())))]


def _written(one: Variable | _Clashing, newline: str, version: str) -> Lines:
    if isinstance(one, Variable):
        return (*one.lead, one.line)
    yours, theirs = (side.line if side else "" for side in (one.yours, one.theirs))
    return (*one.lead, marked(yours, theirs, version=version, newline=newline))


def _changes(path: str, before: Document, after: Mapping[str, Variable]) -> tuple[Change, ...]:
    """Return which variables are new, gone, or have another value."""
    then = {one.name: one for one in before.variables}
    added = [Change("+", path, name) for name in after if name not in then]
    removed = [Change("-", path, name) for name in then if name not in after]
    changed = [
        Change("~", path, name)
        for name, one in then.items()
        if name in after and after[name].value != one.value
    ]
    return (*added, *removed, *changed)


def _clash(path: str, one: _Clashing) -> Clash:
    yours, theirs = ("removed" if side is None else "changed" for side in (one.yours, one.theirs))
    return Clash(path, one.name, yours, theirs)
