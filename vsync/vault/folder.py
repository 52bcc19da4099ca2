"""The vault folder: read without following a link, replaced as a whole.

1. Every path is walked part by part from the repository's top through descriptors that follow
   no link, so that nobody can swap a folder for a link between a check and a write.
2. A new state is built in `.<name>.vsync/new` beside the folder, a folder that ignores itself
   in git. When it is whole, the old folder is renamed to `.<name>.vsync/old` and the new one
   into place. What exists says where a stopped run was; `settle` finishes or undoes it.
3. Nothing goes from there into place, or is lost there, that a run of this machine's has not
   noted elsewhere: the side folder may have come with the repository.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from vsync.errors import Conflict, NotFound
from vsync.formats.digest import Digest
from vsync.formats.entries import PackEntry
from vsync.vault.descriptors import FILE_FLAGS, descend, exists, explained, is_folder, new_file, parent_of
from vsync.vault.tree import FolderChanged, Scanned, Tree, check_utf8, scan_file, stamp_of

PIECE_BYTES = 1024 * 1024


class Unsettled(Enum):
    """How far a run that replaced the folder had come when it was stopped."""

    STAGED = "nothing was replaced yet"
    ASIDE = "the old folder was set aside, the new one is whole"
    SWAPPED = "the new folder is in place"
    TORN = "somebody made the folder anew while the old one was aside"


class VaultFolder:
    """One vault folder inside a repository; `folder` is relative to `top`, `/` between parts."""

    def __init__(self, top: Path, folder: str) -> None:
        self.top = top
        self.folder = folder
        self._parents, self._name = folder.split("/")[:-1], folder.rsplit("/", maxsplit=1)[-1]
        self._side = f".{self._name}.vsync"
        self.side = "/".join((*self._parents, self._side))

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
            check_utf8(self.folder, path)
            try:
                info = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError as error:
                raise self._changed(path) from error
            if stat.S_ISDIR(info.st_mode):
                folders.append(path)
                with descend(descriptor, name, self.folder) as inner:
                    self._scan_into(inner, f"{path}/", folders, files)
            elif stat.S_ISREG(info.st_mode):
                files.append(scan_file(descriptor, name, f"{self.folder}/{path}", path))
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
            yield PackEntry(name, file.state.executable, file.size, self.pieces(file))

    def pieces(self, scanned: Scanned) -> Callable[[], Iterator[bytes]]:
        """Return what reads a file in pieces, and raises FolderChanged when it is no longer what it was."""

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
                parent_of(root, path, self.folder) as (parent, name),
                contextlib.suppress(FileNotFoundError),
            ):
                return os.open(name, FILE_FLAGS, dir_fd=parent)
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
        self,
        build: Callable[[int], None],
        *,
        expected: Tree | None,
        done: Callable[[], None] = lambda: None,
        undone: Callable[[], None] = lambda: None,
    ) -> None:
        """Let `build` fill a new folder (given its descriptor), then put it into place.

        `expected` is what the folder held when the caller decided (None: it was missing);
        if it holds anything else by now, nothing is changed and FolderChanged is raised.
        `build` notes what it does before it returns; `done` is called once the new state stands,
        `undone` when it will not; stopped before that, `settle` calls them.
        """
        self.settle(noted=False)
        with self._parent(create=True) as parent:
            with self._stage(parent) as new:
                build(new)
                os.fsync(new)
            with descend(parent, self._side, self.folder) as side:
                try:
                    self._swap(parent, side, expected)
                    os.fsync(parent)
                    self._remove_plaintext(side)
                    done()
                except BaseException as error:
                    if self._leave(parent, side, undone):
                        raise self._torn() from error
                    raise
            # The new state stands: what cannot be removed now is removed by the next run.
            with contextlib.suppress(OSError):
                self._clean(parent)

    @contextmanager
    def _stage(self, parent: int) -> Iterator[int]:
        os.mkdir(self._side, 0o700, dir_fd=parent)
        try:
            with descend(parent, self._side, self.folder) as side:
                # The folder ignores itself, so that no `git add` can pick up what is in it.
                with open(new_file(".gitignore", side), "w", encoding="ascii") as file:
                    file.write("*\n")
                os.mkdir("new", 0o700, dir_fd=side)
                with descend(side, "new", self.folder) as new:
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
            if exists("old", side) and not exists(self._name, parent):
                os.rename("old", self._name, src_dir_fd=side, dst_dir_fd=parent)
            raise

    def _leave(self, parent: int, side: int, undone: Callable[[], None]) -> bool:
        """Tidy up after a failure, and leave what `settle` needs; True when all must stay as it is."""
        found = self._judge(parent, side)
        if found is Unsettled.STAGED:
            undone()
            self._clean(parent)
        elif found is Unsettled.SWAPPED:
            self._remove_plaintext(side)
        return found is Unsettled.TORN

    def _torn(self) -> Conflict:
        return Conflict(
            f"{self.folder} was made anew while it was being replaced: {self.side}/old is what was in it, "
            f"{self.side}/new what replaces that, and nothing was removed",
            hint=f"keep what you need of the three, move {self.folder} away, then: git vsync pull",
        )

    def _foreign(self) -> Conflict:
        return Conflict(
            f"{self.side} holds a folder that nothing on this machine has set aside: it is not touched",
            hint=f"look at {self.side}/old: if it is yours, move it to {self.folder}; "
            f"then rm -r {self.side}, and try again",
        )

    def _require_expected(self, side: int, expected: Tree | None) -> None:
        found = self._stamps(side) if exists("old", side) else None
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
                    with descend(descriptor, name, self.folder) as inner:
                        collect(inner, f"{prefix}{name}/")
                else:
                    found[prefix + name] = stamp_of(info)

        with descend(side, "old", self.folder) as old:
            collect(old, "")
        return found

    def unsettled(self) -> Unsettled | None:
        """Tell what a run that was stopped on its way left behind, changing nothing.

        ConfigError when a link or a file is where that would lie.
        """
        try:
            with (
                self._parent(create=False) as parent,
                descend(parent, self._side, self.folder) as side,
            ):
                return self._judge(parent, side)
        except NotFound:
            return None

    def _judge(self, parent: int, side: int) -> Unsettled:
        if exists(self._name, parent) and exists("old", side) and exists("new", side):
            return Unsettled.TORN
        if is_folder(self._name, parent):
            return Unsettled.STAGED if exists("new", side) else Unsettled.SWAPPED
        # The old folder is set aside only when the new one is whole.
        return Unsettled.ASIDE if is_folder("old", side) else Unsettled.STAGED

    def settle(
        self,
        *,
        noted: bool,
        done: Callable[[], None] = lambda: None,
        undone: Callable[[], None] = lambda: None,
    ) -> None:
        """Finish or undo what a stopped run left behind; `done` is called if its new state stands.

        `noted` says whether this machine knows of such a run. Raises Conflict, and touches nothing,
        for an old folder that it knows nothing of, and for one that was made anew in between.
        """
        if self.unsettled() is None:
            return
        with self._parent(create=False) as parent:
            with descend(parent, self._side, self.folder) as side:
                found = self._judge(parent, side)
                if not noted and exists("old", side):
                    raise self._foreign()
                if found is Unsettled.TORN:
                    raise self._torn()
                if found is Unsettled.ASIDE:
                    which = "new" if is_folder("new", side) else "old"
                    os.rename(which, self._name, src_dir_fd=side, dst_dir_fd=parent)
                    os.fsync(parent)
                    found = Unsettled.SWAPPED if which == "new" else Unsettled.STAGED
                if found is Unsettled.STAGED:
                    # First of all: with the note, what is left of it would look like a new state.
                    undone()
                self._remove_plaintext(side)
                if found is Unsettled.SWAPPED:
                    done()
            self._clean(parent)

    def _clean(self, parent: int) -> None:
        # Secrets first: as long as one is left, the rule that hides it from git must be, too.
        with descend(parent, self._side, self.folder) as side:
            self._remove_plaintext(side)
        _remove_tree(self._side, parent)

    def _remove_plaintext(self, side: int) -> None:
        for name in ("new", "old"):
            if is_folder(name, side):
                _remove_tree(name, side)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        with self._parent(create=False) as parent, descend(parent, self._name, self.folder) as root:
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
                descriptor = stack.enter_context(descend(descriptor, part, self.folder))
            with explained(self.folder):
                yield descriptor


def _remove_tree(name: str, parent: int) -> None:
    # Only what replaces a folder removes one, and shutil brings three compressors along.
    import shutil

    shutil.rmtree(name, dir_fd=parent)
