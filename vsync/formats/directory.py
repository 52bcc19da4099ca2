"""The central directory of a zip, judged before zipfile makes an object of each of its records.

1. The end record is found where zipfile finds it, and its ZIP64 form is used when zipfile would
   use it: otherwise one directory would be counted and another one opened.
2. An archive starts at the first byte and its directory ends at its end record; what is put
   before, or hidden between, is refused.
"""

import io
import struct
from typing import BinaryIO

from vsync.errors import IntegrityError

MAX_DIRECTORY_BYTES = 128 * 1024 * 1024  # 100 000 entries with names of 1 KiB

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\5\6"
_LOCATOR = struct.Struct("<4sLQL")
_LOCATOR_MAGIC = b"PK\6\7"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_MAGIC = b"PK\6\6"
_RECORD = struct.Struct("<4s6H3L5H2L")
_RECORD_MAGIC = b"PK\1\2"
_TAIL_BYTES = _END.size + 65_535  # the longest comment


def check_directory(source: io.RawIOBase | BinaryIO, most: int) -> None:
    """Raise IntegrityError unless the archive's directory is whole and has at most `most` entries."""
    size = source.seek(0, io.SEEK_END)
    source.seek(max(0, size - _TAIL_BYTES))
    tail = _read(source, min(size, _TAIL_BYTES))
    at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) - at < _END.size:
        raise IntegrityError("the bundle holds no readable archive")
    length, offset = _END.unpack_from(tail, at)[5:7]
    end = size - len(tail) + at
    if end >= _LOCATOR.size:
        length, offset, end = _zip64(source, length, offset, end)
    if length > MAX_DIRECTORY_BYTES:
        raise IntegrityError("the bundle's list of entries is larger than it may be")
    if offset + length != end:
        raise IntegrityError("the bundle's list of entries is not where it should be")
    source.seek(offset)
    _count(_read(source, length), most)
    source.seek(0)


def _zip64(source: io.RawIOBase | BinaryIO, length: int, offset: int, end: int) -> tuple[int, int, int]:
    """Return length, offset and end of the directory as the ZIP64 records have it, if there are any."""
    source.seek(end - _LOCATOR.size)
    magic, _, place, _ = _LOCATOR.unpack(_read(source, _LOCATOR.size))
    if magic != _LOCATOR_MAGIC:
        return length, offset, end
    if place != end - _LOCATOR.size - _END64.size:
        raise IntegrityError("the bundle's list of entries is not where it should be")
    source.seek(place)
    record = _END64.unpack(_read(source, _END64.size))
    if record[0] != _END64_MAGIC:
        raise IntegrityError("the bundle's list of entries is damaged")
    return record[8], record[9], place


def _count(directory: bytes, most: int) -> None:
    count = position = 0
    while position + _RECORD.size <= len(directory):
        record = _RECORD.unpack_from(directory, position)
        if record[0] != _RECORD_MAGIC:
            break
        count += 1
        position += _RECORD.size + sum(record[10:13])
        if count > most:
            raise IntegrityError(f"the bundle has more than {most} entries")
    if position != len(directory):
        raise IntegrityError("the bundle's list of entries is damaged")


def _read(source: io.RawIOBase | BinaryIO, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = source.read(size - len(data))
        if not piece:
            raise IntegrityError("the bundle ended early")
        data += piece
    return bytes(data)
