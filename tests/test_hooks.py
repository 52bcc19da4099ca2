"""Hooks: put where git really runs them, chained with what is there, undone byte for byte."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guard.repositories import ROOT, Repository
from vsync.errors import Conflict, GitError
from vsync.git import Repository as Checkout
from vsync.hooks import HOOKS, install, look, uninstall


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and bytes of every file in a folder, and what links say."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = (0, os.fsencode(os.readlink(path)))
        elif path.is_file():
            found[str(path)] = (path.stat().st_mode, path.read_bytes())
    return found


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "a folder with 'quotes'")
    repository.map_vault()
    return repository


def blocks(repository: Repository, *words: str) -> bool:
    """Tell whether a commit of plaintext is stopped, and that a clean one is not."""
    repository.stage("clean.txt", os.urandom(8).hex())
    done = repository.try_git("commit", "-q", "-m", "clean")
    assert done.returncode == 0, done.stderr
    repository.stage("leak.env", "KEY=secret\n")
    done = repository.try_git("commit", *words, "-m", "leak")
    repository.git("rm", "-q", "-f", "--cached", "leak.env")
    return done.returncode != 0 and b"leak.env" in done.stdout + done.stderr


def test_after_install_a_commit_of_plaintext_is_stopped(repository: Repository) -> None:
    checkout = Checkout.find(repository.top)
    assert not look(checkout).armed
    assert not blocks(repository)
    assert install(checkout).armed
    assert blocks(repository)
    assert blocks(repository, "-a")


def test_uninstall_leaves_every_byte_as_it_was(repository: Repository) -> None:
    # attack 70
    hooks = repository.top / ".git" / "hooks"
    script(hooks / "pre-commit", "exit 0 # ours\r")
    os.symlink("../../tools/check", hooks / "pre-merge-commit")
    before = tree(repository.top / ".git")
    checkout = Checkout.find(repository.top)
    install(checkout)
    install(checkout)
    assert set(uninstall(checkout)) == set(HOOKS)
    assert tree(repository.top / ".git") == before
    assert uninstall(checkout) == ()


def test_a_hook_that_is_there_runs_first_and_may_refuse(repository: Repository, tmp_path: Path) -> None:
    # attack 70
    seen = tmp_path / "seen"
    mine = script(repository.top / ".git" / "hooks" / "pre-commit", f'echo "$0" >> "{seen}"; test ! -e stop')
    install(Checkout.find(repository.top))
    assert blocks(repository)
    assert seen.read_text().count("pre-commit") == 2
    (repository.top / "stop").touch()
    assert repository.try_git("commit", "--allow-empty", "-m", "x").returncode == 1
    assert not os.access(mine.with_name("pre-merge-commit.before-vsync"), os.F_OK)


def test_a_chained_hook_has_its_own_name_and_its_neighbours(repository: Repository, tmp_path: Path) -> None:
    # attack 70
    seen, hooks = tmp_path / "seen", repository.top / ".git" / "hooks"
    (hooks / "husky.sh").write_text(f'basename "$0" >> "{seen}"\n')
    for name in ("pre-commit", "pre-push"):
        script(hooks / name, '. "$(dirname "$0")/husky.sh"')
    before = tree(hooks)
    checkout = Checkout.find(repository.top)
    install(checkout)
    assert blocks(repository)
    assert set(seen.read_text().split()) == {"pre-commit"}
    for link in (hooks / "before-vsync").iterdir():
        link.unlink()
    repository.git("commit", "-q", "--allow-empty", "-m", "as an older release left it")
    assert "pre-commit.before-vsync" in seen.read_text()
    install(checkout)
    uninstall(checkout)
    assert tree(hooks) == before
    assert not (hooks / "before-vsync").exists()


def test_a_hook_that_git_never_ran_is_not_shown_as_chained(repository: Repository) -> None:
    hook = script(repository.top / ".git" / "hooks" / "pre-push", "exit 1")
    hook.chmod(0o644)
    install(Checkout.find(repository.top))
    assert not any(one.chained for one in look(Checkout.find(repository.top)).hooks)


def test_uninstall_forgets_what_the_guard_remembered(repository: Repository) -> None:
    checkout = Checkout.find(repository.top)
    install(checkout)
    repository.write("infra/vault/prod/.env.prod", "API_KEY=sk-live-Qx7vTz91LmPq\n")
    assert blocks(repository)
    assert list((repository.top / ".git" / "vsync").glob("guard-*"))
    uninstall(checkout)
    assert not list((repository.top / ".git").glob("vsync/guard-*"))


def test_a_file_in_place_of_the_folder_of_hooks_is_an_error_of_git(repository: Repository) -> None:
    hooks = repository.top / ".git" / "hooks"
    shutil.rmtree(hooks)
    hooks.write_text("")
    with pytest.raises(GitError, match="cannot write hooks"):
        install(Checkout.find(repository.top))


def test_many_references_reach_the_guard_and_a_chained_hook_whole(
    repository: Repository, tmp_path: Path
) -> None:
    # attack 70
    seen = tmp_path / "seen"
    hooks = repository.top / ".git" / "hooks"
    script(hooks / "reference-transaction", f'[ "$1" != prepared ] || cat > "{seen}"')
    install(Checkout.find(repository.top))
    commit = repository.git("rev-parse", "HEAD").strip()
    lines = [b"create refs/remotes/origin/b%d %s\n" % (number, commit) for number in range(300)]
    repository.git("update-ref", "--stdin", stdin=b"".join(lines))
    zero = b"0" * len(commit)
    wanted = [b"%s %s refs/remotes/origin/b%d\n" % (zero, commit, number) for number in range(300)]
    assert sorted(seen.read_bytes().splitlines(keepends=True)) == sorted(wanted)
    hook = (hooks / "reference-transaction").read_bytes()
    assert hook.count(b"$(cat; echo .)") == 1
    repository.stage("leak.env", "KEY=secret\n")
    tree_id = repository.git("write-tree").decode().strip()
    leak = repository.git("commit-tree", "-p", "HEAD", "-m", "x", tree_id).strip()
    tags = [b"create refs/tags/t%d %s\n" % (number, commit) for number in range(50)]
    done = repository.try_git(
        "update-ref", "--stdin", stdin=b"".join([*tags, b"create refs/heads/zz %s\n" % leak])
    )
    assert b"leak.env" in done.stderr


def test_a_hook_that_was_put_over_ours_is_chained_or_named(repository: Repository) -> None:
    checkout = Checkout.find(repository.top)
    install(checkout)
    hook = script(repository.top / ".git" / "hooks" / "pre-commit", "exit 0")
    assert [one.state for one in look(checkout).hooks if one.name == "pre-commit"] == ["foreign"]
    assert install(checkout).armed
    script(hook, "exit 1")
    with pytest.raises(Conflict, match="chained before"):
        install(checkout)


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_a_configured_hooks_folder_is_passed_on_to_and_not_written_in(
    repository: Repository, tmp_path: Path, scope: str
) -> None:
    # attack 70
    team = repository.top / ".husky" / "_" if scope == "--local" else tmp_path / "all hooks"
    seen = tmp_path / "seen"
    for name in ("pre-commit", "commit-msg", "post-index-change"):
        script(team / name, f'echo "$(basename "$0")" >> "{seen}"')
    repository.git("config", scope, "core.hooksPath", ".husky/_" if scope == "--local" else str(team))
    before = tree(repository.top), tree(team)
    checkout = Checkout.find(repository.top)
    install(checkout)
    install(checkout)
    assert look(checkout).armed
    assert tree(team) == before[1]
    assert blocks(repository)
    assert {"pre-commit", "commit-msg", "post-index-change"} <= set(seen.read_text().split())
    uninstall(checkout)
    assert (tree(repository.top / ".git" / "hooks"), tree(team)) == (
        {path: value for path, value in before[0].items() if "/.git/hooks/" in path},
        before[1],
    )
    assert repository.git("config", "core.hooksPath").decode().strip() in (".husky/_", str(team))
    assert not (repository.top / ".git" / "vsync" / "hooks").exists()


def test_the_configuration_comes_back_byte_for_byte(repository: Repository) -> None:
    config = repository.top / ".git" / "config"
    config.write_text(config.read_text() + '[core]\n  hooksPath=".husky" ; of the team\n')
    before = config.read_bytes()
    checkout = Checkout.find(repository.top)
    install(checkout)
    assert config.read_bytes() != before
    uninstall(checkout)
    assert config.read_bytes() == before


def test_settings_made_meanwhile_survive_uninstall(repository: Repository) -> None:
    repository.git("config", "core.hooksPath", ".husky")
    checkout = Checkout.find(repository.top)
    install(checkout)
    repository.git("config", "user.signingKey", "abc")
    uninstall(checkout)
    assert repository.git("config", "core.hooksPath") == b".husky\n"
    assert repository.git("config", "user.signingKey") == b"abc\n"


def test_linked_work_trees_and_submodules_are_guarded(repository: Repository, tmp_path: Path) -> None:
    # attack 69
    install(Checkout.find(repository.top))
    repository.git("worktree", "add", "-q", str(tmp_path / "linked"))
    assert blocks(Repository(tmp_path / "linked"))
    source = Repository(tmp_path / "source")
    source.map_vault()
    allowed = ("-c", "protocol.file.allow=always")
    repository.git(*allowed, "submodule", "--quiet", "add", str(source.top), "sub")
    sub = Repository(repository.top / "sub")
    assert not blocks(sub)
    assert install(Checkout.find(sub.top)).armed
    assert blocks(sub)


def test_a_guard_that_is_gone_stops_the_commit_and_says_why(repository: Repository) -> None:
    install(Checkout.find(repository.top))
    hook = repository.top / ".git" / "hooks" / "pre-commit"
    hook.write_text(hook.read_text().replace("__main__.py", "__gone__.py"))
    done = repository.try_git("commit", "--allow-empty", "-m", "x")
    assert done.returncode != 0
    assert b"vsync: hint: install vsync again, then: git vsync hook install" in done.stderr


def test_a_hook_that_somebody_edited_is_not_taken_away(repository: Repository) -> None:
    checkout = Checkout.find(repository.top)
    install(checkout)
    hook = repository.top / ".git" / "hooks" / "pre-commit"
    hook.write_text(hook.read_text() + "echo mine\n")
    assert [one.state for one in look(checkout).hooks if one.name == "pre-commit"] == ["foreign"]
    assert set(uninstall(checkout)) == set(HOOKS) - {"pre-commit"}
    assert hook.read_text().endswith("echo mine\n")


def test_the_verb_says_what_it_did(repository: Repository) -> None:
    def verb(action: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "vsync", "hook", action],
            cwd=repository.top,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    assert verb("status")[0] == 1
    assert verb("install")[0] == 0
    assert "pre-commit: armed" in verb("status")[1]
    assert verb("uninstall")[1].startswith("took away post-checkout, ")
