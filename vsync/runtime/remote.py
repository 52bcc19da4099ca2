"""What the runtime reads from a store, and what it believes (formats §§4, 5, 5.2, 6.2).

1. A token with a slot is ours: the slot gives the vault key, the pointer is authenticated under
   it, the bundle must have the pointer's hash. A token without one is classic. The token alone
   decides which; a missing object is never a reason to look for the other kind.
2. Key and bundle are fetched at the same time. The version that an unverified pointer names only
   chooses what to read; nothing read is used before the pointer, the hash and the tag are verified.
3. A head is never older than one that was believed before, and the same generation has the same bytes.
"""

import hashlib
import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from vsync.errors import IntegrityError, NotFound, WrongKey
from vsync.formats import pointer as pointers
from vsync.formats.binding import check_prefix
from vsync.formats.bundle import open_bundle
from vsync.formats.entries import ArchiveLimits
from vsync.formats.envelope import derive
from vsync.formats.layout import Root
from vsync.formats.pointer import MAX_POINTER_BYTES, Pointer
from vsync.formats.seal import split_seal
from vsync.formats.token import MAX_SLOT_BYTES, Token, slot_from_bytes
from vsync.formats.vaultkey import VaultKey
from vsync.formats.version import parse_version
from vsync.store.interface import Store

MAX_BUNDLE_BYTES = 1024**3  # all of it is held in memory
LIMITS = ArchiveLimits(unpacked=MAX_BUNDLE_BYTES)
_SECRET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}/[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version as the store has it; `pointer` is None in classic stores.

    Classic has no generations: there the digits of the version stand for one, and grow as it does.
    """

    version: str
    pointer: Pointer | None = None

    @property
    def generation(self) -> int:
        """A number that grows with every version."""
        return self.pointer.gen if self.pointer else int(self.version.replace("-", ""))


@dataclass(frozen=True, slots=True)
class Content:
    """The files of one version in memory, by their paths in the vault."""

    head: Head
    files: dict[str, bytes] = field(repr=False)


class Remote:
    """One vault in its store, read with the halves that a token and a passphrase stand for."""

    def __init__(self, token: Token, passphrase: str, store: Store) -> None:
        self._token = token
        self._passphrase = passphrase
        self._store = store
        prefix = check_prefix(token.prefix)
        self._root = Root(prefix) if token.slot else Root(f"{prefix}{token.env}/", classic=True)
        self._key: VaultKey | None = None
        self._floor: Head | None = None

    @property
    def env(self) -> str:
        """The environment that the token names."""
        return self._token.env

    def close(self) -> None:
        """Forget passphrase and key, and close the store's connections, if it has any."""
        self._passphrase, self._key = "", None
        close = getattr(self._store, "close", None)
        if close is not None:
            close()

    def head(self) -> Head:
        """Read which version is the newest: authenticated, and not older than known."""
        data = self._head_data()
        return self._believed(data, self._key_for(data))

    def content(self) -> Content:
        """Read the newest version whole."""
        with ThreadPoolExecutor(1) as pool:
            early = pool.submit(self._fetch_key) if self._key is None else None
            data = self._head_data()
            bundle = self._bundle_data(self._claimed_version(data))
            if early is not None:
                self._key = early.result()
        key = self._key_for(data)
        head = self._believed(data, key)
        return Content(head, self._files(bundle, head, key))

    def _head_data(self) -> bytes:
        try:
            return self._store.read(self._root.head, limit=MAX_POINTER_BYTES).data
        except NotFound as error:
            raise NotFound(
                f"{self._store.where} has no {self._root.head}", hint="push the vault first"
            ) from error

    def _bundle_data(self, version: str) -> bytes:
        data = io.BytesIO()
        try:
            self._store.download(self._root.version(version), data, limit=MAX_BUNDLE_BYTES)
        except NotFound as error:
            raise IntegrityError(
                f"{self._store.where} lacks {version}, which is the newest version"
            ) from error
        return data.getvalue()

    def _claimed_version(self, data: bytes) -> str:
        if not self._root.classic:
            return split_seal(data)[0]
        version = data.decode("ascii", "replace").strip()
        parse_version(version)
        return version

    def _fetch_key(self) -> VaultKey:
        token = self._token
        if token.slot is None:
            derived = derive(self._passphrase, token.salt, iterations=token.iterations)
            return VaultKey.from_derived(derived)
        name = f"{self._root.prefix}slots/{token.slot}"
        try:
            data = self._store.read(name, limit=MAX_SLOT_BYTES).data
        except NotFound as error:
            raise NotFound(
                f"{self._store.where} has no {name}: it was revoked, or closed by a rotation",
                hint="make a new token: git vsync runtime-token VAULT",
            ) from error
        slot = slot_from_bytes(data, self._passphrase, token.slot)
        return VaultKey.from_texts(slot.key, slot.salt)

    def _key_for(self, data: bytes) -> VaultKey:
        """Return the key, read again when the head names another: a rotation rewrites the slot."""
        if self._key is not None and not self._root.classic:
            claimed = pointers.claimed_key_id(data)
            if claimed is not None and claimed != self._key.key_id:
                self._key = None
        if self._key is None:
            self._key = self._fetch_key()
        return self._key

    def _believed(self, data: bytes, key: VaultKey) -> Head:
        if self._root.classic:
            head = Head(self._claimed_version(data))
        else:
            pointer = self._authentic(data, key)
            head = Head(pointer.version, pointer)
        if self._floor is not None:
            _require_not_older(head, self._floor)
        self._floor = head
        return head

    def _authentic(self, data: bytes, key: VaultKey) -> Pointer:
        name = pointers.claimed_name(data)
        if name is None or not _SECRET_NAME.fullmatch(name):
            raise IntegrityError("the pointer is malformed")
        try:
            pointer = pointers.from_bytes(data, key, name)
        except WrongKey as error:
            if pointers.claimed_key_id(data) == key.key_id:
                raise IntegrityError("the pointer was altered") from error
            raise WrongKey(
                "the vault has another key than this token's slot",
                hint="it was rotated: make a new token with git vsync runtime-token VAULT",
            ) from error
        if name.partition("/")[2] != self._token.env or pointer.kid != key.key_id:
            raise IntegrityError(f"the pointer belongs to {name!r}, not to {self._token.env!r}")
        return pointer

    def _files(self, data: bytes, head: Head, key: VaultKey) -> dict[str, bytes]:
        expected = head.pointer
        if expected and (len(data), hashlib.sha256(data).hexdigest()) != (expected.size, expected.sha256):
            raise IntegrityError(f"the bundle {head.version} is not the one its pointer names")
        try:
            archive = open_bundle(io.BytesIO(data), key, head.version, LIMITS)
        except WrongKey as error:
            if expected is None:
                raise
            raise IntegrityError(f"the bundle {head.version} was altered") from error
        files = (entry for entry in archive.entries if not entry.is_directory)
        return {entry.path: b"".join(archive.pieces(entry)) for entry in files}


def _require_not_older(head: Head, floor: Head) -> None:
    forked = head.generation == floor.generation and head != floor
    backwards = head.generation > floor.generation and head.version <= floor.version
    if head.generation < floor.generation or forked or backwards:
        raise IntegrityError(
            f"the store was set back: generation {head.generation} after generation {floor.generation}",
            hint="find out who can write to the bucket; a restart takes what is there",
        )
