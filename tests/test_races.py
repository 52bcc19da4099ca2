"""Networks that fail and people who are faster: attacks 77, 81, 82, 83, 96; a real S3 server."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from filelock import FileLock

from tests.faults import FaultProxy, answer, captive_portal, cut_body, hang_up, lose_answer
from tests.homes import Home, program
from tests.s3server import KEY_ID, SECRET, Server
from tests.simulator import Simulator
from tests.worlds import Desk, Team
from vsync.errors import Conflict, IntegrityError, Refused, StoreError, Uncertain, VsyncError
from vsync.store.s3 import S3Store

CROWD = 8
ROUNDS = 2


@pytest.fixture
def team(tmp_path: Path, s3_store: S3Store) -> Team:
    team = Team(tmp_path / "team")
    team.store = s3_store
    return team


@pytest.fixture
def ana(team: Team) -> Desk:
    desk = team.desk("ana")
    desk.write(".env.prod", "A=1\n")
    desk.push()
    desk.write(".env.prod", "A=2\n")
    return desk


@pytest.fixture
def proxy(ana: Desk, s3_server: Server, s3_bucket: str) -> Iterator[FaultProxy]:
    """A network between Ana and the server that fails on demand."""
    with FaultProxy(s3_server.url) as proxy:
        ana.store = S3Store(s3_server.location(s3_bucket, through=proxy.url))
        yield proxy
        ana.store.close()


@pytest.mark.parametrize("status", [None, 500, 412])
def test_a_lost_answer_to_the_swap_is_a_success(
    ana: Desk, team: Team, proxy: FaultProxy, status: int | None
) -> None:
    proxy.on(lose_answer(status), method="PUT", path="manifest")  # attack 82
    assert ana.push().state == "pushed"
    assert team.pointer().gen == 2
    assert ana.push().state == "unchanged"


@pytest.mark.parametrize("status", [None, 503])
def test_a_lost_answer_to_the_upload_is_a_success(
    ana: Desk, team: Team, proxy: FaultProxy, status: int | None
) -> None:
    proxy.on(lose_answer(status), method="PUT", path="v=")  # attack 82
    assert ana.push().state == "pushed"
    assert team.pointer().gen == 2


def test_a_lost_answer_to_the_audit_row_does_not_write_it_twice(
    ana: Desk, team: Team, proxy: FaultProxy
) -> None:
    proxy.on(lose_answer(), method="PUT", path="audit.csv")  # attack 82
    ana.push()
    ana.write(".env.prod", "A=3\n")
    ana.push()
    rows = ana.audit(verify=True)
    assert [row.data["version_ts"][-1] for row in rows] == ["0", "1", "2"]
    assert {row.state for row in rows} == {"ok"}


def test_slow_down_is_tried_again(ana: Desk, proxy: FaultProxy) -> None:
    proxy.on(answer(503, "SlowDown"), method="PUT", path="manifest", times=2)  # attack 77
    assert ana.push().state == "pushed"


def test_a_lost_race_says_who_and_when(ana: Desk, team: Team) -> None:
    ben, hostile = team.desk("ben"), Simulator(team.store)  # attack 81
    ben.pull()
    ben.write(".env.prod", "A=ben\n")
    ana.store = hostile
    hostile.before("swap", "manifest", ben.push)
    with pytest.raises(Conflict, match=r"ben@example\.com pushed 20260523-120002, generation 2"):
        ana.push()
    assert (team.pointer().by, ana.tree()) == (ben.email, {".env.prod": b"A=2\n"})
    assert "completed" not in ana.notices


def test_a_successor_of_our_version_means_that_we_won(ana: Desk, team: Team) -> None:
    ben, hostile = team.desk("ben"), Simulator(team.store)  # attack 81
    ana.store = hostile
    swap = hostile.inner.swap

    def win_and_be_succeeded() -> None:
        data = pending_pointer.pop()
        swap(team.root.head, data, expected=team.store.read(team.root.head, limit=1 << 16).tag)
        ben.pull()
        ben.write(".env.prod", "A=on top\n")
        ben.push()
        raise Uncertain("the answer was lost")

    pending_pointer: list[bytes] = []
    _on_swap(hostile, pending_pointer, win_and_be_succeeded)
    assert ana.push().state == "pushed"
    assert (team.pointer().gen, team.pointer().by) == (3, ben.email)
    assert ana.pull().state == "pulled"


def _on_swap(hostile: Simulator, noted: list[bytes], then: Callable[[], None]) -> None:
    """Hand the bytes of the next pointer swap to `noted`, then do something instead of it."""
    true_swap = hostile.swap

    def swap(name: str, data: bytes, *, expected: str | None) -> str:
        if name.endswith("manifest"):
            hostile.swap = true_swap  # type: ignore[method-assign]
            noted.append(data)
            then()
        return true_swap(name, data, expected=expected)

    hostile.swap = swap  # type: ignore[method-assign]


def test_an_audit_that_fails_never_fails_the_push_and_comes_with_the_next(ana: Desk, team: Team) -> None:
    hostile = ana.store = Simulator(team.store)  # attack 82
    hostile.refuse("swap", "audit.csv", StoreError("no"))
    assert ana.push().state == "pushed"
    assert "the audit row waits on this machine" in ana.notices
    assert len(ana.audit()) == 1
    hostile.forgive()
    ana.pull()
    rows = ana.audit(verify=True)
    assert [(row.data["action"], row.data["version_ts"][-1]) for row in rows] == [
        ("push", "0"),
        ("push", "1"),
    ]
    assert {row.state for row in rows} == {"ok"}


def test_a_read_only_user_can_pull_and_hears_of_the_log_once(ana: Desk, team: Team) -> None:
    ben, hostile = team.desk("ben"), Simulator(team.store)
    ben.store = hostile
    hostile.refuse("swap", "", Refused("403"))
    hostile.refuse("create", "", Refused("403"))
    assert ben.pull().state == "pulled"
    assert ben.notices.count("no audit row") == 1
    ben.write(".env.prod", "A=ben\n")
    with pytest.raises(Refused):
        ben.push()
    assert team.pointer().gen == 1


@pytest.mark.parametrize("path", ["v=", "manifest"])
def test_a_refused_write_ends_in_14_and_leaves_the_old_state(
    ana: Desk, team: Team, proxy: FaultProxy, path: str
) -> None:
    proxy.on(answer(403, "AccessDenied"), method="PUT", path=path, times=None)  # attacks 77, 83
    with pytest.raises(Refused) as caught:
        ana.push()
    assert (caught.value.exit_code, team.pointer().gen) == (14, 1)
    assert SECRET not in f"{caught.value!r}{caught.value.hint}"
    # No retry storm over credentials that are not enough.
    assert len([seen for seen in proxy.requests if seen.method == "PUT"]) <= 2
    proxy.clear()
    assert ana.push().data["generation"] == 2


def test_a_bucket_that_is_gone_is_no_empty_store(
    ana: Desk, s3_server: Server, s3_bucket: str, team: Team
) -> None:
    for name in team.objects():
        team.store.delete(name)
    with urlopen(Request(f"{s3_server.url}/{s3_bucket}", method="DELETE")):
        pass
    for verb in (ana.push, ana.pull):
        with pytest.raises(VsyncError) as caught:
            verb()
        assert caught.value.exit_code in {10, 13, 14}
    assert ana.tree() == {".env.prod": b"A=2\n"}


CUTS = [
    (hang_up(), "manifest"),
    (answer(500, "InternalError"), "manifest"),
    (captive_portal(), "manifest"),
    (captive_portal(), "v="),
    (cut_body(40), "v="),
    (answer(404, "NoSuchKey"), "v="),
]


@pytest.mark.parametrize(("fault", "path"), CUTS)
def test_a_pull_over_a_broken_network_changes_nothing(
    ana: Desk, team: Team, proxy: FaultProxy, fault: Callable[..., None], path: str
) -> None:
    ben = team.desk("ben")  # attack 77
    ben.pull()
    ana.push()
    ben.store = ana.store
    proxy.on(fault, method="GET", path=path, times=None)
    before = ben.tree()
    with pytest.raises(VsyncError) as caught:
        ben.pull()
    assert caught.value.exit_code in {10, 13, 14}
    assert ben.tree() == before
    proxy.clear()
    assert ben.pull().state == "pulled"


def test_a_captive_portal_is_never_taken_for_a_bundle(ana: Desk, proxy: FaultProxy) -> None:
    proxy.on(captive_portal(), method="GET", path="manifest", times=None)  # attack 77
    with pytest.raises((IntegrityError, StoreError)) as caught:
        ana.pull(force=True)
    assert "HotelNet" not in str(caught.value)


# The real program, several at once


def _start(home: Home, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*program(), *words],
        cwd=home.path / "app",
        env=home.env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _set_up(home: Home, profile: tuple[str, ...]) -> None:
    app = home.path / "app"
    app.mkdir()
    home.git("init", "-q", cwd=app)
    assert home.vsync("profile", "add", "team", *profile, cwd=app, stdin=SECRET).returncode == 0
    done = home.vsync("init", "prod", "--name", "prod", "--profile", "team", "--no-input", cwd=app)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def crowd(home: Callable[[str], Home], s3_server: Server, s3_bucket: str) -> list[Home]:
    """Eight machines with the same vault: the first one's home, copied."""
    first = home("p0")
    where = ("--endpoint", s3_server.url, "--bucket", s3_bucket, "--access-key", KEY_ID)
    _set_up(first, (*where, "--region", "us-east-1", "--secret-key", "-"))
    (first.path / "app/infra/vault/prod/.env.prod").write_text("A=0\n")
    assert first.vsync("push", cwd=first.path / "app").returncode == 0
    homes = [first]
    for number in range(1, CROWD):
        path = first.path.parent / f"p{number}"
        shutil.copytree(first.path, path)
        homes.append(Home(path, f"p{number}"))
        homes[-1].git("config", "--global", "user.email", homes[-1].email, cwd=path)
    return homes


def test_of_eight_who_push_at_once_exactly_one_wins_each_round(crowd: list[Home]) -> None:
    winners = 1  # attack 81
    for number in range(ROUNDS):
        for home in crowd:
            (home.path / "app/infra/vault/prod/.env.prod").write_text(f"A={home.person}-{number}\n")
        running = [_start(home, "push") for home in crowd]
        ended = [process.communicate(timeout=120) for process in running]
        codes = [process.returncode for process in running]
        assert sorted(codes) == [0] + [11] * (CROWD - 1), ended
        losers = [said[1] for said, code in zip(ended, codes, strict=True) if code]
        assert all(f"{crowd[codes.index(0)].email} pushed" in said for said in losers)
        winners += 1
        running = [_start(home, "pull", "--backup") for home in crowd]
        ended = [process.communicate(timeout=120) for process in running]
        assert {process.returncode for process in running} == {0}, ended
    audit = crowd[0].vsync("audit", "--verify", cwd=crowd[0].path / "app")
    assert audit.returncode == 0, audit.stdout
    assert audit.stdout.count("  push  ") == winners
    assert audit.stdout.count("  pull  ") == ROUNDS * (CROWD - 1)
    assert audit.stdout.count("  ok") == len(audit.stdout.splitlines())


@pytest.fixture
def alone(home: Callable[[str], Home], tmp_path: Path) -> Home:
    """Ana with an embedded store and something pushed."""
    ana = home("ana")
    app = ana.path / "app"
    app.mkdir()
    ana.git("init", "-q", cwd=app)
    done = ana.vsync("init", "prod", "--store", f"file://{tmp_path}/store", "--no-input", cwd=app)
    assert done.returncode == 0, done.stderr
    next((app / "infra/vault").glob("[!.]*")).joinpath(".env.prod").write_text("A=1\n")
    return ana


def test_two_at_once_on_one_checkout_wait_for_each_other(alone: Home) -> None:
    running = [_start(alone, "push") for _ in range(3)]  # attack 96
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert sorted(text.split()[1] for text, _ in said) == ["pushed", "unchanged", "unchanged"]


@pytest.mark.strace
def test_kill_9_leaves_no_lock(alone: Home) -> None:
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=rename"]  # attack 96
    command += ["-e", "inject=rename:signal=STOP:when=2", *program(), "push"]
    with subprocess.Popen(command, cwd=alone.path / "app", env=alone.env, start_new_session=True) as process:
        _wait_for(lambda: _is_stopped_below(process.pid))
        os.killpg(process.pid, signal.SIGKILL)
    done = alone.vsync("push", cwd=alone.path / "app")
    assert done.returncode == 0, done.stderr


def _is_stopped_below(parent: int) -> bool:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    states = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] for child in children]
    return any(state in "Tt" for state in states)


def _wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(1000):
        if happened():
            return
        time.sleep(0.02)
    raise AssertionError("it never happened")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_waiting_for_the_lock_ends_in_its_code(alone: Home, number: int) -> None:
    lock = FileLock(alone.config / "app/.lock_prod")  # attack 95
    with lock, _start(alone, "push") as waiting:
        _wait_for(lambda: "nanosleep" in Path(f"/proc/{waiting.pid}/wchan").read_text())
        waiting.send_signal(number)
        said = waiting.communicate(timeout=60)[1]
    assert waiting.returncode == 128 + number
    assert "Traceback" not in said
