"""git vsync push, on real folders, real git and a real store."""

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reference import content, read_bundle
from tests.simulator import Simulator
from tests.worlds import AT_NOON, FOLDER, NOON, SECRET, Desk, Team, everything_below, vault_key
from vsync.errors import ConfigError, Conflict, GitError, IntegrityError, NotFound, Refused
from vsync.formats.lockfile import lock_from_text
from vsync.sync.lock import lock

PEM = b"-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\nB=two\n")
    return desk


@pytest.fixture
def ben(team: Team) -> Desk:
    return team.desk("ben")


def test_push_publishes_every_file_with_its_mode(ana: Desk, team: Team) -> None:
    ana.write("keys/gcp.pem", PEM)
    ana.write("bin/deploy", "#!/bin/sh\n", executable=True)
    (ana.vault / "keys/empty").mkdir()
    done = ana.push()
    bundle = team.store.read(team.root.version(AT_NOON), limit=1 << 20).data
    folder, files = read_bundle(vault_key().derived, AT_NOON, bundle)
    expected = {".env.prod": (b"A=1\nB=two\n", False), "keys/gcp.pem": (PEM, False)}
    expected |= {"bin/deploy": (b"#!/bin/sh\n", True)}
    assert (done.state, folder, files) == ("pushed", FOLDER, expected)
    assert team.pointer().content == content(vault_key().derived, files)


def test_an_empty_folder_arrives_too(ana: Desk, ben: Desk) -> None:
    (ana.vault / "keys/empty").mkdir(parents=True)
    ana.push()
    ben.pull()
    assert (ben.vault / "keys/empty").is_dir()


def test_the_first_push_is_generation_one_and_says_who(ana: Desk, team: Team) -> None:
    ana.push()
    pointer = team.pointer()
    assert (pointer.gen, pointer.prev, pointer.by) == (1, None, "ana@example.com")


def test_a_push_writes_the_lock_for_the_commit(ana: Desk, team: Team) -> None:
    ana.write("key.pem", PEM)
    ana.push()
    entry = lock_from_text(ana.lock())[str(SECRET)]
    assert (entry.version, entry.generation, entry.sha256) == (AT_NOON, 1, team.pointer().sha256)
    assert (entry.variables, entry.files) == (("A", "B"), ("key.pem",))


def test_no_names_are_committed_where_the_team_wants_none(ana: Desk) -> None:
    with (ana.top / "vsync.toml").open("a") as file:
        file.write("\n[vault.lock]\nnames = false\n")
    ana.push()
    entry = lock_from_text(ana.lock())[str(SECRET)]
    assert (entry.variables, entry.files) == ((), ())


def test_an_unchanged_folder_writes_nothing(ana: Desk, team: Team) -> None:
    ana.push()
    before, lock = everything_below(team.folder / "store"), ana.lock()
    os.utime(ana.vault / ".env.prod", ns=(1, 1))
    assert ana.push().state == "unchanged"
    assert (everything_below(team.folder / "store"), ana.lock()) == (before, lock)


def test_an_unchanged_folder_asks_the_store_one_thing(ana: Desk, team: Team) -> None:
    ana.push()
    ana.store = Simulator(team.store)
    ana.push()
    assert ana.store.calls == [f"read {team.root.head}"]


@pytest.mark.parametrize("damage", ["missing", "older"])
def test_an_unchanged_push_mends_the_lock(ana: Desk, damage: str) -> None:
    ana.push()
    older = ana.lock()
    ana.write(".env.prod", "A=2\n")
    ana.push()
    newest = ana.lock()
    (ana.top / "vsync.lock").write_text(older if damage == "older" else "version = 1\n")
    done = ana.push()
    assert (done.state, done.data["lock"], ana.lock()) == ("unchanged", "mended", newest)


def test_a_newer_bundle_with_exactly_our_content_is_adopted(ana: Desk, ben: Desk, team: Team) -> None:
    ana.push()
    ben.pull()
    for desk in (ana, ben):
        desk.write(".env.prod", "A=3\n")
    ana.push()
    objects = team.objects()
    done = ben.push()
    assert (done.state, ben.push().state, ben.lock()) == ("adopted", "unchanged", ana.lock())
    assert team.objects() == objects


def test_somebody_elses_push_stops_ours_and_says_who_and_when(ana: Desk, ben: Desk, team: Team) -> None:
    ana.push()
    ben.pull()
    ben.write(".env.prod", "A=ben\n")
    ben.push()
    ana.write(".env.prod", "A=ana\n")
    before = team.objects()
    with pytest.raises(Conflict, match=r"ben@example\.com pushed 20260523-120001, generation 2") as caught:
        ana.push()
    assert caught.value.hint is not None
    assert "git vsync pull prod" in caught.value.hint
    assert (team.objects(), ana.tree()) == (before, {".env.prod": b"A=ana\n"})


def test_a_folder_that_was_never_synced_is_not_pushed_over_others(ana: Desk, ben: Desk) -> None:
    ana.push()
    ben.write(".env.prod", "A=ben\n")
    with pytest.raises(Conflict, match=r"never synced with what ana@example\.com pushed"):
        ben.push()


def test_force_says_what_it_discards_and_keeps_it(ana: Desk, ben: Desk, team: Team) -> None:
    ana.push()
    ben.write(".env.prod", "A=ben\n")
    done = ben.push(force=True)
    assert done.data["discarded"] == AT_NOON
    assert "discarded 20260523-120000 by ana@example.com" in done.details[-1]
    assert (team.pointer().gen, team.pointer().prev) == (2, AT_NOON)
    ana.pull(at=AT_NOON, backup=True)
    assert ana.tree() == {".env.prod": b"A=1\nB=two\n"}


def test_a_missing_folder_is_not_found(ben: Desk) -> None:
    with pytest.raises(NotFound, match=f"there is no folder {FOLDER}"):
        ben.push()


def _emptied(desk: Desk) -> None:
    (desk.vault / ".env.prod").unlink()


def _env_file_gone(desk: Desk) -> None:
    (desk.vault / ".env.prod").rename(desk.vault / "env.old")


def _no_variable(desk: Desk) -> None:
    desk.write(".env.prod", "# nothing here\n")


@pytest.mark.parametrize("spoil", [_emptied, _env_file_gone, _no_variable])
def test_a_vault_that_lost_its_variables_is_pushed_only_when_that_is_meant(
    ana: Desk, spoil: Callable[[Desk], None]
) -> None:
    ana.push()
    spoil(ana)
    with pytest.raises(Conflict, match="not pushed"):
        ana.push()
    assert ana.push(allow_empty=True).state == "pushed"


def test_a_line_that_is_no_assignment_is_named_by_its_number_only(ana: Desk) -> None:  # attack 56
    ana.write(".env.prod", "A=1\nthis is canary text\n")
    with pytest.raises(Conflict, match="line 2") as caught:
        ana.push()
    assert "canary" not in f"{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}"


def test_a_link_in_the_vault_is_refused(ana: Desk, tmp_path: Path) -> None:  # attack 36
    (tmp_path / "shadow").write_text("root:x\n")
    (ana.vault / "stolen").symlink_to(tmp_path / "shadow")
    with pytest.raises(Conflict, match="stolen is a symbolic link"):
        ana.push()


def test_a_linked_folder_in_the_vault_is_refused(ana: Desk, tmp_path: Path) -> None:  # attack 36
    (ana.vault / "sub").symlink_to(tmp_path)
    with pytest.raises(Conflict, match="sub is a symbolic link"):
        ana.push()


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(ana: Desk) -> None:
    os.mkfifo(ana.vault / "pipe")
    with pytest.raises(Conflict, match="pipe is a special file"):
        ana.push()


BAD_NAMES = [
    *("CON", "nul.txt", "dot.", "space ", "a:stream"),  # attack 29
    *("new\nline", "esc\x1b[31m", "bidi\u202etxt", "zero\u200bwidth"),  # attack 30
    *(".git/hooks", ".envrc", ".gitattributes"),  # attack 27
    "/".join("d" * 60),
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_that_fails_elsewhere_is_refused_at_push(ana: Desk, team: Team, name: str) -> None:
    ana.write(f"{name}/file" if "/" in name else name, "x")
    if name.count("/") > 50:
        name = name + "/" + name
        ana.write(f"{name}/file", "x")
    with pytest.raises(Conflict, match="the name"):
        ana.push()
    assert not team.objects()


TWINS = [("Key", "key"), ("é.pem", "e\u0301.pem"), ("straße", "STRASSE")]


@pytest.mark.parametrize("twins", TWINS, ids=ascii)
def test_names_that_are_one_name_elsewhere_are_refused(
    ana: Desk, twins: tuple[str, str]
) -> None:  # attack 28
    for name in twins:
        ana.write(name, "x")
    with pytest.raises(Conflict, match="one name on some systems"):
        ana.push()


def test_a_name_that_is_not_utf8_is_refused(ana: Desk) -> None:
    Path(os.fsdecode(os.fsencode(ana.vault) + b"/caf\xe9")).write_text("x")
    with pytest.raises(Conflict, match="not UTF-8"):
        ana.push()


def test_a_folder_that_git_would_take_is_refused(ana: Desk, team: Team) -> None:
    (ana.top / ".gitignore").write_text("/.env\n")
    with pytest.raises(GitError, match=f"git does not ignore {FOLDER}"):
        ana.push()
    assert not team.objects()


def test_tracked_plaintext_is_refused_and_the_command_named(ana: Desk) -> None:
    ana.git("add", "-f", f"{FOLDER}/.env.prod")
    with pytest.raises(GitError, match=rf"git tracks {FOLDER}/\.env\.prod") as caught:
        ana.push()
    assert caught.value.hint is not None
    assert "git rm -r --cached" in caught.value.hint


def test_a_dry_run_writes_nothing_anywhere(ana: Desk, team: Team) -> None:
    ana.push()
    ana.write(".env.prod", "A=9\nB=two\n")
    ana.write("new.pem", PEM)
    before = everything_below(team.folder)
    done = ana.push(dry_run=True)
    assert (done.state, done.details) == ("planned", ("+ new.pem", "~ .env.prod"))
    assert everything_below(team.folder) == before


def test_a_dry_run_after_a_killed_push_leaves_that_to_the_next_push(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)
    hostile.before("swap", "audit.csv", _stop)
    with pytest.raises(KeyboardInterrupt):
        ana.push()
    ana.write(".env.prod", "A=later\n")
    before = everything_below(team.folder)
    assert ana.push(dry_run=True).state == "planned"
    assert everything_below(team.folder) == before


def _stop() -> None:
    raise KeyboardInterrupt


def test_a_file_that_changes_while_it_is_packed_stops_the_push(ana: Desk, team: Team) -> None:
    big = ana.write("big.bin", os.urandom(3 << 20))
    world = ana.world()
    taken = world.spool

    @contextlib.contextmanager
    def spool_after_an_edit() -> Iterator[BinaryIO]:
        big.write_bytes(os.urandom(3 << 20))
        with taken() as file:
            yield file

    object.__setattr__(world, "spool", spool_after_an_edit)
    ana.world = lambda meta=None: world  # type: ignore[method-assign]
    with pytest.raises(Conflict, match=r"big\.bin was changed while vsync was reading it"):
        ana.push()
    assert not team.objects()


def test_note_and_meta_stand_in_the_audit_row(ana: Desk) -> None:
    ana.push(note={"note": "new database", "ticket": "OPS-12"})
    row = ana.audit()[0]
    assert '"note":"new database","ticket":"OPS-12"' in row.data["meta"]
    assert ana.versions()[0].data["note"] == "new database"


def test_meta_over_its_limit_is_cut_and_said(ana: Desk) -> None:
    ana.push(note={"note": "x" * 3000})
    assert ana.audit()[0].data["meta"].startswith('{"_truncated":true,')
    assert "longer than 2048 bytes" in ana.notices


@pytest.mark.parametrize("years", [-10, 10])
def test_version_names_grow_with_any_clock(ana: Desk, ben: Desk, team: Team, years: int) -> None:
    ana.push()  # attack 19
    ben.pull()
    ben.now = NOON + timedelta(days=365 * years)
    ben.write(".env.prod", "A=ben\n")
    ben.push()
    second = team.pointer().version
    ana.pull()
    ana.write(".env.prod", "A=ana\n")
    ana.push()
    assert AT_NOON < second < team.pointer().version
    assert team.pointer().gen == 3


def test_a_second_that_is_taken_leads_to_the_next(ana: Desk, team: Team) -> None:
    with (team.folder / "somebody").open("w+b") as file:
        file.write(b"somebody's orphan")
        team.store.create(team.root.version(AT_NOON), file, size=17)
    assert ana.push().data["version"] == "20260523-120001"
    assert team.store.read(team.root.version(AT_NOON), limit=99).data == b"somebody's orphan"


def test_a_lock_with_conflict_markers_stops_before_anything_is_published(ana: Desk, team: Team) -> None:
    (ana.top / "vsync.lock").write_text("<<<<<<< HEAD\nversion = 1\n=======\n>>>>>>> other\n")
    with pytest.raises(ConfigError, match="conflict markers"):
        ana.push()
    assert not team.objects()


def test_a_store_that_refuses_writes_leaves_everything_as_it_was(ana: Desk, team: Team) -> None:
    ana.push()
    hostile = ana.store = Simulator(team.store)
    hostile.refuse("create", "v=", Refused("403"))
    ana.write(".env.prod", "A=2\n")
    before, lock = team.objects(), ana.lock()
    with pytest.raises(Refused):
        ana.push()
    assert (team.objects(), ana.lock()) == (before, lock)
    hostile.forgive()
    assert ana.push().data["generation"] == 2


def test_a_pointer_that_vanished_is_not_replaced_by_a_first_one(ana: Desk, team: Team) -> None:
    ana.push()
    team.store.delete(team.root.head)
    ana.write(".env.prod", "A=2\n")
    with pytest.raises(IntegrityError, match="no longer has the pointer"):
        ana.push()


def test_what_the_ledger_proves_counts_when_the_seen_file_is_lost(ana: Desk, team: Team) -> None:
    ana.push()  # attack 21
    for name in ("seen_prod.json", "seen_prod.json.copy"):
        (ana.base / "app" / name).unlink()
    team.store.delete(team.root.head)
    with pytest.raises(IntegrityError, match="no longer has the pointer"):
        ana.push()


FILES = st.dictionaries(
    st.text("abcé-_", min_size=1, max_size=6).map(lambda name: f"{name}.pem"),
    st.tuples(st.binary(max_size=40), st.booleans()),
    max_size=5,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=FILES, after=FILES)
def test_the_details_of_a_push_are_the_real_difference(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, tuple[bytes, bool]],
    after: dict[str, tuple[bytes, bool]],
) -> None:
    ana = Team(tmp_path_factory.mktemp("team")).desk("ana")
    ana.write(".env.prod", "A=0\n")
    for name, (data, executable) in before.items():
        ana.write(name, data, executable=executable)
    ana.push()
    for name in before:
        (ana.vault / name).unlink()
    for name, (data, executable) in after.items():
        ana.write(name, data, executable=executable)
    lines = [f"+ {name}" for name in sorted(after.keys() - before.keys())]
    lines += [f"- {name}" for name in sorted(before.keys() - after.keys())]
    lines += [f"~ {name}" for name in sorted(before.keys() & after.keys()) if before[name] != after[name]]
    assert ana.push(dry_run=True).details == tuple(lines)


PASTED = (
    "STRIPE:sk_live_CANARY0123456789",
    "CANARYMIIEvQIBADANBgkq",
    "CANARYq83vEjRWe==",
    "NAME\u202eCANARY=1",
    "STRIPE sk_live_CANARY",
)


# attack 56
@pytest.mark.parametrize("line", [*PASTED, "export CANARY", "CANARY NAME=1", "1CANARY=2", "\u0107CANARY=1"])
def test_a_line_of_a_secret_is_no_name_and_stops_the_push(ana: Desk, team: Team, line: str) -> None:
    ana.write(".env.prod", f"A=1\n\n\n{line}\nB=2\n")
    with pytest.raises(Conflict, match=r"\.env\.prod: line 4 of the env file is not NAME=value") as caught:
        ana.push()
    assert "CANARY" not in f"{caught.value}{caught.value.hint}"
    assert "NAME= where there is no value" in (caught.value.hint or "")
    assert not team.objects()


# attack 56
def test_names_of_another_writer_that_may_be_a_secret_are_neither_shown_nor_written(
    ana: Desk, ben: Desk
) -> None:
    ana.write(".env.prod", "A=1\nCANARYMIIEvQIBADANBgkq\nNAME:CANARY=1\nB=3\n")
    ana.push_unchecked()
    ben.pull()
    assert lock(ben.world(), ben.mapping).state == "locked"
    (ana.vault / ".env.prod").write_text("C=1\n")
    assert "CANARY" not in f"{ben.lock()}{ana.diff()}{ben.template()}"
    assert 'variables = [\n    "A",\n    "B",\n]' in ben.lock()
