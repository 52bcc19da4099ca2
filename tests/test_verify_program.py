"""git vsync verify as a job runs it: formats, annotations, exit codes, many vaults."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.homes import Home, run_vsync
from tests.sarif import validate_sarif
from tests.teams import Completed, done, fill, on_a_terminal, refused, repository
from vsync.cli.verify import FORMATS

VAULTS = ("alpha", "beta", "gamma")


@pytest.fixture
def ana(home: Callable[[str], Home]) -> Home:
    return home("ana")


@pytest.fixture
def repo(ana: Home, tmp_path: Path) -> Path:
    """A repository with three vaults, pushed."""
    folder = repository(ana)
    for name in VAULTS:
        done(ana.vsync("init", name, "--store", str(tmp_path / "store"), cwd=folder))
        fill(folder, name)
    done(ana.vsync("push", "--all", cwd=folder))
    return folder


def in_job(ana: Home, repo: Path, *words: str, **variables: str) -> Completed:
    return run_vsync(["verify", *words], repo, {**ana.env, "CI": "true", **variables})


def dirty(repo: Path, name: str) -> None:
    (repo / "infra/vault" / name / "new.pem").write_text("x")


def test_several_vaults_are_judged_and_the_summary_counts_them(ana: Home, repo: Path) -> None:
    dirty(repo, "beta")
    told = in_job(ana, repo, "--ci")
    assert told.returncode == 1
    first, last = told.stdout.splitlines()
    assert first.startswith("myapp/beta: folder-dirty: infra/vault/beta has 1 edit: + new.pem; wanted: ")
    assert last == "verify: 3 vaults, 21 checks, 1 finding"


def test_the_gravest_vault_decides_and_the_others_are_judged_all_the_same(
    ana: Home, repo: Path, tmp_path: Path
) -> None:
    dirty(repo, "beta")
    manifest = tmp_path / "store/myapp/gamma/manifest"
    manifest.write_bytes(manifest.read_bytes().replace(b'"gen":1', b'"gen":2'))
    told = refused(in_job(ana, repo, "--ci"), 13, "myapp/gamma", "was altered")
    assert "folder-dirty" in told.stdout
    assert told.stdout.splitlines()[-1].endswith("1 vault could not be looked at")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_the_same(ana: Home, repo: Path, form: str) -> None:
    dirty(repo, "beta")
    told = in_job(ana, repo, "--format", form)
    assert told.returncode == 1
    assert "folder-dirty" in told.stdout
    if form == "json":
        rows = json.loads(told.stdout)["results"]
        assert [row["findings"][0]["id"] for row in rows if "findings" in row] == ["folder-dirty"]
    elif form == "sarif":
        validate_sarif(json.loads(told.stdout))
    elif form == "junit":
        assert [
            case.get("classname") for case in ET.fromstring(told.stdout).iter("testcase") if len(case)
        ] == ["myapp/beta"]
    elif form == "github":
        assert told.stdout.startswith("::error file=vsync.lock,title=vsync folder-dirty::myapp/beta: ")


def test_json_is_the_format_and_no_other(ana: Home, repo: Path) -> None:
    assert json.loads(in_job(ana, repo, "--json").stdout)["version"] == 1
    refused(in_job(ana, repo, "--json", "--format", "sarif"), 2, "exclude each other")


def test_in_github_actions_a_job_annotates_and_writes_the_summary_of_the_step(
    ana: Home, repo: Path, tmp_path: Path
) -> None:
    dirty(repo, "beta")
    summary = tmp_path / "summary.md"
    summary.write_text("what another step wrote\n")
    told = in_job(ana, repo, "--ci", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert told.stdout.splitlines()[0].startswith("::error file=vsync.lock,")
    text = summary.read_text()
    assert text.startswith("what another step wrote\n### vsync verify\n")
    assert "| myapp/beta | folder-dirty | infra/vault/beta has 1 edit" in text


def test_a_summary_that_cannot_be_written_changes_no_verdict(ana: Home, repo: Path, tmp_path: Path) -> None:
    told = in_job(ana, repo, "--ci", GITHUB_STEP_SUMMARY=str(tmp_path / "no/such/folder"))
    assert told.returncode == 0
    assert "cannot write the summary of the step" in told.stderr


def test_without_a_passphrase_a_job_gets_12_and_what_could_be_looked_at(ana: Home, repo: Path) -> None:
    dirty(repo, "beta")
    env = {name: value for name, value in ana.env.items() if name != "VSYNC_KEYS_PASSPHRASE"}
    told = run_vsync(["verify", "--ci"], repo, env)
    assert told.returncode == 12
    assert "folder-dirty" in told.stdout
    assert told.stdout.count("key-absent") == 3


def test_a_fork_without_secrets_runs_the_offline_checks(ana: Home, repo: Path) -> None:
    """A clone of somebody else: no binding, no key, no folder."""
    ana.git("add", "-A", cwd=repo)
    ana.git("commit", "-qm", "x", cwd=repo)
    stranger = Home(ana.path.parent / "stranger", "stranger")
    stranger.path.mkdir()
    ana.git("clone", "-q", str(repo), str(stranger.path / "work"), cwd=ana.path)
    told = run_vsync(["verify", "--ci", "--offline"], stranger.path / "work", {**stranger.env, "CI": "true"})
    assert told.returncode == 0, told.stderr
    assert "not looked at: key (offline) in 3 vaults" in told.stdout
    config = stranger.path / "work" / "vsync.toml"
    config.write_text(
        config.read_text().replace('environment = "beta"', 'environment = "beta"\nrequired = ["NEW"]')
    )
    told = run_vsync(["verify", "--ci", "--offline"], stranger.path / "work", {**stranger.env, "CI": "true"})
    assert told.returncode == 1
    assert "myapp/beta: name-missing: NEW is not in the version" in told.stdout


def test_a_selected_vault_is_the_only_one_that_is_judged(ana: Home, repo: Path) -> None:
    dirty(repo, "beta")
    assert in_job(ana, repo, "alpha").returncode == 0
    assert in_job(ana, repo, "beta").returncode == 1
    refused(in_job(ana, repo, "delta"), 10, "no vault is called 'delta'")


def test_one_key_of_the_environment_for_several_vaults_is_refused(ana: Home, repo: Path) -> None:
    refused(in_job(ana, repo, VSYNC_KEY="k" * 44), 2)
    assert in_job(ana, repo, "--offline", VSYNC_KEY="k" * 44).returncode == 0


def test_on_a_terminal_one_bar_stands_for_all_vaults(ana: Home, repo: Path) -> None:
    code, screen = on_a_terminal(ana, ("verify",), repo)
    assert code == 0, screen
    assert "download" not in screen
    assert screen.splitlines()[-1] == "verify: 3 vaults, 21 checks, 0 findings"
