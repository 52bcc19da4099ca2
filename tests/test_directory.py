"""The central directory of a zip, counted before zipfile opens it (formats §2.1, attack 11)."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.errors import IntegrityError
from vsync.formats.directory import check_directory


def archive(count: int, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for number in range(count):
            file.writestr(str(number), b"")
        file.comment = comment
    return out.getvalue()


def zip64_of(data: bytes, fake_count: int) -> bytes:
    """Put ZIP64 records before the end record, which zipfile then believes instead of it."""
    at = data.rindex(b"PK\5\6")
    count, _, size, offset = struct.unpack_from("<HHLL", data, at + 8)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, fake_count, fake_count, 0, offset, 0)
    return data[:at] + record + locator + end


@given(st.integers(0, 8), st.integers(0, 8), st.text("abc", max_size=5))
def test_as_many_entries_as_allowed_pass_and_no_more(count: int, most: int, comment: str) -> None:
    data = io.BytesIO(archive(count, comment.encode()))
    if count <= most:
        check_directory(data, most)
        assert data.tell() == 0
        return
    with pytest.raises(IntegrityError, match=f"more than {most} entries"):
        check_directory(data, most)


# attack 11
def test_entries_hidden_behind_zip64_records_are_counted() -> None:
    data = zip64_of(archive(5), fake_count=0)
    assert len(zipfile.ZipFile(io.BytesIO(data)).infolist()) == 5
    check_directory(io.BytesIO(data), 5)
    with pytest.raises(IntegrityError, match="more than 4 entries"):
        check_directory(io.BytesIO(data), 4)


# attack 11
def test_100_001_entries_are_refused_before_an_object_is_made_of_any() -> None:
    record = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 1, *[0] * 6) + b"x"
    size = len(record) * 100_001
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, 0, 0)
    with pytest.raises(IntegrityError, match="more than 100000 entries"):
        check_directory(io.BytesIO(record * 100_001 + end), 100_000)


def test_a_directory_larger_than_it_may_be_is_not_read() -> None:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 0xFFFFFFF0, 0, 0)
    with pytest.raises(IntegrityError, match="larger than it may be"):
        check_directory(io.BytesIO(end), 10)


@pytest.mark.parametrize("place", range(0, 22, 3))
def test_a_changed_end_record_never_escapes_the_checks(place: int) -> None:
    data = archive(3)
    at = len(data) - 22 + place
    bad = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
    try:
        check_directory(io.BytesIO(bad), 3)
    except IntegrityError:
        return
    assert len(zipfile.ZipFile(io.BytesIO(bad)).infolist()) <= 3


# attack 2
def test_every_truncation_is_refused() -> None:
    for data in (archive(3), zip64_of(archive(2), fake_count=2)):
        for length in range(len(data)):
            with pytest.raises(IntegrityError):
                check_directory(io.BytesIO(data[:length]), 10)


def test_bytes_before_the_archive_or_after_its_directory_are_refused() -> None:
    data = archive(3)
    at = data.rindex(b"PK\5\6")
    sixty_four = zip64_of(data, fake_count=3)
    for bad in (b"before" + data, data[:at] + b"between" + data[at:], b"before" + sixty_four):
        with pytest.raises(IntegrityError, match="not where it should be"):
            check_directory(io.BytesIO(bad), 10)


def test_damage_inside_the_directory_is_refused() -> None:
    data = archive(3)
    start = data.index(b"PK\1\2")
    for bad in (
        data[:start] + b"XX" + data[start + 2 :],
        data[: start + 28] + b"\xff" + data[start + 29 :],
        zip64_of(data, 3).replace(b"PK\6\6", b"XX\6\6"),
    ):
        with pytest.raises(IntegrityError, match="damaged"):
            check_directory(io.BytesIO(bad), 10)
