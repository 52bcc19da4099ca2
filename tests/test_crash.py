"""Stopped at every step: old or new is whole, the next run completes or drops it (attacks 33, 82, 95, 96).

1. In the process: each call to the outside world (system calls that change a disk,
   answers of the store) is counted, and the n-th raises, for n = 1, 2, … until a run passes through.
   `interrupted`: from then on everything works again, as after Ctrl-C. `killed`: nothing works
   any more, so that no cleaning up can help, as after kill -9.
2. The real program, killed by the kernel at a system call (strace).
"""

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from tests.homes import Home, program
from tests.worlds import FOLDER, Desk, Team, files_with
from vsync.errors import DiskError, GitError, VsyncError
from vsync.store.folder import FolderStore

SYSTEM_CALLS = ("rename", "replace", "unlink", "rmdir", "mkdir", "link", "fsync", "write", "open")
VERBS = {"merge": methodcaller("pull", merge=True)}
OLD, NEW, ELSE = b"A=old canary\n", b"A=new canary\n", b"A=else canary\n"


class Stopped(BaseException):
    """The program ends here."""


class Executioner:
    """Stops whoever does the n-th thing to the outside world."""

    def __init__(self, at: int, *, dead: bool) -> None:
        self.left = at
        self.dead = dead

    @property
    def struck(self) -> bool:
        return self.left <= 0

    def strike(self) -> None:
        self.left -= 1
        if self.left == 0 or (self.left < 0 and self.dead):
            raise Stopped

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*words: Any, **named: Any) -> Any:
            if _changes_something(call.__name__, words):
                self.strike()
            return call(*words, **named)

        return watched

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Stand behind the system calls, and behind each answer of the store."""
        with pytest.MonkeyPatch.context() as patch:
            for name in SYSTEM_CALLS:
                patch.setattr(os, name, self.around(getattr(os, name)))
            for name in ("read", "download", "create", "swap"):
                patch.setattr(FolderStore, name, _and_after(self, getattr(FolderStore, name)))
            yield


def _changes_something(name: str, words: tuple[Any, ...]) -> bool:
    # The kernel unlocks what a dead process had locked: a lock file may always be opened and closed.
    if name == "open":
        writes = len(words) > 1 and words[1] & (os.O_CREAT | os.O_TRUNC)
        return bool(writes) and "lock" not in str(words[0])
    return True


def _and_after(executioner: Executioner, call: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*words: Any, **named: Any) -> Any:
        answer = call(*words, **named)
        executioner.strike()
        return answer

    return watched


def _run(desk: Desk, verb: str, at: int, *, dead: bool) -> bool:
    """Run a verb, stopped at the n-th step; True when it came through."""
    executioner = Executioner(at, dead=dead)
    try:
        with executioner.watching():
            VERBS.get(verb, methodcaller(verb))(desk)
    except Stopped:
        return False
    except (VsyncError, OSError):
        # A step that stops inside somebody's own clean-up may come out as another error.
        assert executioner.struck
        return False
    return not executioner.struck


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder where an fsync costs nothing: there are thousands of them below."""
    shared = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else tmp_path_factory.getbasetemp()))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def story(memory: Path) -> Team:
    """Ana and Ben share OLD; `pushing` Ana has NEW to push, `pulling` Ben has NEW to pull."""
    team = Team(memory / "story")
    ana, ben = team.desk("ana"), team.desk("ben")
    ana.write(".env.prod", OLD)
    ana.write("keys/old.pem", "old")
    ana.push()
    ben.pull()
    ana.write(".env.prod", NEW)
    return team


def _steps(team: Team, verb: str, *, dead: bool, folder: Path) -> Iterator[Team]:
    """Yield the team after its verb was stopped at step 1, 2, … until it comes through."""
    folder.mkdir(exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder))
    for at in range(1, 500):
        copy = team.copy(place / str(at))
        done = _run(Desk(copy, "ana" if verb == "push" else "ben"), verb, at, dead=dead)
        yield copy
        shutil.rmtree(copy.folder)
        if done:
            assert at > 25, "there were steps to stop at"
            return
    raise AssertionError("it never came through")


@pytest.mark.parametrize("dead", [False, True], ids=["interrupted", "killed"])
def test_a_push_stopped_at_any_step_is_completed_or_dropped(story: Team, memory: Path, dead: bool) -> None:
    for team in _steps(story, "push", dead=dead, folder=memory / "steps"):
        ana, ben = Desk(team, "ana"), Desk(team, "ben")
        assert ben.pull().state in {"pulled", "current"}
        assert ben.tree()[".env.prod"] in {OLD, NEW}
        assert ana.push().state in {"pushed", "unchanged", "adopted"}
        ben.pull()
        assert ben.tree()[".env.prod"] == ana.tree()[".env.prod"] == NEW
        assert (team.pointer().gen, ana.status().data["local"]) == (2, "clean")
        rows = ana.audit(verify=True)
        assert [row.data["version_ts"] for row in rows if row.data["action"] == "push"] == [
            "20260523-120000",
            team.pointer().version,
        ]
        assert {row.state for row in rows} == {"ok"}


def test_nobody_conflicts_with_their_own_killed_push(story: Team, memory: Path) -> None:
    for team in _steps(story, "push", dead=True, folder=memory / "steps"):
        ana = Desk(team, "ana")
        ana.write(".env.prod", ELSE)
        assert ana.push().state == "pushed"
        assert f'version = "{team.pointer().version}"' in ana.lock()


@pytest.fixture(scope="module")
def pulling(story: Team, memory: Path) -> Team:
    team = story.copy(memory / "pulling")
    ana = Desk(team, "ana")
    (ana.vault / "keys/old.pem").unlink()
    ana.write("keys/new.pem", "new")
    ana.push()
    return team


@pytest.mark.parametrize("dead", [False, True], ids=["interrupted", "killed"])
def test_a_pull_stopped_at_any_step_leaves_old_or_new_whole(pulling: Team, memory: Path, dead: bool) -> None:
    old = {".env.prod": OLD, "keys/old.pem": b"old"}
    new = {".env.prod": NEW, "keys/new.pem": b"new"}
    for team in _steps(pulling, "pull", dead=dead, folder=memory / "steps"):
        ben = Desk(team, "ben")
        assert ben.status().data["local"] in {"clean", "missing"}
        if ben.vault.exists():
            assert ben.tree() in (old, new)
        assert "vault" not in ben.git("status", "--porcelain", "-uall")
        assert ben.pull().state in {"pulled", "current"}
        assert (ben.tree(), ben.status().data["local"]) == (new, "clean")
        assert ben.status().details == ()
        assert not (ben.vault.parent / ".prod.vsync").exists()


def test_nobody_conflicts_with_their_own_killed_pull(pulling: Team, memory: Path) -> None:
    for team in _steps(pulling, "pull", dead=True, folder=memory / "steps"):
        ana, ben = Desk(team, "ana"), Desk(team, "ben")
        ana.write(".env.prod", ELSE)
        ana.push()
        assert ben.pull().state == "pulled"
        assert ben.tree() == ana.tree()


def test_an_edit_after_a_killed_pull_is_pushed_or_protected(pulling: Team, memory: Path) -> None:
    for team in _steps(pulling, "pull", dead=True, folder=memory / "steps"):
        ben = Desk(team, "ben")
        if not ben.vault.exists():
            continue
        had_new = ben.tree()[".env.prod"] == NEW
        ben.write("mine.pem", "mine")
        if had_new:
            assert ben.push().state == "pushed"
        else:
            with pytest.raises(VsyncError, match="never pushed"):
                ben.pull()
        assert ben.tree()["mine.pem"] == b"mine"


def test_plaintext_is_only_in_the_vault_after_a_pull_stopped_by_ctrl_c(pulling: Team, memory: Path) -> None:
    for team in _steps(pulling, "pull", dead=False, folder=memory / "steps"):  # attack 54
        found = files_with(b"canary", team.folder / "ben", team.folder / "store")
        assert {path.parent for path in found} == {team.folder / "ben/checkout" / FOLDER}


MERGED = {
    ".env.prod": NEW + b"MINE=canary\n",
    "keys/new.pem": b"new",
    "mine.pem": b"mine canary",
}


@pytest.fixture(scope="module")
def merging(pulling: Team, memory: Path) -> Team:
    """Ben has edits of his own, and all that `pulling` brings."""
    team = pulling.copy(memory / "merging")
    ben = Desk(team, "ben")
    ben.write(".env.prod", OLD + b"MINE=canary\n")
    ben.write("mine.pem", "mine canary")
    return team


@pytest.mark.parametrize("dead", [False, True], ids=["interrupted", "killed"])
def test_a_merge_stopped_at_any_step_leaves_old_or_merged_whole(
    merging: Team, memory: Path, dead: bool
) -> None:
    old = Desk(merging, "ben").tree()  # attacks 33, 95
    states = set()
    for team in _steps(merging, "merge", dead=dead, folder=memory / "steps"):
        ben, ana = Desk(team, "ben"), Desk(team, "ana")
        if ben.vault.exists():
            assert ben.tree() in (old, MERGED)
        assert "vault" not in ben.git("status", "--porcelain", "-uall")
        states.add(ben.pull(merge=True).state)
        assert (ben.tree(), ben.status().data["local"]) == (MERGED, "dirty 2")
        assert not (ben.vault.parent / ".prod.vsync").exists()
        assert ben.push().state == "pushed"
        ana.pull()
        assert ana.tree() == MERGED
    assert states == {"merged", "current"}


def test_a_stopped_merge_leaves_plaintext_in_the_vault_only(merging: Team, memory: Path) -> None:
    for team in _steps(merging, "merge", dead=False, folder=memory / "steps"):  # attack 54
        found = files_with(b"canary", team.folder / "ben", team.folder / "store")
        assert {path.parent for path in found} == {team.folder / "ben/checkout" / FOLDER}


# The real program, stopped by the kernel


@pytest.fixture
def real(home: Callable[[str], Home], tmp_path: Path) -> tuple[Home, Home, Path]:
    """Ana and Ben on machines of their own, one embedded store; Ana's NEW is not pushed yet."""
    ana, ben = home("ana"), home("ben")
    store = tmp_path / "store"
    for person in (ana, ben):
        (person.path / "app").mkdir()
        person.git("init", "-q", cwd=person.path / "app")
    place = ("--store", f"file://{store}", "--name", "prod")
    _ok(ana.vsync("init", "prod", *place, "--no-input", cwd=ana.path / "app"))
    _vault(ana).joinpath(".env.prod").write_bytes(OLD)
    _ok(ana.vsync("push", cwd=ana.path / "app"))
    share = _ok(ana.vsync("export", "prod", "--out", str(tmp_path / "prod.share"), cwd=ana.path / "app"))
    for name in ("vsync.toml", ".gitignore"):
        shutil.copy(ana.path / "app" / name, ben.path / "app" / name)
    words = max((share.stdout + share.stderr).split(), key=lambda word: word.count("-"))
    shared = (str(tmp_path / "prod.share"), "--passphrase", "-", "--yes")
    _ok(ben.vsync("import", "prod", *shared, cwd=ben.path / "app", stdin=words + "\n"))
    _ok(ben.vsync("pull", cwd=ben.path / "app"))
    _vault(ana).joinpath(".env.prod").write_bytes(NEW)
    return ana, ben, tmp_path


def _vault(home: Home) -> Path:
    return next((home.path / "app/infra/vault").glob("[!.]*"))


def _ok(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stderr
    return done


def _killed_at(home: Home, verb: str, call: str, when: int, *, cwd: Path, signal: str = "KILL") -> int:
    """Run a verb that the kernel signals at the n-th such system call; returns its exit code."""
    inject = f"inject={call}:signal={signal}:when={when}"
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject, *program(), verb]
    return subprocess.run(command, cwd=cwd, env=home.env, capture_output=True, check=False).returncode


@pytest.mark.strace
def test_a_real_push_killed_at_a_system_call_is_completed_or_dropped(real: tuple[Home, Home, Path]) -> None:
    ana, ben, _ = real  # attack 82
    before = OLD
    for number, (call, when) in enumerate([("rename", 2), ("fsync", 5), ("rename", 4), ("rename", 6)]):
        text = f"A=canary {number}\n".encode()
        _vault(ana).joinpath(".env.prod").write_bytes(text)
        assert _killed_at(ana, "push", call, when, cwd=ana.path / "app") == -9
        _ok(ben.vsync("pull", cwd=ben.path / "app"))
        assert _vault(ben).joinpath(".env.prod").read_bytes() in {before, text}
        _ok(ana.vsync("push", cwd=ana.path / "app"))
        before = text
    _ok(ben.vsync("pull", cwd=ben.path / "app"))
    assert _vault(ben).joinpath(".env.prod").read_bytes() == before
    _ok(ana.vsync("audit", "--verify", cwd=ana.path / "app"))


@pytest.mark.strace
def test_a_real_pull_killed_at_a_system_call_is_finished_by_the_next(real: tuple[Home, Home, Path]) -> None:
    ana, ben, folder = real  # attacks 33, 54, 96
    for number, (call, when) in enumerate([("/rename", 1), ("/rename", 3), ("/rename", 4), ("unlinkat", 1)]):
        text = f"A=canary {number}\n".encode()
        _vault(ana).joinpath(".env.prod").write_bytes(text)
        _ok(ana.vsync("push", cwd=ana.path / "app"))
        assert _killed_at(ben, "pull", call, when, cwd=ben.path / "app") == -9
        found = files_with(b"canary", ben.path, folder / "store")
        assert all(path.is_relative_to(_parent(ben)) for path in found)
        assert "vault" not in ben.git("status", "--porcelain", "-uall", cwd=ben.path / "app")
        _ok(ben.vsync("pull", cwd=ben.path / "app"))
        assert _vault(ben).joinpath(".env.prod").read_bytes() == text
        found = files_with(b"canary", ben.path, folder / "store")
        assert [path.relative_to(_parent(ben)) for path in found] == [Path("prod/.env.prod")]


def _parent(home: Home) -> Path:
    return home.path / "app/infra/vault"


@pytest.mark.strace
@pytest.mark.parametrize(("signal", "code"), [("INT", 130), ("TERM", 143)])
def test_a_real_pull_that_gets_a_signal_leaves_no_plaintext_behind(
    real: tuple[Home, Home, Path], signal: str, code: int
) -> None:
    ana, ben, folder = real  # attacks 54, 95
    _ok(ana.vsync("push", cwd=ana.path / "app"))
    for when in (1, 3):
        found = _killed_at(ben, "pull", "/rename", when, cwd=ben.path / "app", signal=signal)
        assert found == code
        kept = files_with(b"canary", ben.path, folder / "store")
        assert [path.relative_to(_parent(ben)) for path in kept] == [Path("prod/.env.prod")]
    _ok(ben.vsync("pull", cwd=ben.path / "app"))
    assert _vault(ben).joinpath(".env.prod").read_bytes() == NEW


# Disks that say no


Fill = Callable[[Path, int], None]


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Fill]:
    """Return a function that leaves a folder no room for a file of so many bytes.

    Root gets a small disk of its own in the folder's place; others a limit on any file's size.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    places: list[Path] = []

    def fill(folder: Path, size: int) -> None:
        if os.geteuid():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            return
        kept = tmp_path / f"kept-{len(places)}"
        shutil.copytree(folder, kept)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
        places.append(folder)
        shutil.copytree(kept, folder, dirs_exist_ok=True)

    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


NO_ROOM = "(no space left on device|file too large)"


def test_a_full_disk_stops_a_pull_and_changes_nothing(story: Team, tmp_path: Path, full: Fill) -> None:
    team = story.copy(tmp_path / "team")  # attack 33
    ana, ben = Desk(team, "ana"), Desk(team, "ben")
    ana.write("a.bin", os.urandom(3 << 20))
    ana.push()
    full(ben.vault.parent, 2 << 20)
    before = ben.tree()
    with pytest.raises(DiskError, match=NO_ROOM):
        ben.pull()
    assert (ben.tree(), [path.name for path in ben.vault.parent.iterdir()]) == (before, ["prod"])


def test_a_full_machine_stops_a_push_before_the_pointer_moves(
    story: Team, tmp_path: Path, full: Fill
) -> None:
    team = story.copy(tmp_path / "team")  # attack 33
    ana = Desk(team, "ana")
    for number in range(200):
        ana.write(f"{number:03}.pem", "x")
    full(ana.base, 32 << 10)
    with pytest.raises(DiskError, match=NO_ROOM):
        ana.push()
    assert team.pointer().gen == 1


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Return a function after which nobody can write into a folder, not even root."""
    undo: list[list[str]] = []

    def close(folder: Path) -> None:
        if os.geteuid():
            folder.chmod(0o500)
            undo.append(["chmod", "700", str(folder)])
            return
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        undo.append(["umount", "-l", str(folder)])
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)

    yield close
    for command in undo:
        subprocess.run(command, check=True)


def test_a_read_only_work_tree_stops_a_pull_with_one_line(
    pulling: Team, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    ben = Desk(pulling.copy(tmp_path / "team"), "ben")  # attack 35
    read_only(ben.vault.parent)
    before = ben.tree()
    with pytest.raises(DiskError, match=r"(read-only file system|permission denied); it was left as it was"):
        ben.pull()
    assert ben.tree() == before


def test_a_read_only_git_directory_is_said_in_one_line(
    story: Team, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    ana = Desk(story.copy(tmp_path / "team"), "ana")  # attack 35
    shutil.rmtree(ana.top / ".git/vsync")
    read_only(ana.top / ".git")
    with pytest.raises(GitError, match="cannot write into the git directory"):
        ana.push()


def test_a_read_only_file_in_the_vault_does_not_stop_a_pull(pulling: Team, tmp_path: Path) -> None:
    ben = Desk(pulling.copy(tmp_path / "team"), "ben")  # attack 35
    (ben.vault / ".env.prod").chmod(0o400)
    assert ben.pull().state == "pulled"
