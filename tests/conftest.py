"""What holds for every test: nothing of the user's is reachable, and nothing is left out silently.

1. Home, XDG, AWS, git and keychain variables point to an empty home of the test's own.
2. A connection that leaves this machine raises `YouForgotToChooseAStore`.
3. A test that needs a program which is not here is left out; the summary says so and why,
   and with `CI` set the run then fails.
"""

import ipaddress
import os
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.homes import Home, is_foreign, make_home, pointers, run_vsync, write_git_config
from tests.worlds import Team

pytest_plugins = ["tests.keychain", "tests.s3server"]

# Read before the trap below hides it from the code under test.
IN_CI = bool(os.environ.get("CI"))

NEEDS = {
    "keychain": {
        "dbus-daemon": "dbus",
        "gnome-keyring-daemon": "gnome-keyring",
        "secret-tool": "libsecret-tools",
    },
    "age": {"age": "age"},
    "strace": {"strace": "strace"},
    "man": {"man": "man-db"},
}
"""Marker → program it needs → Debian package that has it."""

LEFT_OUT = pytest.StashKey[Counter[str]]()


class YouForgotToChooseAStore(BaseException):
    """A test reached for the network; no `except Exception` may hide that."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers that stand for a program, and take the user's environment away."""
    for marker, programs in NEEDS.items():
        config.addinivalue_line("markers", f"{marker}: needs {', '.join(programs)}")
    config.stash[LEFT_OUT] = Counter()
    for name in [name for name in os.environ if is_foreign(name)]:
        del os.environ[name]
    os.environ.update(pointers(Path(tempfile.gettempdir()) / "vsync-tests-have-no-home"))
    _trap_the_network()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run here, and remember why."""
    missing = {marker: _missing(programs) for marker, programs in NEEDS.items()}
    reasons = {item.nodeid: _reason(item, missing) for item in items}
    out = [item for item in items if reasons[item.nodeid]]
    if out:
        config.stash[LEFT_OUT].update(reasons[item.nodeid] for item in out)
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if not reasons[item.nodeid]]


def _missing(programs: dict[str, str]) -> dict[str, str]:
    return {program: package for program, package in programs.items() if shutil.which(program) is None}


def _reason(item: pytest.Item, missing: dict[str, dict[str, str]]) -> str:
    lacking = {
        program: package
        for marker, programs in missing.items()
        if item.get_closest_marker(marker)
        for program, package in programs.items()
    }
    if not lacking:
        return ""
    return f"{', '.join(lacking)} not found (Debian: apt-get install {' '.join(lacking.values())})"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what was left out; where a run must be complete, that is a failure."""
    left_out = session.config.stash[LEFT_OUT]
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:  # a process of pytest-xdist: only the first one prints a summary
        output["left_out"] = dict(left_out)
        return
    if IN_CI and (left_out or _skipped(session.config)) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a process of pytest-xdist left out: each of them collects everything."""
    for reason, count in getattr(node, "workeroutput", {}).get("left_out", {}).items():
        left_out = node.config.stash[LEFT_OUT]
        left_out[reason] = max(left_out[reason], count)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out, why, and how to get it."""
    left_out = config.stash[LEFT_OUT]
    for reason, count in sorted(left_out.items()):
        terminalreporter.write_line(f"left out {count} tests: {reason}", yellow=True)
    if IN_CI and (left_out or _skipped(config)):
        terminalreporter.write_line("CI is set, and not every test ran: this run fails", red=True)


def _skipped(config: pytest.Config) -> bool:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return bool(reporter and reporter.stats.get("skipped"))


def _trap_the_network() -> None:
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: Any, address: Any) -> None:
        _require_this_machine(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: Any, address: Any) -> int:
        _require_this_machine(self.family, address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name.endswith(".invalid"):  # RFC 2606: never exists, so tests may ask
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name and not _is_this_machine(name):
            raise YouForgotToChooseAStore(f"a test looked up {name}")
        return look_up(host, *rest, **named)

    socket.socket.connect = guarded_connect  # type: ignore[method-assign]
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[method-assign]
    socket.getaddrinfo = guarded_look_up


def _require_this_machine(family: int, address: Any) -> None:
    if family in {socket.AF_INET, socket.AF_INET6} and not _is_this_machine(address[0]):
        raise YouForgotToChooseAStore(f"a test connected to {address[0]}")


def _is_this_machine(host: str) -> bool:
    if host in {"localhost", "localhost.localdomain", socket.gethostname()} or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give each test an empty home, and take back what it did to the environment."""
    before = dict(os.environ)
    path = Path(tempfile.mkdtemp(prefix="home-", dir=tmp_path_factory.getbasetemp()))
    os.environ.update(pointers(path))
    write_git_config(path, "ana")
    yield path
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Home]:
    """Return a function that makes a second, third … machine: `home("ben")`."""
    folder = Path(tempfile.mkdtemp(prefix="homes-", dir=tmp_path_factory.getbasetemp()))

    def machine(person: str) -> Home:
        return make_home(folder / person, person)

    return machine


@pytest.fixture(name="run_vsync")
def run_vsync_fixture() -> Callable[..., Any]:
    """Return `tests.homes.run_vsync`: words, folder, environment → completed process."""
    return run_vsync


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """Give people who share a store, a binding and a key; none of them has a desk yet."""
    return Team(tmp_path / "team")
