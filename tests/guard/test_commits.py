"""Commits: ranges, history, and the hooks that look at what was made without pre-commit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guard.repositories import ROOT, VSYNC_TOML, Repository
from vsync.git import Repository as Checkout
from vsync.hooks import install

LEAK = "KEY=secret\n"


@pytest.fixture
def armed(mapped: Repository) -> Repository:
    mapped.commit()
    install(Checkout.find(mapped.top))
    return mapped


def head(repository: Repository) -> bytes:
    return repository.git("rev-parse", "HEAD").strip()


def leak(repository: Repository, name: str = "leak.env") -> str:
    """Commit plaintext past every hook, on a branch of its own, and return to where we were."""
    repository.git("-c", "core.hooksPath=/dev/null", "checkout", "-q", "-b", f"side-{name}")
    repository.stage(name, LEAK)
    repository.commit()
    commit = head(repository).decode()
    repository.git("-c", "core.hooksPath=/dev/null", "checkout", "-q", "main")
    return commit


def stopped(repository: Repository, *words: str) -> bool:
    """Run git; tell whether the guard stopped it and the branch is where it was."""
    before = repository.git("rev-parse", "main")
    done = repository.try_git(*words)
    refused = b"env-plaintext" in done.stderr
    assert refused == (repository.git("rev-parse", "main") == before), done.stderr
    return refused


def test_a_range_is_what_its_commits_add(mapped: Repository) -> None:
    start = head(mapped).decode()
    mapped.stage("a.env", LEAK)
    mapped.commit()
    first = head(mapped).decode()
    mapped.git("rm", "-q", "a.env")
    mapped.commit()
    assert mapped.found("--all") == []
    answer = mapped.answer("--range", f"{start}..HEAD")
    assert [(row["path"], row["commit"]) for row in answer["findings"]] == [("a.env", first)]
    assert answer["scanned"]["commits"] == 2
    assert mapped.found(f"--range={first}..HEAD") == []


def test_history_sees_every_branch_and_what_was_deleted(mapped: Repository) -> None:
    leak(mapped)
    assert mapped.found("--history") == [("leak.env", 1, "env-plaintext", "KEY")]
    mapped.git("branch", "-q", "-D", "side-leak.env")
    assert mapped.found("--history") == []


def test_what_a_merge_itself_brings_in_is_seen(mapped: Repository) -> None:
    start = head(mapped).decode()
    mapped.git("checkout", "-q", "-b", "side")
    mapped.commit()
    mapped.git("checkout", "-q", "main")
    mapped.commit()
    mapped.git("merge", "-q", "--no-commit", "--no-ff", "side")
    mapped.stage("evil.env", LEAK)
    mapped.commit()
    assert mapped.found("--range", f"{start}..HEAD") == [("evil.env", 1, "env-plaintext", "KEY")]


@pytest.mark.parametrize("revisions", ["nix..HEAD", "--all", "", f"{'1' * 40}..HEAD"])
def test_a_range_that_git_does_not_know_is_an_error(mapped: Repository, revisions: str) -> None:
    done = mapped.guard("--range", revisions)
    assert (done.returncode, done.stdout) == (15, "")


def test_no_verify_is_caught_by_the_backstop(armed: Repository) -> None:
    # attack 64
    armed.stage("leak.env", LEAK)
    assert stopped(armed, "commit", "-q", "--no-verify", "-m", "x")
    armed.git("rm", "-q", "--cached", "leak.env")
    armed.stage("a.txt", "fine")
    assert not stopped(armed, "commit", "-q", "--no-verify", "-m", "x")


def test_cherry_pick_fast_forward_am_and_reset_are_caught(armed: Repository, tmp_path: Path) -> None:
    # attack 64
    commit = leak(armed)
    patch = tmp_path / "x.patch"
    patch.write_bytes(armed.git("format-patch", "-1", "--stdout", commit))
    assert stopped(armed, "merge", "-q", "--ff-only", commit)
    armed.git("reset", "-q", "--hard")
    assert stopped(armed, "reset", "-q", "--hard", commit)
    armed.git("reset", "-q", "--hard")
    armed.commit()
    for words in (
        ("cherry-pick", commit),
        ("am", "-q", str(patch)),
        ("rebase", "-q", "main", "side-leak.env"),
    ):
        assert (
            stopped(armed, *words)
            or armed.try_git("rev-parse", "side-leak.env").stdout.strip() == commit.encode()
        )
        armed.try_git(words[0], "--abort")
        armed.git("-c", "core.hooksPath=/dev/null", "checkout", "-q", "-f", "main")


def test_a_revert_that_brings_plaintext_back_is_caught(armed: Repository) -> None:
    # attack 64
    armed.stage("leak.env", LEAK)
    armed.commit()
    armed.git("rm", "-q", "leak.env")
    armed.commit()
    assert stopped(armed, "revert", "--no-edit", "HEAD")


def test_the_stash_is_caught_with_what_git_ignores(armed: Repository) -> None:
    # attack 64
    armed.write(".gitignore", "/infra/vault/prod\n")
    armed.write("infra/vault/prod/.env.prod", LEAK)
    done = armed.try_git("stash", "push", "-q", "-a")
    assert b"vault-path" in done.stderr
    assert armed.try_git("rev-parse", "--verify", "refs/stash").returncode != 0


def test_what_others_pushed_may_always_be_pulled(armed: Repository, tmp_path: Path) -> None:
    # attack 64
    other = Repository(tmp_path / "other")
    other.git("pull", "-q", str(armed.top), "main")
    armed.git("remote", "add", "origin", str(other.top))
    other.stage("leak.env", LEAK)
    other.commit()
    armed.git("pull", "-q", "--ff-only", "origin", "main")
    assert head(armed) == head(other)
    armed.stage("new.env", LEAK)
    assert stopped(armed, "commit", "-q", "--no-verify", "-m", "x")


def test_going_back_needs_no_valid_configuration(armed: Repository) -> None:
    armed.stage("vsync.toml", "[broken")
    armed.commit()
    armed.commit()
    armed.git("reset", "-q", "--hard", "HEAD~1")
    armed.git("branch", "another", "HEAD~1")


def test_a_push_of_plaintext_is_stopped_once_not_for_ever(armed: Repository, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    armed.git("init", "-q", "--bare", str(remote))
    armed.git("remote", "add", "origin", str(remote))
    armed.git("push", "-q", "origin", "main")
    armed.stage("leak.env", LEAK)
    armed.commit()
    done = armed.try_git("push", "-q", "origin", "main")
    assert done.returncode
    assert b"leak.env:1: env-plaintext" in done.stderr
    armed.git("push", "-q", "--no-verify", "origin", "main")
    armed.stage("b.txt", "fine")
    armed.git("commit", "-q", "-m", "fine")
    armed.git("push", "-q", "origin", "main")
    armed.git("push", "-q", "origin", "main:other")
    armed.git("push", "-q", "origin", "--delete", "other")


def test_a_server_refuses_plaintext_by_the_configuration_that_is_pushed(
    mapped: Repository, tmp_path: Path
) -> None:
    # attack 64
    remote = Repository(tmp_path / "remote.git", "--bare")
    hook = remote.top / "hooks" / "pre-receive"
    hook.write_bytes((ROOT / "hooks" / "pre-receive").read_bytes())
    hook.chmod(0o755)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "vsync-guard"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {ROOT}/vsync/guard/__main__.py "$@"\n')
    program.chmod(0o755)
    path = f"{bin_folder}:{os.environ['PATH']}"
    mapped.git("push", "-q", str(remote.top), "main", PATH=path)
    mapped.stage("infra/vault/prod/x", "x")
    mapped.commit()
    done = mapped.try_git("push", "-q", str(remote.top), "main", PATH=path)
    assert done.returncode
    assert b"infra/vault/prod/x: vault-path" in done.stderr
    assert remote.found("--range", "main~0") == []


def test_without_the_guard_a_server_takes_nothing(mapped: Repository, tmp_path: Path) -> None:
    remote = Repository(tmp_path / "remote.git", "--bare")
    hook = remote.top / "hooks" / "pre-receive"
    hook.write_bytes((ROOT / "hooks" / "pre-receive").read_bytes())
    hook.chmod(0o755)
    done = mapped.try_git("push", "-q", str(remote.top), "main", PATH="/usr/bin:/bin")
    assert done.returncode
    assert b"vsync-guard is not on PATH" in done.stderr


def lock(version: str) -> str:
    return f'version = 1\n\n[[bundle]]\nname = "myapp/prod"\nversion = "{version}"\n'


def test_one_line_says_that_the_lock_moved(armed: Repository) -> None:
    armed.stage("vsync.lock", lock("20260101-000000"))
    armed.commit()
    armed.git("checkout", "-q", "-b", "later")
    armed.stage("vsync.lock", lock("20260201-000000"))
    armed.commit()
    wanted = b"vsync: the lock moved for myapp/prod: git vsync pull --locked takes what this commit needs\n"
    assert armed.try_git("checkout", "-q", "main").stderr == wanted
    assert armed.try_git("merge", "-q", "later").stderr == wanted
    assert armed.try_git("checkout", "-q", "later").stderr == b""
    assert armed.try_git("checkout", "-q", "HEAD~1", "--", "vsync.lock").stderr == b""
    armed.git("reset", "-q", "--hard")
    armed.stage("vsync.lock", lock("20260301-000000"))
    assert wanted in armed.try_git("commit", "-q", "--amend", "-m", "x").stderr


def test_a_new_work_tree_is_offered_its_vaults(armed: Repository, tmp_path: Path) -> None:
    done = armed.try_git("worktree", "add", "-q", str(tmp_path / "linked"))
    assert (done.returncode, done.stderr) == (0, b"vsync: this work tree has no vaults yet: git vsync pull\n")


def test_a_new_work_tree_of_a_commit_with_a_lock_is_offered_what_it_pins(
    armed: Repository, tmp_path: Path
) -> None:
    armed.stage("vsync.lock", "version = 1\n")
    armed.commit()
    done = armed.try_git("worktree", "add", "-q", str(tmp_path / "linked"))
    assert done.stderr == b"vsync: this work tree has no vaults yet: git vsync pull --locked\n"


def test_a_new_work_tree_fetches_its_vaults_where_that_is_wanted(armed: Repository, tmp_path: Path) -> None:
    armed.git("config", "vsync.seedWorktrees", "true")
    done = armed.try_git("worktree", "add", "-q", str(tmp_path / "linked"), PYTHONPATH=str(ROOT))
    assert done.returncode == 0
    assert b"git vsync init" in done.stderr or b"git vsync import" in done.stderr


def test_a_new_work_tree_runs_no_code_of_the_repository(armed: Repository, tmp_path: Path) -> None:
    # attack 71
    proof = tmp_path / "proof"
    code = f"open({str(proof)!r}, 'w').write('run')\n"
    for path in (
        "vsync/__init__.py",
        "vsync/__main__.py",
        "click/__init__.py",
        "json.py",
        "sitecustomize.py",
    ):
        armed.stage(path, code)
    armed.commit()
    armed.git("config", "vsync.seedWorktrees", "true")
    for python_path in ("", ".", ":"):
        linked = str(tmp_path / f"linked{len(python_path)}{python_path == '.'}")
        done = armed.try_git("worktree", "add", "-q", "-f", linked, PYTHONPATH=python_path)
        assert b"git vsync i" in done.stderr
    assert not proof.exists()


@pytest.mark.parametrize(
    "lock", ["bundle = 3\n", "[[1]]\n", "bundle = [1]\n", "[bundle]\n", "\xff", "a = " + "[" * 3000]
)
def test_a_notice_is_silent_about_a_lock_that_makes_no_sense(armed: Repository, lock: str) -> None:
    # attack 71
    armed.stage("vsync.lock", lock)
    armed.commit()
    armed.git("checkout", "-q", "-b", "other", "HEAD~1")
    done = armed.try_git("checkout", "-q", "main")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_notice_never_stops_git(armed: Repository) -> None:
    armed.stage("vsync.lock", "[[broken")
    armed.commit()
    armed.git("checkout", "-q", "-b", "other", "HEAD~1")
    done = armed.try_git("checkout", "-q", "main")
    assert (done.returncode, done.stderr) == (0, b"")
    script = armed.top / ".git" / "hooks" / "post-checkout.before-vsync"
    script.write_text("#!/bin/sh\nexit 7\n")
    script.chmod(0o755)
    assert armed.try_git("checkout", "-q", "other").returncode == 1  # git makes 1 of every code


def test_hooks_with_input_are_chained_with_all_of_it(armed: Repository, tmp_path: Path) -> None:
    # attack 70
    seen = tmp_path / "seen"
    for name in ("pre-push", "reference-transaction"):
        script = armed.top / ".git" / "hooks" / f"{name}.before-vsync"
        script.write_text(f'#!/bin/sh\necho "{name} $1" >> "{seen}"\ncat >> "{seen}"\n')
        script.chmod(0o755)
    armed.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    armed.git("push", "-q", str(tmp_path / "remote.git"), "main")
    armed.git("branch", "x")
    said = seen.read_text()
    zero = "0" * 40
    commit = head(armed).decode()
    assert f"refs/heads/main {commit} refs/heads/main {zero}\n" in said
    assert f"reference-transaction prepared\n{zero} {commit} refs/heads/x\n" in said
    assert "reference-transaction committed\n" in said


def test_the_vault_of_a_configuration_that_is_only_pushed_counts(tmp_path: Path) -> None:
    bare = Repository(tmp_path / "bare.git", "--bare")
    work = Repository(tmp_path / "work")
    work.stage("vsync.toml", VSYNC_TOML)
    work.stage("infra/vault/prod/a", "x")
    work.commit()
    work.git("push", "-q", str(bare.top), "main")
    assert bare.found("--range", "main") == [("infra/vault/prod/a", None, "vault-path", None)]
    done = subprocess.run(["git", "status"], cwd=work.top, capture_output=True, check=False)
    assert done.returncode == 0
