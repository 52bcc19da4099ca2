"""Keys in one file under a passphrase, for machines without a keychain; the user opts in.

    0     salt length, 24
    1..   salt: text, standard base64 of 16 random bytes
    then  RQE1 (formats §1) under the passphrase of JSON {"keys":{account:text},"version":1}

1. The passphrase is asked for once a process and forgotten; its derived key stays in memory.
2. The file is private from its first byte, replaced by rename, and changed under a lock.
3. `from_bytes` takes exactly what `to_bytes` writes.
"""

import base64
import hmac
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from vsync.errors import Conflict, IntegrityError, KeyUnavailable, UnsupportedVersion, WrongKey
from vsync.files import PRIVATE_FILE, make_folder, write_private
from vsync.formats.envelope import ITERATIONS, derive, open_sealed, seal
from vsync.formats.strict import Fields, decode_base64, dump_canonical, load_object
from vsync.keys.private_file import read_private

SALT_BYTES = 16
SALT_CHARACTERS = 24
HEADER_BYTES = 1 + SALT_CHARACTERS
MAX_FILE_BYTES = 4 * 1024 * 1024  # some 40 000 keys
LOCK_SECONDS = 10.0
VERSION = 1


@dataclass(frozen=True, slots=True, repr=False)
class Contents:
    """The keys of a file by account, and the salt they are sealed under."""

    salt: str
    keys: dict[str, str]

    def to_bytes(self, derived: bytes) -> bytes:
        """Return the file's bytes, under a fresh nonce."""
        plain = dump_canonical({"version": VERSION, "keys": self.keys})
        return bytes([SALT_CHARACTERS]) + self.salt.encode() + seal(derived, plain)


def new_salt() -> str:
    """Return a salt text: standard base64 of 16 random bytes."""
    return base64.b64encode(secrets.token_bytes(SALT_BYTES)).decode()


def salt_of(data: bytes) -> str:
    """Return the salt text of a file; IntegrityError when it is malformed."""
    salt = data[1:HEADER_BYTES]
    if data[:1] != bytes([SALT_CHARACTERS]) or len(decode_base64(salt, "the key file's salt")) != SALT_BYTES:
        raise IntegrityError("this is not a sealed key file")
    return salt.decode("ascii")


def from_bytes(data: bytes, derived: bytes) -> Contents:
    """Open a file; IntegrityError when malformed, WrongKey when the tag fails."""
    salt = salt_of(data)
    plain = open_sealed(derived, data[HEADER_BYTES:])
    fields = Fields(load_object(plain, "the sealed key file"), "the sealed key file")
    if fields.integer("version", 1, 2**53 - 1) != VERSION:
        raise UnsupportedVersion("the sealed key file was written by a newer vsync", hint="update vsync")
    table = fields.table("keys")
    keys = {account: table.text(account) for account in table.values}
    if plain != dump_canonical({"version": VERSION, "keys": keys}):
        raise IntegrityError("the sealed key file is not in its canonical form")
    return Contents(salt, keys)


class SealedFile:
    """The keys in one sealed file; a `KeyRing`, usable from several threads and processes.

    `passphrase` is called when the file must be opened or made, at most once unless it was
    wrong. IntegrityError for a damaged file, KeyUnavailable for a wrong passphrase or a
    file that others can use, Conflict when another process holds its lock.
    """

    writable = True

    def __init__(self, path: Path, passphrase: Callable[[], str], *, iterations: int = ITERATIONS) -> None:
        self._path = path
        self._passphrase = passphrase
        self._iterations = iterations
        self._derived: dict[str, bytes] = {}  # by salt: another process may make the file anew
        self._turn = threading.RLock()

    @property
    def source(self) -> str:
        """Name the file."""
        return f"sealed key file {self._path}"

    def get(self, account: str) -> str | None:
        """Return the key text, or None; no file means no keys, and no question."""
        with self._turn:
            contents = self._read()
        return None if contents is None else contents.keys.get(account)

    def set(self, account: str, text: str) -> None:
        """Store the text, making the file if need be, and read it back."""
        with self._locked():
            contents = self._read() or Contents(new_salt(), {})
            self._write(Contents(contents.salt, {**contents.keys, account: text}))
            back = self._read()
        if back is None or not hmac.compare_digest(back.keys.get(account, "").encode(), text.encode()):
            raise KeyUnavailable(f"{self.source} did not keep the key of {account}")

    def delete(self, account: str) -> None:
        """Forget the account; one that is not there is no error."""
        with self._locked():
            contents = self._read()
            if contents is not None and account in contents.keys:
                kept = {name: text for name, text in contents.keys.items() if name != account}
                self._write(Contents(contents.salt, kept))

    def _read(self) -> Contents | None:
        data = read_private(self._path, limit=MAX_FILE_BYTES)
        if data is None:
            return None
        salt = salt_of(data)
        derived = self._key(salt)
        try:
            contents = from_bytes(data, derived)
        except WrongKey as error:
            raise KeyUnavailable(
                f"the passphrase does not open {self._path}, or the file was altered",
                hint="try again with the passphrase it was made with",
            ) from error
        self._derived[salt] = derived
        return contents

    def _write(self, contents: Contents) -> None:
        derived = self._key(contents.salt)
        data = contents.to_bytes(derived)
        if len(data) > MAX_FILE_BYTES:
            raise KeyUnavailable(f"{self._path} would grow beyond the {MAX_FILE_BYTES} bytes it may have")
        write_private(self._path, data)
        self._derived[contents.salt] = derived

    def _key(self, salt: str) -> bytes:
        if salt in self._derived:
            return self._derived[salt]
        passphrase = self._passphrase()
        if not passphrase:
            raise KeyUnavailable(f"{self._path} needs a passphrase", hint="set VSYNC_KEYS_PASSPHRASE")
        try:
            return derive(passphrase, salt, iterations=self._iterations)
        except UnicodeEncodeError:
            # From None: the error would quote the passphrase.
            raise KeyUnavailable("the passphrase is not UTF-8 text") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self._path.parent)
        lock = self._path.with_name(f"{self._path.name}.lock")
        try:
            with self._turn, FileLock(lock, timeout=LOCK_SECONDS, mode=PRIVATE_FILE):
                yield
        except Timeout as error:
            raise Conflict(f"another process is changing {self._path}", hint="try again") from error
        except OSError as error:
            raise KeyUnavailable(f"{lock} cannot be locked: {error.strerror}") from error
