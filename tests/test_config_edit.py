"""Editing the committed configuration (product contract §2)."""

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.config.edit import (
    NewMapping,
    add_allowance,
    add_mapping,
    read_text,
    set_lock_names,
    set_vault,
    write_config,
)
from vsync.config.load import S3Routing, load_config
from vsync.errors import ConfigError, DiskError
from vsync.model import SecretName

PROD = NewMapping(SecretName("myapp", "prod"), folder="infra/vault/prod", environment="prod")
DEV = NewMapping(SecretName("myapp", "dev"), folder="infra/vault/dev", environment="dev")

COMMENTED = """\
# Ask Ana before you change this.
[vault]
provider = 's3'   # ours
repo = "myapp"

[[vault.sync.mappings]] # the first
folder_path = 'infra/vault/prod'# no room
environment = "prod"
# still about prod

# What may be public.
[guard]
public = ["AWS_REGION"]
"""


def lines_added(before: str, after: str) -> list[str]:
    """Return the lines that came in, having checked that no other line changed or moved."""
    rest = iter(before.split("\n"))
    waiting = next(rest)
    added = []
    for line in after.split("\n"):
        if line == waiting:
            waiting = next(rest, "\0")
        else:
            added.append(line)
    assert waiting == "\0", "a line was lost"
    return added


def test_a_new_file_reads_like_the_documented_one() -> None:
    text = set_vault("", provider="s3", repo="myapp", s3=S3Routing(bucket="acme", region="eu-central-1"))
    text = set_lock_names(add_mapping(text, PROD), False)
    assert text == (
        '[vault]\nprovider = "s3"\nrepo = "myapp"\n\n[vault.s3]\nregion = "eu-central-1"\nbucket = "acme"\n\n'
        '[[vault.sync.mappings]]\nsecret_name = "myapp/prod"\nfolder_path = "infra/vault/prod"\n'
        'environment = "prod"\n\n[vault.lock]\nnames = false\n'
    )


def test_a_mapping_comes_after_the_others_and_leaves_comments_with_what_they_explain() -> None:
    after = add_mapping(COMMENTED, DEV)
    head, tail = COMMENTED.split("\n# What may be public.")
    assert after == (
        f'{head}\n[[vault.sync.mappings]]\nsecret_name = "myapp/dev"\nfolder_path = "infra/vault/dev"\n'
        f'environment = "dev"\n\n# What may be public.{tail}'
    )


ALLOWED = '[[guard.allow]]\npath = "a \\"b\\".env"\nrule = "env-plaintext"\nreason = "why = so"\n'


@pytest.mark.parametrize("text", ["", COMMENTED, COMMENTED.replace("\n", "\r\n"), ALLOWED, "guard = {}\n"])
def test_an_allowance_comes_in_once_and_its_reason_may_change(text: str) -> None:
    after = add_allowance(text, path='a "b".env', rule="env-plaintext", reason="why = so")
    entry = {"path": 'a "b".env', "rule": "env-plaintext", "reason": "why = so"}
    assert tomllib.loads(after)["guard"]["allow"] == [entry]
    assert add_allowance(after, path='a "b".env', rule="env-plaintext", reason="why = so") == after
    other = add_allowance(after, path='a "b".env', rule="env-plaintext", reason="other")
    assert tomllib.loads(other)["guard"]["allow"] == [entry | {"reason": "other"}]
    more = add_allowance(after, path="x", rule="private-key", reason="y")
    assert [row["path"] for row in tomllib.loads(more)["guard"]["allow"]] == ['a "b".env', "x"]


def test_an_allowance_leaves_every_line_that_was_there() -> None:
    after = add_allowance(COMMENTED, path="x.env", rule="env-plaintext", reason="y")
    assert [line for line in lines_added(COMMENTED, after) if line] == [
        *("[[guard.allow]]", 'path = "x.env"', 'rule = "env-plaintext"', 'reason = "y"'),
    ]


def test_an_allowance_that_cannot_be_put_in_changes_nothing() -> None:
    for text in ("guard = 1\n", "[guard]\nallow = 'x'\n"):
        with pytest.raises(ConfigError, match="edited safely"):
            add_allowance(text, path="x", rule="private-key", reason="y")


def test_a_table_that_follows_at_once_is_set_off_by_a_blank_line() -> None:
    after = set_lock_names("[vault]\nrepo = 'a'\n[guard]\n", True)
    assert after == "[vault]\nrepo = 'a'\n\n[vault.lock]\nnames = true\n\n[guard]\n"


def test_a_mapping_of_the_same_vault_changes_only_what_is_given() -> None:
    after = add_mapping(COMMENTED, NewMapping(PROD.secret, folder="secrets/prod", activate_to=".env"))
    moved = COMMENTED.replace("'infra/vault/prod'# no room", '"secrets/prod"# no room')
    assert after == moved.replace("# still about prod\n", '# still about prod\nactivate_to = ".env"\n')


def test_a_vault_named_by_its_environment_keeps_its_name_when_the_environment_changes(tmp_path: Path) -> None:
    after = add_mapping(COMMENTED, NewMapping(PROD.secret, environment="production"))
    (tmp_path / "vsync.toml").write_text(after)
    (mapping,) = load_config(tmp_path, tmp_path).mappings
    assert (mapping.secret, mapping.environment) == (PROD.secret, "production")


def test_saying_what_is_already_so_changes_no_byte() -> None:
    text = add_mapping(COMMENTED, PROD)
    text = set_lock_names(set_vault(text, provider="s3", repo="myapp"), False)
    again = add_mapping(set_vault(text, provider="s3", repo="myapp", s3=S3Routing()), PROD)
    assert set_lock_names(again, False) == text


def test_routing_says_exactly_what_is_given_and_keeps_the_rest_of_the_file() -> None:
    before = set_vault(COMMENTED, s3=S3Routing(bucket="old", profile="acme"))
    after = set_vault(before, s3=S3Routing(bucket="new", region="eu-central-1"))
    assert tomllib.loads(after)["vault"]["s3"] == {"bucket": "new", "region": "eu-central-1"}
    assert lines_added(COMMENTED, after) == ["[vault.s3]", 'bucket = "new"', 'region = "eu-central-1"', ""]


@pytest.mark.parametrize(
    ("before", "header"),
    [
        ("[project]\nname = 'x'\n", "[[tool.vsync.vault.sync.mappings]]"),
        (
            "[tool.vsync.vault]\nrepo = 'myapp'\n\n[tool.ruff]\nfix = true\n",
            "[[tool.vsync.vault.sync.mappings]]",
        ),
        ("[tool.envdrift]\nschema = 's'\n", "[[tool.envdrift.vault.sync.mappings]]"),
    ],
)
def test_in_a_pyproject_the_tables_stay_under_their_tool(before: str, header: str) -> None:
    after = add_mapping(before, PROD)
    assert header in lines_added(before, after)
    assert header.startswith("[[tool.vsync") or "tool.vsync" not in after


def test_windows_line_ends_stay_and_new_lines_get_them() -> None:
    before = COMMENTED.replace("\n", "\r\n")
    assert add_mapping(before, DEV) == add_mapping(COMMENTED, DEV).replace("\n", "\r\n")


def test_a_last_line_without_a_newline_is_not_glued_to_what_comes() -> None:
    after = add_mapping("[vault]\nrepo = 'myapp'", PROD)
    assert after.startswith("[vault]\nrepo = 'myapp'\n\n[[vault.sync.mappings]]\n")


def test_an_array_of_inline_tables_grows_in_its_own_style() -> None:
    before = "[vault.sync]\nmappings = [\n  {secret_name = 'a/b', folder_path = 'f'}, # first\n]\n"
    after = add_mapping(before, PROD)
    assert [row.get("secret_name") for row in tomllib.loads(after)["vault"]["sync"]["mappings"]] == [
        "a/b",
        "myapp/prod",
    ]
    assert "# first" in after


@pytest.mark.parametrize(
    "text",
    [
        "vault = 1\n",
        "[vault]\nsync = 'x'\n",
        "[vault.sync]\nmappings = 3\n",
        "tool.vsync = 1\n",
    ],
)
def test_what_cannot_be_edited_safely_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be edited safely"):
        add_mapping(text, PROD)


def test_a_broken_file_is_refused_without_quoting_it() -> None:
    with pytest.raises(ConfigError) as caught:
        add_mapping('[vault]\nhunter2secret = 1\nhunter2secret = "x"\n', PROD)
    assert "hunter2secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_broken_entry_is_not_taken_for_the_same_vault() -> None:
    after = add_mapping("[[vault.sync.mappings]]\nsecret_name = 3\n", PROD)
    assert len(tomllib.loads(after)["vault"]["sync"]["mappings"]) == 2


COMMENT = st.sampled_from(["", "# a comment", "   # indented", "# [vault]", "\t"])
ENTRY = st.sampled_from(['repo = "myapp"', "provider   =  's3'  # why", 'repo = """my\\\napp"""'])
OTHER = st.sampled_from(["public = []", "x.y = 1 # z", 'x = """\n[vault]\n# no\n"""', "when = 1979-05-27"])
FOLDER = st.integers(0, 99).map(lambda number: f"folder_path = 'vaults/{number}' # {number}")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return a configuration in somebody's own style: order, comments, spelling."""
    tables = [["[vault]", draw(ENTRY)], ["[guard]", draw(OTHER)], ["[vault.s3]", "bucket = 'b'"]]
    count = draw(st.integers(0, 3))
    tables += [["[[vault.sync.mappings]]", f"secret_name = 't/v{n}'", draw(FOLDER)] for n in range(count)]
    chosen = draw(st.permutations(tables))
    comments = draw(st.lists(COMMENT, min_size=3 * len(chosen), max_size=3 * len(chosen)))
    lines = [line for table in chosen for line in [comments.pop(), comments.pop(), *table, comments.pop()]]
    return "\n".join(lines) + "\n"


@given(documents())
def test_editing_adds_lines_and_changes_none(before: str) -> None:
    try:
        after = add_mapping(before, PROD)
    except ConfigError:
        # Where mappings stand apart from each other, tomlkit may give up; it must not do damage.
        assert before.count("[[vault.sync.mappings]]") > 1
        return
    added = [line for line in lines_added(before, after) if line.strip()]
    assert added == [
        "[[vault.sync.mappings]]",
        'secret_name = "myapp/prod"',
        'folder_path = "infra/vault/prod"',
        'environment = "prod"',
    ]
    assert after.replace("\n".join(added) + "\n", "").split() == before.split()


@given(documents(), st.booleans())
def test_setting_lock_names_adds_one_table(before: str, names: bool) -> None:
    after = set_lock_names(before, names)
    added = [line for line in lines_added(before, after) if line.strip()]
    assert added == ["[vault.lock]", f"names = {str(names).lower()}"]
    assert set_lock_names(after, names) == after


def test_writing_replaces_the_file_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "vsync.toml"
    path.write_text("old")
    path.chmod(0o640)
    write_config(path, "new\r\n")
    assert read_text(path) == "new\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["vsync.toml"]


def test_a_new_file_gets_the_mode_of_any_committed_file(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    write_config(tmp_path / "vsync.toml", "x = 1\n")
    assert (tmp_path / "vsync.toml").stat().st_mode == (tmp_path / "other").stat().st_mode


# attack 37
def test_writing_follows_no_link_out_of_the_repository(tmp_path: Path) -> None:
    outside = tmp_path / "bashrc"
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "vsync.toml").symlink_to(outside)
    with pytest.raises(ConfigError, match="not a regular file"):
        write_config(tmp_path / "repo" / "vsync.toml", "x = 1\n")
    assert not outside.exists()


def test_a_folder_that_cannot_be_written_is_named_and_nothing_stays(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match=r"vsync\.toml: cannot be written"):
        write_config(tmp_path / "missing" / "vsync.toml", "x = 1\n")
    assert os.listdir(tmp_path) == []


def test_reading_the_text_of_no_file_gives_an_empty_one(tmp_path: Path) -> None:
    assert read_text(tmp_path / "vsync.toml") == ""
    (tmp_path / "vsync.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        read_text(tmp_path / "vsync.toml")
