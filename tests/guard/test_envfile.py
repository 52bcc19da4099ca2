"""Env files are read as programs read them, by python-dotenv's rules."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.errors import IntegrityError
from vsync.formats.dotenv import read_env
from vsync.guard.envfile import assignments, plain_assignments

PIECES = st.sampled_from([*"ABab09_ =#'\"\\$\n\t{}:", "\r\n", "export ", "é", "\\n", "=", "KEY="])
TEXTS = st.lists(PIECES, max_size=60).map("".join)


@given(TEXTS)
def test_what_dotenv_reads_is_read_the_same(text: str) -> None:
    try:
        expected = read_env(text.encode())
    except IntegrityError:
        return  # not an env file to dotenv; the next test says what still holds
    if any("\n" in name or "\r" in name for name in expected):
        return  # a quoted name over two lines, which no shell and no program takes
    ours = {one.name: one.value for one in assignments(text)}
    # A later line that is only a name takes the value away again: to us it still was one.
    assert {name: value for name, value in ours.items() if expected.get(name, "") is not None} == {
        name: value for name, value in expected.items() if value is not None
    }


@given(TEXTS, st.text(string.ascii_letters, min_size=8, max_size=20))
def test_a_plain_assignment_is_seen_whatever_stands_before_it(before: str, value: str) -> None:
    text = f"{before.replace(chr(39), '').replace(chr(34), '')}\nNAME={value}\n"
    assert ("NAME", value) in [(one.name, one.value) for one in plain_assignments(text)]


@given(TEXTS)
def test_lines_are_counted_as_editors_count_them(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for one in assignments(text):
        assert "=" in lines[one.line - 1]
        assert one.text.startswith(lines[one.line - 1])


@pytest.mark.parametrize(
    "value",
    [
        "",
        '""',
        "${OTHER}",
        "$OTHER",
        "encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt",
        "ENC[AES256_GCM,data:8ooC,iv:4Wgn,tag:TeQ=,type:str]",
        '"-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5\n-----END AGE ENCRYPTED FILE-----"',
    ],
)
def test_empty_referring_and_encrypted_values_pass(value: str) -> None:
    assert plain_assignments(f"NAME={value}\n") == []


@pytest.mark.parametrize("value", ["${OTHER:-hunter2}", "a${OTHER}", "$", "${}", "x-encrypted:", "0", "true"])
def test_anything_else_is_plain(value: str) -> None:
    assert [one.name for one in plain_assignments(f"NAME={value}\n")] == ["NAME"]


def test_what_other_tools_leave_in_the_clear_passes_beside_their_ciphertext() -> None:
    cipher = "A=encrypted:BDqD\n"
    dotenvx = 'DOTENV_PUBLIC_KEY_PROD="0320cb"\n'
    sops = "A=ENC[AES256_GCM,data:8ooC,type:str]\nsops_version=3.9.0\nsops_mac=ENC[AES256_GCM,data:8]\n"
    assert plain_assignments(dotenvx + cipher) == []
    assert plain_assignments(sops) == []
    assert [one.name for one in plain_assignments("sops_version=3.9.0\n")] == ["sops_version"]
    assert [one.name for one in plain_assignments(cipher + "B=clear\n")] == ["B"]
