"""The traps hold: nothing of the user's is reachable, and nothing is left out silently."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keyring
import pytest

from tests.conftest import YouForgotToChooseAStore
from tests.homes import Home, is_foreign, pointers

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443), ("example.com", 80)])
def test_no_test_reaches_the_network(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as end:
        for connect in (end.connect, end.connect_ex):
            with pytest.raises(YouForgotToChooseAStore):
                connect(address)
    with pytest.raises(YouForgotToChooseAStore):
        socket.create_connection(address, timeout=1)


def test_a_name_that_never_exists_may_be_looked_up() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("store.invalid", 443)


def test_this_machine_is_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


def test_no_test_reaches_the_users_keychain() -> None:
    with pytest.raises(AttributeError, match="YouForgotToChooseAKeyRing"):
        keyring.core.load_env()
    assert "YouForgotToChooseAKeyRing" in os.environ["DBUS_SESSION_BUS_ADDRESS"]


def test_home_and_everything_in_it_is_the_tests_own(empty_home: Path) -> None:
    assert Path.home() == empty_home
    assert [entry.name for entry in empty_home.iterdir()] == [".gitconfig"]
    ours = pointers(empty_home)
    assert {name for name in os.environ if is_foreign(name)} <= set(ours)
    done = subprocess.run(
        ["git", "config", "--list", "--show-origin"], capture_output=True, text=True, check=True
    )
    origins = {line.split("\t")[0] for line in done.stdout.splitlines()}
    assert origins - {"command line:"} <= {f"file:{empty_home}/.gitconfig", "file:.git/config"}


def test_two_machines_share_nothing(home: Callable[[str], Home], tmp_path: Path) -> None:
    ana, ben = home("ana"), home("ben")
    assert ana.path != ben.path
    assert ana.config.is_dir()
    assert (ana.git("config", "user.email", cwd=tmp_path), ben.git("config", "user.email", cwd=tmp_path)) == (
        "ana@example.com\n",
        "ben@example.com\n",
    )
    assert 'store = "sealed-file"' in (ben.config / "config.toml").read_text()
    assert not {value for name, value in ana.env.items() if str(ben.path) in value}


NEEDY = """
import pytest

@pytest.mark.nowhere
def test_needs_what_is_not_here(): assert False

def test_needs_nothing(): pass
"""

NEEDS = """
import tests.conftest
tests.conftest.NEEDS["nowhere"] = {"program-that-is-nowhere": "its-package"}
from tests.conftest import (  # noqa
    pytest_configure, pytest_collection_modifyitems, pytest_sessionfinish, pytest_testnodedown,
    pytest_terminal_summary,
)
"""


def run_needy(folder: Path, *words: str, ci: bool) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(NEEDS)
    (folder / "test_needy.py").write_text(NEEDY)
    (folder / "pytest.ini").write_text("[pytest]\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT), **({"CI": "true"} if ci else {})}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_what_cannot_run_is_left_out_and_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run_needy(tmp_path, *words, ci=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    wanted = "left out 1 tests: program-that-is-nowhere not found (Debian: apt-get install its-package)"
    assert wanted in done.stdout


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_where_a_run_must_be_complete_leaving_out_fails_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run_needy(tmp_path, *words, ci=True)
    assert done.returncode == 1
    assert "1 passed" in done.stdout
    assert "this run fails" in done.stdout
