"""git vsync pull: verified, then swapped; nobody's edits are lost."""

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulator import Simulator
from tests.worlds import AT_NOON, CONFIG, FOLDER, Desk, Team, everything_below
from vsync.errors import (
    ConfigError,
    Conflict,
    GitError,
    IntegrityError,
    KeyUnavailable,
    NotFound,
    UsageError,
    VsyncError,
)
from vsync.formats.lockfile import lock_from_text, lock_to_text
from vsync.model import Result

LATER = "20260523-120001"


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\n")
    desk.write("keys/old.pem", "old")
    desk.push()
    return desk


@pytest.fixture
def ben(team: Team, ana: Desk) -> Desk:
    desk = team.desk("ben")
    desk.pull()
    return desk


def test_a_pull_makes_the_folder_equal(ana: Desk, ben: Desk) -> None:
    assert ben.tree() == ana.tree() == {".env.prod": b"A=1\n", "keys/old.pem": b"old"}


def test_a_pull_removes_what_was_removed_and_says_so(ana: Desk, ben: Desk) -> None:
    (ana.vault / "keys/old.pem").unlink()
    (ana.vault / "keys").rmdir()
    ana.write("new/key.pem", "new")
    ana.write(".env.prod", "A=2\n")
    ana.push()
    done = ben.pull()
    assert done.details == ("+ new/key.pem", "- keys/old.pem", "~ .env.prod")
    assert (ben.tree(), (ben.vault / "keys").exists()) == (ana.tree(), False)


def test_modes_are_private_from_the_first_byte_whatever_the_umask(ana: Desk, team: Team) -> None:
    ana.write("bin/run", "#!/bin/sh\n", executable=True)  # attack 31
    ana.push()
    ben, before = team.desk("ben"), os.umask(0)
    try:
        ben.pull()
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in [ben.vault, *ben.vault.rglob("*")]}
    expected = {"prod": 0o700, "bin": 0o700, "keys": 0o700, "run": 0o700, "old.pem": 0o600}
    assert modes == expected | {".env.prod": 0o600}


def test_a_pull_never_touches_the_lock(ana: Desk, ben: Desk) -> None:
    assert ben.lock() == ""
    (ben.top / "vsync.lock").write_text(ana.lock())
    ana.write(".env.prod", "A=2\n")
    ana.push()
    before = ben.lock()
    ben.pull()
    assert ben.lock() == before != ana.lock()


def test_edits_stop_a_pull_even_with_size_and_mtime_restored(ana: Desk, ben: Desk) -> None:
    file = ben.vault / ".env.prod"  # attack 34
    info = file.stat()
    file.write_text("A=9\n")
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    ana.write(".env.prod", "A=2\n")
    ana.push()
    with pytest.raises(Conflict, match=r"edits that were never pushed: ~\.env\.prod"):
        ben.pull()
    assert file.read_text() == "A=9\n"


@pytest.mark.parametrize("flag", ["backup", "force"])
def test_replaced_edits_are_told_and_come_back_from_the_backup(ana: Desk, ben: Desk, flag: str) -> None:
    ben.write(".env.prod", "A=ben\n")
    ana.write(".env.prod", "A=2\n")
    ana.push()
    done = ben.pull(**{flag: True})
    assert "replaced 1 edits that were never pushed" in done.details[-1]
    assert ben.tree()[".env.prod"] == b"A=2\n"
    ben.restore()
    assert ben.tree()[".env.prod"] == b"A=ben\n"


def test_a_deleted_file_is_an_edit_and_a_deleted_folder_is_none(ana: Desk, ben: Desk) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.push()
    (ben.vault / "keys/old.pem").unlink()
    with pytest.raises(Conflict, match=r"-keys/old\.pem"):
        ben.pull()
    (ben.vault / ".env.prod").unlink()
    (ben.vault / "keys").rmdir()
    ben.vault.rmdir()
    assert ben.pull().state == "pulled"
    assert ben.tree() == ana.tree()


def test_many_edits_are_counted(ana: Desk, ben: Desk) -> None:
    for number in range(8):
        ben.write(f"new-{number}.pem", "x")
    ana.write(".env.prod", "A=2\n")
    ana.push()
    with pytest.raises(Conflict, match="and 3 more"):
        ben.pull()


def test_at_takes_an_older_version_by_its_name_and_a_pull_goes_back(ana: Desk, ben: Desk) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.push()
    ben.pull()
    assert ben.pull(at=AT_NOON).data["version"] == AT_NOON
    assert ben.tree()[".env.prod"] == b"A=1\n"
    assert ben.pull().data["version"] == LATER
    assert ben.tree() == ana.tree()


def test_at_a_word_that_is_no_version_is_a_wrong_word(ben: Desk) -> None:
    with pytest.raises(UsageError, match="'yesterday' is not a version name"):
        ben.pull(at="yesterday")


def test_at_a_version_that_does_not_exist_names_versions(ben: Desk) -> None:
    with pytest.raises(NotFound, match="has no version 20200101-000000") as caught:
        ben.pull(at="20200101-000000")
    assert caught.value.hint == "git vsync versions prod"


def test_a_store_without_a_version_says_what_comes_first(team: Team) -> None:
    with pytest.raises(NotFound, match="has no version in"):
        team.desk("carl").pull()


def test_a_dry_run_names_changes_and_writes_nothing(ana: Desk, ben: Desk, team: Team) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.write("new.pem", "new")
    (ana.vault / "keys/old.pem").unlink()
    ana.push()
    before = everything_below(team.folder)
    done = ben.pull(dry_run=True)
    assert (done.state, done.details) == ("planned", ("+ new.pem", "- keys/old.pem", "~ .env.prod"))
    assert everything_below(team.folder) == before


def test_a_folder_that_is_up_to_date_is_adopted_without_a_download(ana: Desk, team: Team) -> None:
    carl = team.desk("carl")
    for path, data in ana.tree().items():
        carl.write(path, data)
    carl.store = Simulator(team.store)
    assert carl.pull().summary == f"up to date at {AT_NOON}"
    assert not [call for call in carl.store.calls if call.startswith("download")]
    carl.write(".env.prod", "A=carl\n")
    assert carl.push().state == "pushed"


def test_an_edit_made_during_the_pull_is_kept(ana: Desk, ben: Desk, team: Team) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.push()
    hostile = ben.store = Simulator(team.store)
    hostile.before("download", "v=", lambda: ben.write(".env.prod", "A=just typed\n"))
    with pytest.raises(Conflict, match="changed while vsync was"):
        ben.pull()
    assert ben.tree()[".env.prod"] == b"A=just typed\n"
    assert not (ben.vault.parent / ".prod.vsync").exists()


def test_a_folder_that_appears_during_the_first_pull_is_kept(ana: Desk, team: Team) -> None:
    carl = team.desk("carl")
    hostile = carl.store = Simulator(team.store)
    hostile.before("download", "v=", lambda: carl.write("mine.txt", "mine"))
    with pytest.raises(Conflict, match="nothing was replaced"):
        carl.pull()
    assert carl.tree() == {"mine.txt": b"mine"}


def test_git_add_in_the_middle_of_a_pull_takes_nothing(ana: Desk, ben: Desk, team: Team) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.push()
    ben.git("add", "-A")
    seen: list[str] = []
    stop, ready = threading.Event(), threading.Event()

    def add_all_the_time() -> None:
        while not stop.is_set():
            # It may give up over a folder that vanishes: then it takes nothing either.
            done = subprocess.run(["git", "add", "-A", "-n"], cwd=ben.top, capture_output=True, check=False)
            seen.extend(done.stdout.decode().splitlines())
            ready.set()

    adding = threading.Thread(target=add_all_the_time)
    adding.start()
    ready.wait()
    for number in range(8):
        ben.pull(at=AT_NOON if number % 2 else LATER)
    stop.set()
    adding.join()
    # The rule that hides the stage is a file itself, and empty for a moment.
    assert not [line for line in seen if line != f"add '{FOLDER.rpartition('/')[0]}/.prod.vsync/.gitignore'"]


def _next_pull(ana: Desk, ben: Desk) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.push()


def _rest_of_a_killed_pull(ana: Desk, ben: Desk) -> None:
    ben.note_pull()
    side = ben.vault.parent / ".prod.vsync"
    shutil.copytree(ben.vault, side / "old")
    (side / ".gitignore").write_text("*\n")


def _rest_in_another_order(ana: Desk, ben: Desk) -> None:
    side = ben.vault.parent / ".prod.vsync"
    ben.note_pull()
    side.mkdir()
    (side / ".gitignore").write_text("*\n")
    shutil.copytree(ben.vault, side / "old")


@pytest.mark.parametrize("begin", [_next_pull, _rest_of_a_killed_pull, _rest_in_another_order])
def test_the_stage_is_hidden_from_git_as_long_as_a_secret_is_in_it(
    ana: Desk, ben: Desk, begin: Callable[[Desk, Desk], None]
) -> None:
    begin(ana, ben)
    unlink, shown = os.unlink, []

    def unlink_and_look(*words: Any, **named: Any) -> None:
        shown.append(ben.git("status", "--porcelain", "-uall", "infra"))
        unlink(*words, **named)
        shown.append(ben.git("status", "--porcelain", "-uall", "infra"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "unlink", unlink_and_look)
        ben.pull()
    assert len(shown) > 3
    assert not any(shown)


# Links and other things in the way


def test_a_vault_folder_that_is_a_link_is_refused(ana: Desk, team: Team, tmp_path: Path) -> None:
    carl, outside = team.desk("carl"), tmp_path / "outside"  # attack 26
    outside.mkdir()
    (carl.top / "infra/vault").mkdir(parents=True)
    carl.vault.symlink_to(outside)
    with pytest.raises(ConfigError, match="not a plain folder"):
        carl.pull(force=True)
    assert not list(outside.iterdir())


def test_a_parent_that_is_a_link_is_refused(ana: Desk, team: Team, tmp_path: Path) -> None:
    carl, outside = team.desk("carl"), tmp_path / "outside"  # attack 26
    outside.mkdir()
    (carl.top / "infra").symlink_to(outside)
    with pytest.raises(VsyncError, match="infra"):
        carl.pull(force=True)
    assert not list(outside.iterdir())


def test_a_linked_folder_inside_is_named_and_not_followed(ana: Desk, ben: Desk, tmp_path: Path) -> None:
    (tmp_path / "ssh").mkdir()  # attack 24
    (tmp_path / "ssh/old.pem").write_text("mine")
    (ben.vault / "keys/old.pem").unlink()
    (ben.vault / "keys").rmdir()
    (ben.vault / "keys").symlink_to(tmp_path / "ssh")
    ana.write("keys/old.pem", "theirs")
    ana.push()
    with pytest.raises(Conflict, match="keys is a symbolic link"):
        ben.pull(force=True)
    assert (tmp_path / "ssh/old.pem").read_text() == "mine"


def test_a_hard_link_inside_is_replaced_and_its_twin_untouched(ana: Desk, ben: Desk, tmp_path: Path) -> None:
    twin = tmp_path / "twin"  # attack 25
    os.link(ben.vault / ".env.prod", twin)
    ana.write(".env.prod", "A=2\n")
    ana.push()
    ben.pull()
    assert (twin.read_text(), ben.tree()[".env.prod"]) == ("A=1\n", b"A=2\n")
    assert twin.stat().st_ino != (ben.vault / ".env.prod").stat().st_ino


def test_a_stage_folder_that_somebody_put_there_as_a_link_is_not_followed(
    ana: Desk, ben: Desk, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (ben.vault.parent / ".prod.vsync").symlink_to(outside)
    ana.write(".env.prod", "A=2\n")
    ana.push()
    with pytest.raises(ConfigError, match="is not a plain folder"):
        ben.pull()
    assert (list(outside.iterdir()), ben.tree()[".env.prod"]) == ([], b"A=1\n")


def test_a_folder_swapped_for_a_link_all_the_time_never_leads_outside(
    ana: Desk, ben: Desk, tmp_path: Path
) -> None:
    outside, parent, link = tmp_path / "outside", ben.vault.parent, ben.top / "infra/link"  # attack 32
    outside.mkdir()
    link.symlink_to(outside)
    stop = threading.Event()

    def swap_all_the_time() -> None:
        while not stop.is_set():
            _exchange(parent, link)

    swapping = threading.Thread(target=swap_all_the_time)
    swapping.start()
    for number in range(20):
        ana.write(".env.prod", f"A={number}\n")
        ana.push()
        _pull_or_refuse(ben)
    stop.set()
    swapping.join()
    assert not list(outside.iterdir())


def _exchange(one: Path, other: Path) -> None:
    """Put each in the other's place at once: renameat2(2) with RENAME_EXCHANGE."""
    libc, here = ctypes.CDLL(None), -100
    assert libc.renameat2(here, os.fsencode(one), here, os.fsencode(other), 2) == 0


def _pull_or_refuse(desk: Desk) -> None:
    try:
        desk.pull(force=True)
    except VsyncError:
        return


def test_plaintext_that_git_tracks_stops_a_pull(ana: Desk, ben: Desk) -> None:
    ben.git("add", "-f", f"{FOLDER}/.env.prod")
    with pytest.raises(GitError, match="git tracks"):
        ben.pull()


def test_a_folder_that_git_would_take_gets_no_plaintext(ana: Desk, team: Team) -> None:
    carl = team.desk("carl")
    (carl.top / ".gitignore").write_text("")
    with pytest.raises(GitError, match="does not ignore"):
        carl.pull()
    assert not carl.vault.exists()


# The lock as a witness


def _lock_ahead(desk: Desk, text: str) -> None:
    entry = lock_from_text(text)["app/prod"]
    ahead = type(entry)(entry.name, "20260601-000000", 9, entry.key_id, "f" * 64)
    (desk.top / "vsync.lock").write_text(lock_to_text([ahead]))


def test_a_lock_newer_than_the_store_is_believed_at_first_contact(ana: Desk, team: Team) -> None:
    carl = team.desk("carl")
    _lock_ahead(carl, ana.lock())
    with pytest.raises(IntegrityError, match="names generation 9 of app/prod, the store's newest is 1"):
        carl.pull()
    assert carl.pull(at=AT_NOON).state == "pulled"


def test_a_lock_newer_than_what_was_seen_is_called_suspect(ana: Desk, ben: Desk) -> None:
    _lock_ahead(ben, ana.lock())
    assert ben.pull().summary == f"up to date at {AT_NOON}"
    assert "the lock is suspect" in ben.notices


# activate_to


@pytest.fixture
def activating(ben: Desk) -> Desk:
    (ben.top / "vsync.toml").write_text(CONFIG + 'activate_to = ".env"\n')
    return ben


def test_activate_to_links_the_env_file(activating: Desk) -> None:
    assert f".env -> {FOLDER}/.env.prod" in activating.pull().details
    assert (activating.top / ".env").read_text() == "A=1\n"
    assert os.readlink(activating.top / ".env") == f"{FOLDER}/.env.prod"


def _own_file(desk: Desk) -> None:
    (desk.top / ".env").write_text("MINE=1\n")


def _not_ignored(desk: Desk) -> None:
    (desk.top / ".gitignore").write_text(f"/{FOLDER}\n")


def _tracked(desk: Desk) -> None:
    (desk.top / ".env").write_text("")
    desk.git("add", "-f", ".env")


REASONS = [(_own_file, "regular file"), (_not_ignored, "does not ignore"), (_tracked, "git tracks")]


@pytest.mark.parametrize(("spoil", "reason"), REASONS)
def test_activate_to_replaces_nothing_and_the_pull_still_works(
    activating: Desk, spoil: Callable[[Desk], None], reason: str
) -> None:
    spoil(activating)
    done = activating.pull()
    assert done.details[-1].startswith("not activated: ")
    assert reason in done.details[-1]
    assert not (activating.top / ".env").is_symlink()


# Two people for as long as it takes


@st.composite
def _stories(draw: st.DrawFn) -> list[tuple[int, str, str]]:
    step = st.tuples(
        st.integers(0, 1), st.sampled_from(["edit", "edit", "remove", "push", "pull"]), st.sampled_from("abc")
    )
    return draw(st.lists(step, min_size=3, max_size=14))


def _play(desk: Desk, action: str, name: str, number: int) -> None:
    if action == "edit":
        desk.write(f"{name}.pem", f"{desk.person} {number}")
        return
    if action == "remove":
        (desk.vault / f"{name}.pem").unlink(missing_ok=True)
        return
    before = desk.tree()
    try:
        desk.push() if action == "push" else desk.pull()
    except Conflict:
        # Refused: then nothing of ours was touched.
        assert desk.tree() == before
    assert action == "pull" or desk.tree() == before


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=_stories())
def test_two_people_never_lose_an_edit_and_converge(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[int, str, str]]
) -> None:
    team = Team(tmp_path_factory.mktemp("team"))
    ana, ben = desks = (team.desk("ana"), team.desk("ben"))
    ana.write(".env.prod", "A=1\n")
    ana.push()
    ben.pull()
    clean = [ana.tree(), ben.tree()]
    for number, (who, action, name) in enumerate(story):
        edited = desks[who].tree() != clean[who]
        before = desks[who].tree()
        _play(desks[who], action, name, number)
        if action == "pull" and edited and desks[who].tree() != before:
            raise AssertionError("a pull replaced edits that were never pushed")
        if desks[who].status().data["local"] == "clean":
            clean[who] = desks[who].tree()
    ana.pull(backup=True)
    ana.push()
    ben.pull(backup=True)
    assert ben.tree() == ana.tree()
    assert {ana.status().data["local"], ben.status().data["local"]} == {"clean"}


def second(ana: Desk, ben: Desk) -> None:
    """Let ana publish a second version, while ben's commit still belongs to the first."""
    (ben.top / "vsync.lock").write_text(ana.lock())
    ana.write(".env.prod", "A=2\n")
    ana.push()


def relocked(desk: Desk, **changes: Any) -> None:
    """Change the entry of the vault in the desk's lock."""
    (entry,) = lock_from_text(desk.lock()).values()
    (desk.top / "vsync.lock").write_text(lock_to_text([replace(entry, **changes)]))


def test_locked_takes_the_version_of_this_commit(ana: Desk, ben: Desk) -> None:
    second(ana, ben)
    ben.pull()
    done = ben.pull(locked=True)
    assert (done.state, done.data["version"], done.data["generation"]) == ("pulled", AT_NOON, 1)
    assert ben.tree()[".env.prod"] == b"A=1\n"
    assert ben.status().data["lock"] == "locked"
    assert ben.status().data["remote"] == f"behind 1, newest {LATER}"


def test_locked_again_is_current_and_reads_no_bundle(ana: Desk, ben: Desk, team: Team) -> None:
    second(ana, ben)
    ben.pull(locked=True)
    watched = ben.store = Simulator(team.store)
    assert ben.pull(locked=True).state == "current"
    assert [call for call in watched.calls if call.startswith("download")] == []


def test_locked_to_the_newest_version_is_an_ordinary_pull(ana: Desk, team: Team) -> None:
    ben = team.desk("ben")
    (ben.top / "vsync.lock").write_text(ana.lock())
    assert ben.pull(locked=True).data["version"] == AT_NOON
    assert ben.tree() == ana.tree()


def test_locked_without_an_entry_says_how_to_get_one(ben: Desk) -> None:
    with pytest.raises(NotFound, match=r"vsync\.lock has no entry for app/prod") as caught:
        ben.pull(locked=True)
    assert "git vsync lock prod" in (caught.value.hint or "")


def test_locked_protects_edits_that_were_never_pushed(ana: Desk, ben: Desk) -> None:
    second(ana, ben)
    ben.write(".env.prod", "A=mine\n")
    with pytest.raises(Conflict, match="edits that were never pushed"):
        ben.pull(locked=True)
    assert ben.tree()[".env.prod"] == b"A=mine\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": "0" * 64}, "not the one that vsync.lock names"),
        ({"generation": 2}, "the history forked, or the lock was edited"),  # attack 16
        ({"generation": 7}, "the store was set back, or the lock was edited"),
        ({"version": "20260523-120005", "generation": 1}, "which is not later"),
        ({"version": LATER, "generation": 2}, "another generation, key or bundle"),
    ],
)
def test_a_lock_that_contradicts_the_store_is_not_believed(
    changes: dict[str, Any], said: str, ana: Desk, ben: Desk
) -> None:
    second(ana, ben)
    ben.pull()
    relocked(ben, **changes)
    before = ben.tree()
    with pytest.raises(IntegrityError, match=said):
        ben.pull(locked=True)
    assert ben.tree() == before


def test_a_lock_of_a_key_that_this_machine_lacks_asks_for_a_share(ana: Desk, ben: Desk) -> None:
    second(ana, ben)
    ben.pull()
    relocked(ben, key_id="0123456789abcdef")
    with pytest.raises(KeyUnavailable, match="this takes key 0123456789abcdef"):
        ben.pull(locked=True)


def test_locked_goes_on_when_the_store_was_set_back(ana: Desk, ben: Desk, team: Team) -> None:
    hostile = Simulator(team.store)
    old = hostile.photo()
    second(ana, ben)
    ben.pull()
    hostile.serve(old)
    ben.store = hostile
    assert ben.pull(locked=True).data["version"] == AT_NOON
    assert "going on, since a version was named" in ben.notices


def hostile_side(desk: Desk) -> Path:
    """Put what looks like an interrupted pull beside the folder, which is not there."""
    shutil.rmtree(desk.vault)
    side = desk.vault.parent / ".prod.vsync"
    for name in ("old", "new"):
        (side / name).mkdir(parents=True)
        (side / name / ".env.prod").write_text("EVIL=1\n")
    return side


@pytest.mark.parametrize("act", [Desk.pull, Desk.push, Desk.restore])
def test_an_interrupted_pull_that_came_with_the_repository_is_refused(
    ana: Desk, ben: Desk, act: Callable[[Desk], Result]
) -> None:
    side = hostile_side(ben)
    ben.git("add", "-f", "infra")
    with pytest.raises(GitError, match=r"git tracks infra/vault/\.prod\.vsync/new/\.env\.prod"):
        act(ben)
    with pytest.raises(GitError):
        ben.pull(dry_run=True)
    assert (side.exists(), ben.vault.exists()) == (True, False)


def test_an_interrupted_pull_that_this_machine_has_not_noted_is_never_finished(ana: Desk, ben: Desk) -> None:
    side = hostile_side(ben)
    with pytest.raises(Conflict, match="nothing on this machine has set aside") as caught:
        ben.pull(merge=True)
    assert f"rm -r {FOLDER.removesuffix('prod')}.prod.vsync" in (caught.value.hint or "")
    assert (side.exists(), ben.vault.exists()) == (True, False)
    shutil.rmtree(side)
    assert ben.pull().state == "pulled"
