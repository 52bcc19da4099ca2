"""git vsync restore --backup: what a pull replaced comes back; ten are kept, encrypted."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.worlds import OTHER_KEY_TEXT, SALT, SECRET, Desk, Team, files_with, vault_key
from vsync.errors import ConfigError, Conflict, IntegrityError, NotFound
from vsync.formats.binding import RetiredSalt
from vsync.sync.restore import backups


@pytest.fixture
def ben(team: Team) -> Desk:
    """Somebody whose edits were replaced by a pull, two files and a mode."""
    ana = team.desk("ana")
    ana.write(".env.prod", "A=1\n")
    ana.push()
    desk = team.desk("ben")
    desk.write(".env.prod", "A=ben canary\n")
    desk.write("bin/run", "#!/bin/sh\n", executable=True)
    desk.pull(backup=True)
    return desk


def _listed(desk: Desk) -> list[str]:
    world = desk.world()
    return [row.summary for row in backups(world, world.config.mappings[0])]


def test_what_was_replaced_comes_back_with_its_modes(ben: Desk) -> None:
    done = ben.restore()
    assert done.summary == "restored 2 files from the backup 20260523-120000"
    assert ben.tree() == {".env.prod": b"A=ben canary\n", "bin/run": b"#!/bin/sh\n"}
    modes = [(ben.vault / name).stat().st_mode & 0o777 for name in (".env.prod", "bin/run", "bin")]
    assert modes == [0o600, 0o700, 0o700]


def test_what_comes_back_has_the_ledger_of_its_time(ben: Desk) -> None:
    ben.restore()
    assert ben.status().data["local"] == "untracked"
    with pytest.raises(Conflict, match="never synced"):
        ben.push()
    ben.restore()
    assert ben.status().data["local"] == "clean"


def test_a_restored_folder_is_not_pushed_over_what_came_since(ben: Desk, team: Team) -> None:
    ben.push(allow_empty=True)
    ben.write(".env.prod", "A=1\nMINE=1\n")
    ana = team.desk("ana-again")
    ana.pull()
    ana.write(".env.prod", "A=1\nTHEIRS=1\n")
    ana.push()
    ben.pull(merge=True)
    ben.restore()
    with pytest.raises(Conflict, match="remote moved"):
        ben.push()
    ben.pull(merge=True)
    assert ben.tree()[".env.prod"] == b"A=1\nTHEIRS=1\nMINE=1\n"
    ben.push()


def test_a_backup_whose_ledger_is_lost_is_never_pushed_over_anything(ben: Desk) -> None:
    ben.write(".env.prod", "A=3\n")
    ben.pull(backup=True)
    for file in (ben.base / "backups/app/prod").glob("*.ledger.json"):
        file.write_text("{")
    ben.restore()
    with pytest.raises(Conflict, match="never synced"):
        ben.push()


def test_what_a_restore_replaces_becomes_a_backup_in_turn(ben: Desk) -> None:
    ben.restore()
    ben.restore()
    assert ben.tree() == {".env.prod": b"A=1\n"}
    assert len(_listed(ben)) == 3


def test_a_backup_is_ciphertext_for_its_owner_only(ben: Desk) -> None:
    path = next((ben.base / "backups/app/prod").glob("*.enc"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert files_with(b"canary", ben.base) == []


def test_the_newest_ten_are_kept_newest_first(ben: Desk) -> None:
    for number in range(12):
        ben.write(".env.prod", f"A={number}\n")
        ben.pull(force=True)
    names = _listed(ben)
    assert len(names) == 10
    assert [line.split()[1] for line in names] == sorted((line.split()[1] for line in names), reverse=True)
    ben.restore(3)
    assert ben.tree()[".env.prod"] == b"A=9\n"


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_number_that_is_not_there_is_not_found(ben: Desk, number: int) -> None:
    with pytest.raises(NotFound, match=f"has 1 backups here, and no number {number}"):
        ben.restore(number)


def test_a_flipped_byte_anywhere_is_refused_and_touches_nothing(ben: Desk) -> None:
    path = next((ben.base / "backups/app/prod").glob("*.enc"))  # attack 1
    good, before = path.read_bytes(), ben.tree()
    for at in range(0, len(good), 9):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(IntegrityError):
            ben.restore()
    assert ben.tree() == before


def test_a_backup_under_a_retired_key_still_opens(ben: Desk, team: Team) -> None:
    old = vault_key().key_id
    binding = replace(team.binding, retired=(RetiredSalt(old, SALT),))
    ben.world().machine.bindings.write(SECRET, binding)
    ben.keys.set(f"{SECRET}#{old}", ben.keys.texts[str(SECRET)])
    ben.keys.set(str(SECRET), OTHER_KEY_TEXT)
    ben.restore()
    assert ben.tree()[".env.prod"] == b"A=ben canary\n"


def test_a_backup_whose_key_is_gone_says_so(ben: Desk) -> None:
    ben.keys.set(str(SECRET), OTHER_KEY_TEXT)
    with pytest.raises(IntegrityError, match="was altered, or its key is gone"):
        ben.restore()


def test_a_missing_folder_is_made_again(ben: Desk) -> None:
    (ben.vault / ".env.prod").unlink()
    ben.vault.rmdir()
    ben.restore()
    assert (ben.vault.stat().st_mode & 0o777, len(ben.tree())) == (0o700, 2)


def test_a_folder_that_became_a_link_is_refused(ben: Desk, tmp_path: Path) -> None:
    (ben.vault / ".env.prod").unlink()  # attack 26
    ben.vault.rmdir()
    os.symlink(tmp_path, ben.vault)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="not a plain folder"):
        ben.restore()
    assert sorted(tmp_path.iterdir()) == before


def test_the_hint_of_a_pull_brings_back_what_it_replaced_whoever_pulls_since(ben: Desk) -> None:
    ben.write(".env.prod", "MINE=1\n")
    (hint,) = (line for line in ben.pull(backup=True).details if "git vsync restore" in line)
    mine = hint.rpartition(" --backup ")[2]
    ben.write(".env.prod", "OTHER=1\n")  # as another checkout of this machine would
    ben.pull(backup=True)
    ben.restore(mine)
    assert ben.tree()[".env.prod"] == b"MINE=1\n"
    with pytest.raises(NotFound, match="no backup 20000101-000000 here") as caught:
        ben.restore("20000101-000000")
    assert caught.value.hint == "git vsync restore prod --list shows them"
