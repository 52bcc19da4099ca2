"""What a merge will put where: every file of both sides judged, nothing written yet.

An env file that both sides changed is put together in memory; any other content stays where it
is, in the folder or in the bundle, until it is copied a piece at a time.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from vsync import model
from vsync.errors import Conflict
from vsync.formats.archive import Archive
from vsync.formats.conflict import aside_path
from vsync.formats.content import FileState
from vsync.formats.dotenv import MAX_ENV_BYTES
from vsync.formats.envtext import parse, problem
from vsync.formats.names import collision, reader_problem
from vsync.merge import Change, Clash, Take, judge, merge_env, merge_folders
from vsync.sync.base import Base
from vsync.sync.deciding import is_env_file
from vsync.vault.folder import VaultFolder
from vsync.vault.tree import Tree


@dataclass(frozen=True, slots=True)
class Content:
    """One file of one side, or one put together: its state, and what reads it."""

    state: FileState
    size: int
    pieces: Callable[[], Iterable[bytes]] = field(repr=False)

    def whole(self) -> bytes:
        """Return all of it; the caller has looked at its size."""
        return b"".join(self.pieces())


Side = Mapping[str, Content]
_TOO_LARGE = f"it is larger than the {MAX_ENV_BYTES} bytes that an env file may have"


@dataclass(slots=True)
class Plan:
    """What the folder will hold, what of it came from there, and what has to be decided."""

    files: dict[str, Content] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    changes: list[Change] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)

    def put(self, content: Content, path: str, *, executable: bool) -> None:
        """Put a content at a path; Conflict when something else comes there, too."""
        if path in self.files:
            raise _beside(path, path)
        state = FileState(path, executable, content.state.sha256)
        self.files[path] = Content(state, content.size, content.pieces)


def content_of_folder(folder: VaultFolder, tree: Tree) -> Side:
    """Return the files of the folder as they were read."""
    return {file.state.path: Content(file.state, file.size, folder.pieces(file)) for file in tree.files}


def content_of_version(archive: Archive, states: Iterable[FileState]) -> Side:
    """Return the files of a version, given their states."""
    known = {state.path: state for state in states}
    return {
        entry.path: Content(known[entry.path], entry.info.file_size, partial(archive.pieces, entry))
        for entry in archive.entries
        if not entry.is_directory
    }


@dataclass(frozen=True, slots=True)
class Merging:
    """The three sides of one merge; `version` is the name of theirs."""

    mapping: model.Mapping
    version: str
    base: Base
    yours: Side
    theirs: Side

    def plan(self, *folders: Iterable[str]) -> Plan:
        """Judge every file; `folders` are those of yours and of theirs.

        Raises Conflict when names of both sides cannot stand side by side.
        """
        sides = [{path: one.state for path, one in side.items()} for side in (self.yours, self.theirs)]
        known = self.base.states(*sides)
        plan = Plan()
        for path in sorted(sides[0] | sides[1], key=str.encode):
            self._place(plan, path, known.get(path))
        both = (_with_parents(*side) for side in zip(sides, folders, strict=True))
        kept = merge_folders(_with_parents(known, ()), *both)
        plan.folders = tuple(sorted(_with_parents(plan.files, kept)))
        _require_placeable(plan)
        return plan

    def _place(self, plan: Plan, path: str, base: FileState | None) -> None:
        mine, other = self.yours.get(path), self.theirs.get(path)
        states = (one.state if one else None for one in (mine, other))
        verdict = judge(path, base, *states)
        match verdict.take:
            case Take.YOURS if mine:
                plan.put(mine, path, executable=verdict.executable)
                if verdict.executable != mine.state.executable:
                    plan.changes.append(Change("~", path))
            case Take.THEIRS if other:
                plan.put(other, path, executable=verdict.executable)
                plan.changes.append(Change("~" if mine else "+", path))
            case Take.NOTHING if mine:
                plan.changes.append(Change("-", path))
            case Take.BOTH if mine and other:
                together, why = self._put_together(plan, path, mine, other)
                if not together:
                    plan.put(mine, path, executable=mine.state.executable)
                    self._set_aside(plan, path, other, Clash(path, why=why))
            case Take.YOURS_ASIDE if mine:
                self._set_aside(plan, path, mine, Clash(path, theirs="removed"))
            case Take.THEIRS_ASIDE if other:
                self._set_aside(plan, path, other, Clash(path, yours="removed"))

    def _put_together(self, plan: Plan, path: str, mine: Content, other: Content) -> tuple[bool, str | None]:
        """Merge an env file by its variables; False, and why, when it can only be merged as a whole."""
        if not is_env_file(self.mapping, path):
            return False, None
        if max(mine.size, other.size) > MAX_ENV_BYTES:
            return False, _TOO_LARGE
        base = self.base.read(path)
        if base is None:
            return False, _TOO_LARGE
        sides = (base[1], mine.whole(), other.whole())
        merged = merge_env(path, *sides, version=self.version)
        if merged is None:
            return False, _why_whole(sides)
        data = merged.data
        executable = judge(path, base[0], mine.state, other.state).executable
        state = FileState(path, executable, hashlib.sha256(data).hexdigest())
        plan.put(Content(state, len(data), lambda: (data,)), path, executable=executable)
        changed = state != mine.state and not merged.changes and not merged.clashes
        plan.changes += [Change("~", path)] if changed else merged.changes
        plan.clashes += merged.clashes
        return True, None

    def _set_aside(self, plan: Plan, path: str, content: Content, clash: Clash) -> None:
        aside = aside_path(path, self.version)
        problem = reader_problem(aside)
        if problem:
            raise Conflict(
                f"both sides changed {path!r}, and no second file can lie beside it: its name {problem}",
                hint=f"give yours a shorter name, then: git vsync pull {self.mapping.secret.name} --merge",
            )
        plan.put(content, aside, executable=content.state.executable)
        plan.clashes.append(replace(clash, aside=aside))


def _why_whole(sides: tuple[bytes, bytes, bytes]) -> str:
    """Name the first side that is no env file of variables, and what is wrong with it."""
    named = zip(("in what was last synced", "in yours", "in theirs"), sides, strict=True)
    return next((f"{where}, {problem(data)}" for where, data in named if parse(data) is None), "")


def _with_parents(paths: Iterable[str], folders: Iterable[str]) -> set[str]:
    """Return the folders, and those that the paths lie in."""
    found: set[str] = set(folders)
    for path in chain(paths, tuple(found)):
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found


def _require_placeable(plan: Plan) -> None:
    twins = collision(plan.files, plan.folders)
    if twins:
        raise _beside(*twins)


def _beside(one: str, other: str) -> Conflict:
    return Conflict(
        f"{one!r} and {other!r}, of the two sides, cannot lie in one folder",
        hint="rename yours, then merge again",
    )
