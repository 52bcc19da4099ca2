"""An env file taken apart and put together again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.formats.dotenv import MAX_ENV_BYTES, read_env
from vsync.formats.envtext import Document, is_env_path, parse, to_bytes

SAMPLE = """\
# the header

# about A
export A=1 # behind A
  B='two
# no comment
lines' # behind B

C="x # y"# behind C
D=#value
E=
G=a#b # c # d\t
# the footer
"""

PIECES = ("\n", "\r\n", "\r", " ", "\t", "\x0b", "\u2028", "#", "# c", "=", "A", "B=", "'", '"', "\\", "x y")
MORE = ("export ", "C='1'", 'D="\n"', "\ufeff", "é", "=======", "<<<<<<< yours")
pieces = st.sampled_from(PIECES + MORE)


def read(text: str) -> Document:
    document = parse(text.encode())
    assert document is not None, text
    return document


def test_each_part_is_where_it_belongs() -> None:
    found = read(SAMPLE)
    assert (found.header, found.footer) == (("# the header\n", "\n"), ("# the footer\n",))
    rows = [(one.name, one.value, one.code, one.comment) for one in found.variables]
    assert rows == [
        ("A", "1", "export A=1", " # behind A"),
        ("B", "two\n# no comment\nlines", "  B='two\n# no comment\nlines'", " # behind B"),
        ("C", "x # y", 'C="x # y"', "# behind C"),
        ("D", "#value", "D=#value", ""),
        ("E", "", "E=", ""),
        ("G", "a#b", "G=a#b", " # c # d\t"),
    ]
    assert [one.lead for one in found.variables] == [("# about A\n",), (), ("\n",), (), (), ()]


@given(st.lists(pieces, max_size=25).map("".join))
def test_whatever_parses_is_written_back_byte_for_byte(text: str) -> None:
    data = text.encode()
    found = parse(data)
    if found is not None:
        assert to_bytes(found) == data
        assert {one.name: one.value for one in found.variables} == read_env(data)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "A=1", "A=1\n", "A=1\n  ", "# only", "\ufeffA=1", "\n\nA='1\n2'"])
def test_ends_and_beginnings_survive(last: str, ending: str) -> None:
    text = last.replace("\n", ending)
    assert to_bytes(read(text)) == text.encode()
    assert text.count(ending) < 2 or read(text).newline == ending


NOT_ENV = [
    b"A=1\nA=2\n",
    b"A=\xff",
    b"B\nA=1\n",
    b"A:B=1\n",
    b"no assignment\n",
    b"A='open\n",
    b"\xef\xbb\xbf\xef\xbb\xbfA=1",
]


@pytest.mark.parametrize("data", [*NOT_ENV, b"#" * (MAX_ENV_BYTES + 1)], ids=range(8))
def test_what_cannot_be_merged_by_variable_is_no_document(data: bytes) -> None:
    assert parse(data) is None


def test_another_line_ending_leaves_values_alone() -> None:
    found = read("# c\nA='1\n2' # d\nB=3").with_newline("\r\n")
    assert to_bytes(found) == b"# c\r\nA='1\n2' # d\r\nB=3"
    assert found.newline == "\r\n"


PATHS = {
    **dict.fromkeys([".env", ".env.prod", "app.env", "a/b/.env.local", "X.ENV"], True),
    **dict.fromkeys([".env.example", ".env.dist", "a.env.sample", ".environment", "env", "b.pem"], False),
}


@pytest.mark.parametrize(("path", "is_env"), PATHS.items())
def test_an_env_file_is_known_by_its_name(path: str, is_env: bool) -> None:
    assert is_env_path(path) is is_env


def test_a_document_shows_no_value() -> None:
    assert "canary" not in repr(read("# canary\nA=canary # canary\n# canary"))
