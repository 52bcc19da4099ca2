"""What the guard costs as git runs it, against the floor of the same run (`python -m bench.guard`).

The floor of a commit is a bare Python plus the one `git diff` that nobody can do without; for
many blobs also reading them. Ours and the floor are run in turn, and medians are compared.
"""

import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vsync.git import Repository as Checkout
from vsync.hooks import install

ROUNDS = 15
PYTHON = (sys.executable, "-I", "-S")
GUARD = (*PYTHON, str(Path(__file__).resolve().parent.parent / "vsync" / "guard" / "__main__.py"))
DIFF = ("git", "diff", "--cached", "--raw", "-z")
MIB = 1024 * 1024
CONFIG = '[vault]\nprovider = "file"\nrepo = "bench"\n\n[[vault.sync.mappings]]\nfolder_path = "vault"\n'


@dataclass(frozen=True)
class Row:
    """One line of the report: milliseconds, medians of ROUNDS."""

    name: str
    floor: float
    ours: float
    budget: float

    @property
    def holds(self) -> bool:
        """Whether ours is within what the budget allows over the floor."""
        return self.ours <= self.budget

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "MISSED"
        ratio = self.ours / self.floor
        return (
            f"{self.name:<58} floor {self.floor:7.1f}  ours {self.ours:7.1f}  {ratio:5.2f} x  "
            f"budget {self.budget:7.1f}  {verdict}"
        )


def git(folder: Path, *words: str) -> bytes:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=True)
    return done.stdout


def repository(folder: Path, *, tracked: int, values: int) -> Path:
    """Make a repository with many small files and a vault with many values."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    for number in range(tracked):
        path = folder / f"d{number % 100:02}" / f"f{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"file {number}\n")
    (folder / "vsync.toml").write_text(CONFIG)
    (folder / ".gitignore").write_text("/vault\n")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=b", "-c", "user.email=b@b", "commit", "-q", "-m", "all")
    (folder / "vault").mkdir()
    lines = [f"KEY_{number}={secrets.token_urlsafe(6 + number % 30)}" for number in range(values)]
    (folder / "vault" / ".env.production").write_text("\n".join(lines))
    return folder


def stage(folder: Path, small: int, *, big: int = 0) -> int:
    """Stage changes; returns their bytes. Big files are 5 MB of what looks like code."""
    chance = random.Random(1)  # the same data every time
    words = [secrets.token_hex(chance.randrange(1, 6)) for _ in range(5000)]
    for number in range(small):
        (folder / f"d{number % 100:02}" / f"f{number}.txt").write_text(
            f"changed {number} {secrets.token_hex(200)}\n"
        )
    for number in range(big):
        text = " ".join(chance.choices(words, k=5 * MIB // 7))
        (folder / f"big{number}.txt").write_text(text[: 5 * MIB])
    git(folder, "add", ".")
    return small * 410 + big * 5 * MIB


def timed(folder: Path, words: Sequence[str], stdin: bytes = b"") -> float:
    start = time.perf_counter()
    subprocess.run(words, cwd=folder, input=stdin, stdout=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - start) * 1000


def compare(ours: Callable[[], float], floor: Callable[[], float]) -> tuple[float, float]:
    """Return the medians of ours and the floor, run in turn after one round that counts for neither."""
    ours(), floor()
    pairs = [(ours(), floor()) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


def commit_row(folder: Path, name: str, factor: float) -> Row:
    """Measure the guard on what is staged, against Python and the diff."""
    ours, floor = compare(
        lambda: timed(folder, [*GUARD, "--hook", "pre-commit"]),
        lambda: timed(folder, [*PYTHON, "-c", "pass"]) + timed(folder, DIFF),
    )
    return Row(name, floor, ours, floor * factor)


def big_row(folder: Path, staged_bytes: int) -> Row:
    """Measure many staged blobs, against Python, the diff, and reading the same blobs."""
    raw = git(folder, *DIFF[1:], "--no-abbrev")
    blobs = b"\n".join(field.split()[3] for field in raw.split(b"\0") if field.startswith(b":")) + b"\n"
    batch = ("git", "cat-file", "--batch")
    ours, floor = compare(
        lambda: timed(folder, [*GUARD, "--hook", "pre-commit"]),
        lambda: timed(folder, [*PYTHON, "-c", "pass"]) + timed(folder, DIFF) + timed(folder, batch, blobs),
    )
    budget = floor * 1.5 + 20 * staged_bytes / 1e6
    return Row("1 000 staged of 50 000, 3 of 5 MB, 1 000 values", floor, ours, budget)


def backstop_row(folder: Path) -> Row:
    """Measure what the reference-transaction hook adds to a commit that pre-commit has looked at."""
    install(Checkout.find(folder))
    hook = folder / ".git" / "hooks" / "reference-transaction"
    who = ("-c", "user.name=b", "-c", "user.email=b@b", "-c", "advice.ignoredHook=false")
    words = ("git", *who, "commit", "-q", "-m", "x")

    def commit(*, guarded: bool) -> float:
        hook.chmod(0o755 if guarded else 0o644)
        (folder / "d00" / "f0.txt").write_text(secrets.token_hex(20))
        git(folder, "add", ".")
        return timed(folder, words)

    ours, floor = compare(lambda: commit(guarded=True), lambda: commit(guarded=False))
    return Row("commit with the backstop, over the same without", floor, ours, floor + 15)


def rows() -> list[Row]:
    """Build the data and measure the first four rows of the budgets."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
        small = repository(folder / "small", tracked=100, values=30)
        stage(small, 1)
        middle = repository(folder / "middle", tracked=10_000, values=30)
        stage(middle, 100)
        large = repository(folder / "large", tracked=50_000, values=1000)
        staged_bytes = stage(large, 997, big=3)
        return [
            commit_row(small, "1 staged of 100", 1.3),
            commit_row(middle, "100 staged of 10 000", 1.5),
            big_row(large, staged_bytes),
            backstop_row(small),
        ]


if __name__ == "__main__":
    for row in rows():
        print(row)
