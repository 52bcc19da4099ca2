"""git vsync verify: each finding of product contract §5, and what is no finding."""

import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.worlds import (
    AT_NOON,
    CONFIG,
    FOLDER,
    NOON,
    OTHER_KEY_TEXT,
    SALT,
    SECRET,
    Desk,
    Team,
    everything_below,
    files_with,
    vault_key,
)
from vsync.checks import IDS, NOTICES
from vsync.errors import ConfigError, StoreError
from vsync.formats import pointer as pointers
from vsync.formats.binding import RetiredSalt
from vsync.formats.lockfile import LockEntry, lock_from_text, lock_to_text
from vsync.model import Finding, Result
from vsync.sync.verify import VerifyOptions, common, verify, verify_repository

LATER = "20260523-120001"
CANARY = "canary-of-the-verify-tests"


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", f"TOKEN={CANARY}\nPORT=80\n")
    desk.write("key.pem", "x")
    desk.push()
    return desk


def verified(desk: Desk, **flags: bool) -> Result:
    world = desk.world()
    mappings = world.config.mappings
    return verify(world, mappings[0], common(world, mappings), VerifyOptions(**flags))


def found(desk: Desk, **flags: bool) -> dict[str, Finding]:
    """Return the findings by id, after everything that must hold of any result was checked."""
    before = everything_below(desk.base), everything_below(desk.top), desk.team.objects()
    result = verified(desk, **flags)
    assert (everything_below(desk.base), everything_below(desk.top), desk.team.objects()) == before
    drift = [one for one in result.findings if not one.notice]
    assert result.code == (1 if drift else 0)
    for one in result.findings:
        assert one.vault == str(SECRET)
        assert one.found
        assert one.wanted
        assert one.fix
        assert CANARY not in repr(one)
    return {one.id: one for one in result.findings}


def relock(desk: Desk, **changes: Any) -> None:
    (entry,) = lock_from_text(desk.lock()).values()
    (desk.top / "vsync.lock").write_text(lock_to_text([replace(entry, **changes)]))


def configure(desk: Desk, *lines: str, before: str = "") -> None:
    (desk.top / "vsync.toml").write_text(before + CONFIG + "\n".join(lines) + "\n")


# In sync.


def test_after_a_push_everything_agrees_and_every_check_was_made(ana: Desk) -> None:
    assert found(ana, strict=True) == {}
    result = verified(ana)
    assert (result.state, result.summary) == ("clean", f"in sync at {AT_NOON}")
    assert len(result.data["checked"]) == 7
    assert result.data["skipped"] == {}


def test_a_vault_costs_one_pointer_read_and_one_bundle_read(ana: Desk, team: Team) -> None:
    ana.write(".env.prod", "TOKEN=2\nPORT=80\n")
    old = ana.lock()
    ana.push()
    for lock in (ana.lock(), old):
        (ana.top / "vsync.lock").write_text(lock)
        watched = ana.store = Simulator(team.store)
        verified(ana)
        assert [call.split()[0] for call in watched.calls] == ["read", "download"]


def test_verify_leaves_no_plaintext_behind(ana: Desk, team: Team) -> None:
    assert found(ana, deep=True) == {}
    assert files_with(CANARY.encode(), team.folder) == [ana.vault / ".env.prod"]


def test_verify_and_status_write_nothing_into_a_fresh_clone(ana: Desk, team: Team) -> None:
    ben = team.desk("ben")
    ben.write(".env.prod", "A=1\n")
    assert "folder-dirty" in found(ben)
    before = everything_below(ben.top)
    ben.status()
    assert everything_below(ben.top) == before


# Key.


def test_another_key_is_a_finding_and_not_a_pass(ana: Desk, team: Team) -> None:
    ana.keys.set(str(SECRET), OTHER_KEY_TEXT)
    one = found(ana)["key-other"]
    assert vault_key().key_id in one.found
    assert vault_key(OTHER_KEY_TEXT).key_id in one.found
    assert verified(ana).data["skipped"].keys() == {"integrity", "freshness"}


def test_a_locked_version_of_a_key_that_is_not_here_is_a_finding(ana: Desk) -> None:
    ana.write(".env.prod", "TOKEN=2\nPORT=80\n")
    old = ana.lock()
    ana.push()
    (ana.top / "vsync.lock").write_text(old)
    relock(ana, key_id="0123456789abcdef")
    assert found(ana)["key-other"].wanted == "key 0123456789abcdef"


def test_without_a_key_what_needs_none_is_looked_at_and_the_end_is_12(ana: Desk) -> None:
    ana.keys.delete(str(SECRET))
    ana.write("new.pem", "x")
    result = verified(ana)
    assert (result.code, result.state) == (12, "unknown")
    assert {one.id for one in result.findings} == {"folder-dirty", "key-absent"}
    assert "key" in result.data["skipped"]
    assert "exposure" in result.data["checked"]


def test_without_a_binding_the_end_is_12_as_well(ana: Desk) -> None:
    ana.world().machine.bindings.remove(SECRET)
    assert verified(ana).code == 12


# Integrity: what must not be trusted has a code of its own, and hides nothing that was found before.


def ended(desk: Desk, **flags: bool) -> tuple[int, str]:
    """Return the code and the last finding of a vault that could not be judged."""
    result = verified(desk, **flags)
    assert result.state == "unknown"
    assert result.findings[-1].fix
    return result.code, result.findings[-1].found


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("which", ["head", "bundle"])
def test_an_altered_store_is_not_to_be_trusted(ana: Desk, team: Team, which: str) -> None:
    hostile = ana.store = Simulator(team.store)
    name = team.root.head if which == "head" else team.root.version(AT_NOON)
    hostile.lie(name, _flip(hostile.photo()[name], 40))
    assert ended(ana)[0] == 13


def test_an_altered_bundle_that_is_pinned_is_not_to_be_trusted(ana: Desk, team: Team) -> None:
    old = ana.lock()
    ana.write(".env.prod", "TOKEN=2\nPORT=80\n")
    ana.push()
    (ana.top / "vsync.lock").write_text(old)
    hostile = ana.store = Simulator(team.store)
    name = team.root.version(AT_NOON)
    hostile.lie(name, _flip(hostile.photo()[name], 40))
    code, told = ended(ana)
    assert code == 13
    assert "was altered" in told


def test_a_store_that_was_set_back_is_not_to_be_trusted(ana: Desk, team: Team) -> None:  # attack 12
    hostile = Simulator(team.store)
    old = hostile.photo()
    ana.write(".env.prod", "TOKEN=2\nPORT=80\n")
    ana.push()
    hostile.serve(old)
    ana.store = hostile
    assert ended(ana)[0] == 13


def test_a_pointer_of_another_moment_than_its_bundle_is_not_to_be_trusted(
    ana: Desk, team: Team
) -> None:  # attack 15
    forged = replace(team.pointer(), content="0" * 64)
    hostile = ana.store = Simulator(team.store)
    hostile.lie(team.root.head, pointers.to_bytes(forged, vault_key()))
    code, told = ended(ana)
    assert code == 13
    assert "does not hold the content" in told


def test_a_store_that_does_not_answer_is_no_pass(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)
    hostile.refuse("read", "manifest", StoreError("gone"))
    assert ended(ana) == (14, "gone")


def test_a_vault_that_was_never_pushed_is_not_there(team: Team) -> None:
    assert ended(team.desk("ben"))[0] == 10


def test_a_wiped_memory_is_first_contact_and_says_so(ana: Desk) -> None:  # attack 21
    assert not verified(ana).data["first_contact"]
    for file in (ana.base / "app").glob("seen_*"):
        file.unlink()
    assert verified(ana).data["first_contact"]


# Lock.


@pytest.mark.parametrize("offline", [False, True])
def test_a_vault_that_nothing_pins_is_drift(ana: Desk, offline: bool) -> None:
    """Without the entry, a deployment of this commit does not know which version it needs."""
    (ana.top / "vsync.lock").unlink()
    assert set(found(ana, offline=offline)) == {"lock-absent"}


def test_a_newer_version_than_the_pinned_one_is_a_notice(ana: Desk) -> None:
    old = ana.lock()
    ana.write(".env.prod", "TOKEN=2\nPORT=80\n")
    ana.push()
    (ana.top / "vsync.lock").write_text(old)
    ana.pull(locked=True)
    findings = found(ana)
    assert set(findings) == {"lock-behind"}
    assert LATER in findings["lock-behind"].wanted
    assert not found(ana, strict=True)["lock-behind"].notice


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"version": "20260523-115000"}, "lock-contradicts"),  # the same generation: a fork
        ({"generation": 9, "version": LATER}, "lock-contradicts"),
        ({"generation": 1, "version": LATER}, "lock-contradicts"),
        ({"sha256": "0" * 64}, "lock-contradicts"),
        ({"key_id": "0" * 16}, "lock-contradicts"),
        ({"generation": 0}, "lock-contradicts"),
        ({"variables": ("TOKEN",)}, "lock-names"),
        ({"variables": ("TOKEN", "PORT", "MORE")}, "lock-names"),
        ({"files": ()}, "lock-names"),
    ],
)
def test_a_lock_that_says_what_the_store_does_not_is_drift(
    ana: Desk, changes: dict[str, Any], kind: str
) -> None:
    relock(ana, **changes)
    assert set(found(ana)) == {kind}


def test_a_pinned_version_that_is_gone_is_drift(ana: Desk, team: Team) -> None:
    old = ana.lock()
    ana.write(".env.prod", "TOKEN=2\nPORT=80\n")
    ana.push()
    (ana.top / "vsync.lock").write_text(old)
    (team.folder / "store" / team.root.version(AT_NOON)).unlink()
    findings = found(ana)
    assert not findings["lock-missing"].notice
    assert AT_NOON in findings["lock-missing"].found


def test_a_pinned_version_with_another_digest_is_drift(ana: Desk) -> None:
    old = ana.lock()
    ana.write(".env.prod", "TOKEN=2\nPORT=80\n")
    ana.push()
    (ana.top / "vsync.lock").write_text(old)
    relock(ana, sha256="0" * 64)
    assert "lock-hash" in found(ana)


@pytest.mark.parametrize("offline", [False, True])
def test_a_lock_lists_names_exactly_where_the_team_wants_them(ana: Desk, offline: bool) -> None:
    configure(ana, "[vault.lock]", "names = false")
    assert set(found(ana, offline=offline)) == {"lock-names"}
    relock(ana, variables=(), files=())
    assert found(ana, offline=offline) == {}
    configure(ana)
    assert set(found(ana, offline=offline)) == {"lock-names"}


def test_a_lock_with_conflict_markers_stops_with_the_command_that_resolves_it(ana: Desk) -> None:
    (ana.top / "vsync.lock").write_text(f"<<<<<<< HEAD\n{ana.lock()}=======\n>>>>>>> x\n")
    with pytest.raises(ConfigError) as caught:
        verified(ana)
    assert caught.value.hint == "git vsync lock --resolve"


# Folder.


def test_edits_are_drift_by_name(ana: Desk) -> None:
    ana.write(".env.prod", "TOKEN=other\nPORT=80\n")
    (ana.vault / "key.pem").unlink()
    assert found(ana)["folder-dirty"].found == f"{FOLDER} has 2 edits: - key.pem, ~ .env.prod"


@pytest.mark.parametrize("offline", [False, True])
def test_the_way_back_goes_by_the_lock_only_where_there_is_one(ana: Desk, offline: bool) -> None:
    ana.write("new", "x")
    assert "git vsync pull prod --locked --backup" in found(ana, offline=offline)["folder-dirty"].wanted
    (ana.top / "vsync.lock").unlink()
    assert found(ana, offline=offline)["folder-dirty"].wanted.endswith("git vsync pull prod --backup")


def test_an_edit_that_keeps_size_and_time_is_found(ana: Desk) -> None:  # attack 34
    file = ana.vault / "key.pem"
    info = file.stat()
    file.write_text("y")
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert "folder-dirty" in found(ana)
    assert "folder-dirty" in found(ana, offline=True)


def test_a_folder_that_only_lacks_a_pull_is_behind_and_not_dirty(ana: Desk, team: Team) -> None:
    ben = team.desk("ben")
    ben.pull()
    ana.write(".env.prod", "TOKEN=2\nPORT=80\n")
    ana.push()
    (ben.top / "vsync.lock").write_text(ana.lock())
    findings = found(ben)
    assert set(findings) == {"folder-behind"}
    assert findings["folder-behind"].fix == "git vsync pull prod --locked"


def test_a_missing_folder_is_drift_and_none_in_ci(ana: Desk) -> None:
    for file in ana.vault.iterdir():
        file.unlink()
    ana.vault.rmdir()
    assert set(found(ana)) == {"folder-missing"}
    assert found(ana, ci=True) == {}
    assert verified(ana, ci=True).data["skipped"] == {"folder": "no folder here"}


# Names.


def test_names_that_must_exist_are_named_when_they_do_not(ana: Desk) -> None:
    configure(ana, 'template = ".env.example"', 'required = ["TOKEN", "DATABASE_URL"]')
    (ana.top / ".env.example").write_text("TOKEN=\nREGION=\n")
    result = verified(ana)
    assert [(one.id, one.found) for one in result.findings] == [
        ("name-missing", "DATABASE_URL is not in the version"),
        ("name-missing", "REGION is not in the version"),
        ("name-undocumented", "PORT is not in .env.example"),
    ]
    assert [one.path for one in result.findings] == ["vsync.toml", ".env.example", ".env.example"]


def test_a_template_that_is_gone_is_drift(ana: Desk) -> None:
    configure(ana, 'template = ".env.example"')
    assert set(found(ana)) == {"template-missing"}


def test_a_value_that_breaks_the_schema_is_named_and_not_shown(ana: Desk) -> None:
    schema = '[vault.schema]\nTOKEN = { type = "int" }\nPORT = { type = "port" }\n'
    configure(ana, schema)
    findings = found(ana)
    assert set(findings) == {"value-invalid"}
    assert findings["value-invalid"].found == "TOKEN is not a whole number"


def test_a_required_variable_of_the_schema_is_missed_once(ana: Desk) -> None:
    configure(ana, "[vault.schema]\nREGION = { required = true }\n")
    assert [one.id for one in verified(ana).findings] == ["name-missing"]


def test_an_env_file_that_is_none_is_drift(ana: Desk) -> None:
    """The mapping names another file than the pusher's did."""
    ana.write("key.pem", "no assignment here\n")
    ana.push()
    configure(ana, 'env_file = "key.pem"')
    assert found(ana)["env-unreadable"].found == "line 1 of the env file is not NAME=value"


def test_a_line_of_a_secret_in_a_version_is_drift_and_not_shown(ana: Desk) -> None:  # attack 56
    ana.write(".env.prod", "A=1\n\nCANARYMIIEvQIBADANBgkq\n")
    ana.push_unchecked()
    result = verified(ana)
    assert {one.id: one.found for one in result.findings}["env-unreadable"] == (
        "line 3 of the env file is not NAME=value"
    )
    assert "CANARY" not in str(result)


# Exposure.


def test_a_folder_that_git_does_not_ignore_is_drift(ana: Desk) -> None:
    (ana.top / ".gitignore").write_text("")
    assert set(found(ana)) == {"folder-exposed"}


def test_a_folder_that_git_tracks_is_drift(ana: Desk) -> None:
    ana.git("add", "-f", FOLDER)
    one = found(ana)["folder-tracked"]
    assert f"{FOLDER}/.env.prod" in one.found
    subprocess.run(["sh", "-c", one.fix], cwd=ana.top / "infra", check=True)  # from anywhere, as it stands
    assert ana.git("ls-files", FOLDER) == ""


def test_a_share_that_git_tracks_is_drift_of_the_repository(ana: Desk) -> None:
    (ana.top / "docs").mkdir()
    for name in ("docs/X.Share", "old.keytree", ".env.keys"):
        (ana.top / name).write_text("x")
    ana.git("add", "-f", ".")
    world = ana.world()
    result = verify_repository(common(world, world.config.mappings))
    assert result is not None
    assert (result.vault, result.code) == (None, 1)
    assert {one.path for one in result.findings} == {"docs/X.Share", "old.keytree", ".env.keys"}


def test_a_repository_without_shares_has_no_line_of_its_own(ana: Desk) -> None:
    world = ana.world()
    assert verify_repository(common(world, world.config.mappings)) is None


# Freshness.


def test_a_newest_version_beyond_max_age_is_drift_and_status_warns(ana: Desk) -> None:  # attack 13
    configure(ana, before='[vault.sync]\nmax_age = "90d"\n')
    assert found(ana) == {}
    ana.now = NOON + timedelta(days=91)
    assert found(ana)["newest-old"].found == f"the newest version, {AT_NOON}, is 91 d old"
    assert "the newest version is 91 d old, the limit is 90 d (max_age)" in ana.status().details


def test_a_key_beyond_rotate_after_is_drift(ana: Desk) -> None:
    configure(ana, before='[vault.sync]\nrotate_after = "365d"\n')
    ana.now = NOON + timedelta(days=300)
    ana.write("new", "x")
    ana.push()
    assert found(ana) == {}
    ana.now = NOON + timedelta(days=366)
    assert "since 2026-05-23" in found(ana)["key-old"].found


def test_the_age_of_a_key_counts_from_its_rotation(ana: Desk, team: Team) -> None:
    configure(ana, before='[vault.sync]\nrotate_after = "30d"\n')
    ana.now = NOON + timedelta(days=40)
    rotated = replace(team.pointer(), rotated_at="2026-06-20T00:00:00Z")
    ana.store = hostile = Simulator(team.store)
    hostile.lie(team.root.head, pointers.to_bytes(rotated, vault_key()))
    assert "key-old" not in found(ana)


def test_a_version_from_the_future_is_not_fresh_for_years(ana: Desk) -> None:  # attack 13
    configure(ana, before='[vault.sync]\nmax_age = "90d"\n')
    ana.now = NOON - timedelta(days=3650)
    assert "3650 d ahead" in found(ana)["newest-old"].found


def test_the_age_of_a_key_does_not_come_from_names_in_the_bucket(ana: Desk, team: Team) -> None:
    configure(ana, before='[vault.sync]\nrotate_after = "365d"\n')
    (team.folder / "store" / team.root.version("19800101-000000")).write_bytes(b"junk")
    assert found(ana) == {}
    ana.now = NOON + timedelta(days=366)
    ana.write("new", "x")
    ana.push()
    (team.folder / "store" / team.root.version(AT_NOON)).unlink()
    assert "key-old" in found(ana)


def test_a_version_from_the_future_is_a_notice_about_the_clock(ana: Desk) -> None:  # attack 19
    ana.now = NOON - timedelta(days=3650)
    one = found(ana)["clock"]
    assert one.notice
    assert "3650 d ahead" in one.found


# Deep.


def test_deep_opens_every_version(ana: Desk, team: Team) -> None:
    ana.write("new", "x")
    ana.push()
    assert found(ana, deep=True) == {}
    path = team.folder / "store" / team.root.version(AT_NOON)
    path.chmod(0o600)
    path.write_bytes(_flip(path.read_bytes(), 40))
    assert found(ana) == {}
    code, told = ended(ana, deep=True)
    assert code == 13
    assert AT_NOON in told


def test_deep_cannot_tell_an_altered_version_from_one_of_a_lost_key(ana: Desk, team: Team) -> None:
    ana.write("new", "x")
    ana.push()
    binding = replace(team.binding, retired=(RetiredSalt("0123456789abcdef", SALT),))
    ana.world().machine.bindings.write(SECRET, binding)
    path = team.folder / "store" / team.root.version(AT_NOON)
    path.chmod(0o600)
    path.write_bytes(_flip(path.read_bytes(), 40))
    assert AT_NOON in found(ana, deep=True)["version-unreadable"].found


def test_deep_names_a_version_that_is_no_bundle_at_all(ana: Desk, team: Team) -> None:
    (team.folder / "store" / team.root.version("20260523-110000")).write_bytes(b"junk")
    code, told = ended(ana, deep=True)
    assert code == 13
    assert "app/prod: the bundle 20260523-110000" in told


def test_deep_notices_a_log_that_was_cut(ana: Desk, team: Team) -> None:  # attack 93
    ana.write("new", "x")
    ana.push()
    (team.folder / "store" / team.root.version(AT_NOON)).unlink()
    (team.folder / "store" / team.root.audit).unlink()
    assert found(ana) == {}
    assert "rows were removed" in found(ana, deep=True)["log-cut"].found


def test_deep_names_versions_that_are_gone(ana: Desk, team: Team) -> None:  # attack 18
    ana.write("new", "x")
    ana.push()
    (team.folder / "store" / team.root.version(AT_NOON)).unlink()
    assert AT_NOON in found(ana, deep=True)["version-missing"].found
    ben = team.desk("ben")
    assert ben.pull().data["version"] == LATER


# Offline.


def test_offline_needs_neither_key_nor_store(ana: Desk, team: Team) -> None:
    ana.keys.delete(str(SECRET))
    ana.world().machine.bindings.remove(SECRET)
    ana.store = watched = Simulator(team.store)
    configure(ana, 'required = ["DATABASE_URL"]')
    assert set(found(ana, offline=True)) == {"name-missing"}
    assert watched.calls == []
    assert verified(ana, offline=True).data["skipped"].keys() == {"key", "integrity", "freshness"}


def test_offline_without_a_lock_says_what_was_not_looked_at(ana: Desk, team: Team) -> None:
    ben = team.desk("ben")
    assert set(found(ben, offline=True, ci=True)) == {
        "lock-absent"
    }  # a job that pins nothing deploys anything
    assert verified(ben, offline=True, ci=True).data["checked"] == ["lock", "exposure"]


def test_offline_compares_what_was_synced_with_the_lock(ana: Desk, team: Team) -> None:
    ben = team.desk("ben")
    ben.pull()
    (ben.top / "vsync.lock").write_text(
        lock_to_text([LockEntry(str(SECRET), LATER, 2, "a" * 16, "b" * 64, ("A",))])
    )
    assert set(found(ben, offline=True)) == {"folder-behind"}


def test_offline_names_come_from_the_lock_only_where_it_lists_some(ana: Desk) -> None:
    configure(ana, "[vault.lock]", "names = false")
    relock(ana, variables=(), files=())
    assert "names" in verified(ana, offline=True).data["skipped"]


def test_what_was_found_before_the_store_failed_is_told(ana: Desk, team: Team) -> None:
    ana.git("add", "-f", FOLDER)
    ana.write("new", "x")
    hostile = ana.store = Simulator(team.store)
    hostile.lie(team.root.head, b"")
    result = verified(ana)
    assert (result.code, {one.id for one in result.findings}) == (
        13,
        {"folder-tracked", "folder-dirty", "untrusted"},
    )


def test_a_vault_behind_a_link_keeps_no_other_from_being_looked_at(ana: Desk, tmp_path: Path) -> None:
    ana.vault.rename(tmp_path / "away")
    ana.vault.symlink_to(tmp_path / "away")
    result = verified(ana)
    assert (result.code, result.findings[-1].id) == (2, "unknown")


# Classic.


def test_a_classic_vault_is_verified_by_its_key(tmp_path: Path) -> None:
    team = Team(tmp_path / "team", layout="classic")
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\n")
    desk.push()
    assert found(desk) == {}
    name = team.root.version(AT_NOON)
    hostile = desk.store = Simulator(team.store)
    hostile.lie(name, _flip(hostile.photo()[name], 40))
    assert ended(desk)[0] == 13


def test_a_classic_vault_that_was_set_back_is_no_newer_version(tmp_path: Path) -> None:  # attack 12
    team = Team(tmp_path / "team", layout="classic")
    desk = team.desk("ana")
    for text in ("A=1\n", "A=2\n"):
        desk.write(".env.prod", text)
        desk.push()
    (team.folder / "store" / team.root.head).write_bytes(AT_NOON.encode())
    for file in (*(desk.base / "app").glob("s*_prod*"), desk.top / ".git/vsync/checkout"):
        file.unlink()
    assert "the store was set back" in found(desk)["lock-contradicts"].found


def test_every_notice_is_a_known_id() -> None:
    assert set(IDS) > NOTICES
