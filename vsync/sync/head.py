"""Reading and moving what says which version is the newest (formats §§4, 5.2).

A pointer is believed when, in this order: its MAC verifies under the current key and this
vault's name; it is not older than what this machine has seen; the same generation has the
same bytes; a higher one has a later timestamp. Classic stores have only `latest`: the same
rules hold there as far as a bare timestamp carries them.
"""

from dataclasses import dataclass

from vsync.errors import ForeignKey, IntegrityError, NotFound, RolledBack, StoreError, WrongKey
from vsync.formats import pointer as pointers
from vsync.formats.audit_log import read_log
from vsync.formats.pointer import MAX_POINTER_BYTES, Pointer
from vsync.formats.version import LENGTH, parse_version
from vsync.machine.memory import Seen
from vsync.sync.locking import locked_entry
from vsync.sync.opened import OpenVault
from vsync.sync.trail import PUBLISHING, read_audit

MAX_LATEST_BYTES = 64


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version and the tag under which it was read; `pointer` is None in classic stores."""

    version: str
    tag: str
    pointer: Pointer | None = None

    @property
    def gen(self) -> int:
        """The generation; 0 in classic stores, which have none."""
        return self.pointer.gen if self.pointer else 0

    @property
    def sha256(self) -> str:
        """The digest of the bundle, or empty in classic stores."""
        return self.pointer.sha256 if self.pointer else ""


def read_head(vault: OpenVault) -> Head | None:
    """Return the newest version, authenticated and not older than seen; None in an empty store.

    Raises IntegrityError for anything not to be trusted, ForeignKey for another key than ours.
    """
    seen = vault.world.machine.memory.seen(vault.secret)
    head = found_head(vault)
    if head is None:
        _require_never_published(vault, seen)
        return None
    problem = None if seen is None else went_back(head, seen)
    if problem:
        raise RolledBack(
            f"{vault.secret}: the store is older than what this machine saw, or forked ({problem})",
            hint=_restored_hint(vault),
        )
    return head


def _require_never_published(vault: OpenVault, seen: Seen | None) -> None:
    """Refuse a store without a pointer where anything proves that there was one (attacks 12, 21).

    A store that is not there at all, like a drive that is not mounted, was set back by nobody.
    """
    witness = witness_of(vault, seen)
    if witness is None:
        return
    if not vault.store.is_there():
        raise StoreError(
            f"{vault.secret}: {vault.store.where} is not there", hint="is its drive mounted? then try again"
        )
    raise RolledBack(
        f"{vault.secret}: {vault.store.where} no longer has the pointer that {witness}",
        hint=_restored_hint(vault),
    )


def witness_of(vault: OpenVault, seen: Seen | None) -> str | None:
    """Return what proves that this vault was published, to end "the pointer that …"; None if nothing does.

    Memory and ledger of this machine, the lock of this commit, and the audit log of the store,
    whose rows are written only after a pointer. Whoever accepted an empty store has overruled them.
    """
    if seen is not None:
        return "this machine has seen" if seen.version else None
    if _has_synced(vault):
        return "this checkout has synced"
    if locked_entry(vault.world, vault.secret) is not None:
        return "vsync.lock belongs to"
    rows = read_log(read_audit(vault)[0]).rows
    return "its audit log tells of" if any(row.action in PUBLISHING for row in rows) else None


def found_head(vault: OpenVault) -> Head | None:
    """Return what the store shows as the newest version: authentic, but perhaps older than seen."""
    try:
        blob = vault.store.read(vault.root.head, limit=MAX_POINTER_BYTES)
    except NotFound:
        return None
    if blob.data.lstrip()[:1] == b"<":
        raise StoreError(
            f"{vault.store.where} answers with a web page instead of a pointer",
            hint="a sign-in page of the network may be in the way; open a browser, then try again",
        )
    if vault.root.classic:
        return Head(_classic_version(vault, blob.data), blob.tag)
    found = _authentic(vault, blob.data)
    return Head(found.version, blob.tag, found)


def _has_synced(vault: OpenVault) -> bool:
    """Ask the ledger, which also proves that there was a pointer (attack 21)."""
    checkout = vault.world.repository.known_checkout_id()
    return checkout is not None and vault.world.machine.memory.ledger(vault.secret, checkout) is not None


def _classic_version(vault: OpenVault, data: bytes) -> str:
    text = data[:MAX_LATEST_BYTES].decode("ascii", "replace").strip()
    if len(text) != LENGTH:
        raise IntegrityError(f"{vault.secret}: {vault.root.head} names no version")
    parse_version(text)
    return text


def _authentic(vault: OpenVault, data: bytes) -> Pointer:
    secret = str(vault.secret)
    try:
        found = pointers.from_bytes(data, vault.key, secret)
    except WrongKey as error:
        raise _not_authentic(vault, data) from error
    if found.name != secret or found.kid != vault.key.key_id:
        raise IntegrityError(f"{secret}: the pointer belongs to {found.name!r}")
    return found


def _not_authentic(vault: OpenVault, data: bytes) -> IntegrityError | ForeignKey:
    """Tell a foreign key from tampering by the key id the pointer claims (formats §4)."""
    claimed = pointers.claimed_key_id(data)
    if claimed is None or claimed == vault.key.key_id:
        return IntegrityError(
            f"{vault.secret}: the pointer in {vault.store.where} was altered, or belongs to another vault",
            hint="do not push over it; find out who can write to the bucket",
        )
    if any(old.kid == claimed for old in vault.binding.retired):
        return IntegrityError(
            f"{vault.secret}: the pointer in {vault.store.where} was written with the retired key {claimed}",
            hint="somebody with an old key put it there, or the store was set back",
        )
    return ForeignKey(
        f"{vault.secret} is encrypted with key {claimed}; this machine has key {vault.key.key_id}",
        hint="ask a colleague for a new share, then: git vsync import FILE.share",
    )


def went_back(head: Head, seen: Seen) -> str | None:
    """Say how an authentic head contradicts what this machine has seen, or None (formats §4).

    The head right after the seen one names it as the one before; any other successor under the
    same key is a fork (attack 16).
    """
    if head.pointer is None:
        return f"version {head.version} < {seen.version}" if head.version < seen.version else None
    if head.gen < seen.gen:
        return f"generation {head.gen} < {seen.gen}"
    if head.gen == seen.gen:
        same = (head.sha256, head.version) == (seen.sha256, seen.version)
        return None if same else f"another bundle under the same generation {head.gen}"
    if head.version <= seen.version:
        return f"generation {head.gen} is newer, but its version {head.version} is not"
    # Another key begins another history: a vault that was made anew elsewhere and imported.
    next_one = head.gen == seen.gen + 1 and head.pointer.kid == seen.kid
    if next_one and head.pointer.prev != seen.version:
        return f"generation {head.gen} follows {head.pointer.prev}, not {seen.version}"
    return None


def _restored_hint(vault: OpenVault) -> str:
    name = vault.secret.name
    return (
        f"git vsync versions {name} lists what is there, git vsync pull {name} --at VERSION takes one by "
        f"its name; after a restore that the team decided on: git vsync accept {name}"
    )


def seen_of(head: Head, kid: str, before: Seen | None) -> Seen:
    """Return what to remember of a head that was accepted."""
    return Seen(
        gen=head.gen,
        version=head.version,
        sha256=head.sha256,
        kid=kid,
        rows=before.rows if before else 0,
        last_mac=before.last_mac if before else "",
    )


def remember(vault: OpenVault, head: Head) -> None:
    """Raise what this machine has seen to an accepted head, and say so at first contact (attack 21)."""
    memory = vault.world.machine.memory
    before = memory.seen(vault.secret)
    if before is None:
        vault.world.terminal.notice(
            f"{vault.secret}: first contact from this machine; takes {head.version} as the newest state"
        )
    memory.see(vault.secret, seen_of(head, vault.key.key_id, before))
