"""docs/ci.md: its tables are the program's, and its recipes run, step by step, as they stand."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.homes import PASSPHRASE, Home
from tests.s3server import KEY_ID, SECRET, Server
from tests.teams import add_profile, clone, commit, done, repository
from vsync.checks import IDS, NOTICES
from vsync.cli.verify import FORMATS
from vsync.keys.sealed_file import SealedFile

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
INSTALL = "python -m pip install"


def recipe(title: str) -> Any:
    """Return the first YAML block below a heading."""
    return yaml.safe_load(PAGE.split(f"\n## {title}\n")[1].split("```yaml\n")[1].split("```")[0])


@pytest.fixture
def ana(home: Callable[[str], Home]) -> Home:
    return home("ana")


@pytest.fixture
def repo(ana: Home, s3_server: Server, s3_bucket: str) -> Path:
    """A repository with a vault in a bucket, pushed and committed."""
    folder = repository(ana)
    done(add_profile(ana, s3_server.url, s3_bucket))
    done(ana.vsync("init", "prod", "--profile", "team", cwd=folder))
    (folder / "infra/vault/prod/.env.prod").write_text("TOKEN=x\n")
    done(ana.vsync("push", cwd=folder))
    commit(ana, folder)
    return folder


@pytest.fixture
def secrets(ana: Home, repo: Path) -> dict[str, str]:
    """What the CI system keeps: the two halves, and credentials of the bucket as OIDC brings them."""
    key = SealedFile(ana.config / "keys.sealed", lambda: PASSPHRASE).get("myapp/prod")
    assert key is not None
    binding = done(ana.vsync("export", "prod", "--binding", cwd=repo)).stdout.strip()
    assert "\n" not in binding
    found = {"VSYNC_BINDING": binding, "VSYNC_KEY": key}
    return found | {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture
def runner(home: Callable[[str], Home], repo: Path) -> Home:
    """A fresh machine with a clone, and nothing else."""
    machine = home("runner")
    clone(machine, repo)
    return machine


def steps(runner: Home, lines: list[str], env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run the lines of a recipe in one shell; only the installation is ours."""
    script = "\n".join(line for line in lines if not line.startswith(INSTALL))
    assert "git vsync verify" in script
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    inherited = {name: value for name, value in runner.env.items() if name != "VSYNC_KEYS_PASSPHRASE"}
    return subprocess.run(
        ["sh", "-euc", script],
        cwd=runner.path / "work",
        env={**inherited, "PATH": path, "PYTHONPATH": str(ROOT), "CI": "true", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def github_job(name: str, secrets: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the lines of a job and its variables, with the expressions filled in."""
    lines, env = [], {}
    for step in recipe("GitHub Actions")["jobs"][name]["steps"]:
        lines += step.get("run", "").splitlines()
        for key, value in step.get("env", {}).items():
            named = re.fullmatch(r"\$\{\{ secrets\.([A-Z_]+) \}\}", value)
            assert named is not None
            env[key] = secrets[named[1]]
    return lines, env


def test_the_job_on_a_protected_branch_verifies_and_pulls(
    runner: Home, secrets: dict[str, str], tmp_path: Path
) -> None:
    lines, env = github_job("verify", secrets)
    oidc = {name: secrets[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    summary = tmp_path / "summary"
    told = steps(
        runner, lines, {**env, **oidc, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    )
    assert told.returncode == 0, told.stderr
    assert "verify: 1 vault, 6 checks, 0 findings; not looked at: folder (no folder here)" in told.stdout
    assert summary.read_text().startswith("### vsync verify")
    assert (runner.path / "work/infra/vault/prod/.env.prod").read_text() == "TOKEN=x\n"


def test_the_job_of_a_fork_has_no_secret_and_still_looks(runner: Home) -> None:
    lines, env = github_job("offline", {})
    assert env == {}
    told = steps(runner, lines, {})
    assert told.returncode == 0, told.stderr
    assert "not looked at: key (offline)" in told.stdout
    (runner.path / "work/team.share").write_text("x")
    runner.git("add", "-f", "team.share", cwd=runner.path / "work")
    assert steps(runner, lines, {}).returncode == 1


def test_the_secrets_of_the_github_recipe_are_out_of_reach_for_forks() -> None:
    found = recipe("GitHub Actions")
    assert found["permissions"] == {"contents": "read"}
    offline, verify = found["jobs"]["offline"], found["jobs"]["verify"]
    assert "secrets." not in str(offline)
    assert "environment" not in offline
    assert (verify["if"], verify["environment"]) == ("github.event_name == 'push'", "production")
    assert verify["permissions"]["id-token"] == "write"


def test_the_gitlab_jobs_run_and_leave_a_report(runner: Home, secrets: dict[str, str]) -> None:
    found = recipe("GitLab")
    before = found["default"]["before_script"]
    assert steps(runner, [*before, *found["offline"]["script"]], {}).returncode == 0
    told = steps(runner, [*before, *found["verify"]["script"]], secrets)
    assert told.returncode == 0, told.stderr
    assert (
        "<testsuite" in (runner.path / "work" / found["verify"]["artifacts"]["reports"]["junit"]).read_text()
    )


def test_the_table_of_findings_is_the_programs() -> None:
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| ([a-z]+) \| (.*) \|$", PAGE)
    assert rows == [(kind, str(check), text) for kind, (check, text) in IDS.items()]
    assert all(f"`{kind}`" in PAGE.split("are notices;")[0].rpartition("\n")[2] for kind in NOTICES)


def test_the_table_of_formats_is_the_programs() -> None:
    block = PAGE.split("| `--format` |")[1].split("\n\n")[0]
    assert tuple(re.findall(r"(?m)^\| `([a-z]+)` \|", block)) == FORMATS
