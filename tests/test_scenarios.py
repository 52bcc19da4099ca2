"""Whole stories, as a person types them: tests/scenarios/*.txt.

    # a comment
    on ben                      the machine the next lines are typed on; `ana` at first
    $ git vsync push            a command, run by sh in this person's work tree
    ? 11                        its exit code, 0 when left out
    | text                      a line of stdout
    ! text                      a line of stderr
    gone PATH                   there must be no such file
    mode 600 PATH               the file must have this mode

All lines of both streams must be there, in order. `…` stands for anything within a line, and a
line that is only `…` for any number of lines. $SHARED is a folder that all machines reach.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.homes import Home, program

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(__file__).resolve().parent / "scenarios"
SCENARIOS = sorted(FOLDER.glob("*.txt"))


@dataclass
class Step:
    """One line of a scenario, and what must follow it."""

    number: int
    text: str
    code: int = 0
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)


def parse(text: str) -> list[Step]:
    """Return the steps; ValueError names a line that means nothing."""
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        mark, _, rest = line.partition(" ")
        if mark in {"$", "on", "gone", "mode"}:
            steps.append(Step(number, line))
        elif mark == "?":
            steps[-1].code = int(rest)
        elif mark in {"|", "!"}:
            (steps[-1].out if mark == "|" else steps[-1].err).append(rest)
        elif mark not in {"", "#"}:
            raise ValueError(f"line {number} means nothing: {line!r}")
    return steps


def pattern(lines: list[str]) -> "re.Pattern[str]":
    """Return the expression that a whole stream must match."""
    any_lines, in_line = "(?:.*\n)*?", ".*?"
    parts = [
        any_lines if line == "…" else in_line.join(map(re.escape, line.split("…"))) + "\n" for line in lines
    ]
    return re.compile("".join(parts))


class Story:
    """The machines of one scenario."""

    def __init__(self, home: Callable[[str], Home], shared: Path) -> None:
        self._home, self._shared = home, shared
        self._people: dict[str, Home] = {}
        self._now = self._person("ana")

    def _person(self, name: str) -> Home:
        if name not in self._people:
            self._people[name] = self._home(name)
            (self._people[name].path / "work").mkdir()
        return self._people[name]

    @property
    def work(self) -> Path:
        return self._now.path / "work"

    def do(self, step: Step) -> None:
        """Carry one step out and judge it."""
        mark, _, rest = step.text.partition(" ")
        if mark == "$":
            self._run(step, rest)
        elif mark == "on":
            self._now = self._person(rest)
        elif mark == "gone":
            assert not os.path.lexists(self._path(rest)), f"line {step.number}: {rest} is there"
        else:
            mode, path = rest.split(" ", 1)
            assert f"{self._path(path).stat().st_mode & 0o777:o}" == mode, f"line {step.number}"

    def _path(self, text: str) -> Path:
        return self.work / text.replace("$SHARED", str(self._shared)).replace("$HOME", str(self._now.path))

    def _run(self, step: Step, line: str) -> None:
        folder = Path(shlex.split(program()[0])[0]).parent
        env = {**self._now.env, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        env["SHARED"] = str(self._shared)
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.work,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        told = f"line {step.number}: {line}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == step.code, f"{done.returncode} instead of {step.code}, {told}"
        assert pattern(step.out).fullmatch(done.stdout), told
        assert pattern(step.err).fullmatch(done.stderr), told


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_story_goes_as_it_is_written(path: Path, home: Callable[[str], Home], tmp_path: Path) -> None:
    story = Story(home, tmp_path)
    for step in parse(path.read_text("utf-8")):
        story.do(step)


def test_there_are_stories_and_each_does_something() -> None:
    assert len(SCENARIOS) >= 5
    for path in SCENARIOS:
        steps = parse(path.read_text("utf-8"))
        assert sum(step.text.startswith("$") for step in steps) >= 4, path


def test_the_runner_notices_what_is_not_as_written(home: Callable[[str], Home], tmp_path: Path) -> None:
    story = Story(home, tmp_path)
    wrong = [
        "$ echo a\n| b",
        "$ echo a",
        "$ false",
        "$ true\n? 1",
        "$ echo a >&2",
        "$ echo ab\n| a",
        "gone .",
    ]
    for text in wrong:
        with pytest.raises(AssertionError):
            story.do(parse(text)[0])
    story.do(parse("$ echo one; echo two; echo three; exit 3\n? 3\n| …\n| th…e")[0])
    with pytest.raises(ValueError, match="line 1 means nothing"):
        parse("echo a")
