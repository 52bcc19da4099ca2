"""git vsync init with another store: every version moves, then the pointer, then the binding.

1. What moves is what belongs to the vault: bundles, audit log, slots. Another vault's objects
   below the same prefix are not touched.
2. Until the binding is written, the old store is the vault's. Stopped anywhere, running it again
   goes on: bundles are the same bytes, and an older pointer of ours gives way to the newer one.
3. A place that turns out to be the old one under another address is not copied onto itself,
   and nothing is removed from it.
"""

import io
import secrets
from contextlib import suppress
from dataclasses import dataclass

from vsync.errors import AlreadyExists, Conflict, IntegrityError, NotFound, StaleTag, WrongKey
from vsync.formats import pointer as pointers
from vsync.formats.audit_log import MAX_LOG_BYTES
from vsync.formats.binding import Binding
from vsync.formats.layout import Root, root_of
from vsync.formats.pointer import MAX_POINTER_BYTES
from vsync.machine.halves import place_digest
from vsync.model import Mapping
from vsync.store.interface import Blob, ObjectInfo, Store
from vsync.store.probe import probe, require_writable
from vsync.sync.fetch import MAX_BUNDLE_BYTES
from vsync.sync.head import Head, read_head
from vsync.sync.opened import OpenVault, open_vault
from vsync.sync.publish import recover
from vsync.world import World


@dataclass(frozen=True, slots=True)
class Move:
    """A vault on its way from one store to another; `objects` are those of the plan."""

    mapping: Mapping
    old: Store
    old_root: Root
    new: Store
    new_root: Root
    objects: tuple[ObjectInfo, ...]

    def lines(self) -> tuple[str, ...]:
        """Return the plan in words."""
        size = sum(info.size for info in self.objects)
        return (
            f"from  {self.old.where}, under {self.old_root.prefix}",
            f"to    {self.new.where}, under {self.new_root.prefix}",
            f"what  {len(self.objects)} objects, {size} bytes: every version, the audit log, every slot",
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """What was carried over: the objects, and the pointer's bytes, None where nothing was pushed yet."""

    objects: tuple[ObjectInfo, ...]
    head: bytes | None


def plan_move(world: World, mapping: Mapping, target: Binding) -> Move:
    """Return what moving would copy; nothing is written.

    Raises Conflict when the new place is another vault's.
    """
    vault = open_vault(world, mapping)
    new_root = root_of(mapping.secret, target)
    new = world.open_store(target.location)
    move = Move(mapping, vault.store, vault.root, new, new_root, _belongings(vault))
    _present_head(move)
    return move


def _belongings(vault: OpenVault) -> tuple[ObjectInfo, ...]:
    """Return the vault's own objects but for the pointer (formats §5)."""
    root = vault.root
    found = vault.store.names(root.prefix)
    return tuple(info for info in found if _belongs(info.name, root))


def _belongs(name: str, root: Root) -> bool:
    folder, _, slot = name.rpartition("/")
    is_slot = bool(slot) and f"{folder}/" == f"{root.prefix}slots/"
    return is_slot or name == root.audit or root.version_of(name) is not None


def carry_out(world: World, move: Move, target: Binding) -> Moved | None:
    """Copy, then move the pointer, then the binding; None when both places are one.

    Raises Conflict when somebody pushed to the old store meanwhile, or the new place holds
    something else.
    """
    vault = open_vault(world, move.mapping)
    recover(vault)
    require_writable(probe(move.new, move.new_root.prefix))
    world.machine.remember_fit(place_digest(target))
    moved = None if _is_one_place(move) else _copy_all(vault, move)
    # Before the binding: stopped in between, nothing asks whether the key may go to the new place.
    world.machine.trust.agree(vault.secret, target)
    world.machine.bindings.write(vault.secret, target)
    return moved


def _is_one_place(move: Move) -> bool:
    """Tell whether both places are one under two addresses, by writing to one and reading the other."""
    if move.old_root.prefix != move.new_root.prefix:
        return False
    name, data = f"{move.new_root.prefix}probe-{secrets.token_hex(8)}", secrets.token_bytes(32)
    move.new.create(name, io.BytesIO(data), size=len(data))
    try:
        return move.old.read(name, limit=len(data)).data == data
    except NotFound:
        return False
    finally:
        move.new.delete(name)


def _copy_all(vault: OpenVault, move: Move) -> Moved:
    # The head first: whatever it names is in the listing that follows.
    head = read_head(vault)
    objects = _belongings(vault)
    with vault.world.terminal.progress(f"{vault.secret}: moving", sum(info.size for info in objects)) as done:
        for info in objects:
            _copy(vault.world, move, info)
            done(info.size)
    return Moved(objects, _move_head(vault, move, head))


def _copy(world: World, move: Move, info: ObjectInfo) -> None:
    name = move.new_root.prefix + info.name.removeprefix(move.old_root.prefix)
    if info.name == move.old_root.audit:
        _replace_log(move, move.old.read(info.name, limit=MAX_LOG_BYTES).data)
        return
    with world.spool() as spool:
        size = move.old.download(info.name, spool, limit=MAX_BUNDLE_BYTES)
        try:
            move.new.create(name, spool, size=size)
        except AlreadyExists as error:
            raise Conflict(
                f"{name} exists in {move.new.where} with other content",
                hint="choose another place: --prefix",
            ) from error


def _replace_log(move: Move, data: bytes) -> None:
    """Write the audit log; one that a move left behind there is replaced."""
    try:
        tag = move.new.read(move.new_root.audit, limit=MAX_LOG_BYTES).tag
    except NotFound:
        tag = None
    _swap(move, move.new_root.audit, data, tag)


def _move_head(vault: OpenVault, move: Move, head: Head | None) -> bytes | None:
    """Write the pointer that was read before everything else was copied."""
    if head is None:
        return None
    now = move.old.read(move.old_root.head, limit=MAX_POINTER_BYTES)
    if now.tag != head.tag:
        raise Conflict(
            f"{vault.secret}: somebody pushed while it was moving; nothing points to the new store yet",
            hint="run the same command again",
        )
    present = _present_head(move)
    if present is not None and present.data != now.data and not _is_older(vault, present.data, head):
        raise Conflict(
            f"{move.new.where} holds a newer state of {vault.secret}: somebody has moved it already",
            hint="ask for a new share of it, then: git vsync import FILE.share",
        )
    _swap(move, move.new_root.head, now.data, present.tag if present else None)
    return now.data


def _present_head(move: Move) -> Blob | None:
    """Return the pointer at the new place; Conflict when it is another vault's (formats §5)."""
    try:
        blob = move.new.read(move.new_root.head, limit=MAX_POINTER_BYTES)
    except NotFound:
        return None
    claimed = None if move.new_root.classic else pointers.claimed_name(blob.data)
    if claimed is not None and claimed != str(move.mapping.secret):
        raise Conflict(
            f"{move.new_root.prefix} in {move.new.where} belongs to {claimed!r}, "
            f"not to {move.mapping.secret}",
            hint="choose another place in the store: --prefix",
        )
    return blob


def _is_older(vault: OpenVault, data: bytes, head: Head) -> bool:
    """Tell whether a pointer is an authentic, older one of this vault."""
    if vault.root.classic:
        return data.decode("ascii", "replace").strip() < head.version
    with suppress(WrongKey, IntegrityError):
        return pointers.from_bytes(data, vault.key, str(vault.secret)).gen < head.gen
    return False


def _swap(move: Move, name: str, data: bytes, tag: str | None) -> None:
    try:
        move.new.swap(name, data, expected=tag)
    except StaleTag as error:
        raise Conflict(f"somebody writes to {name} in {move.new.where}", hint="run it again") from error


def drop_old(move: Move, moved: Moved) -> int:
    """Remove what was moved from the old place, the pointer first; returns how many objects.

    Raises Conflict, having removed nothing, when somebody pushed there since.
    """
    names = [info.name for info in moved.objects]
    if moved.head is not None:
        with suppress(NotFound):
            if move.old.read(move.old_root.head, limit=MAX_POINTER_BYTES).data != moved.head:
                raise Conflict(
                    f"somebody pushed to {move.old.where} after {move.mapping.secret} had moved: "
                    "nothing was removed there",
                    hint="ask them to push again once they have the new share",
                )
        names = [move.old_root.head, *names]
    for name in names:
        move.old.delete(name)
    return len(names)
