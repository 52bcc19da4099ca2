"""What we ask git, of a real git."""

import multiprocessing
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from vsync.errors import GitError
from vsync.git import Repository, ignore_command, untrack_command

NAMES = ["plain", "with space", "line\nfeed", "quote'\"", "caf\u00e9", "*", "-dash", "caf\udce9"]


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    top = tmp_path / "top"
    top.mkdir()
    _git(top, "init", "-q")
    return Repository.find(top)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_repository_is_found_whatever_its_name(tmp_path: Path, name: str) -> None:
    top = tmp_path / name  # attack 69
    (top / "sub").mkdir(parents=True)
    _git(top, "init", "-q")
    found = Repository.find(top / "sub")
    assert (found.top, found.git_dir, found.common_dir) == (top, top / ".git", top / ".git")


def test_outside_a_repository_git_says_no(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not inside a git work tree"):
        Repository.find(tmp_path)


def test_in_a_bare_repository_git_says_no(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(GitError):
        Repository.find(tmp_path / "bare.git")


def test_a_linked_work_tree_has_its_own_directory_and_its_own_id(repository: Repository) -> None:
    _git(repository.top, "commit", "-q", "--allow-empty", "-m", "first")  # attack 69
    _git(repository.top, "worktree", "add", "-q", "../linked")
    linked = Repository.find(repository.top.parent / "linked")
    assert linked.common_dir == repository.common_dir
    assert linked.git_dir != repository.git_dir
    assert linked.checkout_id() != repository.checkout_id()


def test_the_checkout_id_stays(repository: Repository) -> None:
    first = repository.checkout_id()
    assert (len(first), Repository.find(repository.top).checkout_id()) == (16, first)


@pytest.mark.parametrize("text", ["", "short", "G" * 16, "a" * 17])
def test_a_damaged_checkout_id_is_made_anew(repository: Repository, text: str) -> None:
    repository.checkout_id()
    path = repository.git_dir / "vsync/checkout"
    path.write_text(text)
    found = repository.checkout_id()
    assert (found, len(found)) == (path.read_text().strip(), 16)


def _id(top: str) -> str:
    return Repository.find(Path(top)).checkout_id()


def test_many_first_processes_agree_on_one_id(repository: Repository) -> None:
    with multiprocessing.get_context("fork").Pool(6) as pool:
        assert len(set(pool.map(_id, [str(repository.top)] * 12, chunksize=1))) == 1


def test_ignored_paths_are_judged_by_the_rules_even_when_tracked(repository: Repository) -> None:
    (repository.top / ".gitignore").write_text("/vault\n!/vault/open\n/out/\n")
    (repository.top / "vault").mkdir()
    (repository.top / "vault/a").write_text("")
    _git(repository.top, "add", "-f", "vault/a")
    paths = ["vault", "vault/a", "out", "other", "with space", "new\nline"]
    assert repository.not_ignored(paths) == ["out", "other", "with space", "new\nline"]


@pytest.mark.parametrize("name", [name for name in NAMES if "\udce9" not in name], ids=ascii)
def test_tracked_files_are_found_under_a_literal_path(repository: Repository, name: str) -> None:
    for folder in (name, "other"):
        (repository.top / folder).mkdir()
        (repository.top / folder / "file").write_text("")
    _git(repository.top, "add", "-A")
    assert repository.tracked([name]) == [f"{name}/file"]
    assert repository.tracked(["nothing"]) == []


def test_the_index_of_the_commit_being_made_is_the_one_asked(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (repository.top / "file").write_text("")  # attack 63
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "temporary-index"))
    _git(repository.top, "add", "file")
    assert repository.tracked(["file"]) == ["file"]
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert repository.tracked(["file"]) == []


def test_git_never_sees_our_secrets(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy, seen = tmp_path / "bin/git", tmp_path / "seen"  # attack 52
    spy.parent.mkdir()
    spy.write_text(f"#!/bin/sh\nenv > {seen}\n")
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("VSYNC_KEY", "canary")
    repository.user_email()
    assert "LC_ALL=C" in seen.read_text()
    assert "canary" not in seen.read_text()


def test_without_git_it_says_so(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(GitError, match="git is not installed"):
        repository.tracked(["x"])


ORIGINS = [
    ("git@example.com:team/my-app.git", "my-app"),
    ("https://example.com/team/app/", "app"),
    ("/srv/git/app.git", "app"),
    ("host:app", "app"),
]


@pytest.mark.parametrize(("url", "name"), ORIGINS)
def test_the_name_is_the_last_part_of_origin(repository: Repository, url: str, name: str) -> None:
    assert repository.origin_name() is None
    _git(repository.top, "remote", "add", "origin", url)
    assert repository.origin_name() == name


def test_a_hint_with_a_hostile_folder_name_is_one_harmless_word() -> None:
    name = "x';touch PWNED;'"  # attack 84
    assert shlex.split(ignore_command(name))[1] == f"/{name}"
    assert shlex.split(untrack_command(name, folder=True))[-1] == name


def test_a_hint_escapes_what_gitignore_would_read_as_a_pattern() -> None:
    assert shlex.split(ignore_command("it's [x] dir"))[1] == r"/it's \[x\] dir"
