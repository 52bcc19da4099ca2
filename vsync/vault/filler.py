"""Writing files and folders into a new, private folder."""

import os
from collections.abc import Iterable

from vsync.formats.content import FileState
from vsync.formats.digest import Digest
from vsync.vault.descriptors import FILE_FLAGS, new_file, parent_of
from vsync.vault.tree import Scanned, stamp_of

SYNC_THREADS = 4


class Filler:
    """Writes files and folders into a new, private folder, below its descriptor."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._made: set[str] = {""}
        self._files: list[str] = []

    def add_folder(self, path: str) -> None:
        """Create a folder and its missing parents, 0700."""
        if path in self._made:
            return
        parent = path.rpartition("/")[0]
        self.add_folder(parent)
        with parent_of(self._root, path, path) as (descriptor, name):
            os.mkdir(name, 0o700, dir_fd=descriptor)
        self._made.add(path)

    def add_file(self, path: str, pieces: Iterable[bytes], *, executable: bool) -> Scanned:
        """Write a file, 0600 or 0700 from its first byte, and return it as a scan would."""
        self.add_folder(path.rpartition("/")[0])
        digest = Digest()
        with parent_of(self._root, path, path) as (parent, name):
            descriptor = new_file(name, parent, 0o700 if executable else 0o600)
        with open(descriptor, "wb", buffering=0) as file:
            for piece in pieces:
                digest.update(piece)
                _write_all(file.fileno(), piece)
            info = os.fstat(descriptor)
        self._files.append(path)
        state = FileState(path, executable, digest.hexdigest())
        return Scanned(state, info.st_size, info.st_mtime_ns, stamp_of(info))

    def sync(self) -> None:
        """Make what was written last; at the end, since each wait for the disk takes the rest along."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(SYNC_THREADS) as threads:
            list(threads.map(self._sync, [*self._files, *(self._made - {""})]))

    def _sync(self, path: str) -> None:
        with parent_of(self._root, path, path) as (parent, name):
            descriptor = os.open(name, FILE_FLAGS, dir_fd=parent)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
