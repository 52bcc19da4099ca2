"""Machines for tests: a home of its own for each person, and the real program in it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vsync.terminal import AGENTS

PASSPHRASE = "seven words that only the tests know"
RUN_SECONDS = 120.0

# Whatever could lead a test to the user's own accounts, keys, proxies or preferences.
FOREIGN = ("AWS_", "VSYNC_", "GIT_", "XDG_", "KEYRING_", "GITHUB_", "DBUS_")
PROXIES = tuple(f"{scheme}_proxy" for scheme in ("http", "https", "all", "no"))
FOREIGN_NAMES = {
    *("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "PAGER", "EDITOR", "VISUAL", "DISPLAY", "WAYLAND_DISPLAY"),
    *AGENTS,
    *PROXIES,
    *map(str.upper, PROXIES),
}


@dataclass(frozen=True)
class Home:
    """One person's machine: a home folder, and the environment that points only there."""

    path: Path
    person: str

    @property
    def config(self) -> Path:
        """Return vsync's base folder (formats §8)."""
        return self.path / ".config" / "vsync"

    @property
    def data(self) -> Path:
        """Return where the embedded store and the sealed key file may live."""
        return self.path / ".local" / "share" / "vsync"

    @property
    def email(self) -> str:
        """Return the person's git e-mail address."""
        return f"{self.person}@example.com"

    @property
    def env(self) -> dict[str, str]:
        """Return a whole environment for a process on this machine."""
        inherited = {name: value for name, value in os.environ.items() if not is_foreign(name)}
        return {**inherited, **pointers(self.path), "VSYNC_KEYS_PASSPHRASE": PASSPHRASE}

    def git(self, *words: str, cwd: Path) -> str:
        """Run git as this person and return what it printed; an error fails the test."""
        done = subprocess.run(
            ["git", *words], cwd=cwd, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout

    def vsync(self, *words: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the real program as this person."""
        return run_vsync(words, cwd, self.env, stdin=stdin)


def make_home(path: Path, person: str = "ana") -> Home:
    """Make a machine whose keys are in a sealed file (product contract §4.7)."""
    home = Home(path, person)
    home.config.mkdir(mode=0o700, parents=True)
    config = home.config / "config.toml"
    config.touch(mode=0o600)
    config.write_text('[keys]\nstore = "sealed-file"\n')
    write_git_config(path, person)
    return home


def write_git_config(home: Path, person: str) -> None:
    """Give a home the git configuration of a person, and no other."""
    lines = ["[user]", f"\tname = {person}", f"\temail = {person}@example.com"]
    lines += ["[init]", "\tdefaultBranch = main", "[core]", "\tpager = cat", ""]
    (home / ".gitconfig").write_text("\n".join(lines))


def is_foreign(name: str) -> bool:
    """Whether a variable of the outside must not reach a test."""
    return name.startswith(FOREIGN) or name in FOREIGN_NAMES


def pointers(home: Path) -> dict[str, str]:
    """Return the variables that make `home` all that a process finds."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
        "AWS_CONFIG_FILE": str(home / ".aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws" / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(home.parent),
        "GIT_TERMINAL_PROMPT": "0",
        "PYTHON_KEYRING_BACKEND": "tests.YouForgotToChooseAKeyRing",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home / 'YouForgotToChooseAKeyRing'}",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def program() -> list[str]:
    """Return how to start the real program with the Python that runs the tests."""
    script = Path(sys.executable).with_name("git-vsync")
    return [str(script)] if script.exists() else [sys.executable, "-m", "vsync"]


def run_vsync(
    args: Sequence[str], cwd: Path, env: Mapping[str, str], *, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `git-vsync` with words, in a folder and an environment; output as text."""
    root = Path(__file__).resolve().parent.parent
    return subprocess.run(
        [*program(), *args],
        cwd=cwd,
        # The tree under test, wherever an older copy may be installed.
        env={**env, "PYTHONPATH": str(root)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
