"""Whether anything guards a repository, and that its people are told once when nothing does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guard.repositories import Repository
from tests.homes import Home, run_vsync
from tests.newgit import use_new_git
from tests.teams import commit, done, fill, on_a_terminal, repository
from tests.test_hooks import script
from vsync.git import Repository as Checkout
from vsync.hooks import install, uninstall
from vsync.unguarded import guarding

HUSKY = Path(__file__).with_name("vectors") / "husky"
NOTICE = "vsync: no guard is armed here"
FRAMEWORK = "repos:\n- repo: https://example.org/vsync\n  rev: v1\n  hooks:\n  {}- id: {}\n"


@pytest.fixture
def ana(home: Callable[[str], Home]) -> Home:
    return home("ana")


@pytest.fixture
def repo(ana: Home) -> Path:
    """Return a repository with a vault, whose people were not told yet."""
    repo = repository(ana)
    done(ana.vsync("init", "prod", "-q", cwd=repo))
    fill(repo)
    commit(ana, repo)
    return repo


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def is_guarded(repository: Repository) -> bool:
    return bool(guarding(Checkout.find(repository.top)))


def told(ana: Home, repo: Path, *words: str) -> bool:
    return NOTICE in done(ana.vsync(*(words or ("status",)), cwd=repo)).stderr


def test_every_other_verb_tells_once_that_no_guard_is_armed(ana: Home, repo: Path) -> None:
    result = done(ana.vsync("push", cwd=repo))
    assert [line for line in result.stderr.splitlines() if NOTICE in line] == [
        f"{NOTICE}, so nothing keeps plaintext out of commits: git vsync hook install"
    ]
    assert NOTICE not in result.stdout
    assert not any(told(ana, repo, verb) for verb in ("status", "push", "pull", "versions", "audit"))
    ana.git("worktree", "add", "-q", str(repo.parent / "linked"), cwd=repo)
    assert not told(ana, repo.parent / "linked")


@pytest.mark.parametrize("verb", ["status", "pull", "use", "versions", "audit"])
def test_any_of_them_may_be_the_one_that_tells(ana: Home, repo: Path, verb: str) -> None:
    done(ana.vsync("push", "-q", cwd=repo))
    assert told(ana, repo, verb)


def test_nobody_is_told_with_quiet_or_in_ci_and_that_does_not_count(ana: Home, repo: Path) -> None:
    assert not told(ana, repo, "status", "-q")
    assert NOTICE not in done(run_vsync(("status",), repo, {**ana.env, "CI": "true"})).stderr
    assert told(ana, repo)


def test_verbs_that_need_no_guard_do_not_tell(ana: Home, repo: Path) -> None:
    for words in (
        ("guard",),
        ("hook", "status"),
        ("completion", "bash"),
        ("status", "-h"),
        ("profile", "list"),
    ):
        assert NOTICE not in ana.vsync(*words, cwd=repo).stderr
    assert told(ana, repo)


def test_a_repository_without_vaults_is_left_in_peace(ana: Home) -> None:
    empty = repository(ana)
    assert NOTICE not in ana.vsync("status", cwd=empty).stderr


def test_a_guard_that_is_armed_silences_it_and_uninstall_lets_it_be_told_again(ana: Home, repo: Path) -> None:
    assert told(ana, repo)
    done(ana.vsync("hook", "install", cwd=repo))
    assert not told(ana, repo)
    done(ana.vsync("hook", "uninstall", cwd=repo))
    assert told(ana, repo)
    assert not told(ana, repo)


def test_hooks_that_vanish_later_are_noticed(ana: Home, repo: Path) -> None:
    done(ana.vsync("hook", "install", cwd=repo))
    assert not told(ana, repo)
    ana.git("config", "core.hooksPath", ".husky/_", cwd=repo)
    assert told(ana, repo)


def test_once_told_or_armed_it_costs_no_process(ana: Home, repo: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    program = script(tmp_path / "bin" / "git", f'echo "$1" >> "{calls}"; exec {shutil.which("git")} "$@"')
    env = {**ana.env, "PATH": f"{program.parent}:{ana.env['PATH']}"}

    def asked() -> list[str]:
        calls.unlink(missing_ok=True)
        done(run_vsync(("status",), repo, env))
        return calls.read_text().split()

    assert len(asked()) > 1
    assert asked() == ["rev-parse"]
    done(ana.vsync("hook", "install", cwd=repo))
    assert len(asked()) > 1
    assert asked() == ["rev-parse"]


def test_who_was_asked_by_init_is_not_told_by_the_next_verb(ana: Home) -> None:
    fresh = repository(ana)
    code, screen = on_a_terminal(ana, ("init", "prod"), fresh, [("install git hooks", "n")])
    assert code == 0, screen
    assert NOTICE not in screen
    fill(fresh)
    assert not told(ana, fresh, "push")


def test_hooks_of_ours_count(plain: Repository) -> None:
    checkout = Checkout.find(plain.top)
    assert not is_guarded(plain)
    install(checkout)
    assert is_guarded(plain)
    uninstall(checkout)
    assert not is_guarded(plain)
    plain.git("config", "core.hooksPath", "team")
    install(checkout)
    assert is_guarded(plain)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("exec git vsync guard", True),
        ("set -e\nvsync-guard --staged || exit 1", True),
        ("python3 -m vsync.guard", True),
        ("# git vsync guard", False),
        ("git vsync-guarded", False),
        ("npx lint-staged", False),
    ],
)
def test_a_hook_of_anybodys_counts_when_it_runs_the_guard(plain: Repository, text: str, counts: bool) -> None:
    hook = script(plain.top / ".git" / "hooks" / "pre-commit", text)
    assert is_guarded(plain) == counts
    hook.chmod(0o644)
    assert not is_guarded(plain)


@pytest.mark.parametrize(
    ("before", "hook", "counts"),
    [
        *(("", "vsync-guard", True), ("", "vsync-guard-files", True), ("", "vsync-guard-push", False)),
        *(("# ", "vsync-guard", False), ("", "black", False)),
    ],
)
def test_the_pre_commit_framework_counts_when_its_configuration_runs_the_guard(
    plain: Repository, before: str, hook: str, counts: bool
) -> None:
    plain.write(".pre-commit-config.yaml", FRAMEWORK.format(before, hook))
    assert not is_guarded(plain)  # nothing runs it yet
    words = [sys.executable, "-m", "pre_commit", "install"]
    subprocess.run(words, cwd=plain.top, check=True, capture_output=True)
    assert is_guarded(plain) == counts


def test_our_hook_that_the_framework_moved_aside_still_counts(plain: Repository) -> None:
    install(Checkout.find(plain.top))
    plain.write(".pre-commit-config.yaml", "repos: []\n")
    words = [sys.executable, "-m", "pre_commit", "install"]
    subprocess.run(words, cwd=plain.top, check=True, capture_output=True)
    assert is_guarded(plain)


@pytest.mark.parametrize(("text", "counts"), [("npx lint\ngit vsync guard\n", True), ("npx lint\n", False)])
def test_husky_counts_when_its_script_runs_the_guard(plain: Repository, text: str, counts: bool) -> None:
    folder = plain.top / ".husky" / "_"
    folder.mkdir(parents=True)
    for name in ("h", "pre-commit"):
        shutil.copy(HUSKY / name, folder)
    (folder / "pre-commit").chmod(0o755)
    (folder.parent / "pre-commit").write_text(text)
    plain.git("config", "core.hooksPath", ".husky/_")
    assert is_guarded(plain) == counts


@pytest.mark.parametrize(("run", "counts"), [("git vsync guard", True), ("true", False)])
@pytest.mark.parametrize("name", ["lefthook.yml", ".lefthook.yaml", ".config/lefthook.yml"])
def test_lefthook_counts_when_its_configuration_runs_the_guard(
    plain: Repository, name: str, run: str, counts: bool
) -> None:
    plain.write(name, f"pre-commit:\n  commands:\n    guard:\n      run: {run}\n")
    words = [str(Path(sys.executable).with_name("lefthook")), "install"]
    subprocess.run(words, cwd=plain.top, check=True, capture_output=True)
    assert is_guarded(plain) == counts


@pytest.mark.parametrize(
    ("command", "counts"),
    [("git vsync guard", True), ("~/check --fast", True), ("~/other", False), ("it's", False)],
)
def test_a_hook_in_the_configuration_of_git_counts_when_it_runs_the_guard(
    plain: Repository, tmp_path: Path, command: str, counts: bool
) -> None:
    script(Path(os.environ["HOME"]) / "check", "exec vsync-guard")
    script(Path(os.environ["HOME"]) / "other", "exec true")
    plain.git("config", "--global", "hook.mine.event", "pre-commit")
    plain.git("config", "--global", "hook.mine.command", command)
    if not Checkout.find(plain.top).has_configured_hooks():
        assert not is_guarded(plain)  # this git does not run it
    use_new_git(tmp_path)
    assert is_guarded(plain) == counts
    plain.git("config", "hook.mine.enabled", "false")
    assert not is_guarded(plain)


def test_status_names_who_else_runs_the_guard(ana: Home, repo: Path) -> None:
    hook = script(repo / ".git" / "hooks" / "pre-commit", "exec git vsync guard")
    result = ana.vsync("hook", "status", cwd=repo)
    assert result.returncode == 1
    assert f"before a commit it runs all the same, from {hook}" in result.stdout
