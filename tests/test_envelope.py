"""Envelope RQE1 (formats §1)."""

import hashlib
import io
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.strategies import KEY, OTHER_KEY
from vsync.errors import IntegrityError, KeyUnavailable, UnsupportedVersion, VsyncError, WrongKey
from vsync.formats import envelope
from vsync.formats.envelope import BUFFER_BYTES, OVERHEAD_BYTES, SealedReader, Sealer, open_sealed, seal

SMALL = b"DATABASE_URL=postgres://canary\n"


def seal_stream(plain: bytes, piece: int = BUFFER_BYTES) -> bytes:
    out = io.BytesIO()
    sealer = Sealer(KEY.derived, out)
    for start in range(0, len(plain), piece):
        assert sealer.write(plain[start : start + piece]) == len(plain[start : start + piece])
    written = sealer.finish()
    data = out.getvalue()
    assert (written.size, written.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    return data


def open_both(data: bytes) -> bytes:
    """Open by both readers, which must agree on the result or on the kind of refusal."""
    kinds = []
    for read in (open_sealed, lambda key, sealed: SealedReader(key, io.BytesIO(sealed)).read()):
        try:
            plain = read(KEY.derived, data)
        except VsyncError as error:
            kinds.append(error)
    if kinds:
        assert [type(error) for error in kinds] == [type(kinds[0])] * 2
        raise kinds[0]
    return plain


@given(st.binary(max_size=300), st.integers(1, 50))
def test_what_was_sealed_opens_and_the_reference_agrees(plain: bytes, piece: int) -> None:
    for data in (seal(KEY.derived, plain), seal_stream(plain, piece)):
        assert open_both(data) == plain == reference.decrypt(KEY.derived, data)
        assert len(data) == len(plain) + OVERHEAD_BYTES
    assert open_both(reference.encrypt(KEY.derived, plain, os.urandom(12))) == plain


def test_a_stream_is_sealed_as_a_whole_across_buffers() -> None:
    plain = random.Random(1).randbytes(2 * BUFFER_BYTES + 5)
    data = seal_stream(plain, BUFFER_BYTES + 7)
    assert open_both(data) == plain == reference.decrypt(KEY.derived, data)


# attack 1
def test_every_flipped_byte_is_refused() -> None:
    good = seal(KEY.derived, SMALL)
    for place in range(len(good)):
        for bit in (0x01, 0x80):
            bad = good[:place] + bytes([good[place] ^ bit]) + good[place + 1 :]
            with pytest.raises(IntegrityError if place < 4 else WrongKey):
                open_both(bad)


# attack 2
def test_every_truncation_and_any_appended_byte_is_refused() -> None:
    good = seal(KEY.derived, SMALL)
    for length in range(len(good)):
        with pytest.raises(IntegrityError if length < OVERHEAD_BYTES else WrongKey):
            open_both(good[:length])
    for byte in (b"\0", b"\n", b"R"):
        with pytest.raises(WrongKey):
            open_both(good + byte)


# attack 4
@given(st.binary(min_size=20, max_size=60), st.binary(min_size=20, max_size=60))
def test_two_spliced_envelopes_are_refused(one: bytes, two: bytes) -> None:
    first, second = seal(KEY.derived, one), seal(KEY.derived, two)
    for cut in (8, 16, 20, len(first) - 16):
        with pytest.raises(WrongKey):
            open_both(first[:cut] + second[cut:])


# attack 5
def test_a_newer_envelope_asks_for_an_update_and_is_not_parsed_further() -> None:
    data = seal(KEY.derived, SMALL)
    with pytest.raises(UnsupportedVersion) as caught:
        open_both(b"RQE2" + data[4:])
    assert "update" in (caught.value.hint or "")
    with pytest.raises(IntegrityError) as other:
        open_both(b"RQF1" + data[4:])
    assert not isinstance(other.value, UnsupportedVersion)


def test_the_checks_come_in_the_order_of_the_format() -> None:
    with pytest.raises(IntegrityError) as short:
        open_both(b"RQE2")
    assert not isinstance(short.value, UnsupportedVersion)


# attack 9
def test_nonces_are_unique_over_many_encryptions() -> None:
    sealed = [seal(KEY.derived, b"same") for _ in range(9_000)]
    sealed += [seal_stream(b"same") for _ in range(1_000)]
    assert len({data[4:16] for data in sealed}) == len({data[16:] for data in sealed}) == 10_000


# attack 10
def test_a_wrong_key_and_a_flipped_tag_say_the_same() -> None:
    data = seal(KEY.derived, SMALL)
    with pytest.raises(WrongKey) as wrong_key:
        open_sealed(OTHER_KEY.derived, data)
    with pytest.raises(WrongKey) as wrong_tag:
        open_sealed(KEY.derived, data[:-1] + bytes([data[-1] ^ 1]))
    assert wrong_key.value.message == wrong_tag.value.message


@given(st.binary(max_size=120), st.integers(0, 130), st.integers(0, 130), st.integers(0, 130))
def test_any_part_read_in_place_is_that_part_of_the_plaintext(
    plain: bytes, skip: int, offset: int, length: int
) -> None:
    reader = SealedReader(KEY.derived, io.BytesIO(seal(KEY.derived, plain)))
    assert reader.readable()
    assert reader.seekable()
    reader.skip(skip)
    rest = plain[skip:]
    assert reader.seek(offset) == offset
    assert reader.read(length) == rest[offset : offset + length]
    assert reader.seek(0, io.SEEK_END) == len(rest) == reader.tell()
    assert reader.read(1) == b""
    assert reader.seek(-len(rest), io.SEEK_CUR) == 0
    assert reader.read() == rest


def test_random_access_reaches_the_end_of_large_data() -> None:
    plain = random.Random(2).randbytes(2 * BUFFER_BYTES + 33)
    reader = SealedReader(KEY.derived, io.BytesIO(seal_stream(plain)))
    for offset in (0, 1, 15, 16, BUFFER_BYTES - 1, BUFFER_BYTES, len(plain) - 1):
        reader.seek(offset)
        assert reader.read(40) == plain[offset : offset + 40]


def test_a_source_that_shrinks_after_the_check_is_noticed() -> None:
    source = io.BytesIO(seal(KEY.derived, SMALL * 10))
    reader = SealedReader(KEY.derived, source)
    source.truncate(60)
    with pytest.raises(IntegrityError):
        reader.read()


def test_the_cost_of_a_derivation_is_the_published_one() -> None:
    assert envelope.ITERATIONS == 600_000
    expected = hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 600_000)
    assert envelope.derive("secret", "salt") == expected


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_password_and_salt_are_taken_as_text(password: str, salt: str) -> None:
    derived = envelope.derive(password, salt, iterations=1)
    assert derived == reference.derive(password, salt, 1)


def test_a_password_that_is_not_utf_8_is_refused_without_showing_it() -> None:
    with pytest.raises(KeyUnavailable) as caught:
        envelope.derive("canary\udcff", "salt", iterations=1)
    assert caught.value.__cause__ is None
    assert "canary" not in str(caught.value)
