"""How two sides differ, by names: rules about values only, nothing is read here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Edits:
    """Names that differ between two sides, sorted."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.added) + len(self.removed) + len(self.changed)

    def lines(self) -> tuple[str, ...]:
        """Return one line a name, marked as git marks them."""
        marked = (("+", self.added), ("-", self.removed), ("~", self.changed))
        return tuple(f"{mark} {name}" for mark, names in marked for name in names)


def compare(now: Mapping[str, object], then: Mapping[str, object]) -> Edits:
    """Compare two sides given as name → what is equal exactly when nothing has changed."""
    return Edits(
        added=tuple(sorted(now.keys() - then.keys())),
        removed=tuple(sorted(then.keys() - now.keys())),
        changed=tuple(sorted(path for path in now.keys() & then.keys() if now[path] != then[path])),
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """What one side of a comparison holds.

    `files` (all but the env file) and `layout` (the env file as it is written) are path →
    digest, or None where this side has nothing to say about them. Shows itself without values.
    """

    variables: Mapping[str, str | None] = field(repr=False)
    files: Mapping[str, str] | None = None
    layout: Mapping[str, str] | None = None

    def names_only(self) -> "Holding":
        """Return the same names with nothing behind them, so that none of them counts as changed."""
        files = None if self.files is None else dict.fromkeys(self.files, "")
        return Holding(dict.fromkeys(self.variables), files)


@dataclass(frozen=True, slots=True)
class Differences:
    """How one vault differs from another side; `layout` is the env file, where its variables are the same."""

    variables: Edits = Edits()
    files: Edits = Edits()
    layout: Edits = Edits()

    def __len__(self) -> int:
        return len(self.variables) + len(self.files) + len(self.layout)

    def lines(self) -> tuple[str, ...]:
        """Return one line a name, variables first."""
        files = (f"{line} (file)" for line in self.files.lines())
        layout = (f"{line} (file; no variable differs)" for line in self.layout.lines())
        return (*self.variables.lines(), *files, *layout)


def differences(ours: Holding, theirs: Holding) -> Differences:
    """Compare two sides: what ours has and theirs lacks is added.

    What one of the sides says nothing about is not compared.
    """
    variables = compare(ours.variables, theirs.variables)
    files = layout = Edits()
    if ours.files is not None and theirs.files is not None:
        files = compare(ours.files, theirs.files)
    if not variables and ours.layout is not None and theirs.layout is not None:
        layout = compare(ours.layout, theirs.layout)
    return Differences(variables, files, layout)


@dataclass(frozen=True, slots=True)
class MissingNames:
    """Names that one side has and the other lacks, each sorted."""

    bundle: tuple[str, ...] = ()
    """In the template or required, and not in the bundle."""

    template: tuple[str, ...] = ()
    """In the bundle, and not in the template."""

    def __bool__(self) -> bool:
        return bool(self.bundle or self.template)


def missing_names(
    bundle: Iterable[str], *, template: Iterable[str] | None, required: Iterable[str] = ()
) -> MissingNames:
    """Compare the names of a bundle with the required ones and the template's; None: there is no template."""
    names, wanted = set(bundle), set(required)
    listed = names if template is None else set(template)
    return MissingNames(
        bundle=tuple(sorted((wanted | listed) - names, key=str.encode)),
        template=tuple(sorted(names - listed, key=str.encode)),
    )
