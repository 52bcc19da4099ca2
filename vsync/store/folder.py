"""A store that is a folder: the embedded default, also good on a shared drive (formats §5).

1. An object's name is its path below the folder; any program may read or write such a folder.
2. A draft is written whole and fsynced in `~drafts`, a name no object can have, then linked or
   renamed into place: nobody ever sees half an object.
3. `link` never overwrites, on network drives too; replacing happens under one lock, `~lock`.
4. A tag is the SHA-256 of the content.
5. Below the folder no symbolic link is followed, and only regular files are objects.
"""

import errno
import fcntl
import hashlib
import io
import os
import secrets
import stat
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from filelock import FileLock, Timeout

from vsync.errors import (
    AlreadyExists,
    Conflict,
    IntegrityError,
    NotFound,
    Refused,
    StaleTag,
    StoreError,
    VsyncError,
)
from vsync.store.interface import (
    CHUNK,
    SEGMENT,
    Blob,
    ObjectInfo,
    Store,
    is_name,
    require_name,
    require_prefix,
)

DRAFTS = "~drafts"
LOCK = "~lock"
ABANDONED = 600  # seconds without a byte written, after which a draft that nobody locks is litter

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a named pipe must not wait for a writer.
_OBJECT = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_FULL = (StoreError, "no space is left for {name} in {where}", "free some space, then run the same again")
_DENIED = (Refused, "{name} in {where} may not be touched by this user", "check who owns the folder")
_ALTERED = (
    IntegrityError,
    "{name} in {where} is not a plain file in plain folders",
    "remove links from the store",
)
_ERRORS: dict[int | None, tuple[type[VsyncError], str, str]] = {
    errno.ENOENT: (NotFound, "{name} is not in {where}", "check the folder, or push first"),
    errno.EISDIR: (NotFound, "{name} is a folder in {where}", "name an object"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: (Refused, "{where} is mounted read-only", "mount it writable, or only pull"),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.ELOOP: _ALTERED,
    errno.ENOTDIR: _ALTERED,
}


class _Place(NamedTuple):
    """A name inside an open folder."""

    folder: int
    leaf: str

    def exists(self) -> bool:
        try:
            os.stat(self.leaf, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True


class FolderStore(Store):
    """Objects in a folder; safe between threads, processes and, for `create`, machines.

    Conflict when another process holds the lock for longer than `lock_timeout` seconds.
    """

    def __init__(self, path: Path, *, lock_timeout: float = 30.0) -> None:
        self._root = path
        self._lock_timeout = lock_timeout
        self.where = str(path)

    def is_there(self) -> bool:
        """Tell whether the folder exists: the drive that it lies on may not be mounted."""
        return self._root.is_dir()

    def read(self, name: str, *, limit: int) -> Blob:
        # The tag is made from what was read; `_open` would have to read large objects twice.
        data = super().read(name, limit=limit).data
        return Blob(data, hashlib.sha256(data).hexdigest())

    def names(self, prefix: str) -> Iterator[ObjectInfo]:
        require_prefix(prefix)
        with self._translated(f"{prefix}*"):
            found = list(self._walk(prefix))
        yield from sorted(found, key=lambda info: info.name)

    def delete(self, name: str) -> None:
        require_name(name)
        with suppress(NotFound), self._translated(name), self._parent(name) as place, self._lock():
            os.unlink(place.leaf, dir_fd=place.folder)
            os.fsync(place.folder)

    def _open(self, name: str, limit: int) -> tuple[str, Generator[bytes]]:
        with self._translated(name), self._parent(name) as place:
            file = _open_object(place)
        with ExitStack() as undo:
            undo.push(file)
            self._check_limit(name, os.fstat(file.fileno()).st_size, limit)
            undo.pop_all()
        return "", self._pieces(name, file)

    def _create(self, name: str, body: BinaryIO, size: int, sha256: str | None) -> None:  # noqa: ARG002 - no need
        with self._translated(name):
            self._prepare()
            with self._parent(name, make=True) as place:
                # Asked first, so that nobody copies gigabytes only to hear that they are there.
                taken = place.exists()
                if not taken:
                    with self._draft(name, body, size) as draft, self._lock():
                        taken = not _place_new(draft, place)
        if taken:
            raise AlreadyExists(f"{name} is already in {self.where}")

    def _swap(self, name: str, data: bytes, expected: str | None) -> str:
        with self._translated(name):
            self._prepare()
            with (
                self._parent(name, make=True) as place,
                self._draft(name, io.BytesIO(data), len(data)) as draft,
                self._lock(),
            ):
                if expected is None:
                    swapped = _place_new(draft, place)
                else:
                    swapped = _tag(place) == expected
                    if swapped:
                        os.rename(draft.leaf, place.leaf, src_dir_fd=draft.folder, dst_dir_fd=place.folder)
                        os.fsync(place.folder)
        if not swapped:
            raise StaleTag(f"{name} in {self.where} was changed by somebody else")
        return hashlib.sha256(data).hexdigest()

    def _pieces(self, name: str, file: io.FileIO) -> Generator[bytes]:
        with file, self._translated(name):
            while chunk := file.read(CHUNK):
                yield chunk

    def _walk(self, prefix: str) -> Iterator[ObjectInfo]:
        base = prefix.rpartition("/")[0]
        try:
            folder = self._folder(base.split("/") if base else [])
        except FileNotFoundError:
            return
        try:
            for top, folders, files, here in os.fwalk(".", dir_fd=folder, onerror=_raise):
                folders[:] = filter(SEGMENT.fullmatch, folders)
                path = "/".join(filter(None, [base, top[2:]]))
                for file in files:
                    name = f"{path}/{file}" if path else file
                    if name.startswith(prefix) and is_name(name):
                        yield from _listed(name, _Place(here, file))
        finally:
            os.close(folder)

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kind, text, hint = _ERRORS.get(
                error.errno,
                (StoreError, "{name} in {where}: {reason}", "check the drive that holds the store"),
            )
            reason = (error.strerror or type(error).__name__).lower()
            raise kind(text.format(name=name, where=self.where, reason=reason), hint=hint) from error

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # A lock object of its own for each use: flock then also keeps threads apart.
        lock = FileLock(self._root / LOCK, timeout=self._lock_timeout, mode=0o600)
        try:
            lock.acquire(poll_interval=0.01)
        except Timeout as error:
            raise Conflict(
                f"another process has been writing to {self.where} for {self._lock_timeout:g} s",
                hint="wait for it to end, then run the same again",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _folder(self, segments: list[str], *, make: bool = False) -> int:
        """Open a folder below the root one segment at a time, so that no link is followed."""
        folder = os.open(self._root, _FOLDER)
        try:
            for segment in segments:
                if make:
                    _make_folder(segment, folder)
                deeper = os.open(segment, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = deeper
        except OSError:
            os.close(folder)
            raise
        return folder

    @contextmanager
    def _parent(self, name: str, *, make: bool = False) -> Iterator[_Place]:
        *segments, leaf = name.split("/")
        folder = self._folder(segments, make=make)
        try:
            yield _Place(folder, leaf)
        finally:
            os.close(folder)

    def _prepare(self) -> None:
        missing = [path for path in (self._root, *self._root.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def _draft(self, name: str, body: BinaryIO, size: int) -> Iterator[_Place]:
        """Write the bytes, durable, where no object can be; whatever is left there goes at the end."""
        folder = self._folder([DRAFTS], make=True)
        draft = _Place(folder, secrets.token_hex(8))
        try:
            file = os.open(draft.leaf, _DRAFT, 0o600, dir_fd=folder)
            with io.FileIO(file, "w") as out, _removed(draft):
                fcntl.flock(file, fcntl.LOCK_EX)
                _tidy(folder, now=os.fstat(file).st_mtime)
                self._copy(name, body, out, size)
                yield draft
        finally:
            os.close(folder)

    def _copy(self, name: str, body: BinaryIO, out: io.FileIO, size: int) -> None:
        while size:
            chunk = body.read(min(size, CHUNK))
            if not chunk:
                raise StoreError(f"the body for {name} ended {size} bytes early")
            size -= len(chunk)
            view = memoryview(chunk)
            while view:
                view = view[out.write(view) :]
        os.fsync(out.fileno())


@contextmanager
def _removed(place: _Place) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            os.unlink(place.leaf, dir_fd=place.folder)


def _raise(error: OSError) -> None:
    raise error


def _make_folder(segment: str, parent: int) -> None:
    try:
        os.mkdir(segment, 0o700, dir_fd=parent)
    except FileExistsError:
        return
    os.fsync(parent)


def _open_object(place: _Place) -> io.FileIO:
    file = io.FileIO(os.open(place.leaf, _OBJECT, dir_fd=place.folder))
    mode = os.fstat(file.fileno()).st_mode
    if not stat.S_ISREG(mode):
        file.close()
        # A folder is no object, as on S3; a pipe or a device was put there by somebody.
        raise OSError(errno.ENOENT if stat.S_ISDIR(mode) else errno.ELOOP, os.strerror(errno.ELOOP))
    return file


def _tag(place: _Place) -> str | None:
    try:
        with _open_object(place) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _place_new(draft: _Place, place: _Place) -> bool:
    """Give the draft its name unless that is taken; the caller holds the lock."""
    try:
        # The lock may not reach another machine on a shared drive; link is atomic there as well.
        os.link(draft.leaf, place.leaf, src_dir_fd=draft.folder, dst_dir_fd=place.folder)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if place.exists():
            return False
        os.rename(draft.leaf, place.leaf, src_dir_fd=draft.folder, dst_dir_fd=place.folder)
    os.fsync(place.folder)
    return True


def _listed(name: str, place: _Place) -> Iterator[ObjectInfo]:
    with suppress(FileNotFoundError):  # deleted since the folder was read
        found = os.stat(place.leaf, dir_fd=place.folder, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode):
            yield ObjectInfo(name, found.st_size)


def _tidy(folder: int, *, now: float) -> None:
    """Remove the drafts of processes that were killed.

    A lock may be invisible from another machine and clocks differ, so a draft must also be old,
    by the clock that stamped our own new one.
    """
    for leaf in os.listdir(folder):
        with suppress(OSError):
            file = os.open(leaf, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            try:
                if now - os.fstat(file).st_mtime > ABANDONED:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(leaf, dir_fd=folder)
            finally:
                os.close(file)
