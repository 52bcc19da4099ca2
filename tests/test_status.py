"""git vsync status: folder, remote, lock, key; needs neither key nor network unless asked to."""

import os
import shutil

import pytest

from tests.simulator import Simulator
from tests.worlds import AT_NOON, SECRET, Desk, Team, everything_below, vault_key
from vsync.errors import KeyUnavailable

LATER = "20260523-120001"


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\n")
    return desk


@pytest.fixture
def ben(team: Team, ana: Desk) -> Desk:
    ana.push()
    desk = team.desk("ben")
    desk.pull()
    return desk


def test_a_synced_vault_is_one_calm_line(ana: Desk) -> None:
    ana.push()
    expected = f"clean, up to date at {AT_NOON}, locked, key {vault_key().key_id}"
    assert ana.status().summary == expected


def test_before_anything_was_pushed(ana: Desk, team: Team) -> None:
    assert ana.status().summary == "untracked, nothing pushed yet, not locked, key not used yet"
    assert team.desk("carl").status().data["local"] == "missing"


def test_edits_are_counted_and_named_by_content(ben: Desk) -> None:
    file = ben.vault / ".env.prod"
    info = file.stat()
    file.write_text("A=9\n")
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    ben.write("new.pem", "x")
    done = ben.status()
    assert (done.state, done.data["local"], done.details) == (
        "dirty",
        "dirty 2",
        ("+ new.pem", "~ .env.prod"),
    )
    assert done.code == 0


def test_a_touched_file_is_still_clean(ben: Desk) -> None:
    os.utime(ben.vault / ".env.prod", ns=(1, 1))
    assert ben.status().data["local"] == "clean"


def test_an_executable_bit_is_an_edit(ben: Desk) -> None:
    (ben.vault / ".env.prod").chmod(0o700)
    assert ben.status().data["local"] == "dirty 1"


def test_an_emptied_folder_says_so(ben: Desk) -> None:
    (ben.vault / ".env.prod").unlink()
    assert ben.status().data["local"] == "empty"


def test_without_asking_it_neither_reads_the_store_nor_the_key_nor_writes(ben: Desk, team: Team) -> None:
    hostile = ben.store = Simulator(team.store)
    ben.keys.texts.clear()
    before = everything_below(team.folder)
    assert ben.status().data["local"] == "clean"
    assert hostile.calls == []
    assert everything_below(team.folder) == before


def test_behind_is_known_only_after_asking(ana: Desk, ben: Desk) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.push()
    assert ben.status().data["remote"] == f"up to date at {AT_NOON}"
    assert ben.status(check_remote=True).data["remote"] == f"behind 1, newest {LATER}"
    assert ben.status().data["remote"] == f"behind 1, newest {LATER}"


def test_asking_without_a_key_says_what_is_missing(ben: Desk) -> None:
    ben.keys.delete(str(SECRET))
    with pytest.raises(KeyUnavailable, match="no key for app/prod"):
        ben.status(check_remote=True)


def test_a_machine_without_a_binding_says_how_to_get_one(ben: Desk) -> None:
    ben.world().machine.bindings.remove(SECRET)
    assert "no binding: git vsync import FILE.share" in ben.status().summary


def test_a_checkout_of_another_commit_says_what_that_is_locked_to(ana: Desk, ben: Desk) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.push()
    (ben.top / "vsync.lock").write_text(ana.lock())
    assert ben.status().data["lock"] == f"locked to {LATER}"


def test_a_lock_with_conflict_markers_is_told_not_raised(ben: Desk) -> None:
    (ben.top / "vsync.lock").write_text("<<<<<<< HEAD\n")
    assert "conflict markers" in ben.status().summary


def test_an_interrupted_push_is_mentioned(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)
    hostile.before("create", "v=", _stop)
    with pytest.raises(KeyboardInterrupt):
        ana.push()
    assert "a push was interrupted" in ana.status().details[-1]
    hostile.tell_the_truth()
    ana.push()
    assert ana.status().details == ()


def _stop() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("swapped", [False, True])
def test_an_interrupted_pull_is_mentioned_until_the_next(ana: Desk, ben: Desk, swapped: bool) -> None:
    side = ben.vault.parent / ".prod.vsync"  # attack 33
    shutil.copytree(ben.vault, side / "new")
    ben.note_pull()
    if swapped:
        ben.vault.rename(side / "old")
    done = ben.status()
    assert "a pull was interrupted" in done.details[-1]
    assert done.data["local"] == ("missing" if swapped else "clean")
    ben.pull()
    assert ben.status().details == ()
    assert ben.tree() == ana.tree()


def test_a_damaged_ledger_counts_as_never_synced_and_is_said(ben: Desk) -> None:
    ledger = next((ben.base / "app").glob("state_prod.*.json"))  # attack 21
    ledger.write_text("{}")
    assert ben.status().data["local"] == "untracked"
    assert "is damaged; the folder counts as never synced" in ben.notices
