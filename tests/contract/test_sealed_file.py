"""The sealed key file: keys under a passphrase, for machines without a keychain."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.key_contract import ACCOUNT, KEY, OTHER_KEY, KeyRingContract
from vsync.errors import Conflict, IntegrityError, KeyUnavailable, UnsupportedVersion, VsyncError
from vsync.formats.envelope import ITERATIONS, derive, open_sealed, seal
from vsync.formats.strict import dump_canonical
from vsync.keys import sealed_file
from vsync.keys.sealed_file import Contents, SealedFile, from_bytes, new_salt

PASSPHRASE = "a passphrase for the tests"
DERIVED = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vsync" / "keys.sealed"


def open_file(path: Path, passphrase: Callable[[], str] = lambda: PASSPHRASE) -> SealedFile:
    return SealedFile(path, passphrase, iterations=1)


class TestSealedFile(KeyRingContract):
    @pytest.fixture
    def ring(self, path: Path) -> SealedFile:
        return open_file(path)

    @pytest.fixture
    def again(self, path: Path) -> SealedFile:
        return open_file(path)


def test_the_bytes_are_salt_and_envelope(path: Path) -> None:
    SealedFile(path, lambda: PASSPHRASE).set(ACCOUNT, KEY)
    data = path.read_bytes()
    assert (data[0], data[25:29]) == (24, b"RQE1")
    # The production cost is pinned here: it is what opens a file made with the default.
    derived = derive(PASSPHRASE, data[1:25].decode(), iterations=600_000)
    expected = f'{{"keys":{{"{ACCOUNT}":"{KEY}"}},"version":1}}'
    assert open_sealed(derived, data[25:]) == expected.encode()
    assert ITERATIONS == 600_000


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_contents_survive_the_round_trip(keys: dict[str, str]) -> None:
    contents = Contents(new_salt(), keys)
    assert from_bytes(contents.to_bytes(DERIVED), DERIVED) == contents


@given(st.data())
def test_any_changed_byte_is_refused(data: st.DataObject) -> None:
    # attack 1
    whole = bytearray(Contents(new_salt(), {ACCOUNT: KEY}).to_bytes(DERIVED))
    position = data.draw(st.integers(25, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((IntegrityError, KeyUnavailable)):
        from_bytes(bytes(whole), DERIVED)


@pytest.mark.parametrize("position", [0, 1, 24, 25, 28, 29, 41, -1])
def test_a_changed_file_is_never_opened(path: Path, position: int) -> None:
    # attack 1
    open_file(path).set(ACCOUNT, KEY)
    whole = bytearray(path.read_bytes())
    whole[position] ^= 1
    path.write_bytes(whole)
    with pytest.raises((IntegrityError, KeyUnavailable)):
        open_file(path).get(ACCOUNT)


def test_a_truncated_file_is_never_opened(path: Path) -> None:
    # attack 2
    open_file(path).set(ACCOUNT, KEY)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises((IntegrityError, KeyUnavailable)):
            open_file(path).get(ACCOUNT)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"[]",
        b'{"keys":{},"version":1} ',
        b'{"version":1,"keys":{}}',
        b'{"keys":{},"version":1.0}',
        b'{"keys":{},"version":true}',
        b'{"keys":{}}',
        b'{"keys":{"a/b":1},"version":1}',
        b'{"keys":{"a/b":"x","a/b":"y"},"version":1}',
        b'{"extra":1,"keys":{},"version":1}',
        b'{"keys":{"a\\u002fb":"x"},"version":1}',
    ],
)
def test_another_spelling_of_the_contents_is_refused(plain: bytes) -> None:
    # attack 6
    data = bytes([24]) + new_salt().encode() + seal(DERIVED, plain)
    with pytest.raises(IntegrityError):
        from_bytes(data, DERIVED)


def test_a_newer_version_is_refused_as_such() -> None:
    # attack 5
    data = bytes([24]) + new_salt().encode() + seal(DERIVED, dump_canonical({"version": 2, "keys": {}}))
    with pytest.raises(UnsupportedVersion):
        from_bytes(data, DERIVED)


def test_a_wrong_passphrase_is_key_unavailable_and_may_be_corrected(path: Path) -> None:
    open_file(path).set(ACCOUNT, KEY)
    answers = iter(["a wrong one", PASSPHRASE])
    ring = open_file(path, lambda: next(answers))
    with pytest.raises(KeyUnavailable, match="passphrase does not open") as caught:
        ring.get(ACCOUNT)
    assert "a wrong one" not in f"{caught.value}{caught.value.hint}"
    assert ring.get(ACCOUNT) == KEY


def test_a_wrong_passphrase_changes_nothing(path: Path) -> None:
    open_file(path).set(ACCOUNT, KEY)
    before = path.read_bytes()
    other = open_file(path, lambda: "a wrong one")
    calls: list[Callable[[], object]] = [lambda: other.set(ACCOUNT, OTHER_KEY), lambda: other.delete(ACCOUNT)]
    for call in calls:
        with pytest.raises(KeyUnavailable):
            call()
    assert path.read_bytes() == before


@pytest.mark.parametrize("passphrase", ["", "\udcff"])
def test_a_passphrase_that_is_none_is_refused(path: Path, passphrase: str) -> None:
    with pytest.raises(KeyUnavailable, match="passphrase"):
        open_file(path, lambda: passphrase).set(ACCOUNT, KEY)
    assert not path.exists()


def test_the_passphrase_is_asked_for_once_and_only_when_needed(path: Path) -> None:
    asked = []
    ring = open_file(path, lambda: asked.append("asked") or PASSPHRASE)  # type: ignore[func-returns-value]
    assert ring.get(ACCOUNT) is None
    ring.delete(ACCOUNT)
    assert asked == []
    ring.set(ACCOUNT, KEY)
    ring.set(ACCOUNT, OTHER_KEY)
    assert ring.get(ACCOUNT) == OTHER_KEY
    assert asked == ["asked"]
    assert PASSPHRASE not in repr(vars(ring))


def test_a_file_made_anew_by_somebody_else_is_opened_anew(path: Path) -> None:
    ring = open_file(path)
    ring.set(ACCOUNT, KEY)
    path.unlink()
    open_file(path).set(ACCOUNT, OTHER_KEY)
    assert ring.get(ACCOUNT) == OTHER_KEY


def test_every_write_has_a_fresh_nonce(path: Path) -> None:
    # attack 9
    ring = open_file(path)
    nonces = set()
    for _ in range(20):
        ring.set(ACCOUNT, KEY)
        nonces.add(path.read_bytes()[29:41])
    assert len(nonces) == 20


def test_file_and_folder_are_private_whatever_the_umask(path: Path) -> None:
    # attack 31
    before = os.umask(0)
    try:
        open_file(path).set(ACCOUNT, KEY)
    finally:
        os.umask(before)
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
    assert modes.pop("keys.sealed") == 0o600
    assert set(modes.values()) <= {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_can_use_is_refused(path: Path) -> None:
    # attack 41
    open_file(path).set(ACCOUNT, KEY)
    path.chmod(0o640)
    calls: list[Callable[[], object]] = [
        lambda: open_file(path).get(ACCOUNT),
        lambda: open_file(path).set(ACCOUNT, OTHER_KEY),
    ]
    for call in calls:
        with pytest.raises(KeyUnavailable, match="can be used by others"):
            call()


def test_an_endless_file_is_refused(path: Path) -> None:
    # attack 11
    path.parent.mkdir()
    path.touch(mode=0o600)
    os.truncate(path, 10**10)
    with pytest.raises(KeyUnavailable, match="larger than"):
        open_file(path).get(ACCOUNT)


def test_a_file_never_grows_beyond_what_can_be_read_again(path: Path) -> None:
    ring = open_file(path)
    ring.set(ACCOUNT, KEY)
    with pytest.raises(KeyUnavailable, match="would grow"):
        ring.set("myapp/big", "k" * sealed_file.MAX_FILE_BYTES)
    assert ring.get(ACCOUNT) == KEY


def test_a_full_disk_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    # attack 33: the limit on file sizes fails a write half-way, as a full disk does
    open_file(path).set(ACCOUNT, KEY)
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from vsync.keys.sealed_file import SealedFile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        f"ring = SealedFile(Path(sys.argv[1]), lambda: {PASSPHRASE!r}, iterations=1)\n"
        "try: ring.set('myapp/dev', 'k' * 2000)\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "DiskError\n"
    assert open_file(path).get(ACCOUNT) == KEY
    assert {entry.name for entry in path.parent.iterdir()} <= {"keys.sealed", "keys.sealed.lock"}


def test_threads_and_views_lose_nothing_to_each_other(path: Path) -> None:
    rings = [open_file(path) for _ in range(3)]
    accounts = [f"myapp/env{number}" for number in range(24)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: rings[n % 3].set(accounts[n], f"key of {accounts[n]}"), range(24)))
    assert [rings[0].get(account) for account in accounts] == [f"key of {account}" for account in accounts]


def test_processes_lose_nothing_to_each_other(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from vsync.keys.sealed_file import SealedFile\n"
        f"ring = SealedFile(Path(sys.argv[1]), lambda: {PASSPHRASE!r}, iterations=1)\n"
        "for n in range(5): ring.set(f'p{sys.argv[2]}/e{n}', 'k' * 20)\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(3)]
    assert [child.wait(timeout=60) for child in children] == [0, 0, 0]
    ring = open_file(path)
    assert all(ring.get(f"p{p}/e{n}") for p in range(3) for n in range(5))


def test_a_lock_that_is_held_is_a_conflict(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # attack 96
    monkeypatch.setattr(sealed_file, "LOCK_SECONDS", 0.05)
    path.parent.mkdir()
    with FileLock(path.with_name("keys.sealed.lock")):
        with pytest.raises(Conflict, match="another process"):
            open_file(path).set(ACCOUNT, KEY)
        assert open_file(path).get(ACCOUNT) is None


def test_a_place_that_cannot_be_written_is_key_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(VsyncError) as caught:
        open_file(tmp_path / "file" / "keys").set(ACCOUNT, KEY)
    assert type(caught.value) is KeyUnavailable
