"""Rolling backups on disk: names, order, crashes; what a restore does is in test_restore."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.worlds import NOON, SECRET, vault_key
from vsync.errors import NotFound
from vsync.formats.entries import ArchiveLimits, PackEntry
from vsync.machine.backups import KEPT, Backups


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path, ArchiveLimits())


def _entries(data: bytes = b"x") -> Iterator[PackEntry]:
    yield PackEntry("v/")
    yield PackEntry("v/a", False, len(data), lambda: iter([data]))


def test_two_in_one_second_have_two_names(backups: Backups) -> None:
    names = [backups.write(SECRET, vault_key(), _entries(), NOON) for _ in range(2)]
    assert names == ["20260523-120000", "20260523-120001"]
    assert backups.names(SECRET) == names[::-1]


def test_a_clock_that_went_back_does_not_hide_the_newest(backups: Backups) -> None:
    backups.write(SECRET, vault_key(), _entries(), NOON)
    late = backups.write(SECRET, vault_key(), _entries(), NOON - timedelta(days=3650))
    assert backups.names(SECRET)[0] == late == "20260523-120001"


def test_only_the_newest_are_kept(backups: Backups) -> None:
    for number in range(KEPT + 3):
        backups.write(SECRET, vault_key(), _entries(), NOON + timedelta(minutes=number))
    assert len(backups.names(SECRET)) == KEPT
    assert backups.path(SECRET, KEPT).name.startswith("20260523-120300")


def test_what_is_no_backup_is_no_backup(backups: Backups, tmp_path: Path) -> None:
    folder = tmp_path / "backups/app/prod"
    folder.mkdir(parents=True)
    for name in (".20260523-120000.tmp", "notes.zip.enc", "20269999-000000.zip.enc"):
        (folder / name).write_bytes(b"")
    assert backups.names(SECRET) == []
    with pytest.raises(NotFound, match="has 0 backups here"):
        backups.path(SECRET, 1)


def test_a_backup_that_fails_half_way_leaves_no_file(backups: Backups, tmp_path: Path) -> None:
    def fail() -> Iterator[bytes]:
        yield bytes(1 << 20)
        raise KeyboardInterrupt

    entries = [PackEntry("v/"), PackEntry("v/a", False, 1, fail)]
    with pytest.raises(KeyboardInterrupt):
        backups.write(SECRET, vault_key(), entries, NOON)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
