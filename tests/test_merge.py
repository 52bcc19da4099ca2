"""Three-way merging, the rules alone: tables, and what holds for whatever is merged."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vsync.formats.conflict import aside_path, is_aside, marked, marked_names
from vsync.formats.content import FileState
from vsync.formats.envtext import Document, parse
from vsync.merge import Change, Clash, MergedEnv, Take, judge, merge_env, merge_folders, merge_lines

VERSION = "20260523-120001"
MARKED = re.compile(r"<{7} yours\r?\n.*?>{7} remote [0-9-]{15}\r?\n?", re.DOTALL)


def merged(base: str, yours: str, theirs: str) -> MergedEnv:
    found = merge_env(".env", base.encode(), yours.encode(), theirs.encode(), version=VERSION)
    assert found is not None
    return found


def text(base: str, yours: str, theirs: str) -> str:
    return merged(base, yours, theirs).data.decode()


BASE = "# head\n\n# one\nA=1\nB=2 # two\n\nC=3\n# foot\n"
TABLE = {
    "each changed another variable": ("A=1\nB=2\n", "A=9\nB=2\n", "A=1\nB=8\n", "A=9\nB=8\n"),
    "both changed it alike": ("A=1\n", "A=2\n", "A=2\nB=1\n", "A=2\nB=1\n"),
    "theirs is added after what it follows": (
        "A=1\nB=2\n",
        "B=2\nA=0\n",
        "A=1\nX=5\nB=2\n",
        "B=2\nA=0\nX=5\n",
    ),
    "theirs comes first where it is first": ("A=1\n", "A=2\n", "X=5\nY=6\nA=1\n", "X=5\nY=6\nA=2\n"),
    "both added at one place": ("A=1\n", "A=1\nM=1\n", "A=1\nX=5\nY=6\n", "A=1\nX=5\nY=6\nM=1\n"),
    "removed there, untouched here": (BASE, f"{BASE}D=4\n", BASE.replace("C=3\n", ""), None),
    "removed here, untouched there": ("A=1\nB=2\n", "A=1\n", "A=3\nB=2\n", "A=3\n"),
    "a comment goes with its variable": ("# a\nA=1\nB=2\n", "# a\nA=1\nB=3\n", "B=2\n", "B=3\n"),
    "both changed the comment above": ("# a\nA=1\n", "# b\nA=1\n", "# c\nA=1\n", "# b\n# c\nA=1\n"),
    "both changed the comment behind": ("A=1 # a\n", "A=1 # b\n", "A=1 # c\n", "# c\nA=1 # b\n"),
    "a value here, a comment there": ("A=1 # a\n", "A=2 # a\n", "# n\nA=1 # b\n", "# n\nA=2 # b\n"),
    "a comment here, a value there": ("A=1\n", "A=1 # b\n", "A=2\n", "A=2 # b\n"),
    "quotes are no other value": ("A=1\n", "A='1'\n", "A=2\n", "A=2\n"),
    "both rewrote one value": ("A=1\n", "A='1'\n", 'A="1"\nB=1\n', "A='1'\nB=1\n"),
    "behind another value it would be none": ('A="1"\n', "A=2\n", 'A="1"# c\n', "# c\nA=2\n"),
    "there, too": ('A="1"\n', 'A="1"# c\n', "A=2\n", "# c\nA=2\n"),
    "a third one": ('A="1"\n', 'A="1"# c\n', "A=2 # d\n", "# c\nA=2 # d\n"),
    "both added it in other words": ("", "A=1\n", "A='1'\nB=1\n", "A=1\nB=1\n"),
    "both added it alike": ("", "# y\nA=1\n", "# t\nA=1\n", "# y\n# t\nA=1\n"),
    "the header": ("# h\n\nA=1\nB=1\n", "# i\n\nA=1\nB=1\n", "# h\n\nA=1\nB=2\n", "# i\n\nA=1\nB=2\n"),
    "the footer": ("A=1\n", "A=1\n# y\n", "A=1\n# t\n", "A=1\n# y\n# t\n"),
    "no final newline here": ("A=1", "A=1\nB=2", "A=1\nX=5", "A=1\nX=5\nB=2"),
    "a final newline there": ("A=1", "A=2", "A=1\n", "A=2\n"),
    "CRLF here": ("A=1\nB=1\n", "A=1\r\nB=1\r\n", "A=1\nX=5\nB=1\n", "A=1\r\nX=5\r\nB=1\r\n"),
    "CRLF there": ("A=1\nB=1\n", "A=2\nB=1\n", "A=1\r\nB=1\r\n", "A=2\r\nB=1\r\n"),
    "CRLF in all": ("A=1\r\nB=1", "A=2\r\nB=1", "A=1\r\nB=2", "A=2\r\nB=2"),
    "a byte order mark": ("A=1\n", "\ufeffA=1\n", "A=2\n", "\ufeffA=2\n"),
    "several lines": ("A='1\n2'\nB=1\n", "A='1\n3'\nB=1\n", "A='1\n2'\nB='5\n6'\n", "A='1\n3'\nB='5\n6'\n"),
}


@pytest.mark.parametrize(("base", "yours", "theirs", "expected"), TABLE.values(), ids=TABLE)
def test_what_does_not_clash_comes_together(base: str, yours: str, theirs: str, expected: str | None) -> None:
    found = merged(base, yours, theirs)
    wanted = "# head\n\n# one\nA=1\nB=2 # two\n# foot\nD=4\n" if expected is None else expected
    assert (found.data.decode(), found.clashes) == (wanted, ())


CLASHES = {
    "both changed it": ("A=1\n", "A=2\n", "A=3\n", ("A=2\n", "A=3\n", "changed", "changed")),
    "both added it": ("", "A=2\n", "A=3 # c\n", ("A=2\n", "A=3 # c\n", "changed", "changed")),
    "changed here": ("A=1\n", "A=2\n", "", ("A=2\n", "", "changed", "removed")),
    "changed there": ("A=1\n", "", "A=3\n", ("", "A=3\n", "removed", "changed")),
    "an empty one": ("A=1\n", "A=\n", "A=3\n", ("A=\n", "A=3\n", "changed", "changed")),
}


@pytest.mark.parametrize(("base", "yours", "theirs", "expected"), CLASHES.values(), ids=CLASHES)
def test_what_clashes_stands_between_marks(
    base: str, yours: str, theirs: str, expected: tuple[str, str, str, str]
) -> None:
    mine, other, was_mine, was_other = expected
    found = merged(f"# c\n{base}B=1\n", f"# c\n{yours}B=1\nY=1\n", f"# c\n{theirs}B=1\n")
    marks = f"<<<<<<< yours\n{mine}=======\n{other}>>>>>>> remote {VERSION}\n"
    assert found.clashes == (Clash(".env", "A", was_mine, was_other),)
    assert marks in found.data.decode()
    assert parse(found.data) is None
    assert MARKED.sub("", found.data.decode()).endswith("B=1\nY=1\n")
    assert marked_names(found.data) == ("A",)


def test_a_clash_keeps_the_line_endings_of_its_file() -> None:
    data = text("A=1\r\nB=1\r\n", "A=2\r\nB=1\r\n", "A=3\r\nB=1\r\n")
    assert data.startswith("<<<<<<< yours\r\nA=2\r\n=======\r\nA=3\r\n>>>>>>> remote ")
    assert marked_names(data.encode()) == ("A",)


def test_what_came_from_there_is_named() -> None:
    found = merged("A=1\nB=1\nC=1\nD=1\n", "A=1\nB=1\nC=2\nD=2\n", "A=5\nC=1\nD=3\nX=1\n")
    assert found.changes == (Change("+", ".env", "X"), Change("-", ".env", "B"), Change("~", ".env", "A"))
    assert [one.variable for one in found.clashes] == ["D"]
    whole = merged("A=1\n", "A=1\n", "A=2\n")
    assert whole.changes == (Change("~", ".env", "A"),)


@pytest.mark.parametrize("spoiled", range(3))
@pytest.mark.parametrize("bad", [b"A=1\nA=2\n", b"A=\xff\n", b"no assignment\n"])
def test_a_side_that_is_no_env_file_is_not_merged_by_variable(spoiled: int, bad: bytes) -> None:
    sides = [b"A=1\n", b"A=2\n", b"A=1\nB=1\n"]
    sides[spoiled] = bad
    assert merge_env(".env", *sides, version=VERSION) is None


def test_nothing_that_is_handed_about_shows_a_value() -> None:
    found = merged("A=1\n", "# canary\nA=canary\n", "A=canary3 # canary\n")
    assert found.clashes
    assert "canary" not in repr(found)


ORPHANS = {
    "above the next": ("A=1\nB=1\nC=1\n", "A=1\n# b\nB=1\nC=1\n", "A=1\nC=1\n", "A=1\n# b\nC=1\n"),
    "at the end": ("O=1\nL=1\n", "#O=1\nL=1\n", "O=1\n", "#O=1\n"),
    "theirs": ("A=1\nB=1\nC=1\n", "A=1\nC=1\n", "A=1\n# b\nB=1\nC=1\n", "A=1\n# b\nC=1\n"),
    "known ones go": ("# b\nB=1\nC=1\n", "# b\nB=1\nC=1\nD=1\n", "C=1\n", "C=1\nD=1\n"),
    "both say it once": ("A=1\nB=1\n", "A=1\n# n\nB=1\n", "# n\nA=1\n", "# n\nA=1\n"),
}


@pytest.mark.parametrize(("base", "yours", "theirs", "expected"), ORPHANS.values(), ids=ORPHANS)
def test_a_new_comment_outlives_the_variable_below_it(
    base: str, yours: str, theirs: str, expected: str
) -> None:
    assert text(base, yours, theirs) == expected


def test_twenty_thousand_variables_are_parsed_and_written_a_bounded_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    newline: property = vars(Document)["newline"]

    def counted(document: Document) -> str:
        asked.append(1)
        return str(newline.__get__(document))

    monkeypatch.setattr(Document, "newline", property(counted))
    names = [f"N{number}" for number in range(20_000)]
    base = "".join(f"{name}=1\n" for name in names)
    found = merged(base, base.replace("N7=1", "N7=2"), f"# c\n{base}X=1\n")
    assert (found.data.decode().count("\n"), len(found.clashes)) == (20_002, 0)
    assert len(asked) < 10


# Properties


@dataclass(frozen=True)
class Drawn:
    base: str
    yours: str
    theirs: str


leads = st.lists(st.sampled_from(["", "# p", "# q", "# r"]), max_size=2)
values = st.sampled_from(["1", "2", "3", "'2'", '"a\nb"', "", "2 # k", "2 # l", "1 # k", "'2'# m", '"1"# k'])


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = draw(leads)
    for name in draw(st.lists(st.sampled_from("ABCDE"), unique=True, max_size=5)):
        lines += [*draw(leads), f"{draw(st.sampled_from(['', 'export ']))}{name}={draw(values)}"]
    lines += draw(leads)
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    body = newline.join(lines)
    return body + draw(st.sampled_from(["", newline]))


drawn = st.builds(Drawn, documents(), documents(), documents())


def read(data: str | bytes) -> Document:
    found = parse(data if isinstance(data, bytes) else data.encode())
    assert found is not None
    return found


def table(document: Document) -> dict[str, str | None]:
    return {one.name: one.value for one in document.variables}


def notes(document: Document) -> set[str]:
    """Return every comment of a file, wherever it stands."""
    lines = [*document.header, *document.footer]
    for one in document.variables:
        lines += [*one.lead, one.comment]
    return {line.strip() for line in lines} - {""}


def rest(found: MergedEnv) -> Document:
    """Return what was merged without what clashes."""
    return read(MARKED.sub("", found.data.decode()))


@given(drawn)
def test_merging_is_symmetric_up_to_order(each: Drawn) -> None:
    one, two = merged(each.base, each.yours, each.theirs), merged(each.base, each.theirs, each.yours)
    assert table(rest(one)) == table(rest(two))
    assert notes(rest(one)) == notes(rest(two))
    swapped = {(clash.variable, clash.theirs, clash.yours) for clash in two.clashes}
    assert {(clash.variable, clash.yours, clash.theirs) for clash in one.clashes} == swapped


@given(drawn)
def test_nobodys_change_is_lost(each: Drawn) -> None:
    found = merged(each.base, each.yours, each.theirs)
    base, yours, theirs = (table(read(side)) for side in (each.base, each.yours, each.theirs))
    clashing = {clash.variable for clash in found.clashes}
    expected = {}
    for name in base | yours | theirs:
        was, mine, other = (side.get(name, "gone") for side in (base, yours, theirs))
        assert (name in clashing) == (len({was, mine, other}) == 3)
        if name not in clashing:
            expected[name] = other if mine == was else mine
    assert table(rest(found)) == {name: value for name, value in expected.items() if value != "gone"}


@given(drawn)
def test_a_new_comment_survives_unless_its_variable_went(each: Drawn) -> None:
    found = merged(each.base, each.yours, each.theirs)
    kept = notes(rest(found)) | set(re.findall(r"#.*", found.data.decode()))
    for side in (read(each.yours), read(each.theirs)):
        for one in side.variables:
            before = next((each_ for each_ in read(each.base).variables if each_.name == one.name), None)
            there = one.name in table(rest(found))
            new = {line.strip() for line in (*one.lead, one.comment)} - {""}
            old = {line.strip() for line in (*before.lead, before.comment)} if before else set()
            assert not there or (new - old) <= kept


@given(documents(), documents())
def test_merging_with_an_unchanged_side_is_the_other_side(base: str, side: str) -> None:
    assert text(base, side, base) == side
    assert text(base, base, side) == side
    assert text(base, side, side) == side


@given(drawn)
def test_both_candidates_of_a_clash_are_kept_as_written(each: Drawn) -> None:
    found = merged(each.base, each.yours, each.theirs)
    assume(found.clashes)
    data = found.data.decode().replace("\r\n", "\n")
    for side in (each.yours, each.theirs):
        for one in read(side).variables:
            if one.name in {clash.variable for clash in found.clashes}:
                assert f"{one.code}{one.comment}\n" in f"{data}\n"
    assert set(marked_names(found.data)) == {clash.variable for clash in found.clashes}


lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=4).map(tuple)


@given(lines, lines, lines)
def test_comments_are_merged_line_by_line(
    base: tuple[str, ...], yours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    found = set(merge_lines(base, yours, theirs)) - {"\n"}
    one, two, three = set(yours), set(theirs), set(base)
    assert found == ((one & two) | (one - three) | (two - three)) - {"\n"}


# Files


def state(content: str | None, *, executable: bool = False) -> FileState | None:
    return None if content is None else FileState("f", executable, content)


VERDICTS = [
    (("1", "1", "2"), Take.THEIRS),
    (("1", "2", "1"), Take.YOURS),
    (("1", "2", "2"), Take.YOURS),
    (("1", "2", "3"), Take.BOTH),
    ((None, "2", "3"), Take.BOTH),
    ((None, "2", "2"), Take.YOURS),
    ((None, "2", None), Take.YOURS),
    ((None, None, "3"), Take.THEIRS),
    (("1", None, "1"), Take.NOTHING),
    (("1", "1", None), Take.NOTHING),
    (("1", None, None), Take.NOTHING),
    (("1", "2", None), Take.YOURS_ASIDE),
    (("1", None, "3"), Take.THEIRS_ASIDE),
]


@pytest.mark.parametrize(("contents", "take"), VERDICTS)
def test_a_file_is_taken_from_who_changed_it(contents: tuple[str | None, ...], take: Take) -> None:
    base, yours, theirs = map(state, contents)
    assert judge("f", base, yours, theirs).take is take


BITS = [("---", False), ("-x-", True), ("--x", True), ("x-x", False), ("xx-", False), ("-xx", True)]


@pytest.mark.parametrize(("bits", "executable"), BITS)
def test_who_changed_the_mode_wins(bits: str, executable: bool) -> None:
    base, yours, theirs = (state("1", executable=bit == "x") for bit in bits)
    assert judge("f", base, yours, theirs).executable is executable
    edited = judge("f", base, state("2", executable=bits[1] == "x"), theirs)
    assert (edited.take, edited.executable) == (Take.YOURS, executable)


def test_a_mode_that_changed_is_a_change() -> None:
    assert judge("f", state("1"), None, state("1", executable=True)).take is Take.THEIRS_ASIDE
    both = judge("f", None, state("1", executable=True), state("1"))
    assert (both.take, both.executable) == (Take.YOURS, True)


def test_a_folder_that_somebody_removed_goes_and_one_that_somebody_made_stays() -> None:
    assert merge_folders({"a", "b", "c"}, {"a", "b", "m"}, {"b", "c", "t"}) == {"b", "m", "t"}


# What is left to decide


def test_a_file_that_was_set_aside_is_known_by_its_name() -> None:
    assert aside_path("keys/a.pem", VERSION) == f"keys/a.pem.conflict-{VERSION}"
    assert is_aside(f"keys/a.pem.conflict-{VERSION}")
    for name in ("b/x.conflict-20260523-120001~", "X.CONFLICT-20260523-120001.bak"):
        assert is_aside(name)
    assert not is_aside("a.conflict-2026")
    assert not is_aside("a.conflict-20260523-120001/b")


MARKS = [
    (b"A=1\n=======\nB='<<<<<<< yours and more'\n", ()),
    (marked("export A=1\n", "A=2\n", version=VERSION, newline="\n").encode(), ("A",)),
    (b"X=1\n" + marked("", "B=2\n", version=VERSION, newline="\r\n").encode(), ("B",)),
    (b"A=1\r<<<<<<< yours\rB=2", ("line 2",)),
    (b"A=1\n<<<<<<<\nB=2\n", ("line 2",)),
    (b"A=1\n>>>>>>> theirs\nB=2\n", ("line 2",)),
    (b"\xef\xbb\xbf<<<<<<< yours\nA=1\n", ("line 1",)),
    (b"A=1\n#<<<<<<< yours\n# >>>>>>> x\n", ("line 2",)),
    (b"  <<<<<<< yours\n\tA=1\n  =======\n A=2\n\t>>>>>>>\n", ("line 1",)),
    (b"<<<<<<<< eight\n#>>>>>>>>\nA=<<<<<<< x\n", ()),
    (b"A=1\r\nB=1\r\n>>>>>>> remote 20260523-120001", ("line 3",)),
    (b"<<<<<<< yours\nA=1\n<<<<<<< yours\nB=1\n>>>>>>> remote 20260523-120001\n", ("line 1", "B")),
    (b"<<<<<<< yours\nA=\xff\n=======\ncanary\n>>>>>>> remote 20260523-120001 \nC=1\n", ("A",)),
    (b"<<<<<<< yours\nA='x\ncanary=y\n=======\nA=1\n>>>>>>> remote 20260523-120001\n", ("line 1",)),
]


@pytest.mark.parametrize(("data", "names"), MARKS, ids=range(len(MARKS)))
def test_marks_that_are_left_name_their_variables_and_never_a_value(
    data: bytes, names: tuple[str, ...]
) -> None:
    assert marked_names(data) == names  # attack 56


MIRROR = {
    Take.YOURS: Take.THEIRS,
    Take.THEIRS: Take.YOURS,
    Take.YOURS_ASIDE: Take.THEIRS_ASIDE,
    Take.THEIRS_ASIDE: Take.YOURS_ASIDE,
}
states = st.none() | st.builds(FileState, st.just("f"), st.booleans(), st.sampled_from("12"))


@given(states, states, states)
def test_files_are_judged_alike_from_both_sides(
    base: FileState | None, yours: FileState | None, theirs: FileState | None
) -> None:
    one, two = judge("f", base, yours, theirs), judge("f", base, theirs, yours)
    assert one.executable == two.executable
    if yours is None or theirs is None or yours.sha256 != theirs.sha256:
        assert MIRROR.get(one.take, one.take) is two.take
    else:
        assert one.take is two.take is Take.YOURS
