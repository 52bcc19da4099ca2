"""git vsync init: one command makes a vault ready, and running it again changes nothing."""

import json
import os
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import FaultProxy, strip_conditions
from tests.homes import Home
from tests.s3server import Server
from tests.teams import (
    CANARY,
    PROD,
    add_profile,
    answer,
    binding_of,
    clone,
    commit,
    done,
    fill,
    on_a_terminal,
    pushed,
    refused,
    repository,
)
from vsync.errors import KeyUnavailable
from vsync.keys.sealed_file import SealedFile
from vsync.sync.init import InitOptions, init
from vsync.wiring import Place, open_world
from vsync.world import World

People = Callable[[str], Home]


@pytest.fixture
def ana(home: People) -> Home:
    return home("ana")


@pytest.fixture
def repo(ana: Home) -> Path:
    return repository(ana)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "shared")


def world_of(home: Home, repo: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    return open_world(Place(repo, no_input=True))


class Forgetful:
    """A place for keys that accepts a key and then has none."""

    source = "a forgetful keychain"
    writable = True

    def get(self, account: str) -> str | None:
        return None

    def set(self, account: str, text: str) -> None:
        raise KeyUnavailable(f"{self.source} did not keep the key of {account}")

    def delete(self, account: str) -> None:
        return


def test_init_makes_mapping_key_binding_folder_and_rules(ana: Home, repo: Path) -> None:
    told = answer(done(ana.vsync("init", "prod", "--json", cwd=repo)))
    assert told["vault"] == "myapp/prod"
    assert told["folder"] == "infra/vault/prod"
    assert (repo / "infra/vault/prod").stat().st_mode & 0o777 == 0o700
    assert binding_of(ana).stat().st_mode & 0o777 == 0o600
    toml = (repo / "vsync.toml").read_text()
    assert 'repo = "myapp"' in toml
    assert 'provider = "file"' in toml
    binding = json.loads(binding_of(ana).read_text())
    assert binding["store"].startswith("file://")
    assert "key" not in binding
    ring = SealedFile(ana.config / "keys.sealed", lambda: ana.env["VSYNC_KEYS_PASSPHRASE"])
    assert len(ring.get("myapp/prod") or "") == 44


def test_the_environment_is_dev_when_nobody_says_another(ana: Home, repo: Path) -> None:
    answers = [("environment [dev]", ""), ("install git hooks", "")]
    code, screen = on_a_terminal(ana, ("init",), repo, answers)
    assert code == 0, screen
    assert (repo / "infra/vault/dev").is_dir()
    assert "pinned as 'myapp'" in screen


def test_without_a_terminal_the_environment_must_be_named(ana: Home, repo: Path) -> None:
    refused(ana.vsync("init", "--no-input", cwd=repo), 2, "environment", "git vsync init dev")
    assert not (repo / "vsync.toml").exists()


@pytest.mark.parametrize(
    ("origin", "name"),
    [("git@host:acme/My_App.git", "my_app"), ("https://h/My%20App", "my-20app"), ("/x/Ünï.git", "n")],
)
def test_the_repository_name_comes_from_origin_and_is_shown(ana: Home, origin: str, name: str) -> None:
    repo = repository(ana, origin=origin)
    told = done(ana.vsync("init", "dev", cwd=repo))
    assert f"{name}/dev" in told.stdout
    assert f"pinned as {name!r}" in told.stderr


def test_running_init_again_keeps_everything_byte_for_byte(ana: Home, repo: Path) -> None:
    done(ana.vsync("init", "prod", cwd=repo))
    (repo / "vsync.toml").write_text("# ours\n" + (repo / "vsync.toml").read_text() + "\n# end\n")
    files = [repo / "vsync.toml", repo / ".gitignore", binding_of(ana), ana.config / "keys.sealed"]
    before = [path.read_bytes() for path in files]
    done(ana.vsync("init", "prod", cwd=repo))
    done(ana.vsync("init", "prod", "--vault-folder", "infra/vault/prod/", cwd=repo))
    assert [path.read_bytes() for path in files] == before


def test_init_says_what_is_next(ana: Home, repo: Path) -> None:
    assert "put .env.prod into infra/vault/prod" in done(ana.vsync("init", "prod", cwd=repo)).stdout
    fill(repo)
    assert "ready; next: git vsync push prod" in done(ana.vsync("init", "prod", cwd=repo)).stdout


def test_every_rule_holds_for_git_itself(ana: Home, repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log")
    done(ana.vsync("init", "prod", "--vault-folder", "se[c]rets/*", cwd=repo))
    lines = (repo / ".gitignore").read_text().splitlines()
    assert lines[0] == "*.log"
    assert not any(line.endswith("/") for line in lines)
    for path in ("se[c]rets/*", "se[c]rets/*/.env.prod", ".env", "x.share", "a/y.keytree"):
        ana.git("check-ignore", "--no-index", "-q", "--", path, cwd=repo)
    # A link of the folder's name is covered as well: the rule has no final slash.
    (repo / "se[c]rets/*").rmdir()
    (repo / "se[c]rets/*").symlink_to("/tmp")
    assert ana.git("status", "--porcelain", "-uall", cwd=repo) == "?? .gitignore\n?? vsync.toml\n"


def test_the_rules_hold_in_a_file_with_crlf(ana: Home, repo: Path) -> None:
    (repo / ".gitignore").write_bytes(b"*.log\r\n")
    done(ana.vsync("init", "prod", cwd=repo))
    data = (repo / ".gitignore").read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") > 1


# attack 73
def test_a_rule_that_takes_the_ignoring_back_is_noticed(ana: Home, repo: Path) -> None:
    (repo / ".gitignore").write_text("!.env\n!/infra/vault/prod\n")
    done(ana.vsync("init", "prod", cwd=repo))  # ours come last and win
    (repo / "infra/.gitignore").write_text("!vault/dev\n!vault/dev/**\n")
    refused(ana.vsync("init", "dev", cwd=repo), 15, "git does not ignore infra/vault/dev", "check-ignore -v")
    (repo / "infra/.gitignore").unlink()
    done(ana.vsync("init", "dev", cwd=repo))


def test_init_stops_while_something_under_the_vault_is_tracked(ana: Home, repo: Path) -> None:
    fill(repo)
    commit(ana, repo)
    refused(ana.vsync("init", "prod", cwd=repo), 15, "git tracks", "git rm -r --cached -- infra/vault/prod")
    assert not (repo / "vsync.toml").exists()
    assert not binding_of(ana).exists()


@pytest.mark.parametrize("folder", ["../../out", "/abs", ".", ".git", ".git/x", "~", "a/../.."])
def test_a_folder_outside_the_vaults_place_is_refused(
    ana: Home, repo: Path, folder: str
) -> None:  # attack 37
    refused(ana.vsync("init", "prod", "--vault-folder", folder, cwd=repo), 2)
    assert not (repo / "vsync.toml").exists()
    assert not binding_of(ana).exists()


def test_from_moves_an_env_file_in_and_links_it_back(ana: Home, repo: Path) -> None:
    (repo / ".env").write_text(f"TOKEN={CANARY}\n")
    (repo / "sub").mkdir()
    done(ana.vsync("init", "prod", "--from", "../.env", cwd=repo / "sub"))
    inside = repo / "infra/vault/prod/.env.prod"
    assert inside.read_text() == f"TOKEN={CANARY}\n"
    assert inside.stat().st_mode & 0o777 == 0o600
    assert (repo / ".env").readlink() == Path("infra/vault/prod/.env.prod")
    assert ".env" not in ana.git("status", "--porcelain", "-uall", cwd=repo)


def test_an_env_file_from_elsewhere_is_moved_and_not_linked(ana: Home, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "old.env").write_text("A=1\n")
    done(ana.vsync("init", "prod", "--from", str(tmp_path / "old.env"), cwd=repo))
    assert (repo / "infra/vault/prod/.env.prod").read_text() == "A=1\n"
    assert list(tmp_path.glob("old*")) == []


def test_on_a_terminal_init_offers_to_move_the_env_file_in(ana: Home, repo: Path) -> None:
    (repo / ".env.prod").write_text("A=1\n")
    answers = [("move .env.prod into the vault", "y"), ("install git hooks", "n")]
    code, screen = on_a_terminal(ana, ("init", "prod"), repo, answers)
    assert code == 0, screen
    assert (repo / "infra/vault/prod/.env.prod").read_text() == "A=1\n"
    code, screen = on_a_terminal(ana, ("init", "prod"), repo)
    assert code == 0, screen
    assert "[y/N]" not in screen


def test_without_a_terminal_init_says_how_to_move_the_env_file_in(ana: Home, repo: Path) -> None:
    (repo / ".env").write_text("A=1\n")
    assert "--from .env" in done(ana.vsync("init", "prod", cwd=repo)).stderr
    assert (repo / ".env").is_file()


def test_a_tracked_env_file_is_left_and_the_commands_are_told(ana: Home, repo: Path) -> None:
    (repo / ".env").write_text(f"TOKEN={CANARY}\n")
    commit(ana, repo)
    told = done(ana.vsync("init", "prod", cwd=repo))
    assert "git rm --cached -- .env" in told.stderr
    assert "change every secret" in told.stderr
    refused(ana.vsync("init", "prod", "--from", ".env", cwd=repo), 15, "git rm --cached -- .env")
    assert (repo / ".env").read_text() == f"TOKEN={CANARY}\n"


@pytest.mark.parametrize("name", ["missing", "folder", "link"])
def test_from_takes_regular_files_only(ana: Home, repo: Path, name: str) -> None:
    (repo / "folder").mkdir()
    (repo / "link").symlink_to("folder")
    refused(ana.vsync("init", "prod", "--from", name, cwd=repo), 10, "--from .env")
    assert not binding_of(ana).exists()


def test_from_does_not_replace_the_vaults_own_env_file(ana: Home, repo: Path) -> None:
    fill(repo)
    (repo / ".env").write_text("A=1\n")
    refused(ana.vsync("init", "prod", "--from", ".env", cwd=repo), 11, "exists already")
    assert CANARY in (repo / "infra/vault/prod/.env.prod").read_text()
    assert (repo / ".env").read_text() == "A=1\n"


def test_a_profile_gives_store_and_prefix(ana: Home, repo: Path, s3_server: Server, s3_bucket: str) -> None:
    done(add_profile(ana, s3_server.url, s3_bucket, "--prefix", "teams/{repo}"))
    told = answer(done(ana.vsync("init", "prod", "--profile", "team", "--json", cwd=repo)))
    assert told["prefix"] == "teams/myapp/prod/"
    assert s3_bucket in told["store"]
    binding = json.loads(binding_of(ana).read_text())
    assert binding["initProfile"] == "team"
    assert 'provider = "s3"' in (repo / "vsync.toml").read_text()


def test_the_committed_routing_names_the_store(
    ana: Home, repo: Path, s3_server: Server, s3_bucket: str
) -> None:
    done(add_profile(ana, s3_server.url, "elsewhere"))
    routing = f'[vault.s3]\nprofile = "team"\nbucket = "{s3_bucket}"\nprefix = "p"\n'
    (repo / "vsync.toml").write_text(f"# kept\n{routing}")
    told = answer(done(ana.vsync("init", "prod", "--json", cwd=repo)))
    assert (told["prefix"], s3_bucket in told["store"]) == ("p/prod/", True)
    text = (repo / "vsync.toml").read_text()
    assert text.startswith("# kept\n")
    assert routing in text


def test_a_prefix_is_the_whole_root(ana: Home, repo: Path) -> None:
    told = answer(done(ana.vsync("init", "prod", "--prefix", "a/b", "--json", cwd=repo)))
    assert told["prefix"] == "a/b/"
    for bad in ("a b", "../x", "a//b", "/a", "ä"):
        refused(ana.vsync("init", "dev", "--prefix", bad, cwd=repo), 2, "cannot be a prefix")


def test_a_folder_as_store_is_seen_from_where_we_work(ana: Home, repo: Path) -> None:
    told = answer(
        done(ana.vsync("-C", str(repo), "init", "prod", "--store", "../s", "--json", cwd=Path("/")))
    )
    assert told["store"] == f"file://{ana.path}/s"
    refused(ana.vsync("init", "dev", "--store", "inside", cwd=repo), 2, "inside the repository")
    refused(ana.vsync("init", "dev", "--store", "https://x", cwd=repo), 2, "file:///")
    refused(ana.vsync("init", "dev", "--store", "s3://b", cwd=repo), 2, "profile")


def test_a_vault_that_is_there_already_is_not_made_a_second_time(home: People, store: str) -> None:
    ana, ben = home("ana"), home("ben")
    repo = clone(ben, pushed(ana, store))
    refused(
        ben.vsync("init", "prod", "--store", store, cwd=repo), 12, "ana@example.com pushed it last", "import"
    )
    assert not binding_of(ben).exists()
    assert not (ben.config / "keys.sealed").exists()


def test_a_vault_that_the_lock_names_is_not_made_a_second_time(home: People, store: str) -> None:
    ana, ben = home("ana"), home("ben")
    repo = clone(ben, pushed(ana, store))
    refused(ben.vsync("init", "prod", cwd=repo), 12, "vsync.lock", "git vsync import")
    assert not (ben.config / "keys.sealed").exists()


def test_the_place_of_another_vault_is_refused_with_both_names(home: People, store: str) -> None:
    ana, ben = home("ana"), home("ben")
    pushed(ana, store)
    other = repository(ben, origin="https://h/other.git")
    place = ("--store", store, "--prefix", "myapp/prod")
    refused(ben.vsync("init", "dev", *place, cwd=other), 11, "'myapp/prod'", "other/dev", "--prefix")


def test_a_store_that_ignores_conditions_is_refused_with_the_reason(
    ana: Home, repo: Path, s3_server: Server, s3_bucket: str
) -> None:  # attack 74
    with FaultProxy(s3_server.url) as proxy:
        proxy.on(strip_conditions(), times=None)
        done(add_profile(ana, proxy.url, s3_bucket))
        refused(ana.vsync("init", "prod", "--profile", "team", cwd=repo), 14, "If-None-Match is ignored")
    assert not binding_of(ana).exists()
    assert not (repo / "vsync.toml").exists()
    assert not (ana.config / "keys.sealed").exists()


def test_a_keychain_that_keeps_nothing_ends_init_before_anything_is_written(
    ana: Home, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # attack 39
    world = replace(world_of(ana, repo, monkeypatch), keys=Forgetful())
    with pytest.raises(KeyUnavailable, match="did not keep"):
        init(world, InitOptions("prod"))
    assert not binding_of(ana).exists()
    assert sorted(path.name for path in repo.iterdir()) == [".git"]


@pytest.mark.parametrize("step", range(6))
def test_init_stopped_at_any_step_is_finished_by_running_it_again(
    ana: Home, repo: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / ".env").write_text("A=1\n")
    world, steps, replace_file = world_of(ana, repo, monkeypatch), [step], os.replace

    def stop(*paths: str) -> None:
        steps[0] -= 1
        if steps[0] < 0:
            raise KeyboardInterrupt
        replace_file(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stop)
        with suppress(KeyboardInterrupt):
            init(world, InitOptions("prod", source=repo / ".env"))
    assert steps[0] < 0, "fewer steps than this: nothing was stopped"
    source = ("--from", ".env") if not (repo / "infra/vault/prod/.env.prod").exists() else ()
    done(ana.vsync("init", "prod", *source, cwd=repo))
    done(ana.vsync("push", cwd=repo))
    done(ana.vsync("use", "prod", cwd=repo))
    assert (repo / ".env").read_text() == "A=1\n"


@pytest.mark.parametrize("name", ["sub/vsync.toml", "sub/pyproject.toml", "envdrift.toml"])
def test_the_nearest_configuration_is_the_one_that_is_edited(ana: Home, repo: Path, name: str) -> None:
    (repo / "sub").mkdir()
    start = '[project]\nname = "x"\n[tool.vsync]\n' if "pyproject" in name else "# mine\n"
    start = '[vault]\nprovider = "s3"\n' if "envdrift" in name else start
    (repo / name).write_text(start)
    done(ana.vsync("init", "prod", cwd=repo / "sub"))
    text = (repo / name).read_text()
    assert 'secret_name = "myapp/prod"' in text
    assert "# mine" in text or "vault" in text
    fill((repo / name).parent)
    done(ana.vsync("push", "prod", cwd=repo / "sub"))
    assert not (repo / "vsync.toml").exists()


def test_a_configuration_of_another_provider_is_left_alone(ana: Home, repo: Path) -> None:
    azure = '[vault]\nprovider = "azure"\n[[vault.sync.mappings]]\nsecret_name = "prod"\nfolder_path = "x"\n'
    (repo / "envdrift.toml").write_text(azure)
    done(ana.vsync("init", "prod", cwd=repo))
    assert (repo / "envdrift.toml").read_text() == azure
    fill(repo)
    done(ana.vsync("push", "prod", cwd=repo))
    done(ana.vsync("init", "prod", cwd=repo))


@pytest.mark.parametrize("folder", ["infra/vault/prod", "infra/vault", "Infra/Vault/PROD/x"])
def test_a_folder_that_overlaps_another_vaults_is_refused(ana: Home, repo: Path, folder: str) -> None:
    done(ana.vsync("init", "prod", cwd=repo))
    before = (repo / "vsync.toml").read_bytes()
    refused(ana.vsync("init", "dev", "--vault-folder", folder, cwd=repo), 2, "overlap", "myapp/prod")
    assert (repo / "vsync.toml").read_bytes() == before


def test_a_configuration_that_cannot_be_edited_is_known_before_a_key_is_made(ana: Home, repo: Path) -> None:
    (repo / "vsync.toml").write_text("[vault]\nsync = { mappings = [] }\n[vault.lock]\n")
    outcome = ana.vsync("init", "prod", cwd=repo)
    assert outcome.returncode == 0 or not binding_of(ana).exists()
    (repo / "vsync.toml").write_text("[[vault")
    refused(ana.vsync("init", "prod", cwd=repo), 2, "vsync.toml: is not valid TOML")


def test_the_team_may_keep_names_out_of_the_lock(ana: Home, repo: Path) -> None:
    assert "--no-names" in done(ana.vsync("init", "prod", cwd=repo)).stderr
    done(ana.vsync("init", "prod", "--no-names", cwd=repo))
    fill(repo)
    done(ana.vsync("push", "prod", cwd=repo))
    lock = (repo / "vsync.lock").read_text()
    assert PROD.name in lock
    assert "TOKEN" not in lock
    assert "server.pem" not in lock


# attack 84
def test_a_committed_store_gets_no_key_that_was_here_before(ana: Home, repo: Path) -> None:
    done(ana.vsync("init", "prod", cwd=repo))
    binding_of(ana).unlink()
    (repo / "vsync.toml").write_text(
        (repo / "vsync.toml").read_text()
        + '[vault.s3]\nendpoint_url = "https://evil.invalid"\nbucket = "bucket"\naws_profile = "x"\n'
    )
    refused(ana.vsync("init", "prod", cwd=repo), 2, "evil.invalid", "--yes")
    assert not binding_of(ana).exists()


def track(ana: Home, repo: Path, **files: str) -> None:
    """Commit env files, `local="A=1"` as local.env."""
    for name, text in files.items():
        (repo / f"{name}.env").write_text(text)
    commit(ana, repo)


def allowed(repo: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = tomllib.loads((repo / "vsync.toml").read_text())["guard"]["allow"]
    return rows


def test_on_a_terminal_init_offers_the_hooks_with_a_new_vault_only(ana: Home, repo: Path) -> None:
    code, screen = on_a_terminal(ana, ("init", "prod"), repo, [("keep plaintext out of commits? [y/N]", "y")])
    assert code == 0, screen
    assert f"hooks    in {repo}/.git/hooks" in screen
    done(ana.vsync("hook", "status", cwd=repo))
    code, screen = on_a_terminal(ana, ("init", "dev"), repo)
    assert (code, "[y/N]" in screen) == (0, False)
    done(ana.vsync("hook", "uninstall", cwd=repo))
    code, screen = on_a_terminal(ana, ("init", "dev"), repo)
    assert (code, "[y/N]" in screen) == (0, False)


def test_a_flag_answers_for_the_hooks(ana: Home, repo: Path) -> None:
    assert "no guard is armed" not in done(ana.vsync("init", "prod", "--no-hooks", cwd=repo)).stderr
    assert ana.vsync("hook", "status", cwd=repo).returncode == 1
    told = done(ana.vsync("init", "prod", "--hooks", cwd=repo))
    assert "hooks    in " in told.stdout
    done(ana.vsync("hook", "status", cwd=repo))


def test_without_a_terminal_init_says_how_to_arm_the_guard(ana: Home, repo: Path) -> None:
    told = done(ana.vsync("init", "prod", cwd=repo)).stderr
    assert "no guard is armed here" in told
    assert "git vsync hook install, or --hooks" in told
    assert ana.vsync("hook", "status", cwd=repo).returncode == 1
    assert "no guard" not in done(ana.vsync("init", "prod", cwd=repo)).stderr


@pytest.mark.parametrize("verb", [("init", "prod"), ("init", "prod", "--hooks"), ("hook", "install")])
def test_tracked_env_files_are_listed_with_an_allowance_each(
    ana: Home, repo: Path, verb: tuple[str, ...]
) -> None:
    harmless = {"empty": "A=\nB=''\n", "reference": "A=${B}\n", "sealed": f"A=encrypted:{'x' * 40}\n"}
    track(ana, repo, **harmless, **{"it's": "A=1\n", "plain": f"A={CANARY}\n"})
    told = done(ana.vsync(*verb, cwd=repo)).stdout
    assert [line.split()[2] for line in told.splitlines() if "git tracks" in line] == [
        "it's.env,",
        "plain.env,",
    ]
    assert "git rm --cached -- plain.env, and change every secret in it" in told
    assert "git vsync hook install --allow plain.env=WHY" in told
    assert """git vsync hook install --allow 'it'"'"'s.env=WHY'""" in told


@pytest.mark.parametrize("verb", [("init", "prod"), ("init", "prod", "--hooks"), ("hook", "install")])
def test_a_flag_allows_a_tracked_env_file_which_then_passes(
    ana: Home, repo: Path, verb: tuple[str, ...]
) -> None:
    track(ana, repo, plain="A=1\n")
    words = ("--allow", "plain.env= made up = for the tests ")
    told = done(ana.vsync(*verb, *words, cwd=repo)).stdout
    assert allowed(repo) == [
        {"path": "plain.env", "rule": "env-plaintext", "reason": "made up = for the tests"}
    ]
    assert "git tracks plain.env" not in told
    assert "git add vsync.toml" in told
    before = (repo / "vsync.toml").stat()
    done(ana.vsync(*verb, *words, cwd=repo))
    after = (repo / "vsync.toml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    done(ana.vsync("hook", "install", cwd=repo))
    track(ana, repo, plain="A=2\n")  # and the hooks let it


def test_on_a_terminal_each_allowance_is_asked_for_with_its_reason(ana: Home, repo: Path) -> None:
    track(ana, repo, plain="A=1\n", real="A=1\n")
    answers = [
        *(("git tracks plain.env", "y"), ("why may everybody read it?", "made up")),
        ("git tracks real.env", "n"),
    ]
    code, screen = on_a_terminal(ana, ("hook", "install"), repo, answers)
    assert code == 0, screen
    assert [(row["path"], row["reason"]) for row in allowed(repo)] == [("plain.env", "made up")]
    assert "git rm --cached -- real.env" in screen
    assert "git rm --cached -- plain.env" not in screen


def test_an_allowance_goes_into_the_configuration_that_holds(ana: Home, repo: Path) -> None:
    (repo / "sub").mkdir()
    (repo / "sub" / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.vsync]\n')
    (repo / "sub" / ".env.test").write_text("A=1\n")
    commit(ana, repo)
    words = ("init", "prod", "--allow", "sub/.env.test=made up")
    assert "git add sub/pyproject.toml" in done(ana.vsync(*words, cwd=repo / "sub")).stdout
    tables = tomllib.loads((repo / "sub" / "pyproject.toml").read_text())["tool"]["vsync"]
    assert [row["path"] for row in tables["guard"]["allow"]] == [".env.test"]
    ana.git("add", "-A", cwd=repo)
    done(ana.vsync("guard", "--all", cwd=repo))


@pytest.mark.parametrize("word", ["plain.env", "plain.env=", "=why", "../x=why", "/x=why"])
def test_an_allowance_needs_a_path_in_the_repository_and_a_reason(ana: Home, repo: Path, word: str) -> None:
    refused(ana.vsync("init", "prod", "--allow", word, cwd=repo), 2)
    refused(ana.vsync("hook", "install", "--allow", word, cwd=repo), 2)
    refused(ana.vsync("hook", "status", "--allow", "x=y", cwd=repo), 2, "--allow says nothing to status")
    assert not (repo / "vsync.toml").exists()
    assert not (repo / ".git" / "hooks" / "pre-commit").exists()


def test_values_that_are_tracked_already_are_listed_once(ana: Home, repo: Path) -> None:
    (repo / "old.txt").write_text(f"# {CANARY}\n")
    done(ana.vsync("init", "prod", "--no-hooks", cwd=repo))
    fill(repo)
    commit(ana, repo)
    told = done(ana.vsync("hook", "install", cwd=repo)).stdout
    assert "TOKEN in old.txt:1" in told
    assert "rotate these, or list their names in [guard] public" in told
    assert "old.txt" not in done(ana.vsync("hook", "install", cwd=repo)).stdout


def test_the_classic_layout_is_for_teams_with_the_other_tool(ana: Home, repo: Path, store: str) -> None:
    done(ana.vsync("init", "prod", "--layout", "classic", "--store", store, cwd=repo))
    fill(repo)
    done(ana.vsync("push", "prod", cwd=repo))
    assert (Path(store) / "myapp/prod/latest").exists()
    refused(ana.vsync("init", "prod", "--layout", "vsync", cwd=repo), 2, "cannot be changed")
