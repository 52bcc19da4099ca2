"""The zip inside a bundle (formats §2.1).

1. Writing is one pass into something that cannot seek. The same entries give the same bytes
   wherever the deflate library is the same, however their content comes in pieces.
2. Writers hold to every rule of the readers, and name the entry that breaks one.
3. Readers count the entries before an object is made of any (directory.py), and check each
   before any content is handed out.
"""

import io
import posixpath
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, Protocol, cast

from vsync.errors import Conflict, IntegrityError
from vsync.formats.directory import check_directory
from vsync.formats.entries import ArchiveLimits, PackEntry
from vsync.formats.names import MAX_DEPTH, collision, reader_problem

PIECE_BYTES = 1024 * 1024
SAMPLE_BYTES = 64 * 1024
DEFLATE_LEVEL = 1  # twice as fast as 6; secrets are small, and big files rarely shrink

_UTF8_NAME = 1 << 11
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_MADE_BY_UNIX = 3
_RAISE = "raise limits.{} in your own config.toml if you expect this"


class Sink(Protocol):
    """What an archive is written to: a cipher, not a file."""

    def write(self, data: bytes, /) -> int:
        """Take all of the data."""

    def flush(self) -> None:
        """Do nothing that matters."""


class _OneWay:
    """Hides that a sink can seek: zipfile would go back to mend its headers, and write other bytes."""

    def __init__(self, out: Sink) -> None:
        self.write = out.write
        self.flush = out.flush


@dataclass(frozen=True, slots=True)
class Entry:
    """One checked entry: path in the vault, `/` between parts, no final slash for a directory."""

    path: str
    is_directory: bool
    executable: bool
    info: zipfile.ZipInfo


class _Utf8Info(zipfile.ZipInfo):
    """Sets flag bit 11 on every name; zipfile does so only where it must."""

    __slots__ = ()

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's name
        return self.filename.encode("utf-8"), self.flag_bits | _UTF8_NAME


def write_archive(out: Sink, entries: Iterable[PackEntry], *, limits: ArchiveLimits | None = None) -> None:
    """Write the entries, sorted by the UTF-8 bytes of their names.

    Raises Conflict, which names the entry, for what `read_archive` would refuse.
    """
    limits = limits or ArchiveLimits()
    ordered = list(entries)
    _check_names(ordered, limits)
    ordered.sort(key=lambda entry: entry.name.encode())
    left = limits.unpacked
    with zipfile.ZipFile(cast("Any", _OneWay(out)), "w") as archive:
        for entry in ordered:
            left -= _write_entry(archive, entry, left)


def _check_names(entries: list[PackEntry], limits: ArchiveLimits) -> None:
    for entry in entries:
        problem = reader_problem(entry.name.removesuffix("/"))
        if problem:
            raise Conflict(f"{entry.name[:200]!r}: the name {problem}", hint="rename it, then try again")
    if len(entries) > limits.entries:
        raise Conflict(f"the folder has more than {limits.entries} entries", hint=_RAISE.format("entries"))
    files = [entry.name for entry in entries if entry.pieces]
    twins = collision(files, [entry.name.removesuffix("/") for entry in entries if not entry.pieces])
    if twins:
        raise Conflict(f"{twins[0]!r} and {twins[1]!r} are one name on some systems", hint="rename one")


def _write_entry(archive: zipfile.ZipFile, entry: PackEntry, limit: int) -> int:
    """Write one entry of at most `limit` bytes and return how many they were."""
    info = _Utf8Info(entry.name, (1980, 1, 1, 0, 0, 0))
    info.create_system = _MADE_BY_UNIX
    pieces = entry.pieces() if entry.pieces else iter(())
    first = _sample(pieces)
    if entry.pieces is None:
        info.external_attr = (stat.S_IFDIR | 0o700) << 16 | 0x10
    else:
        info.external_attr = (stat.S_IFREG | (0o700 if entry.executable else 0o600)) << 16
        if _shrinks(first[:SAMPLE_BYTES]):
            info.compress_type = zipfile.ZIP_DEFLATED
            cast("Any", info)._compresslevel = DEFLATE_LEVEL  # noqa: SLF001 - the only way per entry
    info.file_size = entry.size
    size = 0
    with archive.open(info, "w") as member:
        for piece in chain((first,), pieces):
            size += len(piece)
            if size > limit:
                raise Conflict(f"{entry.name!r}: the folder is too large", hint=_RAISE.format("unpacked"))
            member.write(piece)
    return size


def _sample(pieces: Iterator[bytes]) -> bytes:
    """Take as many pieces as the sample needs, so that their size does not decide."""
    first = bytearray()
    while len(first) < SAMPLE_BYTES and (piece := next(pieces, None)) is not None:
        first += piece
    return bytes(first)


def _shrinks(sample: bytes) -> bool:
    """Tell whether the sample shrinks by a tenth."""
    return len(zlib.compress(sample, DEFLATE_LEVEL)) * 10 <= len(sample) * 9


# What zipfile raises for content that its central directory does not announce; ValueError stands for
# a name that is not UTF-8.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class Archive:
    """The checked entries of a zip, read in place from a source that was verified.

    `folder` is the sender's vault folder, with its final slash; entries are relative to it.
    """

    def __init__(self, archive: zipfile.ZipFile, folder: str, entries: tuple[Entry, ...]) -> None:
        self._archive = archive
        self.folder = folder
        self.entries = entries

    def pieces(self, entry: Entry) -> Iterator[bytes]:
        """Yield the content of a file; IntegrityError when it is not what its header says."""
        left = entry.info.file_size
        try:
            with self._archive.open(entry.info) as member:
                while piece := member.read(PIECE_BYTES):
                    left -= len(piece)
                    yield piece
        except _DAMAGE as error:
            raise IntegrityError("an entry of the bundle is damaged") from error
        if left:
            raise IntegrityError("an entry of the bundle is shorter than it says")


def read_archive(source: io.RawIOBase | BinaryIO, limits: ArchiveLimits) -> Archive:
    """Open a zip after every entry in it was checked; IntegrityError says what is wrong.

    The sum of the sizes in the headers is held to the limit, and zipfile never gives more
    than a header says: so the limit holds for real bytes, too.
    """
    check_directory(source, limits.entries)
    try:
        archive = zipfile.ZipFile(cast("Any", source))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError) as error:
        raise IntegrityError("the bundle holds no readable archive") from error
    infos = archive.infolist()
    for info in infos:
        _check_info(info)
    if sum(info.file_size for info in infos) > limits.unpacked:
        raise IntegrityError(
            f"the bundle unpacks to more than {limits.unpacked} bytes", hint=_RAISE.format("unpacked")
        )
    folder = _sender_folder(infos)
    _check_paths([_utf8_name(info) for info in infos], limits)
    entries = tuple(_entry(info, folder) for info in infos if _utf8_name(info) != folder)
    return Archive(archive, folder, entries)


def _check_info(info: zipfile.ZipInfo) -> None:
    name = _utf8_name(info)
    path = name.removesuffix("/")
    problem = reader_problem(path) or _kind_problem(info, is_directory=name.endswith("/"))
    if problem:
        raise IntegrityError(f"the bundle is refused: entry {path[:200]!r} {problem}")


def _kind_problem(info: zipfile.ZipInfo, *, is_directory: bool) -> str | None:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in an unknown way"
    # Whatever system the entry names: the upper half is a mode, or it is zero.
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if is_directory else stat.S_IFREG):
        return "is not a plain file or folder"
    return "is a folder with content" if is_directory and info.file_size else None


def _utf8_name(info: zipfile.ZipInfo) -> str:
    """Return the name as its writer meant it: other writers leave the UTF-8 flag out.

    zipfile reads such names as code page 437 and cuts them at a NUL, so `orig_filename` it is.
    """
    if info.flag_bits & _UTF8_NAME:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _sender_folder(infos: list[zipfile.ZipInfo]) -> str:
    """Return the sender's vault folder: the first directory entry, else the longest common directory."""
    names = [_utf8_name(info) for info in infos]
    first = next((name for name in names if name.endswith("/")), None)
    if first is not None:
        return first
    common = posixpath.commonpath([posixpath.dirname(name) for name in names]) if names else ""
    return f"{common}/" if common else ""


def _entry(info: zipfile.ZipInfo, folder: str) -> Entry:
    name = _utf8_name(info)
    if not name.startswith(folder):
        raise IntegrityError(f"the bundle is refused: entry {name[:200]!r} lies outside its folder")
    executable = bool(info.external_attr >> 16 & stat.S_IXUSR) and not name.endswith("/")
    return Entry(name[len(folder) :].removesuffix("/"), name.endswith("/"), executable, info)


def _check_paths(names: list[str], limits: ArchiveLimits) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise IntegrityError(f"the bundle is refused: entry {twice[:200]!r} is there twice")
    _check_folders(names, limits.entries)
    files = [name for name in names if not name.endswith("/")]
    twins = collision(files, [name.removesuffix("/") for name in names if name.endswith("/")])
    if twins:
        raise IntegrityError(
            f"the bundle is refused: entries {twins[0][:200]!r} and {twins[1][:200]!r} collide"
        )


def _check_folders(names: list[str], most: int) -> None:
    """Refuse names that imply more folders than there may be entries: each costs as much as one."""
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
        if len(folders) > most + MAX_DEPTH:
            raise IntegrityError(f"the bundle has more than {most} folders")
