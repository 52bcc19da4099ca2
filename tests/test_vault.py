"""The vault folder: read without following a link, replaced as a whole, settled after a stop."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worlds import everything_below
from vsync.errors import ConfigError, Conflict, NotFound
from vsync.vault.filler import Filler
from vsync.vault.folder import Unsettled, VaultFolder
from vsync.vault.tree import FolderChanged, Scanned, check_pushable

NAME = "infra/vault/prod"


@pytest.fixture
def vault(tmp_path: Path) -> VaultFolder:
    folder = VaultFolder(tmp_path / "top", NAME)
    folder.top.mkdir()
    folder.create()
    (folder.path / ".env").write_text("A=1\n")
    return folder


def _with(files: dict[str, bytes]) -> Callable[[int], None]:
    def build(root: int) -> None:
        filler = Filler(root)
        for path, data in files.items():
            filler.add_file(path, [data], executable=False)

    return build


def _content(folder: VaultFolder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file()
    }


def test_a_scan_is_sorted_by_the_bytes_of_the_names(vault: VaultFolder) -> None:
    for name in ("b", "a/z", "é", "Z"):
        path = vault.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    tree = vault.scan()
    assert [file.state.path for file in tree.files] == [".env", "Z", "a/z", "b", "é"]
    assert tree.folders == ("a",)


def test_a_scan_of_nothing_is_not_found(tmp_path: Path) -> None:
    folder = VaultFolder(tmp_path, NAME)
    assert not folder.exists()
    with pytest.raises(NotFound, match=f"there is no folder {NAME}"):
        folder.scan()


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/vault").write_text("x")
    with pytest.raises(ConfigError, match="'vault' on the way into infra/vault/prod"):
        VaultFolder(tmp_path, NAME).exists()


def test_create_makes_private_folders_and_may_be_called_twice(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for _ in range(2):
            VaultFolder(tmp_path, NAME).create()
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {0o700}


def test_read_file_gives_content_or_none_and_is_bounded(vault: VaultFolder) -> None:
    assert vault.read_file(".env", limit=4) == b"A=1\n"
    assert vault.read_file("missing", limit=4) is None
    assert vault.read_file("missing/too", limit=4) is None
    with pytest.raises(Conflict, match="larger than 3 bytes"):
        vault.read_file(".env", limit=3)


def test_what_is_packed_is_what_was_scanned(vault: VaultFolder) -> None:
    tree = vault.scan()
    entries = list(vault.pack_entries(tree))
    assert [entry.name for entry in entries] == [f"{NAME}/", f"{NAME}/.env"]
    assert entries[1].pieces is not None
    assert b"".join(entries[1].pieces()) == b"A=1\n"


def _rewrite(path: Path) -> None:
    path.write_text("A=2\n")


def _remove(path: Path) -> None:
    path.unlink()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [_rewrite, _remove, _pipe])
def test_a_file_that_changed_since_the_scan_is_noticed(
    vault: VaultFolder, change: Callable[[Path], None]
) -> None:
    entries = list(vault.pack_entries(vault.scan()))
    change(vault.path / ".env")
    assert entries[1].pieces is not None
    with pytest.raises(FolderChanged, match="was changed while vsync was reading it"):
        b"".join(entries[1].pieces())


def test_a_file_that_became_a_link_since_the_scan_is_not_followed(vault: VaultFolder, tmp_path: Path) -> None:
    entries = list(vault.pack_entries(vault.scan()))  # attack 32
    (vault.path / ".env").unlink()
    (vault.path / ".env").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("A=1\n")
    assert entries[1].pieces is not None
    with pytest.raises(Exception, match=NAME):
        b"".join(entries[1].pieces())


def test_replace_puts_the_new_folder_in_place_and_leaves_nothing_else(vault: VaultFolder) -> None:
    vault.replace(_with({".env": b"A=2\n", "sub/key": b"k"}), expected=vault.scan())
    assert _content(vault) == {".env": b"A=2\n", "sub/key": b"k"}
    assert [path.name for path in vault.path.parent.iterdir()] == ["prod"]


def test_replace_calls_done_once_when_the_new_state_stands(vault: VaultFolder) -> None:
    seen: list[dict[str, bytes]] = []
    vault.replace(_with({"a": b"1"}), expected=vault.scan(), done=lambda: seen.append(_content(vault)))
    assert seen == [{"a": b"1"}]


class Trouble(Exception):
    """Something goes wrong."""


def test_a_build_that_fails_changes_nothing(vault: VaultFolder) -> None:
    def build(root: int) -> None:
        _with({"half": b"written"})(root)
        raise Trouble

    before = everything_below(vault.top)
    with pytest.raises(Trouble):
        vault.replace(build, expected=vault.scan())
    assert everything_below(vault.top) == before


def test_a_folder_that_changed_meanwhile_is_put_back(vault: VaultFolder) -> None:
    tree = vault.scan()

    def build(root: int) -> None:
        (vault.path / "typed").write_text("just now")

    with pytest.raises(FolderChanged, match="nothing was replaced"):
        vault.replace(build, expected=tree)
    assert _content(vault) == {".env": b"A=1\n", "typed": b"just now"}


def test_a_folder_that_appeared_or_vanished_meanwhile_is_noticed(vault: VaultFolder) -> None:
    tree = vault.scan()
    with pytest.raises(FolderChanged):
        vault.replace(_with({}), expected=None)
    assert _content(vault) == {".env": b"A=1\n"}
    shutil.rmtree(vault.path)
    with pytest.raises(FolderChanged):
        vault.replace(_with({}), expected=tree)
    assert not vault.path.exists()


def test_a_link_that_took_the_folders_place_is_put_back_unfollowed(
    vault: VaultFolder, tmp_path: Path
) -> None:
    tree, outside = vault.scan(), tmp_path / "outside"  # attack 32
    shutil.copytree(vault.path, outside)

    def build(root: int) -> None:
        shutil.rmtree(vault.path)
        vault.path.symlink_to(outside)

    with pytest.raises(ConfigError, match="not a plain folder"):
        vault.replace(build, expected=tree)
    assert vault.path.is_symlink()
    assert (outside / ".env").read_text() == "A=1\n"


def _side(vault: VaultFolder) -> Path:
    side = vault.path.parent / ".prod.vsync"
    side.mkdir()
    (side / ".gitignore").write_text("*\n")
    return side


def test_a_stop_before_the_swap_is_undone(vault: VaultFolder) -> None:
    (_side(vault) / "new").mkdir()
    called: list[int] = []
    assert vault.unsettled() is Unsettled.STAGED
    vault.settle(noted=True, done=lambda: called.append(1))
    assert (called, _content(vault), vault.unsettled()) == ([], {".env": b"A=1\n"}, None)


def test_a_stop_between_the_renames_is_finished(vault: VaultFolder) -> None:
    side, called = _side(vault), []
    (side / "new").mkdir()
    (side / "new/key").write_text("new")
    vault.path.rename(side / "old")
    assert vault.unsettled() is Unsettled.ASIDE
    vault.settle(noted=True, done=lambda: called.append(_content(vault)))
    assert called == [{"key": b"new"}]
    assert not side.exists()


def test_a_stop_after_the_swap_is_tidied_up(vault: VaultFolder) -> None:
    side, called = _side(vault), []
    (side / "old").mkdir()
    (side / "old/key").write_text("old")
    assert vault.unsettled() is Unsettled.SWAPPED
    vault.settle(noted=True, done=lambda: called.append(1))
    assert (called, _content(vault), side.exists()) == ([1], {".env": b"A=1\n"}, False)


def test_the_only_copy_is_never_removed(vault: VaultFolder) -> None:
    side = _side(vault)
    vault.path.rename(side / "old")
    vault.settle(noted=True)
    assert _content(vault) == {".env": b"A=1\n"}


def test_what_nobody_noted_is_never_moved_into_place(vault: VaultFolder) -> None:  # attack 26
    side = _side(vault)
    for name in ("old", "new"):
        (side / name).mkdir()
        (side / name / ".env").write_text("EVIL=1\n")
    shutil.rmtree(vault.path)
    for _ in range(2):
        with pytest.raises(Conflict, match=r"\.prod\.vsync holds a folder that nothing on this machine"):
            vault.settle(noted=False)
        assert (vault.path.exists(), sorted(os.listdir(side))) == (False, [".gitignore", "new", "old"])
        vault.path.mkdir(exist_ok=True)
        shutil.rmtree(vault.path)
    shutil.rmtree(side / "old")
    vault.settle(noted=False)  # nobody's work can be in what was being built
    assert (vault.path.exists(), side.exists()) == (False, False)


def test_a_folder_made_anew_between_the_renames_loses_none_of_the_three(vault: VaultFolder) -> None:
    side = _side(vault)  # attack 33
    (side / "new").mkdir()
    vault.path.rename(side / "old")
    vault.path.mkdir()
    (vault.path / "mine").write_text("mine")
    assert vault.unsettled() is Unsettled.TORN
    with pytest.raises(Conflict, match=rf"{NAME} was made anew.*\.prod\.vsync/old.*\.prod\.vsync/new"):
        vault.settle(noted=True)
    assert (_content(vault), (side / "old/.env").read_bytes()) == ({"mine": b"mine"}, b"A=1\n")
    vault.path.rename(vault.path.parent / "elsewhere")
    vault.settle(noted=True)
    assert (_content(vault), side.exists()) == ({}, False)


def test_a_folder_that_appears_while_it_is_replaced_is_kept_and_named(
    vault: VaultFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    side, rename = vault.path.parent / ".prod.vsync", os.rename

    def racing(source: str, target: str, **named: int) -> None:
        rename(source, target, **named)
        if target == "old":
            vault.path.mkdir()
            (vault.path / "mine").write_text("mine")

    monkeypatch.setattr(os, "rename", racing)
    undone: list[int] = []
    with pytest.raises(Conflict, match="was made anew while it was being replaced"):
        vault.replace(_with({"b": b"2"}), expected=vault.scan(), undone=lambda: undone.append(1))
    assert (_content(vault), undone) == ({"mine": b"mine"}, [])
    assert ((side / "old/.env").read_bytes(), (side / "new/b").read_bytes()) == (b"A=1\n", b"2")


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_link_or_a_file_where_a_stop_would_leave_something_is_named(
    vault: VaultFolder, tmp_path: Path, kind: str
) -> None:
    side = vault.path.parent / ".prod.vsync"  # attack 32
    side.symlink_to(tmp_path) if kind == "link" else side.write_text("")
    with pytest.raises(ConfigError, match=r"'\.prod\.vsync' on the way into .* is not a plain folder"):
        vault.settle(noted=True)
    assert side.is_symlink() or side.is_file()


def test_settling_where_nothing_was_does_nothing(tmp_path: Path) -> None:
    folder = VaultFolder(tmp_path, NAME)
    folder.settle(noted=True)
    assert (folder.unsettled(), list(tmp_path.iterdir())) == (None, [])


PATHS = st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=3).map("/".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(PATHS, st.tuples(st.binary(max_size=30), st.booleans()), max_size=6))
def test_what_a_filler_writes_is_what_a_scan_finds(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, tuple[bytes, bool]]
) -> None:
    # No file where another path needs a folder.
    files = {
        path: row for path, row in files.items() if not any(other.startswith(f"{path}/") for other in files)
    }
    folder = VaultFolder(tmp_path_factory.mktemp("top"), NAME)
    written: list[Scanned] = []

    def build(root: int) -> None:
        filler = Filler(root)
        written.extend(
            filler.add_file(path, [data[:7], data[7:]], executable=executable)
            for path, (data, executable) in sorted(files.items(), key=lambda row: row[0].encode())
        )

    folder.replace(build, expected=None)
    assert folder.scan().files == tuple(written)
    assert _content(folder) == {path: data for path, (data, _) in files.items()}


def test_twins_are_named(vault: VaultFolder) -> None:
    (vault.path / "KEY").write_text("x")
    (vault.path / "key").write_text("y")
    with pytest.raises(Conflict, match="'KEY' and 'key'"):
        check_pushable(NAME, vault.scan())
