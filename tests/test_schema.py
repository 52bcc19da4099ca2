"""Rules about variables: what breaks them is named, and never shown."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.drift import MissingNames, missing_names
from vsync.errors import ConfigError
from vsync.model import Kind, Rule
from vsync.patterns import MAX_PATTERN, MAX_VALUE, TOTAL_SECONDS, compiled
from vsync.schema import required_names, violations

CANARY = "canary value that nobody may see"
GOOD = {
    Kind.URL: (
        *("https://example.com", "postgres://u:p@db:5432/x?y#z", "file:///var/x", "redis://[::1]:6379/0"),
        *("unix:/run/x.sock", "mongodb://a:1,b:2/db", "HTTP://u:p#w@h/", "sqlite:////abs/x.db"),
    ),
    Kind.INT: ("0", "-1", "+12", "007", "9" * 40),
    Kind.BOOL: ("true", "FALSE", "1", "0", "Yes", "no", "ON", "off"),
    Kind.PORT: ("1", "80", "65535"),
    Kind.EMAIL: ("a@b.example", "first.last+tag@sub.b.example", "root@localhost", "ü@bücher.example"),
}
BAD = {
    Kind.URL: (
        *("example.com", "http://", "http:///x", "http://:80/", "mailto:a@b.c", "//host/x", "http://a b"),
        *("http://h\n", "1http://h", "x", "http://u@/"),
    ),
    Kind.INT: ("", "1.5", "1e3", "0x10", "١", "1 ", "--1", "9" * 5000),  # noqa: RUF001
    Kind.BOOL: ("truee", "2", "y", " true"),
    Kind.PORT: ("0", "65536", "080", "-1", "٨٠", "80 ", "99999999999"),
    Kind.EMAIL: (
        "a",
        "a@",
        "@b",
        "a b@c.d",
        "a@b@c",
        "a@-b.c",
        "a@b..c",
        "A <a@b.c>",
        "a@b.c\n",
        "a" * 65 + "@b.c",
    ),
}


def problem(rule: Rule, value: str | None) -> str | None:
    found = violations((rule,), {"A": value})
    assert all(one.variable == "A" for one in found)
    return found[0].problem if found else None


def matched(pattern: str, value: str) -> str | None:
    return problem(Rule("A", Kind.REGEX, pattern=pattern), value)


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values]
)
def test_a_value_that_is_of_its_type(kind: Kind, value: str) -> None:
    assert problem(Rule("A", kind), value) is None


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values if value]
)
def test_a_value_that_is_not_of_its_type(kind: Kind, value: str) -> None:
    assert "is not" in (problem(Rule("A", kind), value) or "")


def test_every_kind_but_the_pattern_has_examples() -> None:
    assert set(GOOD) == set(BAD) == set(Kind) - {Kind.REGEX}


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_value_counts_as_not_set(value: str | None) -> None:
    for kind in set(Kind) - {Kind.REGEX}:
        assert problem(Rule("A", kind, allowed=("x",)), value) is None
    assert problem(Rule("A", required=True), value) == "is required and has no value"


def test_what_is_required_and_missing_is_said() -> None:
    [found] = violations((Rule("A", required=True), Rule("B")), {})
    assert (found.variable, found.problem) == ("A", "is required and is missing")


def test_the_allowed_values_are_shown_and_the_one_that_is_not_is_not() -> None:
    assert problem(Rule("A", allowed=("debug", "info")), "info") is None
    assert problem(Rule("A", allowed=("debug", "info")), CANARY) == "is not one of: debug, info"
    many = problem(Rule("A", allowed=tuple(map(str, range(500)))), CANARY) or ""
    assert many.endswith("and 490 more")
    assert len(problem(Rule("A", allowed=("x" * 10_000,)), CANARY) or "") < 200


def test_a_rule_holds_in_the_environments_it_names() -> None:
    schema = (Rule("A", Kind.INT, required=True, environments=("prod",)),)
    assert not violations(schema, {"A": "x"}, environment="dev")
    assert not violations(schema, {"A": "x"})
    assert violations(schema, {"A": "x"}, environment="prod")
    assert required_names(schema, environment="prod") == ("A",)
    assert required_names(schema, environment="dev") == ()


def test_a_pattern_must_match_the_whole_value() -> None:
    assert matched("[a-z]+", "abc") is None
    assert matched("[a-z]+", "abc1") == "does not match its pattern"
    assert matched("(?i)AKIA[a-z0-9]{16}", "akia" + "0" * 16) is None
    assert matched(r"(?P<x>\d{4})-(?:[0-9a-f]{8}|\{\}|[]{}(?]+)", "2026-]{}(?") is None
    assert matched(r"(?=a)(?!b)(?<=)(?<!x)\p{Ll}+", "ab") is None


HOSTILE = [r"(a+)+b", r"(a|a)*b", r"(.*)*(.*)*(.*)*b", r"((((a*)*)*)*)*b", r"(a?){60}a{60}b", r"(a|aa)+$b"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_pattern_that_takes_for_ever_is_stopped(pattern: str) -> None:
    began = time.monotonic()  # attack 84
    assert matched(pattern, "a" * MAX_VALUE)
    assert time.monotonic() - began < 3


def test_a_thousand_patterns_that_take_for_ever_are_stopped_together() -> None:
    schema = tuple(Rule(f"A{number}", Kind.REGEX, pattern="((a+)+)+b") for number in range(1000))
    began = time.monotonic()  # attack 84
    found = violations(schema, {rule.variable: "a" * 5000 for rule in schema})
    assert time.monotonic() - began < TOTAL_SECONDS + 3
    assert {one.problem for one in found} == {"could not be judged by its pattern in time"}


def test_a_value_too_long_for_patterns_is_not_held_against_one() -> None:
    assert "could not be judged" in (matched("a*", "a" * (MAX_VALUE + 1)) or "")


REFUSED = [
    *("(", ")", "[", "a)(", "*", "a**", "(?R)", "(?1)", "(a)(?&x)", "(?:foo){e<=2}", r"\L<x>", "(?P>x)"),
    *("(?:a?){4294967294}b", "(?:(?:a?){900}){900}", "(?>a)", "(?(1)a|b)", "(?V1)a", "(?s)a", r"a\\" + "\\"),
    *("(" * 400 + ")" * 400, "a" * (MAX_PATTERN + 1), "a{2,1}", "[z-a]", "(?P<a>x)(?P<a>"),
]


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_is_no_pattern_or_could_fill_the_memory_is_a_configuration_error(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:  # attack 84
        compiled(pattern, where="vsync.toml: [vault.schema.A] pattern")
    assert str(caught.value).startswith("vsync.toml: [vault.schema.A] pattern: ")
    assert caught.value.exit_code == 2


@given(st.text("ab(){}[]*+?|.^$\\1290,:=!<>PRi-", max_size=30), st.text("ab1(", max_size=50))
def test_whatever_stands_there_ends_soon_and_in_an_answer(pattern: str, value: str) -> None:
    try:
        matched(pattern or "a", value)
    except ConfigError:
        return


def test_patterns_are_judged_even_if_no_variable_needs_them() -> None:
    rule = Rule("A", Kind.REGEX, pattern="(", environments=("dev",), where="vsync.toml: [vault.schema.A]")
    with pytest.raises(ConfigError, match=r"vsync.toml: \[vault.schema.A\] pattern: is not a regular"):
        violations((rule,), {}, environment="prod")


values = st.text(min_size=6, max_size=40)


@given(values, st.sampled_from(Kind), st.lists(values, max_size=3))
def test_a_violation_never_holds_the_value(value: str, kind: Kind, allowed: list[str]) -> None:
    pattern = "[0-9]" if kind is Kind.REGEX else None
    rule = Rule("A", kind, required=True, allowed=tuple(allowed), pattern=pattern)
    other = "x" * len(value)
    # The same words whatever the value was, so that they can hold nothing of it (attack 53).
    if value not in allowed and other not in allowed and problem(rule, value) and problem(rule, other):
        assert problem(rule, value) == problem(rule, other)


def test_missing_names_go_both_ways() -> None:
    found = missing_names(["B", "A"], template=["A", "D"], required=["C", "A"])
    assert found == MissingNames(bundle=("C", "D"), template=("B",))
    assert found
    assert not missing_names(["A"], template=None)
    assert missing_names(["A"], template=None, required=["Z"]) == MissingNames(bundle=("Z",))
    assert missing_names(["A"], template=[]) == MissingNames(template=("A",))


@pytest.mark.parametrize(
    ("value", "is_url"), [("jdbc:postgresql://db.example.com/app", True), ("jdbc:nothing", False)]
)
def test_a_url_of_java_is_one(value: str, is_url: bool) -> None:
    rule = Rule(variable="A", kind=Kind.URL, where="[vault.schema.A]")
    assert (not violations((rule,), {"A": value})) is is_url
