"""Env files as shells and other programs read them, and env files that are encrypted as a whole."""

import base64
import hashlib

import pytest

from tests.guard.repositories import Repository

BODY = base64.b64encode(b"".join(hashlib.sha256(bytes([n])).digest() for n in range(4)))
LINES = b"\n".join(BODY[at : at + 64] for at in range(0, len(BODY), 64)) + b"\n"
RANDOM = b"".join(hashlib.sha512(n.to_bytes(2, "big")).digest() for n in range(3000))
AGE = (
    b"age-encryption.org/v1\n-> X25519 "
    + BODY[:43]
    + b"\n"
    + BODY[43:86]
    + b"\n--- "
    + BODY[86:129]
    + b"\n"
    + RANDOM
)
ARMOR = {
    "age": b"-----BEGIN AGE ENCRYPTED FILE-----\n" + LINES + b"-----END AGE ENCRYPTED FILE-----\n",
    "asc": b"-----BEGIN PGP MESSAGE-----\nVersion: GnuPG v2\n\n"
    + LINES
    + b"=aBcD\n-----END PGP MESSAGE-----\n",
}
BINARY = {
    "age": AGE,
    "gpg": b"\x85\x01\x0c\x03" + RANDOM,
    "pgp": b"\x8c\x0d\x04\x09\x03\x02" + RANDOM,
    "new": b"\xc1\xc0\x4c\x03" + RANDOM,
    "crypt": b"\0GITCRYPT\0" + RANDOM,
}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("SECRET: hunter2hunter2", "SECRET"),
        ("export SECRET: 'x'", "SECRET"),
        ("SECRET: a=b", "SECRET"),
        ("declare -x SECRET=hunter2", "SECRET"),
        ('typeset -x SECRET="a b"', "SECRET"),
        ("export A SECRET=hunter2", "SECRET"),
        ("readonly SECRET=hunter2", "SECRET"),
        ("set SECRET=hunter2", "SECRET"),
        ("sk-live-Qx7vTz91LmPq", None),
        ("postgres://admin:hunter2@db/x", None),
    ],
)
def test_what_another_program_reads_in_an_env_file_is_found(
    repository: Repository, line: str, name: str | None
) -> None:
    # attack 65
    repository.stage(".env", f"# a comment\nEMPTY=\n\n{line}\n")
    assert repository.found() == [(".env", 4, "env-plaintext", name)]


@pytest.mark.parametrize(
    "line",
    [
        "SECRET: ${OTHER}",
        "export A B=$B",
        "declare -x A=",
        "readonly A=''",
        "JUST_A_NAME",
        "# SECRET: x",
        "SECRET:",
        "source ./x.sh",
    ],
)
def test_what_sets_nothing_in_the_clear_passes(repository: Repository, line: str) -> None:
    repository.stage(".env", f"{line}\n")
    assert repository.found() == []


@pytest.mark.parametrize("name", [".env.prod.age", ".env", "prod.env"])
@pytest.mark.parametrize("content", [*ARMOR.values(), *BINARY.values()], ids=[*ARMOR, *BINARY])
def test_a_file_that_is_encrypted_as_a_whole_passes_under_any_name(
    repository: Repository, name: str, content: bytes
) -> None:
    repository.stage(name, content)
    assert repository.found() == []


@pytest.mark.parametrize("content", [*ARMOR.values(), *BINARY.values()], ids=[*ARMOR, *BINARY])
def test_plaintext_behind_ciphertext_is_found(repository: Repository, content: bytes) -> None:
    # attack 65
    repository.stage(".env", content.removesuffix(b"\n") + b"\nSECRET=hunter2\n")
    assert [row[2:] for row in repository.found()] == [("env-plaintext", "SECRET")]


@pytest.mark.parametrize(
    "header",
    [
        "age-encryption.org/v1",
        "-----BEGIN AGE ENCRYPTED FILE-----",
        "-----BEGIN PGP MESSAGE-----",
        "$ANSIBLE_VAULT;1.1;AES256",
    ],
)
def test_a_header_without_a_body_lets_nothing_pass(repository: Repository, header: str) -> None:
    # attack 65
    repository.stage(".env", f"{header}\nSECRET=hunter2\n")
    assert [row[2:] for row in repository.found()] == [("env-plaintext", "SECRET")]
    repository.stage(".env", f"{header}\nSECRET=hunter2\n-----END PGP MESSAGE-----\n")
    assert [row[2:] for row in repository.found()] == [("env-plaintext", "SECRET")]
