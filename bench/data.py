"""The data: repositories with vaults, one home, one store, an interpreter with nothing extra in it."""

import json
import os
import random
import shutil
import subprocess
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.floors import PASSWORD, SALT
from bench.measure import Contestant, nothing, run

FOLDER = Path(__file__).parent
PROJECT = FOLDER.parent
BUCKET = "bench"
KEY_ID = "AKIABENCH00000000000"
SECRET = "not-a-secret-the-server-checks-nothing"
KILO, MEGA = 1000, 1_000_000


@dataclass
class Bench:
    """A temporary folder with everything in it; `environ` is all that measured commands get."""

    root: Path
    endpoint: str
    environ: dict[str, str] = field(default_factory=dict)
    numbers: random.Random = field(default_factory=lambda: random.Random(20_260_523))

    def __post_init__(self) -> None:
        home = self.root / "home"
        home.mkdir()
        (home / ".gitconfig").write_text("[user]\n\tname = Bench\n\temail = bench@example.com\n")
        self.environ = {
            "PATH": f"{self.root / 'venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "TMPDIR": str(self.root),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "VSYNC_KEY": PASSWORD,
            "BENCH_ENDPOINT": self.endpoint,
            "BENCH_BUCKET": BUCKET,
            "BENCH_KEY_ID": KEY_ID,
            "BENCH_SECRET": SECRET,
        }
        _make_interpreter(self.root / "venv")

    @property
    def python(self) -> str:
        """The interpreter that is measured."""
        return str(self.root / "venv" / "bin" / "python")

    def floor(self, what: str, *arguments: object) -> Contestant:
        """Return one of floors.py."""
        command = (self.python, "-P", str(FOLDER / "floors.py"), what, *map(str, arguments))
        return Contestant("floor", command, self.root, self.environ)

    def script(self, name: str, text: str) -> Contestant:
        """Return a few lines of Python."""
        return Contestant(name, (self.python, "-c", text), self.root, self.environ)

    def store(self, path: Path, key: str) -> None:
        """Put a file into the bucket, for a floor to get."""
        run(self.floor("upload", path, key))

    def noise(self, count: int) -> bytes:
        """Return bytes that do not shrink."""
        return self.numbers.randbytes(count)

    def words(self, count: int) -> bytes:
        """Return bytes that shrink as configuration does."""
        lines = []
        size = 0
        while size < count:
            number = self.numbers.randrange(10**6)
            lines.append(f"SETTING_{number} = postgres://user:{number:x}@db.example.com:5432/app\n")
            size += len(lines[-1])
        return "".join(lines).encode()[:count]


def _make_interpreter(folder: Path) -> None:
    """Make an environment like one that vsync was installed into, and nothing else.

    An editable installation, and some test tools, run code of theirs at every start of Python;
    that would make the floor slow and us look fast.
    """
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    packages = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    installed = sysconfig.get_path("purelib")
    Path(packages, "bench.pth").write_text(f"{PROJECT}\n{installed}\n")
    script = folder / "bin" / "git-vsync"
    script.write_text(
        f"#!{folder / 'bin' / 'python'}\nimport sys\nfrom vsync.cli.main import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)


@dataclass(frozen=True)
class Checkout:
    """A repository with vaults called `v0`, `v1`, …, each with a binding on this machine."""

    bench: Bench
    name: str
    vaults: int = 1

    @property
    def top(self) -> Path:
        """The work tree."""
        return self.bench.root / self.name

    def vault(self, number: int = 0) -> Path:
        """The folder of one vault."""
        return self.top / "infra" / "vault" / f"v{number}"

    def make(self) -> "Checkout":
        """Create repository, configuration and bindings; the vaults hold a small env file each."""
        self.top.mkdir()
        subprocess.run(("git", "init", "-q"), cwd=self.top, env=self.bench.environ, check=True)
        (self.top / ".gitignore").write_text("/infra/vault\n/.env\n")
        (self.top / "vsync.toml").write_text(configuration(self.name, self.vaults))
        for number in range(self.vaults):
            self._bind(number)
            self.write(f".env.v{number}", b"DATABASE_URL=postgres://db.example.com/app\n", number)
        return self

    def _bind(self, number: int) -> None:
        path = Path(self.bench.environ["XDG_CONFIG_HOME"], "vsync", self.name, f"env_v{number}")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = {
            "version": 1,
            "s3": {
                "endpoint": self.bench.endpoint,
                "bucket": BUCKET,
                "accessKeyId": KEY_ID,
                "secretAccessKey": SECRET,
            },
            "encryption": {"salt": SALT.decode()},
            "files": {},
            "audit": {"enabled": True},
            "prefix": self.prefix(number),
        }
        path.write_text(json.dumps(document))
        path.chmod(0o600)

    def prefix(self, number: int = 0) -> str:
        """Where the vault is in the bucket."""
        return f"{self.name}/v{number}/"

    def write(self, path: str, data: bytes, number: int = 0) -> None:
        """Write a file of a vault."""
        target = self.vault(number) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def fill(self, files: int, size: int, *, shrinks: bool) -> "Checkout":
        """Add `files` files of together `size` bytes to the first vault."""
        make = self.bench.words if shrinks else self.bench.noise
        for number in range(files):
            path = f"d{number % 10}/file{number}.bin"
            self.write(path, b"")
            # In pieces: a process we start would report the memory that we have ourselves.
            with (self.vault() / path).open("wb") as file:
                for start in range(0, size // files, MEGA):
                    file.write(make(min(MEGA, size // files - start)))
        return self

    def change(self) -> None:
        """Make the first vault differ from what was pushed last."""
        self.write(".env.v0", f"DATABASE_URL={self.bench.numbers.randrange(10**9):09}\n".encode())

    def remove(self) -> None:
        """Remove the first vault, as on a machine that has never pulled."""
        shutil.rmtree(self.vault(), ignore_errors=True)

    def ours(self, *words: str, prepare: Callable[[], None] = nothing) -> Contestant:
        """Return `git vsync WORDS` in this repository."""
        command = ("git", "vsync", "--no-input", *words)
        return Contestant(f"vsync {words[0]}", command, self.top, self.bench.environ, prepare)

    def zipped(self) -> Path:
        """Return a ready zip of the first vault."""
        path = self.bench.root / f"{self.name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(self.vault().rglob("*")):
                archive.write(file, file.relative_to(self.vault()))
        return path


def configuration(repo: str, vaults: int) -> str:
    """Return a `vsync.toml` of so many mappings."""
    rows = [
        f'\n[[vault.sync.mappings]]\nsecret_name = "{repo}/v{number}"\n'
        f'folder_path = "infra/vault/v{number}"\nenvironment = "v{number}"\n'
        for number in range(vaults)
    ]
    return f'[vault]\nprovider = "s3"\nrepo = "{repo}"\n' + "".join(rows)
