"""The pointer (formats §4)."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.strategies import KEY, OTHER_KEY, VERSION, hex16, hex64, texts, versions
from vsync.errors import IntegrityError, UnsupportedVersion, VsyncError, WrongKey
from vsync.formats.pointer import (
    MAX_POINTER_BYTES,
    MAX_SIZE,
    Pointer,
    claimed_key_id,
    claimed_name,
    from_bytes,
    to_bytes,
)
from vsync.formats.version import MAX_GENERATION

NAME = "myapp/prod"
moments = st.datetimes().map(lambda at: f"{at.year:04d}-{at:%m-%dT%H:%M:%S}Z")
pointers = st.builds(
    Pointer,
    version=versions,
    name=texts,
    gen=st.integers(1, MAX_GENERATION),
    prev=st.none() | versions,
    sha256=hex64,
    size=st.integers(0, MAX_SIZE),
    kid=hex16,
    content=hex64,
    rotated_at=st.none() | moments,
    by=st.none() | texts,
)
GOOD = Pointer(VERSION, NAME, 4, None, "ab" * 32, 1234, KEY.key_id, "cd" * 32, None, "ana@example.com")


def fields_of(pointer: Pointer) -> dict[str, Any]:
    return {key: value for key, value in asdict(pointer).items() if key != "version"}


@given(pointers)
def test_what_was_written_is_read_and_the_reference_agrees(pointer: Pointer) -> None:
    data = to_bytes(pointer, KEY)
    assert from_bytes(data, KEY, pointer.name) == pointer
    assert reference.read_pointer(data, KEY.derived, pointer.name) == (pointer.version, fields_of(pointer))
    assert reference.write_pointer(pointer.version, fields_of(pointer), KEY.derived) == data
    assert (claimed_name(data), claimed_key_id(data)) == (pointer.name, pointer.kid)


@given(pointers, st.dictionaries(texts.map("x-{}".format), st.none() | st.integers() | texts, max_size=3))
def test_unknown_keys_are_authenticated_and_then_ignored(pointer: Pointer, extra: dict[str, Any]) -> None:
    data = reference.write_pointer(pointer.version, fields_of(pointer) | extra, KEY.derived)
    assert from_bytes(data, KEY, pointer.name) == pointer


# attack 1
def test_every_flipped_byte_is_refused() -> None:
    good = to_bytes(GOOD, KEY)
    for place in range(len(good)):
        with pytest.raises(VsyncError) as caught:
            from_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :], KEY, NAME)
        assert isinstance(caught.value, (WrongKey, IntegrityError))


# attack 2
def test_every_truncation_and_an_appended_byte_is_refused() -> None:
    good = to_bytes(GOOD, KEY)
    for length in range(len(good)):
        with pytest.raises((WrongKey, IntegrityError)):
            from_bytes(good[:length], KEY, NAME)
    with pytest.raises((WrongKey, IntegrityError)):
        from_bytes(good + b"\n", KEY, NAME)


# attack 3
def test_the_pointer_of_another_vault_under_the_same_key_is_refused() -> None:
    with pytest.raises(WrongKey):
        from_bytes(to_bytes(GOOD, KEY), KEY, "myapp/dev")
    # A holder of the key may authenticate one name and claim another.
    claims = reference.pointer_body(
        VERSION, reference.canonical({"v": 1} | fields_of(GOOD)), KEY.derived, "myapp/dev"
    )
    with pytest.raises(IntegrityError, match="belongs to 'myapp/prod', not to 'myapp/dev'"):
        from_bytes(claims, KEY, "myapp/dev")


# attacks 4 and 15
@given(pointers, pointers)
def test_two_spliced_pointers_are_refused(one: Pointer, two: Pointer) -> None:
    first, second = to_bytes(one, KEY), to_bytes(replace(two, name=one.name, gen=one.gen ^ 1 or 3), KEY)
    for cut in (23, -64):
        with pytest.raises((WrongKey, IntegrityError)):
            from_bytes(
                first[:cut] + second[cut:] if cut < 0 else second[:cut] + b"x" + first[cut:], KEY, one.name
            )


# attack 17
def test_the_pointer_of_another_key_is_refused_before_it_is_parsed() -> None:
    data = reference.pointer_body(VERSION, b"not even JSON", OTHER_KEY.derived, NAME)
    with pytest.raises(WrongKey):
        from_bytes(data, KEY, NAME)


# attack 5
def test_a_newer_version_asks_for_an_update() -> None:
    data = reference.write_pointer(VERSION, fields_of(GOOD) | {"v": 2, "gen": "new"}, KEY.derived)
    with pytest.raises(UnsupportedVersion) as caught:
        from_bytes(data, KEY, NAME)
    assert "update" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"gen": 0},
        {"gen": MAX_GENERATION + 1},  # attack 14
        {"size": -1},
        {"sha256": "AB" * 32},
        {"kid": "x"},
        {"content": ""},
        {"prev": "x"},
        {"version": "20260230-000000"},
        {"rotated_at": "2026-05-23"},
        {"by": "x" * MAX_POINTER_BYTES},
    ],
)
def test_nothing_is_written_that_no_reader_takes(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        to_bytes(replace(GOOD, **wrong), KEY)


@pytest.mark.parametrize("data", [b"", b"x" * 200, b"RQEM0001" + b"\n" * 100])
def test_what_is_no_pointer_claims_nothing(data: bytes) -> None:
    assert claimed_key_id(data) is None
    assert claimed_name(data) is None


def test_claims_of_another_type_are_none() -> None:
    data = reference.pointer_body(VERSION, b'{"kid":"NOT HEX","name":7}', KEY.derived, NAME)
    assert (claimed_key_id(data), claimed_name(data)) == (None, None)
