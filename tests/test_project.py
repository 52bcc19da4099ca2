"""The project's own promises: two commands to start with, one script for all checks."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Put together here, so that this file does not name them either.
FORBIDDEN = tuple("/".join(parts) for parts in (("", "work", ""), ("..", "shared"), ("", "tmp", "v", "")))


def make(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    # MAKEFLAGS of a `make test` around us must not reach this one.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *words], cwd=ROOT, env={**env, **environ}, capture_output=True, text=True, check=False
    )


def files() -> list[Path]:
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    found = [ROOT / name for name in done.stdout.split("\0") if name]
    assert len(found) > 20
    return [path for path in found if path.is_file()]


def test_make_alone_explains_its_targets() -> None:
    done = make()
    assert done.returncode == 0
    for target in ("demo", "test", "lint", "bench"):
        assert f"make {target} " in done.stdout


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("demo", "git-vsync demo"),
        ("test", "-m pytest -n auto"),
        ("lint", "-m mypy"),
        ("lint", "-m ruff format --check"),
        ("bench", "-m bench"),
    ],
)
def test_a_target_runs_what_it_says(target: str, command: str) -> None:
    done = make("--dry-run", target)
    assert done.returncode == 0
    assert command in done.stdout


def test_a_python_that_is_too_old_is_refused_with_a_reason(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = make("-C", str(tmp_path), "demo", f"PYTHON={old}")
    assert done.returncode != 0
    assert "no Python 3.11 or newer found" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_environment_is_made_anew_when_the_dependencies_change(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    made = tmp_path / ".venv" / ".made"
    made.parent.mkdir()
    made.touch()
    words = ("-C", str(tmp_path), "--dry-run", ".venv/.made")
    assert "up to date" in make(*words).stdout
    os.utime(made, (0, 0))
    assert "rm -rf .venv" in make(*words).stdout


def test_the_check_script_is_executable_and_runs_every_check() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert "export CI=true" in text
    assert [line for line in text.splitlines() if line.startswith("make ")] == [
        "make test",
        "make lint",
        "make demo",
    ]
    subprocess.run(["bash", "-n", script], check=True)


def test_no_file_names_a_place_outside_the_project() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
        if any(word.encode() in line for word in FORBIDDEN)
    ]
    assert wrong == []


def test_every_program_that_a_test_needs_is_installed_by_the_check_script() -> None:
    source = (ROOT / "tests" / "conftest.py").read_text()
    needs = dict(re.findall(r'"([a-z-]+)": "([a-z-]+)"', source))
    assert needs["gnome-keyring-daemon"] == "gnome-keyring"
    script = (ROOT / ".ci" / "run").read_text()
    for program, package in needs.items():
        assert f"[{program}]={package}\n" in script
