"""git vsync profile: named stores, whose secrets are never on a command line or a screen."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import FaultProxy, strip_conditions
from tests.faults import answer as answers
from tests.homes import Home
from tests.s3server import KEY_ID, SECRET, Server
from tests.teams import add_profile, answer, done, on_a_terminal, refused

People = Callable[[str], Home]
PLACE = ("--endpoint", "http://127.0.0.1:9", "--region", "eu", "--bucket", "secrets", "--access-key", KEY_ID)


@pytest.fixture
def ana(home: People) -> Home:
    return home("ana")


def stored(ana: Home, name: str = "team") -> dict[str, object]:
    document = json.loads((ana.config / "profiles" / f"{name}.json").read_text())
    assert isinstance(document, dict)
    return document


def test_a_profile_is_added_shown_listed_and_removed(ana: Home) -> None:
    done(add_profile(ana, "http://127.0.0.1:9", "secrets", "--prefix", "t/{repo}", "--region", "eu"))
    assert (ana.config / "profiles/team.json").stat().st_mode & 0o777 == 0o600
    shown = done(ana.vsync("profile", "show", "team", cwd=ana.path))
    for text in ("endpoint: http://127.0.0.1:9", "bucket: secrets", "prefix: t/{repo}", KEY_ID, "region: eu"):
        assert text in shown.stdout
    told = done(ana.vsync("profile", "show", "team", "--json", cwd=ana.path))
    assert answer(told)["bucket"] == "secrets"
    listed = done(ana.vsync("profile", "list", "--json", cwd=ana.path))
    assert answer(listed)["name"] == "team"
    assert SECRET not in shown.stdout + told.stdout + listed.stdout
    done(ana.vsync("profile", "remove", "team", cwd=ana.path))
    assert done(ana.vsync("profile", "list", cwd=ana.path)).stdout == ""
    refused(ana.vsync("profile", "show", "team", cwd=ana.path), 10, "known: none yet", "profile add team")
    refused(ana.vsync("profile", "remove", "team", cwd=ana.path), 10)


@pytest.mark.parametrize("way", ["stdin", "file", "environment"])
def test_the_secret_comes_by_any_way_but_the_command_line(
    ana: Home, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"stdin": ("--secret-key", "-"), "file": ("--secret-key", f"@{ana.path}/key"), "environment": ()}
    (ana.path / "key").write_text(f"{SECRET}\r\n")
    if way == "environment":
        environ = {**ana.env, "VSYNC_SECRET_KEY": SECRET}
        monkeypatch.setattr(Home, "env", property(lambda self: environ))
    done(ana.vsync("profile", "add", "team", *PLACE, *words[way], cwd=ana.path, stdin=f"{SECRET}\n"))
    assert stored(ana)["secretAccessKey"] == SECRET


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(ana: Home) -> None:
    told = ana.vsync("profile", "add", "team", *PLACE, "--secret-key", SECRET, cwd=ana.path)
    refused(told, 2, "must not stand on the command line", "stdin")
    assert SECRET not in told.stderr
    assert not (ana.config / "profiles").exists()


def test_on_a_terminal_everything_is_asked_and_the_secret_unseen(ana: Home) -> None:
    answers_given = [
        ("name of the profile", "team"),
        ("bucket", "secrets"),
        ("endpoint URL", ""),
        ("region", ""),
        ("access key id", KEY_ID),
        ("secret access key", SECRET),
    ]
    code, screen = on_a_terminal(ana, ("profile", "add"), ana.path, answers_given)
    assert code == 0, screen
    assert SECRET not in screen
    expected = {"region": "us-east-1", "bucket": "secrets", "secretAccessKey": SECRET, "accessKeyId": KEY_ID}
    assert stored(ana) == {"version": 1, **expected}


def test_without_a_terminal_what_is_missing_is_named(ana: Home) -> None:
    refused(ana.vsync("profile", "add", "team", cwd=ana.path), 2, "--bucket")
    refused(ana.vsync("profile", "add", "team", "--bucket", "b12", cwd=ana.path), 2, "--access-key")
    refused(ana.vsync("profile", "add", "team", *PLACE, cwd=ana.path), 2, "--secret-key - or @FILE")
    refused(ana.vsync("profile", "show", cwd=ana.path), 2, "profile show NAME")


def test_an_aws_profile_stores_no_keys(ana: Home) -> None:
    words = ("profile", "add", "team", "--bucket", "secrets", "--aws-profile", "prod")
    done(ana.vsync(*words, cwd=ana.path))
    assert stored(ana) == {"version": 1, "bucket": "secrets", "awsProfile": "prod"}
    refused(ana.vsync(*words, "--access-key", KEY_ID, cwd=ana.path), 2, "stores no keys")


def test_a_profile_is_replaced_only_when_told(ana: Home) -> None:
    done(add_profile(ana, "http://127.0.0.1:9", "first"))
    refused(add_profile(ana, "http://127.0.0.1:9", "second"), 11, "--replace")
    assert stored(ana)["bucket"] == "first"
    done(add_profile(ana, "http://127.0.0.1:9", "second", "--replace"))
    assert stored(ana)["bucket"] == "second"


@pytest.mark.parametrize("name", ["../x", "a b", "x" * 65, "", "..", "-"])
def test_a_profile_name_is_no_path(ana: Home, name: str) -> None:
    assert add_profile(ana, "http://127.0.0.1:9", "secrets", name=name).returncode == (
        0 if name == "-" else 2
    )
    assert {path.name for path in ana.config.rglob("*.json")} <= {"-.json"}


@pytest.mark.parametrize(
    "endpoint", ["http://s3.example.com", "http://10.0.0.1:9000", "ftp://x", "https://u:p@h", "nonsense"]
)
def test_an_endpoint_that_gives_credentials_away_is_refused(ana: Home, endpoint: str) -> None:  # attack 79
    told = add_profile(ana, endpoint, "secrets")
    assert told.returncode in {2, 14}
    assert SECRET not in told.stderr
    assert not (ana.config / "profiles").exists()


@pytest.mark.parametrize("prefix", ["a b", "../x", "/a", "{env}/x"])
def test_a_prefix_is_checked_when_it_is_given(ana: Home, prefix: str) -> None:
    refused(add_profile(ana, "http://127.0.0.1:9", "secrets", "--prefix", prefix), 2, "cannot be a prefix")


def test_a_fit_server_passes_the_test_and_is_left_as_it_was(
    ana: Home, s3_server: Server, s3_bucket: str
) -> None:
    done(add_profile(ana, s3_server.url, s3_bucket, "--prefix", "t/{repo}"))
    told = answer(done(ana.vsync("profile", "test", "team", "--json", cwd=ana.path)))
    assert (told["state"], told["lacks"], told["writable"]) == ("fit", [], True)
    text = done(ana.vsync("profile", "test", "team", cwd=ana.path)).stdout
    assert "etags: quoted" in text
    assert "clock: " in text


def test_a_server_that_ignores_conditions_is_called_unfit(
    ana: Home, s3_server: Server, s3_bucket: str
) -> None:  # attack 74
    with FaultProxy(s3_server.url) as proxy:
        proxy.on(strip_conditions(), times=None)
        done(add_profile(ana, proxy.url, s3_bucket))
        told = ana.vsync("profile", "test", "team", cwd=ana.path)
    assert told.returncode == 1
    assert "not fit for writing" in told.stdout
    assert "If-None-Match is ignored" in told.stdout
    assert "If-Match is ignored" in told.stdout


def test_wrong_credentials_and_a_missing_bucket_are_told_apart(ana: Home, s3_server: Server) -> None:
    done(add_profile(ana, s3_server.url, "no-such-bucket"))
    refused(ana.vsync("profile", "test", "team", cwd=ana.path), 14, "no-such-bucket", "bucket")
    with FaultProxy(s3_server.url) as proxy:  # attack 83
        proxy.on(answers(403, "InvalidAccessKeyId"), times=None)
        done(add_profile(ana, proxy.url, "secrets", "--replace"))
        told = ana.vsync("profile", "test", "team", cwd=ana.path)
        assert len(proxy.requests) < 6, "no storm of retries"
    refused(told, 14, "secrets")
    assert SECRET not in told.stderr


def test_a_damaged_profile_names_what_is_wrong_and_no_value(ana: Home) -> None:
    done(add_profile(ana, "http://127.0.0.1:9", "secrets"))
    path = ana.config / "profiles/team.json"
    path.write_text(json.dumps({**stored(ana), "bucket": 7}))
    told = refused(ana.vsync("profile", "show", "team", cwd=ana.path), 13, "bucket")
    assert SECRET not in told.stderr
    path.chmod(0o644)
    Path(path).write_text("{")
    refused(ana.vsync("profile", "list", cwd=ana.path), 13)
