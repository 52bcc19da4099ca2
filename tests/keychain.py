"""A real keychain for tests: gnome-keyring on a private D-Bus, with its own home.

Imports what speaks D-Bus late: it is installed on Linux only, and this file everywhere.

Run as a program it owns the Secret Service's name on the bus and never answers.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "the login password"
START_SECONDS = 20.0

# No folder of services: nothing is started behind our back, neither a second keyring nor a
# prompter that would ask on somebody's screen.
BUS_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@dataclass(frozen=True)
class Bus:
    """A private bus: its address and the folder that everything on it lives in."""

    address: str
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """Return what a process needs to find this keychain, and only this one."""
        return {
            "DBUS_SESSION_BUS_ADDRESS": self.address,
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
        }

    @property
    def child_env(self) -> dict[str, str]:
        """Return a whole environment for a child, without the display of whoever runs the tests."""
        kept = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
        return {**kept, **self.env}

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Point this process at the bus, and let it choose the keychain as users do."""
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", self.address)
        monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program that talks to this keychain."""
        return subprocess.run(
            words, input=stdin, env=self.child_env, capture_output=True, text=True, timeout=30, check=False
        )


@contextmanager
def private_bus() -> Iterator[Bus]:
    """Start a bus; nobody owns any name on it."""
    # A short path: socket names are limited to about 100 bytes.
    folder = Path(tempfile.mkdtemp(prefix="vsync-bus-"))
    (folder / "run").mkdir(mode=0o700)
    config = folder / "bus.conf"
    config.write_text(BUS_CONFIG.format(socket=folder / "bus"))
    words = ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}", "--print-address=1"]
    with _process(words, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        try:
            address = daemon.stdout.readline().decode().strip()
            assert address, "dbus-daemon did not start"
            yield Bus(address, folder)
        finally:
            daemon.stdout.close()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def gnome_keyring() -> Iterator[Bus]:
    """Start a bus with an unlocked gnome-keyring on it."""
    words = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
    with private_bus() as bus, _process(words, stdin=subprocess.PIPE, env=bus.child_env) as daemon:
        assert daemon.stdin is not None
        daemon.stdin.write(PASSWORD.encode())
        daemon.stdin.close()
        _wait_for_owner(bus, daemon)
        yield bus


@contextmanager
def hanging_service() -> Iterator[Bus]:
    """Start a bus where the Secret Service is there and never answers."""
    words = [sys.executable, __file__]
    with private_bus() as bus, _process(words, env=bus.child_env) as service:
        _wait_for_owner(bus, service)
        yield bus


def lock(bus: Bus) -> None:
    """Lock the default collection, as a screen lock does."""
    import secretstorage

    with _connection(bus) as connection:
        secretstorage.get_default_collection(connection).lock()


def attributes(bus: Bus) -> list[dict[str, str]]:
    """Return the attributes of every item of service `tools.vsync`."""
    import secretstorage

    with _connection(bus) as connection:
        items = list(secretstorage.search_items(connection, {"service": "tools.vsync"}))
        return [item.get_attributes() for item in items]


@contextmanager
def _connection(bus: Bus) -> Iterator[Any]:
    import secretstorage

    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        connection = secretstorage.dbus_init()
        stack.callback(connection.close)
        yield connection


@contextmanager
def _process(
    words: list[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    env: dict[str, str] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(words, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, env=env)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_owner(bus: Bus, service: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    with _connection(bus) as connection:
        names = _bus_itself(connection)
        while not names.NameHasOwner("org.freedesktop.secrets")[0]:
            assert service.poll() is None, "the secret service ended at once"
            assert time.monotonic() < deadline, "the secret service did not come up"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def keychain_bus() -> Iterator[Bus]:
    """One unlocked gnome-keyring for all tests of this process."""
    with gnome_keyring() as bus:
        yield bus


@pytest.fixture
def own_keychain_bus() -> Iterator[Bus]:
    """A gnome-keyring of the test's own, to lock or to spoil."""
    with gnome_keyring() as bus:
        yield bus


@pytest.fixture
def empty_bus() -> Iterator[Bus]:
    """A bus without a Secret Service."""
    with private_bus() as bus:
        yield bus


@pytest.fixture
def hanging_bus() -> Iterator[Bus]:
    """A bus whose Secret Service never answers."""
    with hanging_service() as bus:
        yield bus


def _bus_itself(connection: Any) -> Any:
    from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
    from jeepney.io.blocking import Proxy  # type: ignore[import-untyped]

    return Proxy(message_bus, connection)


def _own_and_never_answer() -> None:
    from jeepney.io.blocking import open_dbus_connection

    connection = open_dbus_connection()
    _bus_itself(connection).RequestName("org.freedesktop.secrets")
    while True:
        connection.receive()


if __name__ == "__main__":
    _own_and_never_answer()
