"""Bindings and profiles (formats §§8.2, 8.3)."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make_vectors
from tests.strategies import hex16, texts
from vsync.errors import ConfigError, IntegrityError
from vsync.formats.binding import (
    MAX_BINDING_BYTES,
    Binding,
    Location,
    Profile,
    RetiredSalt,
    binding_from_bytes,
    binding_to_bytes,
    check_prefix,
    check_profile_name,
)

segments = st.from_regex(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]{0,10}", fullmatch=True)
hosts = st.none() | st.from_regex(r"https?://[a-z0-9.]{1,20}(:[0-9]{1,4})?", fullmatch=True)
keys = st.none() | st.tuples(texts, texts)
locations = st.builds(
    lambda keys, **words: Location(
        access_key_id=keys and keys[0], secret_access_key=keys and keys[1], **words
    ),
    keys=keys,
    endpoint=hosts,
    region=st.none() | texts,
    bucket=texts.filter(bool),
    aws_profile=st.none() | texts,
    url=st.none() | texts,
)
bindings = st.builds(
    Binding,
    location=locations,
    salt=texts,
    prefix=st.none()
    | st.lists(segments, max_size=3).map(lambda parts: "".join(f"{part}/" for part in parts)),
    layout=st.sampled_from(["vsync", "classic"]),
    retired=st.lists(
        st.builds(RetiredSalt, kid=hex16, salt=texts.map(lambda text: text.ljust(16, "s"))), max_size=2
    ).map(tuple),
    audit=st.booleans(),
    init_profile=st.none() | texts,
)


@given(bindings)
def test_a_binding_survives_plain_and_gzipped(binding: Binding) -> None:
    data = binding_to_bytes(binding)
    again = binding_from_bytes(data)
    assert again.to_json() == binding.to_json()
    assert binding_from_bytes(gzip.compress(data)) == again
    assert binding_to_bytes(again) == data


def test_what_other_tools_keep_in_a_binding_survives() -> None:
    document = make_vectors.CONFIG | {
        "zukunft": {"x": [1.5, None]},
        "files": {"vaultFolder": "infra/vault/prod", "y": 1},
        "audit": {"enabled": False, "z": 2},
        "encryption": {"salt": "s", "algorithm": "x"},
    }
    binding = binding_from_bytes(json.dumps(document).encode())
    assert json.loads(binding_to_bytes(binding)) == document
    assert (binding.audit, binding.salt) == (False, "s")


@pytest.mark.parametrize(
    ("s3", "endpoint"),
    [
        ({"endpoint": "https://x:1"}, "https://x:1"),
        ({"endpoint": "x:1", "useSsl": True}, "https://x:1"),
        ({"endpoint": "x:1", "useSsl": False}, "http://x:1"),
        ({"endpoint": "x"}, "https://x"),
        ({"endpoint": ""}, None),
        ({}, None),
    ],
)
def test_an_endpoint_without_a_scheme_takes_it_from_use_ssl(s3: dict[str, Any], endpoint: str | None) -> None:
    document = {"version": 1, "s3": s3 | {"bucket": "b"}, "encryption": {"salt": "s"}}
    assert Binding.from_json(document).location.endpoint == endpoint


# attack 44
@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"version": True},
        {"s3": "canary"},
        {"s3": {}},
        {"s3": {"bucket": ["canary"]}},
        {"s3": {"bucket": "b", "accessKeyId": "canary"}},
        {"s3": {"bucket": "b", "secretAccessKey": "canary"}},
        {"encryption": {}},
        {"encryption": {"salt": "s", "retired": [{"kid": "canary"}]}},
        {"audit": []},
        {"prefix": "../canary"},
        {"layout": "canary"},
        {"layout": None},
        {"store": 7},
    ],
)
def test_a_wrong_key_is_named_and_credentials_are_not_shown(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError) as caught:
        Binding.from_json(make_vectors.CONFIG | wrong)
    assert "canary" not in str(caught.value) or "prefix" in wrong


@pytest.mark.parametrize("data", [b"", b"[]", b"\x1f\x8b", b"{} " + b" " * MAX_BINDING_BYTES, b'{"a":NaN}'])
def test_what_is_no_binding_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        binding_from_bytes(data)


# attack 53
def test_no_repr_shows_a_credential_or_a_salt() -> None:
    place = Location(bucket="b", access_key_id="id", secret_access_key="canary")
    binding = Binding(place, "canary", unknown={"s3": {"sessionToken": "canary"}})
    assert "canary" not in repr(binding) + repr(Profile(place)) + place.shown
    bare = binding.without_credentials()
    assert (bare.location.access_key_id, bare.location.secret_access_key, bare.location.bucket) == (
        None,
        None,
        "b",
    )


def test_a_place_is_shown_in_words() -> None:
    assert Location(url="file:///x").shown == "file:///x"
    assert Location(bucket="b").shown == "s3://b at AWS"
    assert Location(bucket="b", endpoint="https://x").shown == "s3://b at https://x"


@given(st.lists(segments, max_size=4))
def test_a_prefix_of_harmless_segments_gets_its_final_slash(found: list[str]) -> None:
    wanted = "".join(f"{part}/" for part in found)
    assert check_prefix(wanted) == check_prefix(wanted.removesuffix("/")) == wanted


# attack 22
@pytest.mark.parametrize(
    "prefix", ["../x", "a/../b", "a//b", "/a", "a/./b", ".", "..", "a b", "a\n", "\u00fc", "a\\b", "{repo}/"]
)
def test_a_prefix_that_could_lead_elsewhere_is_refused(prefix: str) -> None:
    with pytest.raises(IntegrityError, match="cannot be a prefix"):
        check_prefix(prefix)


@given(locations, st.none() | texts)
def test_a_profile_survives(place: Location, prefix: str | None) -> None:
    profile = Profile(place, prefix)
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


def test_a_profile_of_another_version_is_refused() -> None:
    with pytest.raises(IntegrityError):
        Profile.from_json({"version": 2, "bucket": "b"})


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "x" * 65, "a\n", "\u00fc"])
def test_a_profile_name_is_never_a_path(name: str) -> None:
    assert check_profile_name("acme-prod_1.x") == "acme-prod_1.x"
    with pytest.raises(ConfigError):
        check_profile_name(name)
