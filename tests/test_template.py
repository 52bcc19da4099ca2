"""git vsync template: the names of a vault as a committed file, and never one of its values."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.homes import Home
from tests.simulator import Simulator
from tests.teams import CANARY, answer, done, fill, on_a_terminal, refused, repository
from tests.worlds import AT_NOON, CONFIG, FOLDER, NOON, SECRET, Desk, Team, everything_below
from vsync.errors import ConfigError, DiskError, IntegrityError, KeyUnavailable, NotFound, UsageError
from vsync.sync.template import MAX_TEMPLATE_BYTES, template_names

TEMPLATE = 'template = ".env.example"\n'


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    (desk.top / "vsync.toml").write_text(CONFIG + TEMPLATE)
    return desk


def names(desk: Desk) -> tuple[str, ...] | None:
    world = desk.world()
    return template_names(world, world.config.mappings[0])


def test_the_names_of_a_template_come_in_its_order(ana: Desk) -> None:
    (ana.top / ".env.example").write_bytes(b"\xef\xbb\xbf# c\r\nB=\r\nexport A=1\r\nC\r\nB=2\r\n")
    assert names(ana) == ("B", "A")


def test_a_mapping_without_a_template_has_no_names(team: Team) -> None:
    assert names(team.desk("ben")) is None


def test_a_template_that_is_not_there_says_what_makes_it(ana: Desk) -> None:
    with pytest.raises(NotFound, match=r"no \.env\.example, the template of app/prod") as caught:
        names(ana)
    assert caught.value.hint == "git vsync template prod --write makes it"


def test_a_broken_line_is_named_by_its_number_only(ana: Desk) -> None:
    (ana.top / ".env.example").write_text("A=1\nB='canary\n")  # attack 56
    with pytest.raises(ConfigError, match=r"\.env\.example: line 2 ") as caught:
        names(ana)
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_a_template_leads_neither_out_of_the_repository_nor_into_a_vault(ana: Desk, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("A=1\n")  # attack 85
    ana.write(".env.prod", "A=1\n")
    path = ana.top / ".env.example"
    for target in (tmp_path / "outside", Path("../../outside"), Path(FOLDER) / ".env.prod"):
        path.symlink_to(target)
        with pytest.raises(ConfigError, match=r"leads out of the repository|lies in the vault"):
            names(ana)
        path.unlink()
    (ana.top / "names").write_text("A=\n")
    path.symlink_to("names")
    assert names(ana) == ("A",)


def test_a_template_that_is_no_ordinary_file_does_not_make_us_wait(ana: Desk) -> None:
    path = ana.top / ".env.example"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="not a regular file"):
        names(ana)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="not a regular file"):
        names(ana)
    path.rmdir()
    path.write_bytes(b"\n" * (MAX_TEMPLATE_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than"):
        names(ana)


ENV = f"# about A\nA=1\nTOKEN='{CANARY}'\n#OLD={CANARY}\nexport B=2 # {CANARY}\n"


@pytest.fixture
def pushed(ana: Desk) -> Desk:
    ana.write(".env.prod", ENV)
    ana.push()
    return ana


def text(desk: Desk) -> str:
    return (desk.top / ".env.example").read_text()


def test_a_template_has_the_names_in_the_order_of_the_vault_and_nothing_else(pushed: Desk) -> None:
    found = pushed.template()
    assert found.data["template"] == "A=\nTOKEN=\nB=\n"
    assert not (pushed.top / ".env.example").exists()
    assert pushed.template(write=True).state == "written"
    assert text(pushed) == "A=\nTOKEN=\nB=\n"
    assert names(pushed) == ("A", "TOKEN", "B")


def test_writing_again_changes_nothing(pushed: Desk) -> None:
    pushed.template(write=True)
    stamp = (pushed.top / ".env.example").stat()
    again = pushed.template(write=True)
    assert (again.state, again.details) == ("current", ())
    assert (pushed.top / ".env.example").stat().st_ino == stamp.st_ino


def test_what_changes_is_named_and_the_rest_stays(pushed: Desk) -> None:
    path = pushed.top / ".env.example"
    path.write_bytes(f"# ours\r\nGONE=1\r\nTOKEN={CANARY}\r\n# {CANARY}\r\nB=2\r\n".encode())
    found = pushed.template(write=True)
    assert path.read_bytes() == b"A=\r\n# ours\r\nTOKEN=\r\nB=\r\n"
    assert found.details == (
        "+ A",
        "- GONE",
        "~ TOKEN (it had a value of the vault; emptied)",
        "~ B (it had a value of the vault; emptied)",
        "~ line 4 (a comment with the value of TOKEN; removed)",
    )
    assert CANARY not in repr(found)


def test_a_value_that_is_plainly_public_stays_behind_another_name(pushed: Desk) -> None:
    pushed.write(".env.prod", "HOST=db.example.com:5432\nFLAG=enabled\nPORT=12345678\nA=\nB=\nC=\n")
    pushed.now = NOON + timedelta(hours=1)
    pushed.push()
    before = "HOST=\nFLAG=\nPORT=\nA=db.example.com:5432\nB=enabled\nC=12345678\n"
    (pushed.top / ".env.example").write_text(before)
    assert pushed.template(check=True).code == 0
    assert text(pushed) == before


def test_lines_of_a_key_are_found_too(pushed: Desk) -> None:
    pushed.write(".env.prod", "KEY='-----BEGIN-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END-----'\n")
    pushed.now = NOON + timedelta(hours=1)
    pushed.push()
    (pushed.top / ".env.example").write_text("# MIIEvQIBADANBgkqhkiG9w0B\nKEY=\n")
    pushed.template(write=True)
    assert text(pushed) == "KEY=\n"


def test_the_names_are_those_that_the_lock_pins(pushed: Desk) -> None:
    lock, pushed.now = pushed.lock(), NOON + timedelta(hours=1)
    pushed.write(".env.prod", "NEW=1\n")
    pushed.push()
    (pushed.top / "vsync.lock").write_text(lock)
    assert pushed.template().data["version"] == AT_NOON
    (pushed.top / "vsync.lock").unlink()
    assert pushed.template().data["template"] == "NEW=\n"


def test_a_check_tells_and_changes_nothing(pushed: Desk, team: Team) -> None:
    before = everything_below(team.folder)
    found = pushed.template(check=True)
    assert (found.code, found.state) == (1, "outdated")
    assert everything_below(team.folder) == before
    pushed.template(write=True)
    assert pushed.template(check=True).code == 0


def test_without_a_template_in_the_mapping_the_line_to_add_is_said(pushed: Desk) -> None:
    (pushed.top / "vsync.toml").write_text(CONFIG)
    found = pushed.template(write=True)
    assert found.details[-1].endswith('add to the mapping: template = ".env.example"')
    assert text(pushed) == "A=\nTOKEN=\nB=\n"


def test_the_mode_stays_and_a_new_file_is_an_ordinary_one(pushed: Desk) -> None:
    path = pushed.top / ".env.example"
    pushed.template(write=True)
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    path.write_text("")
    path.chmod(0o640)
    pushed.template(write=True)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in pushed.top.iterdir() if one.name.endswith(".tmp")] == []


def _umask() -> int:
    found = os.umask(0o22)
    os.umask(found)
    return found


def test_a_link_or_a_special_file_is_never_written(pushed: Desk, tmp_path: Path) -> None:
    path = pushed.top / ".env.example"
    (pushed.top / "names").write_text("A=\n")
    path.symlink_to("names")
    for _ in range(2):
        with pytest.raises(ConfigError, match="is not a plain file"):
            pushed.template(write=True)
        path.unlink()
        os.mkfifo(path)
    assert (pushed.top / "names").read_text() == "A=\n"
    (pushed.top / "sub").symlink_to(tmp_path)
    (pushed.top / "vsync.toml").write_text(CONFIG + 'template = "sub/x.env.dist"\n')
    with pytest.raises(ConfigError, match="'sub' is a symbolic link"):
        pushed.template(write=True)
    assert not (tmp_path / "x.env.dist").exists()


@pytest.mark.parametrize("path", [f"{FOLDER}/.env.example", "INFRA/vault/PROD/x.env.dist"])
def test_a_template_in_a_vault_is_refused(pushed: Desk, path: str) -> None:
    (pushed.top / "vsync.toml").write_text(CONFIG + f'template = "{path}"\n')
    with pytest.raises(ConfigError, match=r"lies in the vault|is not a folder"):
        pushed.template(write=True)
    assert pushed.tree() == {".env.prod": ENV.encode()}


def test_a_template_where_an_env_file_is_activated_is_refused(pushed: Desk) -> None:
    (pushed.top / "vsync.toml").write_text(CONFIG + 'template = ".env.dist"\nactivate_to = ".env.dist"\n')
    (pushed.top / ".env.dist").write_text("MINE=1\n")
    with pytest.raises(ConfigError, match="is where an env file is activated"):
        pushed.template(write=True)
    assert (pushed.top / ".env.dist").read_text() == "MINE=1\n"


def test_a_folder_that_is_not_there_is_not_made(pushed: Desk) -> None:
    (pushed.top / "vsync.toml").write_text(CONFIG + 'template = "no/where/.env.example"\n')
    with pytest.raises(DiskError):
        pushed.template(write=True)
    assert not (pushed.top / "no").exists()


TWO = """
[[vault.sync.mappings]]
secret_name = "app/dev"
folder_path = "infra/vault/dev"
environment = "dev"
template = ".env.example"
"""


def test_one_template_for_vaults_with_other_names_is_refused(pushed: Desk) -> None:
    (pushed.top / "vsync.toml").write_text(CONFIG + TEMPLATE + TWO)
    lock = pushed.lock()
    entry = lock.split("\n\n", 1)[1].replace("app/prod", "app/dev")
    (pushed.top / "vsync.lock").write_text(f"{lock}\n{entry}".replace("\n\n\n", "\n\n"))
    assert pushed.template(write=True).state == "written"
    other = f"{lock}\n{entry.replace('TOKEN', 'OTHER')}"
    (pushed.top / "vsync.lock").write_text(other)
    for flags in ({"write": True}, {"check": True}):
        with pytest.raises(UsageError, match=r"of app/prod and of app/dev, .*differ: OTHER, TOKEN"):
            pushed.template(**flags)
    assert pushed.template().data["template"]


def test_a_vault_whose_names_nobody_knows_is_told_not_compared(pushed: Desk) -> None:
    (pushed.top / "vsync.toml").write_text(CONFIG + TEMPLATE + TWO)
    assert pushed.template(write=True).state == "written"
    assert "not compared with the names of app/dev" in pushed.notices


def test_vaults_that_share_the_default_leave_each_other_their_names(pushed: Desk) -> None:
    (pushed.top / "vsync.toml").write_text(CONFIG + TWO.replace('template = ".env.example"\n', ""))
    entry = pushed.lock().split("\n\n", 1)[1].replace("app/prod", "app/dev").replace("TOKEN", "OTHER")
    (pushed.top / "vsync.lock").write_text(f"{pushed.lock()}\n{entry}")
    (pushed.top / ".env.example").write_text("A=\nTOKEN=\nB=\nOTHER=x\nGONE=\n")
    found = pushed.template(write=True)
    assert (text(pushed), found.data["removed"]) == ("A=\nTOKEN=\nB=\nOTHER=x\n", ("GONE",))


def test_a_template_that_git_ignores_is_told(pushed: Desk) -> None:
    (pushed.top / ".gitignore").write_text(f"/{FOLDER}\n.env*\n")
    pushed.template(write=True)
    assert "git ignores .env.example" in pushed.notices


def test_a_version_without_variables_leaves_the_template_alone(ana: Desk) -> None:
    (ana.top / ".env.example").write_text("A=\n")
    ana.write("x.pem", "x")
    ana.push(allow_empty=True)
    with pytest.raises(NotFound, match="has no variable"):
        ana.template(write=True)
    assert text(ana) == "A=\n"


def test_without_a_key_nothing_is_written(pushed: Desk) -> None:
    pushed.keys.delete(str(SECRET))
    with pytest.raises(KeyUnavailable):
        pushed.template(write=True)
    assert not (pushed.top / ".env.example").exists()


def test_an_altered_bundle_gives_no_names(pushed: Desk, team: Team) -> None:
    hostile = pushed.store = Simulator(team.store)  # attack 1
    bundle = bytearray(team.objects()[team.root.version(AT_NOON)])
    bundle[-1] ^= 1
    hostile.lie(team.root.version(AT_NOON), bytes(bundle))
    with pytest.raises(IntegrityError):
        pushed.template(write=True)
    assert not (pushed.top / ".env.example").exists()


def test_a_name_that_would_deceive_is_not_written(ana: Desk) -> None:
    ana.write(".env.prod", "'A\x1b[31m'=1\n'A\u202eB'=2\nSTRIPE:sk_live\nC=3\n")  # attacks 56, 87, 92
    ana.push_unchecked()
    ana.template(write=True)
    assert (ana.top / ".env.example").read_text() == "C=\n"


# The real program


@pytest.fixture
def person(home: Callable[[str], Home]) -> Home:
    return home("ana")


@pytest.fixture
def repo(person: Home) -> Path:
    repo = repository(person)
    done(person.vsync("init", "prod", cwd=repo))
    fill(repo)
    done(person.vsync("push", "prod", cwd=repo))
    return repo


def test_the_program_prints_a_template_that_can_be_redirected(person: Home, repo: Path) -> None:
    assert done(person.vsync("template", cwd=repo)).stdout == "TOKEN=\nPORT=\n"
    told = answer(done(person.vsync("template", "--json", cwd=repo)))
    assert (told["template"], told["state"]) == ("TOKEN=\nPORT=\n", "outdated")


def test_the_program_checks_and_writes(person: Home, repo: Path) -> None:
    found = person.vsync("template", "--check", "--json", cwd=repo)
    assert (found.returncode, json.loads(found.stdout)["exit_code"]) == (1, 1)
    assert ".env.example written" in done(person.vsync("template", "--write", cwd=repo)).stdout
    assert (repo / ".env.example").read_text() == "TOKEN=\nPORT=\n"
    done(person.vsync("template", "--check", cwd=repo))
    refused(person.vsync("template", "--check", "--write", cwd=repo), 2, "--check changes nothing")


def test_comments_of_the_repository_are_harmless_on_a_terminal(person: Home, repo: Path) -> None:
    (repo / ".env.example").write_bytes(b"# \x1b]0;owned\x07\nTOKEN=\n")
    code, screen = on_a_terminal(person, ("template",), repo)  # attack 92
    assert code == 0
    assert "# \\x1b]0;owned\\x07\nTOKEN=\nPORT=\n" in screen
    assert "\x1b" not in screen
