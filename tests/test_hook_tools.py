"""Our hooks beside those of husky, lefthook and git's configuration: the real lefthook, husky's real files.

Hooks in the configuration need git 2.54; where git is older, see tests/newgit.py.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guard.repositories import Repository
from tests.newgit import use_new_git
from tests.test_hooks import blocks, script, tree
from vsync.git import Repository as Checkout
from vsync.hooks import HOOKS, install, look, uninstall

HUSKY = Path(__file__).with_name("vectors") / "husky"
HUSKY_HOOKS = ("pre-commit", "commit-msg", "pre-push", "post-checkout", "prepare-commit-msg")
LEFTHOOK = str(Path(sys.executable).with_name("lefthook"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "a folder with 'quotes'")
    repository.map_vault()
    return repository


@pytest.fixture
def husky(repository: Repository, tmp_path: Path) -> Path:
    """Return what husky's pre-commit writes into; husky is set up as `npx husky` does it."""
    folder = repository.top / ".husky" / "_"
    folder.mkdir(parents=True)
    shutil.copy(HUSKY / "h", folder)
    for name in HUSKY_HOOKS:
        shutil.copy(HUSKY / "pre-commit", folder / name)
        (folder / name).chmod(0o755)
    seen = tmp_path / "seen"
    (folder.parent / "pre-commit").write_text(f"echo husky >> '{seen}'\n")
    repository.git("config", "core.hooksPath", ".husky/_")
    return seen


@pytest.fixture
def new_git(tmp_path: Path) -> None:
    use_new_git(tmp_path)


def config_of(repository: Repository) -> Path:
    return repository.top / ".git" / "config"


def lefthook(repository: Repository, *words: str) -> None:
    done = subprocess.run([LEFTHOOK, *words], cwd=repository.top, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def with_lefthook(repository: Repository, tmp_path: Path) -> Path:
    """Install the real lefthook with a pre-commit command; returns what the command writes into."""
    seen = tmp_path / "seen"
    commands = f"pre-commit:\n  commands:\n    seen:\n      run: echo lefthook >> '{seen}'\n"
    repository.write("lefthook.yml", commands)
    lefthook(repository, "install")
    return seen


def test_husky_runs_beside_the_guard_and_gets_its_path_back(repository: Repository, husky: Path) -> None:
    # attack 70
    before = tree(repository.top / ".husky"), config_of(repository).read_bytes()
    checkout = Checkout.find(repository.top)
    assert install(checkout).armed
    assert blocks(repository)
    assert husky.read_text().count("husky") >= 1
    assert set(uninstall(checkout)) == set(HOOKS)
    assert (tree(repository.top / ".husky"), config_of(repository).read_bytes()) == before


def test_the_guard_stays_armed_when_husky_sets_its_path_anew(
    repository: Repository, husky: Path, new_git: None
) -> None:
    # attack 70
    checkout = Checkout.find(repository.top)
    assert install(checkout).configured
    repository.git("config", "core.hooksPath", ".husky/_")
    assert look(checkout).armed
    assert blocks(repository)
    assert "husky" in husky.read_text()


def test_hooks_in_the_configuration_leave_no_byte_behind(
    repository: Repository, husky: Path, new_git: None
) -> None:
    # attack 70
    config = config_of(repository)
    config.write_text(config.read_text() + '[hook "mine"]\n  command=true ; ours\n\tevent = pre-push\n')
    before = tree(repository.top / ".git")
    checkout = Checkout.find(repository.top)
    first = install(checkout), config.read_bytes()
    assert (install(checkout), config.read_bytes()) == first
    assert first[1] != before[str(config)][1]
    assert set(uninstall(checkout)) == set(HOOKS)
    assert tree(repository.top / ".git") == before


def test_settings_made_meanwhile_survive_when_configured_hooks_go(
    repository: Repository, husky: Path, new_git: None
) -> None:
    checkout = Checkout.find(repository.top)
    install(checkout)
    repository.git("config", "user.signingKey", "abc")
    meanwhile = config_of(repository).read_bytes()
    install(checkout)
    assert config_of(repository).read_bytes() == meanwhile
    uninstall(checkout)
    text = config_of(repository).read_text()
    assert "signingKey = abc" in text
    assert "vsync" not in text


def test_a_repository_with_its_own_hooks_folder_gets_files_with_any_git(
    repository: Repository, new_git: None
) -> None:
    # An older git beside this one, as editors bring along, knows nothing of the configuration.
    assert not install(Checkout.find(repository.top)).configured
    assert (repository.top / ".git" / "hooks" / "pre-commit").exists()
    assert "hook" not in config_of(repository).read_text()


@pytest.mark.parametrize("then", [uninstall, install])
@pytest.mark.parametrize("husky_stays", [True, False])
def test_hooks_in_the_configuration_go_even_when_nobody_remembers_them(
    repository: Repository, husky: Path, new_git: None, then: Callable[[Checkout], object], husky_stays: bool
) -> None:
    checkout = Checkout.find(repository.top)
    install(checkout)
    shutil.rmtree(repository.top / ".git" / "vsync")
    assert not look(checkout).armed
    if not husky_stays:
        repository.git("config", "--unset", "core.hooksPath")
    then(checkout)
    assert look(checkout).armed == (then is install)
    assert ("vsync" in config_of(repository).read_text()) == (then is install and husky_stays)
    repository.stage("a.txt", "a")
    repository.git("commit", "-q", "-m", "x")


@pytest.mark.parametrize("setting", ["hook.vsync-pre-commit.enabled=false", "hook.vsync-pre-push.command=x"])
def test_a_configured_hook_that_is_switched_off_or_changed_is_not_armed(
    repository: Repository, husky: Path, new_git: None, setting: str
) -> None:
    checkout = Checkout.find(repository.top)
    install(checkout)
    repository.git("config", *setting.split("="))
    assert not look(checkout).armed
    assert install(checkout).armed
    assert blocks(repository)


def test_a_newer_git_moves_the_hooks_into_the_configuration(
    repository: Repository, husky: Path, tmp_path: Path
) -> None:
    checkout = Checkout.find(repository.top)
    before = config_of(repository).read_bytes()
    install(checkout)
    use_new_git(tmp_path)
    arming = install(checkout)
    assert (arming.armed, arming.configured) == (True, True)
    assert repository.git("config", "core.hooksPath") == b".husky/_\n"
    uninstall(checkout)
    assert config_of(repository).read_bytes() == before
    assert not (repository.top / ".git" / "vsync" / "hooks").exists()


def test_an_older_git_says_that_what_a_newer_one_configured_does_not_hold(
    repository: Repository, husky: Path, tmp_path: Path
) -> None:
    path = os.environ["PATH"]
    use_new_git(tmp_path)
    checkout = Checkout.find(repository.top)
    before = config_of(repository).read_bytes()
    install(checkout)
    os.environ["PATH"] = path
    if not checkout.has_configured_hooks():
        assert not look(checkout).armed
        assert install(checkout).armed
        assert blocks(repository)
    uninstall(checkout)
    assert config_of(repository).read_bytes() == before


def test_lefthook_runs_before_the_guard_and_is_as_before_afterwards(
    repository: Repository, tmp_path: Path
) -> None:
    # attack 70
    seen = with_lefthook(repository, tmp_path)
    before = tree(repository.top / ".git")
    checkout = Checkout.find(repository.top)
    assert install(checkout).armed
    assert set(uninstall(checkout)) == set(HOOKS)
    assert tree(repository.top / ".git") == before
    install(checkout)
    assert blocks(repository)
    assert "lefthook" in seen.read_text()


def test_lefthook_that_is_put_over_ours_is_chained_again(repository: Repository, tmp_path: Path) -> None:
    # attack 70
    seen = with_lefthook(repository, tmp_path)
    hooks = repository.top / ".git" / "hooks"
    before = tree(hooks)
    checkout = Checkout.find(repository.top)
    install(checkout)
    lefthook(repository, "install", "--force")
    assert not look(checkout).armed
    assert install(checkout).armed
    assert blocks(repository)
    assert "lefthook" in seen.read_text()
    lefthook(repository, "install", "--force")
    uninstall(checkout)
    assert tree(hooks) == before


def test_another_hook_than_the_one_that_was_chained_is_never_taken_for_it(repository: Repository) -> None:
    hooks = repository.top / ".git" / "hooks"
    script(hooks / "pre-commit", "exit 0")
    checkout = Checkout.find(repository.top)
    install(checkout)
    other = script(hooks / "pre-commit", "exit 0 # another")
    uninstall(checkout)
    assert other.read_text().endswith("another\n")
    assert (hooks / "pre-commit.before-vsync").read_text() == "#!/bin/sh\nexit 0\n"
