"""git vsync audit: the log as it is, and whether anybody changed it (formats §7, attack 93)."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import reference
from tests.homes import Home
from tests.simulator import Simulator
from tests.worlds import Desk, Team, vault_key
from vsync.errors import IntegrityError, Refused


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    for number in range(5):
        desk.write(".env.prod", f"A={number}\n")
        desk.push()
    return desk


@pytest.fixture
def hostile(ana: Desk, team: Team) -> Simulator:
    hostile = ana.store = Simulator(team.store)
    return hostile


def _lines(hostile: Simulator, team: Team) -> list[bytes]:
    return hostile.photo()[team.root.audit].splitlines(keepends=True)


def _states(desk: Desk) -> list[str]:
    return [row.state for row in desk.audit(verify=True)]


def test_every_row_of_an_honest_log_is_ok(ana: Desk) -> None:
    assert _states(ana) == ["ok"] * 5


def test_another_program_finds_the_same_chain(ana: Desk, team: Team) -> None:
    rows = reference.read_log(team.objects()[team.root.audit])
    assert reference.check_log(vault_key().derived, rows) == [True] * 5


def test_rows_say_who_and_from_where(ana: Desk) -> None:
    data = ana.audit()[0].data
    assert (data["action"], data["git_email"], data["hostname"], data["os_user"]) == (
        "push",
        "ana@example.com",
        "anas-laptop",
        "ana",
    )


def test_a_changed_row_is_named(ana: Desk, hostile: Simulator, team: Team) -> None:
    lines = _lines(hostile, team)  # attack 93
    lines[2] = lines[2].replace(b"ana@example.com", b"eve@example.com")
    hostile.lie(team.root.audit, b"".join(lines))
    assert _states(ana) == ["ok", "broken", "ok", "ok", "ok"]


def test_a_removed_row_is_noticed_where_it_was(ana: Desk, hostile: Simulator, team: Team) -> None:
    lines = _lines(hostile, team)  # attack 93
    hostile.lie(team.root.audit, b"".join(lines[:2] + lines[3:]))
    rows = ana.audit(verify=True)
    assert [row.state for row in rows] == ["ok", "broken", "ok", "ok", "truncated"]
    assert [row.code for row in rows] == [0, 1, 0, 0, 1]


def test_swapped_rows_are_noticed(ana: Desk, hostile: Simulator, team: Team) -> None:
    lines = _lines(hostile, team)  # attack 93
    hostile.lie(team.root.audit, b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]))
    assert _states(ana)[:5] == ["ok", "broken", "broken", "broken", "ok"]


def test_an_inserted_row_without_a_mac_is_a_finding(ana: Desk, hostile: Simulator, team: Team) -> None:
    lines = _lines(hostile, team)  # attack 93
    cells = lines[1].decode().split(",")[:9]
    hostile.lie(team.root.audit, b"".join([*lines[:3], (",".join(cells) + ",\n").encode(), *lines[3:]]))
    rows = ana.audit(verify=True)
    assert [row.state for row in rows] == ["ok", "ok", "not authenticated", "ok", "ok", "ok", "truncated"]
    assert [row.code for row in rows] == [0, 0, 1, 0, 0, 0, 1]


def test_a_row_under_another_key_is_not_checked_and_never_fine(
    ana: Desk, hostile: Simulator, team: Team
) -> None:
    lines = _lines(hostile, team)  # attack 93
    row = reference.read_log(b"".join(lines[:2]))[0]
    forged = reference.write_log([reference.seal_row(b"k" * 32, "", [*row[:9], ""])]).splitlines(True)[1]
    hostile.lie(team.root.audit, b"".join([lines[0], forged, *lines[2:]]))
    assert _states(ana)[:2] == ["not checked", "broken"]


def test_a_cut_tail_is_noticed_by_who_remembers_more(ana: Desk, hostile: Simulator, team: Team) -> None:
    hostile.lie(team.root.audit, b"".join(_lines(hostile, team)[:4]))  # attack 93
    rows = ana.audit()
    assert (rows[-1].state, rows[-1].code) == ("truncated", 1)
    assert "has 3 rows, and this machine saw 5" in rows[-1].summary


def test_a_cut_tail_goes_on_being_found_after_the_next_push(
    ana: Desk, hostile: Simulator, team: Team
) -> None:
    path = team.folder / "store" / team.root.audit  # attack 93
    path.write_bytes(b"".join(_lines(hostile, team)[:4]))
    for number in range(3):
        ana.write(".env.prod", f"B={number}\n")
        ana.push()
    assert "rows were removed" in ana.notices
    rows = ana.audit(verify=True)
    assert [row.state for row in rows] == ["ok"] * 6 + ["truncated"]
    assert "are not those that this machine saw" in rows[-1].summary


def test_reading_the_log_remembers_how_far_it_came(ana: Desk, hostile: Simulator, team: Team) -> None:
    ben = team.desk("ben")
    ben.pull()
    ana.audit()
    hostile.lie(team.root.audit, b"".join(_lines(hostile, team)[:6]))
    assert ana.audit()[-1].state == "truncated"


def test_a_finding_is_shown_whatever_the_window(ana: Desk, hostile: Simulator, team: Team) -> None:
    lines = _lines(hostile, team)
    lines[1] = lines[1].replace(b"push", b"pull")
    hostile.lie(team.root.audit, b"".join(lines))
    assert [row.state for row in ana.audit(verify=True, limit=1)] == ["broken", "ok"]
    assert [row.state for row in ana.audit(verify=True, since="2999")] == ["broken"]


@pytest.mark.parametrize(("limit", "count"), [(None, 5), (0, 0), (2, 2), (99, 5)])
def test_limit_counts_the_newest(ana: Desk, limit: int | None, count: int) -> None:
    rows = ana.audit(limit=limit)
    assert [row.data["version_ts"] for row in rows] == [
        f"20260523-12000{number}" for number in range(5 - count, 5)
    ]


def test_since_is_a_date_or_a_moment(ana: Desk) -> None:
    newest = ana.audit()[-1].data["ts"]
    assert len(ana.audit(since="2020-01-01")) == 5
    assert [row.data["ts"] for row in ana.audit(since=newest)][-1] == newest
    assert ana.audit(since="2999-01-01") == ()


def test_a_vault_without_a_log_has_no_rows(team: Team) -> None:
    assert team.desk("carl").audit(verify=True) == ()


def test_a_log_that_is_none_is_refused(ana: Desk, hostile: Simulator, team: Team) -> None:
    hostile.lie(team.root.audit, b"<html>sign in</html>\n")
    with pytest.raises(IntegrityError, match="audit log"):
        ana.audit()


def test_a_log_that_nobody_may_read_is_refused(ana: Desk, hostile: Simulator) -> None:
    hostile.refuse("read", "audit.csv", Refused("403"))
    with pytest.raises(Refused):
        ana.audit()


def test_a_foreign_log_is_never_overwritten(ana: Desk, team: Team) -> None:
    path = team.folder / "store" / team.root.audit
    path.write_bytes(b"somebody,elses\n1,2\n")
    ana.write(".env.prod", "B=1\n")
    assert ana.push().state == "pushed"
    assert path.read_bytes() == b"somebody,elses\n1,2\n"
    assert "the audit row waits on this machine" in ana.notices


def test_no_log_is_written_where_the_binding_wants_none(team: Team) -> None:
    from dataclasses import replace

    from tests.worlds import SECRET

    desk = team.desk("dora")
    desk.world().machine.bindings.write(SECRET, replace(team.binding, audit=False))
    desk.write(".env.prod", "A=1\n")
    desk.push()
    assert team.root.audit not in team.objects()


@pytest.fixture
def real(home: Callable[[str], Home], tmp_path: Path) -> Home:
    ana = home("ana")
    app = ana.path / "app"
    app.mkdir()
    ana.git("init", "-q", cwd=app)
    ana.vsync("init", "prod", "--store", f"file://{tmp_path}/store", "--no-input", cwd=app)
    (app / "infra/vault/prod/.env.prod").write_text("A=1\n")
    done = ana.vsync("push", "--note", "=cmd|' /C calc'!A0", cwd=app)
    assert done.returncode == 0, done.stderr
    return ana


def test_csv_is_harmless_in_a_spreadsheet_and_keeps_the_exit_code(real: Home, tmp_path: Path) -> None:
    log = next((tmp_path / "store").rglob("audit.csv"))
    log.write_bytes(log.read_bytes().replace(b"ana@example.com", b"=eve@example.com"))
    done = real.vsync("audit", "--verify", "--csv", cwd=real.path / "app")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert (done.returncode, len(rows)) == (1, 1)
    assert rows[0]["git_email"] == "'=eve@example.com"


def test_json_is_one_document_with_the_verdicts(real: Home) -> None:
    done = real.vsync("--json", "audit", "--verify", cwd=real.path / "app")
    document = json.loads(done.stdout)
    assert (document["version"], document["exit_code"]) == (1, 0)
    assert [row["verdict"] for row in document["results"]] == ["ok"]
