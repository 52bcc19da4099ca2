"""git vsync use: .env is a link to a vault's env file, and nobody's own file is replaced."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.homes import Home
from tests.teams import answer, commit, done, fill, refused, repository

People = Callable[[str], Home]


@pytest.fixture
def ana(home: People) -> Home:
    return home("ana")


@pytest.fixture
def repo(ana: Home) -> Path:
    """Return a repository with the vaults dev and prod, both filled."""
    repo = repository(ana)
    for env in ("dev", "prod"):
        done(ana.vsync("init", env, cwd=repo))
        fill(repo, env)
    return repo


def test_use_links_to_the_vaults_env_file_and_shows_it(ana: Home, repo: Path) -> None:
    assert "there is no .env" in done(ana.vsync("use", cwd=repo)).stdout
    told = answer(done(ana.vsync("use", "dev", "--json", cwd=repo)))
    assert told["state"] == "linked"
    assert (repo / ".env").readlink() == Path("infra/vault/dev/.env.dev")
    assert ".env -> infra/vault/dev/.env.dev" in done(ana.vsync("use", cwd=repo)).stdout
    told = answer(done(ana.vsync("use", "prod", "--json", cwd=repo)))
    assert told["details"] == ["was infra/vault/dev/.env.dev"]
    (repo / "infra/vault/prod/.env.prod").unlink()
    assert "missing" in done(ana.vsync("use", cwd=repo)).stdout
    done(ana.vsync("use", "dev", cwd=repo))
    assert ana.git("status", "--porcelain", cwd=repo) == "?? .gitignore\n?? vsync.toml\n"


def test_a_copy_is_private_and_replaced_while_untouched(ana: Home, repo: Path) -> None:
    done(ana.vsync("use", "dev", "--copy", cwd=repo))
    assert not (repo / ".env").is_symlink()
    assert (repo / ".env").stat().st_mode & 0o777 == 0o600
    (repo / "infra/vault/dev/.env.dev").write_text("NEW=1\n")
    done(ana.vsync("use", "dev", "--copy", cwd=repo))
    assert (repo / ".env").read_text() == "NEW=1\n"
    (repo / ".env").write_text("NEW=1\nMINE=1\n")
    refused(ana.vsync("use", "dev", "--copy", cwd=repo), 11, "regular file", "mv .env")
    assert "MINE" in (repo / ".env").read_text()


def test_a_regular_file_is_never_replaced(ana: Home, repo: Path) -> None:
    (repo / ".env").write_text("MINE=1\n")
    assert "regular file" in done(ana.vsync("use", cwd=repo)).stdout
    refused(ana.vsync("use", "dev", cwd=repo), 11, "that vsync did not make", "mv .env .env.mine")
    assert (repo / ".env").read_text() == "MINE=1\n"


def test_a_link_of_the_users_own_is_never_replaced(ana: Home, repo: Path) -> None:
    for target in ("/etc/hostname", "elsewhere.env", "infra/vault/../x", "infra/vault"):
        (repo / ".env").symlink_to(target)
        refused(ana.vsync("use", "dev", cwd=repo), 11, f"a link to {target}")
        assert (repo / ".env").readlink() == Path(target)
        (repo / ".env").unlink()


def test_a_folder_in_the_way_is_named(ana: Home, repo: Path) -> None:
    (repo / ".env").mkdir()
    refused(ana.vsync("use", "dev", cwd=repo), 11, ".env is a folder")


def test_what_git_tracks_is_not_replaced(ana: Home, repo: Path) -> None:
    done(ana.vsync("use", "dev", cwd=repo))
    ana.git("add", "-f", ".env", cwd=repo)
    refused(ana.vsync("use", "prod", cwd=repo), 15, "git tracks .env", "git rm --cached -- .env")


def test_what_git_would_take_is_not_written(ana: Home, repo: Path) -> None:
    refused(ana.vsync("use", "dev", "--link", "app.env", cwd=repo), 15, "does not ignore", "app.env")
    assert not (repo / "app.env").is_symlink()


def test_a_link_outside_the_repository_is_refused(ana: Home, repo: Path) -> None:
    for link in ("../out.env", "/tmp/vsync-out.env", "..", "sub/../../x"):
        refused(ana.vsync("use", "dev", "--link", link, cwd=repo), 2, "outside the repository")


def test_a_link_is_named_as_seen_from_where_we_work(ana: Home, repo: Path) -> None:
    (repo / "api").mkdir()
    (repo / "api/.gitignore").write_text(".env\n")
    done(ana.vsync("use", "dev", cwd=repo / "api"))
    assert (repo / "api/.env").readlink() == Path("../infra/vault/dev/.env.dev")
    assert "api/.env ->" in done(ana.vsync("use", "--link", "api/.env", cwd=repo)).stdout


def test_a_link_through_a_link_is_refused(ana: Home, repo: Path, tmp_path: Path) -> None:
    (repo / ".gitignore").write_text((repo / ".gitignore").read_text() + "*.env\n")
    (repo / "api").symlink_to(tmp_path)
    refused(ana.vsync("use", "dev", "--link", "api/x.env", cwd=repo), 11, "not a plain folder")
    assert list(tmp_path.glob("*.env")) == []


def test_a_vault_and_gits_own_folder_are_no_place_for_a_link(ana: Home, repo: Path) -> None:
    before = (repo / "infra/vault/dev/.env.dev").read_bytes()
    for link in ("infra/vault/prod/.env", "infra/vault/dev/.env.dev"):
        refused(ana.vsync("use", "dev", "--link", link, cwd=repo), 11, "lies in the vault")
        assert not (repo / link).is_symlink()
    refused(ana.vsync("use", "dev", "--link", ".git/x.env", cwd=repo), 15, "does not ignore")
    assert (repo / "infra/vault/dev/.env.dev").read_bytes() == before


def test_a_vault_that_was_not_pulled_says_so(ana: Home, repo: Path) -> None:
    (repo / "infra/vault/dev/.env.dev").unlink()
    refused(ana.vsync("use", "dev", cwd=repo), 10, "infra/vault/dev/.env.dev", "git vsync pull dev")
    assert not (repo / ".env").is_symlink()


def test_use_without_a_vault_works_in_a_commit_of_somebody_else(ana: Home, repo: Path) -> None:
    commit(ana, repo)
    assert answer(done(ana.vsync("--json", "use", cwd=repo)))["state"] == "none"
