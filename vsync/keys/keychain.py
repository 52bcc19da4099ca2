"""The system's keychain, through keyring, under service `tools.vsync` (formats §8.4).

1. keyring is imported at the first question, never by importing this module.
2. Every call is limited in time; once one was not answered, none is asked again.
3. What is written is read back: a keychain may accept a secret and drop it.
4. Foreign errors are translated in one table, by class, and their text is never repeated.
"""

import hmac
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from vsync.errors import KeyUnavailable, VsyncError
from vsync.keys.backends import ALTERNATIVES, TITLES, open_backend
from vsync.keys.limited import within

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "tools.vsync"

_UNLOCK = f"unlock it and try again; where nobody can, {ALTERNATIVES}"

MEANINGS = {
    "keyring.errors.KeyringLocked": ("the keychain is locked", _UNLOCK),
    "keyring.errors.NoKeyringError": ("there is no keychain here", ALTERNATIVES),
    "keyring.errors.InitError": ("the keychain could not be opened", _UNLOCK),
    "keyring.errors.PasswordSetError": ("the keychain refused to store the key", _UNLOCK),
    "keyring.errors.PasswordDeleteError": ("the keychain refused to forget the key", _UNLOCK),
    "keyring.errors.KeyringError": ("the keychain failed", ALTERNATIVES),
    "secretstorage.exceptions.LockedException": ("the keychain is locked", _UNLOCK),
    "secretstorage.exceptions.PromptDismissedException": (
        "the question to unlock the keychain was dismissed",
        _UNLOCK,
    ),
    "secretstorage.exceptions.SecretServiceNotAvailableException": (
        "the secret service does not answer",
        ALTERNATIVES,
    ),
    "secretstorage.exceptions.ItemNotFoundException": (
        "the keychain changed while it was read",
        "try again",
    ),
    "secretstorage.exceptions.SecretStorageException": ("the secret service failed", ALTERNATIVES),
    "jeepney.wrappers.DBusErrorResponse": ("the secret service refused", _UNLOCK),
    "builtins.UnicodeError": ("the keychain holds something that is not a key", "remove that item"),
    "builtins.OSError": ("the keychain cannot be reached", ALTERNATIVES),
    "builtins.Exception": ("the keychain failed", ALTERNATIVES),
}
"""Class of the foreign error → message and hint; the most specific class of an error counts."""


class Keychain:
    """The keys in the system's keychain; a `KeyRing`, usable from several threads.

    `timeout` in seconds is for one call, unlocking included. `patience` is told, once, what
    is being waited for; pass it where a person can unlock the keychain. `load` finds
    keyring's backend.
    """

    writable = True

    def __init__(
        self,
        *,
        timeout: float,
        patience: Callable[[str], None] | None = None,
        load: "Callable[[], KeyringBackend]" = open_backend,
    ) -> None:
        self._timeout = timeout
        self._patience = patience
        self._load = load
        self._backend: KeyringBackend | None = None
        # One question at a time: one prompt on the screen, not one a vault.
        self._turn = threading.Lock()
        self._saying = threading.Lock()
        self._hangs = False

    @property
    def source(self) -> str:
        """Name the keychain; which one is known after the first question."""
        if self._backend is None:
            return "keychain"
        module = type(self._backend).__module__
        return f"keychain ({TITLES.get(module, module)})"

    def get(self, account: str) -> str | None:
        """Return the key text, or None; KeyUnavailable when the keychain does not say."""
        return self._ask(lambda backend, _: backend.get_password(SERVICE, account)) or None

    def set(self, account: str, text: str) -> None:
        """Store the text and compare what comes back; KeyUnavailable unless it is the same."""

        def write(backend: "KeyringBackend", abandoned: threading.Event) -> str | None:
            # Looking first is what unlocks: the write then follows at once, or not at all.
            backend.get_password(SERVICE, account)
            if abandoned.is_set():
                return None
            backend.set_password(SERVICE, account, text)
            return backend.get_password(SERVICE, account)

        back = self._ask(write)
        if back is None or not hmac.compare_digest(back.encode(), text.encode()):
            raise KeyUnavailable(
                f"the keychain took the key of {account} and did not give it back", hint=ALTERNATIVES
            )

    def delete(self, account: str) -> None:
        """Forget the account; one that is not there is no error."""

        def forget(backend: "KeyringBackend", abandoned: threading.Event) -> None:
            present = backend.get_password(SERVICE, account) is not None
            if present and not abandoned.is_set():
                backend.delete_password(SERVICE, account)

        self._ask(forget)

    def _ask(self, question: "Callable[[KeyringBackend, threading.Event], T]") -> T:
        if self._hangs:
            raise self._no_answer()

        def work(abandoned: threading.Event) -> T:
            with self._turn:
                if abandoned.is_set():
                    raise TimeoutError
                self._backend = self._backend or self._load()
                return question(self._backend, abandoned)

        try:
            return within(self._timeout, work, waiting=self._say_what_we_wait_for)
        except VsyncError:
            raise
        except TimeoutError as error:
            self._hangs = True
            raise self._no_answer() from error
        except Exception as error:
            message, hint = meaning(error)
            raise KeyUnavailable(message, hint=hint) from error

    def _say_what_we_wait_for(self) -> None:
        with self._saying:  # several vaults may be waiting
            say, self._patience = self._patience, None
        if say is not None:
            say("waiting for the keychain: unlock it, or press ctrl-c")

    def _no_answer(self) -> KeyUnavailable:
        return KeyUnavailable(
            f"the keychain did not answer within {self._timeout:g} s",
            hint=f"it may wait to be unlocked: {_UNLOCK}",
        )


def meaning(error: Exception) -> tuple[str, str]:
    """Return message and hint for what a keychain raised."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next(MEANINGS[name] for name in names if name in MEANINGS)
