"""The command line itself: words, answers, errors, exit codes, signals and streams."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.faults import FaultProxy, Seen
from tests.faults import answer as answers
from tests.homes import Home, program
from tests.s3server import Server
from tests.teams import (
    CANARY,
    SHARE_WORDS,
    add_profile,
    answer,
    binding_of,
    clone,
    done,
    fill,
    on_a_terminal,
    pushed,
    refused,
    repository,
    shared,
)
from vsync.cli.common import EVERYWHERE
from vsync.cli.main import ELSEWHERE, VERBS, cli

People = Callable[[str], Home]
HEAVY = {"boto3", "botocore", "keyring", "cryptography", "tomlkit", "rich"}
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def ana(home: People) -> Home:
    return home("ana")


@pytest.fixture
def repo(ana: Home) -> Path:
    """Return a repository with a pushed vault in the embedded store."""
    repo = repository(ana)
    done(ana.vsync("init", "prod", cwd=repo))
    fill(repo)
    done(ana.vsync("push", cwd=repo))
    return repo


def started(ana: Home, *words: str, cwd: Path, stdout: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*program(), *words], cwd=cwd, env={**ana.env, "PYTHONPATH": str(ROOT)}, stdout=stdout, stderr=-1
    )


def through_a_shell(ana: Home, line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which $V is the program."""
    env = {**ana.env, "PYTHONPATH": str(ROOT), "V": " ".join(program())}
    return subprocess.run(
        ["sh", "-c", line], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_has_an_example_and_loads_nothing_heavy(ana: Home, verb: str) -> None:
    script = (
        "import sys\nfrom vsync.cli.main import cli\n"
        f"cli.main([{verb!r}, '-h'], 'git vsync', standalone_mode=False)\n"
        f"print('LOADED', sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done_ = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=ana.env, capture_output=True, text=True, check=False
    )
    assert done_.returncode == 0, done_.stderr
    assert f"git vsync {verb}" in done_.stdout.partition("Examples:")[2]
    assert "LOADED []" in done_.stdout


def test_the_list_of_verbs_loads_no_verb(ana: Home) -> None:
    told = done(ana.vsync("-h", cwd=ana.path))
    for verb, line in VERBS.items():
        assert verb in told.stdout
        assert line in " ".join(told.stdout.split())
    refused(ana.vsync(cwd=ana.path), 2, "no verb was given", "Verbs:")
    assert re.fullmatch(r"vsync \d+\.\d+\.\d+\S*\n", done(ana.vsync("--version", cwd=ana.path)).stdout)


@pytest.mark.parametrize("verb", VERBS)
def test_no_option_of_a_verb_hides_one_that_stands_everywhere(verb: str) -> None:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    names = [parameter.name for parameter in command.params]
    words = [word for parameter in command.params for word in parameter.opts]
    assert len(set(names)) == len(names)
    assert len(set(words)) == len(words)
    assert {parameter.name for parameter in EVERYWHERE} <= set(names)


def test_options_stand_before_and_after_the_verb(ana: Home, repo: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for words in (("-C", str(repo), "status", "--json"), ("--json", "status", "-C", str(repo))):
        assert answer(done(ana.vsync(*words, cwd=elsewhere)))["state"] == "clean"
    (repo / "other.toml").write_text('[vault]\nrepo = "other"\n')
    for other in (("-c", "other.toml", "status"), ("status", "-c", "other.toml")):
        refused(ana.vsync("-C", str(repo), *other, cwd=elsewhere), 10, "no vault is mapped")
    refused(ana.vsync("--no-input", "init", cwd=repo), 2)
    refused(ana.vsync("init", "--no-input", cwd=repo), 2)
    refused(ana.vsync("-C", "nowhere", "status", cwd=repo), 2, "nowhere", "-C")
    refused(ana.vsync("-c", "nowhere.toml", "status", cwd=repo), 2, "nowhere.toml")


def test_quiet_says_answers_only_and_verbose_everything(ana: Home, repo: Path) -> None:
    for number in range(30):
        (repo / f"infra/vault/prod/file{number:02}").write_text("1")
    quiet: list[tuple[str, ...]] = [("-q", "push", "-n"), ("push", "-n", "-q")]
    for words in quiet:
        told = done(ana.vsync(*words, cwd=repo))
        assert (len(told.stdout.splitlines()), told.stderr) == (1, "")
    assert "more (-v shows all)" in done(ana.vsync("push", "-n", cwd=repo)).stdout
    for words in (("-v", "push", "-n"), ("push", "-n", "-v")):
        assert len(done(ana.vsync(*words, cwd=repo)).stdout.splitlines()) == 31


ANSWERED = (
    ("status",),
    ("push",),
    ("pull",),
    ("versions", "prod"),
    ("audit", "prod"),
    ("use",),
    ("use", "prod"),
    ("profile", "list"),
    ("completion", "bash"),
    ("export", "prod", "--binding"),
    ("init", "prod"),
    ("restore", "prod", "--list"),
)
FAILING = {
    ("push", "--nope"): 2,
    ("frobnicate",): 2,
    ("profile", "show", "none"): 10,
    ("pull", "none"): 10,
    ("export", "prod"): 2,
    ("pull", "--at", "20200101-000000"): 10,
}


def test_json_is_exactly_one_document_that_says_its_version(ana: Home, repo: Path) -> None:
    for words in ANSWERED:
        told = done(ana.vsync("--json", *words, cwd=repo))
        document = json.loads(told.stdout)
        assert (document["version"], document["exit_code"], document["verb"]) == (1, 0, words[0])
        assert told.stdout.isascii()


def test_json_is_one_document_for_a_failure_too(ana: Home, repo: Path) -> None:
    for words, code in FAILING.items():
        told = refused(ana.vsync(*words, "--json", cwd=repo), code)
        document = json.loads(told.stdout)
        assert (document["version"], document["exit_code"]) == (1, code)
        [error] = document["errors"]
        assert error["code"] == code
        assert f"vsync: error: {error['message']}" in told.stderr


@pytest.mark.parametrize(("word", "verb"), ELSEWHERE.items())
def test_the_words_of_neighbouring_tools_are_answered(ana: Home, word: str, verb: str) -> None:
    if word in {"profiles", "vault-push", "share"}:
        refused(ana.vsync(word, cwd=ana.path), 2, f"no verb {word!r}", f"vsync: hint: git vsync {verb}")
    assert verb.split(maxsplit=1)[0] in VERBS
    assert word not in VERBS


def test_errors_are_one_line_in_lower_case_without_a_full_stop(ana: Home, repo: Path) -> None:
    for words in (("pushh",), ("push", "--forse"), ("pull", "x"), ("export",), ("use", "--link", "..")):
        told = refused(ana.vsync(*words, cwd=repo), ana.vsync(*words, cwd=repo).returncode)
        error, *hints = told.stderr.splitlines()
        text = error.removeprefix("vsync: error: ")
        assert text[0] == text[0].lower()
        assert not text.endswith(".")
        assert all(line.startswith("vsync: hint: ") for line in hints)
        assert told.stdout == ""
    assert "git vsync push" in ana.vsync("pushh", cwd=repo).stderr


def test_exit_codes_2_10_12_and_15_from_a_new_users_mistakes(ana: Home, repo: Path, tmp_path: Path) -> None:
    refused(ana.vsync("push", "--nope", cwd=repo), 2)
    refused(ana.vsync("pull", "dev", cwd=repo), 10, "dev")
    refused(ana.vsync("status", cwd=tmp_path), 15, "git work tree", "git init")
    (ana.config / "keys.sealed").unlink()
    (repo / "infra/vault/prod/new").write_text("1")
    refused(ana.vsync("push", cwd=repo), 12, "no key for myapp/prod")


def test_exit_code_1_is_a_finding_and_no_error(ana: Home, s3_server: Server, s3_bucket: str) -> None:
    from tests.faults import strip_conditions

    with FaultProxy(s3_server.url) as proxy:
        proxy.on(strip_conditions(), times=None)
        done(add_profile(ana, proxy.url, s3_bucket))
        told = ana.vsync("profile", "test", "team", cwd=ana.path)
    assert (told.returncode, told.stderr) == (1, "")


def test_exit_codes_11_13_and_14_from_a_store(home: People, tmp_path: Path) -> None:
    ana, ben, store = home("ana"), home("ben"), tmp_path / "store"
    repo = pushed(ana, str(store))
    theirs = clone(ben, repo)
    share = shared(ana, repo)
    words = ("import", str(share), "--passphrase", "-", "--yes")
    done(ben.vsync(*words, cwd=theirs, stdin=SHARE_WORDS))
    done(ben.vsync("pull", cwd=theirs))
    for person, place in ((ana, repo), (ben, theirs)):
        (place / "infra/vault/prod/run.sh").write_text(person.person)
    done(ana.vsync("push", cwd=repo))
    refused(ben.vsync("push", cwd=theirs), 11, "ana@example.com", "git vsync pull")
    manifest = store / "myapp/prod/manifest"
    manifest.write_bytes(manifest.read_bytes().replace(b'"gen":2', b'"gen":9'))
    refused(ben.vsync("pull", "--force", cwd=theirs), 13, "altered")
    binding = json.loads(binding_of(ben).read_text())
    del binding["store"]
    binding["s3"] = {"endpoint": "http://127.0.0.1:9", "bucket": "bucket"}
    binding["s3"] |= {"accessKeyId": "x", "secretAccessKey": "y"}
    binding_of(ben).write_text(json.dumps(binding))
    refused(ben.vsync("pull", "--force", cwd=theirs), 14, "127.0.0.1")


def test_a_bug_is_reported_with_code_3_and_without_a_value(ana: Home, repo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import vsync.sync.status as s\n"
        f"def status(*a, **k): raise ZeroDivisionError({CANARY!r})\ns.status = status\n"
    )
    env = {**ana.env, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    told = subprocess.run(
        [*program(), "status", "--json"], cwd=repo, env=env, capture_output=True, text=True, check=False
    )
    refused(told, 3, "a bug in vsync: ZeroDivisionError", "crash.txt", "please report")
    assert json.loads(told.stdout)["exit_code"] == 3
    report = ana.config / "crash.txt"
    assert "ZeroDivisionError" in report.read_text()
    assert CANARY not in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_with_its_number(
    ana: Home, s3_server: Server, s3_bucket: str, number: int, code: int
) -> None:  # attack 95
    reached: list[str] = []

    def wait(request: Seen, forward: object) -> None:
        reached.append(request.path)
        time.sleep(1.0)

    with FaultProxy(s3_server.url) as proxy:
        done(add_profile(ana, proxy.url, s3_bucket))
        proxy.on(wait, times=None)
        child = started(ana, "profile", "test", "team", "--json", cwd=ana.path, stdout=-1)
        while not reached:
            time.sleep(0.01)
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert child.returncode == code, err
    assert json.loads(out)["exit_code"] == code
    assert b"Traceback" not in err


def test_a_reader_who_left_is_no_error(ana: Home, repo: Path) -> None:
    for words in (["-h"], ["status"], ["status", "--json"], ["completion", "bash"]):
        read, write = os.pipe()
        os.close(read)
        child = started(ana, *words, cwd=repo, stdout=write)
        os.close(write)
        _, err = child.communicate(timeout=30)
        assert (child.returncode, err) == (0, b"")


def test_streams_that_are_closed_or_full_are_no_bug(ana: Home, repo: Path) -> None:
    told = through_a_shell(ana, "$V status >&-", repo)
    assert (told.returncode, told.stderr) == (0, "")
    told = through_a_shell(ana, "$V status --json 2>&- <&-", repo)
    assert json.loads(told.stdout)["version"] == 1
    told = through_a_shell(ana, "$V init 2>&- <&-", repo)
    assert (told.returncode, told.stdout) == (2, "")
    told = through_a_shell(ana, "$V status >/dev/full", repo)
    assert told.returncode == 14
    assert "cannot write the answer" in told.stderr
    told = through_a_shell(ana, "$V push --nope --json >&- 2>&-", repo)
    assert told.returncode == 2


def test_nothing_is_coloured(ana: Home, repo: Path) -> None:  # attack 55
    for words in (("status",), ("-h",), ("push", "-h")):
        assert "\x1b" not in done(ana.vsync(*words, cwd=repo)).stdout
        code, screen = on_a_terminal(ana, words, repo)
        assert (code, "\x1b" in screen) == (0, False)


def test_what_strangers_wrote_reaches_a_terminal_as_escapes(ana: Home, repo: Path) -> None:  # attack 92
    note = "\x1b]52;c;Zm9v\x07\x9b2J\u202e\r"
    (repo / "infra/vault/prod/x").write_text("1")
    done(ana.vsync("push", "--note", note, cwd=repo))
    for words in (("versions", "prod"), ("audit", "prod")):
        for told in (ana.vsync(*words, cwd=repo), ana.vsync(*words, "--json", cwd=repo)):
            shown = done(told).stdout
            assert not [char for char in shown if char in "\x1b\x07\x9b\u202e\r"]
    assert "52;c;Zm9v" in done(ana.vsync("versions", "prod", cwd=repo)).stdout


def test_no_verb_shows_a_value_where_nobody_looks(ana: Home, repo: Path) -> None:
    commands = [("status", "-v"), ("versions", "prod"), ("audit", "prod"), ("use", "prod"), ("push", "-v")]
    (repo / "infra/vault/prod/.env.prod").write_text(f"TOKEN={CANARY}2\n")
    for words in (*commands, ("pull", "--backup"), ("status", "--json"), ("pull", "-n", "--force")):
        told = ana.vsync(*words, cwd=repo)
        assert CANARY not in told.stdout + told.stderr


def test_git_finds_the_program_as_its_own_verb(ana: Home, repo: Path) -> None:
    folder = Path(program()[0]).parent
    told = subprocess.run(
        ["git", "vsync", "status"],
        cwd=repo,
        env={**ana.env, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "clean" in told.stdout


@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_server_ends_in_14(ana: Home, s3_server: Server, s3_bucket: str, status: int) -> None:
    with FaultProxy(s3_server.url) as proxy:
        done(add_profile(ana, proxy.url, s3_bucket))
        proxy.on(answers(status, retry_after="0"), times=None)
        refused(ana.vsync("profile", "test", "team", cwd=ana.path), 14)


def test_a_secret_from_an_endless_file_is_refused(ana: Home, repo: Path) -> None:
    refused(ana.vsync("export", "prod", "--passphrase", "@/dev/zero", cwd=repo), 2, "more than")


def test_a_lock_that_is_a_folder_is_named(ana: Home, repo: Path) -> None:
    (repo / "vsync.lock").unlink()
    (repo / "vsync.lock").mkdir()
    refused(ana.vsync("push", "prod", cwd=repo), 2, "vsync.lock is not a readable plain file")


def test_a_date_that_is_none_is_refused(ana: Home, repo: Path) -> None:
    refused(ana.vsync("audit", "prod", "--since", "2026-13-45", cwd=repo), 2, "is no date")


def test_a_share_is_not_written_into_a_vault(ana: Home, repo: Path) -> None:
    refused(ana.vsync("export", "prod", "--out", "infra/vault/prod/x.share", cwd=repo), 2, "vault folder")


@pytest.mark.parametrize("words", [("--at", "20260523-120000"), ("--locked",), ("--backup",), ("--force",)])
def test_merge_goes_with_no_other_way_to_pull(ana: Home, repo: Path, words: tuple[str, ...]) -> None:
    said = f"--merge and {words[0]} do not go together"
    refused(ana.vsync("pull", "prod", "--merge", *words, cwd=repo), 2, said)


def test_vaults_after_one_that_fails_are_named_and_a_dry_run_tries_them_all(
    ana: Home, tmp_path: Path
) -> None:
    top = repository(ana)
    for env in ("prod", "dev"):
        done(ana.vsync("init", env, "--store", f"file://{tmp_path}/store", cwd=top))
    fill(top, "dev")
    stopped = refused(ana.vsync("push", "--all", cwd=top), 11, "vsync: not tried: myapp/dev\n")
    assert "myapp/dev" not in stopped.stdout
    document = json.loads(ana.vsync("push", "--all", "--json", cwd=top).stdout)
    assert (document["not_tried"], document["results"]) == (["myapp/dev"], [])
    looked = ana.vsync("push", "--all", "--dry-run", cwd=top)
    assert (looked.returncode, "not tried" in looked.stderr) == (11, False)
    assert "myapp/dev  would push 3 changes" in looked.stdout


@pytest.mark.parametrize("which", ["x", "1.5", "20260523"])
def test_a_backup_is_named_by_number_or_timestamp(ana: Home, repo: Path, which: str) -> None:
    code = 10 if which == "20260523" else 2
    told = ana.vsync("restore", "prod", f"--backup={which}", cwd=repo)
    assert told.returncode == code
    assert "--list" in told.stderr
