"""The guard as git runs it: repositories with staged changes, and the least that has to be done for them.

The floor of a commit is a bare Python plus the one `git diff` that nobody can do without; for many
blobs also reading them. The floor of the backstop is the same commit without it.
"""

import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.data import MEGA, PROJECT, Bench
from bench.measure import Contestant
from vsync.git import Repository
from vsync.hooks import install

GUARD = str(PROJECT / "vsync" / "guard" / "__main__.py")
DIFF = ("git", "diff", "--cached", "--raw", "-z")
CONFIG = '[vault]\nprovider = "file"\nrepo = "bench"\n\n[[vault.sync.mappings]]\nfolder_path = "vault"\n'
BIG_FILES, SMALL_FILES = 3, 997
BIG, SMALL = 5 * 1024 * 1024, 400  # bytes
ADDED = BIG_FILES * BIG + SMALL_FILES * SMALL
"""Bytes of the blobs that the row with most data adds, no two of them the same."""


def small(bench: Bench) -> list[Contestant]:
    """One of 100 files is staged."""
    folder = repository(bench, "guard-small", tracked=100, values=30)
    stage(bench, folder, 1)
    return _staged(bench, folder)


def middle(bench: Bench) -> list[Contestant]:
    """Of 10 000 files 100 are staged."""
    folder = repository(bench, "guard-middle", tracked=10_000, values=30)
    stage(bench, folder, 100)
    return _staged(bench, folder)


def large(bench: Bench) -> list[Contestant]:
    """Of 50 000 files 1 000 are staged, a few of them big, and the vault has 1 000 values."""
    folder = repository(bench, "guard-large", tracked=50_000, values=1000)
    stage(bench, folder, SMALL_FILES, big=BIG_FILES)
    raw = _git(bench, folder, *DIFF[1:], "--no-abbrev")
    blobs = bench.root / "guard-large.blobs"
    blobs.write_bytes(b"".join(_blob(field) + b"\n" for field in raw.split(b"\0") if field.startswith(b":")))
    return _staged(bench, folder, ("git", "cat-file", "--batch"), stdin=blobs)


def backstop(bench: Bench) -> list[Contestant]:
    """Commit what pre-commit looks at, with the `reference-transaction` hook and without it."""
    folder = repository(bench, "guard-backstop", tracked=100, values=30)
    install(Repository.find(folder))
    hook = folder / ".git" / "hooks" / "reference-transaction"
    command = ("git", "-c", "advice.ignoredHook=false", "commit", "-q", "-m", "changed")

    def prepared(mode: int) -> None:
        hook.chmod(mode)
        stage(bench, folder, 1)

    return [
        Contestant("with it", command, folder, bench.environ, lambda: prepared(0o755)),
        Contestant("without", command, folder, bench.environ, lambda: prepared(0o644)),
    ]


def repository(bench: Bench, name: str, *, tracked: int, values: int) -> Path:
    """Make a repository with many small files, and a vault with many values."""
    folder = bench.root / name
    folder.mkdir()
    _git(bench, folder, "init", "-q")
    for number in range(tracked):
        path = _path(folder, number)
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"file {number}\n")
    (folder / "vsync.toml").write_text(CONFIG)
    (folder / ".gitignore").write_text("/vault\n")
    _git(bench, folder, "add", ".")
    _git(bench, folder, "commit", "-q", "-m", "all")
    (folder / "vault").mkdir()
    lines = [f"KEY_{number}={secrets.token_urlsafe(6 + number % 30)}" for number in range(values)]
    (folder / "vault" / ".env.production").write_text("\n".join(lines))
    return folder


def stage(bench: Bench, folder: Path, changed: int, *, big: int = 0) -> None:
    """Change so many files, add so many big ones of what looks like code, and stage them."""
    for number in range(changed):
        _path(folder, number).write_text(secrets.token_hex(SMALL // 2))
    words = [secrets.token_hex(bench.numbers.randrange(1, 6)) for _ in range(5000)]
    for number in range(big):
        text = " ".join(bench.numbers.choices(words, k=BIG // 6))
        (folder / f"big{number}.txt").write_text(text[:BIG])
    _git(bench, folder, "add", ".")


def _path(folder: Path, number: int) -> Path:
    return folder / f"d{number % 100:02}" / f"f{number}.txt"


def _staged(bench: Bench, folder: Path, *more: Sequence[str], stdin: Path | None = None) -> list[Contestant]:
    python = (bench.python, "-I", "-S")
    ours = Contestant("vsync", (*python, GUARD, "--hook", "pre-commit"), folder, bench.environ)
    floor = Contestant(
        "floor", (*python, "-c", "pass"), folder, bench.environ, then=(DIFF, *more), stdin=stdin
    )
    return [ours, floor]


def _blob(field: bytes) -> bytes:
    return field.split()[3]


def _git(bench: Bench, folder: Path, *words: str) -> bytes:
    command = ["git", *words]
    return subprocess.run(command, cwd=folder, env=bench.environ, capture_output=True, check=True).stdout


EXTRA = 0.020 * ADDED / MEGA
"""Seconds that the row with most data is allowed for its bytes: 20 ms a megabyte."""
