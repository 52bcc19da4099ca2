"""git vsync export: both halves of a vault, sealed under words that are shown once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.homes import Home
from tests.s3server import SECRET, Server
from tests.teams import (
    PROD,
    SHARE_WORDS,
    add_profile,
    answer,
    binding_of,
    done,
    pushed,
    refused,
    repository,
    shared,
)
from vsync.formats.share import share_from_bytes
from vsync.sync.words import word_list

People = Callable[[str], Home]


@pytest.fixture
def ana(home: People) -> Home:
    return home("ana")


@pytest.fixture
def repo(ana: Home, tmp_path: Path) -> Path:
    return pushed(ana, str(tmp_path / "store"))


def test_a_share_is_private_and_opens_under_the_words_that_were_shown(ana: Home, repo: Path) -> None:
    told = answer(done(ana.vsync("export", "prod", "--json", cwd=repo)))
    path = repo / "myapp-prod.share"
    assert told["file"] == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert all(word in "-".join(word_list()) for word in told["passphrase"].split("-"))
    share = share_from_bytes(path.read_bytes(), told["passphrase"])
    assert (share.repo, share.env) == ("myapp", "prod")
    assert share.seen is not None
    assert share.seen["gen"] == 1
    assert ana.git("status", "--porcelain", cwd=repo) == ""


def test_the_words_are_shown_once_and_as_many_as_asked(ana: Home, repo: Path) -> None:
    text = done(ana.vsync("export", "prod", "--words", "9", cwd=repo)).stdout
    [line] = [line for line in text.splitlines() if "passphrase: " in line]
    assert line.count("-") >= 8
    assert "another way" in text
    refused(ana.vsync("export", "prod", "--words", "4", "-o", "x", cwd=repo), 2, "5 to 64 words")
    assert not (repo / "x").exists()


def test_a_passphrase_of_ones_own_is_not_shown(ana: Home, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "words").write_text(f"{SHARE_WORDS}\n")
    words = ("export", "prod", "--passphrase")
    told = done(ana.vsync(*words, f"@{tmp_path}/words", "-o", "a.share", cwd=repo))
    assert SHARE_WORDS not in told.stdout + told.stderr
    told = done(ana.vsync(*words, "-", "-o", "b.share", "--json", cwd=repo, stdin=SHARE_WORDS))
    assert SHARE_WORDS not in told.stdout + told.stderr
    for name in ("a.share", "b.share"):
        assert share_from_bytes((repo / name).read_bytes(), SHARE_WORDS).key
    refused(ana.vsync(*words, "-", "-o", "c.share", cwd=repo, stdin="too short"), 2, "20 characters")
    refused(ana.vsync(*words, SHARE_WORDS, "-o", "c.share", cwd=repo), 2, "command line")
    assert not (repo / "c.share").exists()


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_what_exists_is_never_overwritten(ana: Home, repo: Path, kind: str) -> None:
    path = repo / "myapp-prod.share"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to("vsync.toml" if kind == "link" else "nowhere")
    refused(ana.vsync("export", "prod", cwd=repo), 11, "myapp-prod.share exists", "--out")
    assert not (repo / "nowhere").exists()
    assert kind != "file" or path.read_text() == "mine"


def test_a_folder_that_is_not_there_is_no_bug(ana: Home, repo: Path) -> None:
    refused(ana.vsync("export", "prod", "-o", "no/such/x.share", cwd=repo), 11, "cannot write", "--out")


def test_an_embedded_store_is_not_shared_and_the_way_out_is_told(ana: Home) -> None:
    repo = repository(ana)
    done(ana.vsync("init", "prod", cwd=repo))
    refused(ana.vsync("export", "prod", cwd=repo), 2, "embedded store", "git vsync profile add team")
    assert list(repo.glob("*.share")) == []


def test_credentials_and_retired_keys_can_stay_at_home(ana: Home, s3_server: Server, s3_bucket: str) -> None:
    repo = repository(ana)
    done(add_profile(ana, s3_server.url, s3_bucket))
    done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
    whole = share_from_bytes(shared(ana, repo).read_bytes(), SHARE_WORDS)
    assert whole.config["s3"]["secretAccessKey"] == SECRET
    (ana.path / "given.share").unlink()
    bare = share_from_bytes(shared(ana, repo, "--no-credentials").read_bytes(), SHARE_WORDS)
    assert SECRET not in json.dumps(bare.config)
    assert bare.config["s3"]["bucket"] == s3_bucket


def test_the_binding_for_ci_holds_neither_key_nor_credentials(
    ana: Home, s3_server: Server, s3_bucket: str
) -> None:
    repo = repository(ana)
    done(add_profile(ana, s3_server.url, s3_bucket))
    done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
    printed = done(ana.vsync("export", "prod", "--binding", cwd=repo)).stdout
    document = json.loads(printed)
    assert printed.count("\n") == 1
    assert SECRET not in printed
    assert document["encryption"]["salt"] == json.loads(binding_of(ana).read_text())["encryption"]["salt"]
    told = answer(done(ana.vsync("export", "prod", "--binding", "--json", cwd=repo)))
    assert told["binding"] == document
    assert list(repo.glob("*.share")) == []


def test_a_vault_without_a_half_is_not_shared(ana: Home, repo: Path) -> None:
    (ana.config / "keys.sealed").unlink()
    refused(ana.vsync("export", "prod", cwd=repo), 12, "no key for myapp/prod")
    binding_of(ana).unlink()
    refused(ana.vsync("export", "prod", cwd=repo), 12, f"no binding for {PROD}")
    assert list(repo.glob("*.share")) == []


def test_an_export_is_in_the_audit_log(ana: Home, repo: Path) -> None:
    done(ana.vsync("export", "prod", cwd=repo))
    log = done(ana.vsync("audit", "prod", cwd=repo)).stdout
    assert "export" in log
    assert "ana@example.com" in log
