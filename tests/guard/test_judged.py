"""What pre-commit found clean is not read again by the backstop, as long as rules and values are the same."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guard.repositories import GUARD, VSYNC_TOML, Repository

Judged = tuple[Repository, bytes]


@pytest.fixture
def judged(mapped: Repository) -> Judged:
    """Return a repository in which a commit was looked at and made, whose blob cannot be read any more."""
    mapped.write(".gitignore", "/infra/vault/prod\n")
    mapped.write("infra/vault/prod/.env.prod", "TOKEN=tok_0123456789\n")
    before = mapped.git("rev-parse", "HEAD").strip()
    mapped.stage("a.txt", "harmless\n")
    assert mapped.guard("--hook", "pre-commit").returncode == 0
    mapped.commit()
    after = mapped.git("rev-parse", "HEAD").strip()
    name = mapped.git("rev-parse", "HEAD:a.txt").decode().strip()
    path = mapped.top / ".git" / "objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"broken")
    return mapped, b"%s %s refs/heads/main\n" % (before, after)


def backstop(judged: Judged, **env: str) -> int:
    repository, said = judged
    words = [*GUARD, "--hook", "reference-transaction", "prepared"]
    done = subprocess.run(
        words, cwd=repository.top, input=said, env={**os.environ, **env}, capture_output=True, check=False
    )
    return done.returncode


def test_what_was_judged_is_not_read_again(judged: Judged) -> None:
    assert backstop(judged) == 0


def forget_values(one: Repository) -> None:
    (kept,) = (one.top / ".git" / "vsync").glob("guard-values-*")
    kept.unlink()


CHANGES: dict[str, Callable[[Repository], object]] = {
    "a value": lambda one: one.write("infra/vault/prod/.env.prod", "TOKEN=harmless-no-more\n"),
    "one more file in the vault": lambda one: one.write("infra/vault/prod/key", "other-value\n"),
    "the index of values": forget_values,
    "what was judged": lambda one: one.write(".git/vsync/guard-judged", b"other"),
    "the rules": lambda one: one.stage("vsync.toml", VSYNC_TOML + '[guard]\npublic = ["TOKEN"]\n'),
    "one more configuration": lambda one: one.stage("sub/vsync.toml", VSYNC_TOML),
    "a configuration that is not added": lambda one: one.write("envdrift.toml", VSYNC_TOML),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_is_read_again_when_anything_changed_by_which_it_was_judged(
    judged: Judged, change: Callable[[Repository], object]
) -> None:
    change(judged[0])
    assert backstop(judged) == 15


def test_it_is_read_again_under_another_key_and_without_one(judged: Judged, tmp_path: Path) -> None:
    assert backstop(judged, XDG_CONFIG_HOME=str(tmp_path / "other")) == 15
    assert backstop(judged, XDG_CONFIG_HOME="/proc/nowhere") == 15


def test_without_a_key_nothing_counts_as_judged(mapped: Repository) -> None:
    mapped.write(".gitignore", "/infra/vault/prod\n")
    mapped.write("infra/vault/prod/.env.prod", "TOKEN=tok_0123456789\n")
    mapped.stage("a.txt", "harmless\n")
    assert mapped.guard("--hook", "pre-commit", XDG_CONFIG_HOME="/proc/nowhere").returncode == 0
    assert not (mapped.top / ".git" / "vsync" / "guard-judged").exists()


def test_a_blob_that_is_an_env_file_now_was_not_judged_as_one(judged: Judged) -> None:
    repository, said = judged
    before = said.split()[0].decode()
    repository.git("-c", "core.hooksPath=/dev/null", "reset", "-q", "--soft", before)
    blob = repository.git("rev-parse", ":a.txt").decode().strip()
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},b.env")
    tree = repository.git("write-tree").decode().strip()
    commit = repository.git("commit-tree", "-p", before, "-m", "x", tree).strip()
    assert backstop((repository, b"%s %s refs/heads/main\n" % (before.encode(), commit))) == 15
