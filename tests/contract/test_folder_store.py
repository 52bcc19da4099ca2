"""FolderStore keeps the contract, and what only a folder can be asked."""

import io
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.store_contract import HEAD, NAME, StoreContract, put
from vsync.errors import Conflict, IntegrityError, NotFound, Refused, StoreError
from vsync.store.folder import ABANDONED, DRAFTS, LOCK, FolderStore

RACE = """
import sys
from pathlib import Path
from vsync.errors import StaleTag
from vsync.store.folder import FolderStore

store, me = FolderStore(Path(sys.argv[1])), sys.argv[2].encode()
sys.stdin.readline()
won = 0
while won < 5:
    blob = store.read("count", limit=1000)
    try:
        store.swap("count", blob.data + me, expected=blob.tag)
        won += 1
    except StaleTag:
        pass
"""
DIE = """
import io, os, signal, sys
from pathlib import Path
from vsync.store.folder import FolderStore

class Killer(io.BytesIO):
    def read(self, size=-1):
        if self.tell():
            print("half", flush=True)
            signal.pause()
        return super().read(min(size, 1000))

FolderStore(Path(sys.argv[1])).create("a/b", Killer(bytes(5000)), size=5000)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store"


class TestFolderStore(StoreContract):
    @pytest.fixture
    def store(self, root: Path) -> FolderStore:
        return FolderStore(root)


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


def start(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_objects_lie_under_their_own_names(store: FolderStore, root: Path) -> None:
    put(store, NAME, b"bundle")
    store.swap(HEAD, b"head", expected=None)
    assert (root / NAME).read_bytes() == b"bundle"
    assert (root / HEAD).read_bytes() == b"head"


def test_a_folder_that_another_program_wrote_opens(store: FolderStore, root: Path) -> None:
    (root / "myapp" / "prod").mkdir(parents=True)
    (root / HEAD).write_bytes(b"theirs")
    blob = store.read(HEAD, limit=10)
    store.swap(HEAD, b"ours", expected=blob.tag)
    assert (root / HEAD).read_bytes() == b"ours"


def test_a_missing_folder_is_not_made_by_looking(store: FolderStore, root: Path) -> None:
    with pytest.raises(NotFound) as caught:
        store.read(HEAD, limit=10)
    assert caught.value.hint
    store.delete(HEAD)
    assert list(store.names("")) == []
    assert not root.parent.exists()


def test_everything_is_private_whatever_the_umask(store: FolderStore, root: Path) -> None:  # attack 31
    before = os.umask(0)
    try:
        put(store, NAME, b"bundle")
        store.swap(HEAD, b"head", expected=None)
    finally:
        os.umask(before)
    found = [root.parent, root, *root.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}
    files = [path for path in found if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {root / NAME, root / HEAD, root / LOCK} == set(files)


def test_processes_that_swap_at_once_lose_nothing(store: FolderStore, root: Path) -> None:  # attack 81, 96
    store.swap("count", b"", expected=None)
    children = [start(RACE, root, name) for name in "abcd"]
    for child in children:
        child.communicate(b"go\n", timeout=60)
    assert {child.returncode for child in children} == {0}
    assert sorted(store.read("count", limit=100).data) == sorted(b"abcd" * 5)


def test_a_writer_that_is_killed_leaves_no_object(store: FolderStore, root: Path) -> None:  # attack 33
    child = start(DIE, root)
    assert child.stdout
    assert child.stdout.readline() == b"half\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (litter,) = (root / DRAFTS).iterdir()
    assert list(store.names("")) == []
    os.utime(litter, (0, 0))
    put(store, "a/b", b"second try")
    assert list((root / DRAFTS).iterdir()) == []


def test_a_draft_that_somebody_writes_is_left_alone(store: FolderStore, root: Path) -> None:
    child = start(DIE, root)
    assert child.stdout
    child.stdout.readline()
    (draft,) = (root / DRAFTS).iterdir()
    put(store, "c", b"young drafts may be another machine's")
    assert draft.exists()
    os.utime(draft, (0, 0))
    put(store, "d", b"old ones that are locked are being written")
    assert draft.exists()
    child.kill()
    child.communicate()


def test_a_lock_that_is_held_is_a_conflict(root: Path) -> None:  # attack 96
    store = FolderStore(root, lock_timeout=0.05)
    put(store, NAME, b"bundle")
    with store._lock(), pytest.raises(Conflict, match="another process") as caught:
        store.swap(HEAD, b"head", expected=None)
    assert caught.value.hint
    store.swap(HEAD, b"head", expected=None)


@pytest.mark.parametrize("name", [HEAD, "myapp/prod/linked/manifest"])
def test_no_link_is_followed(store: FolderStore, root: Path, tmp_path: Path, name: str) -> None:  # attack 24
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "manifest").write_bytes(b"target")
    put(store, NAME, b"bundle")
    (root / HEAD).symlink_to(outside / "manifest")
    (root / "myapp/prod/linked").symlink_to(outside)
    with pytest.raises(IntegrityError):
        store.read(name, limit=10)
    with pytest.raises((IntegrityError, Conflict)):
        store.swap(name, b"evil", expected=None)
    assert [row.name for row in store.names("")] == [NAME]
    assert (outside / "manifest").read_bytes() == b"target"
    assert len(list(outside.iterdir())) == 1


def test_a_pipe_is_no_object(store: FolderStore, root: Path) -> None:
    root.mkdir(parents=True)
    os.mkfifo(root / "manifest")
    with pytest.raises(IntegrityError):
        store.read("manifest", limit=10)
    assert list(store.names("")) == []


def test_a_file_of_another_name_is_not_listed(store: FolderStore, root: Path) -> None:
    put(store, "a", b"x")
    (root / "Icon\r").touch()
    (root / "~$lock.docx").touch()
    assert [row.name for row in store.names("")] == ["a"]


def test_without_hard_links_nothing_is_overwritten(
    store: FolderStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "no hard links on FAT")

    monkeypatch.setattr(os, "link", refuse)
    put(store, NAME, b"first")
    with pytest.raises(Conflict):
        put(store, NAME, b"other")
    with pytest.raises(Conflict):
        store.swap(NAME, b"other", expected=None)
    assert store.read(NAME, limit=10).data == b"first"
    assert list((root / DRAFTS).iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(root: Path, tmp_path: Path) -> None:  # attack 33
    script = f"""
import io, resource, signal
from pathlib import Path
from vsync.errors import StoreError
from vsync.store.folder import FolderStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
try:
    FolderStore(Path({str(root)!r})).create("a", io.BytesIO(bytes(20000)), size=20000)
except StoreError as error:
    print(error, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("no space is left for a in")
    assert list(FolderStore(root).names("")) == []
    assert list((root / DRAFTS).iterdir()) == []


def test_a_device_without_space_is_said(store: FolderStore) -> None:
    with (
        open("/dev/full", "wb", buffering=0) as full,
        pytest.raises(StoreError, match="no space is left"),
        store._translated("manifest"),
    ):
        full.write(b"x")


def test_who_may_not_write_is_refused(store: FolderStore) -> None:
    with pytest.raises(Refused, match="may not be touched"), store._translated("manifest"):
        raise PermissionError(13, "Permission denied")


def test_an_old_draft_is_one_without_a_write_for_minutes() -> None:
    assert ABANDONED >= 300


def test_a_body_that_ends_early_is_not_stored(store: FolderStore) -> None:
    class Short(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return b""

    with pytest.raises(StoreError, match="early"):
        store.create("a", Short(b"data"), size=4)
    assert list(store.names("")) == []
