"""What a vault folder holds, as it was read; and what of it may be pushed."""

import hashlib
import io
import os
import stat
from typing import NamedTuple

from vsync.errors import Conflict
from vsync.formats.content import FileState
from vsync.formats.names import collision, writer_problem
from vsync.vault.descriptors import FILE_FLAGS

HASHED_BYTES = 4 * 1024 * 1024


class FolderChanged(Conflict):
    """Somebody wrote to the vault while it was being read or replaced."""


class Scanned(NamedTuple):
    """One regular file as it was read; `stamp` changes whenever it is touched."""

    state: FileState
    size: int
    mtime_ns: int
    stamp: tuple[int, ...]


class Tree(NamedTuple):
    """A vault folder as it was read: folders and regular files, paths relative to it."""

    folders: tuple[str, ...] = ()
    files: tuple[Scanned, ...] = ()

    @property
    def states(self) -> tuple[FileState, ...]:
        """The files as formats §1.2 digests them."""
        return tuple(file.state for file in self.files)


def stamp_of(info: os.stat_result) -> tuple[int, ...]:
    """Return what changes whenever a file is touched: size, times, inode and executability."""
    return (info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_mode & 0o100)


def check_utf8(folder: str, path: str) -> None:
    """Refuse a name that is not UTF-8: Conflict, with the name spelled in ASCII."""
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = ascii(path)
        raise Conflict(f"{folder} holds a file whose name is not UTF-8: {shown}", hint="rename it") from None


def scan_file(parent: int, name: str, shown: str, path: str) -> Scanned:
    """Read one file; FolderChanged when it is no longer what the listing said."""
    try:
        descriptor = os.open(name, FILE_FLAGS, dir_fd=parent)
    except FileNotFoundError as error:
        raise FolderChanged(
            f"{shown} vanished while vsync was reading", hint="run the command again"
        ) from error
    with open(descriptor, "rb", buffering=0) as file:
        # It was a regular file when it was looked at; somebody may have put a pipe there since.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FolderChanged(f"{shown} was replaced while vsync was reading", hint="run the command again")
        digest = _sha256(file, os.fstat(descriptor).st_size)
        info = os.fstat(descriptor)
    state = FileState(path, bool(info.st_mode & stat.S_IXUSR), digest)
    return Scanned(state, info.st_size, info.st_mtime_ns, stamp_of(info))


def _sha256(file: io.FileIO, size: int) -> str:
    # Large pieces: after each, this thread waits for one that imports botocore to let go.
    digest, buffer = hashlib.sha256(), memoryview(bytearray(min(size, HASHED_BYTES) or 1))
    while count := file.readinto(buffer):
        digest.update(buffer[:count])
    return digest.hexdigest()


def check_pushable(folder: str, tree: Tree) -> None:
    """Refuse names that some reader would refuse, and name them (formats §2.1, attacks 28 to 30)."""
    paths = [*tree.folders, *(file.state.path for file in tree.files)]
    for path in paths:
        problem = writer_problem(path)
        if problem:
            raise Conflict(f"{folder}/{path}: the name {problem}", hint="rename it, then push again")
    twins = collision((file.state.path for file in tree.files), tree.folders)
    if twins:
        raise Conflict(
            f"{folder}: {twins[0]!r} and {twins[1]!r} are one name on some systems", hint="rename one of them"
        )
