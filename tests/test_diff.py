"""git vsync diff: folder against version, lock, environment and file; names, and values to people only."""

import json
import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.homes import Home, program
from tests.simulator import Simulator
from tests.teams import CANARY, answer, done, fill, on_a_terminal, refused, repository
from tests.worlds import AT_NOON, CONFIG, KEY_TEXT, NOON, SECRET, Desk, Team, everything_below
from vsync.errors import (
    ConfigError,
    Conflict,
    IntegrityError,
    KeyUnavailable,
    NotFound,
    RolledBack,
    UsageError,
)
from vsync.machine.halves import place_digest
from vsync.sync.push import PushOptions, push
from vsync.terminal import AGENTS

LATER = "20260523-130000"
DEV = """
[[vault.sync.mappings]]
secret_name = "app/dev"
folder_path = "infra/vault/dev"
environment = "dev"
profile = "local"
"""


@pytest.fixture
def ana(team: Team) -> Desk:
    """Ana has pushed A=1, B=2 and a key."""
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\nB=2\n")
    desk.write("keys/old.pem", "x")
    desk.push()
    return desk


def edited(desk: Desk) -> Desk:
    desk.write(".env.prod", "A=9\nC=3\n")
    (desk.vault / "keys/old.pem").unlink()
    desk.write("run.sh", "x", executable=True)
    return desk


EDITS = ("+ C", "- B", "~ A", "+ run.sh (file)", "- keys/old.pem (file)")


def test_no_difference_is_one_calm_line_that_says_against_what(ana: Desk) -> None:
    found = ana.diff(exit_code=True)
    expected = f"infra/vault/prod is the same as the newest version {AT_NOON}, pushed by ana@example.com"
    assert (found.state, found.summary, found.details, found.code) == ("same", expected, (), 0)


def test_differences_are_named_and_the_folder_is_what_is_added(ana: Desk) -> None:
    found = edited(ana).diff()
    assert found.details == EDITS
    assert found.summary.startswith("infra/vault/prod differs in 5 names from the newest version")
    assert (found.state, found.code) == ("different", 0)
    assert ana.diff(exit_code=True).code == 1


def test_the_data_has_names_only(ana: Desk) -> None:
    data = edited(ana).diff().data
    assert data == {
        "against": "remote",
        "with": {"vault": "app/prod", "version": AT_NOON, "generation": 1, "by": "ana@example.com"},
        "same": False,
        "variables": {"added": ["C"], "removed": ["B"], "changed": ["A"]},
        "files": {"added": ["run.sh"], "removed": ["keys/old.pem"], "changed": []},
    }


def test_the_mode_of_a_file_and_the_spelling_of_a_value_are_told_apart(ana: Desk) -> None:
    (ana.vault / "keys/old.pem").chmod(0o700)
    ana.write(".env.prod", "export A='1' # a comment\r\nB=2\n")
    expected = ("~ keys/old.pem (file)", "~ .env.prod (file; no variable differs)")
    assert ana.diff().details == expected
    assert ana.diff().data["files"]["changed"] == [".env.prod", "keys/old.pem"]


def test_nothing_in_an_env_file_is_expanded(ana: Desk) -> None:
    ana.write(".env.prod", "A=1\nB=${A}\n")
    ana.now = NOON + timedelta(hours=1)
    ana.push()
    ana.write(".env.prod", "A=1\nB=1\n")
    assert ana.diff().details == ("~ B",)


def test_against_the_lock_is_the_version_of_this_commit(ana: Desk) -> None:
    lock, ana.now = ana.lock(), NOON + timedelta(hours=1)
    edited(ana).push()
    (ana.top / "vsync.lock").write_text(lock)
    assert ana.diff().data["same"]
    found = ana.diff("lock")
    assert found.details == EDITS
    assert f"the locked version {AT_NOON}" in found.summary


def test_against_a_version_by_its_name(ana: Desk) -> None:
    ana.now = NOON + timedelta(hours=1)
    edited(ana).push()
    assert ana.diff(AT_NOON).details == EDITS
    assert ana.diff(LATER).data["same"]
    with pytest.raises(NotFound, match="has no version 20200101-000000"):
        ana.diff("20200101-000000")
    with pytest.raises(NotFound, match="never published"):
        ana.diff("20990101-000000")


def test_a_lock_that_contradicts_the_store_is_not_believed(ana: Desk) -> None:
    (ana.top / "vsync.lock").write_text(ana.lock().replace("generation = 1", "generation = 7"))
    with pytest.raises(IntegrityError, match="with another generation, key or bundle than the store's"):
        ana.diff("lock")


def test_a_store_that_was_set_back_is_compared_only_by_name(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)  # attack 12
    old = hostile.photo()
    ana.now = NOON + timedelta(hours=1)
    edited(ana).push()
    hostile.serve(old)
    with pytest.raises(RolledBack):
        ana.diff()
    assert ana.diff(AT_NOON).details == EDITS
    assert "going on, since a version was named" in ana.notices


def test_what_a_diff_or_a_template_has_seen_is_not_forgotten(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)  # attack 12
    old = hostile.photo()
    carl, ben = team.desk("carl"), team.desk("ben")
    for desk in (ben, carl):
        desk.pull()
        desk.store = hostile
    ana.now = NOON + timedelta(hours=1)
    edited(ana).push()
    ben.diff()
    carl.template()
    hostile.serve(old)
    for look in (ben.diff, carl.template):
        with pytest.raises(RolledBack, match="generation 1 < 2"):
            look()


def test_an_altered_bundle_is_not_compared(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)  # attack 1
    bundle = bytearray(team.objects()[team.root.version(AT_NOON)])
    bundle[-1] ^= 1
    hostile.lie(team.root.version(AT_NOON), bytes(bundle))
    for against in ("remote", "lock", AT_NOON):
        with pytest.raises(IntegrityError):
            ana.diff(against)


@pytest.fixture
def two(ana: Desk, team: Team) -> Desk:
    """Ana has a vault for dev, too, pushed; it takes a profile."""
    (ana.top / "vsync.toml").write_text(CONFIG + DEV)
    (ana.top / ".gitignore").write_text("/infra/vault\n")
    folder = ana.top / "infra/vault/dev"
    folder.mkdir()
    (folder / ".env.dev").write_text("A=1\nD=4\n# layout of another environment is no difference\n")
    ana.keys.texts["app/dev"] = KEY_TEXT
    world = ana.world()
    dev = world.config.mappings[1]
    binding = replace(team.binding, prefix="app/dev/")
    world.machine.bindings.write(dev.secret, binding)
    world.machine.remember_fit(place_digest(binding))
    push(world, dev, PushOptions())
    return ana


def test_against_another_environment_whose_folder_is_here(two: Desk) -> None:
    two.keys.texts.clear()
    found = two.diff("env:dev")
    assert found.details == ("+ B", "- D", "+ keys/old.pem (file)")
    assert found.summary.endswith("differs in 3 names from infra/vault/dev")


def test_comments_of_another_environment_are_no_difference(two: Desk) -> None:
    (two.top / "infra/vault/dev/.env.dev").write_text("# dev\nB='2'\nA=1\n")
    assert two.diff("env:dev").details == ("+ keys/old.pem (file)",)


def test_against_another_environment_whose_folder_is_not(two: Desk) -> None:
    shutil.rmtree(two.top / "infra/vault/dev")
    found = two.diff("env:dev")
    assert found.details == ("+ B", "- D", "+ keys/old.pem (file)")
    assert f"from app/dev, the newest version {AT_NOON}, pushed by ana" in found.summary
    assert found.summary.endswith("(infra/vault/dev is not here)")
    with pytest.raises(NotFound, match="no folder infra/vault/dev"):
        two.diff("env:dev", names_only=True)


def test_another_environment_must_be_one_and_another(two: Desk) -> None:
    with pytest.raises(UsageError, match="env:prod is app/prod itself"):
        two.diff("env:prod")
    with pytest.raises(NotFound, match="no vault is called 'staging'"):
        two.diff("env:staging")


def test_against_a_plain_env_file_by_variables_only(ana: Desk, tmp_path: Path) -> None:
    (tmp_path / "x.env").write_text("A=1\nB=3\nE=\n")
    ana.keys.texts.clear()
    for cwd, path in ((tmp_path, "x.env"), (ana.top, str(tmp_path / "x.env"))):
        assert ana.diff(path, cwd=cwd).details == ("- E", "~ B")
    (tmp_path / "lock").write_text("A=1\nB=2\n")
    assert ana.diff("./lock", cwd=tmp_path).data["same"]


def test_a_file_that_cannot_be_read_does_not_make_us_wait(ana: Desk, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bad").write_text("A=1\nB='canary\n")
    for path, problem in (("pipe", "not a regular file"), (".", "not a regular file"), ("bad", "line 2 ")):
        with pytest.raises(UsageError, match=problem) as caught:
            ana.diff(path, cwd=tmp_path)
        assert "canary" not in f"{caught.value} {caught.value.hint}"  # attack 56
    for path in ("nowhere", "bad/x", "x" * 300, "a\0b"):
        with pytest.raises((NotFound, UsageError)):
            ana.diff(path, cwd=tmp_path)


def test_a_folder_that_is_missing_says_what_brings_it(team: Team, ana: Desk) -> None:
    ben = team.desk("ben")
    with pytest.raises(NotFound, match="no folder infra/vault/prod") as caught:
        ben.diff()
    assert caught.value.hint == "git vsync pull prod brings it"


def test_a_broken_env_file_is_named_by_its_line_only(ana: Desk) -> None:
    ana.write(".env.prod", "A=1\n'canary\n")
    with pytest.raises(Conflict, match=r"infra/vault/prod/\.env\.prod: line 2 ") as caught:
        ana.diff()
    assert "canary" not in str(caught.value)  # attack 56


def test_an_env_file_that_is_missing_takes_its_variables_along(ana: Desk) -> None:
    (ana.vault / ".env.prod").unlink()
    assert ana.diff().details == ("- A", "- B")


def test_names_only_takes_neither_key_nor_network_nor_binding(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)
    ana.keys.texts.clear()
    ana.world().machine.bindings.remove(SECRET)
    edited(ana)
    for against in (None, "lock"):
        found = ana.diff(against, names_only=True)
        assert found.details == ("+ C", "- B", "+ run.sh (file)", "- keys/old.pem (file)")
    assert found.summary.endswith(f"from the names in vsync.lock, version {AT_NOON}")
    assert hostile.calls == []
    with pytest.raises(KeyUnavailable):
        ana.diff()


def test_names_only_says_that_other_names_were_meant(ana: Desk) -> None:
    ana.write(".env.prod", "A=9\nB=9\n")
    found = ana.diff(names_only=True)
    assert (found.summary.split(" has ")[1], found.data["same"]) == (
        f"the same names as the names in vsync.lock, version {AT_NOON}",
        True,
    )


def test_names_only_against_what_takes_a_key_is_refused(ana: Desk) -> None:
    for against in ("remote", AT_NOON):
        with pytest.raises(UsageError, match="takes one"):
            ana.diff(against, names_only=True)


def test_a_lock_without_names_says_so(ana: Desk) -> None:
    (ana.top / "vsync.toml").write_text(CONFIG + "[vault.lock]\nnames = false\n")
    (ana.top / "vsync.lock").unlink()
    with pytest.raises(NotFound, match="no entry for app/prod"):
        ana.diff(names_only=True)
    ana.push()
    with pytest.raises(UsageError, match=r"has no names of app/prod: .*names = false"):
        ana.diff(names_only=True)


def test_conflict_markers_in_the_lock_are_told(ana: Desk) -> None:
    (ana.top / "vsync.lock").write_text("<<<<<<< HEAD\n")
    with pytest.raises(ConfigError, match="conflict markers"):
        ana.diff(names_only=True)


def test_a_diff_changes_nothing_and_unpacks_nothing(ana: Desk, team: Team) -> None:
    edited(ana)
    before = everything_below(team.folder)
    for against in ("remote", "lock", AT_NOON):
        ana.diff(against)
    assert everything_below(team.folder) == before


def test_the_classic_layout_is_compared_too(tmp_path: Path) -> None:
    desk = Team(tmp_path / "classic", layout="classic").desk("ana")
    desk.write(".env.prod", "A=1\nB=2\n")
    desk.write("keys/old.pem", "x")
    desk.push()
    assert desk.diff().data["same"]
    found = edited(desk).diff("lock")
    assert {"+ C", "- B", "~ A"} <= set(found.details)


def test_values_are_nowhere_without_reveal(ana: Desk) -> None:
    ana.write(".env.prod", f"A={CANARY}\nC='{CANARY}'\n")
    assert CANARY not in repr(ana.diff())
    assert CANARY in repr(ana.diff(reveal=True).details)
    assert CANARY not in repr(ana.diff(reveal=True).data)


def test_revealed_values_are_bounded(ana: Desk) -> None:
    ana.write(".env.prod", f"A={'x' * 10_000}\nB\n")  # what has no = is no name
    found = ana.diff(reveal=True)
    assert found.details[:3] == ("- B = 2", "~ A", "    - 1")
    assert found.details[3:] == (f"    + {'x' * 200}… (9800 more characters)",)


# The real program


@pytest.fixture
def person(home: Callable[[str], Home]) -> Home:
    return home("ana")


@pytest.fixture
def repo(person: Home, tmp_path: Path) -> Path:
    """Return a repository with a vault whose env file has an unpushed canary and a hostile name."""
    repo = repository(person)
    done(person.vsync("init", "prod", "--store", f"file://{tmp_path}/store", cwd=repo))
    vault = fill(repo)
    done(person.vsync("push", "prod", cwd=repo))
    text = f"TOKEN=old-{CANARY}\n'E\x1b]0;x\x07VIL'=1\nEVIL='\x1b[31m{CANARY}\n\u202e'\n"
    (vault / ".env.prod").write_text(text)
    return repo


def test_the_program_shows_names_harmlessly_and_no_value(person: Home, repo: Path) -> None:
    shown = done(person.vsync("diff", cwd=repo))  # attacks 55, 92
    assert "~ TOKEN" in shown.stdout
    assert "+ EVIL" in shown.stdout
    assert "x07VIL" not in shown.stdout
    assert "\x1b" not in shown.stdout
    told = person.vsync("diff", "--exit-code", "--json", "-v", cwd=repo)
    assert (told.returncode, json.loads(told.stdout)["exit_code"]) == (1, 1)
    assert CANARY not in told.stdout
    assert answer(told)["variables"]["removed"] == ["PORT"]


def test_reveal_shows_values_to_a_person_and_escapes_them(person: Home, repo: Path) -> None:
    code, screen = on_a_terminal(person, ("diff", "--reveal"), repo)  # attack 92
    assert code == 0
    assert f"+ old-{CANARY}" in screen
    assert f"\\x1b[31m{CANARY}\\n\\u202e" in screen
    assert "\x1b[31m" not in screen


@pytest.mark.parametrize("words", [(), ("--json",), ("--names-only",)])
def test_reveal_into_a_pipe_or_for_a_program_is_refused(
    person: Home, repo: Path, words: tuple[str, ...]
) -> None:
    refused(person.vsync("diff", "--reveal", *words, cwd=repo), 2, "--reveal")  # attack 55


@pytest.mark.parametrize("words", [("--json",), ("--no-input",), ("--names-only",)])
def test_reveal_is_refused_on_a_terminal_too(person: Home, repo: Path, words: tuple[str, ...]) -> None:
    code, screen = on_a_terminal(person, ("diff", "--reveal", *words), repo)
    assert (code, CANARY in screen) == (2, False)


def test_reveal_from_a_terminal_into_a_pipe_is_refused(person: Home, repo: Path) -> None:
    master, slave = pty.openpty()  # attack 55
    done = subprocess.run(
        [*program(), "diff", "--reveal"],
        cwd=repo,
        env={**person.env, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        check=False,
    )
    os.close(slave)
    os.close(master)
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("agent", AGENTS)
def test_reveal_is_refused_when_a_program_types(person: Home, repo: Path, agent: str) -> None:
    code, screen = on_a_terminal(person, ("diff", "--reveal"), repo, more={agent: "1"})  # attack 94
    assert (code, CANARY in screen) == (2, False)
    assert agent in screen


def test_the_words_are_checked_before_anything_is_read(person: Home, tmp_path: Path) -> None:
    refused(person.vsync("diff", "nope", cwd=repository(person)), 10, "no vault is mapped here")
