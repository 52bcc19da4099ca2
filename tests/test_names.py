"""Which names may stand in a bundle (formats §2.1)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import paths, texts
from vsync.formats.names import (
    MAX_DEPTH,
    MAX_PART_BYTES,
    MAX_PATH_BYTES,
    collision,
    fold,
    reader_problem,
    writer_problem,
)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        # attack 22
        ("", "absolute"),
        ("/etc/passwd", "absolute"),
        ("../x", "leaves"),
        ("a/../../x", "leaves"),
        ("a/.", "leaves"),
        ("a//b", "leaves"),
        ("a/", "leaves"),
        ("C:x", "drive"),
        ("c:/x", "drive"),
        ("a/C:x", "drive"),
        ("a/b:stream", "drive"),
        ("a\\b", "backslash"),
        ("\\\\host\\share", "backslash"),
        ("\\\\?\\C:\\x", "backslash"),
        # attack 27
        (".git", "obeys"),
        (".GIT/hooks/x", "obeys"),
        ("a/.gIt", "obeys"),
        ("git~1", "obeys"),
        ("GIT~12/x", "obeys"),
        (".git./x", "obeys"),
        (".git  . ", "obeys"),
        (".git::$INDEX_ALLOCATION", "obeys"),
        (".git :x", "obeys"),
        (".g\u200cit", "obeys"),
        (".\ufeffgit", "obeys"),
        (".gitattributes", "obeys"),
        (".gitmodules", "obeys"),
        (".envrc", "obeys"),
        (".claude/settings.json", "obeys"),
        # attack 29
        ("x" * 300, "too long"),
        ("\u00fc" * 128, "too long"),
        ("a/" * 2000 + "b", "too deep"),
        # attack 30
        ("a\nb", "control"),
        ("a\x1b[2J", "control"),
        ("a\x7f", "control"),
        ("a\x9b", "control"),
        ("a\0b", "control"),
        ("a\udcff", "Unicode"),
    ],
)
def test_every_reader_refuses(path: str, problem: str) -> None:
    assert problem in (reader_problem(path) or "")
    assert reader_problem(path) == writer_problem(path)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        # attack 29
        ("CON", "device"),
        ("nul.txt", "device"),
        ("a/Com1", "device"),
        ("aux .x", "device"),
        ("lpt\u00b9", "device"),
        ("a.", "ends with"),
        ("a ", "ends with"),
        ("a./b", "ends with"),
        (" a", "begins with"),
        ("ab:stream", "has one of"),
        ("a?", "has one of"),
        ("a*b", "has one of"),
        ("<a>", "has one of"),
        ('"a"', "has one of"),
        ("a|b", "has one of"),
        # attack 30
        ("a\u202eb", "invisible"),
        ("a\u200bb", "invisible"),
        ("a\u2066b", "invisible"),
        ("a\u2028b", "invisible"),
        ("a\ufeff", "invisible"),
        ("a\ue000", "invisible"),
    ],
)
def test_writers_refuse_what_fails_or_deceives_elsewhere(path: str, problem: str) -> None:
    assert reader_problem(path) is None
    assert problem in (writer_problem(path) or "")


@pytest.mark.parametrize(
    "path",
    [
        ".env.prod",
        ".gitignore",
        "a/.git-credentials",
        "git~",
        "console.log",
        "com10",
        "a b/c-d_e+f=g,h",
        "\u00fcber/\u65e5\u672c\u8a9e.pem",
        "...a",
        "x" * MAX_PART_BYTES,
        "/".join("a" * MAX_DEPTH),
        "/".join(["x" * 255] * 4),
    ],
)
def test_ordinary_names_pass(path: str) -> None:
    assert len(path) <= MAX_PATH_BYTES
    assert writer_problem(path) is None


@given(paths, st.sampled_from(["..", ".", ""]), st.integers(0, 3))
def test_a_step_anywhere_in_a_path_is_refused(path: str, step: str, place: int) -> None:
    parts = path.split("/")
    parts.insert(place, step)
    assert reader_problem("/".join(parts)) is not None


@given(texts)
def test_what_passes_stays_below_its_folder(path: str) -> None:
    if reader_problem(path) is None:
        assert not {"", ".", ".."} & set(path.split("/"))
        assert path.isprintable() or unicodedata.category(min(path, key=str.isprintable)) != "Cc"


# attack 28
@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (["a", "a"], []),
        (["a", "A"], []),
        (["\u00fc", "u\u0308"], []),
        (["stra\u00dfe", "STRASSE"], []),
        (["a", "a/b"], []),
        (["a/b", "A"], []),
        (["A/x", "a/y"], []),
        (["b/A/x", "b/a/y"], []),
        (["a"], ["a"]),
        (["a"], ["A"]),
        ([], ["a/b", "A"]),
        (["u\u0308/x"], ["\u00fc"]),
    ],
)
def test_names_that_some_system_takes_for_one_collide(files: list[str], folders: list[str]) -> None:
    assert collision(files, folders) is not None
    assert collision(reversed(files), reversed(folders)) is not None


def test_neighbours_do_not_collide() -> None:
    assert collision(["a", "b/a", "b/c/a", "ab"], ["b", "b/c", "d"]) is None
    assert collision([]) is None


@given(st.lists(paths, max_size=8, unique_by=fold))
def test_a_collision_names_two_of_what_was_given(files: list[str]) -> None:
    twins = collision(files)
    if twins is not None:
        assert all(any(f"{path}/".startswith(f"{twin}/") for path in files) for twin in twins)
        assert collision([*files, files[0]]) is not None


@given(texts)
def test_folding_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text) == fold(unicodedata.normalize("NFD", text))
