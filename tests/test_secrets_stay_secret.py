"""Values and keys stay where they belong: attacks 51 to 54 and 61, with canaries."""

import base64
import hashlib
import logging
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.homes import PASSPHRASE, Home, program
from tests.s3server import SECRET, Server
from tests.simulator import Simulator
from tests.worlds import FOLDER, KEY_TEXT, SALT, Desk, Team, everything_below, files_with
from vsync.errors import StoreError, VsyncError
from vsync.store.s3 import S3Store

VALUE = "canary-value-that-nobody-may-see"
FILE = f"A={VALUE}\n"
CANARIES = (VALUE, KEY_TEXT, SALT)


def _hides(text: str) -> list[str]:
    """Return the canaries in a text, as they are, in base64, in hex, as a bare digest."""
    found = []
    for canary in (*CANARIES, FILE):
        data = canary.encode()
        forms = {canary, base64.b64encode(data).decode(), data.hex(), hashlib.sha256(data).hexdigest()}
        found += [form for form in forms if form in text]
    return found


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", FILE)
    return desk


def test_the_canaries_would_be_found() -> None:
    assert _hides(f"x {VALUE} y")
    assert _hides(hashlib.sha256(FILE.encode()).hexdigest())
    assert not _hides("nothing here")


def test_what_this_machine_remembers_holds_no_value_and_no_bare_digest(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)  # attack 61
    ana.push()
    ana.write("second.pem", VALUE)
    hostile.refuse("swap", "audit.csv", StoreError("so that the row waits"))
    ana.push()
    ben = team.desk("ben")
    ben.write(".env.prod", "A=other\n")
    ben.pull(backup=True)
    kept = everything_below(ana.base) | everything_below(ben.base)
    names = {Path(path).name for path in kept}
    assert {"pending_prod.json", "seen_prod.json"} <= names
    assert any(name.startswith("state_prod.") for name in names)
    secret = {path: _hides(data.decode("latin-1")) for path, (_, data) in kept.items()}
    # The binding is the disk half: the salt is in it, and nowhere else.
    assert {path for path, found in secret.items() if found} == {"app/env_prod"}
    assert secret["app/env_prod"] == [SALT]


def test_pending_holds_no_value_while_a_push_is_on_its_way(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)  # attack 61
    seen: list[str] = []
    hostile.before("swap", "manifest", lambda: seen.append((ana.base / "app/pending_prod.json").read_text()))
    ana.push()
    assert '"publication"' in seen[0]
    assert not _hides(seen[0])


def test_the_store_the_lock_and_the_git_directory_hold_no_value(ana: Desk, team: Team) -> None:
    ana.push()
    ana.git("add", "-A")
    assert files_with(VALUE.encode(), team.folder / "store", ana.top / ".git", ana.base) == []
    assert not _hides(ana.lock())
    assert FOLDER not in "".join(everything_below(team.folder / "store"))


def test_names_are_in_no_object_key(ana: Desk, team: Team) -> None:
    ana.write("CLIENT_ACME_MERGER.pem", "x")  # attack 60
    ana.push()
    data = b"".join(team.objects().values()) + "".join(team.objects()).encode()
    assert b"MERGER" not in data


def test_no_exception_of_a_failing_verb_shows_a_secret(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)  # attack 53
    ana.push()
    calls = sorted({(call.split()[0], call.split()[1][-9:]) for call in hostile.calls})
    ana.write(".env.prod", f"A={VALUE}-2\n")
    said = [_failure(ana, hostile, *call) for call in calls]
    assert len(said) >= 4
    assert not any(map(_hides, said))


def _failure(desk: Desk, hostile: Simulator, operation: str, name: str) -> str:
    hostile.forgive()
    hostile.refuse(operation, name, StoreError("on demand"))
    try:
        desk.push(force=True)
    except VsyncError as error:
        chain: BaseException | None = error
        said = []
        while chain is not None:
            said.append(f"{chain!r} {chain.__dict__}")
            chain = chain.__cause__ or chain.__context__
        return "\n".join(said)
    return desk.notices


def test_what_the_program_handles_shows_no_secret_when_printed(ana: Desk, team: Team) -> None:
    from vsync.sync.opened import open_vault

    world = ana.world()  # attack 53
    vault = open_vault(world, world.config.mappings[0])
    shown = (
        f"{vault.key!r} {vault.binding!r} {vault.root!r} {ana.push()!r} {ana.audit()!r} {ana.versions()!r}"
    )
    assert not _hides(shown)
    assert vault.key.key_id in shown


def test_the_libraries_debug_logs_show_no_secret(
    ana: Desk, s3_server: Server, s3_bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    ana.store = S3Store(s3_server.location(s3_bucket))  # attack 53
    with caplog.at_level(logging.DEBUG):
        ana.push()
        ana.pull(at=ana.status().data["version"], force=True)
        ana.store.close()
    assert len(caplog.text) > 1000
    assert not _hides(caplog.text)
    assert SECRET not in caplog.text


# The real program


@pytest.fixture
def machine(home: Callable[[str], Home], tmp_path: Path) -> Home:
    """A machine where every verb finds canaries, and a folder for its temporary files."""
    ana = home("ana")
    app = ana.path / "app"
    app.mkdir()
    (ana.path / "tmp").mkdir()
    ana.git("init", "-q", cwd=app)
    done = ana.vsync("init", "prod", "--store", f"file://{tmp_path}/store", "--no-input", cwd=app)
    assert done.returncode == 0, done.stderr
    _env_file(ana).write_text(FILE)
    return ana


def _env_file(home: Home) -> Path:
    return home.path / "app/infra/vault/prod/.env.prod"


VERBS = [
    ("push", "-v", "--note", "a note"),
    ("status", "-v", "--check-remote"),
    ("versions", "-v", "prod"),
    ("audit", "-v", "--verify", "prod"),
    ("diff", "-v", "prod"),
    ("diff", "-v", "prod", "--against", "lock", "--json"),
    ("template", "prod"),
    ("template", "-v", "prod", "--write"),
    ("pull", "-v", "--force"),
    ("restore", "--list", "prod"),
    ("use", "prod"),
    ("--json", "status"),
]


def _traced(home: Home, words: tuple[str, ...], trace: Path) -> subprocess.CompletedProcess[str]:
    command = ["strace", "-f", "-qq", "-v", "-s", "100000", "-e", "trace=execve", "-o", str(trace)]
    env = home.env | {"TMPDIR": str(home.path / "tmp"), "VSYNC_KEY": KEY_TEXT}
    return subprocess.run(
        [*command, *program(), *words],
        cwd=home.path / "app",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.strace
def test_no_verb_shows_a_secret_in_argv_or_to_a_child_or_on_its_streams(machine: Home) -> None:
    trace = machine.path / "trace"  # attacks 51, 52
    for words in VERBS:
        done = _traced(machine, words, trace)
        assert done.returncode == 0, (words, done.stderr)
        assert not _hides(done.stdout + done.stderr)
        assert PASSPHRASE not in done.stdout + done.stderr
        first, *children = [line for line in trace.read_text().splitlines() if "execve(" in line]
        assert not _hides(_argv(first))
        assert not _hides("\n".join(children))
        assert PASSPHRASE not in "\n".join(children)
    assert children or words[0] == "--json"


def _argv(line: str) -> str:
    found = re.search(r"execve\(\"[^\"]*\", \[(.*?)\], \[", line)
    assert found
    return found[1]


@pytest.mark.strace
def test_children_were_really_looked_at(machine: Home) -> None:
    _traced(machine, ("status",), machine.path / "trace")
    lines = [line for line in (machine.path / "trace").read_text().splitlines() if "execve(" in line]
    assert any('"git", "rev-parse"' in line for line in lines)
    assert f"VSYNC_KEY={KEY_TEXT}" in lines[0]


def test_no_temporary_file_is_left_and_none_held_plaintext(machine: Home, tmp_path: Path) -> None:
    env = {"TMPDIR": str(machine.path / "tmp")}  # attack 54
    for words in (("push",), ("pull", "--force"), ("pull", "--at", "nonsense")):
        subprocess.run(
            [*program(), *words],
            cwd=machine.path / "app",
            env=machine.env | env,
            capture_output=True,
            check=False,
        )
    assert list((machine.path / "tmp").iterdir()) == []
    assert files_with(VALUE.encode(), machine.path, tmp_path / "store") == [_env_file(machine)]


@pytest.fixture
def bug(machine: Home) -> Home:
    """A machine where the program has a bug: what reads the env file fails with what it read."""
    site = machine.path / "site"
    site.mkdir()
    lines = ["from vsync.vault.folder import VaultFolder", "true = VaultFolder.read_file"]
    lines += ["def read_file(self, path, *, limit):"]
    lines += ["    raise RuntimeError(true(self, path, limit=limit))", "VaultFolder.read_file = read_file"]
    (site / "sitecustomize.py").write_text("\n".join(lines))
    return machine


def test_a_bug_is_reported_without_a_secret(bug: Home) -> None:
    root = Path(__file__).resolve().parent.parent  # attack 53
    done = subprocess.run(
        [*program(), "push", "-v"],
        cwd=bug.path / "app",
        env=bug.env | {"PYTHONPATH": f"{bug.path}/site:{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    report = "".join(path.read_text() for path in bug.config.glob("crash*"))
    assert done.returncode == 3, done.stderr
    assert "RuntimeError" in report
    assert not _hides(done.stdout + done.stderr + report)
