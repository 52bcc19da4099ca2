"""git vsync import: take both halves of a vault from a share, all of it or nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from vsync.errors import IntegrityError, KeyUnavailable, UsageError
from vsync.formats.binding import Binding, RetiredSalt
from vsync.formats.share import Share
from vsync.formats.vaultkey import VaultKey, check_texts
from vsync.keys.interface import KeyRing
from vsync.machine.memory import Seen
from vsync.model import Mapping, Result, SecretName
from vsync.sync import trail
from vsync.sync.head import Head, read_head
from vsync.sync.opened import OpenVault
from vsync.world import World


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would write, after it was checked: to be shown before it is done."""

    vault: OpenVault
    share: Share
    head: Head | None
    replaces_key: str | None

    def lines(self) -> tuple[str, ...]:
        """Return what a person needs to decide, without a secret in it."""
        world, secret = self.vault.world, self.vault.secret
        place = self.vault.binding.location
        by = self.head and self.head.pointer and self.head.pointer.by
        newest = f"{self.head.version}, pushed last by {by or 'somebody'}" if self.head else "not looked at"
        lines = [
            f"vault     {secret}, for {self.vault.mapping.folder}",
            f"store     {self.vault.store.where}, under {self.vault.root.prefix}",
            f"identity  {place.access_key_id or place.aws_profile or 'credentials of this machine'}",
            f"newest    {newest}",
            f"writes    {world.machine.bindings.path(secret)}",
            f"          account {secret} in {world.keys.source}",
        ]
        if self.replaces_key:
            lines.append(f"retires   key {self.replaces_key}, which this machine has now")
        return tuple(lines)


class _GivenKey:
    """A ring that answers with the key of a share that is being looked at, and keeps nothing."""

    source = "the share"
    writable = False

    def __init__(self, account: str, text: str) -> None:
        self._account, self._text = account, text

    def get(self, account: str) -> str | None:
        return self._text if account == self._account else None

    def set(self, account: str, text: str) -> None:  # noqa: ARG002 - KeyRing's signature
        raise KeyUnavailable("a share keeps no keys")

    def delete(self, account: str) -> None:  # noqa: ARG002 - KeyRing's signature
        raise KeyUnavailable("a share keeps no keys")


def mapping_of(world: World, share: Share, wanted: Mapping | None) -> Mapping:
    """Return the mapping a share is for; UsageError when it is for another vault, or for none here."""
    name = f"{share.repo}/{share.env}"
    if wanted is not None and str(wanted.secret) != name:
        raise UsageError(f"the share is for {name}, not for {wanted.secret}")
    for mapping in world.config.mappings:
        if str(mapping.secret) == name:
            return mapping
    raise UsageError(
        f"the share is for {name}, and no mapping here has that name",
        hint="check that this is the right repository, and that vsync.toml is up to date: git pull",
    )


def plan(world: World, mapping: Mapping, share: Share, binding: Binding, *, check: bool) -> Plan:
    """Check everything about a share that can be checked before anything is written.

    Opens the newest pointer with the new half. Raises IntegrityError when the store is older
    than the share or than this machine saw, KeyUnavailable when the key does not open it.
    """
    check_texts(share.key, binding.salt)
    _check_folder_hint(binding)
    trial = replace(world, keys=_GivenKey(str(mapping.secret), share.key))
    vault = OpenVault(trial, mapping, binding, world.open_store(binding.location))
    head = read_head(vault) if check else None
    floor = share.seen
    if head is not None and floor is not None:
        _require_floor(vault, head, floor)
    replaced = _replaced_key(world, mapping.secret, vault)
    if replaced and head is None:
        raise KeyUnavailable(
            f"this machine has key {replaced} for {mapping.secret}, and the share's could not be proved",
            hint="import it where the store can be reached, without --no-check",
        )
    return Plan(vault, share, head, replaced)


def _check_folder_hint(binding: Binding) -> None:
    """Refuse a share that names a folder outside the repository; ours goes by the mapping anyway."""
    folder = binding.unknown.get("files", {}).get("vaultFolder")
    if folder is None:
        return
    if (
        not isinstance(folder, str)
        or folder.startswith(("/", "~"))
        or ".." in folder.split("/")
        or "\\" in folder
    ):
        raise IntegrityError(
            "the share names a vault folder outside the repository", hint="do not trust its sender"
        )


def _require_floor(vault: OpenVault, head: Head, floor: dict[str, object]) -> None:
    gen = floor["gen"]
    if not isinstance(gen, int) or head.gen < gen or (head.gen == gen and head.sha256 != floor["sha256"]):
        raise IntegrityError(
            f"{vault.secret}: the store is older than what the sender of the share saw",
            hint="the store was set back; ask who pushed last",
        )


def _replaced_key(world: World, secret: SecretName, new: OpenVault) -> str | None:
    """Return the key id of a present half that the share would replace."""
    text, binding = world.keys.get(str(secret)), world.machine.bindings.find(secret)
    if text is None or binding is None or (text == new.key_text and binding.salt == new.binding.salt):
        return None
    return VaultKey.from_texts(text, binding.salt).key_id


def carry_out(world: World, plan: Plan) -> Result:
    """Write both halves, what was seen, and the user's consent; after a failure all is as before."""
    secret = plan.vault.secret
    undo: list[Callable[[], None]] = []
    try:
        binding = _write_keys(world, plan, undo)
        _write_binding(world, secret, binding, undo)
    except BaseException:
        for step in reversed(undo):
            step()
        raise
    world.machine.trust.agree(secret, binding)
    vault = replace(plan.vault, world=world, binding=binding)
    if plan.head is not None:
        _remember(vault, plan.head)
    elif plan.share.seen is not None and world.machine.memory.seen(secret) is None:
        world.terminal.notice(f"{secret}: the store was not looked at; the first pull does")
    trail.write_row(vault, trail.new_row(world, "import", plan.head.version if plan.head else ""))
    data = {"version": plan.head.version if plan.head else None, "key_id": vault.key.key_id}
    return Result(str(secret), "imported", f"imported; next: git vsync pull {secret.name}", data=data)


def _write_keys(world: World, plan: Plan, undo: list[Callable[[], None]]) -> Binding:
    """Write the new half and the retired ones; returns the binding that knows them all."""
    secret, share = plan.vault.secret, plan.share
    present = world.machine.bindings.find(secret)
    retired = {old.kid: old.salt for old in (present.retired if present else ())}
    retired |= {old.kid: old.salt for old in share.retired}
    accounts = {f"{secret}#{old.kid}": old.key for old in share.retired}
    if plan.replaces_key and present is not None:
        retired[plan.replaces_key] = present.salt
        accounts[f"{secret}#{plan.replaces_key}"] = world.keys.get(str(secret)) or ""
    accounts[str(secret)] = share.key
    for account, text in accounts.items():
        _set_key(world.keys, account, text, undo)
    own = plan.vault.key.key_id
    rows = tuple(RetiredSalt(kid, salt) for kid, salt in retired.items() if kid != own)
    return replace(plan.vault.binding, retired=rows)


def _set_key(keys: KeyRing, account: str, text: str, undo: list[Callable[[], None]]) -> None:
    before = keys.get(account)
    if before == text:
        return

    def restore() -> None:
        if before is None:
            keys.delete(account)
        else:
            keys.set(account, before)

    undo.append(restore)
    keys.set(account, text)


def _write_binding(
    world: World, secret: SecretName, binding: Binding, undo: list[Callable[[], None]]
) -> None:
    before = world.machine.bindings.find(secret)

    def restore() -> None:
        if before is None:
            world.machine.bindings.remove(secret)
        else:
            world.machine.bindings.write(secret, before)

    undo.append(restore)
    world.machine.bindings.write(secret, binding)


def _remember(vault: OpenVault, head: Head) -> None:
    memory = vault.world.machine.memory
    before = memory.seen(vault.secret)
    rows, last = (before.rows, before.last_mac) if before else (0, "")
    memory.see(vault.secret, Seen(head.gen, head.version, head.sha256, vault.key.key_id, rows, last))
