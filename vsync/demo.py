"""The whole story in a temporary folder: two machines, a real repository, store, keys and hooks.

Each step runs the program as a user would and checks what it claims; nothing is simulated but
the second machine, which is another home folder.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vsync.model import Result

ENV_TEXT = "DATABASE_URL=postgres://app:tulip-harbor-9@db.example.org/app\nSTRIPE_KEY=sk_live_demo_51H8x\n"
KEY_TEXT = "-----BEGIN DEMO KEY-----\nbm90IGEgcmVhbCBrZXk=\n-----END DEMO KEY-----\n"
TIMEOUT_SECONDS = 60


class StepFailed(Exception):
    """A step did not do what it says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str


class Machine:
    """One person's machine: a home of its own, and keys in a passphrase-sealed file."""

    def __init__(self, root: Path, name: str) -> None:
        self.home = root / name
        self.code = self.home / "app"
        configuration = self.home / ".config" / "vsync"
        configuration.mkdir(parents=True, mode=0o700)
        (configuration / "config.toml").write_text('[keys]\nstore = "sealed-file"\n')
        self._environ = _clean_environ() | {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local" / "share"),
            "VSYNC_KEYS_PASSPHRASE": f"the sealed file of {name} in the demo",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _person(name)
            },
            "EMAIL": f"{name}@example.org",
        }

    @property
    def vault(self) -> Path:
        """The vault folder of the demo's one environment."""
        return self.code / "infra" / "vault" / "dev"

    def run(self, *words: str, stdin: str = "", folder: Path | None = None) -> Answer:
        """Run a program on this machine."""
        done = subprocess.run(
            words,
            cwd=folder or self.code,
            env=self._environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def git(self, *words: str, folder: Path | None = None) -> Answer:
        """Run git; StepFailed unless it succeeds."""
        return expect(0, self.run("git", *words, folder=folder))

    def vsync(self, *words: str, code: int = 0, stdin: str = "") -> Answer:
        """Run vsync without asking anybody; StepFailed unless it exits with `code`."""
        return expect(code, self.run(sys.executable, "-m", "vsync", "--no-input", *words, stdin=stdin))


def _person(name: str) -> tuple[tuple[str, str], ...]:
    return (("NAME", name.title()), ("EMAIL", f"{name}@example.org"))


def _clean_environ() -> dict[str, str]:
    """Return this process's environment without what would reach into the demo."""
    foreign = ("VSYNC_", "GIT_", "AWS_", "XDG_", "DBUS_")
    return {key: value for key, value in os.environ.items() if not key.startswith(foreign)}


def expect(code: int, answer: Answer) -> Answer:
    """Return the answer if its exit code is the one expected."""
    if answer.code != code:
        said = (answer.err or answer.out).strip().splitlines()
        raise StepFailed(f"exit code {answer.code} instead of {code}: {said[0] if said else 'no output'}")
    return answer


def check(claim: bool, otherwise: str) -> None:
    """Fail the step unless what it claims holds."""
    if not claim:
        raise StepFailed(otherwise)


class Story:
    """The steps, in order; each method does one and returns the line that tells it."""

    def __init__(self, root: Path) -> None:
        self.store = root / "store"
        self.ana = Machine(root, "ana")
        self.ben = Machine(root, "ben")
        self._share = root / "app-dev.share"

    def steps(self) -> tuple[Callable[[], str], ...]:
        """Return the steps as product contract §3 lists them."""
        return (
            self.make_vault,
            self.push,
            self.commit,
            self.share,
            self.second_machine,
            self.pull,
            self.both_edit,
            self.blocked_commit,
            self.tampering,
            self.rollback,
        )

    def make_vault(self) -> str:
        """Ana has a repository with a plain .env in it."""
        self.ana.code.mkdir()
        self.ana.git("init", "-q", "-b", "main")
        (self.ana.code / ".env").write_text(ENV_TEXT)
        self.ana.vsync("init", "dev", "--store", self.store.as_uri(), "--from", ".env")
        (self.ana.vault / "server.pem").touch(mode=0o600)
        (self.ana.vault / "server.pem").write_text(KEY_TEXT)
        check((self.ana.code / ".env").is_symlink(), ".env was not linked back")
        self.ana.git("add", "-A")
        staged = self.ana.git("diff", "--cached", "--name-only").out.split()
        check(staged == [".gitignore", "vsync.toml"], f"git would take {staged}")
        return "init: .env moved into infra/vault/dev, which git ignores; key and location kept apart"

    def push(self) -> str:
        """The folder becomes an encrypted version."""
        self.ana.vsync("push")
        objects = [path.read_bytes() for path in self.store.rglob("*") if path.is_file()]
        check(len(objects) >= 3, "bundle, pointer and audit log are not all there")  # noqa: PLR2004
        check(
            not any(b"tulip-harbor" in data or b"STRIPE" in data for data in objects),
            "plaintext in the store",
        )
        return "push: one encrypted bundle, one authenticated pointer; no plaintext in the store"

    def commit(self) -> str:
        """What is committed are names and a version."""
        self.ana.git("add", "-A")
        self.ana.git("commit", "-q", "-m", "keep secrets with vsync")
        lock = self.ana.git("show", "HEAD:vsync.lock").out
        check("STRIPE_KEY" in lock and "sk_live" not in lock, "vsync.lock is not what it should be")
        return "commit: vsync.lock says which bundle this commit belongs to: names, never values"

    def share(self) -> str:
        """Both halves leave for a colleague."""
        answer = self.ana.vsync("--json", "export", "dev", "--out", str(self._share))
        self._words = str(json.loads(answer.out)["results"][0]["passphrase"])
        check(len(self._words.split("-")) >= 6, "the passphrase is too short")  # noqa: PLR2004
        return "export: app-dev.share, sealed under a passphrase of six words"

    def second_machine(self) -> str:
        """Ben clones and imports."""
        self.ben.git("clone", "-q", str(self.ana.code), str(self.ben.code), folder=self.ben.home)
        self.ben.vsync("pull", code=12)
        self.ben.vsync("import", str(self._share), "--passphrase", "-", "--yes", stdin=self._words)
        return "import: on ben's machine nothing opens before, everything after"

    def pull(self) -> str:
        """The same folder appears on the other machine."""
        self.ben.vsync("pull")
        self.ben.vsync("use", "dev")
        check(_tree(self.ben.vault) == _tree(self.ana.vault), "the two folders differ")
        check((self.ben.code / ".env").read_text() == ENV_TEXT, ".env is not the vault's")
        return "pull: ben has the same files, byte for byte, 0600 in a folder of 0700"

    def both_edit(self) -> str:
        """Two people change the vault at once."""
        for machine, line in ((self.ben, "NEW_FROM_BEN=1\n"), (self.ana, "NEW_FROM_ANA=1\n")):
            with (machine.vault / ".env.dev").open("a") as file:
                file.write(line)
        self.ben.vsync("push")
        refused = self.ana.vsync("push", code=11)
        check("ben@example.org" in refused.err, "the refusal does not say who was first")
        self.ana.vsync("pull", code=11)
        self.ana.vsync("pull", "--merge")
        both = (self.ana.vault / ".env.dev").read_text()
        check("NEW_FROM_BEN=1" in both and "NEW_FROM_ANA=1" in both, "the merge lost an edit")
        self.ana.vsync("push")
        return "push: ana is told that ben was first; pull --merge keeps what both of them changed"

    def blocked_commit(self) -> str:
        """Somebody forces plaintext into the index."""
        self.ana.vsync("hook", "install")
        self.ana.git("add", "-f", "infra/vault/dev/.env.dev")
        blocked = self.ana.run("git", "commit", "-q", "-m", "oops")
        check(blocked.code != 0, "the commit went through")
        check("tulip-harbor" not in blocked.err + blocked.out, "the refusal shows the value")
        self.ana.git("reset", "-q")
        return "commit: `git add -f` of a secret is stopped by the hook, which shows no value"

    def tampering(self) -> str:
        """Somebody with access to the store changes one bit."""
        bundle = max(self.store.rglob("v=*"))
        before = bundle.read_bytes()
        (self.ben.vault / "server.pem").unlink()
        tree = _tree(self.ben.vault)
        bundle.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        self.ben.vsync("pull", "--backup", code=13)
        check(_tree(self.ben.vault) == tree, "the refused bundle changed the folder")
        bundle.write_bytes(before)
        self.ben.vsync("pull", "--backup")
        return "pull: a bundle with one flipped bit is refused, and the folder stays as it was"

    def rollback(self) -> str:
        """Somebody sets the whole store back to an older, consistent state."""
        pointer = next(self.store.rglob("manifest"))
        old = pointer.read_bytes()
        with (self.ben.vault / ".env.dev").open("a") as file:
            file.write("ROTATED=1\n")
        self.ben.vsync("push")
        pointer.write_bytes(old)
        refused = self.ben.vsync("pull", code=13)
        check("older" in refused.err, "the refusal does not say why")
        return "pull: a store that was set back is refused: this machine remembers"


def _tree(folder: Path) -> dict[str, tuple[str, int]]:
    """Return path → digest and mode of everything in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        found[str(path.relative_to(folder))] = (content, path.stat().st_mode & 0o777)
    return found


def tell(root: Path) -> Iterator[Result]:
    """Run the steps below `root`; yields one result a step and stops at the first that fails."""
    for step in Story(root).steps():
        try:
            line = step()
        except (StepFailed, OSError, subprocess.TimeoutExpired, LookupError, ValueError) as error:
            yield Result(
                None, "failed", f"FAILED  {step.__doc__}: {error}", data={"step": step.__name__}, code=1
            )
            return
        yield Result(None, "ok", f"ok  {line}", data={"step": step.__name__})
