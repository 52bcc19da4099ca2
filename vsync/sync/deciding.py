"""What a merge left in a vault folder for its user to decide: until then nothing is pushed or merged."""

from collections.abc import Iterator

from vsync.errors import Conflict, IntegrityError
from vsync.formats.conflict import is_aside, marked_names
from vsync.formats.dotenv import MAX_ENV_BYTES, ambiguous_names, is_name
from vsync.formats.envtext import is_env_path
from vsync.model import Mapping
from vsync.vault.folder import VaultFolder
from vsync.vault.tree import Scanned, Tree

SHOWN = 5


def require_decided(folder: VaultFolder, mapping: Mapping, tree: Tree) -> None:
    """Refuse while candidates of a merge stand side by side; Conflict names them, never their values."""
    found = list(_undecided(folder, mapping, tree))
    if found:
        raise Conflict(
            f"{mapping.folder} has conflicts of a merge to decide: {shown(found)}",
            hint=how_to_decide(mapping),
        )


def _undecided(folder: VaultFolder, mapping: Mapping, tree: Tree) -> Iterator[str]:
    for file in tree.files:
        path = file.state.path
        if is_aside(path):
            yield path
        elif _may_hold_marks(mapping, path) and file.size <= MAX_ENV_BYTES:
            data = b"".join(folder.pieces(file)())
            yield from (f"{name} in {path}" for name in marked_names(data))


def _may_hold_marks(mapping: Mapping, path: str) -> bool:
    """Tell whether to look for marks: in copies of env files, too, whatever was put behind their names."""
    return is_env_file(mapping, path) or ".env" in path.rpartition("/")[2].lower()


def require_unambiguous(folder: VaultFolder, mapping: Mapping, tree: Tree) -> None:
    """Refuse env files in which a name has two values, as a conflict does whose marks alone were removed."""
    found = [one for file in tree.files for one in _ambiguous(folder, mapping, file)]
    if found:
        raise Conflict(
            f"{mapping.folder} has variables with two values: {shown(found)}",
            hint="keep one line of each; where a merge had a conflict, keep one candidate",
        )


def _ambiguous(folder: VaultFolder, mapping: Mapping, file: Scanned) -> Iterator[str]:
    path = file.state.path
    if not is_env_file(mapping, path) or file.size > MAX_ENV_BYTES:
        return
    try:
        names = ambiguous_names(b"".join(folder.pieces(file)()))
    except IntegrityError:  # the mapping's own is judged more strictly, with its names
        return
    yield from (f"{name if is_name(name) else 'a name'} in {path}" for name in names)


def is_env_file(mapping: Mapping, path: str) -> bool:
    """Tell whether a file of the vault is merged variable by variable."""
    return not is_aside(path) and (path == mapping.env_file or is_env_path(path))


def shown(names: list[str]) -> str:
    """Return the first few of many names."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def how_to_decide(mapping: Mapping) -> str:
    """Return what to type next."""
    return (
        "keep one candidate of each, remove the marks (<<<<<<<, =======, >>>>>>>) and every file "
        f"*.conflict-…, then: git vsync push {mapping.secret.name}"
    )
