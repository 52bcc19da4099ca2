"""The ids we offer to the pre-commit framework, run by the real pre-commit.

Only the environment is ours: instead of installing vsync from a package index for each run, the
hooks find the program of this tree on PATH.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.guard.repositories import ROOT, Repository
from vsync.formats.lockfile import LockEntry, lock_to_text
from vsync.git import Repository as Checkout
from vsync.hooks import install, look

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
LEAK = "KEY=secret\n"


@pytest.fixture
def mapped(tmp_path: Path) -> Repository:
    """Return a repository with one commit and one mapped vault."""
    repository = Repository(tmp_path / "repository")
    repository.map_vault()
    return repository


@pytest.fixture
def offered(tmp_path: Path) -> Repository:
    """Return a repository that offers our hooks as they are, but for where the program comes from."""
    offered = Repository(tmp_path / "offered")
    text = (ROOT / ".pre-commit-hooks.yaml").read_text().replace("language: python", "language: system")
    offered.stage(".pre-commit-hooks.yaml", text)
    offered.commit()
    program = tmp_path / "bin" / "vsync-guard"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {ROOT}/vsync/guard/__main__.py "$@"\n')
    program.chmod(0o755)
    whole = program.with_name("vsync")
    whole.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m vsync "$@"\n')
    whole.chmod(0o755)
    os.environ["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    return offered


def run(
    repository: Repository, offered: Repository, hook: str, *words: str, **env: str
) -> subprocess.CompletedProcess[str]:
    pre_commit = [sys.executable, "-m", "pre_commit", "try-repo", str(offered.top), hook, "--verbose", *words]
    return subprocess.run(
        pre_commit, cwd=repository.top, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def test_every_entry_is_a_console_script_with_its_own_description() -> None:
    scripts = {hook["entry"].split()[0] for hook in HOOKS}
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert all(f'\n{script} = "vsync.' in pyproject for script in scripts)
    assert {hook["id"] for hook in HOOKS} == {
        *("vsync-guard", "vsync-guard-files", "vsync-guard-push", "vsync-verify", "vsync-post-checkout"),
    }
    assert all(hook["description"] and hook["language"] == "python" for hook in HOOKS)


@pytest.mark.parametrize("hook", ["vsync-guard", "vsync-guard-files"])
def test_staged_plaintext_fails_and_a_clean_index_passes(
    mapped: Repository, offered: Repository, hook: str
) -> None:
    mapped.stage("leak.env", LEAK)
    done = run(mapped, offered, hook)
    assert done.returncode == 1
    assert "leak.env:1: env-plaintext" in done.stdout
    mapped.git("reset", "-q", "--hard")
    mapped.stage("fine.txt", "fine")
    done = run(mapped, offered, hook)
    assert (done.returncode, "1 path scanned, nothing found" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize("hook", ["vsync-guard", "vsync-guard-files"])
@pytest.mark.parametrize("words", [("--all-files",), ("--files", "leak.env")])
def test_all_files_and_named_files_are_really_scanned(
    mapped: Repository, offered: Repository, hook: str, words: tuple[str, ...]
) -> None:
    # attack 72
    mapped.stage("leak.env", LEAK)
    mapped.commit()
    done = run(mapped, offered, hook, *words)
    assert done.returncode == 1
    assert "leak.env:1: env-plaintext" in done.stdout


def test_a_push_is_judged_by_its_commits_and_by_hand_by_the_tree(
    mapped: Repository, offered: Repository
) -> None:
    start = mapped.git("rev-parse", "HEAD").decode().strip()
    mapped.git("update-ref", "refs/remotes/origin/main", start)
    mapped.stage("leak.env", LEAK)
    mapped.commit()
    refs = ("--from-ref", start, "--to-ref", "HEAD", "--remote-name", "origin", "--hook-stage", "pre-push")
    done = run(mapped, offered, "vsync-guard-push", *refs)
    assert done.returncode == 1
    assert "leak.env:1: env-plaintext" in done.stdout
    mapped.git("update-ref", "refs/remotes/origin/main", "HEAD")
    done = run(mapped, offered, "vsync-guard-push", "--all-files", "--hook-stage", "pre-push")
    assert done.returncode == 1


def test_a_checkout_tells_when_the_lock_moved(mapped: Repository, offered: Repository) -> None:
    versions = ("20260101-000000", "20260201-000000")
    for version in versions:
        text = f'version = 1\n\n[[bundle]]\nname = "myapp/prod"\nversion = "{version}"\n'
        mapped.stage("vsync.lock", text)
        mapped.commit()
    words = (
        "--hook-stage",
        "post-checkout",
        "--from-ref",
        "HEAD~1",
        "--to-ref",
        "HEAD",
        "--checkout-type",
        "1",
    )
    done = run(mapped, offered, "vsync-post-checkout", *words)
    assert done.returncode == 0
    assert "the lock moved for myapp/prod" in done.stdout


def test_drift_fails_a_push_and_a_job_without_any_secret(mapped: Repository, offered: Repository) -> None:
    mapped.stage(".gitignore", "/infra/vault/prod\n")
    entry = LockEntry("myapp/prod", "20260101-000000", 1, "a" * 16, "b" * 64, ("A",))
    mapped.stage("vsync.lock", lock_to_text([entry]))
    mapped.commit()
    for words in (("--hook-stage", "pre-push"), ("--hook-stage", "manual", "--all-files")):
        done = run(mapped, offered, "vsync-verify", *words, VSYNC_KEYS_PASSPHRASE="")
        assert done.returncode == 0, done.stdout
        assert "Passed" in done.stdout
    mapped.stage("given.share", "x")
    done = run(mapped, offered, "vsync-verify", "--hook-stage", "manual", "--all-files")
    assert done.returncode == 1
    assert "repository: share-tracked: git tracks given.share" in done.stdout


def test_the_framework_and_our_own_hooks_live_together(mapped: Repository, offered: Repository) -> None:
    # attack 70
    config = f"repos:\n- repo: {offered.top}\n  rev: {offered.git('rev-parse', 'HEAD').decode().strip()}\n"
    mapped.stage(".pre-commit-config.yaml", config + "  hooks: [{id: vsync-guard}]\n")
    mapped.commit()
    framework = [sys.executable, "-m", "pre_commit", "install"]
    subprocess.run(framework, cwd=mapped.top, check=True, capture_output=True)
    checkout = Checkout.find(mapped.top)
    assert install(checkout).armed
    mapped.stage("leak.env", LEAK)
    done = mapped.try_git("commit", "-m", "x")
    assert b"refuse plaintext in what is staged" in done.stderr + done.stdout
    shutil.rmtree(mapped.top / ".git" / "hooks")
    install(checkout)
    subprocess.run(framework, cwd=mapped.top, check=True, capture_output=True)
    assert mapped.try_git("commit", "-m", "x").returncode == 1
    assert [hook.state for hook in look(checkout).hooks if hook.name == "pre-commit"] == ["foreign"]
