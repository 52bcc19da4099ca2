"""git vsync template: the names of a vault as a committed file, and never one of its values."""

import os
from pathlib import Path

import pytest

from tests.worlds import CONFIG, FOLDER, Desk, Team
from vsync.errors import ConfigError, NotFound
from vsync.sync.template import MAX_TEMPLATE_BYTES, template_names

TEMPLATE = 'template = ".env.example"\n'


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path / "team")


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
    assert names(ana) == ("B", "A", "C")


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
