"""What a vault folder holds now, and how it differs from what was last synced."""

from vsync.drift import Edits, compare
from vsync.errors import Conflict, GitError, IntegrityError, NotFound
from vsync.formats.lockfile import LockEntry
from vsync.git import ignore_command, untrack_command
from vsync.machine.memory import Ledger, LedgerFile, LocalKey
from vsync.model import Mapping
from vsync.vault.folder import Unsettled, VaultFolder
from vsync.vault.tree import Tree, check_pushable
from vsync.world import World


def folder_of(world: World, mapping: Mapping) -> VaultFolder:
    """Return the mapping's folder in this checkout."""
    return VaultFolder(world.repository.top, mapping.folder)


def edits_since(tree: Tree, ledger: Ledger | None, key: LocalKey) -> Edits:
    """Compare a folder with the ledger, by content; without a ledger every file is added."""
    now = {file.state.path: key.file_digest(file.state) for file in tree.files}
    then = {path: file.digest for path, file in ledger.files.items()} if ledger else {}
    return compare(now, then)


def ledger_of(tree: Tree, key: LocalKey, *, version: str, gen: int, kid: str) -> Ledger:
    """Return the ledger for a folder that holds exactly this version."""
    files = {
        file.state.path: LedgerFile(file.size, file.mtime_ns, key.file_digest(file.state))
        for file in tree.files
    }
    return Ledger(version, gen, kid, key.content(tree.states), files)


def settle(world: World, mapping: Mapping) -> None:
    """Finish or undo what a stopped pull left in this checkout, its ledger included.

    Raises GitError when git tracks any of it: a pull leaves nothing that git could take, so it
    came with the repository. Conflict when this machine has noted no such pull.
    """
    memory, secret, folder = world.machine.memory, mapping.secret, folder_of(world, mapping)

    def done() -> None:
        incoming = memory.incoming(secret, world.checkout)
        if incoming is not None:
            memory.write_ledger(secret, world.checkout, incoming)

    def undone() -> None:
        memory.drop_incoming(secret, world.checkout)

    if folder.unsettled() is not None:
        _require_not_sent(folder.side, world.repository.tracked([folder.side]))
    folder.settle(noted=memory.expects(secret, world.checkout), done=done, undone=undone)
    undone()


def _require_not_sent(path: str, tracked: list[str]) -> None:
    if tracked:
        more = f" and {len(tracked) - 1} more files" if len(tracked) > 1 else ""
        raise GitError(
            f"git tracks {tracked[0]}{more}, where only an interrupted pull leaves anything",
            hint=f"it came with the repository, and may be an attack: git log -- {path}; "
            f"then: git rm -r {path}",
        )


def synced_ledger(world: World, mapping: Mapping) -> Ledger | None:
    """Return what the folder was last synced with, as `settle` would leave it; changes nothing."""
    memory, secret = world.machine.memory, mapping.secret
    checkout = world.repository.known_checkout_id()
    if checkout is None:
        return None
    incoming = memory.incoming(secret, checkout)
    if incoming is not None and folder_of(world, mapping).unsettled() in (Unsettled.ASIDE, Unsettled.SWAPPED):
        return incoming
    return memory.ledger(secret, checkout)


def env_names(world: World, mapping: Mapping) -> tuple[str, ...] | None:
    """Return the names in the effective env file, or None when there is no such file.

    Conflict, with the number of the line, when there is one that is not `NAME=value`: it may be
    part of a secret, and names are committed.
    """
    # status shares this module and reads no env file.
    from vsync.formats.dotenv import MAX_ENV_BYTES, MEND_LINE, variable_names

    data = folder_of(world, mapping).read_file(mapping.env_file, limit=MAX_ENV_BYTES)
    if data is None:
        return None
    try:
        return variable_names(data)
    except IntegrityError as error:
        raise Conflict(f"{mapping.folder}/{mapping.env_file}: {error.message}", hint=MEND_LINE) from error


def shown_names(world: World, mapping: Mapping) -> tuple[str, ...]:
    """Return the names in the effective env file that may be shown, whoever wrote the others."""
    from vsync.formats.dotenv import MAX_ENV_BYTES, read_named

    data = folder_of(world, mapping).read_file(mapping.env_file, limit=MAX_ENV_BYTES)
    return tuple(sorted(read_named(data or b""), key=str.encode))


def snapshot_for_push(world: World, mapping: Mapping, *, allow_empty: bool) -> tuple[Tree, tuple[str, ...]]:
    """Return the folder's content and variable names after everything that forbids a push was checked.

    Raises NotFound (no folder), Conflict (links, bad names, emptied, a merge that left something to
    decide), GitError (not ignored or tracked).
    """
    folder = folder_of(world, mapping)
    if not folder.exists():
        raise NotFound(
            f"there is no folder {mapping.folder}", hint=f"git vsync pull {mapping.secret.name}, or create it"
        )
    tree = folder.scan()
    check_pushable(mapping.folder, tree)
    require_hidden_from_git(world, mapping)
    # status shares this module and merges nothing.
    from vsync.sync.deciding import require_decided, require_unambiguous

    require_decided(folder, mapping, tree)
    names = env_names(world, mapping)
    require_unambiguous(folder, mapping, tree)
    if not allow_empty:
        _require_content(mapping, tree, names)
    return tree, names or ()


def _require_content(mapping: Mapping, tree: Tree, names: tuple[str, ...] | None) -> None:
    problem = None
    if not tree.files:
        problem = f"{mapping.folder} is empty"
    elif names is None:
        problem = f"{mapping.folder} has no {mapping.env_file}"
    elif not names:
        problem = f"{mapping.folder}/{mapping.env_file} has no variable in it"
    if problem:
        raise Conflict(f"{problem}: not pushed", hint="if that is what you want: push --allow-empty")


def require_hidden_from_git(world: World, mapping: Mapping) -> None:
    """Refuse while git could take plaintext of the vault: GitError names files and the command that helps."""
    side = folder_of(world, mapping).side
    tracked = world.repository.tracked([mapping.folder, side])
    _require_not_sent(side, [path for path in tracked if path == side or path.startswith(f"{side}/")])
    if tracked:
        raise GitError(
            f"git tracks {tracked[0]}" + (f" and {len(tracked) - 1} more files" if len(tracked) > 1 else ""),
            hint=f"{untrack_command(mapping.folder, folder=True)}, commit, and change the secrets in it",
        )
    exposed = world.repository.not_ignored([mapping.folder, f"{mapping.folder}/{mapping.env_file}"])
    if exposed:
        raise GitError(f"git does not ignore {exposed[0]}", hint=ignore_command(mapping.folder))


def lock_entry_of(
    world: World,
    mapping: Mapping,
    tree: Tree,
    names: tuple[str, ...],
    *,
    version: str,
    gen: int,
    kid: str,
    sha256: str,
) -> LockEntry:
    """Return what `vsync.lock` says of this content (formats §9); no names where the team wants none."""
    files = tuple(path for file in tree.files if (path := file.state.path) != mapping.env_file)
    if not world.config.lock_names:
        names, files = (), ()
    return LockEntry(str(mapping.secret), version, gen, kid, sha256, names, files)
