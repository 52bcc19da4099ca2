"""`.share` and `.keytree` (formats §6.1)."""

import base64
import json
import os
import secrets
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import make_vectors, reference
from tests.strategies import hex16, hex64, texts
from vsync.errors import IntegrityError, UnsupportedVersion, WrongKey
from vsync.formats.share import (
    MAX_KEYTREE_BYTES,
    MAX_SHARE_BYTES,
    Keytree,
    RetiredKey,
    Share,
    keytree_from_bytes,
    keytree_to_bytes,
    share_from_bytes,
    share_to_bytes,
)

PHRASE = "correct horse battery staple apple"
json_values = (
    st.none() | st.booleans() | st.integers() | texts | st.floats(allow_nan=False, allow_infinity=False)
)
configs = st.dictionaries(texts, json_values | st.lists(json_values, max_size=2), max_size=4)
shares = st.builds(
    Share,
    repo=texts,
    env=texts,
    config=configs,
    key=texts,
    retired=st.lists(st.builds(RetiredKey, kid=hex16, salt=texts, key=texts), max_size=2).map(tuple),
    seen=st.none() | st.fixed_dictionaries({"gen": st.integers(1, 2**53 - 1), "sha256": hex64}),
)
keytrees = st.builds(
    Keytree,
    exported_at=texts,
    entries=st.lists(shares, max_size=3, unique_by=lambda share: (share.repo, share.env)).map(tuple),
    profiles=st.lists(configs, max_size=2).map(tuple),
)
SMALL = Share("myapp", "prod", {"version": 1}, "canary-key")


def fixed() -> tuple[bytes, bytes]:
    return os.urandom(16), os.urandom(12)


@given(shares, texts)
def test_a_share_opens_with_its_passphrase_here_and_in_the_reference(share: Share, phrase: str) -> None:
    data = share_to_bytes(share, phrase, iterations=1)
    assert share_from_bytes(data, phrase, iterations=1) == share
    assert reference.read_share(data, phrase, 1) == share.to_json()
    theirs = reference.write_share(share.to_json(), phrase, fixed(), 1)
    assert share_from_bytes(theirs, phrase, iterations=1) == share


@settings(max_examples=30)
@given(keytrees, texts)
def test_a_keytree_opens_with_its_passphrase_here_and_in_the_reference(tree: Keytree, phrase: str) -> None:
    data = keytree_to_bytes(tree, phrase, iterations=1)
    assert keytree_from_bytes(data, phrase, iterations=1) == tree
    document = reference.read_keytree(data, phrase, 1)
    assert document["entries"] == [entry.to_json() for entry in tree.entries]
    theirs = reference.write_keytree(document, phrase, fixed(), 1)
    assert keytree_from_bytes(theirs, phrase, iterations=1) == tree


# attack 1
def test_every_flipped_byte_of_a_share_is_refused() -> None:
    good = share_to_bytes(SMALL, PHRASE, iterations=1)
    for place in range(len(good)):
        bad = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        with pytest.raises((IntegrityError, WrongKey)):
            share_from_bytes(bad, PHRASE, iterations=1)


# attack 2
def test_every_truncated_share_and_an_appended_byte_is_refused() -> None:
    good = share_to_bytes(SMALL, PHRASE, iterations=1)
    for length in range(len(good)):
        with pytest.raises((IntegrityError, WrongKey)):
            share_from_bytes(good[:length], PHRASE, iterations=1)
    with pytest.raises(WrongKey):
        share_from_bytes(good + b"\n", PHRASE, iterations=1)


# attack 42
def test_the_cost_of_a_guess_is_the_published_one_and_each_share_has_its_own_salt() -> None:
    first, second = share_to_bytes(SMALL, PHRASE), share_to_bytes(SMALL, PHRASE)
    assert first[5:29] != second[5:29]
    key = reference.derive(PHRASE, first[5:29].decode(), 600_000)
    assert reference.decrypt(key, first[29:])
    with pytest.raises(WrongKey):
        share_from_bytes(first, PHRASE, iterations=1)


# attacks 7 and 8
def test_no_field_of_the_file_can_change_the_cost() -> None:
    document = SMALL.to_json() | {"iterations": 1, "kdf": "none", "cipher": "none"}
    data = reference.write_share(document, PHRASE, fixed(), 1)
    with pytest.raises(WrongKey):
        share_from_bytes(data, PHRASE)


# attack 45
@pytest.mark.parametrize(
    ("data", "opener", "message", "verb"),
    [
        (b"VKT1" + bytes(100), share_from_bytes, "is a keytree", "git vsync keystore import FILE"),
        (b"SLS1" + bytes(100), keytree_from_bytes, "is a share", "git vsync import FILE"),
        (b"RQE1" + bytes(100), share_from_bytes, "is a bundle", "git vsync pull"),
        (b"PK\3\4" + bytes(100), share_from_bytes, "is not a share", ""),
        (b"", keytree_from_bytes, "is not a keytree", ""),
    ],
)
def test_another_kind_of_file_names_the_right_verb(data: bytes, opener: Any, message: str, verb: str) -> None:
    with pytest.raises(IntegrityError, match=message) as caught:
        opener(data, PHRASE)
    assert verb in (caught.value.hint or "")


# attack 5
def test_a_newer_file_asks_for_an_update() -> None:
    good = share_to_bytes(SMALL, PHRASE, iterations=1)
    with pytest.raises(UnsupportedVersion):
        share_from_bytes(b"SLS2" + good[4:], PHRASE, iterations=1)
    newer = reference.write_share(SMALL.to_json() | {"version": 3}, PHRASE, fixed(), 1)
    with pytest.raises(UnsupportedVersion):
        share_from_bytes(newer, PHRASE, iterations=1)


# attack 44
@pytest.mark.parametrize(
    "wrong",
    [
        {"repo": 1},
        {"env": None},
        {"key": ["canary"]},
        {"config": "canary"},
        {"retired": {}},
        {"retired": [{"kid": "x" * 16, "salt": "canary", "key": "canary"}]},
        {"seen": None},
        {"seen": {"gen": 1}},
        {"seen": {"gen": 1.5, "sha256": "ab" * 32}},
    ],
)
def test_a_field_of_another_type_is_refused_without_showing_it(wrong: dict[str, Any]) -> None:
    data = reference.write_share(SMALL.to_json() | wrong, PHRASE, fixed(), 1)
    with pytest.raises(IntegrityError) as caught:
        share_from_bytes(data, PHRASE, iterations=1)
    assert "canary" not in str(caught.value)


# attack 11
def test_a_file_larger_than_it_may_be_is_refused_before_the_key_is_derived() -> None:
    for magic, opener, limit in (
        (b"SLS1", share_from_bytes, MAX_SHARE_BYTES),
        (b"VKT1", keytree_from_bytes, MAX_KEYTREE_BYTES),
    ):
        with pytest.raises(IntegrityError, match=f"larger than the {limit} bytes"):
            opener(magic + bytes(limit), PHRASE, iterations=0)


# attack 11
def test_a_share_that_unpacks_to_a_bomb_is_refused() -> None:
    import gzip

    key = reference.derive(PHRASE, base64.b64encode(bytes(16)).decode(), 1)
    text = base64.b64encode(gzip.compress(bytes(100_000_000)))
    data = b"SLS1\x18" + base64.b64encode(bytes(16)) + reference.encrypt(key, text, os.urandom(12))
    with pytest.raises(IntegrityError, match="unpacks to more than"):
        share_from_bytes(data, PHRASE, iterations=1)


def test_a_keytree_of_a_thousand_vaults_fits() -> None:
    share = Share(
        "myapp", "prod", make_vectors.CONFIG, "k" * 44, (RetiredKey("ab" * 8, "s" * 24, "k" * 44),) * 3
    )
    rows = tuple(Share("myapp", f"env{n}", share.config, share.key, share.retired) for n in range(1000))
    tree = Keytree("2026-05-23T11:42:01Z", rows)
    assert keytree_from_bytes(keytree_to_bytes(tree, PHRASE, iterations=1), PHRASE, iterations=1) == tree


def test_a_vault_that_a_keytree_holds_twice_is_refused() -> None:
    with pytest.raises(IntegrityError, match="twice"):
        keytree_from_bytes(
            keytree_to_bytes(Keytree("", (SMALL, SMALL)), PHRASE, iterations=1), PHRASE, iterations=1
        )


def test_nothing_is_written_that_is_too_large_to_be_read() -> None:
    noise = secrets.token_hex(2 * MAX_SHARE_BYTES)
    with pytest.raises(IntegrityError, match="larger"):
        share_to_bytes(Share("a", "b", {"x": noise}, "k"), PHRASE, iterations=1)


# attack 53
def test_no_repr_shows_a_key_or_a_credential() -> None:
    share = Share("r", "e", {"secretAccessKey": "canary"}, "canary", (RetiredKey("k", "s", "canary"),))
    shown = repr(share) + repr(Keytree("now", (share,), ({"secretAccessKey": "canary"},)))
    assert "canary" not in shown
    assert json.dumps(share.to_json()).count("canary") == 3
