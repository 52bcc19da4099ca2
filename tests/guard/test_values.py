"""Values of this repository's vaults are found wherever they turn up, and nothing else is."""

import base64
import json
import os
import random
import re
import struct
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.guard.repositories import VSYNC_TOML, Repository
from vsync.guard.blobs import PIECE
from vsync.guard.choosing import made_of
from vsync.guard.escapes import readings
from vsync.guard.public import is_public
from vsync.guard.spellings import spellings
from vsync.guard.values import Values

SECRET = "pa/ss wörd+42%"
VALUES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\r\0"),
    min_size=8,
    max_size=40,
)
NOISE = st.binary(max_size=200)


def index_of(*values: str) -> Values:
    needles = {one: ("vault", value) for value in values for one in spellings(value)}
    return Values(made_of(needles), b"")


def names(index: Values, data: bytes) -> set[str]:
    return {owner[1] for _, owner in index.places(data)}


@settings(deadline=None)
@given(VALUES, st.lists(VALUES, max_size=5), NOISE, NOISE)
def test_a_value_is_found_in_anything_at_any_offset(
    value: str, others: list[str], before: bytes, after: bytes
) -> None:
    index = index_of(value, *others)
    plain = value.encode()
    quoted = urllib.parse.quote(value)
    for spelled in (
        plain,
        base64.b64encode(before + plain + after),
        base64.urlsafe_b64encode(before + plain + after),
        json.dumps({"a": value}).encode(),
        json.dumps({"a": value}, ensure_ascii=False).encode(),
        quoted.encode(),
        urllib.parse.quote(value, safe="").encode(),
        urllib.parse.urlencode({"a": value}).encode(),
        value.encode("utf-16-le"),
        value.encode("utf-16-be"),
    ):
        assert index.places(before + spelled + after), spelled


@settings(deadline=None)
@given(VALUES, st.randoms(use_true_random=False), NOISE)
def test_any_mixture_of_escapes_is_undone(value: str, chance: random.Random, noise: bytes) -> None:
    value = value.replace("\n", "_")  # line ends stay as they are
    url = "".join(
        "".join(f"%{byte:02{chance.choice('xX')}}" for byte in char.encode())
        if char in "%+" or chance.random() < 0.5
        else char
        for char in value
    )
    escaped = "".join(
        "".join(f"\\u{unit:04{chance.choice('xX')}}" for unit in struct.unpack(f"<{len(wide) // 2}H", wide))
        if char in '\\"' or chance.random() < 0.5
        else char
        for char in value
        for wide in (char.encode("utf-16-le"),)
    )
    index = index_of(value)
    noise = noise.replace(b"\\", b"").replace(b"%", b"")
    for spelled in (url.encode(), escaped.encode()):
        assert any(index.places(one) for one in readings(noise + spelled + noise)), spelled


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=30), NOISE)
def test_what_is_found_really_stands_there(values: list[str], noise: bytes) -> None:
    index = index_of(*values)
    for data in (noise, b"".join(value.encode()[:-1] + b"\0" for value in values)):
        every = {one for value in values for one in spellings(value)}
        expected = {found.start() for one in every for found in re.finditer(b"(?=%s)" % re.escape(one), data)}
        reported = {position for position, _ in index.places(data)}
        assert reported <= expected
        assert {data.count(b"\n", 0, at) for at in reported} == {data.count(b"\n", 0, at) for at in expected}


def test_many_hits_are_compared_as_carefully_as_few() -> None:
    chance = random.Random(3)
    values = ["".join(chance.choices("abcdefgh", k=8 + number % 9)) for number in range(400)]
    index = index_of(*values)
    text = "".join(chance.choices("abcdefgh", k=30_000)).encode()
    text += b"".join(value.encode() for value in values[::7]) + text
    expected = {value for value in values if value.encode() in text}
    assert len(expected) >= 58
    assert expected <= names(index, text)
    assert {
        value for value in names(index, text) if not any(one in text for one in spellings(value))
    } == set()


@pytest.mark.parametrize(
    "value",
    [
        *("short12", "true", "disabled", "42", "12345678901", "-1.5", "db.internal:5432"),
        *("localhost:8080", "db-1.c9akciq32.eu-central-1.rds.amazonaws.com", "https://example.com/a/b"),
        *("redis://cache:6379/0", "eu-central-1", "europe-west1-b", "westeurope", "us-gov-west-1"),
        *("production", "postgres", "frontend", "postgres:5432", "Europe/Berlin"),
        *("America/New_York", "Etc/GMT+12"),
        *("2023-10-16", "2024-02-15-preview", "2024-01-31T12:00:00Z", "en_US.UTF-8", "/usr/local/bin"),
        *(
            "/usr/local/bin:/usr/bin:/bin",
            "/var/lib/postgresql/data",
            "web-01.example.com",
            "service_account",
        ),
        *("${DATABASE_URL}", "encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt", "10.0.0.1:80"),
    ],
)
def test_what_is_plainly_public_is_no_value(value: str) -> None:
    assert is_public(value)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "hunter2hunter2",
            "123456789012",
            "password",
            "postgres://user:pw@db/x",
            "https://a.example/?token=abc",
        ),
        "https://hooks.example.com/services/T00000000/B00000000/" + "XyZ" * 8,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N",
        "${DATABASE_URL:-x}/y",
        "${DATABASE_URL:-hunter2hunter2}",
        "${SCHEME}://admin:S3cretPassw0rdX@${HOST}",
        "AKIAIOSFODNN7EXAMPLE",
        *("x7k2m9q4p3z8.w1v6r5t4y3u2.abcdefgh", "x7k2m9q4p3z8.com", "hunter.password", "Production1"),
        *("x://hunter2hunter2", "https://example.com/hooks/a8b7c6d5e4f3", "/usr/k3J9x2Lq", "/hunterhunter"),
        *("production-db-pass", "Europe/berlin1", "2023-13-45", "/usr/local/a8b7c6d5e4f3", "postgres:secret"),
        "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6.x",
    ],
)
def test_anything_else_of_eight_characters_is_a_value(value: str) -> None:
    assert not is_public(value)


@pytest.fixture
def vault(mapped: Repository) -> Repository:
    mapped.write(".gitignore", "/infra/vault/prod\n")
    mapped.write("infra/vault/prod/.env.prod", f'DEBUG=true\nPASSWORD="{SECRET}"\nTOKEN=tok_0123456789\n')
    return mapped


def hits(repository: Repository) -> set[tuple[str, str | None]]:
    return {(row[0], row[3]) for row in repository.found() if row[2] == "vault-value"}


def test_a_value_is_found_in_any_staged_file_and_named_not_shown(vault: Repository) -> None:
    # attack 65, attack 68
    vault.stage("src/app.py", f"a = 1\nconnect(password='{SECRET}')\n")
    vault.stage("image.bin", b"\x00\xff" * 999 + b"tok_0123456789" + bytes(5000))
    vault.stage("env.txt", "DEBUG=true\nTOKEN=tok_012345678\n")
    assert vault.found() == [
        ("image.bin", 1, "vault-value", "TOKEN"),
        ("src/app.py", 2, "vault-value", "PASSWORD"),
    ]
    said = vault.guard()
    assert SECRET not in said.stdout + said.stderr
    assert (
        "src/app.py:2: vault-value: a value of a vault of this repository: PASSWORD of infra/vault/prod"
        in said.stdout
    )


@pytest.mark.parametrize(
    "spelled",
    [
        base64.b64encode(b"user:" + SECRET.encode()),
        json.dumps(SECRET).encode(),
        urllib.parse.quote(SECRET, safe="").lower().encode(),
        "".join(f"%{byte:02x}" for byte in SECRET.encode()).encode(),
        b"pa/ss+w%c3%b6rd%2B42%25",
        b"pa/ss%20w%C3%B6rd+42%25",
        "".join(f"\\u{ord(char):04X}" for char in SECRET).encode(),
        rb"pa\/ss w\u00F6rd\u002b42%",
        base64.b64encode(f"x{SECRET}".encode("utf-16-le")),
        f"a\r\n{SECRET}\r\n".encode("utf-16"),
        f"a\n{SECRET}\n".encode("utf-16-le"),
    ],
)
def test_encoded_values_are_found(vault: Repository, spelled: bytes) -> None:
    # attack 66
    vault.stage("config.txt", spelled)
    assert hits(vault) == {("config.txt", "PASSWORD")}


def test_values_of_several_lines_are_found_across_line_ends_and_by_line(vault: Repository) -> None:
    # attack 66
    body = [base64.b64encode(os.urandom(48)).decode() for _ in range(3)]
    vault.write("infra/vault/prod/tls.key", "\n".join(body))
    vault.write("infra/vault/prod/.env.prod", 'WORDS="one two\nthree"\n')
    vault.stage("a.txt", "\r\n".join(body).encode())
    vault.stage("b.txt", f"x {body[1]} y")
    vault.stage("c.txt", b"one two\r\nthree")
    assert hits(vault) == {("a.txt", "tls.key"), ("b.txt", "tls.key"), ("c.txt", "WORDS")}


def test_binary_files_and_json_of_a_vault_are_found(vault: Repository) -> None:
    keystore = os.urandom(5000)
    vault.write("infra/vault/prod/store.p12", keystore)
    secret = "0123456789abcdef-leaf"
    vault.write("infra/vault/prod/sa.json", json.dumps({"type": "service_account", "a": [{"k": secret}]}))
    vault.stage("copy.bin", keystore)
    vault.stage("notes.md", f"use {secret}, a service_account")
    assert hits(vault) == {("copy.bin", "store.p12"), ("notes.md", "sa.json")}


def test_a_value_that_was_typed_a_minute_ago_counts(vault: Repository) -> None:
    vault.stage("a.txt", "brand-new-value")
    assert hits(vault) == set()
    vault.write("infra/vault/prod/.env.prod", "NEW=brand-new-value\n")
    assert hits(vault) == {("a.txt", "NEW")}
    vault.write("infra/vault/prod/.env.prod", "NEW=other-new-value\n")
    assert hits(vault) == set()


def test_a_vault_that_is_not_here_still_counts(vault: Repository, tmp_path: Path) -> None:
    # attack 68
    vault.stage("a.txt", SECRET)
    assert hits(vault)
    os.rename(vault.top / "infra", tmp_path / "infra")
    assert hits(vault) == {("a.txt", "PASSWORD")}
    vault.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Repository(tmp_path / "linked")
    linked.stage("b.txt", "tok_0123456789")
    assert hits(linked) == {("b.txt", "TOKEN")}


def test_what_is_kept_holds_no_value_and_opens_only_with_the_key(vault: Repository, empty_home: Path) -> None:
    # attack 61
    vault.stage("a.txt", SECRET)
    assert hits(vault)
    kept = vault.top / ".git" / "vsync"
    for path in kept.iterdir():
        data = path.read_bytes()
        assert (
            not any(one in data for one in [*spellings(SECRET), b"PASSWORD", b"tok_0123"])
            or "rules" in path.name
        )
        assert path.stat().st_mode & 0o777 == 0o600
    key = empty_home / ".config" / "vsync" / "local_key"
    assert (len(key.read_bytes()), key.stat().st_mode & 0o777) == (32, 0o600)
    for path in kept.glob("guard-values-*"):
        path.write_bytes(b"VGI1" + bytes(100))
    assert hits(vault) == {("a.txt", "PASSWORD")}
    key.write_bytes(bytes(32))
    assert hits(vault) == {("a.txt", "PASSWORD")}


def test_without_any_home_the_vault_itself_is_read(vault: Repository) -> None:
    vault.stage("a.txt", SECRET)
    found = vault.found(HOME="/nowhere", XDG_CONFIG_HOME="/proc/nowhere")
    assert found == [("a.txt", 1, "vault-value", "PASSWORD")]


def test_names_in_public_and_allowed_lines_pass(vault: Repository) -> None:
    vault.stage("a.txt", f"{SECRET}  # vsync:allow\n")
    vault.stage("b.txt", "tok_0123456789")
    assert hits(vault) == {("b.txt", "TOKEN")}
    vault.stage("vsync.toml", VSYNC_TOML + '\n[guard]\npublic = ["TOKEN"]\n')
    assert hits(vault) == set()
    vault.stage("vsync.toml", VSYNC_TOML)
    assert hits(vault) == {("b.txt", "TOKEN")}


def test_a_vault_folder_that_leads_out_of_the_repository_is_not_read(
    vault: Repository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".env").write_text("SSH=something-of-the-user\n")
    (vault.top / "infra" / "vault" / "prod" / ".env.prod").unlink()
    (vault.top / "infra" / "vault" / "prod").rmdir()
    os.symlink(outside, vault.top / "infra" / "vault" / "prod")
    vault.stage("a.txt", "something-of-the-user")
    assert hits(vault) == set()


def test_a_value_between_two_pieces_of_a_big_file_is_found(vault: Repository) -> None:
    for offset in range(-16, 3, 3):
        size = PIECE + offset
        vault.stage("big.bin", b"\x01" * size + b"tok_0123456789" + b"\x01" * 1000)
        assert hits(vault) == {("big.bin", "TOKEN")}


def test_no_number_of_allowed_places_hides_one_that_is_not(vault: Repository) -> None:
    # attack 72
    allowed = "a = 'tok_0123456789'  # vsync:allow\n" * 150
    vault.stage("a.py", f"{allowed}b = 'tok_0123456789'\n{allowed}")
    assert vault.found() == [("a.py", 151, "vault-value", "TOKEN")]
    # Many values at the same time, and one that stands twice in a line.
    vault.stage("a.py", f"tok_0123456789 tok_0123456789 '{SECRET}'\n" * 120)
    assert len([row for row in vault.found() if row[3] == "PASSWORD"]) == 100


ENV = r"""SCHEME=https
DATABASE_URL=${SCHEME}://admin:S3cretPassw0rdX@${HOST}
TICKS=`back-tick-secret-1`
LINES=`one-line-of-a-long-secret
two-line-of-a-long-secret`
I=semi-secret-2211;
D="dq\$esc-secret-77"
H=hash-secret-3344#tail
"""


@pytest.mark.parametrize(
    ("file", "content", "spelled", "name"),
    [
        *(
            (".env.prod", ENV, spelled, name)
            for spelled, name in (
                ("${SCHEME}://admin:S3cretPassw0rdX@${HOST}", "DATABASE_URL"),
                ("'back-tick-secret-1'", "TICKS"),
                ("one-line-of-a-long-secret\ntwo-line-of-a-long-secret", "LINES"),
                ("semi-secret-2211", "I"),
                ("dq$esc-secret-77", "D"),
                ("dq\\$esc-secret-77", "D"),
                ("hash-secret-3344", "H"),
            )
        ),
        (".env.prod", b"NAME=J\xf6rg\nTOKEN=plain-secret-1\n", "plain-secret-1", "TOKEN"),
        (".env.prod", "TOKEN=plain-secret-1\n".encode("utf-16"), "plain-secret-1", "TOKEN"),
        ("settings.conf", "TOKEN='plain-secret-1' # it\n", "x plain-secret-1", "TOKEN"),
        ("settings.conf", b"# J\xf6rg\nTOKEN=plain-secret-1\n", "x plain-secret-1", "TOKEN"),
        ("s.yaml", "db:\n  - password: yaml-secret-1  # it\n", "yaml-secret-1", "password"),
        ("s.yaml", 'password: "yaml-secret-1"\n', "yaml-secret-1", "password"),
        ("s.ini", "[db]\npassword = ini-secret-1 ; it\n", "ini-secret-1", "password"),
        ("s.toml", 'keys = ["one-key-1", "other-key-2"]\n', "other-key-2", "keys"),
        ("s.properties", "db.password=prop-secret-1\n", "prop-secret-1", "db.password"),
        ("s.json", '{"a-long-key-name": ["leaf-secret", 123456789012345]}', "leaf-secret", "s.json"),
        ("s.json", '{"a": 123456789012345}', "123456789012345", "s.json"),
        ("s.json", '{"a": "leaf-secret", } // not JSON', "leaf-secret", None),
    ],
)
def test_what_a_vault_holds_is_found_as_programs_read_it(
    vault: Repository, file: str, content: str | bytes, spelled: str, name: str | None
) -> None:
    # attack 65
    vault.write(f"infra/vault/prod/{file}", content)
    vault.stage("a.txt", f"a = '{spelled}'\n")
    assert {path for path, _ in hits(vault)} == {"a.txt"}
    assert name is None or ("a.txt", name) in hits(vault)


def test_everyday_words_and_the_keys_of_json_are_no_values(vault: Repository) -> None:
    words = "ENV=production\nUSER=postgres\nAPP=frontend\nTZ=Europe/Berlin\n"
    words += "VERSION=2023-10-16\nP=/usr/local/bin\n"
    vault.write("infra/vault/prod/.env.local", f"{words}LANG=en_US.UTF-8\n")
    vault.write("infra/vault/prod/sa.json", '{"private_key_id": "0123456789-abc"}')
    vault.stage("Dockerfile", f"{words}LANG=en_US.UTF-8 private_key_id")
    assert hits(vault) == set()
