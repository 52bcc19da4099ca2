"""git vsync init with another store: every version moves, then the pointer, then the binding."""

from dataclasses import dataclass

from vsync.errors import AlreadyExists, Conflict, NotFound, StaleTag
from vsync.formats.audit_log import MAX_LOG_BYTES
from vsync.formats.binding import Binding
from vsync.formats.layout import Root, root_of
from vsync.machine.halves import place_digest
from vsync.model import Mapping
from vsync.store.interface import ObjectInfo, Store
from vsync.store.probe import probe, require_writable
from vsync.sync.fetch import MAX_BUNDLE_BYTES
from vsync.sync.head import read_head
from vsync.sync.opened import open_vault
from vsync.sync.publish import recover
from vsync.world import World


@dataclass(frozen=True, slots=True)
class Move:
    """A vault on its way from one store to another."""

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


def plan_move(world: World, mapping: Mapping, target: Binding) -> Move:
    """Return what moving would copy; nothing is written."""
    vault = open_vault(world, mapping)
    new_root = root_of(mapping.secret, target)
    new = world.open_store(target.location)
    skipped = {vault.root.head}
    objects = tuple(info for info in vault.store.names(vault.root.prefix) if info.name not in skipped)
    return Move(mapping, vault.store, vault.root, new, new_root, objects)


def carry_out(world: World, move: Move, target: Binding) -> None:
    """Copy, then move the pointer, then the binding. Stopped anywhere, running it again goes on.

    Raises Conflict when somebody pushed to the old store meanwhile, or the new place holds
    another vault's objects.
    """
    vault = open_vault(world, move.mapping)
    recover(vault)
    require_writable(probe(move.new, move.new_root.prefix))
    world.machine.remember_fit(place_digest(target))
    head = read_head(vault)
    _copy_all(world, move)
    if head is not None:
        data = move.old.read(move.old_root.head, limit=MAX_LOG_BYTES)
        if data.tag != head.tag:
            raise Conflict(
                f"{vault.secret}: somebody pushed while it was moving; nothing points to the new store yet",
                hint="run the same command again",
            )
        _put(move, move.new_root.head, data.data)
    world.machine.bindings.write(vault.secret, target)
    world.machine.trust.agree(vault.secret, target)


def _copy_all(world: World, move: Move) -> None:
    total = sum(info.size for info in move.objects)
    with world.terminal.progress(f"{move.mapping.secret}: moving", total) as done:
        for info in move.objects:
            _copy(world, move, info)
            done(info.size)


def _copy(world: World, move: Move, info: ObjectInfo) -> None:
    name = move.new_root.prefix + info.name.removeprefix(move.old_root.prefix)
    if info.name == move.old_root.audit:
        _put(move, name, move.old.read(info.name, limit=MAX_LOG_BYTES).data)
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


def _put(move: Move, name: str, data: bytes) -> None:
    """Write an object that moves later on; one left by a move that was stopped is replaced."""
    try:
        present = move.new.read(name, limit=MAX_LOG_BYTES)
    except NotFound:
        expected = None
    else:
        if present.data == data:
            return
        if name == move.new_root.head:
            raise Conflict(
                f"{move.new.where} holds another state of this vault under {name}", hint="--prefix"
            )
        expected = present.tag
    try:
        move.new.swap(name, data, expected=expected)
    except StaleTag as error:
        raise Conflict(f"somebody writes to {name} in {move.new.where}", hint="run it again") from error


def drop_old(move: Move) -> int:
    """Remove everything from the old place, the pointer first; returns how many objects."""
    names = [move.old_root.head, *(info.name for info in move.objects)]
    for name in names:
        move.old.delete(name)
    return len(names)
