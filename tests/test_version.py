"""Names of versions (formats §3)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import versions
from vsync.errors import IntegrityError
from vsync.formats.version import is_version, parse_version, version_after


@given(versions)
def test_every_real_date_is_a_version(text: str) -> None:
    moment = parse_version(text)
    assert is_version(text)
    assert f"{moment.year:04d}{moment:%m%d-%H%M%S}" == text
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20260230-000000",
        "20261301-000000",
        "20260101-240000",
        "20260101-000060",
        "00000101-000000",
        "20260101_000000",
        "2026011-0000001",
        " 20260101-00000",
        "20260101-000000\n",
        "٢٠٢٦٠١٠١-٠٠٠٠٠٠",  # noqa: RUF001 - digits of another script
    ],
)
def test_what_is_no_date_is_no_version(text: str) -> None:
    assert not is_version(text)
    with pytest.raises(IntegrityError):
        parse_version(text)


# attack 19
@given(st.datetimes(min_value=datetime(1900, 1, 1)), versions.filter(lambda text: text < "9999"))  # noqa: DTZ001
def test_names_grow_with_any_clock(clock: datetime, newest: str) -> None:
    after = version_after(newest, clock.replace(tzinfo=UTC))
    assert after > newest
    assert is_version(after)


def test_without_a_newest_version_the_clock_decides_in_utc() -> None:
    berlin = timezone(timedelta(hours=2))
    assert version_after(None, datetime(2026, 5, 23, 13, 42, 1, tzinfo=berlin)) == "20260523-114201"


def test_the_second_after_the_newest_is_taken_when_the_clock_is_behind() -> None:
    now = datetime(2016, 1, 1, tzinfo=UTC)
    assert version_after("20251231-235959", now) == "20260101-000000"
    assert version_after("09990101-000000", datetime(990, 1, 1, tzinfo=UTC)) == "09990101-000001"


# attack 14
def test_nothing_follows_a_version_from_the_end_of_time() -> None:
    with pytest.raises(IntegrityError, match="no version can follow"):
        version_after("99991231-235959", datetime(2026, 1, 1, tzinfo=UTC))
