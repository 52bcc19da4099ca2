"""git vsync import: a share is proved, shown and agreed to; then both halves are here, or nothing."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import reference
from tests.faults import FaultProxy
from tests.faults import answer as answers
from tests.homes import Home
from tests.s3server import KEY_ID, SECRET, Server
from tests.teams import (
    PROD,
    SHARE_WORDS,
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
    shared,
    take,
    tree,
)
from vsync.formats.binding import Binding
from vsync.formats.share import Keytree, RetiredKey, Share, keytree_to_bytes, share_from_bytes, share_to_bytes
from vsync.keys.sealed_file import SealedFile
from vsync.sync.importing import carry_out, plan
from vsync.wiring import Place, open_world
from vsync.world import Actor

NOBODY = Actor("host", "", "user", None)
People = Callable[[str], Home]


@pytest.fixture
def ana(home: People) -> Home:
    return home("ana")


@pytest.fixture
def ben(home: People) -> Home:
    return home("ben")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def repo(ana: Home, store: Path) -> Path:
    return pushed(ana, str(store))


@pytest.fixture
def theirs(ben: Home, repo: Path) -> Path:
    """Return ben's clone."""
    return clone(ben, repo)


@pytest.fixture
def share(ana: Home, repo: Path) -> Path:
    return shared(ana, repo)


def altered(path: Path, **changes: Any) -> Path:
    """Write a share that differs from another in these fields of its Share."""
    share = share_from_bytes(path.read_bytes(), SHARE_WORDS)
    other = path.with_name("altered.share")
    other.write_bytes(share_to_bytes(replace(share, **changes), SHARE_WORDS))
    return other


def with_config(path: Path, **changes: Any) -> Path:
    """Write a share whose binding differs in these keys: a table is changed, None takes a key out."""
    config = dict(share_from_bytes(path.read_bytes(), SHARE_WORDS).config)
    for key, value in changes.items():
        config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    return altered(path, config={key: value for key, value in config.items() if value is not None})


def nothing_of(home: Home) -> bool:
    """Tell whether a home holds neither half of the vault, nor consent, nor memory of it."""
    kept = [path for path in (home.config / PROD.repo).glob("*") if not path.name.startswith(".lock")]
    others = ("keys.sealed", "trust.json")
    return not kept and not any((home.config / name).exists() for name in others)


def keys_of(home: Home) -> SealedFile:
    return SealedFile(home.config / "keys.sealed", lambda: home.env["VSYNC_KEYS_PASSPHRASE"])


def test_a_second_machine_gets_the_same_files_byte_for_byte(
    ana: Home, ben: Home, s3_server: Server, s3_bucket: str
) -> None:
    repo = repository(ana)
    done(add_profile(ana, s3_server.url, s3_bucket))
    done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
    vault = fill(repo)
    (vault / "big").write_bytes(os.urandom(300_000))
    (vault / "big").chmod(0o600)
    done(ana.vsync("push", cwd=repo))
    commit(ana, repo)
    theirs = clone(ben, repo)
    refused(ben.vsync("pull", cwd=theirs), 12, "no binding", "git vsync import")
    done(take(ben, theirs, shared(ana, repo)))
    assert binding_of(ben).stat().st_mode & 0o777 == 0o600
    done(ben.vsync("pull", cwd=theirs))
    assert tree(theirs / "infra/vault/prod") == tree(vault)
    done(ben.vsync("use", "prod", cwd=theirs))
    assert "import" in done(ana.vsync("audit", "prod", cwd=repo)).stdout


def test_a_share_of_an_independent_program_is_taken(ben: Home, theirs: Path, share: Path) -> None:
    given = reference.read_share(share.read_bytes(), SHARE_WORDS)
    written = reference.write_share(given, SHARE_WORDS, (bytes(range(16)), bytes(12)))
    share.write_bytes(written)
    done(take(ben, theirs, share))
    done(ben.vsync("pull", cwd=theirs))


def test_what_it_points_to_and_writes_is_shown_before_it_is_written(
    ben: Home, theirs: Path, share: Path, store: Path
) -> None:
    words = ("import", str(share), "--passphrase", "-")
    told = refused(ben.vsync(*words, cwd=theirs, stdin=SHARE_WORDS), 2, "--yes")
    for text in (str(store), "pushed last by ana@example.com", str(binding_of(ben)), "myapp/prod", "infra/"):
        assert text in told.stderr
    assert nothing_of(ben)


def test_on_a_terminal_the_passphrase_is_unseen_and_no_means_no(ben: Home, theirs: Path, share: Path) -> None:
    asked = [("passphrase", SHARE_WORDS), ("write this?", "n")]
    code, screen = on_a_terminal(ben, ("import", str(share)), theirs, asked)
    assert code == 2, screen
    assert SHARE_WORDS not in screen
    assert nothing_of(ben)
    asked[1] = ("write this?", "y")
    code, screen = on_a_terminal(ben, ("import", "prod", str(share)), theirs, asked)
    assert code == 0, screen
    done(ben.vsync("pull", cwd=theirs))


def test_a_wrong_passphrase_says_nothing_else(ben: Home, theirs: Path, share: Path) -> None:
    words = ("import", str(share), "--yes", "--passphrase")
    refused(ben.vsync(*words, "-", cwd=theirs, stdin="not the words at all"), 12, "wrong passphrase")
    refused(ben.vsync(*words, SHARE_WORDS, cwd=theirs), 2, "command line")
    refused(ben.vsync("import", str(share), "--no-input", cwd=theirs), 2, "--passphrase")
    assert nothing_of(ben)


def test_a_share_of_another_vault_is_refused(ben: Home, theirs: Path, share: Path) -> None:  # attack 43
    done(ben.vsync("init", "dev", cwd=theirs))
    words = ("import", "dev", str(share), "--passphrase", "-", "--yes")
    refused(ben.vsync(*words, cwd=theirs, stdin=SHARE_WORDS), 2, "myapp/prod", "not for myapp/dev")
    foreign = altered(share, repo="other")
    refused(take(ben, theirs, foreign), 2, "other/prod", "no mapping")
    assert not binding_of(ben).exists()


def test_files_of_another_kind_are_sent_to_the_right_verb(ben: Home, theirs: Path, share: Path) -> None:
    tree_file, bundle = share.with_name("x.keytree"), share.with_name("x.bin")  # attack 45
    entry = Share("myapp", "prod", {}, "k" * 44)
    tree_file.write_bytes(keytree_to_bytes(Keytree("2026-01-01T00:00:00Z", (entry,)), SHARE_WORDS))
    refused(take(ben, theirs, tree_file), 2, "keytree", "git vsync keystore import")
    bundle.write_bytes(b"RQE1" + bytes(100))
    refused(take(ben, theirs, bundle), 13, "bundle or a backup", "git vsync pull")
    bundle.write_bytes(b"SLS9" + bytes(100))
    refused(take(ben, theirs, bundle), 13, "newer vsync")
    bundle.write_bytes(b"")
    refused(take(ben, theirs, bundle), 13)
    refused(take(ben, theirs, share.with_name("none")), 10, "cannot read")
    refused(ben.vsync("import", cwd=theirs), 2, "import takes one file")


HOSTILE: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"store": None, "s3": {"endpoint": "http://evil.example", "bucket": "bucket"}}, 14, "http"),
    ({"files": {"vaultFolder": "../.."}}, 13, "outside the repository"),
    ({"files": {"vaultFolder": "/etc"}}, 13, "outside the repository"),
    ({"prefix": "../x/"}, 13, "prefix"),
    ({"prefix": "a/\x1b[2J/"}, 13, "prefix"),
    ({"layout": "other"}, 13, "layout"),
    ({"encryption": {"salt": "short"}}, 12, "salt"),
    ({"store": "ftp://x/y"}, 2, "store's URL"),
)


def test_a_hostile_binding_is_refused(ben: Home, theirs: Path, share: Path) -> None:  # attack 44
    for changes, code, text in HOSTILE:
        told = refused(take(ben, theirs, with_config(share, **changes)), code, text)
        assert "\x1b" not in told.stderr
        assert nothing_of(ben)


def test_keys_that_the_share_adds_are_kept_and_its_texts_shown_harmless(
    ben: Home, theirs: Path, share: Path, store: Path
) -> None:  # attacks 44, 92
    odd = store.with_name("sto\u202ere")
    store.rename(odd)
    told = done(take(ben, theirs, with_config(share, store=f"file://{odd}", theirs={"a": 1})))
    assert "\u202e" not in told.stderr
    assert "sto\\u202ere" in told.stderr
    assert json.loads(binding_of(ben).read_text())["theirs"] == {"a": 1}


def test_a_fault_at_any_write_leaves_everything_as_it_was(
    ana: Home, repo: Path, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # attack 46
    for name, value in ana.env.items():
        monkeypatch.setenv(name, value)
    before = (binding_of(ana).read_bytes(), (ana.config / "trust.json").read_bytes())
    other = new_half(ana, repo, share)
    key, step, finished, replace_file = keys_of(ana).get("myapp/prod"), 0, False, os.replace
    while not finished:
        left = [step]

        def fail(*paths: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(28, "No space left on device")
            replace_file(*paths)

        world = replace(open_world(Place(repo, no_input=True)), make_actor=lambda: NOBODY)
        given = share_from_bytes(other.read_bytes(), SHARE_WORDS)
        planned = plan(world, world.config.mappings[0], given, Binding.from_json(given.config), check=True)
        monkeypatch.setattr(os, "replace", fail)
        with suppress(Exception):
            carry_out(world, planned)
            finished = True
        monkeypatch.setattr(os, "replace", replace_file)
        if not finished:
            assert (binding_of(ana).read_bytes(), (ana.config / "trust.json").read_bytes()) == before
            assert keys_of(ana).get("myapp/prod") == key
        step += 1
    assert step > 3
    assert keys_of(ana).get("myapp/prod") != key


def new_half(ana: Home, repo: Path, share: Path) -> Path:
    """Push the vault anew under another key, as a rotation on another machine does, and share that."""
    twin = replace(ana, path=ana.path.parent / "twin")
    twin.config.mkdir(parents=True)
    (twin.config / "config.toml").write_bytes((ana.config / "config.toml").read_bytes())
    (twin.config / "config.toml").chmod(0o600)
    (twin.path / ".gitconfig").write_bytes((ana.path / ".gitconfig").read_bytes())
    made = share_from_bytes(share.read_bytes(), SHARE_WORDS)
    binding = dict(made.config)
    binding["encryption"] = {"salt": "another-salt-of-24-chars"}
    binding_of(twin).parent.mkdir(mode=0o700)
    descriptor = os.open(binding_of(twin), os.O_WRONLY | os.O_CREAT, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(binding, file)
    keys_of(twin).set("myapp/prod", "another key text of forty-four characters!!!")
    store = Path(binding["store"].removeprefix("file://"))
    for name in ("manifest", "audit.csv"):
        (store / "myapp/prod" / name).unlink()
    other = twin.path / "work"
    twin.git("clone", "-q", str(repo), str(other), cwd=twin.path)
    (other / "vsync.lock").unlink()
    fill(other)
    for text in ("once\n", "twice\n"):
        (other / "infra/vault/prod/after").write_text(text)
        done(twin.vsync("push", cwd=other))
    return shared(twin, other)


def test_another_key_is_taken_if_it_opens_the_pointer_and_the_old_one_retired(
    ana: Home, repo: Path, share: Path, store: Path
) -> None:
    [first] = [path.name for path in (store / "myapp/prod").glob("v=*")]
    before = keys_of(ana).get("myapp/prod")
    told = answer(done(take(ana, repo, new_half(ana, repo, share), "--json")))
    [retired] = json.loads(binding_of(ana).read_text())["encryption"]["retired"]
    assert keys_of(ana).get(f"myapp/prod#{retired['kid']}") == before
    assert told["key_id"] != retired["kid"]
    done(ana.vsync("pull", "--backup", cwd=repo))
    assert (repo / "infra/vault/prod/after").exists()
    done(ana.vsync("pull", "--at", first.removeprefix("v="), cwd=repo))
    assert not (repo / "infra/vault/prod/after").exists()


def test_another_key_that_opens_nothing_is_not_taken(
    ana: Home, ben: Home, repo: Path, theirs: Path, share: Path
) -> None:
    bad = altered(share, key="a key text that opens nothing at all, anywhere")
    refused(take(ben, theirs, bad), 12)
    assert nothing_of(ben)
    before = (binding_of(ana).read_bytes(), keys_of(ana).get("myapp/prod"))
    for words in ((), ("--no-check",)):
        refused(take(ana, repo, bad, *words), 12)
    assert (binding_of(ana).read_bytes(), keys_of(ana).get("myapp/prod")) == before


def test_a_key_whose_binding_was_lost_is_not_thrown_away(ana: Home, repo: Path, share: Path) -> None:
    before = keys_of(ana).get("myapp/prod")
    other = new_half(ana, repo, share)
    binding_of(ana).unlink()
    (ana.config / "myapp/seen_prod.json").unlink()
    done(take(ana, repo, other))
    [retired] = json.loads(binding_of(ana).read_text())["encryption"]["retired"]
    assert keys_of(ana).get(f"myapp/prod#{retired['kid']}") == before


def test_a_retired_key_under_a_false_name_is_refused(ben: Home, theirs: Path, share: Path) -> None:
    false = RetiredKey("0" * 16, "salt-of-twenty-four-char", "a key text with more than twenty characters")
    refused(take(ben, theirs, altered(share, retired=(false,))), 13, "retired key")
    assert nothing_of(ben)


def test_current_only_leaves_the_past_closed(ana: Home, ben: Home, repo: Path, share: Path) -> None:
    done(take(ana, repo, new_half(ana, repo, share)))
    share.unlink()
    whole = share_from_bytes(shared(ana, repo).read_bytes(), SHARE_WORDS)
    assert len(whole.retired) == 1
    share.unlink()
    theirs = clone(ben, repo)
    done(take(ben, theirs, shared(ana, repo, "--current-only")))
    assert "retired" not in json.loads(binding_of(ben).read_text())["encryption"]
    done(ben.vsync("pull", cwd=theirs))


def test_a_store_below_the_senders_floor_is_not_believed(
    ana: Home, ben: Home, repo: Path, theirs: Path, store: Path
) -> None:  # attack 43
    manifest = store / "myapp/prod/manifest"
    old = manifest.read_bytes()
    (repo / "infra/vault/prod/more").write_text("1\n")
    done(ana.vsync("push", cwd=repo))
    share = shared(ana, repo)
    manifest.write_bytes(old)
    refused(take(ben, theirs, share), 13, "older than what the sender")
    assert nothing_of(ben)
    share.unlink()


def test_a_share_of_before_what_this_machine_saw_is_refused(ana: Home, repo: Path, store: Path) -> None:
    share, manifest = shared(ana, repo), store / "myapp/prod/manifest"  # attack 43
    old = manifest.read_bytes()
    (repo / "infra/vault/prod/more").write_text("1\n")
    done(ana.vsync("push", cwd=repo))
    manifest.write_bytes(old)
    refused(take(ana, repo, share), 13, "older than what this machine saw")


def test_offline_the_store_is_not_looked_at(ben: Home, theirs: Path, share: Path, store: Path) -> None:
    store.rename(store.with_name("away"))
    assert take(ben, theirs, share).returncode in {10, 13, 14}
    assert nothing_of(ben)
    told = done(take(ben, theirs, share, "--no-check"))
    assert "not looked at" in told.stderr
    shutil.rmtree(store, ignore_errors=True)
    store.with_name("away").rename(store)
    done(ben.vsync("pull", cwd=theirs))


def test_credentials_come_from_a_profile_or_the_machines_own_chain(
    ana: Home, ben: Home, s3_server: Server, s3_bucket: str
) -> None:
    repo = repository(ana)
    done(add_profile(ana, s3_server.url, s3_bucket))
    done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
    fill(repo)
    done(ana.vsync("push", cwd=repo))
    commit(ana, repo)
    share, theirs = shared(ana, repo, "--no-credentials"), clone(ben, repo)
    refused(take(ben, theirs, share), 14, "credentials")
    assert nothing_of(ben)
    done(add_profile(ben, s3_server.url, "another-bucket", name="mine"))
    done(take(ben, theirs, share, "--profile", "mine"))
    binding = json.loads(binding_of(ben).read_text())["s3"]
    assert (binding["bucket"], binding["secretAccessKey"]) == (s3_bucket, SECRET)
    done(ben.vsync("pull", cwd=theirs))
    chain = ben.path / ".aws" / "credentials"
    chain.parent.mkdir()
    chain.write_text(f"[default]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n")
    done(take(ben, theirs, share))
    assert "secretAccessKey" not in json.loads(binding_of(ben).read_text())["s3"]
    done(ben.vsync("pull", cwd=theirs))


def test_a_profile_is_no_use_for_a_store_that_is_a_folder(ben: Home, theirs: Path, share: Path) -> None:
    done(add_profile(ben, "http://127.0.0.1:9", "secrets", name="mine"))
    refused(take(ben, theirs, share, "--profile", "mine"), 2, "takes no S3 keys")


def test_ci_pulls_with_a_binding_and_a_key_in_variables(
    ana: Home, ben: Home, s3_server: Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = repository(ana)
    done(add_profile(ana, s3_server.url, s3_bucket))
    done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
    vault = fill(repo)
    done(ana.vsync("push", cwd=repo))
    commit(ana, repo)
    theirs, key = clone(ben, repo), keys_of(ana).get("myapp/prod") or ""
    binding = done(ana.vsync("export", "--binding", cwd=repo)).stdout
    runner = {"CI": "true", "VSYNC_BINDING": binding, "VSYNC_KEY": key}
    runner |= {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    environ = {**ben.env, **runner}
    monkeypatch.setattr(Home, "env", property(lambda self: environ))
    told = done(ben.vsync("pull", cwd=theirs))
    assert key not in told.stdout + told.stderr
    assert tree(theirs / "infra/vault/prod") == tree(vault)


def test_an_audit_log_that_cannot_be_written_does_not_undo_an_import(
    ana: Home, ben: Home, s3_server: Server, s3_bucket: str
) -> None:
    with FaultProxy(s3_server.url) as proxy:
        repo = repository(ana)
        done(add_profile(ana, proxy.url, s3_bucket))
        done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
        fill(repo)
        done(ana.vsync("push", cwd=repo))
        commit(ana, repo)
        share, theirs = shared(ana, repo), clone(ben, repo)
        proxy.on(answers(403, "AccessDenied"), method="PUT", times=None)
        assert "no audit row" in done(take(ben, theirs, share)).stderr
        done(ben.vsync("pull", cwd=theirs))
