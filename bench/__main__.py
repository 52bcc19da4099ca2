"""`python -m bench`: build the data, measure, write docs/performance.md.

--only NAME   one row or series (may be repeated); the document is then printed, not written
--repeat N    as many runs of everything
--quick       few runs, no large data: to see whether it still works
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.cases import CASES, Case
from bench.data import FOLDER, PROJECT, Bench
from bench.growth import SERIES, Series, grow
from bench.measure import Contestant, Failed, Figures, Sample, alternate, run
from bench.report import Machine, Row, render

TARGET = PROJECT / "docs" / "performance.md"
GROWTH_REPEAT = 3
QUICK_REPEAT = 3
CALIBRATIONS = 5  # before every row
LARGE = ("large", "unchanged", "bytes", "files")
_WORK = "import hashlib; hashlib.sha256(bytes(50_000_000)).digest()"


def main() -> int:
    """Measure what was asked for; 1 when a command failed."""
    options = _options()
    chosen = [case for case in CASES if _wanted(case.name, options)]
    grown = [series for series in SERIES if _wanted(series.name, options)]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _server() as endpoint:
        bench = Bench(Path(folder), endpoint)
        try:
            text = _measured(bench, chosen, grown, options)
        except Failed as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    if options.only or options.quick:
        print(text)
    else:
        TARGET.write_text(text, encoding="utf-8")
        print(f"bench: wrote {TARGET.relative_to(PROJECT)}", file=sys.stderr)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="measure vsync against its floors")
    names = [*(case.name for case in CASES), *(series.name for series in SERIES)]
    parser.add_argument("--only", action="append", choices=names, help="one row or series; may be repeated")
    parser.add_argument("--repeat", type=int, help="as many runs of everything")
    parser.add_argument("--quick", action="store_true", help="few runs, no large data; prints only")
    return parser.parse_args()


def _wanted(name: str, options: argparse.Namespace) -> bool:
    if options.only:
        return name in options.only
    return not (options.quick and any(word in name for word in LARGE))


@contextmanager
def _server() -> Iterator[str]:
    """Start the store and return its endpoint; it ends with its standard input."""
    command = (sys.executable, str(FOLDER / "server.py"))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def _measured(
    bench: Bench, cases: Sequence[Case], grown: Sequence[Series], options: argparse.Namespace
) -> str:
    noise: list[Sample] = []
    rows = []
    for case in cases:
        noise += _calibrated(bench)
        rows.append(_measure(case, bench, options))
    results = []
    for series in grown:
        noise += _calibrated(bench)
        print(f"bench: {series.name} …", file=sys.stderr)
        results.append(grow(series, bench, options.repeat or GROWTH_REPEAT))
    return render(_machine(Figures("calibration", tuple(noise)), quick=options.quick), rows, results)


def _calibrated(bench: Bench) -> list[Sample]:
    work = Contestant("calibration", (bench.python, "-I", "-S", "-c", _WORK), bench.root, bench.environ)
    return [run(work) for _ in range(CALIBRATIONS)]


def _measure(case: Case, bench: Bench, options: argparse.Namespace) -> Row:
    repeat = options.repeat or (QUICK_REPEAT if options.quick else case.repeat)
    row = Row(case, alternate(case.build(bench), repeat))
    times = ", ".join(f"{who.name} {who.seconds * 1000:.0f} ms ±{who.spread:.0%}" for who in row.figures)
    print(f"bench: {case.name}: {row.ratio:.2f} ({row.budget}); {times}", file=sys.stderr)
    return row


def _machine(calibration: Figures, *, quick: bool) -> Machine:
    from importlib.metadata import version

    tools = [f"boto3 {version('boto3')}", f"cryptography {version('cryptography')}"]
    tools += [name for name in ("aws", "age", "rclone", "restic") if shutil.which(name)]
    system = f"{platform.system()} {platform.machine()}"
    return Machine(system, platform.python_version(), os.cpu_count() or 1, tools, calibration, quick)


if __name__ == "__main__":
    sys.exit(main())
