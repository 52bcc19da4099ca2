"""What other programs read: JSON, SARIF 2.1.0, annotations; and the way out after a leak."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guard.repositories import PRIVATE_KEY, Repository
from tests.sarif import validate_sarif
from vsync.guard.findings import ENV_PLAINTEXT, MESSAGES, Finding
from vsync.guard.formats import to_github, to_sarif
from vsync.guard.report import to_json, to_text
from vsync.guard.scan import Outcome

SCHEMAS = Path(__file__).with_name("schemas")
PATHS = st.lists(
    st.sampled_from(
        [b"a", b"/", b"\n", b"\r", b"%0A::add-mask::", b"::error", b",", b":", b"\x1b]52;", b"\xff"]
    ),
    min_size=1,
).map(b"".join)
TEXTS = st.text(max_size=30)


def outcome_of(path: bytes, name: str, reason: str) -> Outcome:
    outcome = Outcome()
    outcome.paths = 1
    outcome.findings.append(Finding(path, 3, ENV_PLAINTEXT, name))
    allowed = Finding(path, 0, ENV_PLAINTEXT, name, name)
    allowed.reason = reason or "x"
    allowed.commit = b"1" * 40
    outcome.allowed.append(allowed)
    return outcome


def validate(document: Any, schema: str) -> None:
    jsonschema.Draft7Validator(json.loads((SCHEMAS / schema).read_text())).validate(document)


@given(PATHS, TEXTS, TEXTS)
def test_sarif_and_json_are_valid_whatever_the_names_are(path: bytes, name: str, reason: str) -> None:
    # attack 91
    outcome = outcome_of(path, name, reason)
    log = json.loads(to_sarif(outcome))
    validate_sarif(log)
    validate(json.loads(to_json(outcome, "staged")), "guard-1.json")
    assert [("suppressions" in one) for one in log["runs"][0]["results"]] == [False, True]


@given(PATHS, TEXTS, TEXTS)
def test_an_annotation_is_one_line_and_one_command(path: bytes, name: str, reason: str) -> None:
    # attack 91
    lines = to_github(outcome_of(path, name, reason))
    assert len(lines) == 2
    for line in lines:
        assert re.fullmatch(
            r"::(error|notice) file=[^:,\r\n]*(,line=3)?,title=vsync guard env-plaintext::[^\r\n]*", line
        )
        assert line.splitlines() == [line]


@given(PATHS, TEXTS, TEXTS)
def test_text_holds_nothing_that_a_terminal_obeys(path: bytes, name: str, reason: str) -> None:
    # attack 92
    for line in to_text(outcome_of(path, name, reason), "staged", quiet=False):
        hidden = {char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
        assert not hidden


def test_every_rule_is_described_in_sarif() -> None:
    log = json.loads(to_sarif(Outcome()))
    validate_sarif(log)
    driver = log["runs"][0]["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == list(MESSAGES)


def test_the_published_schema_refuses_what_is_not_sarif() -> None:
    log = json.loads(to_sarif(outcome_of(b"a", "NAME", "why")))
    for key, value in (("level", "fatal"), ("ruleIndex", "0"), ("locations", [{"uri": "a"}]), ("rule", "x")):
        wrong = json.loads(json.dumps(log))
        wrong["runs"][0]["results"][0][key] = value
        with pytest.raises(jsonschema.ValidationError):
            validate_sarif(wrong)


def test_annotations_are_reached_from_the_command_line(mapped: Repository) -> None:
    mapped.stage(".env", "KEY=value\n")
    done = mapped.guard("--format", "github")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("::error file=.env,line=1")


@pytest.mark.parametrize("words", [(), ("--all",), ("--history",)])
def test_every_look_can_be_told_as_sarif(mapped: Repository, words: tuple[str, ...]) -> None:
    mapped.stage(b"a \xff\n/.env", "KEY=value\n")
    mapped.stage("k.txt", f"{PRIVATE_KEY}# vsync:allow\n")
    if words == ("--history",):
        mapped.commit()
    done = mapped.guard("--format", "sarif", *words)
    assert (done.returncode, done.stderr) == (1, "")
    log = json.loads(done.stdout)
    validate_sarif(log)
    assert {one["ruleId"] for one in log["runs"][0]["results"]} == {"env-plaintext", "private-key"}


def test_help_after_a_leak_names_commits_and_says_what_was_pushed(mapped: Repository, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    mapped.git("init", "-q", "--bare", str(remote))
    mapped.git("remote", "add", "origin", str(remote))
    mapped.stage("pushed.env", "API_KEY=the-secret\n")
    mapped.commit()
    first = mapped.git("rev-parse", "HEAD").decode()[:12]
    mapped.git("push", "-q", "origin", "main")
    mapped.git("rm", "-q", "pushed.env")
    mapped.stage("it's local.env", "OTHER=the-secret\n")
    mapped.commit()
    index = (mapped.top / ".git" / "index").read_bytes()
    done = mapped.guard("--fix-help")
    assert done.returncode == 1
    said = done.stdout
    assert f"  {first}  pushed.env:1  env-plaintext: " in said
    assert "API_KEY (pushed, on origin/main)" in said
    assert "OTHER (not pushed, as far as this clone knows)" in said
    assert said.index("Replace the secrets first") < said.index("git rm --cached -- ")
    assert """git filter-repo --force --invert-paths --path 'it'"'"'s local.env' --path pushed.env""" in said
    assert "the-secret" not in said
    assert (mapped.top / ".git" / "index").read_bytes() == index


def test_help_without_a_leak_says_so(mapped: Repository) -> None:
    done = mapped.guard("--fix-help")
    assert (done.returncode, done.stdout) == (
        0,
        "vsync: guard: 1 commits looked at, nothing leaked that the guard knows\n",
    )


def test_the_way_out_keeps_files_with_a_value_and_can_be_typed(mapped: Repository) -> None:
    # attack 66
    mapped.write("infra/vault/prod/.env.prod", "API_KEY=sk-live-Qx7vTz91LmPq\n")
    mapped.stage("app.py", "k = 'sk-live-Qx7vTz91LmPq'\n")
    mapped.stage(b"a\n\xff.env", "A=hunter2\n")
    mapped.stage("gone.env", "A=hunter2\n")
    mapped.commit()
    mapped.git("rm", "-q", "gone.env")
    mapped.commit()
    said = mapped.guard("--fix-help").stdout
    assert "git rm --cached -- gone.env" not in said
    assert r"git rm --cached -- $'a\x0a\xff.env'" in said
    assert "edit app.py" in said
    assert "--path app.py" not in said
    assert "--replace-text ../leaked.txt" in said
    assert "Qx7vTz91LmPq" not in said
