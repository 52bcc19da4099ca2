"""The guard as a program: one in every way it is started, and light."""

import os
import subprocess
import sys

import pytest

from tests.guard.repositories import GUARD, ROOT, Repository

HEAVY = {
    "click",
    "boto3",
    "keyring",
    "cryptography",
    "git",
    "dotenv",
    "subprocess",
    "re",
    "typing",
    "pathlib",
}
VSYNC = [sys.executable, "-m", "vsync"]


@pytest.mark.parametrize(
    "start",
    [
        GUARD,
        [sys.executable, "-m", "vsync.guard"],
        [*VSYNC, "guard"],
        [*VSYNC, "--no-input", "guard"],
        [sys.executable, "-c", "from vsync.cli.main import main; main()", "guard"],
    ],
)
def test_however_it_is_started_it_says_the_same(mapped: Repository, start: list[str]) -> None:
    mapped.stage(".env", "KEY=secret\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(start, cwd=mapped.top, env=env, capture_output=True, text=True, check=False)
    wanted = mapped.guard()
    assert (done.returncode, done.stdout, done.stderr) == (1, wanted.stdout, wanted.stderr)
    named = subprocess.run(
        [*start, "--json", "vsync.toml"], cwd=mapped.top, env=env, capture_output=True, text=True, check=False
    )
    assert (named.returncode, named.stdout) == (0, mapped.guard("--json", "vsync.toml").stdout)


def test_options_before_the_verb_reach_it(mapped: Repository) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = ["-C", str(mapped.top), "--json", "guard"]
    done = subprocess.run([*VSYNC, *words], cwd="/", env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, mapped.guard("--json").stdout)


def _imported(words: list[str], mapped: Repository) -> set[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPROFILEIMPORTTIME": "1"}
    start = [sys.executable, "-S", "-X", "importtime", *words]
    done = subprocess.run(start, cwd=mapped.top, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}


def test_a_clean_commit_imports_next_to_nothing(mapped: Repository) -> None:
    mapped.stage("a.txt", "harmless\n")
    mapped.guard("--hook", "pre-commit")  # the rules are prepared once
    imported = _imported([*GUARD[3:], "--hook", "pre-commit"], mapped)
    assert "_sha3" in imported
    assert not imported & {*HEAVY, "os", "__future__"}


def test_the_short_way_imports_none_of_the_libraries(mapped: Repository) -> None:
    light = {"click", "boto3", "keyring", "cryptography", "git", "dotenv"}
    assert not _imported(["-m", "vsync", "guard"], mapped) & light


def test_a_reader_that_has_gone_makes_it_no_pass(mapped: Repository) -> None:
    for number in range(100):
        mapped.stage(f"{number}{'x' * 200}/.env", "".join(f"KEY{i}=secret\n" for i in range(99)))
    with subprocess.Popen(
        GUARD, cwd=mapped.top, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
    assert process.returncode == 1


def test_secrets_in_the_environment_reach_no_git(mapped: Repository, tmp_path: os.PathLike[str]) -> None:
    # attack 52
    seen = os.path.join(tmp_path, "seen")
    fake = os.path.join(tmp_path, "git")
    with open(fake, "w", encoding="ascii") as file:
        file.write(f'#!/bin/sh\nenv >> {seen}\nPATH="${{PATH#*:}}" exec git "$@"\n')
    os.chmod(fake, 0o755)
    mapped.guard(PATH=f"{tmp_path}:{os.environ['PATH']}", VSYNC_KEY="canary")
    with open(seen, encoding="utf-8") as file:
        said = file.read()
    assert "GIT_OPTIONAL_LOCKS=0" in said
    assert "canary" not in said
