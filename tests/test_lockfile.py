"""`vsync.lock` (formats §9)."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make_vectors
from tests.strategies import hex16, hex64, texts, versions
from vsync.errors import ConfigError
from vsync.formats.lockfile import MAX_LOCK_BYTES, LockEntry, lock_from_text, lock_to_text

names = st.lists(texts | st.text('\x00\x7f"\\\u2028\x85=<>', max_size=8), max_size=4, unique=True).map(
    lambda found: tuple(sorted(found, key=str.encode))
)
entries = st.builds(
    LockEntry,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}/[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True),
    version=versions,
    generation=st.integers(0, 2**53 - 1),
    key_id=hex16,
    sha256=hex64,
    variables=names,
    files=names,
)
locks = st.lists(entries, max_size=4, unique_by=lambda entry: entry.name)


@given(locks)
def test_a_lock_survives_sorted_whatever_the_order(found: list[LockEntry]) -> None:
    text = lock_to_text(found)
    assert lock_to_text(reversed(found)) == text
    by_name = lock_from_text(text)
    assert by_name == {entry.name: entry for entry in found}
    assert list(by_name) == sorted(by_name, key=str.encode)
    assert lock_to_text(by_name.values()) == text


@given(locks)
def test_a_lock_is_toml_with_one_name_a_line(found: list[LockEntry]) -> None:
    text = lock_to_text(found)
    rows = tomllib.loads(text).get("bundle", [])
    assert [row["name"] for row in rows] == sorted((entry.name for entry in found), key=str.encode)
    wanted = sum(len(entry.variables) + len(entry.files) for entry in found)
    assert sum(line.startswith('    "') for line in text.split("\n")) == wanted


@given(locks, entries)
def test_one_more_vault_changes_no_line_of_the_others(found: list[LockEntry], entry: LockEntry) -> None:
    others = [other for other in found if other.name != entry.name]
    before, after = lock_to_text(others), lock_to_text([*others, entry])
    block = lock_to_text([entry]).removeprefix("version = 1\n")
    assert after.replace(block, "", 1) == before


def test_a_lock_looks_as_the_format_shows() -> None:
    entry = LockEntry(
        "myapp/prod", "20260523-114201", 4, "ab" * 8, "cd" * 32, ("B", "A", "B"), ("\u00fc.json",)
    )
    block = "".join(
        f"{line}\n"
        for line in (
            "version = 1",
            "",
            "[[bundle]]",
            'name = "myapp/prod"',
            'version = "20260523-114201"',
            "generation = 4",
            f'key_id = "{"ab" * 8}"',
            f'sha256 = "{"cd" * 32}"',
            "variables = [",
            '    "A",',
            '    "B",',
            "]",
            "files = [",
            '    "\u00fc.json",',
            "]",
        )
    )
    assert lock_to_text([entry]) == block


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "||||||| base", "=======", ">>>>>>> theirs"])
def test_conflict_markers_name_the_way_out(marker: str) -> None:
    with pytest.raises(ConfigError, match="conflict markers") as caught:
        lock_from_text(f"{make_vectors.LOCK}{marker}\r\n")
    assert caught.value.hint == "git vsync lock --resolve"


def test_a_name_that_looks_like_a_marker_to_others_is_a_name() -> None:
    entry = LockEntry(
        "a/b", "20260523-114201", 1, "ab" * 8, "cd" * 32, files=("x\u2028=======", "y\x85<<<<<<< ")
    )
    assert lock_from_text(lock_to_text([entry])) == {"a/b": entry}


def test_hand_edited_spelling_is_accepted_as_merges_leave_it() -> None:
    text = make_vectors.LOCK.replace("\n", "\r\n").replace("version = 1", "# ours\nversion  =  1", 1)
    assert lock_from_text(text) == lock_from_text(make_vectors.LOCK)


def test_a_classic_lock_may_lack_what_classic_stores_lack() -> None:
    entry = LockEntry("myapp/prod", "20260523-114201", 0, "", "")
    assert lock_from_text(lock_to_text([entry])) == {"myapp/prod": entry}


# attack 11
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * (MAX_LOCK_BYTES + 1), "larger"),
        ("x = " + "[" * 10_000, "nests too deeply"),
        ("version = 1\n[[bundle]]\n", "'name' is missing or wrong|'version' is missing or wrong"),
        ("version = 1\nbundle = 3\n", "'bundle' is missing or wrong"),
    ],
)
def test_a_malformed_lock_is_wrong_configuration_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        lock_from_text(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["prod", "app/a; touch x;#", "App/prod", "app/prod/x", "a/\u00e9", "../prod", ""]
)
def test_a_name_that_is_none_is_refused_before_it_stands_in_a_hint(name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        lock_from_text(lock_to_text([LockEntry(name, "20260523-114201", 1, "a" * 16, "b" * 64)]))
