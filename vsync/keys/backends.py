"""Choose the keychain: the user's choice, if it is one that keeps secrets, else the platform's.

1. `PYTHON_KEYRING_BACKEND`, then `keyringrc.cfg`, as keyring itself reads them.
2. Only the classes in `ALLOWED` are ever loaded; null, fail, plaintext, chained and
   third-party backends are refused by name, before their code is imported.
3. Without a choice the platform's own are tried in order. keyring's discovery is not used:
   it silently picks plaintext backends that happen to be installed, and it is slow.
"""

import configparser
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from vsync.errors import KeyUnavailable

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SECRET_SERVICE = "keyring.backends.SecretService.Keyring"  # noqa: S105  a class, not a secret
LIBSECRET = "keyring.backends.libsecret.Keyring"
KWALLET = "keyring.backends.kwallet.DBusKeyring"
MACOS = "keyring.backends.macOS.Keyring"
WINDOWS = "keyring.backends.Windows.WinVaultKeyring"

ALLOWED = {
    # Ours adds the attribute that `secret-tool` looks for.
    SECRET_SERVICE: "vsync.keys.secret_service.SecretService",
    LIBSECRET: LIBSECRET,
    KWALLET: KWALLET,
    MACOS: MACOS,
    WINDOWS: WINDOWS,
}

TITLES = {
    "vsync.keys.secret_service": "Secret Service",
    "keyring.backends.libsecret": "libsecret",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "macOS",
    "keyring.backends.Windows": "Windows",
}

ALTERNATIVES = (
    "set VSYNC_KEY, VSYNC_KEY_FILE or VSYNC_KEY_COMMAND, "
    'or keep keys in a sealed key file: store = "sealed-file" under [keys] in config.toml'
)


def open_backend() -> "KeyringBackend":
    """Return a working keychain of an allowed class; KeyUnavailable when there is none."""
    chosen = _chosen()
    if chosen is not None and chosen not in ALLOWED:
        raise KeyUnavailable(
            f"the keyring backend {chosen!r} is not one that keeps a key safe",
            hint=f"unset PYTHON_KEYRING_BACKEND or mend keyringrc.cfg; without a keychain {ALTERNATIVES}",
        )
    problem: Exception | None = None
    for name in _usual() if chosen is None else [chosen]:
        try:
            return _load(ALLOWED[name])
        except (ImportError, AttributeError, RuntimeError, OSError) as error:  # ways to say "not here"
            problem = problem or error
    raise KeyUnavailable("there is no keychain here", hint=ALTERNATIVES) from problem


def _chosen() -> str | None:
    from keyring.util import platform_

    named = os.environ.get("PYTHON_KEYRING_BACKEND")
    if named:
        return named
    path = platform_.config_root() / "keyringrc.cfg"
    config = configparser.RawConfigParser()
    try:
        config.read(path, encoding="utf-8")
        return config.get("backend", "default-keyring", fallback="").strip() or None
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        raise KeyUnavailable(f"{path} cannot be read", hint="mend or remove it") from error


def _usual() -> list[str]:
    if sys.platform == "darwin":
        return [MACOS]
    if sys.platform == "win32":
        return [WINDOWS]
    if "KDE" in os.environ.get("XDG_CURRENT_DESKTOP", "").split(":"):
        return [KWALLET, SECRET_SERVICE, LIBSECRET]
    return [SECRET_SERVICE, KWALLET, LIBSECRET]


def _load(name: str) -> "KeyringBackend":
    module, _, attribute = name.rpartition(".")
    kind: type[KeyringBackend] = getattr(import_module(module), attribute)
    _ = kind.priority  # raises RuntimeError where the service does not run
    return kind()
