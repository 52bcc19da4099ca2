"""What stood in the tracked tree when the hooks came passes from then on: exactly that, and nothing later."""

import pytest

from tests.guard.repositories import VSYNC_TOML, Repository
from vsync.git import Repository as Checkout
from vsync.hooks import install

OLD = "sk-live-Qx7vTz91LmPq"
NEW = "sk-live-Another77Value"
FIRST, SECOND = "first-line-of-a-long-secret", "second-line-of-a-long-secret"
LINES = f"{FIRST}\n{SECOND}"


@pytest.fixture
def vault(mapped: Repository) -> Repository:
    mapped.stage(".gitignore", "/infra/vault/prod\n")
    mapped.commit()
    mapped.write("infra/vault/prod/.env.prod", f"API_KEY={OLD}\n")
    return mapped


def hook_install(repository: Repository) -> dict[str, set[str]]:
    """Do what `hook install` does; return where values pass from now on, and where they do not."""
    install(Checkout.find(repository.top))
    said = repository.answer("--all", "--record")
    return {kind: {row["path"] for row in said[kind]} for kind in ("allowed", "findings")}


def refused(repository: Repository) -> bool:
    """Commit what is staged, with the hooks; tell whether that was refused, and unstage."""
    done = repository.try_git("commit", "-q", "-m", "x")
    repository.git("reset", "-q")
    return done.returncode != 0


def test_a_refused_commit_is_still_refused_after_installing_again(vault: Repository) -> None:
    # attack 65
    hook_install(vault)
    vault.stage("a.py", f'k="{OLD}"\n')
    assert vault.try_git("commit", "-q", "-m", "x").returncode != 0
    assert hook_install(vault) == {"allowed": set(), "findings": set()}
    assert refused(vault)


def test_what_is_only_staged_at_the_first_installation_does_not_become_known(vault: Repository) -> None:
    vault.stage("a.py", f'k="{OLD}"\n')
    assert hook_install(vault)["allowed"] == set()
    assert refused(vault)


def test_before_the_first_commit_nothing_is_known(repository: Repository) -> None:
    repository.stage("vsync.toml", VSYNC_TOML)
    repository.stage("a.py", OLD)
    repository.write("infra/vault/prod/.env.prod", f"API_KEY={OLD}\n")
    assert hook_install(repository) == {"allowed": set(), "findings": set()}
    assert repository.try_git("commit", "-q", "-m", "x").returncode != 0


def test_what_was_committed_past_the_guard_is_listed_and_does_not_pass(vault: Repository) -> None:
    # attack 65
    hook_install(vault)
    vault.stage("a.py", OLD)
    vault.commit()
    assert hook_install(vault) == {"allowed": set(), "findings": {"a.py"}}
    vault.stage("b.py", OLD)
    assert refused(vault)


def test_what_stood_there_passes_also_when_the_vault_comes_after_the_hooks(vault: Repository) -> None:
    kept = vault.write("infra/vault/prod/.env.prod", "")
    vault.stage("old.py", OLD)
    vault.commit()
    hook_install(vault)
    vault.stage("later.py", NEW)
    vault.commit()
    kept.write_text(f"API_KEY={OLD}\nOTHER={NEW}\n")
    assert hook_install(vault) == {"allowed": {"old.py"}, "findings": {"later.py"}}
    vault.stage("again.py", OLD)
    assert not refused(vault)
    vault.stage("again.py", NEW)
    assert refused(vault)


def test_a_value_that_is_typed_after_the_hooks_never_becomes_known(vault: Repository) -> None:
    vault.stage("old.py", f"{OLD} {NEW}")
    vault.commit()
    assert hook_install(vault)["allowed"] == {"old.py"}
    vault.write("infra/vault/prod/.env.prod", f"API_KEY={NEW}\n")
    assert hook_install(vault) == {"allowed": set(), "findings": {"old.py"}}
    vault.stage("a.py", NEW)
    assert refused(vault)


def test_only_the_very_value_that_stood_there_is_known(vault: Repository) -> None:
    # attack 65: another value of the same name, another line of the same file or value
    vault.write("infra/vault/prod/.env.local", f"API_KEY={NEW}\n")
    vault.write("infra/vault/prod/notes.txt", f"{LINES}\n")
    vault.stage("old.py", f"{OLD}\n{FIRST}\n")
    vault.commit()
    assert hook_install(vault)["allowed"] == {"old.py"}
    for value, expected in (
        (OLD, False),
        (FIRST, False),
        (NEW, True),
        (LINES, True),
        (SECOND, True),
    ):
        vault.stage("new.py", f"x = {value}\n")
        assert refused(vault) == expected, value
