"""Rules about two sides: what is added, removed, changed; no file, no store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.drift import Differences, Edits, Holding, MissingNames, compare, differences, missing_names

names = st.text("ABC", min_size=1, max_size=2)
holdings = st.builds(
    Holding,
    st.dictionaries(names, st.one_of(st.none(), st.text("xy", max_size=2)), max_size=4),
    st.dictionaries(names, st.sampled_from(["1", "2"]), max_size=4),
    st.sampled_from([{}, {".env": "1"}, {".env": "2"}]),
)


def test_what_ours_has_is_added() -> None:
    assert compare({"A": 1, "B": 2}, {"B": 3, "C": 4}) == Edits(("A",), ("C",), ("B",))


def turned(edits: Edits) -> Edits:
    return Edits(edits.removed, edits.added, edits.changed)


@given(holdings, holdings)
def test_seen_from_the_other_side_added_is_removed(one: Holding, two: Holding) -> None:
    there, back = differences(one, two), differences(two, one)
    assert back == Differences(turned(there.variables), turned(there.files), turned(there.layout))
    assert len(there) == len(back) == len(there.lines())


@given(holdings)
def test_nothing_differs_from_itself(one: Holding) -> None:
    assert not differences(one, one)


@given(holdings, holdings)
def test_no_difference_means_the_same(one: Holding, two: Holding) -> None:
    if not differences(one, two):
        assert one == two


@given(holdings, holdings)
def test_names_alone_never_count_as_changed(one: Holding, two: Holding) -> None:
    whole, bare = differences(one, two), differences(one.names_only(), two.names_only())
    assert bare.variables == Edits(whole.variables.added, whole.variables.removed)
    assert bare.files == Edits(whole.files.added, whole.files.removed)
    assert not bare.layout


def test_the_env_file_itself_counts_only_where_no_variable_differs() -> None:
    one, two = Holding({"A": "1"}, {}, {".env": "x"}), Holding({"A": "1"}, {}, {".env": "y"})
    assert differences(one, two).lines() == ("~ .env (file; no variable differs)",)
    assert differences(one, Holding({"A": "2"}, {}, {".env": "y"})).lines() == ("~ A",)
    assert not differences(one, Holding({"A": "1"}, {}, None))


def test_what_one_side_says_nothing_about_is_not_compared() -> None:
    assert not differences(Holding({"A": "1"}, {"key.pem": "x"}), Holding({"A": "1"}))


def test_lines_are_marked_as_git_marks_them() -> None:
    one = Holding({"B": None, "A": "1"}, {"new.pem": "x", "run.sh": "x"})
    two = Holding({"B": "", "C": "1"}, {"old.pem": "x", "run.sh": "y"})
    expected = ("+ A", "- C", "~ B", "+ new.pem (file)", "- old.pem (file)", "~ run.sh (file)")
    assert differences(one, two).lines() == expected


@given(holdings)
def test_a_side_shows_itself_without_values(one: Holding) -> None:
    canary = Holding({"A": "canary"}, one.files, one.layout)
    assert "canary" not in f"{canary!r} {differences(canary, one)!r}"  # attack 53


@pytest.mark.parametrize(
    ("bundle", "template", "required", "expected"),
    [
        (["B", "A"], ["A", "D"], ["C", "A"], MissingNames(("C", "D"), ("B",))),
        (["A"], None, [], MissingNames()),
        (["A"], None, ["Z"], MissingNames(("Z",))),
        (["A"], [], [], MissingNames((), ("A",))),
    ],
)
def test_missing_names_go_both_ways(
    bundle: list[str], template: list[str] | None, required: list[str], expected: MissingNames
) -> None:
    found = missing_names(bundle, template=template, required=required)
    assert (found, bool(found)) == (expected, expected != MissingNames())
