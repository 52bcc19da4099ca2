"""The library for applications (product contract §9)."""

import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import make_vectors, reference
from tests.reference import Files
from vsync import runtime
from vsync.runtime import Vault, open_vault
from vsync.runtime.errors import VSyncError
from vsync.store.folder import FolderStore
from vsync.store.interface import Store
from vsync.store.s3 import S3Location, S3Store

pytest_plugins = ["tests.s3server"]

ROOT = "myapp/prod/"
PHRASE = "runtime passphrase"
KEY_TEXT, SALT_TEXT = make_vectors.KEY_TEXT, make_vectors.SALT_TEXT
KEY = reference.derive(KEY_TEXT, SALT_TEXT)
FIRST, SECOND = "20260523-114201", "20260524-090000"
FILES: Files = {
    ".env.prod": (b"DATABASE_URL=postgres://canary\nSA_FILE=./gcp-sa.json\nEMPTY=\nBARE\n", False),
    "gcp-sa.json": (b'{"canary": 1}', False),
}
NEWER: Files = {".env.prod": (b"DATABASE_URL=postgres://newer\n", False)}
NONCE = bytes(12)


def put(store: Store, name: str, data: bytes) -> None:
    """Put an object there whatever there was, as somebody who owns the bucket can."""
    store.delete(name)
    store.create(name, io.BytesIO(data), size=len(data))


def publish(
    store: Store, files: Files = FILES, version: str = FIRST, key: bytes = KEY, **changed: Any
) -> None:
    bundle = reference.write_bundle(key, version, reference.pack("infra/vault/prod", files), NONCE)
    fields = {
        "name": "myapp/prod",
        "gen": 1,
        "prev": None,
        "sha256": hashlib.sha256(bundle).hexdigest(),
        "size": len(bundle),
        "kid": reference.key_id(key),
        "content": reference.content(key, files),
        "rotated_at": None,
        "by": None,
    }
    put(store, f"{ROOT}v={version}", bundle)
    put(store, f"{ROOT}manifest", reference.write_pointer(version, fields | changed, key))


def write_slot(store: Store, **changed: Any) -> None:
    document = {"key": KEY_TEXT, "salt": SALT_TEXT, "name": "web-1", "created_at": "now"} | changed
    put(store, f"{ROOT}slots/web-1", reference.write_slot(document, PHRASE, "s" * 24, NONCE))


def settings(**changed: Any) -> dict[str, str]:
    token = make_vectors.TOKEN | changed
    text = reference.write_token({name: value for name, value in token.items() if value is not None})
    return {"VSYNC_CONFIG": text, "VSYNC_PASSPHRASE": PHRASE}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    (tmp_path / "store").mkdir()
    found = FolderStore(tmp_path / "store")
    write_slot(found)
    publish(found)
    return found


def opened(store: Store, **words: Any) -> Vault:
    return open_vault(store=store, **({"environ": settings()} | words))


def test_a_vault_opens_with_a_token_and_a_runtime_passphrase(store: FolderStore) -> None:
    with opened(store) as vault:
        assert vault.get_env("DATABASE_URL") == "postgres://canary"
        assert vault.keys() == ("DATABASE_URL", "EMPTY", "SA_FILE")
        assert vault.files() == (".env.prod", "gcp-sa.json")
        assert (vault.generation(), vault.remote_generation(), vault.has_new_version()) == (1, 1, False)


def test_the_bucket_that_the_token_names_is_read(s3_location: S3Location) -> None:
    bucket = S3Store(s3_location)
    write_slot(bucket)
    publish(bucket)
    bucket.close()
    environ = settings(
        endpoint=s3_location.endpoint,
        region="us-east-1",
        bucket=s3_location.bucket,
        accessKeyId=s3_location.access_key_id,
        secretAccessKey=s3_location.secret_access_key,
    )
    with open_vault(environ=environ) as vault:
        assert vault.get_env("DATABASE_URL") == "postgres://canary"
        assert vault.refresh() is False


def test_a_classic_vault_opens_with_its_key_as_passphrase(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    environ = settings(slot=None, prefix="myapp/", salt=SALT_TEXT) | {"VSYNC_PASSPHRASE": KEY_TEXT}
    for version, files in ((FIRST, FILES), (SECOND, NEWER)):
        bundle = reference.write_bundle(KEY, version, reference.pack("infra/vault/prod", files), NONCE)
        names = reference.classic_names("myapp", "prod", version)
        put(store, names["bundle"], bundle)
        put(store, names["pointer"], version.encode() + b"\n")
        if version == FIRST:
            vault = opened(store, environ=environ)
    assert (vault.get_env("DATABASE_URL"), vault.generation()) == ("postgres://canary", 20260523114201)
    assert vault.has_new_version()
    assert vault.refresh()
    assert vault.get_env("DATABASE_URL") == "postgres://newer"
    # attack 12
    put(store, "myapp/prod/latest", FIRST.encode())
    with pytest.raises(runtime.BundleCorruptError, match="set back"):
        vault.refresh()


def test_a_name_is_looked_up_in_vault_environment_and_defaults(store: FolderStore) -> None:
    environ = settings() | {"DATABASE_URL": "env", "EMPTY": "env", "BARE": "env", "ONLY_ENV": "env"}
    defaults = {"ONLY_ENV": "default", "ONLY_DEFAULT": "default", "DATABASE_URL": "default"}
    vault = opened(store, environ=environ, defaults=defaults)
    found = {
        name: (vault.get_env(name), vault.env_source(name), vault.has_env(name))
        for name in ("DATABASE_URL", "EMPTY", "BARE", "ONLY_ENV", "ONLY_DEFAULT", "NOWHERE")
    }
    assert found == {
        "DATABASE_URL": ("postgres://canary", "vault", True),
        "EMPTY": ("", "vault", True),
        "BARE": ("env", "env", True),
        "ONLY_ENV": ("env", "env", True),
        "ONLY_DEFAULT": ("default", "default", True),
        "NOWHERE": (None, "missing", False),
    }


def test_content_is_a_file_or_what_a_variable_points_to_or_its_value(store: FolderStore) -> None:
    environ = settings() | {"FROM_ENV": "gcp-sa.json"}
    vault = opened(store, environ=environ)
    assert vault.get_as_content("gcp-sa.json") == b'{"canary": 1}'
    assert vault.get_as_content("SA_FILE") == b'{"canary": 1}'
    assert vault.get_as_content("DATABASE_URL") == b"postgres://canary"
    # attack 85: only the vault's own variables name files, and only files of the vault
    assert vault.get_as_content("FROM_ENV") == b"gcp-sa.json"
    with pytest.raises(KeyError):
        vault.get_as_content("NOWHERE")


def flip_pointer(store: Store) -> None:
    data = store.read(f"{ROOT}manifest", limit=9999).data
    put(store, f"{ROOT}manifest", data[:-1] + bytes([data[-1] ^ 1]))


def flip_bundle(store: Store) -> None:
    data = store.read(f"{ROOT}v={FIRST}", limit=9999).data
    put(store, f"{ROOT}v={FIRST}", data[:-1] + bytes([data[-1] ^ 1]))


def other_bundle(store: Store) -> None:
    data = reference.write_bundle(KEY, FIRST, reference.pack("v", NEWER), NONCE)
    put(store, f"{ROOT}v={FIRST}", data)


def newer_slot(store: Store) -> None:
    write_slot(store, v=2)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (flip_pointer, "BundleCorruptError"),
        (flip_bundle, "BundleCorruptError"),  # attack 76
        (other_bundle, "BundleCorruptError"),  # attack 15
        (newer_slot, "UnsupportedSpecVersionError"),
        (lambda store: write_slot(store, name="web-2"), "BundleCorruptError"),
        (lambda store: write_slot(store, key="another key, of twenty and more"), "WrongPassphraseError"),
        (lambda store: publish(store, name="myapp/dev"), "BundleCorruptError"),  # attack 3
        (lambda store: publish(store, name="../prod"), "BundleCorruptError"),
        (lambda store: publish(store, kid="ab" * 8), "BundleCorruptError"),
        (lambda store: publish(store, gen=0), "BundleCorruptError"),
        (lambda store: publish(store, v=2), "UnsupportedSpecVersionError"),
        (lambda store: publish(store, size=1), "BundleCorruptError"),
        (lambda store: publish(store, {"../x": (b"", False)}), "BundleCorruptError"),  # attack 22
        (lambda store: publish(store, key=bytes(32)), "WrongPassphraseError"),
        (lambda store: publish(store, {".env.prod": (b"A=canary\xff", False)}), "BundleCorruptError"),
        (lambda store: put(store, f"{ROOT}manifest", b"<html>"), "BundleCorruptError"),  # attack 77
        (lambda store: put(store, f"{ROOT}manifest", bytes(70_000)), "BundleCorruptError"),  # attack 11
        (lambda store: store.delete(f"{ROOT}manifest"), "ManifestNotFoundError"),
        (lambda store: store.delete(f"{ROOT}slots/web-1"), "ManifestNotFoundError"),
        (lambda store: store.delete(f"{ROOT}v={FIRST}"), "BundleCorruptError"),  # attack 18
    ],
)
def test_what_is_wrong_in_the_store_has_its_own_error_and_no_value_replaces_it(
    store: FolderStore, spoil: Callable[[Store], None], kind: str
) -> None:
    spoil(store)
    environ = settings() | {"DATABASE_URL": "from the process"}
    with pytest.raises(VSyncError) as caught:
        opened(store, environ=environ, defaults={"DATABASE_URL": "default"})
    assert type(caught.value).__name__ == kind
    assert "canary" not in str(caught.value)


def test_a_wrong_passphrase_is_one_and_is_not_shown(store: FolderStore) -> None:
    with pytest.raises(runtime.WrongPassphraseError) as caught:
        opened(store, environ=settings() | {"VSYNC_PASSPHRASE": "canary-passphrase"})
    assert "canary" not in repr(caught.value)


# attack 20
def test_the_token_alone_decides_the_layout(store: FolderStore) -> None:
    put(store, f"{ROOT}latest", FIRST.encode())
    put(store, f"{ROOT}versions/{FIRST}.enc", store.read(f"{ROOT}v={FIRST}", limit=9999).data)
    store.delete(f"{ROOT}manifest")
    with pytest.raises(runtime.ManifestNotFoundError):
        opened(store)
    publish(store)
    store.delete(f"{ROOT}latest")
    with pytest.raises(runtime.ManifestNotFoundError):
        opened(store, environ=settings(slot=None, prefix="myapp/"))


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"VSYNC_CONFIG": ""}, "ConfigMissingError"),
        ({"VSYNC_PASSPHRASE": ""}, "ConfigMissingError"),
        ({"VSYNC_PASSPHRASE": "\n"}, "ConfigMissingError"),
        ({"VSYNC_CONFIG": '{"v":1}'}, "ConfigMissingError"),
        ({"VSYNC_CONFIG": "vsync-cfg-v1:a+b"}, "ConfigUnsupportedVersionError"),
        ({"VSYNC_CONFIG": "vsync-cfg-v1:AAAA"}, "BundleCorruptError"),
        ({"VSYNC_PASSPHRASE_FILE": "/nowhere/canary"}, "ConfigMissingError"),
        ({"VSYNC_PASSPHRASE_FILE": "/dev/zero"}, "ConfigMissingError"),
        ({"VSYNC_PASSPHRASE": "canary\udcff"}, "WrongPassphraseError"),
    ],
)
def test_settings_that_are_no_settings_are_told_apart(
    store: FolderStore, changed: dict[str, str], kind: str
) -> None:
    with pytest.raises(VSyncError) as caught:
        opened(store, environ=settings() | changed)
    assert type(caught.value).__name__ == kind
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_wins_and_one_line_break_is_taken_off(store: FolderStore, tmp_path: Path, ending: str) -> None:
    environ = settings()
    config, phrase = tmp_path / "config", tmp_path / "phrase"
    config.write_bytes((environ["VSYNC_CONFIG"] + ending).encode())
    phrase.write_bytes((PHRASE + ending).encode())
    environ = {"VSYNC_CONFIG": "wrong", "VSYNC_CONFIG_FILE": str(config)} | {
        "VSYNC_PASSPHRASE": "wrong",
        "VSYNC_PASSPHRASE_FILE": str(phrase),
    }
    assert opened(store, environ=environ).has_env("DATABASE_URL")


# attack 79
def test_a_store_over_plain_http_elsewhere_is_refused() -> None:
    with pytest.raises(runtime.S3UnreachableError):
        open_vault(environ=settings(endpoint="http://s3.invalid"))


def test_refresh_takes_a_newer_version_and_says_whether_there_was_one(store: FolderStore) -> None:
    vault = opened(store)
    assert vault.refresh() is False
    publish(store, NEWER, SECOND, gen=2, prev=FIRST)
    assert (vault.remote_generation(), vault.generation(), vault.has_new_version()) == (2, 1, True)
    assert vault.get_env("DATABASE_URL") == "postgres://canary"
    assert vault.refresh() is True
    assert (vault.generation(), vault.get_env("DATABASE_URL"), vault.files()) == (
        2,
        "postgres://newer",
        (".env.prod",),
    )


def older(store: Store) -> None:
    publish(store, FILES, FIRST)


def forked(store: Store) -> None:
    publish(store, FILES, SECOND, gen=2)


def backdated(store: Store) -> None:
    publish(store, FILES, FIRST, gen=3)


def vanished(store: Store) -> None:
    store.delete(f"{ROOT}manifest")


# attacks 12 and 16
@pytest.mark.parametrize("attack", [older, forked, backdated, vanished])
def test_a_store_set_back_or_forked_is_refused_and_memory_stays(
    store: FolderStore, attack: Callable[[Store], None]
) -> None:
    publish(store, NEWER, SECOND, gen=2)
    vault = opened(store)
    attack(store)
    for ask in (vault.refresh, vault.remote_generation, vault.has_new_version):
        with pytest.raises((runtime.BundleCorruptError, runtime.ManifestNotFoundError)):
            ask()
    assert (vault.generation(), vault.get_env("DATABASE_URL")) == (2, "postgres://newer")


def test_a_generation_that_was_seen_is_a_floor_before_it_is_taken(store: FolderStore) -> None:
    vault = opened(store)
    publish(store, NEWER, SECOND, gen=2)
    assert vault.has_new_version()
    publish(store, FILES, FIRST)
    with pytest.raises(runtime.BundleCorruptError, match="set back"):
        vault.refresh()


def test_a_newer_version_that_cannot_be_read_leaves_the_old_one(store: FolderStore) -> None:
    vault = opened(store)
    publish(store, NEWER, SECOND, gen=2)
    store.delete(f"{ROOT}v={SECOND}")
    with pytest.raises(runtime.BundleCorruptError):
        vault.refresh()
    assert vault.get_env("DATABASE_URL") == "postgres://canary"
    publish(store, NEWER, SECOND, gen=2)
    assert vault.refresh()


def test_a_rotation_that_rewrites_the_slot_is_followed(store: FolderStore) -> None:
    vault = opened(store)
    new = reference.derive("the new vault key text", "a new salt, long")
    publish(store, NEWER, SECOND, new, gen=2)
    with pytest.raises(runtime.WrongPassphraseError, match="another key"):
        vault.refresh()
    write_slot(store, key="the new vault key text", salt="a new salt, long")
    assert vault.refresh()
    assert vault.get_env("DATABASE_URL") == "postgres://newer"


def test_the_env_file_is_the_conventional_the_only_or_the_named_one(tmp_path: Path) -> None:
    def values(files: dict[str, bytes], **words: Any) -> tuple[str, ...]:
        store = FolderStore(tmp_path)
        write_slot(store)
        publish(store, {name: (data, False) for name, data in files.items()})
        return opened(store, **words).keys()

    assert values({".env.prod": b"A=1", ".env": b"B=1", "x/.env.prod": b"C=1"}) == ("A",)
    assert values({".env.production": b"A=1", ".env.example": b"B=", "x/.env": b"C=1"}) == ("A",)
    assert values({".env.a": b"A=1", ".env.b": b"B=1"}, env_file=".env.b") == ("B",)
    assert values({"gcp-sa.json": b"{}"}) == ()
    for words in ({}, {"env_file": ".env.c"}):
        with pytest.raises(runtime.ConfigMissingError):
            values({".env.a": b"A=1", ".env.b": b"B=1"}, **words)


def test_a_closed_vault_forgets_everything(store: FolderStore) -> None:
    with opened(store) as vault:
        pass
    vault.close()
    for ask in (vault.keys, vault.files, vault.generation, vault.refresh, vault.remote_generation):
        with pytest.raises(VSyncError, match="closed"):
            ask()
    with pytest.raises(VSyncError, match="closed"):
        vault.get_env("DATABASE_URL")
    assert repr(vault) == "<Vault closed>"


# attack 53
def test_no_repr_shows_a_value_or_a_name(store: FolderStore) -> None:
    vault = opened(store)
    shown = repr(vault) + repr(vars(vault)["_state"])
    assert repr(vault) == f"<Vault version={FIRST} generation=1>"
    assert not [word for word in ("canary", "DATABASE_URL", PHRASE, KEY_TEXT) if word in shown]


HEAVY = {"boto3", "botocore", "click", "keyring", "git", "tomlkit", "rich", "vsync.git", "vsync.keys"}


@pytest.mark.parametrize("statement", ["import vsync.runtime", "from vsync.runtime import open_vault"])
def test_importing_is_light(statement: str) -> None:
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "vsync.runtime.vault" in done.stdout.split()
    assert not HEAVY & set(done.stdout.split())
