"""One table of ways into git, each with the verdict it must get from the guard as git runs it.

A case prepares a repository and ends in one git command: `stopped` tells whether the guard must
refuse it. Hooks are installed in all of them.
"""

# ruff: noqa: E501 - one case a line reads as the table that it is

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.guard.repositories import PRIVATE_KEY, VSYNC_TOML, Repository
from vsync.git import Repository as Checkout
from vsync.hooks import install

LEAK = "KEY=plain\n"
VALUE = "tok_9f8e7d6c5b4a"
CLEAN = "KEY=\nREF=${OTHER}\nCIPHER=encrypted:BDqDBibm\n"
FREE = ("-c", "core.hooksPath=/dev/null")
Prepare = Callable[[Repository], None]
COMMIT = ("commit", "-q", "-m", "x")


@dataclass(frozen=True)
class Case:
    """What is prepared, the git command that is judged, and the verdict."""

    name: str
    prepare: Prepare
    stopped: bool
    command: tuple[str, ...] = COMMIT


def staged(path: str | bytes, content: str | bytes) -> Prepare:
    return lambda repository: repository.stage(path, content)


def steps(*parts: Prepare | tuple[str, ...]) -> Prepare:
    """Do several things: functions, or git commands past every hook."""

    def prepare(repository: Repository) -> None:
        for part in parts:
            if isinstance(part, tuple):
                repository.git(*FREE, *part)
            else:
                part(repository)

    return prepare


def written(path: str, content: str | bytes) -> Prepare:
    def prepare(repository: Repository) -> None:
        repository.write(path, content)

    return prepare


def removed(path: str) -> Prepare:
    return lambda repository: os.unlink(repository.top / path)


def gitlink(repository: Repository) -> None:
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")


def linked(path: str, target: str) -> Prepare:
    def prepare(repository: Repository) -> None:
        os.symlink(target, repository.top / path)
        repository.git("add", "-f", path)

    return prepare


SAVE = ("commit", "-q", "-m", "saved")
SIDE = ("checkout", "-q", "-b", "side")
MAIN = ("checkout", "-q", "main")
LEAK_ON_SIDE = steps(SIDE, staged("a.env", LEAK), SAVE, MAIN)

CASES = [
    # what is staged against what lies around
    Case("plain env file staged", staged(".env", LEAK), True),
    Case("staged, then cleaned in the work tree", steps(staged(".env", LEAK), written(".env", CLEAN)), True),
    Case("clean staged, plaintext in the work tree", steps(staged(".env", CLEAN), written(".env", LEAK)), False),
    Case("staged, then removed from the work tree", steps(staged(".env", LEAK), removed(".env")), True),
    Case("untracked plaintext beside a clean commit", steps(written(".env", LEAK), staged("a.txt", "a")), False),
    Case("encrypted env file", staged(".env.prod", CLEAN), False),
    Case("one plain value among encrypted ones", staged(".env.prod", CLEAN + LEAK), True),
    Case("env file deleted", steps(staged(".env", LEAK), SAVE, ("rm", "-q", ".env")), False),
    Case("env file emptied", steps(staged(".env", LEAK), SAVE, staged(".env", "KEY=\n")), False),
    Case("nothing staged but a mode", steps(staged("a.sh", "a"), SAVE, ("update-index", "--chmod=+x", "a.sh")), False),
    Case("mode of a leak that is there", steps(staged(".env", LEAK), SAVE, ("update-index", "--chmod=+x", ".env")), True),
    Case("partial hunk with the leak", steps(staged(".env", CLEAN), SAVE, staged(".env", CLEAN + LEAK), written(".env", CLEAN)), True),
    Case("partial hunk without the leak", steps(staged(".env", CLEAN), SAVE, staged(".env", CLEAN + "B=\n"), written(".env", CLEAN + LEAK)), False),
    Case("intent to add only", steps(written("new.env", LEAK), ("add", "-N", "new.env"), staged("a.txt", "a")), False),
    # ways to commit
    Case("commit -a takes the leak", steps(staged(".env", CLEAN), SAVE, written(".env", LEAK)), True, ("commit", "-q", "-am", "x")),
    Case("commit path takes the leak", steps(staged(".env", CLEAN), SAVE, written(".env", LEAK)), True, (*COMMIT, "--", ".env")),
    Case("commit path leaves the leak out", steps(staged(".env", LEAK), staged("a.txt", "a")), False, (*COMMIT, "--", "a.txt")),
    Case("commit --include takes the leak", steps(staged(".env", CLEAN), SAVE, staged("a.txt", "a"), written(".env", LEAK)), True, (*COMMIT, "-i", ".env")),
    Case("amend adds a leak", steps(staged("a.txt", "a"), SAVE, staged(".env", LEAK)), True, ("commit", "-q", "--amend", "--no-edit")),
    Case("amend keeps a leak of the amended commit", steps(staged(".env", LEAK), SAVE, staged("a.txt", "a")), True, ("commit", "-q", "--amend", "--no-edit")),
    Case("amend takes the leak out", steps(staged(".env", LEAK), SAVE, ("rm", "-q", "--cached", ".env"), staged("a.txt", "a")), False, ("commit", "-q", "--amend", "--no-edit")),
    Case("empty commit", steps(), False, (*COMMIT, "--allow-empty")),
    Case("no-verify with a leak", staged(".env", LEAK), True, (*COMMIT, "--no-verify")),
    Case("no-verify without", staged("a.txt", "a"), False, (*COMMIT, "--no-verify")),
    Case("detached head", steps(("checkout", "-q", "--detach"), staged(".env", LEAK)), True),
    Case("first commit of an orphan branch", steps(("checkout", "-q", "--orphan", "new"), staged(".env", LEAK)), True),
    Case("clean first commit of an orphan branch", steps(("checkout", "-q", "--orphan", "new"), staged("a", "a")), False),
    Case("add -f of an ignored vault file", staged("infra/vault/prod/.env.prod", "A=\n"), True),
    # merging and moving commits
    Case("merge that fast-forwards", LEAK_ON_SIDE, True, ("merge", "-q", "side")),
    Case("merge with a commit", steps(LEAK_ON_SIDE, staged("b", "b"), SAVE), True, ("merge", "-q", "--no-edit", "side")),
    Case("merge without a leak", steps(SIDE, staged("a", "a"), SAVE, MAIN, staged("b", "b"), SAVE), False, ("merge", "-q", "--no-edit", "side")),
    Case("squash merge, then commit", steps(LEAK_ON_SIDE, ("merge", "-q", "--squash", "side")), True),
    Case("merge commit with an added leak", steps(SIDE, staged("a", "a"), SAVE, MAIN, staged("b", "b"), SAVE, ("merge", "-q", "--no-commit", "side"), staged(".env", LEAK)), True),
    Case("cherry-pick", steps(LEAK_ON_SIDE, staged("b", "b"), SAVE), True, ("cherry-pick", "side")),
    Case("clean cherry-pick", steps(SIDE, staged("a", "a"), SAVE, MAIN, staged("b", "b"), SAVE), False, ("cherry-pick", "side")),
    Case("revert of a removal", steps(staged(".env", LEAK), SAVE, ("rm", "-q", ".env"), SAVE), True, ("revert", "--no-edit", "HEAD")),
    Case("revert of a leak", steps(staged(".env", LEAK), SAVE), False, ("revert", "--no-edit", "HEAD")),
    Case("rebase", steps(staged("b", "b"), SAVE, ("branch", "base"), ("reset", "-q", "--hard", "HEAD~1"), staged(".env", LEAK), SAVE), True, ("rebase", "-q", "base")),
    Case("reset to a leak", LEAK_ON_SIDE, True, ("reset", "-q", "--hard", "side")),
    Case("reset back from a leak", steps(staged(".env", LEAK), SAVE), False, ("reset", "-q", "--hard", "HEAD~1")),
    Case("branch moved to a leak", LEAK_ON_SIDE, False, ("branch", "-f", "third", "side")),
    Case("stash of plaintext", staged(".env", LEAK), True, ("stash", "-q")),
    Case("stash of work", steps(staged("a", "a"), SAVE, staged("a", "b")), False, ("stash", "-q")),
    Case("switching to a branch that leaks", LEAK_ON_SIDE, False, ("checkout", "-q", "side")),
    Case("tag on a leak", LEAK_ON_SIDE, False, ("tag", "x", "side")),
    # names and kinds of entries
    Case("rename into a vault", steps(staged("a.txt", "a"), SAVE, written("infra/vault/prod/x", ""), ("mv", "a.txt", "infra/vault/prod/a.txt")), True),
    Case("rename out of an env name", steps(staged(".env", LEAK), SAVE, ("mv", ".env", "env.txt")), False),
    Case("rename to an env name", steps(staged("env.txt", LEAK), SAVE, ("mv", "env.txt", "x.env")), True),
    Case("other case of the vault", staged("INFRA/Vault/prod/a", "a"), True),
    Case("folder that begins like the vault", staged("infra/vault/production/a", "a"), False),
    Case("link in place of the vault", steps(lambda r: shutil.rmtree(r.top / "infra" / "vault" / "prod"), linked("infra/vault/prod", "../../elsewhere")), True),
    Case("link to the vault elsewhere", linked("current", "infra/vault/prod"), False),
    Case("upper-case env name", staged("a/.ENV", LEAK), True),
    Case("backup of an env file", staged(".env.local.bak", LEAK), True),
    Case("template of an env file", staged(".env.example", LEAK), False),
    Case("name with a newline", staged(b"a\nb/.env", LEAK), True),
    Case("name that is not UTF-8", staged(b"\xe9\xff.env", LEAK), True),
    Case("name with spaces and quotes", staged("it's \"a\" b.env", LEAK), True),
    Case("name that looks like an option", staged("--all.env", LEAK), True),
    Case("name with glob characters", staged("[a]*?.env", LEAK), True),
    Case("submodule bump", steps(gitlink), False),
    Case("submodule beside a leak", steps(gitlink, staged(".env", LEAK)), True),
    # values and keys
    Case("value in source", staged("app.py", f"TOKEN = '{VALUE}'\n"), True),
    Case("value in a text with CRLF", staged("a.txt", f"a\r\n{VALUE}\r\n"), True),
    Case("value in UTF-16", staged("a.txt", f"x {VALUE} y".encode("utf-16")), True),
    Case("value after NUL bytes", staged("a.bin", bytes(999) + VALUE.encode()), True),
    Case("value in a template", staged(".env.example", f"TOKEN={VALUE}\n"), True),
    Case("half a value", staged("a.txt", VALUE[:12]), False),
    Case("value as a file name", staged(f"{VALUE}.txt", "a"), False),
    Case("value with an allowance on its line", staged("a.py", f"T = '{VALUE}'  # vsync:allow\n"), False),
    Case("value allowed on another line only", staged("a.py", f"# vsync:allow\nT = '{VALUE}'\n"), True),
    Case("private key in a test", staged("tests/key.pem", PRIVATE_KEY), True),
    Case("header without a key", staged("a.py", "x = '-----BEGIN RSA PRIVATE KEY-----'\n"), False),
    Case("share", staged("x.share", "SLS1"), True),
    Case("keys of dotenvx", staged(".env.keys", "DOTENV_PRIVATE_KEY=abc\n"), True),
    Case("conflict marker in ciphertext", staged(".env", "<<<<<<< a\nA=encrypted:x\n=======\nA=encrypted:y\n>>>>>>> b\n"), True),
    # configuration
    Case("mapping and vault file in one commit", steps(staged("vsync.toml", VSYNC_TOML.replace("prod", "qa")), staged("infra/vault/qa/x", "x")), True),
    Case("mapping that nobody understands", staged("vsync.toml", "[vault"), True),
    Case("nested configuration", steps(staged("app/vsync.toml", VSYNC_TOML), staged("app/infra/vault/prod/x", "x")), True),
    Case("tables of another tool in pyproject", staged("pyproject.toml", "[tool.other]\nx = 1\n"), False),
    Case("allowance with a reason", steps(staged("vsync.toml", VSYNC_TOML + '\n[[guard.allow]]\npath = "t"\nrule = "env-plaintext"\nreason = "made up"\n'), staged("t/.env", LEAK)), False),
    Case("allowance of another rule", steps(staged("vsync.toml", VSYNC_TOML + '\n[[guard.allow]]\npath = "t"\nrule = "share"\nreason = "made up"\n'), staged("t/.env", LEAK)), True),
]  # fmt: skip


def test_the_table_is_large_and_names_each_case_once() -> None:
    assert len(CASES) == len({case.name for case in CASES}) >= 60
    assert 20 < sum(case.stopped for case in CASES) < len(CASES) - 20


def references(repository: Repository) -> bytes:
    return repository.git("for-each-ref", "refs/heads", "refs/stash")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("place", ["top", "linked work tree"])
def test_the_verdict_is_right(case: Case, place: str, tmp_path: Path) -> None:
    # attack 62, attack 63, attack 64, attack 65, attack 69, attack 73
    repository = Repository(tmp_path / "repository")
    repository.stage(".gitignore", "/infra/vault/prod\n")
    repository.map_vault()
    if place != "top":
        repository.git("checkout", "-q", "--detach")
        repository.git("worktree", "add", "-q", "-f", str(tmp_path / "linked"), "main")
        repository = Repository(tmp_path / "linked")
    repository.write("infra/vault/prod/.env.prod", f"TOKEN={VALUE}\n")
    case.prepare(repository)
    install(Checkout.find(repository.top))
    before = references(repository)
    done = repository.try_git(*case.command)
    assert (done.returncode != 0) == case.stopped, done.stderr.decode()
    if case.stopped:
        assert references(repository) == before
        assert b"vsync: " in done.stderr
        assert VALUE.encode() not in done.stderr + done.stdout
