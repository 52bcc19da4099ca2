"""A vault in memory, as an application sees it (product contract §9).

1. A name is looked up in the vault, then in the process environment, then in the defaults.
2. A vault that cannot be opened is an error: the process environment is no replacement for it.
3. Nothing is written to the disk, and no value shows in a `repr` or an exception.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from vsync.formats.dotenv import read_env
from vsync.formats.token import MAX_TOKEN_BYTES, Token, token_from_text
from vsync.runtime.errors import ConfigMissingError, VSyncError, translated
from vsync.runtime.remote import Content, Remote
from vsync.store.interface import Store

EnvSource = Literal["vault", "env", "default", "missing"]
_NOT_EFFECTIVE = (".example", ".sample", ".template", ".dist")


@dataclass(frozen=True, slots=True)
class _State:
    """One version, whole; `refresh` replaces it in one assignment."""

    content: Content
    values: dict[str, str] = field(repr=False)


class Vault:
    """A vault that was opened; get one from `open_vault`. Safe to use from several threads.

    After `close` every method but `close` raises VSyncError.
    """

    def __init__(
        self, remote: Remote, *, env_file: str | None, defaults: Mapping[str, str], environ: Mapping[str, str]
    ) -> None:
        self._remote: Remote | None = remote
        self._env_file = env_file
        self._defaults = dict(defaults)
        self._environ = environ
        self._lock = threading.Lock()
        self._state: _State | None = self._load(remote)

    def get_env(self, name: str) -> str | None:
        """Return the value: the vault's, else the process environment's, else the default, else None."""
        return self._look_up(name)[0]

    def has_env(self, name: str) -> bool:
        """Tell whether `get_env` finds a value."""
        return self._look_up(name)[0] is not None

    def env_source(self, name: str) -> EnvSource:
        """Return where `get_env` finds the value."""
        return self._look_up(name)[1]

    def get_as_content(self, name: str) -> bytes:
        """Return the bytes that a name stands for; KeyError when it stands for nothing.

        The name is a file's path in the vault, or a variable: then its value is taken for such a
        path if there is one, else for the content itself. Never reads a file on disk.
        """
        files = self._now.content.files
        if name in files:
            return files[name]
        value, source = self._look_up(name)
        if value is None:
            raise KeyError(name)
        path = value.removeprefix("./")
        return (
            files[path] if source == "vault" and path in files else value.encode("utf-8", "surrogateescape")
        )

    def keys(self) -> tuple[str, ...]:
        """Return the names of the vault's variables, sorted."""
        return tuple(sorted(self._now.values))

    def files(self) -> tuple[str, ...]:
        """Return the paths of all files in the vault, sorted, the env file among them."""
        return tuple(sorted(self._now.content.files))

    def generation(self) -> int:
        """Return the generation in memory; in a classic store the digits of its timestamp."""
        return self._now.content.head.generation

    def remote_generation(self) -> int:
        """Read the newest generation from the store: authenticated, never lower than one seen before."""
        with self._lock, translated():
            return self._open_remote.head().generation

    def has_new_version(self) -> bool:
        """Read the pointer and tell whether `refresh` would bring something."""
        return self.remote_generation() > self.generation()

    def refresh(self) -> bool:
        """Take the newest version if there is a newer one; tell whether there was.

        Whatever goes wrong, the version in memory stays as it was.
        """
        with self._lock:
            remote = self._open_remote
            with translated():
                if remote.head() == self._now.content.head:
                    return False
            self._state = self._load(remote)
            return True

    def close(self) -> None:
        """Forget everything and close the connections; may be called twice."""
        with self._lock:
            remote, self._remote, self._state = self._remote, None, None
            self._defaults = {}
        if remote is not None:
            remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = self._state
        if state is None:
            return "<Vault closed>"
        return f"<Vault version={state.content.head.version} generation={state.content.head.generation}>"

    @property
    def _now(self) -> _State:
        state = self._state
        if state is None:
            raise VSyncError("the vault is closed", hint="call open_vault() again")
        return state

    @property
    def _open_remote(self) -> Remote:
        remote = self._remote
        if remote is None:
            raise VSyncError("the vault is closed", hint="call open_vault() again")
        return remote

    def _look_up(self, name: str) -> tuple[str | None, EnvSource]:
        values = self._now.values
        if name in values:
            return values[name], "vault"
        if name in self._environ:
            return self._environ[name], "env"
        if name in self._defaults:
            return self._defaults[name], "default"
        return None, "missing"

    def _load(self, remote: Remote) -> _State:
        with translated():
            content = remote.content()
            path = _effective(content.files, self._env_file, remote.env)
            found = read_env(content.files[path]) if path is not None else {}
        return _State(content, {name: value for name, value in found.items() if value is not None})


def open_vault(
    *,
    defaults: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    env_file: str | None = None,
    store: Store | None = None,
) -> Vault:
    """Read the newest version of a vault into memory.

    `VSYNC_CONFIG` and `VSYNC_PASSPHRASE` come from `environ` (the process environment); of each,
    a `…_FILE` that names a file wins. `env_file` is the path in the vault of its variables;
    without it `.env.<env>`, else the only env file there is. `store` replaces the token's bucket.
    """
    environ = os.environ if environ is None else environ
    with translated():
        token = token_from_text(_setting(environ, "VSYNC_CONFIG"))
        passphrase = _setting(environ, "VSYNC_PASSPHRASE")
        remote = Remote(token, passphrase, _bucket(token) if store is None else store)
    try:
        return Vault(remote, env_file=env_file, defaults=defaults or {}, environ=environ)
    except VSyncError:
        remote.close()
        raise


def _setting(environ: Mapping[str, str], name: str) -> str:
    """Return a setting without one final line break; a file that cannot be read is never passed over."""
    path = environ.get(f"{name}_FILE")
    text = _file_text(f"{name}_FILE", path) if path else environ.get(name, "")
    text = text[:-1].removesuffix("\r") if text.endswith("\n") else text
    if not text:
        raise ConfigMissingError(
            f"{name} is not set, or empty", hint="git vsync runtime-token VAULT prints both settings"
        )
    return text


def _file_text(name: str, path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_TOKEN_BYTES + 1)
    except OSError as error:
        raise ConfigMissingError(f"the file that {name} names cannot be read: {error.strerror}") from error
    if len(data) > MAX_TOKEN_BYTES:
        raise ConfigMissingError(f"the file that {name} names is larger than {MAX_TOKEN_BYTES} bytes")
    return data.decode("utf-8", "surrogateescape")


def _bucket(token: Token) -> Store:
    # Imported only where it is needed: an application that brings its own store needs no boto3.
    from vsync.store.s3 import S3Location, S3Store

    place = S3Location(
        token.endpoint, token.region or None, token.bucket, token.access_key_id, token.secret_access_key
    )
    return S3Store(place)


def _effective(files: Mapping[str, bytes], named: str | None, env: str) -> str | None:
    """Return the env file: the named one, else the conventional or the only one; None when there is none."""
    if named is not None and named not in files:
        raise ConfigMissingError(
            f"the vault has no file {named!r}", hint="name another: open_vault(env_file=…)"
        )
    expected = named or f".env.{env}"
    if expected in files:
        return expected
    found = [path for path in files if _is_env_file(path)]
    if len(found) > 1:
        raise ConfigMissingError(
            f"the vault has {len(found)} env files, and none is {expected!r}",
            hint="name the one to use: open_vault(env_file=…)",
        )
    return found[0] if found else None


def _is_env_file(path: str) -> bool:
    named = path == ".env" or path.startswith(".env.") or path.endswith(".env")
    return named and "/" not in path and not path.endswith(_NOT_EFFECTIVE)
