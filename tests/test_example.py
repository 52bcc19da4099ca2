"""Templates as text: edited by names, everything else stays byte for byte, and no value comes in."""

import io

import pytest
from dotenv.parser import parse_stream
from hypothesis import example, given
from hypothesis import strategies as st

from vsync.errors import IntegrityError
from vsync.formats.dotenv import read_named
from vsync.formats.example import Edited, Given, edit

CANARY = "canary-value-that-nobody-may-see"


def text_of(before: str, *names: str, texts: dict[str, str] | None = None) -> str:
    return edit(before, names, Given(texts or {})).text


TABLE = [
    ("", ("A", "B"), "A=\nB=\n"),
    ("A=\nB=\n", ("A", "B"), "A=\nB=\n"),
    # new names stand behind the one before them, then before the one after them, else at the end
    ("A=\nC=\n", ("A", "B", "C"), "A=\nB=\nC=\n"),
    ("C=\nA=\n", ("A", "B", "C"), "C=\nA=\nB=\n"),
    ("# head\n\n# about b\n# more\nB=\n", ("A", "B"), "# head\n\nA=\n# about b\n# more\nB=\n"),
    ("# head\n", ("A",), "# head\nA=\n"),
    ("X=\n", ("A", "B"), "A=\nB=\n"),
    ("A=\n\n# b\nB=1\nA=2\n", ("A", "N", "B"), "A=\n\n# b\nB=1\nA=2\nN=\n"),
    # what is gone takes its line along, and nothing else
    ("# a\nA=1\n\n# b\nB=2 # c\n", ("B",), "# a\n\n# b\nB=2 # c\n"),
    ("\n\nA=\n\n\nB=\n", ("B",), "\n\n\n\nB=\n"),
    # comments, spelling, order, line ends and a missing last one stay
    ("export B = 'x' # note\r\n#A=1\r\n", ("B", "N"), "export B = 'x' # note\r\nN=\r\n#A=1\r\n"),
    ("B=", ("B", "A"), "B=\nA=\n"),
    ("B=1", ("B",), "B=1"),
    ("\ufeffB=1\n", ("A", "B"), "\ufeffA=\nB=1\n"),
    ("A='x\ny'\nB=\n", ("A", "N", "B"), "A='x\ny'\nN=\nB=\n"),
    ("  A=1\n\tB=2\n", ("A", "B"), "  A=1\n\tB=2\n"),
]


@pytest.mark.parametrize(("before", "names", "after"), TABLE)
def test_a_template_is_edited_by_names(before: str, names: tuple[str, ...], after: str) -> None:
    assert text_of(before, *names) == after
    assert edit(after, names, Given()) == Edited(after)


def test_what_was_added_and_removed_is_said_once_each() -> None:
    found = edit("X=1\nB=\nX=2\n", ("A", "B"), Given())
    assert (found.added, found.removed, found.emptied, found.held) == (("A",), ("X",), (), ())


HELD = [
    (f"A={CANARY}\n", "A=\n"),
    (f"export A = '{CANARY}' # old\r\n", "export A =\r\n"),
    (f"A=x{CANARY}x", "A="),
    (f'A="c\\"{CANARY}"\n', "A=\n"),
    (f"A=1 # was {CANARY}\n", "A=\n"),
]


@pytest.mark.parametrize(("before", "after"), HELD)
def test_an_assignment_that_holds_a_value_is_emptied(before: str, after: str) -> None:
    found = edit(before, ("A",), Given({CANARY: "TOKEN"}))
    assert (found.text, found.emptied) == (after, ("A",))
    assert edit(after, ("A",), Given({CANARY: "TOKEN"})) == Edited(after)


def test_an_escaped_value_is_found_by_what_a_program_gets() -> None:
    assert text_of('A="two\\nlines\\twith a tab"\n', "A", texts={"lines\twith a tab": "T"}) == "A=\n"


def test_a_comment_that_holds_a_value_is_removed_and_named_by_its_line() -> None:
    found = edit(f"# fine\n\nA=1\n#TOKEN={CANARY}\n# fine, too\n", ("A",), Given({CANARY: "TOKEN"}))
    assert found.text == "# fine\n\nA=1\n# fine, too\n"
    assert found.held == ((4, "TOKEN"),)


def test_a_name_is_no_value() -> None:
    assert edit("DATABASE_URL=\n", ("DATABASE_URL",), Given({"DATABASE_URL": "X"})) == Edited(
        "DATABASE_URL=\n"
    )


def test_a_line_without_an_equals_sign_is_no_name_and_stays() -> None:
    text = "node_modules\n!keep\n.env\nB\n"
    assert edit(text, ("A",), Given()) == Edited(f"{text}A=\n", added=("A",))


def test_a_line_that_is_no_assignment_is_named_by_its_number_only() -> None:
    with pytest.raises(IntegrityError, match="line 2 ") as caught:
        edit(f"A=1\n'{CANARY}\n", ("A",), Given())
    assert CANARY not in str(caught.value)  # attack 56


names = st.lists(st.from_regex(r"[A-C][A-C_]{0,2}", fullmatch=True), max_size=6, unique=True)
lines = st.sampled_from(
    ["", "# c", "  ", "A=1", "export B='x y' # z", "C", 'CA="a\\nb"', "AB='l1\nl2'", "#X=1", "\tBC=2", "B=3"]
)
files = st.builds(
    lambda parts, end, last: end.join(parts) + (end if last else ""),
    st.lists(lines, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)


@given(files, names)
def test_the_edited_template_has_exactly_the_names_and_editing_it_again_changes_nothing(
    before: str, wanted: list[str]
) -> None:
    found = edit(before, wanted, Given())
    assert set(read_named(found.text.encode())) == set(wanted)
    assert edit(found.text, wanted, Given()) == Edited(found.text)


@given(files, names)
def test_what_stays_stays_as_it_is_and_in_its_order(before: str, wanted: list[str]) -> None:
    after = edit(before, wanted, Given()).text
    kept = [one for one in parse_stream(io.StringIO(before)) if one.key is None or one.key in wanted]
    rest = iter(parse_stream(io.StringIO(after)))
    for one in kept:
        if one.original.string.strip():
            assert any(one.original.string.strip() == other.original.string.strip() for other in rest)


@given(names)
def test_names_of_a_new_template_keep_the_order_of_the_vault(wanted: list[str]) -> None:
    assert list(read_named(edit("", wanted, Given()).text.encode())) == wanted


values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=8, max_size=20)


@given(files, st.dictionaries(st.sampled_from("ABC"), values, min_size=1), st.booleans(), st.booleans())
@example("", {"A": "B=\nC=\nAB=B="}, True, True)
def test_a_template_never_holds_a_value_of_the_vault(
    before: str, env: dict[str, str], assigned: bool, commented: bool
) -> None:
    leaks = [f"# {value}" for value in env.values() if commented]
    leaks += [f"{name}='{value}'" for name, value in env.items() if assigned and not {"'", "\\"} & set(value)]
    start = "\n".join([before, *leaks]) if before or leaks else ""
    texts = {value.strip(): name for name, value in env.items() if value.strip()}
    after = edit(start, tuple(env), Given(texts)).text
    found = edit(after, tuple(env), Given(texts))
    assert found.text == after
    for one in parse_stream(io.StringIO(after)):
        shown = one.original.string.replace(one.key or "", "", 1)
        assert not any(value in shown or value in (one.value or "") for value in texts)


REPEATED = {
    "its own, however short": ("A=7\nB=7\n", "A=\nB=7\n"),
    "the first of two": ("A=old\n", "A=\n"),
    "a sentence is none": ("# A=8\n# for A=7 see docs\n", "# A=8\n# for A=7 see docs\nA=\n"),
    "commented out": ("#A=7\n# export A='old' # c\nA=\n", "A=\n"),
    "of another": ("# X=short\n#X=true\nA=\n", "#X=true\nA=\n"),
}


@pytest.mark.parametrize(("before", "after"), REPEATED.values(), ids=REPEATED)
def test_a_value_of_the_same_name_never_stays(before: str, after: str) -> None:
    given = Given(
        values={"A": frozenset({"7", "old"}), "C": frozenset({"short", "true"})}, kept=frozenset("B")
    )
    assert edit(before, ("A",), given).text == after
