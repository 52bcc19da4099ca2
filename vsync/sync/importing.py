"""git vsync import: take both halves of a vault from a share, all of it or nothing."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from vsync.errors import IntegrityError, KeyUnavailable, UsageError, VsyncError
from vsync.formats.binding import Binding, RetiredSalt
from vsync.formats.share import RetiredKey, Share
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
    replaces: RetiredKey | None
    checked: bool
    keeper: str

    def lines(self) -> tuple[str, ...]:
        """Return what a person needs to decide, without a secret in it."""
        secret, bindings = self.vault.secret, self.vault.world.machine.bindings
        place = self.vault.binding.location
        by = self.head and self.head.pointer and self.head.pointer.by
        newest = "nothing was pushed yet" if self.checked else "not looked at"
        if self.head:
            newest = f"{self.head.version}, pushed last by {by or 'somebody'}"
        lines = [
            f"vault     {secret}, for {self.vault.mapping.folder}",
            f"store     {self.vault.store.where}, under {self.vault.root.prefix}",
            f"identity  {place.access_key_id or place.aws_profile or 'credentials of this machine'}",
            f"newest    {newest}",
            f"writes    {bindings.path(secret)}",
            f"          account {secret} in {self.keeper}",
        ]
        if self.replaces:
            lines.append(f"retires   key {self.replaces.kid}, which this machine has now")
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
    _check_retired(share)
    _check_folder_hint(binding)
    trial = replace(world, keys=_GivenKey(str(mapping.secret), share.key))
    vault = OpenVault(trial, mapping, binding, world.open_store(binding.location))
    head = read_head(vault) if check else None
    floor = share.seen
    if check and floor is not None:
        _require_floor(vault, head, floor)
    replaced = _replaced_half(world, mapping.secret, vault)
    if replaced and head is None:
        raise KeyUnavailable(
            f"this machine has key {replaced.kid} for {mapping.secret}, and the share's could not be proved",
            hint="import it where the store can be reached, without --no-check",
        )
    return Plan(vault, share, head, replaced, check, world.keys.source)


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


def _check_retired(share: Share) -> None:
    """Refuse a retired key under an id that is not its own: it would replace the true one here."""
    for old in share.retired:
        check_texts(old.key, old.salt)
        if VaultKey.from_texts(old.key, old.salt).key_id != old.kid:
            raise IntegrityError(
                f"the share names a retired key {old.kid} that is another one", hint="do not trust its sender"
            )


def _require_floor(vault: OpenVault, head: Head | None, floor: dict[str, Any]) -> None:
    gen = floor["gen"]
    if head is None or head.gen < gen or (head.gen == gen and head.sha256 != floor["sha256"]):
        raise IntegrityError(
            f"{vault.secret}: the store is older than what the sender of the share saw",
            hint="the store was set back; ask who pushed last",
        )


def _replaced_half(world: World, secret: SecretName, new: OpenVault) -> RetiredKey | None:
    """Return the present half that the share would replace."""
    text, binding = world.keys.get(str(secret)), world.machine.bindings.find(secret)
    if text is None:
        return None
    # A key whose binding was lost is kept as well, under the only salt there is.
    salt = binding.salt if binding else new.binding.salt
    if (text, salt) == (new.key_text, new.binding.salt):
        return None
    return RetiredKey(VaultKey.from_texts(text, salt).key_id, salt, text)


def carry_out(world: World, plan: Plan) -> Result:
    """Write both halves, what was seen, and the user's consent; after a failure all is as before."""
    secret = plan.vault.secret
    with world.machine.vault_lock(secret), ExitStack() as undo:
        binding = _write_keys(world, plan, undo)
        _write_binding(world, secret, binding, undo)
        vault = replace(plan.vault, world=world, binding=binding)
        if plan.head is not None:
            _remember(vault, plan.head)
        world.machine.trust.agree(secret, binding)
        undo.pop_all()
        _log(vault, plan.head)
    if not plan.checked:
        world.terminal.notice(f"{secret}: the store was not looked at; the first pull does")
    data = {"version": plan.head.version if plan.head else None, "key_id": vault.key.key_id}
    return Result(str(secret), "imported", f"imported; next: git vsync pull {secret.name}", data=data)


def _log(vault: OpenVault, head: Head | None) -> None:
    """Write the audit row; both halves are here by now, whatever becomes of it."""
    try:
        trail.write_row(vault, trail.new_row(vault.world, "import", head.version if head else ""))
    except VsyncError as error:
        vault.world.terminal.notice(f"{vault.secret}: no audit row: {error.message}")


def _write_keys(world: World, plan: Plan, undo: ExitStack) -> Binding:
    """Write the new half and the retired ones; returns the binding that knows them all."""
    secret, share = plan.vault.secret, plan.share
    present = world.machine.bindings.find(secret)
    retired = {old.kid: old.salt for old in (present.retired if present else ())}
    handed = (*share.retired, *((plan.replaces,) if plan.replaces else ()))
    retired |= {old.kid: old.salt for old in handed}
    accounts = {f"{secret}#{old.kid}": old.key for old in handed} | {str(secret): share.key}
    for account, text in accounts.items():
        _set_key(world.keys, account, text, undo)
    own = plan.vault.key.key_id
    rows = tuple(RetiredSalt(kid, salt) for kid, salt in retired.items() if kid != own)
    return replace(plan.vault.binding, retired=rows)


def _set_key(keys: KeyRing, account: str, text: str, undo: ExitStack) -> None:
    before = keys.get(account)
    if before == text:
        return

    def restore() -> None:
        if before is None:
            keys.delete(account)
        else:
            keys.set(account, before)

    undo.callback(restore)
    keys.set(account, text)


def _write_binding(world: World, secret: SecretName, binding: Binding, undo: ExitStack) -> None:
    before = world.machine.bindings.find(secret)

    def restore() -> None:
        if before is None:
            world.machine.bindings.remove(secret)
        else:
            world.machine.bindings.write(secret, before)

    undo.callback(restore)
    world.machine.bindings.write(secret, binding)


def _remember(vault: OpenVault, head: Head) -> None:
    memory = vault.world.machine.memory
    before = memory.seen(vault.secret)
    rows, last = (before.rows, before.last_mac) if before else (0, "")
    memory.see(vault.secret, Seen(head.gen, head.version, head.sha256, vault.key.key_id, rows, last))
