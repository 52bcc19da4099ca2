"""The seal inside an encryption (formats §2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import versions
from vsync.errors import IntegrityError
from vsync.formats.seal import SEAL_BYTES, seal_header, split_seal, unseal


@given(versions, st.binary(max_size=50))
def test_a_seal_gives_back_its_version_and_what_follows(version: str, payload: bytes) -> None:
    data = seal_header(version) + payload
    assert len(seal_header(version)) == SEAL_BYTES == 23
    assert split_seal(data) == (version, payload)
    assert unseal(data, version=version) == payload


# attack 2
def test_every_truncated_seal_is_refused() -> None:
    header = seal_header("20260523-114201")
    for length in range(SEAL_BYTES):
        with pytest.raises(IntegrityError):
            split_seal(header[:length])


# attack 15
def test_a_bundle_sealed_as_another_version_is_refused() -> None:
    with pytest.raises(IntegrityError, match="sealed as 20260523-114201, not as 20260523-114202"):
        unseal(seal_header("20260523-114201"), version="20260523-114202")


@pytest.mark.parametrize("timestamp", [b"20260230-000000", b"2026052\xff-114201", b"YYYYMMDD-HHMMSS"])
def test_a_seal_that_names_no_real_date_is_refused(timestamp: bytes) -> None:
    with pytest.raises(IntegrityError):
        split_seal(b"RQEM0001" + timestamp)


def test_no_seal_is_written_for_what_is_no_version() -> None:
    with pytest.raises(IntegrityError):
        seal_header("20260230-000000")
