"""A store that lies, against a reader who remembers: attacks §§1 and 2, formats §4."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import reference
from tests.simulator import Simulator
from tests.worlds import (
    AT_NOON,
    FOLDER,
    KEY_TEXT,
    OTHER_KEY_TEXT,
    SALT,
    SECRET,
    Desk,
    Team,
    everything_below,
    vault_key,
)
from vsync.errors import (
    Conflict,
    ForeignKey,
    IntegrityError,
    KeyUnavailable,
    NotFound,
    UnsupportedVersion,
    VsyncError,
)
from vsync.formats import pointer as pointers
from vsync.formats.binding import RetiredSalt
from vsync.formats.pointer import Pointer

LATER = "20260523-120001"


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\n")
    desk.push()
    return desk


@pytest.fixture
def hostile(team: Team, ana: Desk) -> Simulator:
    return Simulator(team.store)


@pytest.fixture
def ben(team: Team, hostile: Simulator) -> Desk:
    """A reader who has seen generation 1, in front of the hostile store."""
    desk = team.desk("ben")
    desk.store = hostile
    desk.pull()
    return desk


def _push(desk: Desk, text: str) -> None:
    desk.write(".env.prod", text)
    desk.push()


def _refused(desk: Desk, error: type[VsyncError], match: str, **options: Any) -> None:
    """A pull is refused, and neither the folder nor what is remembered of the vault has changed."""
    before = everything_below(desk.vault), everything_below(desk.base / "app")
    with pytest.raises(error, match=match):
        desk.pull(**options)
    assert (everything_below(desk.vault), everything_below(desk.base / "app")) == before


def _forge(team: Team, hostile: Simulator, key_text: str = KEY_TEXT, **changes: Any) -> None:
    pointer = replace(team.pointer(), **changes)
    hostile.lie(team.root.head, pointers.to_bytes(pointer, vault_key(key_text)))


def test_a_rollback_to_an_older_pair_is_refused(
    ana: Desk, ben: Desk, hostile: Simulator
) -> None:  # attack 12
    old = hostile.photo()
    _push(ana, "A=2\n")
    ben.pull()
    hostile.serve(old)
    _refused(ben, IntegrityError, r"generation 1 < 2")
    _refused(ben, IntegrityError, r"generation 1 < 2", force=True)


def test_a_store_that_was_set_back_gives_a_version_by_its_name(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    old, first = hostile.photo(), team.pointer().version  # attack 12
    _push(ana, "A=2\n")
    ben.pull()
    hostile.serve(old)
    ben.pull(at=first)
    assert (ben.vault / ".env.prod").read_bytes() != b"A=2\n"
    _refused(ben, IntegrityError, r"generation 1 < 2")
    hostile.lie(team.root.head, None)
    ben.pull(at=first, force=True)


def test_a_rollback_is_refused_at_push_and_status_too(ana: Desk, ben: Desk, hostile: Simulator) -> None:
    old = hostile.photo()  # attack 12
    _push(ana, "A=2\n")
    ben.pull()
    hostile.serve(old)
    ben.write(".env.prod", "A=3\n")
    for options in ({}, {"force": True}):
        with pytest.raises(IntegrityError, match="older than what this machine saw"):
            ben.push(**options)
    with pytest.raises(IntegrityError, match="older than what this machine saw"):
        ben.status(check_remote=True)


def test_after_a_rollback_an_older_version_is_taken_by_its_name(ana: Desk, ben: Desk, team: Team) -> None:
    _push(ana, "A=2\n")  # attack 12
    ben.pull()
    assert ben.pull(at=AT_NOON).state == "pulled"
    assert ben.tree() == {".env.prod": b"A=1\n"}


def test_a_frozen_store_is_noticed_when_the_truth_comes_back(
    ana: Desk, ben: Desk, hostile: Simulator
) -> None:
    hostile.serve(hostile.photo())  # attack 13: nothing in the frozen answers is wrong
    _push(ana, "A=2\n")
    assert ben.pull().state == "current"
    hostile.tell_the_truth()
    assert ben.pull().data["generation"] == 2


def test_a_push_into_a_frozen_store_is_refused_by_the_swap(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    hostile.serve(hostile.photo())  # attack 13
    _push(ana, "A=2\n")
    ben.write(".env.prod", "A=3\n")
    with pytest.raises(Conflict, match="the remote moved"):
        ben.push()
    assert team.pointer().by == "ana@example.com"


def test_a_pointer_with_another_versions_bundle_is_refused(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    first = hostile.photo()[team.root.version(AT_NOON)]  # attack 15
    _push(ana, "A=2\n")
    hostile.lie(team.root.version(LATER), first)
    _refused(ben, IntegrityError, "is not the one the pointer names")


def test_a_bundle_larger_than_the_pointer_says_is_not_read_to_its_end(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    _push(ana, "A=2\n")  # attack 11
    hostile.lie(team.root.version(LATER), bytes(1 << 20))
    _refused(ben, IntegrityError, "larger than the")


def test_a_fork_under_the_same_generation_is_refused(ben: Desk, hostile: Simulator, team: Team) -> None:
    _forge(team, hostile, sha256="0" * 64)  # attack 16
    _refused(ben, IntegrityError, "another bundle under the same generation 1")


def test_a_higher_generation_with_an_older_version_is_refused(
    ben: Desk, hostile: Simulator, team: Team
) -> None:
    _forge(team, hostile, gen=2, version="20260523-115959")  # attack 14
    _refused(ben, IntegrityError, "generation 2 is newer, but its version")


def test_a_pointer_that_vanished_is_not_an_empty_store(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    hostile.lie(team.root.head, None)
    _refused(ben, IntegrityError, "no longer has the pointer")
    ben.write(".env.prod", "A=2\n")
    with pytest.raises(IntegrityError):
        ben.push(force=True)


def test_a_store_with_latest_in_it_is_no_classic_store(ben: Desk, hostile: Simulator, team: Team) -> None:
    photo = hostile.photo()  # attack 20
    bundle = photo.pop(team.root.version(AT_NOON))
    del photo[team.root.head]
    hostile.serve(photo | {"app/prod/latest": AT_NOON.encode(), f"app/prod/versions/{AT_NOON}.enc": bundle})
    _refused(ben, IntegrityError, "no longer has the pointer")
    assert not [call for call in hostile.calls if "latest" in call]


def test_a_pointer_without_a_right_mac_is_refused(ben: Desk, hostile: Simulator, team: Team) -> None:
    data = hostile.photo()[team.root.head]  # attack 17
    hostile.lie(team.root.head, data[:-64] + b"0" * 64)
    _refused(ben, IntegrityError, "was altered, or belongs to another vault")


def test_another_vaults_pointer_under_the_same_key_is_refused(
    ben: Desk, hostile: Simulator, team: Team
) -> None:
    _forge(team, hostile, name="app/dev", gen=9, version=LATER)  # attack 3
    _refused(ben, IntegrityError, "belongs to another vault")


def test_a_foreign_key_is_told_by_its_id(ben: Desk, hostile: Simulator, team: Team) -> None:
    other = vault_key(OTHER_KEY_TEXT)  # attack 17
    _forge(team, hostile, OTHER_KEY_TEXT, kid=other.key_id)
    _refused(ben, KeyUnavailable, f"is encrypted with key {other.key_id}")


def test_a_retired_keys_pointer_is_refused(ben: Desk, hostile: Simulator, team: Team) -> None:
    old = vault_key(OTHER_KEY_TEXT)  # attack 49
    world = ben.world()
    world.machine.bindings.write(SECRET, replace(team.binding, retired=(RetiredSalt(old.key_id, SALT),)))
    ben.keys.set(f"{SECRET}#{old.key_id}", OTHER_KEY_TEXT)
    _forge(team, hostile, OTHER_KEY_TEXT, kid=old.key_id, gen=9, version=LATER)
    _refused(ben, IntegrityError, f"written with the retired key {old.key_id}")


def test_a_pointer_that_names_no_bundle_in_the_store_says_so(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    _push(ana, "A=2\n")  # attack 18
    hostile.lie(team.root.version(LATER), None)
    _refused(ben, NotFound, f"has no version {LATER}")


def test_a_missing_older_version_does_not_stop_a_pull(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    hostile.lie(team.root.version(AT_NOON), None)  # attack 18
    _push(ana, "A=2\n")
    assert ben.pull().data["version"] == LATER


def test_a_newer_format_is_not_parsed_any_further(ben: Desk, hostile: Simulator, team: Team) -> None:
    fields = reference.read_pointer(hostile.photo()[team.root.head], vault_key().derived, str(SECRET))[1]
    body = reference.canonical(fields | {"v": 2, "gen": 2})  # attack 5
    hostile.lie(team.root.head, reference.pointer_body(LATER, body, vault_key().derived, str(SECRET)))
    _refused(ben, UnsupportedVersion, "unknown version")


def _published(hostile: Simulator, team: Team, bundle: bytes, files: reference.Files) -> None:
    """Let a holder of the key publish a bundle that our own program would never write."""
    key = vault_key()
    sha256 = hashlib.sha256(bundle).hexdigest()
    digest = reference.content(key.derived, files)
    pointer = Pointer(LATER, str(SECRET), 2, AT_NOON, sha256, len(bundle), key.key_id, digest)
    hostile.lie(team.root.version(LATER), bundle)
    hostile.lie(team.root.head, pointers.to_bytes(pointer, key))


def _bundle(files: reference.Files, folder: str = FOLDER) -> bytes:
    return reference.write_bundle(vault_key().derived, LATER, reference.pack(folder, files), b"n" * 12)


def test_a_bundle_of_another_writer_opens_under_its_folder_too(
    ben: Desk, hostile: Simulator, team: Team
) -> None:
    files = {".env.prod": (b"A=7\n", False), "bin/x": (b"#!", True)}
    _published(hostile, team, _bundle(files, "elsewhere/secrets"), files)
    ben.pull()
    assert ben.tree() == {".env.prod": b"A=7\n", "bin/x": b"#!"}
    assert (ben.vault / "bin/x").stat().st_mode & 0o777 == 0o700


def test_content_other_than_the_pointer_vouches_for_is_refused(
    ben: Desk, hostile: Simulator, team: Team
) -> None:
    _published(hostile, team, _bundle({".env.prod": (b"A=7\n", False)}), {".env.prod": (b"A=8\n", False)})
    _refused(ben, IntegrityError, "does not hold the content its pointer names")


EVIL = ["../../evil", "a/../../evil", "/etc/evil", "C:/evil", "a\\evil", ".git/hooks/evil", "a\x1bb"]


@pytest.mark.parametrize("name", EVIL, ids=ascii)
def test_a_bad_entry_stops_the_whole_pull_before_any_write(
    ben: Desk, hostile: Simulator, team: Team, name: str
) -> None:
    files = {".env.prod": (b"A=7\n", False), name: (b"evil", False)}  # attacks 22, 27, 30
    _published(hostile, team, _bundle(files), files)
    _refused(ben, IntegrityError, "the bundle is refused")
    assert not list(team.folder.rglob("*evil*"))


def test_every_flipped_byte_of_a_bundle_is_refused_and_touches_nothing(
    ben: Desk, hostile: Simulator, team: Team
) -> None:
    files = {".env.prod": (b"A=7\n", False)}  # attack 1
    good = _bundle(files)
    _published(hostile, team, good, files)
    before = everything_below(ben.vault)
    errors = {
        _error_of_pull(ben, hostile, team.root.version(LATER), _flipped(good, at)) for at in range(len(good))
    }
    assert (errors, everything_below(ben.vault)) == ({IntegrityError}, before)


def test_every_flipped_byte_of_a_bundle_taken_by_name_is_refused(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    _push(ana, "A=2\n")  # attack 1: no pointer vouches for the bytes of an older version
    ben.pull()
    name = team.root.version(AT_NOON)
    good, before = hostile.photo()[name], everything_below(ben.vault)
    errors = {
        _error_of_pull(ben, hostile, name, _flipped(good, at), at=AT_NOON) for at in range(0, len(good), 5)
    }
    assert errors <= {IntegrityError, UnsupportedVersion}
    assert everything_below(ben.vault) == before


def test_every_flipped_byte_of_a_pointer_is_refused_and_touches_nothing(
    ana: Desk, ben: Desk, hostile: Simulator, team: Team
) -> None:
    _push(ana, "A=2\n")  # attack 1
    good, before = hostile.photo()[team.root.head], everything_below(ben.vault)
    errors = {
        _error_of_pull(ben, hostile, team.root.head, _flipped(good, at)) for at in range(0, len(good), 3)
    }
    # A flipped key id names a key that nobody has.
    assert errors == {IntegrityError, ForeignKey}
    assert everything_below(ben.vault) == before


def test_a_bundle_cut_at_any_length_is_refused(ben: Desk, hostile: Simulator, team: Team) -> None:
    files = {".env.prod": (b"A=7\n", False)}  # attack 2
    good = _bundle(files)
    _published(hostile, team, good, files)
    cuts = [good[:length] for length in range(0, len(good), 7)] + [good + b"\0"]
    errors = {_error_of_pull(ben, hostile, team.root.version(LATER), cut) for cut in cuts}
    assert errors == {IntegrityError}


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _error_of_pull(
    desk: Desk, hostile: Simulator, name: str, data: bytes, at: str | None = None
) -> type[VsyncError] | None:
    hostile.lie(name, data)
    try:
        desk.pull(at=at)
    except VsyncError as error:
        return type(error)
    return None


# What this machine remembers


def _lose(path: Path) -> None:
    path.unlink()


def _damage(path: Path) -> None:
    path.write_text('{"gen": ')


@pytest.mark.parametrize("spoil", [_lose, _damage])
def test_the_copy_of_the_seen_file_still_stops_a_rollback(
    ana: Desk, ben: Desk, hostile: Simulator, spoil: Callable[[Path], None]
) -> None:
    old = hostile.photo()  # attack 21
    _push(ana, "A=2\n")
    ben.pull()
    spoil(ben.base / "app/seen_prod.json")
    hostile.serve(old)
    with pytest.raises(IntegrityError, match="generation 1 < 2"):
        ben.pull()


@pytest.mark.parametrize("spoil", [_lose, _damage])
def test_a_lost_memory_is_first_contact_and_said_aloud(ben: Desk, spoil: Callable[[Path], None]) -> None:
    ben.terminal.notices.clear()  # attack 21
    for name in ("seen_prod.json", "seen_prod.json.copy"):
        spoil(ben.base / "app" / name)
    ben.pull()
    assert "first contact from this machine" in ben.notices
    assert ("is damaged and was not believed" in ben.notices) == (spoil is _damage)


# Classic stores


@pytest.fixture
def old_team(tmp_path: Path) -> Team:
    return Team(tmp_path / "classic", layout="classic")


@pytest.fixture
def carl(old_team: Team) -> Desk:
    desk = old_team.desk("carl")
    desk.write(".env.prod", "A=1\n")
    return desk


def test_a_classic_vault_goes_from_one_machine_to_another(old_team: Team, carl: Desk) -> None:
    carl.push()
    dora = old_team.desk("dora")
    dora.pull()
    dora.write(".env.prod", "A=2\n")
    dora.push()
    assert carl.pull().data["version"] == LATER
    names = ["audit.csv", "latest", f"versions/{AT_NOON}.enc", f"versions/{LATER}.enc"]
    assert list(old_team.objects()) == [f"app/prod/{name}" for name in names]
    assert old_team.objects()["app/prod/latest"] == LATER.encode()
    assert [row.data["version"] for row in carl.versions()] == [LATER, AT_NOON]


def test_a_classic_bundle_of_another_program_opens(old_team: Team, carl: Desk) -> None:
    carl.push()
    files = {".env.prod": (b"A=other\n", False)}
    hostile = carl.store = Simulator(old_team.store)
    hostile.lie("app/prod/latest", f"{LATER}\n".encode())
    hostile.lie(f"app/prod/versions/{LATER}.enc", _bundle(files))
    carl.pull()
    assert carl.tree() == {".env.prod": b"A=other\n"}


def test_a_classic_store_that_was_set_back_is_refused(old_team: Team, carl: Desk) -> None:
    carl.push()
    hostile = carl.store = Simulator(old_team.store)
    old = hostile.photo()
    _push(carl, "A=2\n")
    hostile.serve(old)
    with pytest.raises(IntegrityError, match=f"version {AT_NOON} < {LATER}"):
        carl.pull()


def test_a_classic_bundle_that_does_not_open_at_first_contact_may_mean_a_wrong_key(
    old_team: Team, carl: Desk
) -> None:
    carl.push()
    dora = old_team.desk("dora")
    dora.keys.set(str(SECRET), OTHER_KEY_TEXT)
    with pytest.raises(KeyUnavailable, match="does not open"):
        dora.pull()
    dora.keys.set(str(SECRET), KEY_TEXT)
    dora.pull()
    _push(carl, "A=2\n")
    dora.keys.set(str(SECRET), OTHER_KEY_TEXT)
    with pytest.raises(IntegrityError, match="was altered, or encrypted with a key"):
        dora.pull(at=LATER)


def test_a_classic_push_over_somebody_elses_is_refused(old_team: Team, carl: Desk) -> None:
    carl.push()
    dora = old_team.desk("dora")
    dora.write(".env.prod", "A=dora\n")
    with pytest.raises(Conflict, match="never synced"):
        dora.push()


@pytest.mark.parametrize("text", ["", "20261301-000000", "../../evil/x..", "2026-05-23 12:00"])
def test_a_latest_that_names_no_version_is_refused(old_team: Team, carl: Desk, text: str) -> None:
    carl.push()
    hostile = carl.store = Simulator(old_team.store)
    hostile.lie("app/prod/latest", text.encode())
    with pytest.raises(IntegrityError):
        carl.pull()


@pytest.mark.parametrize("merge", [False, True], ids=["pull", "merge"])
def test_a_merge_believes_no_more_than_a_pull(ben: Desk, hostile: Simulator, team: Team, merge: bool) -> None:
    lie = {".env.prod": (b"A=8\n", False)}
    _published(hostile, team, _bundle({".env.prod": (b"A=7\n", False)}), lie)
    ben.write("mine", "m")
    _refused(ben, IntegrityError, "does not hold the content", merge=merge, force=not merge)


def test_a_merge_puts_no_file_where_a_candidate_has_to_lie(ben: Desk, hostile: Simulator, team: Team) -> None:
    files = {".env.prod": (b"A=1\n", False), "mine": (b"t", False), f"mine.conflict-{LATER}": (b"x", False)}
    _published(hostile, team, _bundle(files), files)
    ben.write("mine", "m")
    _refused(ben, Conflict, "cannot lie in one folder", merge=True)
