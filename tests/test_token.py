"""Runtime token and runtime slot (formats §6.2)."""

import base64
import gzip
import json
import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make_vectors, reference
from tests.strategies import texts
from vsync.errors import IntegrityError, UnsupportedVersion, VsyncError, WrongKey
from vsync.formats.token import (
    MAX_ITERATIONS,
    MAX_SLOT_BYTES,
    MAX_TOKEN_BYTES,
    MIN_ITERATIONS,
    Slot,
    Token,
    TokenMissing,
    TokenUnsupported,
    slot_from_bytes,
    slot_to_bytes,
    token_from_text,
    token_json,
    token_to_text,
)

segments = st.from_regex(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]{0,20}", fullmatch=True)
salts = st.text(st.characters(codec="utf-8"), min_size=16, max_size=30)
tokens = st.builds(
    Token,
    endpoint=texts,
    region=texts,
    bucket=texts,
    prefix=st.lists(segments, max_size=3).map("/".join),
    env=segments,
    salt=salts,
    iterations=st.integers(MIN_ITERATIONS, MAX_ITERATIONS),
    slot=st.none() | segments,
)
slots = st.builds(Slot, name=segments, key=texts, salt=texts, created_at=texts)
SLOT = Slot("web-1", "canary-key", "canary-salt", "2026-05-23T11:42:01Z")
PHRASE = "runtime passphrase"


@given(tokens, st.none() | st.tuples(texts, texts))
def test_a_token_survives_and_the_reference_agrees(token: Token, pair: tuple[str, str] | None) -> None:
    token = replace(token, access_key_id=pair and pair[0], secret_access_key=pair and pair[1])
    text = token_to_text(token)
    assert token_from_text(text) == token
    document = reference.read_token(text)
    assert token_json(text) == {"v": 1} | document
    assert token_from_text(reference.write_token(document)) == token
    assert "accessKeyId" in document if pair else "accessKeyId" not in document


def test_a_token_may_be_packed_by_any_compressor_and_hold_unknown_fields() -> None:
    values = json.dumps({"v": 1, "x": [1], **make_vectors.TOKEN}).encode()
    body = base64.urlsafe_b64encode(gzip.compress(values)).decode().rstrip("=")
    assert token_from_text(f"vsync-cfg-v1:{body}").slot == "web-1"


# attacks 1, 2 and 6
def test_every_changed_character_of_a_token_is_refused_or_says_something_else() -> None:
    good = reference.write_token(make_vectors.TOKEN)
    parsed = token_from_text(good)
    for place in range(len(good)):
        for change in ("", "\n", "=", "A" if good[place] != "A" else "B"):
            try:
                again = token_from_text(good[:place] + change + good[place + 1 :])
            except VsyncError as error:
                assert isinstance(error, (TokenMissing, TokenUnsupported, IntegrityError))  # noqa: PT017
            else:
                assert again == parsed  # only the header of gzip has bytes that say nothing
                assert place < len("vsync-cfg-v1:") + 14


# attacks 7 and 8
@pytest.mark.parametrize(
    "iterations", [0, 1, 599_999, 10_000_001, 2**31, -600_000, 600_000.0, "600000", None]
)
def test_a_cost_outside_its_bounds_is_refused(iterations: Any) -> None:
    with pytest.raises(IntegrityError) as caught:
        token_from_text(reference.write_token(make_vectors.TOKEN | {"iterations": iterations}))
    assert type(caught.value) is IntegrityError


def test_errors_come_in_the_order_of_the_format() -> None:
    wrong: dict[str, Any] = make_vectors.TOKEN | {"v": 2, "bucket": None, "salt": "short"}
    rows: list[tuple[str, type[VsyncError]]] = [
        (reference.write_token(wrong)[1:], TokenMissing),
        (reference.write_token(wrong) + "=", TokenUnsupported),
        (reference.write_token(wrong)[:-3], IntegrityError),
        (reference.write_token(wrong), TokenUnsupported),
        (reference.write_token(wrong | {"v": 1}), IntegrityError),
        (reference.write_token(wrong | {"v": 1, "bucket": "b"}), TokenUnsupported),
    ]
    for text, kind in rows:
        with pytest.raises(VsyncError) as caught:
            token_from_text(text)
        assert type(caught.value) is kind


# attack 11
def test_a_token_that_is_too_long_or_a_bomb_is_refused() -> None:
    bomb = base64.urlsafe_b64encode(gzip.compress(bytes(10_000_000))).decode().rstrip("=")
    for body, message in ((bomb, "unpacks to more"), ("A" * (MAX_TOKEN_BYTES + 1), "too long")):
        with pytest.raises(IntegrityError, match=message):
            token_from_text(f"vsync-cfg-v1:{body}")


# attack 56
def test_no_refusal_shows_a_credential() -> None:
    wrong = make_vectors.TOKEN | {"secretAccessKey": "canary", "iterations": "canary"}
    with pytest.raises(IntegrityError) as caught:
        token_from_text(reference.write_token(wrong))
    assert "canary" not in repr(caught.value)
    token = replace(token_from_text(reference.write_token(make_vectors.TOKEN)), secret_access_key="canary")
    assert "canary" not in repr(token)


@pytest.mark.parametrize(
    "wrong", [{"slot": "../x"}, {"prefix": "a//b"}, {"env": ""}, {"iterations": 1}, {"access_key_id": "half"}]
)
def test_no_token_is_written_that_no_reader_takes(wrong: dict[str, Any]) -> None:
    good = token_from_text(reference.write_token(make_vectors.TOKEN))
    changed = replace(good, access_key_id=None, secret_access_key=None)
    token_to_text(changed)
    with pytest.raises(IntegrityError):
        token_to_text(replace(changed, **wrong))


@given(slots, texts)
def test_a_slot_opens_with_its_passphrase_here_and_in_the_reference(slot: Slot, phrase: str) -> None:
    data = slot_to_bytes(slot, phrase, iterations=1)
    assert slot_from_bytes(data, phrase, slot.name, iterations=1) == slot
    document = reference.read_slot(data, phrase, slot.name, 1)
    theirs = reference.write_slot(document, phrase, "s" * 16, os.urandom(12), 1)
    assert slot_from_bytes(theirs, phrase, slot.name, iterations=1) == slot


# attacks 1 and 2
def test_every_flipped_or_missing_byte_of_a_slot_is_refused() -> None:
    good = slot_to_bytes(SLOT, PHRASE, iterations=1)
    for place in range(len(good)):
        for bad in (good[:place], good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]):
            with pytest.raises((IntegrityError, WrongKey)):
                slot_from_bytes(bad, PHRASE, SLOT.name, iterations=1)


# attack 3
def test_the_slot_of_another_token_is_refused() -> None:
    with pytest.raises(IntegrityError, match="another token"):
        slot_from_bytes(slot_to_bytes(SLOT, PHRASE, iterations=1), PHRASE, "web-2", iterations=1)


def test_a_slot_is_checked_before_its_key_is_derived() -> None:
    good = slot_to_bytes(SLOT, PHRASE, iterations=1)
    for bad in (bytes(MAX_SLOT_BYTES + 1), good[:25] + b"RQE2" + good[29:], good[:50], b"\x0f" + good[1:]):
        with pytest.raises(IntegrityError):
            slot_from_bytes(bad, PHRASE, SLOT.name, iterations=0)


def test_a_slot_costs_what_is_published_and_has_a_salt_of_its_own() -> None:
    data = slot_to_bytes(SLOT, PHRASE)
    assert data[1:25] != slot_to_bytes(SLOT, PHRASE, iterations=1)[1:25]
    assert reference.read_slot(data, PHRASE, SLOT.name)["key"] == SLOT.key
    assert "canary-key" not in repr(SLOT)


def test_a_newer_slot_asks_for_an_update() -> None:
    document = make_vectors.SLOT | {"v": 2}
    data = reference.write_slot(document, PHRASE, "s" * 16, os.urandom(12), 1)
    with pytest.raises(UnsupportedVersion):
        slot_from_bytes(data, PHRASE, "web-1", iterations=1)
