"""The only place that builds a World with real implementations."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from vsync.config.load import load_config
from vsync.errors import DiskError, IntegrityError, KeyUnavailable, UsageError
from vsync.formats.strict import load_object
from vsync.git import Repository
from vsync.machine.folders import base_folder
from vsync.machine.machine import Machine
from vsync.machine.settings import Settings, read_settings
from vsync.model import Json
from vsync.terminal import Console
from vsync.world import Actor, World

if TYPE_CHECKING:
    from vsync.formats.binding import Location
    from vsync.keys.interface import KeyRing
    from vsync.store.interface import Store
    from vsync.store.s3 import S3Store

UNATTENDED_SECONDS = 3.0
ATTENDED_SECONDS = 60.0
PASSPHRASE_VARIABLE = "VSYNC_KEYS_PASSPHRASE"  # noqa: S105 - the name of a variable


class Place(NamedTuple):
    """Where the command was told to work: `-C`, `-c`, and who may be asked."""

    folder: Path
    config: Path | None = None
    quiet: bool = False
    no_input: bool = False


def open_world(place: Place, *, meta: dict[str, Json] | None = None) -> World:
    """Build the world of one command. Raises GitError outside a work tree, ConfigError, DiskError."""
    environ = dict(os.environ)
    terminal = Console(quiet=place.quiet, no_input=place.no_input or bool(environ.get("CI")))
    repository = Repository.find(place.folder)
    machine = open_machine(environ, terminal)
    config = load_config(
        place.folder, repository.top, explicit=place.config, default_repo=lambda: _default_repo(repository)
    )
    for warning in config.warnings:
        terminal.notice(f"warning: {warning}")
    return World(
        repository=repository,
        config=config,
        machine=machine,
        keys=LazyKeys(lambda: open_keys(environ, machine.base, machine.settings, terminal)),
        terminal=terminal,
        make_actor=lambda: _actor(repository, environ, meta or {}),
        now=datetime.now(UTC),
        open_store=StoreShelf(),
        spool=spool,
        environ=environ,
    )


def open_machine(environ: dict[str, str], terminal: Console) -> Machine:
    """Return this machine's own files."""
    base = base_folder(environ)
    return Machine(base, read_settings(base), environ, terminal.notice)


def _default_repo(repository: Repository) -> str | None:
    name = repository.origin_name()
    return name.lower() if name else None


@contextmanager
def spool() -> Iterator[BinaryIO]:
    """Give an unlinked file, 0600, for ciphertext: gone with the process, however that ends."""
    import tempfile

    try:
        with tempfile.TemporaryFile() as file:
            yield file
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise DiskError(
            f"cannot use the folder for temporary files ({tempfile.gettempdir()}): {reason}",
            hint="free some space, or set TMPDIR to a folder with more",
        ) from error


class StoreShelf:
    """Opens a store, one a location, and warms it up while a key is derived."""

    def __init__(self) -> None:
        self._stores: dict[Location, Store] = {}
        self._lock = threading.Lock()

    def __call__(self, location: "Location") -> "Store":
        """Return the store of a location; connects nowhere yet."""
        with self._lock:
            if location not in self._stores:
                self._stores[location] = _open_store(location)
            return self._stores[location]


def _open_store(location: "Location") -> "Store":
    if location.url is not None:
        from vsync.store.folder import FolderStore
        from vsync.sync.places import folder_of_url

        return FolderStore(folder_of_url(location.url))
    from vsync.store.s3 import S3Location, S3Store

    store = S3Store(
        S3Location(
            location.endpoint,
            location.region,
            location.bucket,
            location.access_key_id,
            location.secret_access_key,
            location.aws_profile,
        )
    )
    threading.Thread(target=_warm, args=(store,), daemon=True).start()
    return store


def _warm(store: "S3Store") -> None:
    # What is wrong with the place is told to whoever uses the store, not by a thread's traceback.
    with suppress(Exception):
        store.warm()


class LazyKeys:
    """A key ring that is opened at its first use: most verbs, and all of `-h`, need none."""

    def __init__(self, build: "Callable[[], KeyRing]") -> None:
        self._build = build
        self._ring: KeyRing | None = None
        self._lock = threading.Lock()

    def _opened(self) -> "KeyRing":
        with self._lock:
            if self._ring is None:
                self._ring = self._build()
            return self._ring

    @property
    def source(self) -> str:
        """Name the places that are asked."""
        return self._opened().source

    @property
    def writable(self) -> bool:
        """Whether a key can be kept anywhere here."""
        return self._opened().writable

    def get(self, account: str) -> str | None:
        """Return the key text, or None."""
        return self._opened().get(account)

    def set(self, account: str, text: str) -> None:
        """Store the text and read it back."""
        self._opened().set(account, text)

    def delete(self, account: str) -> None:
        """Forget the account."""
        self._opened().delete(account)


def open_keys(environ: dict[str, str], base: Path, settings: Settings, terminal: Console) -> "KeyRing":
    """Return the places that hold keys: the environment first, then the one the user chose."""
    from vsync.keys.chained import ChainedKeys
    from vsync.keys.environment import EnvironmentKeys

    kept = _kept_keys(environ, base, settings, terminal)
    given = any(key.startswith("VSYNC_KEY") and key != PASSPHRASE_VARIABLE for key in environ)
    if not given and settings.key_command is None:
        return kept
    seconds = ATTENDED_SECONDS if terminal.interactive else UNATTENDED_SECONDS
    return ChainedKeys((EnvironmentKeys(environ, command=settings.key_command, timeout=seconds), kept))


def _kept_keys(environ: dict[str, str], base: Path, settings: Settings, terminal: Console) -> "KeyRing":
    if settings.key_store == "sealed-file":
        from vsync.keys.sealed_file import SealedFile

        path = base / "keys.sealed"
        return SealedFile(path, lambda: _sealed_passphrase(environ, terminal, new=not path.exists()))
    from vsync.keys.keychain import Keychain

    if terminal.interactive:
        return Keychain(timeout=ATTENDED_SECONDS, patience=terminal.notice)
    return Keychain(timeout=UNATTENDED_SECONDS)


def _sealed_passphrase(environ: dict[str, str], terminal: Console, *, new: bool) -> str:
    given = environ.get(PASSPHRASE_VARIABLE)
    if given:
        return given
    if not terminal.interactive:
        raise KeyUnavailable(
            "the sealed key file needs its passphrase",
            hint=f"set {PASSPHRASE_VARIABLE}, or run this in a terminal",
        )
    text = terminal.secret("passphrase of the sealed key file", flag=PASSPHRASE_VARIABLE)
    if new and text != terminal.secret("the same again", flag=PASSPHRASE_VARIABLE):
        raise UsageError("the two passphrases differ", hint="try again")
    return text


def _actor(repository: Repository, environ: dict[str, str], meta: dict[str, Json]) -> Actor:
    """Return who acts; asked for only when something is written."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        user = str(os.getuid()) if hasattr(os, "getuid") else ""
    return Actor(
        socket.gethostname(), _local_ip(), user, repository.user_email(), _environment_meta(environ) | meta
    )


def _local_ip() -> str:
    """Return the address this machine uses towards the world; connecting UDP sends nothing."""
    import socket

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737)
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def _environment_meta(environ: dict[str, str]) -> dict[str, Json]:
    """Return the caller's meta from the environment; later sources win (formats §7)."""
    meta: dict[str, Json] = {}
    if text := environ.get("VSYNC_AUDIT_META"):
        try:
            meta = load_object(text, "VSYNC_AUDIT_META")
        except IntegrityError as error:
            raise UsageError(
                "VSYNC_AUDIT_META is not a JSON object", hint='VSYNC_AUDIT_META=\'{"ticket":"A-1"}\''
            ) from error
    if note := environ.get("VSYNC_AUDIT_NOTE"):
        meta["note"] = note
    return meta
