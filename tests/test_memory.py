"""What a machine remembers of a vault, and its private files (formats §8)."""

import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import SECRET, everything_below
from vsync.errors import Conflict, DiskError, IntegrityError
from vsync.files import create_private, read_json, read_private, write_private
from vsync.formats.audit_log import Row
from vsync.formats.content import FileState
from vsync.formats.lockfile import LockEntry
from vsync.machine.folders import base_folder, data_folder
from vsync.machine.locks import held
from vsync.machine.memory import Ledger, LedgerFile, LocalKey, Memory, Pending, Publication, Seen

SEEN = Seen(3, "20260523-120000", "a" * 64, "b" * 16, 7, "c" * 64)
LEDGER = Ledger("20260523-120000", 3, "b" * 16, "d" * 64, {"a/é": LedgerFile(1, -2, "e" * 64)})
ROW = Row("ts", "push", "v", "host", "ip", "user", "mail", "1", "python 3", '{"note":"x"}')
LOCK = LockEntry(str(SECRET), "20260523-120000", 3, "b" * 16, "a" * 64, ("A",), ("k.pem",))
PUBLICATION = Publication(
    "20260523-120000", 3, None, "a" * 64, "b" * 16, "f" * 16, LEDGER, LOCK, replace(ROW, meta="")
)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def memory(tmp_path: Path, said: list[str]) -> Memory:
    return Memory(tmp_path / "base", said.append)


def test_what_is_remembered_comes_back(memory: Memory) -> None:
    memory.see(SECRET, SEEN)
    memory.write_ledger(SECRET, "c1", LEDGER)
    memory.write_pending(SECRET, Pending(PUBLICATION, (ROW, ROW)))
    assert (memory.seen(SECRET), memory.ledger(SECRET, "c1")) == (SEEN, LEDGER)
    assert memory.pending(SECRET) == Pending(PUBLICATION, (ROW, ROW))
    assert memory.ledger(SECRET, "c2") is None


def test_everything_is_private_from_the_first_byte(memory: Memory, tmp_path: Path) -> None:
    before = os.umask(0)  # attack 31
    try:
        memory.see(SECRET, SEEN)
        memory.write_ledger(SECRET, "c1", LEDGER)
    finally:
        os.umask(before)
    modes = {mode & 0o777 for mode, _ in everything_below(tmp_path / "base").values()}
    assert modes == {0o600, 0o700}


def test_what_was_seen_is_never_lowered(memory: Memory) -> None:
    memory.see(SECRET, SEEN)
    memory.see(SECRET, replace(SEEN, gen=2, version="20200101-000000"))
    seen = memory.seen(SECRET)
    assert seen is not None
    assert (seen.gen, seen.version) == (3, SEEN.version)


DAMAGE = ["", "{", "[]", '{"gen": "3"}', '{"gen": 3}', "\x00\xff"]


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_seen_file_falls_back_to_its_copy_and_says_so(
    memory: Memory, tmp_path: Path, said: list[str], text: str
) -> None:
    memory.see(SECRET, SEEN)  # attack 21
    path = tmp_path / "base/app/seen_prod.json"
    path.write_text(text)
    assert memory.seen(SECRET) == SEEN
    assert "is damaged and was not believed" in said[0]


def test_a_damaged_pending_file_is_refused_with_its_path(memory: Memory, tmp_path: Path) -> None:
    memory.write_pending(SECRET, Pending(None, (ROW,)))
    (tmp_path / "base/app/pending_prod.json").write_text("{")
    with pytest.raises(IntegrityError, match=r"pending_prod\.json is damaged"):
        memory.pending(SECRET)


def test_nothing_pending_is_no_file(memory: Memory, tmp_path: Path) -> None:
    memory.write_pending(SECRET, Pending(PUBLICATION))
    memory.write_pending(SECRET, Pending())
    assert list((tmp_path / "base/app").iterdir()) == []


def test_a_ledger_ends_what_was_on_its_way_in(memory: Memory) -> None:
    memory.write_incoming(SECRET, "c1", LEDGER)
    assert memory.incoming(SECRET, "c1") == LEDGER
    memory.write_ledger(SECRET, "c1", LEDGER)
    assert memory.incoming(SECRET, "c1") is None


# The local key


def test_digests_depend_on_the_machine(tmp_path: Path) -> None:
    file = FileState("a", executable=False, sha256="0" * 64)  # attack 61
    one, other = LocalKey(tmp_path / "one"), LocalKey(tmp_path / "other")
    assert one.file_digest(file) == LocalKey(tmp_path / "one").file_digest(file)
    assert one.file_digest(file) != other.file_digest(file)
    assert (tmp_path / "one/local_key").stat().st_mode & 0o777 == 0o600


def test_a_damaged_local_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "local_key").write_bytes(b"short")
    with pytest.raises(IntegrityError, match="local_key is damaged"):
        LocalKey(tmp_path).mac(b"")


def _mac(base: str) -> str:
    return LocalKey(Path(base)).mac(b"")


def test_many_first_processes_agree_on_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(6) as pool:
        assert len(set(pool.map(_mac, [str(tmp_path)] * 24, chunksize=1))) == 1


# Private files


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/file"
    for data in (b"one", b"two"):
        write_private(path, data)
    assert (read_private(path), [one.name for one in path.parent.iterdir()]) == (b"two", ["file"])


def test_create_never_replaces(tmp_path: Path) -> None:
    create_private(tmp_path / "file", b"first")
    create_private(tmp_path / "file", b"second")
    assert read_private(tmp_path / "file") == b"first"
    assert len(list(tmp_path.iterdir())) == 1


def _as_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _as_pipe(path: Path) -> None:
    os.mkfifo(path)


def _as_folder(path: Path) -> None:
    path.mkdir()


def _as_huge(path: Path) -> None:
    path.write_bytes(bytes(101))


@pytest.mark.parametrize("put", [_as_link, _as_pipe, _as_folder, _as_huge])
def test_what_is_no_small_regular_file_is_not_read(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / "file")
    with pytest.raises(DiskError, match="file"):
        read_private(tmp_path / "file", limit=100)


@given(document=st.dictionaries(st.text(max_size=5), st.integers(-5, 5) | st.text(max_size=5), max_size=4))
def test_json_round_trip(tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "document.json"
    try:
        expected = json.loads(json.dumps(document).encode())
        write_private(path, json.dumps(document).encode())
        assert read_json(path) == expected
    finally:
        path.unlink(missing_ok=True)


FOLDERS = [
    ({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/vsync"),
    ({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/vsync"),
    ({"HOME": "/h"}, "/h/.config/vsync"),
]


@pytest.mark.parametrize(("environ", "path"), FOLDERS)
def test_the_base_folder_follows_the_xdg_rules(environ: dict[str, str], path: str) -> None:
    assert base_folder(environ) == Path(path)
    assert data_folder({"HOME": "/h", "XDG_DATA_HOME": "no"}) == Path("/h/.local/share/vsync")


def test_a_lock_that_is_held_ends_in_11_after_its_time(tmp_path: Path) -> None:
    with (
        held(tmp_path / "lock", "app/prod", timeout=5),
        pytest.raises(Conflict, match="another vsync is at work on app/prod"),
        held(tmp_path / "lock", "app/prod", timeout=0.05),
    ):
        raise AssertionError("two held one lock")
