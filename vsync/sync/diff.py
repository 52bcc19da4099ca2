"""git vsync diff: how a vault folder differs from another side, by names."""

from dataclasses import dataclass
from pathlib import Path

from vsync.drift import Differences, Holding, differences
from vsync.model import Mapping, Result
from vsync.sync.sides import folder_side, names_side, other_side
from vsync.sync.target import LOCK, REMOTE
from vsync.world import World

MAX_REVEALED = 200  # characters of a value


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """The flags of diff; `reveal` only when somebody sits before a terminal that the answer goes to."""

    against: str | None = None
    names_only: bool = False
    exit_code: bool = False
    reveal: bool = False


def diff(world: World, mapping: Mapping, options: DiffOptions, cwd: Path) -> Result:
    """Compare the folder with what `against` names, seen from `cwd`; nothing is written.

    What the folder has and the other side lacks is added. Without `against` that is the newest
    version, or the lock where only names count. Values are in the details with `reveal` alone,
    and never in the data.
    """
    ours = folder_side(world, mapping)
    if options.names_only:
        against = options.against or LOCK
        theirs = names_side(world, mapping, against, cwd)
        mine, other = ours.holding.names_only(), theirs.holding.names_only()
    else:
        against = options.against or REMOTE
        theirs = other_side(world, mapping, against, cwd)
        mine, other = ours.holding, theirs.holding
    found = differences(mine, other)
    code = int(bool(found) and options.exit_code)
    data = {"against": against, "with": theirs.data, "same": not found, **_names(found)}
    summary = _summary(mapping, found, theirs.shown, names_only=options.names_only)
    details = _revealed(found, mine, other) if options.reveal else found.lines()
    return Result(str(mapping.secret), "different" if found else "same", summary, details, data, code)


def _summary(mapping: Mapping, found: Differences, other: str, *, names_only: bool) -> str:
    what = "has the same names as" if names_only else "is the same as"
    if not found:
        return f"{mapping.folder} {what} {other}"
    count = f"{len(found)} names" if len(found) > 1 else "1 name"
    return f"{mapping.folder} differs in {count} from {other}"


def _names(found: Differences) -> dict[str, object]:
    files = {
        kind: sorted([*getattr(found.files, kind), *getattr(found.layout, kind)])
        for kind in ("added", "removed", "changed")
    }
    variables = {kind: list(getattr(found.variables, kind)) for kind in files}
    return {"variables": variables, "files": files}


def _revealed(found: Differences, ours: Holding, theirs: Holding) -> tuple[str, ...]:
    """Return the lines with the values of variables; those of files stay where they are."""
    edits = found.variables
    lines = [f"+ {name} = {_shown(ours, name)}" for name in edits.added]
    lines += [f"- {name} = {_shown(theirs, name)}" for name in edits.removed]
    for name in edits.changed:
        lines += [f"~ {name}", f"    - {_shown(theirs, name)}", f"    + {_shown(ours, name)}"]
    rest = Differences(files=found.files, layout=found.layout)
    return (*lines, *rest.lines())


def _shown(side: Holding, name: str) -> str:
    value = side.variables[name]
    if value is None:
        return "(no value)"
    more = len(value) - MAX_REVEALED
    return f"{value[:MAX_REVEALED]}… ({more} more characters)" if more > 0 else value
