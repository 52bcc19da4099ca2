"""A finding shows names of variables, and nothing that may be a piece of a value."""

import pytest

from tests.guard.repositories import Repository
from vsync.guard.names import is_name

BASE64 = "QmFzZTY0VGV4dE9mTm9LZXlBdEFsbDEyMzQ1Njc4"
FORMATS = ("text", "json", "sarif", "github")


@pytest.mark.parametrize(
    "name",
    [
        "A",
        "DATABASE_URL",
        "apiKey",
        "spring.datasource.password",
        "API-KEY-2",
        "_x",
        "S3_BUCKET",
        "databasePassword",
    ],
)
def test_names_of_variables_are_shown(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1A",
        "a b",
        "postgres://u:p@h/x?ssl",
        BASE64,
        f"KEY_{BASE64}",
        "Qx7vTz91LmPq",
        "x" * 129,
        "é",
        "AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_what_may_be_a_piece_of_a_value_is_not_shown(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("text", "secret"),
    [("postgres://admin:hunter2@db/x?sslmode=require\n", "hunter2"), (f"A=\n{BASE64}\n{BASE64}==\n", BASE64)],
)
def test_no_format_shows_a_piece_of_a_value_as_a_name(
    repository: Repository, form: str, text: str, secret: str
) -> None:
    # attack 66
    repository.stage(".env", text)
    done = repository.guard("--format", form)
    assert done.returncode == 1
    assert "env-plaintext" in done.stdout
    assert secret not in done.stdout + done.stderr


def test_a_line_without_a_name_is_told_by_its_number(repository: Repository) -> None:
    repository.stage(".env", "\npostgres://admin:hunter2@db/x?sslmode=require\n")
    assert repository.found() == [(".env", 2, "env-plaintext", None)]
    assert "a value in an env file that is not encrypted: line 2" in repository.guard().stdout
    assert "hunter2" not in repository.guard("--fix-help").stdout
