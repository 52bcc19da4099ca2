"""The vault folder: read without following a link, replaced as a whole.

1. Every path is walked part by part from the repository's top through descriptors that follow
   no link, so that nobody can swap a folder for a link between a check and a write.
2. A new state is built in `.<name>.vsync/new` beside the folder, a folder that ignores itself
   in git. When it is whole, the old folder is renamed to `.<name>.vsync/old` and the new one
   into place. What exists says where a stopped run was; `settle` finishes or undoes it.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from vsync.errors import ConfigError, Conflict, DiskError, NotFound, VsyncError
from vsync.formats.archive import PackEntry
from vsync.formats.content import FileState
from vsync.formats.digest import Digest
from vsync.formats.names import collision, writer_problem

PIECE_BYTES = 1024 * 1024
SYNC_THREADS = 4
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderChanged(Conflict):
    """Somebody wrote to the vault while it was being read or replaced."""


class Unsettled(Enum):
    """How far a run that replaced the folder had come when it was stopped."""

    STAGED = "nothing was replaced yet"
    ASIDE = "the old folder was set aside, the new one is whole"
    SWAPPED = "the new folder is in place"


@dataclass(frozen=True, slots=True)
class Scanned:
    """One regular file as it was read; `stamp` changes whenever it is touched."""

    state: FileState
    size: int
    mtime_ns: int
    stamp: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A vault folder as it was read: folders and regular files, paths relative to it."""

    folders: tuple[str, ...] = ()
    files: tuple[Scanned, ...] = ()

    @property
    def states(self) -> tuple[FileState, ...]:
        """The files as formats §1.2 digests them."""
        return tuple(file.state for file in self.files)


def _stamp(info: os.stat_result) -> tuple[int, ...]:
    return (info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, info.st_mode & 0o100)


class VaultFolder:
    """One vault folder inside a repository; `folder` is relative to `top`, `/` between parts."""

    def __init__(self, top: Path, folder: str) -> None:
        self.top = top
        self.folder = folder
        self._parents, self._name = folder.split("/")[:-1], folder.rsplit("/", maxsplit=1)[-1]
        self._side = f".{self._name}.vsync"

    @property
    def path(self) -> Path:
        """The folder's absolute path, for messages and for links to it."""
        return self.top / self.folder

    def exists(self) -> bool:
        """Tell whether the folder is there; ConfigError when a link or a file is in its place."""
        try:
            with self._opened():
                return True
        except NotFound:
            return False

    def scan(self) -> Tree:
        """Read the whole folder.

        Raises NotFound when it is missing, Conflict for a link, a special file, or a name
        that is not UTF-8.
        """
        folders: list[str] = []
        files: list[Scanned] = []
        with self._opened() as root:
            self._scan_into(root, "", folders, files)
        files.sort(key=lambda file: file.state.path.encode())
        return Tree(tuple(sorted(folders, key=str.encode)), tuple(files))

    def _scan_into(self, descriptor: int, prefix: str, folders: list[str], files: list[Scanned]) -> None:
        for name in os.listdir(descriptor):
            path = prefix + name
            _check_utf8(self.folder, path)
            try:
                info = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError as error:
                raise self._changed(path) from error
            if stat.S_ISDIR(info.st_mode):
                folders.append(path)
                with _descend(descriptor, name, self.folder) as inner:
                    self._scan_into(inner, f"{path}/", folders, files)
            elif stat.S_ISREG(info.st_mode):
                files.append(_scan_file(descriptor, name, f"{self.folder}/{path}", path))
            else:
                kind = "a symbolic link" if stat.S_ISLNK(info.st_mode) else "a special file"
                raise Conflict(
                    f"{self.folder}/{path} is {kind}; a vault holds plain files only",
                    hint="replace it by a copy of what it stands for, or move it out of the vault",
                )

    def read_file(self, path: str, *, limit: int) -> bytes | None:
        """Return one file's content, or None when it is missing; Conflict above `limit` bytes."""
        descriptor = self._open_file(path)
        if descriptor is None:
            return None
        with open(descriptor, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Conflict(f"{self.folder}/{path} is larger than {limit} bytes")
        return data

    def pack_entries(self, tree: Tree) -> Iterator[PackEntry]:
        """Yield the entries of a bundle of exactly `tree`.

        While they are read, FolderChanged is raised when a file is no longer what it was.
        """
        yield PackEntry(f"{self.folder}/")
        for folder in tree.folders:
            yield PackEntry(f"{self.folder}/{folder}/")
        for file in tree.files:
            name = f"{self.folder}/{file.state.path}"
            yield PackEntry(name, file.state.executable, file.size, self._pieces(file))

    def _pieces(self, scanned: Scanned) -> Callable[[], Iterator[bytes]]:
        def read() -> Iterator[bytes]:
            path, digest = scanned.state.path, Digest()
            descriptor = self._open_file(path)
            if descriptor is None:
                raise self._changed(path)
            with open(descriptor, "rb", buffering=0) as file:
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
                    yield piece
            if digest.hexdigest() != scanned.state.sha256:
                raise self._changed(path)

        return read

    def _open_file(self, path: str) -> int | None:
        try:
            with (
                self._opened() as root,
                _parent_of(root, path, self.folder) as (parent, name),
                contextlib.suppress(FileNotFoundError),
            ):
                return os.open(name, _FILE_FLAGS, dir_fd=parent)
        except NotFound:
            return None
        return None

    def _changed(self, path: str) -> FolderChanged:
        return FolderChanged(
            f"{self.folder}/{path} was changed while vsync was reading it", hint="run the command again"
        )

    def create(self) -> None:
        """Create the empty folder, 0700, and its missing parents."""
        with self._parent(create=True) as parent, contextlib.suppress(FileExistsError):
            os.mkdir(self._name, 0o700, dir_fd=parent)
        self.exists()

    def replace(
        self, build: Callable[[int], None], *, expected: Tree | None, done: Callable[[], None] = lambda: None
    ) -> None:
        """Let `build` fill a new folder (given its descriptor), then put it into place.

        `expected` is what the folder held when the caller decided (None: it was missing);
        if it holds anything else by now, nothing is changed and FolderChanged is raised.
        `done` is called once the new state stands; stopped before that, `settle` calls it.
        """
        self.settle()
        with self._parent(create=True) as parent:
            with self._stage(parent) as new:
                build(new)
                os.fsync(new)
            with _descend(parent, self._side, self.folder) as side:
                try:
                    self._swap(parent, side, expected)
                    os.fsync(parent)
                    self._remove_plaintext(side)
                    done()
                except BaseException:
                    self._leave(parent, side)
                    raise
            # The new state stands: what cannot be removed now is removed by the next run.
            with contextlib.suppress(OSError):
                self._clean(parent)

    @contextmanager
    def _stage(self, parent: int) -> Iterator[int]:
        os.mkdir(self._side, 0o700, dir_fd=parent)
        try:
            with _descend(parent, self._side, self.folder) as side:
                # The folder ignores itself, so that no `git add` can pick up what is in it.
                with open(_new_file(".gitignore", side), "w", encoding="ascii") as file:
                    file.write("*\n")
                os.mkdir("new", 0o700, dir_fd=side)
                with _descend(side, "new", self.folder) as new:
                    yield new
        except BaseException:
            self._clean(parent)
            raise

    def _swap(self, parent: int, side: int, expected: Tree | None) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                os.rename(self._name, "old", src_dir_fd=parent, dst_dir_fd=side)
            self._require_expected(side, expected)
            os.rename("new", self._name, src_dir_fd=side, dst_dir_fd=parent)
        except BaseException:
            # Asked, not remembered: an interrupt may come between a rename and the next line.
            if _exists("old", side) and not _exists(self._name, parent):
                os.rename("old", self._name, src_dir_fd=side, dst_dir_fd=parent)
            raise

    def _leave(self, parent: int, side: int) -> None:
        """Tidy up after a failure, and leave what `settle` needs."""
        found = self._judge(parent, side)
        if found is Unsettled.STAGED:
            self._clean(parent)
        elif found is Unsettled.SWAPPED:
            self._remove_plaintext(side)

    def _require_expected(self, side: int, expected: Tree | None) -> None:
        found = self._stamps(side) if _exists("old", side) else None
        wanted = None if expected is None else {file.state.path: file.stamp for file in expected.files}
        if found != wanted:
            raise FolderChanged(
                f"{self.folder} was changed while vsync was at work; nothing was replaced",
                hint="run the command again",
            )

    def _stamps(self, side: int) -> dict[str, tuple[int, ...]]:
        """Return the stamps of all files in what was set aside: no content is read."""
        found: dict[str, tuple[int, ...]] = {}

        def collect(descriptor: int, prefix: str) -> None:
            for name in os.listdir(descriptor):
                info = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    with _descend(descriptor, name, self.folder) as inner:
                        collect(inner, f"{prefix}{name}/")
                else:
                    found[prefix + name] = _stamp(info)

        with _descend(side, "old", self.folder) as old:
            collect(old, "")
        return found

    def unsettled(self) -> Unsettled | None:
        """Tell what a run that was stopped on its way left behind, changing nothing."""
        try:
            with self._parent(create=False) as parent:
                if not _is_folder(self._side, parent):
                    return None
                with _descend(parent, self._side, self.folder) as side:
                    return self._judge(parent, side)
        except NotFound:
            return None

    def _judge(self, parent: int, side: int) -> Unsettled:
        if _is_folder(self._name, parent):
            return Unsettled.STAGED if _exists("new", side) else Unsettled.SWAPPED
        # The old folder is set aside only when the new one is whole.
        return Unsettled.ASIDE if _is_folder("old", side) else Unsettled.STAGED

    def settle(self, done: Callable[[], None] = lambda: None) -> None:
        """Finish or undo what a stopped run left behind; `done` is called if its new state stands."""
        if self.unsettled() is None:
            return
        with self._parent(create=False) as parent:
            with _descend(parent, self._side, self.folder) as side:
                found = self._judge(parent, side)
                if found is Unsettled.ASIDE:
                    which = "new" if _is_folder("new", side) else "old"
                    os.rename(which, self._name, src_dir_fd=side, dst_dir_fd=parent)
                    os.fsync(parent)
                    found = Unsettled.SWAPPED if which == "new" else Unsettled.STAGED
                if found is Unsettled.SWAPPED:
                    done()
            self._clean(parent)

    def _clean(self, parent: int) -> None:
        # Secrets first: as long as one is left, the rule that hides it from git must be, too.
        with _descend(parent, self._side, self.folder) as side:
            self._remove_plaintext(side)
        shutil.rmtree(self._side, dir_fd=parent)

    def _remove_plaintext(self, side: int) -> None:
        for name in ("new", "old"):
            if _is_folder(name, side):
                shutil.rmtree(name, dir_fd=side)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        with self._parent(create=False) as parent, _descend(parent, self._name, self.folder) as root:
            yield root

    @contextmanager
    def _parent(self, *, create: bool) -> Iterator[int]:
        """Open the folder's parent, walking down from the top without following a link."""
        with contextlib.ExitStack() as stack:
            descriptor = os.open(self.top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            for part in self._parents:
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=descriptor)
                descriptor = stack.enter_context(_descend(descriptor, part, self.folder))
            with _explained(self.folder):
                yield descriptor


def _open_folder(name: str, parent: int) -> int:
    return os.open(name, _FOLDER_FLAGS, dir_fd=parent)


def _new_file(name: str, parent: int, mode: int = 0o600) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, mode, dir_fd=parent)


def _exists(name: str, parent: int) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_folder(name: str, parent: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


@contextmanager
def _descend(parent: int, name: str, folder: str) -> Iterator[int]:
    """Open a folder in a folder; a link in its place is named and refused."""
    try:
        descriptor = _open_folder(name, parent)
    except FileNotFoundError as error:
        raise NotFound(f"there is no folder {folder}", hint="git vsync pull brings it") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise ConfigError(
                f"{name!r} on the way into {folder} is not a plain folder",
                hint="a vault and the folders above it must be real folders: remove the link or the file",
            ) from error
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _parent_of(root: int, path: str, folder: str) -> Iterator[tuple[int, str]]:
    *parents, name = path.split("/")
    with contextlib.ExitStack() as stack:
        descriptor = root
        for part in parents:
            descriptor = stack.enter_context(_descend(descriptor, part, folder))
        yield descriptor, name


def _check_utf8(folder: str, path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = ascii(path)
        raise Conflict(f"{folder} holds a file whose name is not UTF-8: {shown}", hint="rename it") from None


def _scan_file(parent: int, name: str, shown: str, path: str) -> Scanned:
    try:
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=parent)
    except FileNotFoundError as error:
        raise FolderChanged(
            f"{shown} vanished while vsync was reading", hint="run the command again"
        ) from error
    with open(descriptor, "rb", buffering=0) as file:
        # It was a regular file when it was looked at; somebody may have put a pipe there since.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FolderChanged(f"{shown} was replaced while vsync was reading", hint="run the command again")
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        info = os.fstat(descriptor)
    state = FileState(path, bool(info.st_mode & stat.S_IXUSR), digest)
    return Scanned(state, info.st_size, info.st_mtime_ns, _stamp(info))


@contextmanager
def _explained(folder: str) -> Iterator[None]:
    """Turn what the operating system says about the folder into one line."""
    try:
        yield
    except VsyncError:
        raise
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise DiskError(
            f"cannot work in {folder}: {reason}; it was left as it was",
            hint="check the free space, the owner and the mode of the folder, then try again",
        ) from error


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
        with _parent_of(self._root, path, path) as (descriptor, name):
            os.mkdir(name, 0o700, dir_fd=descriptor)
        self._made.add(path)

    def add_file(self, path: str, pieces: Iterable[bytes], *, executable: bool) -> Scanned:
        """Write a file, 0600 or 0700 from its first byte, and return it as a scan would."""
        self.add_folder(path.rpartition("/")[0])
        digest = Digest()
        with _parent_of(self._root, path, path) as (parent, name):
            descriptor = _new_file(name, parent, 0o700 if executable else 0o600)
        with open(descriptor, "wb", buffering=0) as file:
            for piece in pieces:
                digest.update(piece)
                _write_all(file.fileno(), piece)
            info = os.fstat(descriptor)
        self._files.append(path)
        state = FileState(path, executable, digest.hexdigest())
        return Scanned(state, info.st_size, info.st_mtime_ns, _stamp(info))

    def sync(self) -> None:
        """Make what was written last; at the end, since each wait for the disk takes the rest along."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(SYNC_THREADS) as threads:
            list(threads.map(self._sync, [*self._files, *(self._made - {""})]))

    def _sync(self, path: str) -> None:
        with _parent_of(self._root, path, path) as (parent, name):
            descriptor = os.open(name, _FILE_FLAGS, dir_fd=parent)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


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
