"""One story for each exit code of product contract §7, through the real program."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import FaultProxy, Seen
from tests.homes import Home, program, run_vsync
from tests.s3server import Server
from tests.teams import PROD, add_profile, binding_of, clone, done, pushed, repository, shared, take

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def ana(home: Callable[[str], Home]) -> Home:
    return home("ana")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def repo(ana: Home, store: Path) -> Path:
    return pushed(ana, str(store))


def verified(ana: Home, repo: Path, *words: str) -> int:
    return ana.vsync("verify", *words, cwd=repo).returncode


def test_0_everything_agrees(ana: Home, repo: Path) -> None:
    assert verified(ana, repo, "--ci", "--strict") == 0


def test_1_looked_and_found_drift(ana: Home, repo: Path) -> None:
    (repo / "infra/vault/prod/new.pem").write_text("x")
    assert verified(ana, repo) == 1


def test_2_wrong_words_and_wrong_configuration(ana: Home, repo: Path) -> None:
    assert verified(ana, repo, "--sorted") == 2
    (repo / "vsync.toml").write_text("[vault\n")
    assert verified(ana, repo) == 2


def test_3_a_bug_of_ours(ana: Home, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import vsync.sync.verify as v\ndef common(*a): raise ZeroDivisionError\nv.common = common\n"
    )
    env = {**ana.env, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    told = subprocess.run([*program(), "verify"], cwd=repo, env=env, capture_output=True, check=False)
    assert told.returncode == 3
    assert b"crash.txt" in told.stderr


def test_10_nothing_is_there(ana: Home, repo: Path) -> None:
    assert verified(ana, repo, "staging") == 10
    assert ana.vsync("pull", "--at", "20000101-000000", cwd=repo).returncode == 10


def test_11_somebody_was_first(ana: Home, home: Callable[[str], Home], repo: Path) -> None:
    ben = home("ben")
    theirs = clone(ben, repo)
    done(take(ben, theirs, shared(ana, repo)))
    done(ben.vsync("pull", cwd=theirs))
    for person, folder in ((ana, repo), (ben, theirs)):
        (folder / "infra/vault/prod/.env.prod").write_text(f"TOKEN={person.person}\n")
    done(ana.vsync("push", cwd=repo))
    assert ben.vsync("push", cwd=theirs).returncode == 11


def test_12_a_half_is_missing(ana: Home, repo: Path) -> None:
    binding_of(ana, PROD).unlink()
    assert verified(ana, repo, "--ci") == 12


def test_13_not_to_be_trusted(ana: Home, repo: Path, store: Path) -> None:
    (bundle,) = (store / "myapp/prod").glob("v=*")
    data = bundle.read_bytes()
    bundle.chmod(0o600)
    bundle.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert verified(ana, repo, "--ci") == 13


def test_14_the_store_does_not_answer(ana: Home, s3_server: Server, s3_bucket: str) -> None:
    repo = repository(ana)
    with FaultProxy(s3_server.url) as proxy:
        done(add_profile(ana, proxy.url, s3_bucket))
        done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
        (repo / "infra/vault/prod/.env.prod").write_text("A=1\n")
        done(ana.vsync("push", cwd=repo))
    assert verified(ana, repo, "--ci") == 14


def test_15_git_says_no(ana: Home, repo: Path) -> None:
    ana.git("add", "-f", "infra", cwd=repo)
    assert ana.vsync("push", cwd=repo).returncode == 15
    outside = ana.path / "outside"
    outside.mkdir()
    assert verified(ana, outside) == 15


def test_130_interrupted(ana: Home, s3_server: Server, s3_bucket: str) -> None:
    repo, reached = repository(ana), []

    def wait(request: Seen, forward: object) -> None:
        reached.append(request.path)
        time.sleep(1.0)

    with FaultProxy(s3_server.url) as proxy:
        done(add_profile(ana, proxy.url, s3_bucket))
        done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
        proxy.on(wait, times=None)
        child = subprocess.Popen(
            [*program(), "verify"], cwd=repo, env={**ana.env, "PYTHONPATH": str(ROOT)}, stderr=-1, stdout=-1
        )
        while not reached:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    assert child.returncode == 130


def test_there_is_a_story_for_each_code_of_the_contract() -> None:
    codes = set(re.findall(r"(?m)^\| ([0-9]+) \|", (ROOT / "docs/exit-codes.md").read_text()))
    told = set(re.findall(r"(?m)^def test_([0-9]+)_", Path(__file__).read_text("utf-8")))
    assert codes == told
    assert len(codes) == 11


def test_a_verify_of_nothing_is_no_pass(ana: Home) -> None:
    repo = repository(ana)
    told = run_vsync(["verify", "--ci"], repo, ana.env)
    assert told.returncode == 10
    assert "no vault is mapped here" in told.stderr
