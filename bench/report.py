"""Figures → docs/performance.md. Nothing here measures."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.cases import Case
from bench.growth import Grown
from bench.measure import Figures, ratio, ratio_quartiles

MEGA = 1_000_000


@dataclass(frozen=True)
class Row:
    """One case as it was measured: ours first, then the floor, then peers."""

    case: Case
    figures: Sequence[Figures]

    @property
    def ratio(self) -> float:
        """How many times the floor ours took."""
        return ratio(self.figures[0], self.figures[1])

    @property
    def met(self) -> bool:
        """Whether time and memory are within the budget."""
        fits = self.case.memory is None or self.figures[0].peak <= self.case.memory
        ours, floor = (figures.seconds for figures in self.figures[:2])
        return ours <= floor * self.case.budget + self.case.extra and fits

    @property
    def budget(self) -> str:
        """The budget as it was given: times the floor, and milliseconds where there are some more."""
        extra = f" + {self.case.extra * 1000:.0f} ms" if self.case.extra else ""
        return f"≤ {self.case.budget:g}{extra}"


@dataclass(frozen=True)
class Machine:
    """What it was measured on; `calibration` is a fixed piece of work, run between the rows."""

    system: str
    python: str
    cores: int
    tools: Sequence[str]
    calibration: Figures
    quick: bool = False


def render(machine: Machine, rows: Sequence[Row], grown: Sequence[Grown]) -> str:
    """Return the document."""
    parts = [_HEAD, _on(machine)]
    if rows:
        parts += ["## Ratios", _ratios(rows)]
        if any(row.case.memory for row in rows):
            parts += ["## Memory", _memory(rows)]
        if any(len(row.figures) > 2 for row in rows):
            parts += ["## Peers", _peers(rows)]
    if grown:
        parts += ["## How cost grows", *map(_grown, grown)]
    return "\n\n".join([*parts, _HOW]) + "\n"


def _on(machine: Machine) -> str:
    noise = machine.calibration
    slowest = max(sample.seconds for sample in noise.samples) / noise.seconds
    tools = f", with {', '.join(machine.tools)}" if machine.tools else ""
    text = (
        f"Measured on {machine.system}, {machine.cores} cores, Python {machine.python}{tools}.\n"
        f"Noise: a fixed piece of work ({noise.seconds * 1000:.0f} ms of SHA-256 in a fresh process), run\n"
        f"{len(noise.samples)} times between the rows, varied by ±{noise.spread:.0%} (half the distance "
        f"between the quartiles); its slowest run took {slowest:.1f} times the median. Differences smaller "
        "than that mean nothing."
    )
    return text + ("\n**A quick run: few repeats, no figure to rely on.**" if machine.quick else "")


def _ratios(rows: Sequence[Row]) -> str:
    table = [
        ("what", "data", "floor", "runs", "ours, ms", "floor, ms", "ratio", "quartiles", "budget", ""),
        ("---", "---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---"),
    ]
    for row in rows:
        ours, floor, case = row.figures[0], row.figures[1], row.case
        low, high = ratio_quartiles(ours, floor)
        cells = (case.what, case.data, case.floor, str(len(ours.samples)))
        times = (
            _milliseconds(ours),
            _milliseconds(floor),
            f"**{row.ratio:.2f}**",
            f"{low:.2f} to {high:.2f}",
        )
        table.append((*cells, *times, row.budget, "met" if row.met else "**over**"))
    return _table(table)


def _memory(rows: Sequence[Row]) -> str:
    table: list[Sequence[str]] = [
        ("what", "data", "ours, MB", "floor, MB", "budget, MB"),
        ("---", "---", "---:", "---:", "---:"),
    ]
    for row in rows:
        if row.case.memory is not None:
            peaks = [f"{figures.peak / MEGA:.0f}" for figures in row.figures[:2]]
            table.append((row.case.what, row.case.data, *peaks, f"≤ {row.case.memory / MEGA:.0f}"))
    return "Peak resident memory of the largest process, the highest of all runs.\n\n" + _table(table)


def _peers(rows: Sequence[Row]) -> str:
    table = [("what", "data", "peer", "ms", "times the floor", "vsync"), ("---",) * 3 + ("---:",) * 3]
    for row in rows:
        for peer in row.figures[2:]:
            times = (f"{ratio(peer, row.figures[1]):.2f}", f"{row.ratio:.2f}")
            table.append((row.case.what, row.case.data, peer.name, _milliseconds(peer), *times))
    return (
        "Programs that were on PATH, doing their part of the same in the same turns: a plain copy does "
        "not encrypt, and none keeps a pointer, a lock or a log.\n\n" + _table(table)
    )


def _grown(grown: Grown) -> str:
    names = [figures.name for figures in grown.rows[0][1]]
    head = (grown.series.unit, *(f"{name}, ms" for name in names), "peak, MB")
    table = [head, ("---:",) * len(head)]
    for size, figures in grown.rows:
        peak = max(found.peak for found in figures) / MEGA
        table.append((f"{size:,}".replace(",", " "), *map(_milliseconds, figures), f"{peak:.0f}"))
    return f"**{grown.series.what}**\n\n" + _table(table)


def _milliseconds(figures: Figures) -> str:
    return f"{figures.seconds * 1000:.{1 if figures.seconds < 0.1 else 0}f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


_HEAD = """\
# Performance

Written by `make bench`; do not edit. Every figure is the wall-clock time of whole processes, from the start
of the command to its end, as a ratio to a *floor*: the least that has to be done, measured in the same
minutes on the same machine."""

_HOW = """\
## How it is measured

- Ours, the floor and the peers run in turn (A B A B …), after one round that does not count; medians.
  *quartiles* are those of the ratios of neighbouring runs, which see the same load. Rows with much data have
  fewer runs, as the column says.
- Ours is `git vsync …` as git finds it on PATH, in a fresh environment of the same Python that holds nothing
  but vsync and what it needs: an editable installation runs code of its own at every start of Python, which
  would flatter our ratios.
- The floors are `bench/floors.py`: boto3 as anybody would write it, with its own defaults, and nothing else.
- The guard is started as its hook starts it. Its floor is several processes one after the other, their times
  added up. What a budget allows on top of a ratio is said in milliseconds: 20 for each megabyte that is
  added, and 15 for the backstop.
- The store is `bench/server.py`, a small S3 server in memory on loopback, in a process of its own. moto,
  which the tests use, copies and hashes every body several times and would drown the differences.
  Loopback has no latency: over a real network every ratio comes closer to 1.
- The vault key comes from `VSYNC_KEY`, so that one derivation (PBKDF2, 600 000 rounds) is what ours does,
  too; a keychain costs its own time on top.
- Before each push one file is changed; before each pull the vault folder is removed. Both write to the disk
  and sync it (ours) or leave that to the system (the floors).
- Memory is what `wait4` reports of the process itself, its children included; a process that starts from a
  larger one never reports less than that one had, here about 20 MB.
- No test has a time limit; these figures are for people to look at."""
