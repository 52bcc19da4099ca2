"""git vsync versions: all of them, newest first, with who, size, age and note."""

from datetime import timedelta

import pytest

from tests.simulator import Simulator
from tests.worlds import AT_NOON, NOON, Desk, Team
from vsync.errors import Refused, RolledBack
from vsync.sync.versions import age, human_size

LATER = "20260523-120001"


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\n")
    desk.push(note={"note": "first"})
    desk.write(".env.prod", "A=2\n")
    desk.push()
    return desk


def test_versions_are_newest_first_and_say_who_and_why(ana: Desk, team: Team) -> None:
    ana.now = NOON + timedelta(hours=3)
    newest, oldest = ana.versions()
    assert newest.data["current"]
    assert newest.data["locked"]
    assert oldest.data == {
        "version": AT_NOON,
        "size": len(team.objects()[team.root.version(AT_NOON)]),
        "by": "ana@example.com",
        "note": "first",
        "age_seconds": 3 * 3600,
        "current": False,
        "locked": False,
    }
    assert "3h ago" in oldest.summary


def test_an_older_lock_marks_its_own_version(ana: Desk) -> None:
    text = ana.lock().replace(LATER, AT_NOON)
    (ana.top / "vsync.lock").write_text(text)
    assert [(row.data["current"], row.data["locked"]) for row in ana.versions()] == [
        (True, False),
        (False, True),
    ]


def test_what_is_no_version_is_passed_over(ana: Desk, team: Team) -> None:
    for name in ("v=notes.txt", "v=20261399-000000", "slots/ci"):
        path = team.folder / "store/app/prod" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert [row.data["version"] for row in ana.versions()] == [LATER, AT_NOON]


def test_a_version_that_the_log_does_not_know_is_shown_as_such(ana: Desk, team: Team) -> None:
    path = team.folder / "store/app/prod/v=20260523-110000"
    path.write_text("an orphan")
    assert "not in the audit log" in ana.versions()[-1].summary


@pytest.mark.parametrize("data", [b"\xff\xfe", b"no,header\n"])
def test_a_log_that_cannot_be_read_takes_only_the_names_away(ana: Desk, team: Team, data: bytes) -> None:
    hostile = ana.store = Simulator(team.store)
    hostile.lie(team.root.audit, data)
    assert [row.data["by"] for row in ana.versions()] == [None, None]
    assert "audit log" in ana.notices


def test_a_log_that_may_not_be_read_takes_only_the_names_away(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)
    hostile.refuse("read", "audit.csv", Refused("403"))
    assert len(ana.versions()) == 2


def test_a_note_that_is_no_text_is_no_note(ana: Desk) -> None:
    ana.write(".env.prod", "A=3\n")
    ana.push(note={"note": ["a", "list"]})
    assert ana.versions()[0].data["note"] is None


def test_after_a_rollback_versions_can_still_be_named_but_none_is_current(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)
    old = hostile.photo()
    ana.write(".env.prod", "A=3\n")
    ana.push()
    hostile.serve(old)
    doubts: list[RolledBack] = []
    found = ana.versions(doubts)
    assert len(found) == 3
    assert not any(result.data["current"] for result in found)
    [doubt] = doubts
    assert "generation 2 < 3" in doubt.message
    assert doubt.exit_code == 13


def test_more_versions_than_a_page_of_any_server(ana: Desk, team: Team) -> None:
    folder = team.folder / "store/app/prod"  # attack 80
    for number in range(1200):
        moment = NOON - timedelta(minutes=number + 1)
        (folder / f"v={moment:%Y%m%d-%H%M%S}").write_bytes(b"x")
    found = [str(row.data["version"]) for row in ana.versions()]
    assert (len(found), found) == (1202, sorted(found, reverse=True))


AGES = [(-5, "0s ago"), (59, "59s ago"), (61, "1m ago"), (7200, "2h ago"), (200_000, "2d ago")]


@pytest.mark.parametrize(("seconds", "text"), AGES)
def test_an_age_is_in_its_largest_unit(seconds: int, text: str) -> None:
    assert age(NOON, NOON - timedelta(seconds=seconds)) == text


SIZES = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3072.0 GiB")]


@pytest.mark.parametrize(("size", "text"), SIZES)
def test_a_size_is_in_the_unit_that_fits(size: int, text: str) -> None:
    assert human_size(size) == text
