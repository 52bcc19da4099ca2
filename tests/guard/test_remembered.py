"""What the guard remembers of vaults is neither lost nor taken for read when something cannot be opened."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.guard.repositories import GUARD, VSYNC_TOML, Repository

VALUE = "sk-live-Qx7vTz91LmPq"


@pytest.fixture
def vault(mapped: Repository) -> Repository:
    mapped.write(".gitignore", "/infra/vault/prod\n")
    mapped.write("infra/vault/prod/.env.prod", f"API_KEY={VALUE}\n")
    mapped.stage("a.txt", VALUE)
    return mapped


def as_a_plain_user(repository: Repository) -> subprocess.CompletedProcess[str]:
    """Run the guard so that modes count: root passes over them, unless it gives that up."""
    words = [*GUARD]
    if os.geteuid() == 0:
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    return subprocess.run(words, cwd=repository.top, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", [".env.prod", "sub", ".", ".."])
def test_a_vault_that_is_there_and_cannot_be_read_is_an_error(vault: Repository, path: str) -> None:
    # attack 72
    folder = vault.top / "infra" / "vault" / "prod"
    vault.write("infra/vault/prod/sub/x", "x")
    target, mode = folder / path, (folder / path).stat().st_mode
    target.chmod(0)
    try:
        for _ in range(2):  # nothing is remembered as read
            done = as_a_plain_user(vault)
            assert (done.returncode, done.stdout) == (15, "")
            assert os.path.normpath(f"infra/vault/prod/{path}") in done.stderr
            assert "Permission denied" in done.stderr
            assert "vsync: hint: chmod" in done.stderr
    finally:
        target.chmod(mode)
    assert vault.found() == [("a.txt", 1, "vault-value", "API_KEY")]


def test_what_was_read_before_counts_although_it_cannot_be_read_now(vault: Repository) -> None:
    assert vault.found()
    target = vault.top / "infra" / "vault" / "prod" / ".env.prod"
    target.chmod(0)
    assert as_a_plain_user(vault).returncode == 1
    target.chmod(0o600)


def test_a_missing_vault_changes_nothing(vault: Repository, tmp_path: Path) -> None:
    os.rename(vault.top / "infra", tmp_path / "infra")
    done = vault.guard()
    assert (done.returncode, done.stderr) == (0, "")
    os.symlink("infra", vault.top / "infra")
    assert vault.guard().returncode == 0


@pytest.fixture
def other_home(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "other").mkdir()
    return {"HOME": str(tmp_path / "other"), "XDG_CONFIG_HOME": str(tmp_path / "other" / ".config")}


def test_a_run_under_another_home_destroys_nothing(
    vault: Repository, other_home: dict[str, Any], tmp_path: Path
) -> None:
    # attack 68
    assert vault.found()
    assert vault.found(**other_home)
    os.rename(vault.top / "infra", tmp_path / "infra")
    assert vault.found()
    vault.write("infra/vault/prod/.env.prod", "API_KEY=another-value-9\n")
    assert vault.found(**other_home) == []
    vault.stage("b.txt", "another-value-9")
    shutil.rmtree(vault.top / "infra")
    assert {row[0] for row in vault.found()} == {"a.txt"}
    assert {row[0] for row in vault.found(**other_home)} == {"b.txt"}


def test_known_values_stay_known_after_a_run_under_another_home(
    vault: Repository, other_home: dict[str, Any]
) -> None:
    vault.commit()
    assert vault.answer("--all", "--record")["allowed"]
    vault.stage("b.txt", VALUE)
    assert vault.found() == []
    assert vault.found(**other_home)
    vault.write("infra/vault/prod/.env.local", "MORE=some-more-of-it\n")
    assert vault.found(**other_home)
    assert vault.found() == []


def test_what_cannot_be_compared_is_said(
    vault: Repository, other_home: dict[str, Any], tmp_path: Path
) -> None:
    # attack 72
    assert vault.found()
    os.rename(vault.top / "infra", tmp_path / "infra")
    done = vault.guard(**other_home)
    assert (done.returncode, done.stderr.count("infra/vault/prod were not looked for")) == (0, 1)
    vault.stage("vsync.toml", VSYNC_TOML + VSYNC_TOML.partition("\n\n")[2].replace("prod", "qa"))
    vault.write("infra/vault/qa/.env.qa", "OTHER=some-other-value\n")
    for _ in range(2):
        assert "values of infra/vault/prod were not looked for" in vault.guard(**other_home).stderr
    assert vault.guard().stderr.count("not looked for") == 0


def test_a_memory_that_does_not_open_is_neither_replaced_nor_taken_for_empty(vault: Repository) -> None:
    # attack 72
    assert vault.found()
    (kept,) = (vault.top / ".git" / "vsync").glob("guard-sources-*")
    kept.write_bytes(broken := kept.read_bytes()[:-1] + b"?")
    vault.write("infra/vault/prod/.env.local", "MORE=some-more-of-it\n")
    done = vault.guard()
    assert (done.returncode, done.stdout) == (15, "")
    assert str(kept) in done.stderr
    assert kept.read_bytes() == broken
    kept.unlink()
    assert vault.found()
