"""Every configuration that concerns a look counts: of index and work tree, of commits and their ends."""

import os
import sys
from pathlib import Path

import pytest

from tests.guard.repositories import ROOT, VSYNC_TOML, Repository
from vsync.git import Repository as Checkout
from vsync.hooks import install

OTHER = VSYNC_TOML.replace("infra/vault/prod", "elsewhere")
NO_VAULT = '[vault]\nprovider = "file"\n'
ENV = "API_KEY=hunter2hunter2\n"


def rules_of(repository: Repository, *words: str) -> list[str]:
    return [row[2] for row in repository.found(*words)]


def link(repository: Repository, path: str, target: str) -> None:
    repository.git("rm", "-q", "-f", "--ignore-unmatch", path)
    (repository.top / path).parent.mkdir(parents=True, exist_ok=True)
    os.symlink(target, repository.top / path)
    repository.git("add", "-f", path)


def blob(repository: Repository, content: str) -> str:
    return repository.git("hash-object", "-w", "--stdin", stdin=content.encode()).decode().strip()


class Server:
    """A bare repository with the pre-receive of ours."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "remote.git", "--bare")
        hook = self.repository.top / "hooks" / "pre-receive"
        hook.write_bytes((ROOT / "hooks" / "pre-receive").read_bytes())
        hook.chmod(0o755)
        program = folder / "bin" / "vsync-guard"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {ROOT}/vsync/guard/__main__.py "$@"\n')
        program.chmod(0o755)
        self.path = f"{program.parent}:{os.environ['PATH']}"

    def refuses(self, source: Repository, *refs: str) -> bytes:
        """Push, and return why the guard refused; empty when it took everything."""
        done = source.try_git("push", "-q", "--no-verify", str(self.repository.top), *refs, PATH=self.path)
        assert (done.returncode != 0) == (b"vsync: " in done.stderr), done.stderr
        return done.stderr if done.returncode else b""


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.parametrize("name", ["vsync.toml", "a/vsync.toml"])
def test_a_configuration_that_is_a_link_is_read_where_it_leads(repository: Repository, name: str) -> None:
    # attack 71
    repository.stage("conf/real.toml", VSYNC_TOML)
    link(repository, name, os.path.relpath("conf/real.toml", os.path.dirname(name) or "."))
    below = f"{os.path.dirname(name)}/" if "/" in name else ""
    repository.stage(f"{below}infra/vault/prod/gcp.json", "{}")
    repository.stage("conf/infra/vault/prod/gcp.json", "{}")
    assert rules_of(repository) == ["vault-path", "vault-path"]
    repository.stage("conf/real.toml", OTHER)
    repository.stage(f"{below}elsewhere/gcp.json", "{}")
    assert (f"{below}elsewhere/gcp.json", None, "vault-path", None) in repository.found()
    repository.commit()
    assert "vault-path" in rules_of(repository, "--range", "HEAD")


@pytest.mark.parametrize("target", ["gone.toml", "/etc/hostname", "../outside.toml", "vsync.toml"])
def test_a_configuration_that_leads_to_no_file_in_git_is_an_error(
    repository: Repository, target: str
) -> None:
    # attack 71
    link(repository, "vsync.toml", target)
    done = repository.guard()
    assert (done.returncode, done.stdout) == (2, "")
    assert "vsync.toml is a link that leads to no file in git" in done.stderr


def test_a_submodule_in_place_of_a_configuration_is_an_error(mapped: Repository) -> None:
    commit = mapped.git("rev-parse", "HEAD").decode().strip()
    mapped.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub/vsync.toml")
    assert mapped.guard().returncode == 2


def test_a_link_that_git_does_not_track_is_followed_inside_the_work_tree_only(
    repository: Repository, tmp_path: Path
) -> None:
    # attack 71
    repository.write("real.toml", VSYNC_TOML)
    os.symlink("real.toml", repository.top / "vsync.toml")
    repository.stage("infra/vault/prod/gcp.json", "{}")
    assert rules_of(repository) == ["vault-path"]
    (tmp_path / "outside.toml").write_text(VSYNC_TOML)
    (repository.top / "vsync.toml").unlink()
    os.symlink(tmp_path / "outside.toml", repository.top / "vsync.toml")
    assert repository.guard().returncode == 2


@pytest.mark.parametrize("kind", ["blob", "annotated", "tree"])
def test_a_tag_that_holds_no_commit_is_looked_at(mapped: Repository, server: Server, kind: str) -> None:
    # attack 64
    target = blob(mapped, ENV)
    if kind == "tree":
        target = mapped.git("mktree", stdin=f"100644 blob {target}\t.env.prod\n".encode()).decode().strip()
    mapped.git("tag", *(["-m", "x", "-a"] if kind == "annotated" else []), "t1", target)
    assert b"API_KEY" in server.refuses(mapped, "t1")
    assert rules_of(mapped, "--history") == ["env-plaintext"]
    install(Checkout.find(mapped.top))
    remote = Repository(server.repository.top.parent / "other.git", "--bare")
    assert b"API_KEY" in mapped.try_git("push", str(remote.top), "t1").stderr


def test_a_tag_on_a_text_that_is_no_env_file_passes(mapped: Repository, server: Server) -> None:
    text = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBFZz0+sBCADc1a5Hs1YyCu/Zr1rYPqGf3vHq8a==\n=abcd\n"
    mapped.git("tag", "key", blob(mapped, text))
    assert server.refuses(mapped, "key") == b""


def test_what_is_pushed_together_is_judged_by_all_of_it(mapped: Repository, server: Server) -> None:
    # attack 64
    mapped.stage("infra/vault/prod/gcp.json", "{}")
    mapped.commit()
    mapped.git("checkout", "-q", "--orphan", "zz")
    mapped.git("rm", "-q", "-rf", ".")
    mapped.stage("readme", "x\n")
    mapped.commit()
    assert b"vault-path" in server.refuses(mapped, "main")
    assert b"vault-path" in server.refuses(mapped, "main", "zz")


def test_a_vault_that_a_later_commit_gives_up_is_one_until_then(mapped: Repository, server: Server) -> None:
    # attack 64
    mapped.stage("infra/vault/prod/gcp.json", "{}")
    mapped.commit()
    mapped.git("rm", "-q", "-f", "infra/vault/prod/gcp.json")
    mapped.stage("vsync.toml", NO_VAULT)
    mapped.commit()
    assert b"vault-path" in server.refuses(mapped, "main")


def test_a_vault_of_the_branch_that_is_replaced_or_of_the_servers_own_counts(
    mapped: Repository, server: Server
) -> None:
    # attack 64
    assert server.refuses(mapped, "main", "main:other") == b""
    mapped.git("rm", "-q", "vsync.toml")
    mapped.stage("infra/vault/prod/gcp.json", "{}")
    mapped.commit()
    assert b"vault-path" in server.refuses(mapped, "main:other")
    mapped.git("checkout", "-q", "--orphan", "new")
    mapped.commit()
    assert b"vault-path" in server.refuses(mapped, "new")


def test_a_broken_configuration_can_be_repaired_by_a_push(mapped: Repository, server: Server) -> None:
    mapped.stage("vsync.toml", "[broken")
    mapped.commit()
    assert b"vsync.toml: is not valid TOML" in server.refuses(mapped, "main")
    mapped.stage("vsync.toml", VSYNC_TOML)
    mapped.commit()
    assert server.refuses(mapped, "main") == b""


def test_a_range_is_judged_by_what_it_ends_with(mapped: Repository) -> None:
    # attack 64
    mapped.git("checkout", "-q", "-b", "side")
    mapped.stage("vsync.toml", OTHER)
    mapped.stage("elsewhere/gcp.json", "{}")
    mapped.commit()
    mapped.git("checkout", "-q", "main")
    assert rules_of(mapped, "--range", "main..side") == ["vault-path"]
    mapped.git("checkout", "-q", "side")
    mapped.stage("elsewhere/more.json", "{}")
    mapped.commit()
    mapped.git("checkout", "-q", "main")
    assert rules_of(mapped, "--range", "side~1..side") == ["vault-path"]
    assert rules_of(mapped, "--range", "side") == ["vault-path", "vault-path"]
    install(Checkout.find(mapped.top))
    remote = Repository(mapped.top.parent / "other.git", "--bare")
    assert b"vault-path" in mapped.try_git("push", str(remote.top), "side").stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("diff.relative", "true"),
        ("diff.orderFile", ".git/description"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.renames", "copies"),
        ("diff.renameLimit", "1"),
        ("diff.external", "false"),
        ("core.quotePath", "true"),
        ("log.showSignature", "true"),
        ("log.showRoot", "false"),
        ("log.follow", "true"),
        ("log.diffMerges", "off"),
        ("log.excludeDecoration", "*"),
        ("format.pretty", "oneline"),
    ],
)
def test_no_setting_hides_a_file(mapped: Repository, name: str, value: str) -> None:
    mapped.git("config", name, value)
    mapped.stage("sub/a", "x")
    mapped.stage("ä/leak.env", ENV)
    sub = mapped.top / "sub"
    assert mapped.guard(cwd=sub).returncode == 1
    mapped.commit()
    for words in (("--range", "HEAD~1..HEAD"), ("--range", "HEAD"), ("--history",), ("--all",)):
        assert mapped.guard(*words, cwd=sub).returncode == 1, words


def test_a_vault_counts_before_its_configuration_is_staged(mapped: Repository) -> None:
    mapped.stage("a.txt", "x")
    assert mapped.found() == []
    mapped.write("vsync.toml", VSYNC_TOML + OTHER.partition("\n\n")[2])
    mapped.stage("elsewhere/gcp.json", "{}")
    assert rules_of(mapped) == ["vault-path"]
    mapped.stage("infra/vault/prod/gcp.json", "{}")
    assert rules_of(mapped) == ["vault-path", "vault-path"]


def test_an_allowance_counts_only_once_it_is_staged(mapped: Repository) -> None:
    mapped.stage("leak.env", ENV)
    allowed = (
        VSYNC_TOML + '\n[[guard.allow]]\npath = "leak.env"\nrule = "env-plaintext"\nreason = "made up"\n'
    )
    mapped.write("vsync.toml", allowed)
    assert rules_of(mapped) == ["env-plaintext"]
    mapped.git("add", "vsync.toml")
    assert mapped.found() == []


def test_a_configuration_that_is_half_written_in_the_work_tree_stops_nobody(mapped: Repository) -> None:
    mapped.write("vsync.toml", "[half")
    mapped.stage("a.txt", "x")
    assert mapped.found() == []


@pytest.mark.parametrize("words", [("rm", "-q", "--cached", "vsync.toml"), ("mv", "vsync.toml", "old.toml")])
def test_a_commit_that_takes_the_configuration_away_is_judged_by_it(
    mapped: Repository, words: tuple[str, ...]
) -> None:
    mapped.git(*words)
    (mapped.top / "vsync.toml").unlink(missing_ok=True)
    mapped.stage("infra/vault/prod/x.json", "{}")
    assert rules_of(mapped) == ["vault-path"]
    assert mapped.guard("--hook", "pre-commit").returncode == 1
    assert rules_of(mapped, "infra") == ["vault-path"]
    mapped.commit()
    assert rules_of(mapped, "--range", "HEAD~1..HEAD") == ["vault-path"]


def test_a_broken_configuration_can_be_repaired_by_a_commit(mapped: Repository) -> None:
    mapped.stage("vsync.toml", "[broken")
    mapped.commit()
    mapped.stage("vsync.toml", VSYNC_TOML)
    assert mapped.found() == []


def test_an_empty_repository_on_a_server_has_no_history(tmp_path: Path) -> None:
    bare = Repository(tmp_path / "bare.git", "--bare")
    done = bare.guard("--history")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing was scanned" in done.stdout
