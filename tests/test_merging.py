"""git vsync pull --merge: both people's work in one folder; only what really clashes is left to decide."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulator import Simulator
from tests.worlds import (
    AT_NOON,
    CONFIG,
    OTHER_KEY_TEXT,
    SALT,
    SECRET,
    Desk,
    Team,
    everything_below,
    vault_key,
)
from vsync.errors import Conflict, IntegrityError
from vsync.formats.binding import RetiredSalt
from vsync.formats.content import FileState
from vsync.formats.dotenv import MAX_ENV_BYTES
from vsync.model import Report, Result
from vsync.report import to_json
from vsync.sync.base import Base
from vsync.sync.mergeplan import Content, Merging, Plan

LATER = "20260523-120001"
ENV = "# head\n\nA=1\nB=1\n"


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", ENV)
    desk.write("keys/a.pem", "a")
    desk.write("keys/b.pem", "b")
    desk.push()
    return desk


@pytest.fixture
def ben(team: Team, ana: Desk) -> Desk:
    desk = team.desk("ben")
    desk.pull()
    return desk


def both(ana: Desk, ben: Desk, *, there: dict[str, str | None], here: dict[str, str | None]) -> None:
    """Let ana push what is `there`, and ben edit what is `here`; None removes a file."""
    for desk, files in ((ana, there), (ben, here)):
        for path, content in files.items():
            if content is None:
                (desk.vault / path).unlink()
            else:
                desk.write(path, content)
    ana.push()


def conflicts(done: Result) -> list[tuple[Any, ...]]:
    return [tuple(value for key, value in one.items() if key != "why") for one in done.data["conflicts"]]


def test_edits_of_both_sides_come_together_and_can_be_pushed(ana: Desk, ben: Desk) -> None:
    there = {".env.prod": "# head\n\nA=2\nB=1\nX=5\n", "new.pem": "n", "keys/b.pem": None}
    both(ana, ben, there=there, here={".env.prod": "# head\n\nA=1\nB=7\n", "keys/a.pem": "a2", "mine": "m"})
    done = ben.pull(merge=True)
    merged = {".env.prod": b"# head\n\nA=2\nB=7\nX=5\n", "keys/a.pem": b"a2", "mine": b"m", "new.pem": b"n"}
    assert (done.state, done.code, ben.tree()) == ("merged", 0, merged)
    assert ben.status().details == ("+ mine", "~ .env.prod", "~ keys/a.pem")
    assert ben.status().data["remote"] == f"up to date at {LATER}"
    assert ben.push().state == "pushed"
    assert ana.pull().state == "pulled"
    assert ana.tree() == merged


def test_the_answer_names_what_came_and_what_to_do_next(ana: Desk, ben: Desk) -> None:
    there = {".env.prod": "# head\n\nA=2\nX=5\n", "new.pem": "n", "keys/b.pem": None}
    both(ana, ben, there=there, here={".env.prod": f"{ENV}C=1\n"})
    done = ben.pull(merge=True)
    assert done.summary == f"merged {LATER}: 5 changes from there"
    assert done.details == (
        *("next: git vsync push prod", "+ X in .env.prod", "- B in .env.prod", "~ A in .env.prod"),
        *("- keys/b.pem", "+ new.pem"),
        f"what was here is in the backup {AT_NOON}: git vsync restore prod --backup {AT_NOON}",
    )
    assert done.data["merged"][0] == {"change": "+", "file": ".env.prod", "variable": "X"}
    assert (done.data["version"], done.data["generation"], done.data["backup"]) == (LATER, 2, AT_NOON)


def test_a_variable_that_both_changed_is_kept_twice_and_listed(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={".env.prod": "A=ana\nB=1\n"}, here={".env.prod": "A=ben\nB=1\nC=1\n"})
    done = ben.pull(merge=True)
    text = f"<<<<<<< yours\nA=ben\n=======\nA=ana\n>>>>>>> remote {LATER}\nB=1\nC=1\n"
    assert (done.state, done.code, ben.tree()[".env.prod"].decode()) == ("conflicts", 11, text)
    assert conflicts(done) == [(".env.prod", "A", "changed", "changed", None)]
    assert done.details[0] == "conflict: A in .env.prod, changed on both sides"
    assert done.details[1].startswith("next: keep one candidate of each")


def test_a_file_that_both_changed_stays_and_theirs_lies_beside_it(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={"keys/a.pem": "ana"}, here={"keys/a.pem": "ben"})
    done = ben.pull(merge=True)
    aside = f"keys/a.pem.conflict-{LATER}"
    assert conflicts(done) == [("keys/a.pem", None, "changed", "changed", aside)]
    assert (ben.tree()["keys/a.pem"], ben.tree()[aside]) == (b"ben", b"ana")
    assert done.details[0] == f"conflict: keys/a.pem, changed on both sides; theirs is {aside}"


@pytest.mark.parametrize(("there", "here", "whose"), [("x", None, "theirs"), (None, "x", "yours")])
def test_what_one_changed_and_the_other_removed_is_set_aside(
    ana: Desk, ben: Desk, there: str | None, here: str | None, whose: str
) -> None:
    both(ana, ben, there={"keys/a.pem": there}, here={"keys/a.pem": here})
    done, aside = ben.pull(merge=True), f"keys/a.pem.conflict-{LATER}"
    assert ben.tree() == {".env.prod": ENV.encode(), aside: b"x", "keys/b.pem": b"b"}
    assert done.code == 11
    assert done.details[0].endswith(f"; {whose} is {aside}")


def test_a_push_waits_until_everything_is_decided(ana: Desk, ben: Desk) -> None:
    here: dict[str, str | None] = {".env.prod": "A=ben\nB=1\n", "keys/a.pem": "ben", "sub/.env": "S=2\n"}
    ana.write("sub/.env", "S=1\n")
    both(ana, ben, there={".env.prod": "A=ana\nB=1\n", "keys/a.pem": "ana"}, here=here)
    ben.pull(merge=True)
    aside, before = f"keys/a.pem.conflict-{LATER}", ben.team.pointer()
    with pytest.raises(Conflict, match=rf"to decide: A in \.env\.prod, {aside}, S in sub/\.env$") as caught:
        ben.push(force=True)
    assert "remove the marks" in (caught.value.hint or "")
    ben.write(".env.prod", "A=ana\nB=1\n")
    ben.write("sub/.env", "S=2\n")
    with pytest.raises(Conflict, match=rf"to decide: {aside}$"):
        ben.push()
    assert ben.team.pointer() == before
    (ben.vault / aside).unlink()
    assert ben.push().state == "pushed"


@pytest.mark.parametrize("path", [".env.prod", "sub/.env", "prod.env", ".env.prod.bak"])
def test_marks_that_were_changed_keep_a_file_from_being_pushed(ben: Desk, path: str) -> None:
    ben.write(path, "A=1\n# >>>>>>> theirs\n")
    with pytest.raises(Conflict, match=rf"to decide: line 2 in {path}$"):
        ben.push()


@pytest.mark.parametrize("path", [".env.prod", "sub/.env"])
def test_both_candidates_without_their_marks_are_not_pushed(ana: Desk, ben: Desk, path: str) -> None:
    ben.write(path, "A=1\nB=1\nexport A='1'\n")
    assert ben.push().state == "pushed"
    ben.write(path, "A=canary\nB=1\nA=1\n")
    with pytest.raises(Conflict, match=rf"variables with two values: A in {path}$") as caught:
        ben.push(force=True)
    assert "canary" not in f"{caught.value}{caught.value.hint}"


def test_a_second_merge_waits_too_and_changes_nothing(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={".env.prod": "A=ana\n"}, here={".env.prod": "A=ben\n"})
    ben.pull(merge=True)
    ana.write(".env.prod", "A=ana 2\n")
    ana.push()
    before = everything_below(ben.vault)
    with pytest.raises(Conflict, match=r"conflicts of a merge to decide: A in \.env\.prod"):
        ben.pull(merge=True)
    assert everything_below(ben.vault) == before


def test_without_edits_it_is_an_ordinary_pull(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={".env.prod": "A=2\n"}, here={})
    assert ben.pull(merge=True).state == "pulled"
    assert ben.tree() == ana.tree()


def test_without_news_the_edits_stay_as_they_are(ben: Desk) -> None:
    ben.write(".env.prod", "A=ben\n")
    before = everything_below(ben.vault)
    done = ben.pull(merge=True)
    assert (done.state, done.code, done.details) == ("current", 0, ("~ .env.prod",))
    assert everything_below(ben.vault) == before
    assert ben.status().data["local"] == "dirty 1"


def test_what_both_did_alike_is_no_conflict(ana: Desk, ben: Desk) -> None:
    same: dict[str, str | None] = {".env.prod": "A=2\n", "keys/a.pem": None, "new.pem": "n"}
    both(ana, ben, there=same, here={**same, "mine": "m"})
    assert ben.pull(merge=True).state == "merged"
    assert ben.tree() == ana.tree() | {"mine": b"m"}


def test_a_merge_keeps_a_backup_of_what_was_here(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={".env.prod": "A=ana\n"}, here={".env.prod": "A=ben\n", "mine": "m"})
    before = ben.tree()
    ben.pull(merge=True)
    assert ben.tree() != before
    ben.restore()
    assert ben.tree() == before


def test_a_dry_run_says_what_would_clash_and_writes_nothing(ana: Desk, ben: Desk, team: Team) -> None:
    both(ana, ben, there={".env.prod": "A=ana\nB=1\nX=1\n"}, here={".env.prod": "A=ben\nB=1\n"})
    before = everything_below(team.folder)
    ben.terminal.notices.clear()
    done = ben.pull(merge=True, dry_run=True)
    assert (done.state, done.code) == ("planned", 11)
    assert done.summary == f"would merge {LATER}: 1 change from there, 1 conflict: A in .env.prod"
    assert everything_below(team.folder) == before
    assert not ben.notices


def test_modes_and_folders_are_merged_too(ana: Desk, ben: Desk) -> None:
    ana.write("keys/a.pem", "a", executable=True)
    (ana.vault / "keys/b.pem").unlink()
    ana.write("theirs/deep/x", "x")
    ana.push()
    ben.write("keys/a.pem", "edited")
    ben.write("yours/y", "y", executable=True)
    assert "~ keys/a.pem" in ben.pull(merge=True).details
    modes = {str(path.relative_to(ben.vault)): path.stat().st_mode & 0o777 for path in ben.vault.rglob("*")}
    files = {".env.prod": 0o600, "keys/a.pem": 0o700, "theirs/deep/x": 0o600, "yours/y": 0o700}
    assert modes == files | dict.fromkeys(["keys", "theirs", "theirs/deep", "yours"], 0o700)
    assert (ben.vault / "keys/a.pem").read_text() == "edited"


def test_a_folder_that_they_removed_goes_unless_something_of_yours_is_in_it(ana: Desk, ben: Desk) -> None:
    ana.write("one/x", "x")
    ana.write("two/x", "x")
    ana.push()
    ben.pull()
    for name in ("one", "two"):
        (ana.vault / name / "x").unlink()
        (ana.vault / name).rmdir()
    both(ana, ben, there={}, here={"two/mine": "m"})
    ben.pull(merge=True)
    assert sorted(path.name for path in ben.vault.iterdir()) == [".env.prod", "keys", "two"]


def test_an_env_file_that_cannot_be_read_is_merged_as_a_whole(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={".env.prod": "A=2\n"}, here={".env.prod": "A=1\nA=3\n"})
    done = ben.pull(merge=True)
    assert conflicts(done) == [(".env.prod", None, "changed", "changed", f".env.prod.conflict-{LATER}")]
    assert ben.tree()[".env.prod"] == b"A=1\nA=3\n"


WHOLE = {
    "A=1\nA=2\n": "in yours, A stands twice",
    "A=2\n\ncanary\n": "in yours, line 3 of the env file is not NAME=value",
    "A=\xff\n": "in yours, the env file is not UTF-8",
}


@pytest.mark.parametrize(("here", "why"), WHOLE.items(), ids=range(3))
def test_why_an_env_file_is_merged_as_a_whole_is_said(ana: Desk, ben: Desk, here: str, why: str) -> None:
    both(ana, ben, there={".env.prod": "A=3\n"}, here={})
    ben.write(".env.prod", here.encode("latin-1"))
    done = ben.pull(merge=True)
    assert f"merged as a whole: {why}" in done.details[0]
    assert done.data["conflicts"][0]["why"] == why
    assert "canary" not in repr(done)


def test_a_file_of_examples_is_merged_as_a_whole(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={".env.example": "A=2\n"}, here={".env.example": "A=3\n"})
    assert conflicts(ben.pull(merge=True))[0][4] == f".env.example.conflict-{LATER}"


def test_the_env_file_of_the_mapping_is_one_whatever_its_name(ana: Desk, ben: Desk) -> None:
    for desk in (ana, ben):
        (desk.top / "vsync.toml").write_text(f'{CONFIG}env_file = "settings"\n')
        desk.write("settings", "A=1\nB=1\n")
    ana.push()
    ben.pull()
    both(ana, ben, there={"settings": "A=2\nB=1\n"}, here={"settings": "A=1\nB=2\n"})
    assert ben.pull(merge=True).state == "merged"
    assert ben.tree()["settings"] == b"A=2\nB=2\n"


@pytest.mark.parametrize(("there", "here"), [("keys/a.pem.x/y", "keys/a.pem.x"), ("Mine", "mine")])
def test_names_that_cannot_stand_side_by_side_stop_it(ana: Desk, ben: Desk, there: str, here: str) -> None:
    both(ana, ben, there={there: "1"}, here={here: "2"})
    before = everything_below(ben.vault.parent)
    with pytest.raises(Conflict, match="cannot lie in one folder"):
        ben.pull(merge=True)
    assert everything_below(ben.vault.parent) == before


def test_a_name_that_is_too_long_to_be_set_aside_stops_it(ana: Desk, ben: Desk) -> None:
    name = "n" * 240
    both(ana, ben, there={name: "1"}, here={name: "2"})
    with pytest.raises(Conflict, match="no second file can lie beside it"):
        ben.pull(merge=True)
    assert ben.tree()[name] == b"2"


# What was last synced


def test_a_checkout_that_never_synced_merges_without_a_base(ana: Desk, team: Team) -> None:
    carl = team.desk("carl")
    carl.write(".env.prod", "A=carl\nB=1\nC=1\n")
    carl.write("keys/b.pem", "b")
    done = carl.pull(merge=True)
    assert conflicts(done) == [(".env.prod", "A", "changed", "changed", None)]
    assert "app/prod was never synced here" in carl.notices
    assert carl.tree().keys() == ana.tree().keys()
    text = f"# head\n\n<<<<<<< yours\nA=carl\n=======\nA=1\n>>>>>>> remote {AT_NOON}\nB=1\nC=1\n"
    assert carl.tree()[".env.prod"].decode() == text


def test_without_the_last_version_what_both_changed_is_a_conflict_and_says_so(
    ana: Desk, ben: Desk, team: Team
) -> None:
    there = {".env.prod": "A=2\nB=1\n", "keys/a.pem": "a2", "keys/b.pem": None}
    both(ana, ben, there=there, here={".env.prod": "A=1\nB=2\nC=1\n"})
    team.store.delete(team.root.version(AT_NOON))
    done = ben.pull(merge=True)
    assert [row[:2] for row in conflicts(done)] == [(".env.prod", "A"), (".env.prod", "B")]
    assert f"{AT_NOON}, which was last synced here, is no longer in the store" in ben.notices
    assert ben.tree().keys() == {".env.prod", "keys/a.pem"}


def test_the_last_version_is_not_fetched_where_no_text_is_needed(ana: Desk, ben: Desk, team: Team) -> None:
    both(ana, ben, there={"keys/a.pem": "a2", ".env.prod": "A=2\n"}, here={"keys/b.pem": "b2"})
    ben.store = Simulator(team.store)
    assert ben.pull(merge=True).state == "merged"
    assert [call for call in ben.store.calls if call.startswith("download")] == [
        f"download {team.root.version(LATER)}"
    ]


def test_nor_for_an_env_file_that_both_added(ana: Desk, ben: Desk, team: Team) -> None:
    both(ana, ben, there={"new.env": "A=1\nB=1\n"}, here={"new.env": "C=1\n"})
    ben.store = Simulator(team.store)
    assert ben.pull(merge=True).code == 0
    assert ben.tree()["new.env"] == b"A=1\nB=1\nC=1\n"
    assert len([call for call in ben.store.calls if call.startswith("download")]) == 1


def test_a_file_that_was_executable_before_is_known_as_the_same(ana: Desk, ben: Desk) -> None:
    ana.write("bin/run", "1", executable=True)
    ana.write("bin/.env", "A=1\nB=1\n", executable=True)
    ana.push()
    ben.pull()
    ben.write("bin/run", "1", executable=False)
    ben.write("bin/.env", "A=2\nB=1\n", executable=True)
    ana.write("bin/run", "2", executable=True)
    ana.write("bin/.env", "A=1\nB=2\n", executable=False)
    ana.push()
    assert ben.pull(merge=True).code == 0
    assert (ben.tree()["bin/run"], ben.tree()["bin/.env"]) == (b"2", b"A=2\nB=2\n")
    assert {path.stat().st_mode & 0o777 for path in (ben.vault / "bin").iterdir()} == {0o600}


def test_a_comment_that_came_from_there_is_told_as_a_change_of_the_file(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={".env.prod": f"{ENV}# note\n"}, here={".env.prod": f"{ENV}C=1\n"})
    assert "~ .env.prod" in ben.pull(merge=True).details
    assert ben.tree()[".env.prod"].decode() == f"{ENV}C=1\n# note\n"


def test_a_last_version_with_another_content_is_not_believed(ana: Desk, ben: Desk, team: Team) -> None:
    hostile = ben.store = Simulator(team.store)
    both(ana, ben, there={".env.prod": "A=2\nB=1\n"}, here={".env.prod": "A=ben\nB=1\n"})
    forger = Team(team.folder / "forger")
    desk = forger.desk("dora")  # somebody with the key, who wants ben's edit to count as none
    desk.write(".env.prod", "A=ben\nB=1\n")
    desk.push()
    forged = forger.store.read(forger.root.version(AT_NOON), limit=1 << 20).data
    hostile.serve(hostile.photo() | {team.root.version(AT_NOON): forged})
    before = everything_below(ben.vault)
    with pytest.raises(IntegrityError, match="does not hold what was last synced here"):
        ben.pull(merge=True)
    assert everything_below(ben.vault) == before


def test_a_newest_version_that_was_altered_is_refused(ana: Desk, ben: Desk, team: Team) -> None:
    both(ana, ben, there={".env.prod": "A=2\n"}, here={".env.prod": "A=ben\n"})
    hostile = ben.store = Simulator(team.store)
    hostile.serve(hostile.photo() | {team.root.version(LATER): b"x" * 500})
    with pytest.raises(IntegrityError):
        ben.pull(merge=True)
    assert ben.tree()[".env.prod"] == b"A=ben\n"


def test_the_last_version_under_a_retired_key_is_read(ana: Desk, ben: Desk, team: Team) -> None:
    old = vault_key().key_id
    for desk in (ana, ben):
        binding = replace(team.binding, retired=(RetiredSalt(old, SALT),))
        desk.world().machine.bindings.write(SECRET, binding)
        desk.keys.set(f"{SECRET}#{old}", desk.keys.texts[str(SECRET)])
        desk.keys.set(str(SECRET), OTHER_KEY_TEXT)
    team.store.delete(team.root.head)  # what a rotation leaves: the old version, and a pointer of the new key
    team.store.delete(team.root.audit)
    for path in (*(ana.base / "app").glob("s*_prod*"), ana.top / "vsync.lock"):
        path.unlink()
    for number in (1, 2):
        ana.write(".env.prod", f"# head\n\nA={number}\nB=1\n")
        ana.push()
    ben.write(".env.prod", "# head\n\nA=1\nB=ben\n")
    assert ben.pull(merge=True).code == 0
    assert ben.tree()[".env.prod"] == b"# head\n\nA=2\nB=ben\n"


def test_a_last_version_whose_key_is_gone_counts_as_lost(ana: Desk, ben: Desk, team: Team) -> None:
    both(ana, ben, there={".env.prod": "A=2\n"}, here={".env.prod": "A=1\nB=1\n"})
    world = ben.world()
    ledger = world.machine.memory.ledger(SECRET, world.checkout)
    assert ledger is not None
    world.machine.memory.write_ledger(SECRET, world.checkout, replace(ledger, kid="0123456789abcdef"))
    assert [row[1] for row in conflicts(ben.pull(merge=True))] == ["A"]
    assert "takes a key that this machine lacks" in ben.notices


def test_edits_on_an_older_version_are_merged_from_there(ana: Desk, ben: Desk) -> None:
    both(ana, ben, there={".env.prod": f"{ENV}X=1\n"}, here={})
    ben.pull()
    ben.pull(at=AT_NOON)
    ben.write(".env.prod", f"Y=1\n{ENV}")
    ben.pull(merge=True)
    assert ben.tree()[".env.prod"].decode() == f"Y=1\n{ENV}X=1\n"


def test_an_edit_made_during_the_merge_is_kept(ana: Desk, ben: Desk, team: Team) -> None:
    both(ana, ben, there={".env.prod": "A=2\n"}, here={".env.prod": "A=ben\n"})
    hostile = ben.store = Simulator(team.store)
    hostile.before("download", "v=", lambda: ben.write(".env.prod", "A=just typed\n"))
    with pytest.raises(Conflict, match="changed while vsync was"):
        ben.pull(merge=True)
    assert ben.tree()[".env.prod"] == b"A=just typed\n"
    assert not (ben.vault.parent / ".prod.vsync").exists()


def test_activate_to_and_the_audit_row_follow_as_after_any_pull(ana: Desk, ben: Desk) -> None:
    (ben.top / "vsync.toml").write_text(f'{CONFIG}activate_to = ".env"\n')
    both(ana, ben, there={".env.prod": "A=2\nB=1\n"}, here={".env.prod": "A=1\nB=2\n"})
    ben.pull(merge=True)
    assert (ben.top / ".env").read_text() == "A=2\nB=2\n"
    (ben.top / ".env").unlink()
    assert ben.pull(merge=True).state == "current"
    assert (ben.top / ".env").exists()
    rows = [(row.data["action"], row.data["version_ts"]) for row in ben.audit(verify=True)]
    assert rows[-1] == ("pull", LATER)


class NothingSynced(Base):
    def __init__(self) -> None:
        return

    def states(self, *sides: Mapping[str, FileState]) -> dict[str, FileState]:
        return {}

    def read(self, path: str) -> tuple[FileState | None, bytes] | None:
        return None, b""


def test_only_env_files_of_a_bounded_size_are_read_to_be_merged(ben: Desk) -> None:
    def never() -> Iterator[bytes]:
        raise AssertionError("a plan reads nothing")

    def side(digest: str) -> dict[str, Content]:
        big = {".env": MAX_ENV_BYTES + 1, "a.bin": 5}
        return {path: Content(FileState(path, False, digest), size, never) for path, size in big.items()}

    plan = Merging(ben.mapping, LATER, NothingSynced(), side("1"), side("2")).plan((), ())
    assert [clash.aside for clash in plan.clashes] == [f".env.conflict-{LATER}", f"a.bin.conflict-{LATER}"]
    assert len(plan.files) == 4


# Secrets


def test_candidates_are_in_the_folder_only(ana: Desk, ben: Desk, team: Team) -> None:
    here = {".env.prod": "# canary-c\nA=canary-b\n", "k": "canary-b"}
    both(ana, ben, there={".env.prod": "A=canary-a\n", "k": "canary-a"}, here={**here})
    done = ben.pull(merge=True)  # attacks 53, 54, 56
    shown = repr(done) + to_json_of(done) + ben.notices
    with pytest.raises(Conflict) as caught:
        ben.push()
    assert "canary" not in shown + repr(caught.value) + caught.value.message + str(caught.value.hint)
    outside = {
        path: data
        for path, (_, data) in everything_below(team.folder).items()
        if b"canary" in data and "/infra/vault/prod/" not in path
    }
    assert outside == {}
    assert b"canary-a" in ben.tree()[".env.prod"]


def to_json_of(done: Result) -> str:
    text = to_json(Report("pull", (done,)))
    assert json.loads(text)["exit_code"] == done.code
    return text


def test_a_plan_shows_no_value() -> None:
    plan = Plan()
    plan.put(Content(FileState("a", False, ""), 6, lambda: (b"canary",)), "a", executable=False)
    assert "canary" not in repr(plan)  # attack 53


# Two people for as long as it takes

names = st.sampled_from("ABC")
edits = st.lists(st.tuples(names, st.sampled_from(["1", "2", None])), max_size=3)


def _edit(desk: Desk, changes: list[tuple[str, str | None]], person: str) -> dict[str, str]:
    env = dict(line.split("=") for line in desk.tree()[".env.prod"].decode().split())
    for name, value in changes:
        env.pop(name, None) if value is None else env.update({name: f"{person}{value}"})
    desk.write(".env.prod", "".join(f"{name}={value}\n" for name, value in env.items()))
    return env


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits, edits)
def test_two_people_merge_push_and_converge_with_every_change(
    tmp_path_factory: pytest.TempPathFactory,
    here: list[tuple[str, str | None]],
    there: list[tuple[str, str | None]],
) -> None:
    team = Team(tmp_path_factory.mktemp("team"))
    ana, ben = team.desk("ana"), team.desk("ben")
    ana.write(".env.prod", "A=0\nB=0\nKEPT=1\n")
    ana.push()
    ben.pull()
    theirs, ours = _edit(ana, there, "ana"), _edit(ben, here, "ben")
    ana.push()
    clashing = {row["variable"] for row in ben.pull(merge=True).data.get("conflicts", ())}
    before = {"A": "0", "B": "0", "KEPT": "1"}
    for name in {*"ABC"}:
        sides = {side.get(name) for side in (before, theirs, ours)}
        assert (name in clashing) == (len(sides) == 3)
    if not clashing:
        ben.push()
        ana.pull()
        assert ana.tree() == ben.tree()


def test_vaults_of_the_classic_layout_are_merged_too(tmp_path: Path) -> None:
    team = Team(tmp_path / "classic", layout="classic")
    ana, ben = team.desk("ana"), team.desk("ben")
    ana.write(".env.prod", ENV)
    ana.push()
    ben.pull()
    both(
        ana,
        ben,
        there={".env.prod": ENV.replace("A=1", "A=2")},
        here={".env.prod": ENV.replace("B=1", "B=2")},
    )
    assert ben.pull(merge=True).state == "merged"
    assert ben.tree()[".env.prod"] == b"# head\n\nA=2\nB=2\n"
    assert ben.push().state == "pushed"
