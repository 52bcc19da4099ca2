"""The vault key and what is derived from it (formats §§1.1, 1.2)."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.strategies import KEY, OTHER_KEY
from vsync.errors import KeyUnavailable
from vsync.formats.vaultkey import VaultKey, check_texts, new_key_text, new_salt_text


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_sub_keys_and_key_id_are_those_of_the_reference(derived: bytes, message: bytes) -> None:
    key = VaultKey.from_derived(derived)
    assert key.key_id == reference.key_id(derived)
    for mac, info in (
        (key.pointer_mac, "vsync manifest v1"),
        (key.audit_mac, "vsync audit v1"),
        (key.content_mac, "vsync content v1"),
    ):
        assert mac(message) == hmac.digest(reference.subkey(derived, info), message, "sha256").hex()


def test_a_new_key_is_base64_of_32_random_bytes_and_a_new_salt_of_18() -> None:
    keys, salts = {new_key_text() for _ in range(100)}, {new_salt_text() for _ in range(100)}
    assert {(len(text), len(base64.b64decode(text, validate=True))) for text in keys} == {(44, 32)}
    assert {(len(text), len(base64.b64decode(text, validate=True))) for text in salts} == {(24, 18)}
    assert len(keys) == len(salts) == 100


# attack 53
def test_a_key_shows_only_its_id() -> None:
    assert repr(KEY) == str(KEY) == f"VaultKey({KEY.key_id})"
    assert KEY.derived.hex() not in f"{KEY!r}{[KEY]}"


@pytest.mark.parametrize(("key", "salt"), [("x" * 19, "y" * 16), ("x" * 20, "y" * 15)])
def test_a_key_or_a_salt_too_short_to_be_one_is_refused(key: str, salt: str) -> None:
    check_texts("x" * 20, "y" * 16)
    with pytest.raises(KeyUnavailable) as caught:
        check_texts(key, salt)
    assert key not in str(caught.value)


def test_two_keys_have_two_ids() -> None:
    assert KEY.key_id != OTHER_KEY.key_id
    assert len(KEY.key_id) == 16
