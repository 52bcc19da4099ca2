"""git vsync lock: the commit says which version it belongs to, and a merge of commits settles it."""

import subprocess
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator import Simulator
from tests.test_lockfile import entries, locks
from tests.worlds import AT_NOON, CONFIG, SECRET, Desk, Team
from vsync.errors import ConfigError, Conflict, IntegrityError, NotFound
from vsync.formats.lockconflict import settle_sides, sides_of
from vsync.formats.lockfile import LockEntry, has_markers, lock_from_text, lock_to_text
from vsync.model import Result
from vsync.sync.lock import lock, resolve

LATER = "20260523-120001"


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\nB=2\n")
    desk.write("key.pem", "x")
    desk.push()
    return desk


@pytest.fixture
def ben(team: Team, ana: Desk) -> Desk:
    desk = team.desk("ben")
    desk.pull()
    return desk


def locked(desk: Desk) -> Result:
    world = desk.world()
    return lock(world, world.config.mappings[0])


def settled(desk: Desk) -> tuple[Result, ...]:
    return resolve(desk.world())


def entry_of(desk: Desk) -> LockEntry:
    return lock_from_text(desk.lock())[str(SECRET)]


def commit(desk: Desk, text: str) -> None:
    desk.git("add", "-A")
    desk.git("-c", f"user.name={desk.person}", "commit", "-qm", text)


def test_lock_writes_what_the_push_wrote(ana: Desk, ben: Desk) -> None:
    done = locked(ben)
    assert (done.state, done.summary) == ("locked", f"locked to {AT_NOON}")
    assert ben.lock() == ana.lock()
    assert locked(ben).state == "unchanged"


def test_lock_goes_back_to_an_older_version_when_the_checkout_has_it(ana: Desk, ben: Desk) -> None:
    old = ana.lock()
    ana.write(".env.prod", "A=1\nB=2\nC=3\n")
    ana.push()
    (ben.top / "vsync.lock").write_text(old)
    ben.pull(locked=True)
    (ben.top / "vsync.lock").write_text(ana.lock())
    done = locked(ben)
    assert (done.summary, done.data["was"]) == (f"locked to {AT_NOON}, was {LATER}", LATER)
    assert ben.lock() == old


def test_lock_names_edits_and_leaves_them_out(ana: Desk, ben: Desk) -> None:
    ben.write(".env.prod", "A=1\nB=2\nMINE=3\n")
    done = locked(ben)
    assert done.details == ("not in it, never pushed: ~ .env.prod",)
    assert entry_of(ben) == entry_of(ana)
    assert "MINE" not in ben.lock()


def test_lock_needs_no_folder(ana: Desk, ben: Desk) -> None:
    for file in (ben.vault / ".env.prod", ben.vault / "key.pem"):
        file.unlink()
    ben.vault.rmdir()
    assert locked(ben).state == "locked"
    assert ben.lock() == ana.lock()


def test_lock_without_names_lists_none(ben: Desk) -> None:
    (ben.top / "vsync.toml").write_text(CONFIG + "\n[vault.lock]\nnames = false\n")
    locked(ben)
    assert (entry_of(ben).variables, entry_of(ben).files) == ((), ())


def test_lock_before_anything_was_synced_says_what_to_do(ana: Desk, team: Team) -> None:
    ben = team.desk("ben")
    with pytest.raises(NotFound, match="no version of app/prod yet"):
        locked(ben)
    assert ben.lock() == ""


def test_a_version_pulled_by_its_name_has_no_generation_to_record(ana: Desk, ben: Desk) -> None:
    ana.write(".env.prod", "A=2\n")
    ana.push()
    ben.pull(at=AT_NOON)
    with pytest.raises(Conflict, match="nothing vouches for its generation"):
        locked(ben)
    (ben.top / "vsync.lock").write_text(
        lock_to_text([LockEntry(str(SECRET), AT_NOON, 1, "a" * 16, "b" * 64)])
    )
    assert locked(ben).state == "locked"
    assert entry_of(ben).generation == 1


def test_a_bundle_that_is_not_what_was_synced_is_not_recorded(ana: Desk, ben: Desk, team: Team) -> None:
    """Somebody with the key put another bundle of the same name into the store."""
    ana.write(".env.prod", "A=2\n")
    ana.push()
    other = Team(team.folder.parent / "other")
    cy = other.desk("cy")
    cy.write(".env.prod", "A=evil\n")
    cy.push()
    hostile = ben.store = Simulator(team.store)
    hostile.lie(team.root.version(AT_NOON), other.objects()[other.root.version(AT_NOON)])
    with pytest.raises(IntegrityError, match="not what this checkout synced"):
        locked(ben)
    assert ben.lock() == ""


# Conflicts: a real merge of real branches.


def branch(desk: Desk, name: str, content: str, *, start: str) -> None:
    """Push a change on a branch of its own and commit the lock."""
    desk.git("checkout", "-q", "-b", name, start)
    desk.write(".env.prod", content)
    desk.now += timedelta(minutes=1)
    desk.push()
    commit(desk, name)


def merge(desk: Desk, name: str) -> int:
    done = subprocess.run(
        ["git", "-c", "user.name=x", "merge", "-q", name], cwd=desk.top, capture_output=True, check=False
    )
    return done.returncode


@pytest.fixture
def merged(ana: Desk) -> Desk:
    """Two branches that both pushed, merged: the lock is left with markers."""
    commit(ana, "start")
    start = ana.git("branch", "--show-current").strip()
    branch(ana, "one", "A=1\nB=2\nONE=1\n", start=start)
    branch(ana, "two", "A=1\nB=2\nONE=1\nTWO=2\n", start=start)
    ana.git("checkout", "-q", "one")
    assert merge(ana, "two") == 1
    assert has_markers(ana.lock())
    return ana


def test_resolve_keeps_what_was_pushed_last(merged: Desk) -> None:
    rows = settled(merged)
    assert (rows[0].summary, rows[0].data["side"]) == ("20260523-120200 (theirs)", "theirs")
    assert "git add vsync.lock" in rows[-1].summary
    assert merged.lock() == merged.git("show", "two:vsync.lock")
    assert [row.state for row in settled(merged)] == ["unchanged"]


def test_resolve_goes_by_the_markers_where_git_has_no_sides(merged: Desk) -> None:
    text = merged.lock()
    merged.git("checkout", "-q", "--theirs", "vsync.lock")
    merged.git("add", "vsync.lock")
    (merged.top / "vsync.lock").write_text(text)
    assert settled(merged)[0].data["version"] == "20260523-120200"
    assert not has_markers(merged.lock())


def test_every_other_verb_names_the_command_that_resolves(merged: Desk) -> None:
    assert "conflict markers" in merged.status().data["lock"]
    with pytest.raises(ConfigError) as caught:
        merged.push()
    assert caught.value.hint == "git vsync lock --resolve"


def test_a_fork_is_not_settled_and_nothing_is_written(ana: Desk) -> None:  # attack 16
    sides = [LockEntry("app/prod", AT_NOON, 2, "a" * 16, digit * 64) for digit in "12"]
    text = "<<<<<<< HEAD\n{}=======\n{}>>>>>>> two\n".format(*(lock_to_text([side]) for side in sides))
    (ana.top / "vsync.lock").write_text(text)
    with pytest.raises(IntegrityError, match="the history forked"):
        settled(ana)
    assert ana.lock() == text


def test_vaults_of_different_branches_merge_without_a_conflict(ana: Desk) -> None:
    """Line by line, as git merges: each branch moved another vault."""
    others = [LockEntry(f"app/{name}", AT_NOON, 1, "a" * 16, "b" * 64) for name in ("alpha", "omega")]
    (ana.top / "vsync.lock").write_text(lock_to_text([*others, entry_of(ana)]))
    commit(ana, "start")
    start = ana.git("branch", "--show-current").strip()
    for number, name in enumerate(("alpha", "omega")):
        ana.git("checkout", "-q", "-b", name, start)
        moved = [*others]
        moved[number] = LockEntry(f"app/{name}", LATER, 2, "c" * 16, "d" * 64, ("NEW",))
        (ana.top / "vsync.lock").write_text(lock_to_text([*moved, entry_of(ana)]))
        commit(ana, name)
    assert merge(ana, "alpha") == 0
    assert {name: entry.generation for name, entry in lock_from_text(ana.lock()).items()} == {
        "app/alpha": 2,
        "app/omega": 2,
        "app/prod": 1,
    }


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< HEAD\nversion = 1\n",
        "=======\nversion = 1\n",
        "<<<<<<< a\nversion = 1\n>>>>>>> b\n",
        "<<<<<<< a\n<<<<<<< a\n=======\n>>>>>>> b\n",
    ],
)
def test_markers_that_git_does_not_write_are_refused(ana: Desk, text: str) -> None:
    (ana.top / "vsync.lock").write_text(text)
    with pytest.raises(ConfigError, match="not as git writes them"):
        settled(ana)
    assert ana.lock() == text


def test_the_base_of_diff3_belongs_to_no_side() -> None:
    text = "a\r\n<<<<<<< x\r\no\r\n||||||| b\r\nbase\r\n=======\r\nt\r\n>>>>>>> y\r\nz\r\n"
    assert sides_of(text) == ("a\r\no\r\nz\r\n", "a\r\nt\r\nz\r\n")


@given(locks, locks)
def test_settling_is_symmetric_and_loses_no_vault(one: list[LockEntry], two: list[LockEntry]) -> None:
    sides = lock_to_text(one), lock_to_text(two)
    try:
        found = [row.entry for row in settle_sides(*sides)]
    except IntegrityError:
        with pytest.raises(IntegrityError):
            settle_sides(*reversed(sides))
        return
    assert found == [row.entry for row in settle_sides(*reversed(sides))]
    assert {entry.name for entry in found} == {entry.name for entry in (*one, *two)}
    for entry in found:
        rivals = [other.generation for other in (*one, *two) if other.name == entry.name]
        assert entry.generation == max(rivals)


@given(st.lists(entries, max_size=3, unique_by=lambda entry: entry.name))
def test_settling_a_lock_with_itself_changes_nothing(found: list[LockEntry]) -> None:
    text = lock_to_text(found)
    assert lock_to_text(row.entry for row in settle_sides(text, text)) == text
