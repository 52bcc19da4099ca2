"""JSON, base64 and gzip that somebody else wrote: one spelling, bounded (formats §4)."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import texts
from vsync.errors import IntegrityError
from vsync.formats.strict import HEX16, Fields, decode_base64, dump_canonical, gunzip, load_object

values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=5)


@given(objects)
def test_an_object_survives_its_canonical_spelling(value: dict[str, Any]) -> None:
    data = dump_canonical(value)
    assert load_object(data, "it") == value
    assert dump_canonical(load_object(data, "it")) == data
    assert load_object(data.decode(), "it") == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'"canary"',
        b"{} canary",
        b'{"canary": 1, "canary": 1}',
        b'{"a": {"canary": 1, "canary": 2}}',
        b'{"canary": 1.0}',
        b'{"canary": 1e3}',
        b'{"canary": NaN}',
        b'{"canary": -Infinity}',
        b'{"canary": "\xff"}',
        b'{"canary": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"canary": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_plain_object_is_refused_without_a_quote(text: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        load_object(text, "the pointer")
    # attack 56
    assert str(caught.value) == "the pointer is not valid"
    assert caught.value.__cause__ is None


def test_finite_floats_pass_only_where_other_writers_keep_keys_of_their_own() -> None:
    assert load_object('{"interval": 0.5}', "it", floats=True) == {"interval": 0.5}
    for text in ('{"a": 0.5}', '{"a": 1e999}', '{"a": NaN}', '{"a": Infinity}'):
        with pytest.raises(IntegrityError):
            load_object(text, "it", floats="0.5" not in text)


@given(st.binary(max_size=40))
def test_base64_has_one_spelling(data: bytes) -> None:
    assert decode_base64(base64.b64encode(data), "it") == data


# attack 6
@pytest.mark.parametrize(
    "text", [b"QQ=", b"QQ", b"QR==", b"QQ==\n", b" QQ==", b"Q Q==", b"Q\r\nQ==", b"_w==", b"QQ==QQ=="]
)
def test_base64_in_a_second_spelling_is_refused(text: bytes) -> None:
    assert decode_base64(b"QQ==", "it") == b"A"
    with pytest.raises(IntegrityError):
        decode_base64(text, "it")


@given(st.binary(max_size=100))
def test_gzip_unpacks_up_to_the_limit(data: bytes) -> None:
    packed = gzip.compress(data)
    assert gunzip(packed, "it", limit=len(data)) == data
    for bad in (packed[:-1], packed + b"\0", packed + packed, packed[1:], b""):
        with pytest.raises(IntegrityError):
            gunzip(bad, "it", limit=len(data))
    if data:
        with pytest.raises(IntegrityError, match="unpacks to more"):
            gunzip(packed, "it", limit=len(data) - 1)


# attack 11
def test_a_gzip_bomb_is_refused_at_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    with pytest.raises(IntegrityError, match="unpacks to more than 1000 bytes"):
        gunzip(bomb, "it", limit=1000)


def test_fields_give_what_has_the_right_type() -> None:
    fields = Fields({"t": "x", "n": 3, "b": True, "o": {"k": 1}, "l": [{}], "s": ["a"], "z": None}, "it")
    assert (fields.text("t"), fields.integer("n", 3, 3), fields.flag("b", default=False)) == ("x", 3, True)
    assert (fields.optional_text("z"), fields.optional_text("nowhere"), fields.nullable_text("z")) == (
        None,
        None,
        None,
    )
    assert fields.flag("nowhere", default=True)
    assert fields.table("o").values == {"k": 1}
    assert fields.optional_table("nowhere").values == {}
    assert [row.values for row in fields.tables("l")] == [{}]
    assert (fields.tables("nowhere"), fields.texts("nowhere"), fields.texts("s")) == ([], (), ("a",))


@pytest.mark.parametrize(
    ("method", "words", "value"),
    [
        ("text", (), 1),
        ("text", (), None),
        ("optional_text", (), 1),
        ("nullable_text", (), 1),
        ("shaped", (HEX16,), "canary"),
        ("integer", (0, 9), True),
        ("integer", (0, 9), "1"),
        ("integer", (0, 9), 10),
        ("integer", (0, 9), -1),
        ("table", (), []),
        ("optional_table", (), None),
        ("tables", (), {}),
        ("tables", (), ["canary"]),
        ("texts", (), [1]),
        ("texts", (), "canary"),
    ],
)
def test_a_field_of_another_type_is_named_and_never_shown(
    method: str, words: tuple[Any, ...], value: Any
) -> None:
    with pytest.raises(IntegrityError) as caught:
        getattr(Fields({"key": value}, "the slot"), method)("key", *words)
    assert str(caught.value) == "the slot: 'key' is missing or wrong"


def test_a_nullable_field_must_be_there() -> None:
    with pytest.raises(IntegrityError):
        Fields({}, "it").nullable_text("by")
    with pytest.raises(IntegrityError):
        Fields({"b": 1}, "it").flag("b", default=True)


def test_the_canonical_spelling_is_sorted_compact_and_in_utf_8() -> None:
    value = {"b": [1, "\u00fc\u2028"], "a": None}
    assert dump_canonical(value) == '{"a":null,"b":[1,"\u00fc\u2028"]}'.encode()
    assert json.loads(dump_canonical(value)) == value
