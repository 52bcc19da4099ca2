"""Names and values in env files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.errors import IntegrityError
from vsync.formats.dotenv import MAX_ENV_BYTES, read_env, read_named, variable_names

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_characters="'\\\r"), max_size=30)


@given(st.dictionaries(names, values, max_size=5))
def test_quoted_values_are_read_as_written(env: dict[str, str]) -> None:
    text = "".join(f"{name}='{value}'\n" for name, value in env.items())
    assert read_env(text.encode()) == env
    assert variable_names(text.encode()) == tuple(sorted(env, key=str.encode))


def test_nothing_is_expanded_and_the_last_one_wins() -> None:
    data = b"\xef\xbb\xbf# note\nexport A=1\r\nB=${A}/$HOME # c\nA='x y'\n\nC\nD=\n"
    assert read_env(data) == {"A": "x y", "B": "${A}/$HOME", "C": None, "D": ""}
    assert read_named(data) == {"A": "x y", "B": "${A}/$HOME", "D": ""}


@pytest.mark.parametrize("line", ["C", "A-Ü=1", "1A=1", "A B=1", "'A B'=1", "q83vEjRWe==", "A" * 256 + "=1"])
def test_a_name_has_one_form_and_an_equals_sign_behind_it(line: str) -> None:
    assert variable_names(b"export A.b-C_1=2\n'B'=\n") == ("A.b-C_1", "B")
    with pytest.raises(IntegrityError, match="line 3 of"):
        variable_names(f"A=1\r\n\r\n{line}\r\n".encode())


# attack 56
@pytest.mark.parametrize("data", [b"A=1\nB='canary\n", b"A=1\n=canary\n", b"A=1\n'canary\n"])
def test_a_line_that_is_no_assignment_is_named_by_number_only(data: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_env(data)
    assert "line 2 " in str(caught.value)
    assert "canary" not in str(caught.value)


def test_what_is_not_utf_8_or_too_large_is_refused_without_showing_it() -> None:
    with pytest.raises(IntegrityError) as caught:
        read_env(b"A=canary\xff")
    assert caught.value.__cause__ is None
    with pytest.raises(IntegrityError, match="larger"):
        read_env(bytes(MAX_ENV_BYTES + 1))
