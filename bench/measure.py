"""Whole processes, in turn, by the wall clock; medians, and how far single runs lie from them."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Contestant:
    """One command to be measured, and what runs `then`, one after the other, with the times added up.

    `prepare` runs before each time and is not counted; `stdin` is a file.
    """

    name: str
    command: Sequence[str]
    cwd: Path
    environ: Mapping[str, str]
    prepare: Callable[[], None] = nothing
    then: Sequence[Sequence[str]] = ()
    stdin: Path | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: wall-clock seconds, and the peak memory of its largest process in bytes."""

    seconds: float
    peak: int


@dataclass(frozen=True)
class Figures:
    """All runs of one contestant."""

    name: str
    samples: Sequence[Sample] = field(default_factory=tuple)

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def peak(self) -> int:
        """The largest of all runs, in bytes."""
        return max(sample.peak for sample in self.samples)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a part of the median."""
        return _half_quartiles([sample.seconds for sample in self.samples]) / self.seconds


def _half_quartiles(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2


def ratio(ours: Figures, floor: Figures) -> float:
    """Return how many times the floor ours takes: the quotient of the medians."""
    return ours.seconds / floor.seconds


def ratio_quartiles(ours: Figures, floor: Figures) -> tuple[float, float]:
    """Return the quartiles of the quotients of neighbouring runs: load on the machine hits both."""
    pairs = [a.seconds / b.seconds for a, b in zip(ours.samples, floor.samples, strict=True)]
    if len(pairs) < 2:
        return pairs[0], pairs[0]
    low, _, high = statistics.quantiles(pairs, n=4, method="inclusive")
    return low, high


class Failed(Exception):
    """A command that was to be measured did not do its work."""


def run(contestant: Contestant) -> Sample:
    """Run once; Failed, with what it said, unless it exits with 0."""
    contestant.prepare()
    samples = [_run(contestant, command) for command in (contestant.command, *contestant.then)]
    return Sample(sum(sample.seconds for sample in samples), max(sample.peak for sample in samples))


def _run(contestant: Contestant, command: Sequence[str]) -> Sample:
    with tempfile.TemporaryFile() as said, open(contestant.stdin or os.devnull, "rb") as stdin:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=contestant.cwd,
            env=dict(contestant.environ),
            stdin=stdin,
            # A file would have to be written, and that is nobody's work.
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        # wait4 tells what this one child used; getrusage would add up all there ever were.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            text = said.read().decode("utf-8", "replace").strip()
            raise Failed(f"{contestant.name} exited with {process.returncode}: {text[-2000:]}")
    return Sample(seconds, usage.ru_maxrss * 1024)


def alternate(contestants: Sequence[Contestant], repeat: int, *, warm: int = 1) -> list[Figures]:
    """Run all in turn, A B A B …, `repeat` times each, after `warm` rounds that do not count."""
    samples: list[list[Sample]] = [[] for _ in contestants]
    for number in range(-warm, repeat):
        for index, contestant in enumerate(contestants):
            sample = run(contestant)
            if number >= 0:
                samples[index].append(sample)
    return [Figures(who.name, tuple(found)) for who, found in zip(contestants, samples, strict=True)]
