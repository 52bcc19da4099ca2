"""The system's keychain: a real gnome-keyring, and what happens where there is none."""

import inspect
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import keyring.errors
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from tests.contract.key_contract import ACCOUNT, KEY, OTHER_KEY, KeyRingContract
from tests.keychain import Bus, attributes, lock
from vsync.errors import KeyUnavailable
from vsync.keys.backends import open_backend
from vsync.keys.keychain import MEANINGS, Keychain, meaning

LIMIT = 30.0  # generous: no test waits for it


@pytest.fixture
def bus(keychain_bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    keychain_bus.use(monkeypatch)
    yield keychain_bus
    cleaner = Keychain(timeout=LIMIT)
    for item in attributes(keychain_bus):
        cleaner.delete(item.get("account") or item["username"])
    assert attributes(keychain_bus) == []


@pytest.mark.keychain
class TestKeychain(KeyRingContract):
    @pytest.fixture
    def ring(self, bus: Bus) -> Keychain:
        return Keychain(timeout=LIMIT)

    @pytest.fixture
    def again(self, bus: Bus) -> Keychain:
        return Keychain(timeout=LIMIT)


@pytest.mark.keychain
def test_secret_tool_finds_the_key_by_account(bus: Bus) -> None:
    Keychain(timeout=LIMIT).set(ACCOUNT, KEY)
    done = bus.run("secret-tool", "lookup", "service", "tools.vsync", "account", ACCOUNT)
    assert (done.returncode, done.stdout) == (0, KEY)


@pytest.mark.keychain
def test_keyring_itself_finds_the_key(bus: Bus) -> None:
    Keychain(timeout=LIMIT).set(ACCOUNT, KEY)
    code = f"import keyring; print(keyring.get_password('tools.vsync', {ACCOUNT!r}))"
    done = bus.run("env", "-u", "PYTHON_KEYRING_BACKEND", sys.executable, "-c", code)
    assert done.stdout.strip() == KEY


@pytest.mark.keychain
def test_overwriting_leaves_one_item(bus: Bus) -> None:
    ring = Keychain(timeout=LIMIT)
    for text in (KEY, OTHER_KEY, KEY):
        ring.set(ACCOUNT, text)
    Keychain(timeout=LIMIT).set(ACCOUNT, OTHER_KEY)
    assert [item["account"] for item in attributes(bus)] == [ACCOUNT]
    done = bus.run("secret-tool", "lookup", "service", "tools.vsync", "account", ACCOUNT)
    assert done.stdout == OTHER_KEY


@pytest.mark.keychain
def test_a_key_stored_by_secret_tool_is_found_replaced_and_forgotten(bus: Bus) -> None:
    words = ("--label=by hand", "service", "tools.vsync", "account", ACCOUNT, "owner", "ana")
    assert bus.run("secret-tool", "store", *words, stdin=KEY).returncode == 0
    ring = Keychain(timeout=LIMIT)
    assert ring.get(ACCOUNT) == KEY
    ring.set(ACCOUNT, OTHER_KEY)
    assert [(item["account"], item["owner"]) for item in attributes(bus)] == [(ACCOUNT, "ana")]
    ring.delete(ACCOUNT)
    assert attributes(bus) == []


@pytest.mark.keychain
def test_doubles_left_by_other_tools_are_removed_when_a_key_is_stored(bus: Bus) -> None:
    for name in ("account", "username"):
        bus.run("secret-tool", "store", "--label=x", "service", "tools.vsync", name, ACCOUNT, stdin=KEY)
    assert len(attributes(bus)) == 2
    ring = Keychain(timeout=LIMIT)
    ring.set(ACCOUNT, OTHER_KEY)
    assert len(attributes(bus)) == 1
    assert ring.get(ACCOUNT) == OTHER_KEY


@pytest.mark.keychain
def test_many_vaults_may_ask_at_once(bus: Bus) -> None:
    ring = Keychain(timeout=LIMIT)
    accounts = [f"myapp/env{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda account: ring.set(account, f"key of {account}, long enough"), accounts))
        found = list(pool.map(ring.get, accounts))
    assert found == [f"key of {account}, long enough" for account in accounts]


@pytest.mark.keychain
def test_the_kind_of_keychain_is_named_once_it_is_known(bus: Bus) -> None:
    ring = Keychain(timeout=LIMIT)
    ring.get(ACCOUNT)
    assert ring.source == "keychain (Secret Service)"


@pytest.mark.keychain
def test_a_locked_keychain_is_key_unavailable(own_keychain_bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    # attack 40: nobody can be asked, so the prompt counts as dismissed
    own_keychain_bus.use(monkeypatch)
    ring = Keychain(timeout=LIMIT)
    ring.set(ACCOUNT, KEY)
    lock(own_keychain_bus)
    calls: list[Callable[[], object]] = [
        lambda: ring.get(ACCOUNT),
        lambda: ring.set(ACCOUNT, OTHER_KEY),
        lambda: ring.delete(ACCOUNT),
        lambda: Keychain(timeout=LIMIT).get("myapp/unknown"),
    ]
    for call in calls:
        with pytest.raises(KeyUnavailable, match=r"locked|dismissed") as caught:
            call()
        assert "unlock" in (caught.value.hint or "")


@pytest.mark.keychain
def test_a_bus_without_a_secret_service_has_no_keychain(
    empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_bus.use(monkeypatch)
    with pytest.raises(KeyUnavailable, match="no keychain") as caught:
        Keychain(timeout=LIMIT).get(ACCOUNT)
    assert "VSYNC_KEY_FILE" in (caught.value.hint or "")


@pytest.mark.keychain
def test_a_keychain_that_never_answers_is_given_up(hanging_bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    # attack 40
    hanging_bus.use(monkeypatch)
    ring = Keychain(timeout=0.3)
    calls: list[Callable[[], object]] = [
        lambda: ring.get(ACCOUNT),
        lambda: ring.set(ACCOUNT, KEY),
        lambda: ring.delete(ACCOUNT),
    ]
    for call in calls:
        with pytest.raises(KeyUnavailable, match="did not answer"):
            call()


@pytest.mark.keychain
def test_a_process_ends_although_its_keychain_never_answers(hanging_bus: Bus) -> None:
    # attack 40: nor does anything read the input that belongs to somebody else
    code = (
        "import os, sys; os.environ.pop('PYTHON_KEYRING_BACKEND')\n"
        "from vsync.keys.keychain import Keychain\n"
        "try: Keychain(timeout=0.3).get('myapp/prod')\n"
        "except Exception as error: print(type(error).__name__, sys.stdin.read())\n"
    )
    done = hanging_bus.run(sys.executable, "-c", code, stdin="untouched")
    assert done.stdout == "KeyUnavailable untouched\n"


@pytest.mark.keychain
def test_a_person_is_told_once_what_we_wait_for(hanging_bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging_bus.use(monkeypatch)
    said: list[str] = []
    ring = Keychain(timeout=1.3, patience=said.append)
    with ThreadPoolExecutor(3) as pool:
        errors = [pool.submit(ring.get, account).exception for account in (ACCOUNT, "myapp/a", "myapp/b")]
        assert {type(error()) for error in errors} == {KeyUnavailable}
    assert len(said) == 1
    assert "unlock it" in said[0]


def test_without_a_bus_there_is_no_keychain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    for address in ("unix:path=/nonexistent/bus", ""):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        with pytest.raises(KeyUnavailable, match="no keychain"):
            Keychain(timeout=LIMIT).get(ACCOUNT)


def test_the_trap_for_every_test_is_a_backend_that_is_refused() -> None:
    with pytest.raises(KeyUnavailable, match="YouForgotToChooseAKeyRing"):
        Keychain(timeout=LIMIT).get(ACCOUNT)


REFUSED = [
    "keyring.backends.null.Keyring",
    "keyring.backends.fail.Keyring",
    "keyring.backends.chainer.ChainerBackend",
    "keyrings.alt.file.PlaintextKeyring",
    "keyrings.alt.file.EncryptedKeyring",
    "keyrings.cryptfile.cryptfile.CryptFileKeyring",
    "tests.contract.test_keychain.Forgetful",
]


@pytest.mark.parametrize("name", REFUSED)
def test_a_backend_that_keeps_no_key_safe_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # attack 38
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    with pytest.raises(KeyUnavailable, match="not one that keeps a key safe") as caught:
        Keychain(timeout=LIMIT).set(ACCOUNT, KEY)
    hint = caught.value.hint or ""
    assert all(way in hint for way in ("VSYNC_KEY", "VSYNC_KEY_FILE", "VSYNC_KEY_COMMAND", "sealed"))
    assert "keyrings" not in hint


@pytest.mark.parametrize("name", REFUSED)
def test_a_backend_chosen_in_keyrings_own_file_is_judged_too(
    name: str, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # attack 38
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    folder = empty_home / ".config" / "python_keyring"
    folder.mkdir(parents=True)
    (folder / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring = {name}\n")
    with pytest.raises(KeyUnavailable, match="not one that keeps a key safe"):
        open_backend()


def test_a_broken_file_of_keyrings_is_named(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    folder = empty_home / ".config" / "python_keyring"
    folder.mkdir(parents=True)
    (folder / "keyringrc.cfg").write_text("no section\n")
    with pytest.raises(KeyUnavailable, match=r"keyringrc\.cfg cannot be read"):
        open_backend()


class Forgetful(KeyringBackend):
    """A keychain that accepts a key and gives back something else."""

    priority = 1

    def __init__(self, back: str | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.back = back

    def get_password(self, service: str, username: str) -> str | None:
        return self.back

    def set_password(self, service: str, username: str, password: str) -> None:
        """Drop it."""


@pytest.mark.parametrize("back", [None, "", KEY[:-1], KEY + "\n", OTHER_KEY])
def test_a_key_that_does_not_come_back_is_an_error(back: str | None) -> None:
    # attack 39
    ring = Keychain(timeout=LIMIT, load=lambda: Forgetful(back))
    with pytest.raises(KeyUnavailable, match="did not give it back") as caught:
        ring.set(ACCOUNT, KEY)
    assert KEY not in f"{caught.value}{caught.value.hint}"


class Broken(Forgetful):
    """A keychain that raises what it is told to, quoting the secret as careless code does."""

    def __init__(self, error: type[Exception]) -> None:
        super().__init__(None)
        self.error = error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error(f"cannot store {password}")


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    found = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == module.__name__
    ]
    assert len(found) >= 5
    return found


@pytest.mark.parametrize("kind", exceptions_of(keyring.errors))
def test_every_error_of_keyring_has_its_own_meaning(kind: type[Exception]) -> None:
    assert f"{kind.__module__}.{kind.__qualname__}" in MEANINGS


def test_every_error_of_the_secret_service_has_its_own_meaning() -> None:
    exceptions = pytest.importorskip("secretstorage.exceptions") if sys.platform == "linux" else None
    for kind in exceptions_of(exceptions) if exceptions else []:
        assert f"{kind.__module__}.{kind.__qualname__}" in MEANINGS


@pytest.mark.parametrize("kind", [*exceptions_of(keyring.errors), OSError, RuntimeError, AssertionError])
def test_an_error_of_the_keychain_never_repeats_its_text(kind: type[Exception]) -> None:
    ring = Keychain(timeout=LIMIT, load=lambda: Broken(kind))
    with pytest.raises(KeyUnavailable) as caught:
        ring.set(ACCOUNT, KEY)
    assert KEY not in f"{caught.value}{caught.value.hint}"
    assert isinstance(caught.value.__cause__, kind)


def test_the_most_specific_meaning_counts() -> None:
    class Newer(keyring.errors.KeyringLocked):
        pass

    assert meaning(Newer())[0] == "the keychain is locked"
    assert meaning(KeyringError())[0] == "the keychain failed"


class Slow(Forgetful):
    """A keychain that is unlocked too late: after everybody stopped waiting."""

    def __init__(self, unlocked: threading.Event, written: list[str]) -> None:
        super().__init__(None)
        self.unlocked = unlocked
        self.written = written

    def get_password(self, service: str, username: str) -> str | None:
        self.unlocked.wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.written.append(password)


def test_nothing_is_written_after_the_wait_was_given_up() -> None:
    unlocked, written = threading.Event(), list[str]()
    before = set(threading.enumerate())
    with pytest.raises(KeyUnavailable, match="did not answer"):
        Keychain(timeout=0.05, load=lambda: Slow(unlocked, written)).set(ACCOUNT, KEY)
    waiting = set(threading.enumerate()) - before
    unlocked.set()
    for thread in waiting:
        thread.join(LIMIT)
    assert waiting
    assert written == []


def test_importing_the_keychain_does_not_import_keyring() -> None:
    code = (
        "import sys, vsync.keys.keychain; print({'keyring', 'secretstorage', 'jeepney'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
