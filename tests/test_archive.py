"""The zip inside a bundle (formats §2.1)."""

import io
import random
import stat
import tracemalloc
import zipfile
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.reference import Files
from tests.strategies import trees
from vsync.errors import Conflict, IntegrityError, UsageError
from vsync.formats.archive import SAMPLE_BYTES, Archive, read_archive, write_archive
from vsync.formats.entries import MAX_ENTRIES, MAX_UNPACKED_BYTES, ArchiveLimits, PackEntry

LIMITS = ArchiveLimits()
FOLDER = "infra/vault/prod"


def file(name: str, data: bytes = b"", *, executable: bool = False, piece: int = 1 << 20) -> PackEntry:
    def pieces() -> Iterator[bytes]:
        return (data[start : start + piece] for start in range(0, len(data), piece))

    return PackEntry(name, executable, len(data), pieces)


def pack_entries(files: Files, piece: int = 1 << 20) -> list[PackEntry]:
    folders = {path.rpartition("/")[0] for path in files if "/" in path}
    folders |= {folder[:end] for folder in folders for end in range(len(folder)) if folder[end] == "/"}
    return [
        PackEntry(f"{FOLDER}/"),
        *(PackEntry(f"{FOLDER}/{folder}/") for folder in folders),
        *(
            file(f"{FOLDER}/{path}", data, executable=executable, piece=piece)
            for path, (data, executable) in files.items()
        ),
    ]


def written(entries: list[PackEntry], limits: ArchiveLimits | None = None) -> bytes:
    out = io.BytesIO()
    write_archive(out, entries, limits=limits)
    return out.getvalue()


def unpacked(archive: Archive) -> Files:
    return {
        entry.path: (b"".join(archive.pieces(entry)), entry.executable)
        for entry in archive.entries
        if not entry.is_directory
    }


def raw(*rows: tuple[str, int, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, data in rows:
            archive.writestr(reference.entry(name, mode), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@given(trees)
def test_what_was_packed_is_read_with_its_modes(files: Files) -> None:
    archive = read_archive(io.BytesIO(written(pack_entries(files))), LIMITS)
    assert archive.folder == f"{FOLDER}/"
    assert unpacked(archive) == files


@given(trees)
def test_what_the_reference_packed_is_read(files: Files) -> None:
    archive = read_archive(io.BytesIO(reference.pack(FOLDER, files)), LIMITS)
    assert (archive.folder, unpacked(archive)) == (f"{FOLDER}/", files)


@given(trees, st.randoms(), st.integers(1, 300))
def test_identical_entries_give_identical_bytes(files: Files, chance: random.Random, piece: int) -> None:
    entries = pack_entries(files, piece)
    chance.shuffle(entries)
    assert written(entries) == written(pack_entries(files))


def test_the_size_of_the_pieces_does_not_decide_how_a_file_is_stored() -> None:
    noise = random.Random(3).randbytes(SAMPLE_BYTES // 2)
    data = noise + bytes(SAMPLE_BYTES // 2) + noise
    whole = written([PackEntry("v/"), file("v/a", data)])
    for piece in (1000, SAMPLE_BYTES // 2, SAMPLE_BYTES, SAMPLE_BYTES + 1):
        assert written([PackEntry("v/"), file("v/a", data, piece=piece)]) == whole


def test_entries_carry_what_the_format_says_and_nothing_else() -> None:
    noise = random.Random(4).randbytes(1000)
    data = written([file("v/\u00fc", bytes(1000)), file("v/b", noise, executable=True), PackEntry("v/")])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        assert archive.comment == b""
    assert [info.filename for info in infos] == ["v/", "v/b", "v/\u00fc"]
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {(info.create_system, info.flag_bits, info.extra, info.comment) for info in infos} == {
        (3, 1 << 3 | 1 << 11, b"", b"")
    }
    modes = [info.external_attr >> 16 for info in infos]
    assert modes == [stat.S_IFDIR | 0o700, stat.S_IFREG | 0o700, stat.S_IFREG | 0o600]
    assert [info.compress_type for info in infos] == [
        zipfile.ZIP_STORED,
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    ]


def test_writing_needs_neither_seeking_nor_memory() -> None:
    class Drain(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(memoryview(data))  # type: ignore[arg-type]

    block = random.Random(5).randbytes(1 << 20)
    entries = [PackEntry("v/"), PackEntry("v/big", size=64 << 20, pieces=lambda: iter([block] * 64))]
    tracemalloc.start()
    write_archive(Drain(), entries)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_the_limits_are_those_of_the_format() -> None:
    assert (LIMITS.entries, LIMITS.unpacked) == (MAX_ENTRIES, MAX_UNPACKED_BYTES) == (100_000, 4 << 30)


@pytest.mark.parametrize(
    ("entries", "limits", "message"),
    [
        ([file("v/../x")], LIMITS, "leaves its folder"),
        ([file("v/" + "x" * 300)], LIMITS, "too long"),
        ([PackEntry("v/a\n/")], LIMITS, "control"),
        ([file("v/\udcff")], LIMITS, "Unicode"),
        ([file("v/a"), file("v/A")], LIMITS, "one name"),
        ([file("v/a"), PackEntry("v/a/")], LIMITS, "one name"),
        ([file("v/a"), file("v/b")], ArchiveLimits(entries=1), "more than 1 entries"),
        ([file("v/a", b"xx"), file("v/b", b"yy")], ArchiveLimits(unpacked=3), "too large"),
    ],
)
def test_writers_refuse_what_readers_would(
    entries: list[PackEntry], limits: ArchiveLimits, message: str
) -> None:
    with pytest.raises(Conflict, match=message):
        written(entries, limits)
    assert not issubclass(Conflict, UsageError)


# attack 11
def test_a_bomb_is_refused_by_its_headers_before_it_is_unpacked() -> None:
    data = raw(("v/", 0o40700, b""), ("v/a", 0o100600, bytes(3_000_000)), ("v/b", 0o100600, bytes(3_000_000)))
    assert len(data) < 10_000
    with pytest.raises(IntegrityError, match="unpacks to more than 5999999"):
        read_archive(io.BytesIO(data), ArchiveLimits(unpacked=5_999_999))
    read_archive(io.BytesIO(data), ArchiveLimits(unpacked=6_000_000))


# attack 11
def test_a_header_that_lies_gives_no_more_than_it_says() -> None:
    honest = raw(("v/", 0o40700, b""), ("v/a", 0o100600, bytes(3_000_000)))
    size = (3_000_000).to_bytes(4, "little")
    for lie in (10, 3_000_001):
        archive = read_archive(io.BytesIO(honest.replace(size, lie.to_bytes(4, "little"))), LIMITS)
        taken = bytearray()
        with pytest.raises(IntegrityError):
            taken.extend(chain.from_iterable(archive.pieces(archive.entries[0])))
        assert len(taken) <= min(lie, 3_000_000)


# attack 11
def test_names_that_imply_a_million_folders_are_refused() -> None:
    rows = [(f"v/{number}/" + "a/" * 50 + "x", 0o100600, b"") for number in range(40)]
    with pytest.raises(IntegrityError, match="more than 1000 folders"):
        read_archive(io.BytesIO(raw(*rows)), ArchiveLimits(entries=1000))


# attack 1
def test_a_damaged_entry_ends_in_one_kind_of_refusal() -> None:
    good = raw(("v/", 0o40700, b""), ("v/secret", 0o100600, b"canary " * 20))
    messages = set()
    for place in range(len(good)):
        bad = good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]
        try:
            unpacked(read_archive(io.BytesIO(bad), LIMITS))
        except IntegrityError as error:
            messages.add(str(error))
    assert len(messages) > 5
    assert not any("canary" in message for message in messages)


@pytest.mark.parametrize(
    ("names", "folder", "paths"),
    [
        (["a/b/", "a/b/x"], "a/b/", ["x"]),
        (["a/b/x", "a/b/c/y"], "a/b/", ["x", "c/y"]),
        (["a/b/x"], "a/b/", ["x"]),
        (["x", "a/y"], "", ["x", "a/y"]),
        ([], "", []),
    ],
)
def test_entries_are_rooted_in_the_senders_folder(names: list[str], folder: str, paths: list[str]) -> None:
    data = raw(*((name, 0o40700 if name.endswith("/") else 0o100600, b"") for name in names))
    archive = read_archive(io.BytesIO(data), LIMITS)
    assert (archive.folder, [entry.path for entry in archive.entries]) == (folder, paths)


# attack 23
@pytest.mark.parametrize("system", [0, 3, 19])
@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFSOCK])
def test_special_files_are_refused_whatever_system_wrote_them(kind: int, system: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = reference.entry("v/x", kind | 0o777)
        info.create_system = system
        archive.writestr(info, b"/etc/shadow")
    with pytest.raises(IntegrityError, match="not a plain file"):
        read_archive(out, LIMITS)


def test_an_entry_of_a_writer_without_modes_is_a_plain_file() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("v/x")
        info.create_system = 0
        archive.writestr(info, b"data")
        info.external_attr = 0
    assert unpacked(read_archive(out, LIMITS)) == {"x": (b"data", False)}


def test_what_is_no_zip_at_all_is_refused() -> None:
    for data in (b"", b"PK", bytes(100), b"PK\5\6" + bytes(17)):
        with pytest.raises(IntegrityError):
            read_archive(io.BytesIO(data), LIMITS)
