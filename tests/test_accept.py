"""git vsync accept: the only way to lower what this machine has seen."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.worlds import AT_NOON, SECRET, Desk, Team, everything_below, vault_key
from vsync.errors import Conflict, IntegrityError, NotFound, RolledBack, StoreError, UsageError
from vsync.formats import pointer as pointers
from vsync.formats.version import MAX_GENERATION
from vsync.model import Result
from vsync.sync.accept import accept

LATER = "20260523-120001"


@pytest.fixture
def hostile(team: Team) -> Simulator:
    return Simulator(team.store)


@pytest.fixture
def ana(team: Team, hostile: Simulator) -> Desk:
    """Somebody who has seen two versions, in front of a store that can be set back."""
    desk = team.desk("ana")
    desk.store = hostile
    desk.write(".env.prod", "A=1\n")
    desk.push()
    return desk


def set_back(desk: Desk, team: Team) -> None:
    """Publish a second version, and put the store back to the first for good."""
    path = team.folder / "store"
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    desk.write(".env.prod", "A=2\n")
    desk.push()
    for file in path.rglob("*"):
        if file.is_file():
            file.unlink()
    for file, data in before.items():
        file.write_bytes(data)


def accepted(desk: Desk, *, yes: bool = True) -> Result:
    world = desk.world()
    return accept(world, world.config.mappings[0], yes=yes)


def actions(desk: Desk) -> list[Any]:
    return [row.data["action"] for row in desk.audit(verify=True)]


def test_accept_shows_both_sides_and_lowers_what_was_seen(ana: Desk, team: Team) -> None:  # attack 12
    set_back(ana, team)
    with pytest.raises(RolledBack, match="generation 1 < 2") as caught:
        ana.pull()
    assert "git vsync accept prod" in (caught.value.hint or "")
    done = accepted(ana)
    assert (done.state, done.summary) == ("accepted", f"accepted {AT_NOON} after {LATER}")
    assert f"seen   {LATER}, generation 2" in ana.notices
    assert f"store  {AT_NOON}, generation 1, pushed by ana@example.com" in ana.notices
    assert ana.status(check_remote=True).data["remote"].startswith("ahead")


def test_after_accept_the_folder_goes_either_way(ana: Desk, team: Team) -> None:
    set_back(ana, team)
    accepted(ana)
    with pytest.raises(Conflict, match="remote moved"):
        ana.push()
    assert ana.push(force=True).data["generation"] == 2
    assert ana.tree()[".env.prod"] == b"A=2\n"


def test_after_accept_a_pull_takes_the_restored_version(ana: Desk, team: Team) -> None:
    set_back(ana, team)
    accepted(ana)
    ana.pull()
    assert ana.tree()[".env.prod"] == b"A=1\n"


def test_accept_is_in_the_audit_log_with_what_was_seen(ana: Desk, team: Team) -> None:
    set_back(ana, team)
    accepted(ana)
    rows = ana.audit(verify=True)
    assert actions(ana) == ["push", "accept"]
    assert rows[-1].data["verdict"] == "ok"
    assert f'"seen_version":"{LATER}"' in str(rows[-1].data["meta"])


def test_accept_takes_an_empty_store_and_the_next_push_begins_anew(ana: Desk, team: Team) -> None:
    for file in (team.folder / "store").rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(RolledBack, match="no longer has the pointer"):
        ana.push()
    assert accepted(ana).summary == "accepted that the store is empty"
    assert ana.push().data["generation"] == 1


def test_an_accepted_empty_store_is_taken_by_a_pull_too(ana: Desk, team: Team) -> None:
    for file in (team.folder / "store").rglob("*"):
        if file.is_file():
            file.unlink()
    accepted(ana)
    with pytest.raises(NotFound):
        ana.pull()
    assert ana.status().data["remote"] == "nothing pushed yet"
    assert accepted(ana).state == "unchanged"


def wiped(desk: Desk) -> None:
    """Take all memory away from a machine, as a new one or a job has none."""
    for file in (*(desk.base / "app").glob("s*_prod*"), desk.top / ".git/vsync/checkout"):
        file.unlink()


@pytest.mark.parametrize("witness", ["lock", "audit log"])
def test_a_pointer_that_vanished_is_no_new_vault_on_a_machine_without_memory(
    ana: Desk, team: Team, witness: str
) -> None:  # attack 21
    wiped(ana)
    (team.folder / "store" / team.root.head).unlink()
    if witness == "lock":
        (team.folder / "store" / team.root.audit).unlink()
    else:
        (ana.top / "vsync.lock").unlink()
    verbs: tuple[Callable[[], Result], ...] = (ana.push, ana.pull, lambda: ana.status(check_remote=True))
    for verb in verbs:
        with pytest.raises(RolledBack, match=witness):
            verb()
    assert accepted(ana).state == "accepted"
    assert ana.push().data["generation"] == 1


def test_a_store_that_is_not_there_was_set_back_by_nobody(ana: Desk, team: Team) -> None:
    (team.folder / "store").rename(team.folder / "unmounted")
    verbs: tuple[Callable[[], Result], ...] = (ana.push, ana.pull, lambda: accepted(ana))
    for verb in verbs:
        with pytest.raises(StoreError, match="is not there") as caught:
            verb()
        assert "mounted" in (caught.value.hint or "")
    (team.folder / "unmounted").rename(team.folder / "store")
    assert ana.pull().state == "current"


def test_accept_lowers_nothing_where_nothing_contradicts(ana: Desk) -> None:
    before = everything_below(ana.base / "app")
    assert accepted(ana).state == "unchanged"
    assert everything_below(ana.base / "app") == before


def test_accept_asks_and_changes_nothing_without_an_answer(ana: Desk, team: Team) -> None:
    set_back(ana, team)
    before = everything_below(ana.base / "app")
    with pytest.raises(UsageError):
        accepted(ana, yes=False)
    assert everything_below(ana.base / "app") == before


def test_accept_does_not_take_what_is_not_authentic(ana: Desk, team: Team, hostile: Simulator) -> None:
    data = team.store.read(team.root.head, limit=1 << 16).data
    hostile.lie(team.root.head, data[:-1] + (b"0" if data[-1:] != b"0" else b"1"))
    with pytest.raises(IntegrityError, match="was altered"):
        accepted(ana)


def test_a_head_that_skips_ahead_is_undone_by_a_restore_and_accept(ana: Desk, team: Team) -> None:
    """attack 14: somebody with the key used up the generations; the team restores the store."""
    pointer = team.pointer()
    far = pointers.to_bytes(
        pointers.Pointer(
            **{name: getattr(pointer, name) for name in pointer.__dataclass_fields__}
            | {"gen": MAX_GENERATION, "version": "20270101-000000", "prev": pointer.version}
        ),
        vault_key(),
    )
    path = team.folder / "store" / team.root.head
    before = path.read_bytes()
    path.write_bytes(far)
    ana.status(check_remote=True)
    path.write_bytes(before)
    with pytest.raises(RolledBack):
        ana.pull()
    accepted(ana)
    ana.write(".env.prod", "A=3\n")
    assert ana.push().data["generation"] == 2


def test_a_successor_that_does_not_follow_what_was_seen_is_a_fork(ana: Desk, team: Team) -> None:  # attack 16
    other = Team(team.folder.parent / "other")
    cy = other.desk("cy")
    cy.write(".env.prod", "A=0\n")
    cy.push()
    # The same key, another history: its second version follows a first that ana never saw.
    cy.write(".env.prod", "A=fork\n")
    cy.push()
    forked = other.store.read(other.root.head, limit=1 << 16).data
    pointer = pointers.from_bytes(forked, vault_key(), str(SECRET))
    changed = pointers.Pointer(
        **{name: getattr(pointer, name) for name in pointer.__dataclass_fields__}
        | {"prev": "20260523-115959"}
    )
    (team.folder / "store" / team.root.head).write_bytes(pointers.to_bytes(changed, vault_key()))
    with pytest.raises(RolledBack, match=f"follows 20260523-115959, not {AT_NOON}"):
        ana.pull()
