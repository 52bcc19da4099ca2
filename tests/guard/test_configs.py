"""Git's answer about configuration files is remembered for as long as it would be the same, and no longer."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guard.repositories import VSYNC_TOML, Repository
from vsync.guard.configs import fingerprint
from vsync.guard.processes import CONFIGS

OTHER = VSYNC_TOML.replace("infra/vault/prod", "elsewhere")


def listed(repository: Repository) -> bytes:
    return repository.git(*(str(word) for word in CONFIGS))


def seen(repository: Repository) -> bytes | None:
    return fingerprint(str(repository.top / ".git" / "index"))


def in_conflict(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "side")
    repository.stage("vsync.toml", VSYNC_TOML + "# side\n")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.stage("vsync.toml", VSYNC_TOML + "# main\n")
    repository.commit()
    assert repository.try_git("merge", "-q", "side").returncode == 1


CHANGES: dict[str, Callable[[Repository], object]] = {
    "content": lambda one: one.stage("vsync.toml", OTHER),
    "mode": lambda one: one.git("update-index", "--chmod=+x", "vsync.toml"),
    "removed": lambda one: one.git("rm", "-q", "--cached", "vsync.toml"),
    "renamed": lambda one: one.git("mv", "vsync.toml", "pyproject.toml"),
    "one more": lambda one: one.stage("a/b/envdrift.toml", OTHER),
    "one more behind a long path": lambda one: one.stage(f"{'d' * 200}/{'e' * 200}/vsync.toml", OTHER),
    "in bytes that are no text": lambda one: one.stage(b"\xff\n/vsync.toml", OTHER),
    "a conflict": in_conflict,
    "not in the work tree": lambda one: one.git("update-index", "--skip-worktree", "vsync.toml"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_the_answer_changes_the_fingerprint(
    mapped: Repository, change: Callable[[Repository], object]
) -> None:
    mapped.stage("z.txt", "z\n")
    before, said = seen(mapped), listed(mapped)
    assert before is not None
    change(mapped)
    assert (seen(mapped) != before) or (listed(mapped) == said)


def test_configurations_in_neighbouring_folders_are_told_apart_however_long_their_paths(
    mapped: Repository,
) -> None:
    folders = [f"{'d' * length}{end}/vsync.toml" for length in (1, 40, 250) for end in "ab"]
    found = set()
    for path in folders:
        mapped.stage(path, OTHER)
        found.add(seen(mapped))
        mapped.git("rm", "-q", "--cached", path)
    assert len(found) == len(folders)


def test_other_files_do_not_matter(mapped: Repository) -> None:
    mapped.stage("vsync.lock", "1\n")
    before = seen(mapped)
    assert before is not None
    mapped.stage("vsync.lock", "other\n")
    mapped.stage("zz/Cargo.toml", "other\n")
    mapped.commit()
    assert seen(mapped) == before


@pytest.mark.parametrize(
    "words",
    [
        ("update-index", "--index-version=4"),
        ("update-index", "--split-index"),
        ("sparse-checkout", "set", "--cone", "--sparse-index", "only"),
    ],
)
def test_an_index_of_another_kind_is_left_to_git(mapped: Repository, words: tuple[str, ...]) -> None:
    mapped.stage("a/vsync.toml", VSYNC_TOML.replace("infra/vault/prod", "secrets"))
    mapped.stage("only/b.txt", "b\n")
    mapped.commit()
    mapped.git(*words)
    assert seen(mapped) is None
    mapped.write("a/secrets/key", "1\n")
    mapped.git("add", "-f", "--sparse", "a/secrets/key")
    assert [row[2] for row in mapped.found()] == ["vault-path"]


def test_no_index_at_all_is_left_to_git(repository: Repository, tmp_path: Path) -> None:
    assert seen(repository) is None
    assert fingerprint(str(tmp_path)) is None
    assert fingerprint("\0") is None
    assert repository.guard().returncode == 0


def test_a_commit_that_leaves_the_configuration_alone_asks_git_nothing_about_it(
    mapped: Repository, tmp_path: Path
) -> None:
    mapped.stage("a.txt", "a\n")
    assert mapped.guard("--hook", "pre-commit").returncode == 0
    log = tmp_path / "log"
    assert mapped.guard("--hook", "pre-commit", GIT_TRACE=str(log)).returncode == 0
    assert b"diff-index" in log.read_bytes()
    assert b"ls-files" not in log.read_bytes()
    mapped.stage("sub/vsync.toml", OTHER)
    assert mapped.guard("--hook", "pre-commit", GIT_TRACE=str(log)).returncode == 0
    assert b"ls-files" in log.read_bytes()
    mapped.stage("sub/elsewhere/key", "1\n")
    assert mapped.guard("--hook", "pre-commit", GIT_TRACE=str(log)).returncode == 1


def test_the_index_that_git_was_told_to_use_is_the_one_that_counts(
    mapped: Repository, tmp_path: Path
) -> None:
    other = str(tmp_path / "other")
    mapped.git("read-tree", "HEAD", GIT_INDEX_FILE=other)
    assert mapped.found(GIT_INDEX_FILE=other) == []
    mapped.write("vsync.toml", OTHER)
    mapped.git("add", "vsync.toml", GIT_INDEX_FILE=other)
    mapped.stage("elsewhere/key", "1\n")
    mapped.git("add", "elsewhere/key", GIT_INDEX_FILE=other)
    assert [row[2] for row in mapped.found(GIT_INDEX_FILE=other)] == ["vault-path"]
    mapped.write("vsync.toml", VSYNC_TOML)
    assert mapped.found() == []
    # Relative words mean another file where git is not started at the top.
    relative = os.path.relpath(other, mapped.top)
    assert mapped.guard(cwd=mapped.top / "elsewhere", GIT_INDEX_FILE=relative).returncode == 1


def test_an_index_that_changes_while_git_answers_is_not_remembered(
    mapped: Repository, tmp_path: Path
) -> None:
    mapped.stage("infra/vault/prod/key", "1\n")
    index = mapped.top / ".git" / "index"
    before = index.read_bytes()
    mapped.git("rm", "-q", "vsync.toml")
    (tmp_path / "after").write_bytes(index.read_bytes())
    index.write_bytes(before)
    shim = tmp_path / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\ncase "$*" in *ls-files*) cp "{tmp_path}/after" "{index}";; esac\n'
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    shim.chmod(0o755)
    mapped.guard(PATH=f"{shim.parent}:{os.environ['PATH']}")
    index.write_bytes(before)
    assert [row[2] for row in mapped.found()] == ["vault-path"]
