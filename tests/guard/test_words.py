"""Words and advice of the guard."""

import subprocess
import sys

import pytest

from tests.guard.repositories import VSYNC_TOML, Repository
from vsync.unguarded import _GUARD


@pytest.mark.parametrize("words", [("-c", "x.toml", "guard"), ("guard", "-c", "x.toml")])
def test_another_configuration_is_refused_rather_than_passed_over(
    mapped: Repository, words: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vsync", *words], cwd=mapped.top, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "-c says nothing to it" in done.stderr


def test_the_guard_tells_its_version(mapped: Repository) -> None:
    assert mapped.guard("--version").stdout.startswith("vsync ")


def test_advice_before_the_first_commit_is_what_git_takes_there(repository: Repository) -> None:
    repository.stage(".env", "A=hunter2\n")
    assert "git rm --cached -- PATH" in repository.guard().stderr
    repository.commit()
    repository.stage("b.env", "A=hunter2\n")
    assert "git restore --staged -- PATH" in repository.guard().stderr


@pytest.mark.parametrize("path", [".", "./", "/"])
def test_an_allowance_that_allows_nothing_is_an_error(repository: Repository, path: str) -> None:
    repository.stage(
        "vsync.toml", f'{VSYNC_TOML}[[guard.allow]]\npath = "{path}"\nrule = "share"\nreason = "x"\n'
    )
    assert repository.guard().returncode == 2


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        (b"git vsync guard", True),
        (b"git vsync guard || exit 1", True),
        (b"git vsync guard || true", False),
        (b'echo "not running git vsync guard today"', False),
    ],
)
def test_only_what_may_say_no_counts_as_a_guard(line: bytes, runs: bool) -> None:
    assert (_GUARD.search(line) is not None) == runs


def test_an_allowance_for_a_file_that_git_does_not_track_is_refused(mapped: Repository) -> None:
    words = ["hook", "install", "--allow", "nope.env=x"]
    done = subprocess.run(
        [sys.executable, "-m", "vsync", *words], cwd=mapped.top, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "git tracks no 'nope.env'" in done.stderr
