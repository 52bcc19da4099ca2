"""git vsync verify as a job runs it: formats, annotations, exit codes, many vaults."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.faults import FaultProxy, Seen
from tests.homes import Home, program, run_vsync
from tests.s3server import Server
from tests.sarif import validate_sarif
from tests.teams import Completed, binding_of, done, fill, on_a_terminal, refused, repository
from vsync.cli.verify import FORMATS
from vsync.model import SecretName

ROOT = Path(__file__).resolve().parent.parent
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
    assert "myapp/gamma: untrusted: " in told.stdout
    assert "1 vault could not be looked at" in told.stdout.splitlines()[-1]


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "github"])
def test_whatever_keeps_a_job_from_looking_it_gets_a_report(ana: Home, repo: Path, form: str) -> None:
    (repo / "vsync.lock").write_text("<<<<<<< HEAD\n=======\n>>>>>>> x\n")
    told = refused(in_job(ana, repo, "--format", form), 2, "conflict markers", "git vsync lock --resolve")
    assert "conflict markers" in told.stdout
    if form == "sarif":
        validate_sarif(json.loads(told.stdout))
    if form == "junit":
        assert len(ET.fromstring(told.stdout).findall(".//error")) == 1


def test_ctrl_c_does_not_wait_for_a_store_that_hangs(ana: Home, repo: Path, s3_server: Server) -> None:
    reached: list[str] = []

    def hang(request: Seen, forward: object) -> None:
        reached.append(request.path)
        time.sleep(20)

    with FaultProxy(s3_server.url) as proxy:
        for name in VAULTS:
            path = binding_of(ana, SecretName("myapp", name))
            binding = json.loads(path.read_text())
            del binding["store"]
            binding["s3"] = {
                "endpoint": proxy.url,
                "bucket": "bucket",
                "accessKeyId": "x",
                "secretAccessKey": "y",
            }
            path.write_text(json.dumps(binding))
        proxy.on(hang, times=None)
        env = {**ana.env, "PYTHONPATH": str(ROOT)}
        child = subprocess.Popen([*program(), "verify"], cwd=repo, env=env, stderr=-1, stdout=-1)
        while not reached:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=10)
    assert child.returncode == 130


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
