"""People, repositories and terminals for tests of whole commands.

ana = home("ana")
repo = repository(ana)
done(ana.vsync("init", "prod", "--store", store, cwd=repo))
refused(ana.vsync("push", cwd=repo), 10, "no folder")
code, screen = on_a_terminal(ana, ("init",), repo, [("environment", "prod")])
"""

import json
import os
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.homes import Home, program
from tests.s3server import KEY_ID, SECRET
from vsync.model import SecretName

Completed = subprocess.CompletedProcess[str]
CANARY = "canary-value-that-nobody-may-see"
PROD = SecretName("myapp", "prod")
SHARE_WORDS = "correct-horse-battery-staple-on-the-moon"
PATIENCE_SECONDS = 30.0
_ROOT = Path(__file__).resolve().parent.parent
_TAKE_TERMINAL = (
    "import fcntl,os,sys,termios;fcntl.ioctl(0,termios.TIOCSCTTY,0);os.execv(sys.argv[1],sys.argv[1:])"
)


def repository(home: Home, *, origin: str = "https://git.example.com/acme/myapp.git") -> Path:
    """Make a git repository with an origin that is never asked."""
    folder = home.path / "work"
    folder.mkdir(parents=True)
    home.git("init", "-q", cwd=folder)
    home.git("remote", "add", "origin", origin, cwd=folder)
    return folder


def commit(home: Home, repo: Path) -> None:
    """Commit everything that git does not ignore."""
    home.git("add", "-A", cwd=repo)
    home.git("commit", "-q", "-m", "x", cwd=repo)


def clone(home: Home, source: Path) -> Path:
    """Clone a repository of another person."""
    folder = home.path / "work"
    home.path.mkdir(parents=True, exist_ok=True)
    home.git("clone", "-q", str(source), str(folder), cwd=home.path)
    return folder


def fill(repo: Path, env: str = "prod", *, name: str | None = None) -> Path:
    """Put an env file, an executable and a file in a folder into a vault."""
    vault = repo / "infra" / "vault" / (name or env)
    contents = {f".env.{env}": f"TOKEN={CANARY}\nPORT=1\n".encode(), "run.sh": b"#!/bin/sh\n"}
    contents["keys/server.pem"] = b"pem \x00\xff of the tests"
    for path, data in contents.items():
        (vault / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (vault / path).write_bytes(data)
        (vault / path).chmod(0o700 if path.endswith(".sh") else 0o600)
    return vault


def tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Return the modes and contents of everything below a folder."""
    return {
        path.relative_to(folder).as_posix(): (
            stat.S_IMODE(path.lstat().st_mode),
            None if path.is_dir() else path.read_bytes(),
        )
        for path in sorted(folder.rglob("*"))
    }


def pushed(home: Home, store: str, *, vault: str = "prod") -> Path:
    """Make a repository with a vault in a store of our own, pushed and committed."""
    repo = repository(home)
    done(home.vsync("init", vault, "--store", store, cwd=repo))
    fill(repo, vault)
    done(home.vsync("push", vault, cwd=repo))
    commit(home, repo)
    return repo


def shared(home: Home, repo: Path, *words: str, vault: str = "prod") -> Path:
    """Export a vault under SHARE_WORDS and return the file."""
    path = home.path / "given.share"
    done(
        home.vsync(
            *("export", vault, "-o", str(path), "--passphrase", "-", *words), cwd=repo, stdin=SHARE_WORDS
        )
    )
    return path


def take(home: Home, repo: Path, share: Path, *words: str) -> Completed:
    """Import a share under SHARE_WORDS."""
    return home.vsync("import", str(share), "--passphrase", "-", "--yes", *words, cwd=repo, stdin=SHARE_WORDS)


def add_profile(home: Home, url: str, bucket: str, *words: str, name: str = "team") -> Completed:
    """Add a profile of a server of the tests."""
    place = ("--endpoint", url, "--bucket", bucket, "--access-key", KEY_ID, "--secret-key", "-")
    return home.vsync("profile", "add", name, *place, *words, cwd=home.path, stdin=SECRET)


def done(result: Completed) -> Completed:
    """Return the result of a command that must have worked."""
    assert result.returncode == 0, f"{result.args}: {result.returncode}\n{result.stdout}{result.stderr}"
    assert CANARY not in result.stdout + result.stderr
    return result


def refused(result: Completed, code: int, *texts: str) -> Completed:
    """Return the result of a command that must have been refused, with these texts in what it said."""
    said = result.stderr.splitlines()
    assert result.returncode == code, f"{result.args}: {result.returncode}\n{result.stdout}{result.stderr}"
    assert any(line.startswith("vsync: error: ") for line in said), result.stderr
    assert "Traceback" not in result.stderr
    assert CANARY not in result.stdout + result.stderr
    for text in texts:
        assert text in result.stderr, result.stderr
    return result


def answer(result: Completed) -> dict[str, Any]:
    """Return the only result of a command with `--json`."""
    document = json.loads(result.stdout)
    assert document["version"] == 1
    [only] = document["results"]
    assert isinstance(only, dict)
    return only


def binding_of(home: Home, secret: SecretName = PROD) -> Path:
    """Return where a home keeps the disk half of a vault."""
    return home.config / secret.repo / f"env_{secret.name}"


def on_a_terminal(
    home: Home,
    words: Sequence[str],
    cwd: Path,
    answers: Sequence[tuple[str, str]] = (),
    more: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run the real program on a terminal of its own; after each text, type what belongs to it.

    `more` is put into its environment.
    """
    import pty

    master, slave = pty.openpty()
    env = {**home.env, "PYTHONPATH": str(_ROOT), "TERM": "xterm", **(more or {})}
    child = subprocess.Popen(
        [sys.executable, "-c", _TAKE_TERMINAL, *program(), *words],
        cwd=cwd,
        env=env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    screen = b""
    for text, reply in answers:
        screen += _until(master, text.encode())
        # getpass empties the input before it reads: wait until it has switched the echo off.
        unseen = "passphrase" in text or "secret" in text
        if unseen:
            _until_unseen(slave)
        os.write(master, reply.encode() + b"\n")
        if unseen:
            _until_seen_again(slave)
    os.close(slave)
    screen += _until(master, None)
    os.close(master)
    return child.wait(PATIENCE_SECONDS), screen.decode("utf-8", "replace").replace("\r\n", "\n")


def _until(master: int, text: bytes | None) -> bytes:
    """Read a terminal until it shows a text; None: until nobody writes to it any more."""
    import select

    shown, end = b"", time.monotonic() + PATIENCE_SECONDS
    while text is None or text not in shown:
        assert time.monotonic() < end, f"{text!r} never came: {shown!r}"
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(master, 4096)
        except OSError:
            piece = b""
        if not piece:
            assert text is None, f"{text!r} never came: {shown!r}"
            break
        shown += piece
    return shown


def _until_unseen(slave: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while termios.tcgetattr(slave)[3] & termios.ECHO:
        assert time.monotonic() < end, "what is typed would be seen"
        time.sleep(0.01)


def _until_seen_again(slave: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not termios.tcgetattr(slave)[3] & termios.ECHO:
        assert time.monotonic() < end, "what is typed next would not be seen"
        time.sleep(0.01)
