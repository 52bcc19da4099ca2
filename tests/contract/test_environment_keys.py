"""Keys from variables, files and commands, and several places in a row."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.key_contract import ACCOUNT, KEY, OTHER_KEY, KeyReadContract
from vsync.errors import KeyUnavailable, UsageError
from vsync.keys.chained import ChainedKeys
from vsync.keys.environment import EnvironmentKeys, variable
from vsync.keys.sealed_file import SealedFile

NAMED = "VSYNC_KEY_MYAPP_PROD"


def key_file(folder: Path, text: str = KEY, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(text.encode())
    path.chmod(mode)
    return path


def python(code: str) -> str:
    """A key command that runs some Python."""
    return shlex.join([sys.executable, "-c", code])


class TestNamedVariable(KeyReadContract):
    @pytest.fixture
    def holding(self) -> EnvironmentKeys:
        return EnvironmentKeys({NAMED: KEY})


class TestPlainVariable(KeyReadContract):
    @pytest.fixture
    def holding(self) -> EnvironmentKeys:
        return EnvironmentKeys({"VSYNC_KEY": KEY})


class TestKeyFile(KeyReadContract):
    @pytest.fixture
    def holding(self, tmp_path: Path) -> EnvironmentKeys:
        return EnvironmentKeys({"VSYNC_KEY_FILE": str(key_file(tmp_path, KEY + "\n"))})


class TestKeyCommand(KeyReadContract):
    @pytest.fixture
    def holding(self) -> EnvironmentKeys:
        return EnvironmentKeys({"VSYNC_KEY_COMMAND": python(f"print({KEY!r})")})


class TestConfiguredCommand(KeyReadContract):
    @pytest.fixture
    def holding(self) -> EnvironmentKeys:
        return EnvironmentKeys({}, command=python(f"print({KEY!r})"))


def test_nothing_set_means_no_key() -> None:
    ring = EnvironmentKeys({"VSYNC_KEY": "", NAMED: "", "VSYNC_KEY_FILE": "", "VSYNC_KEY_COMMAND": ""})
    assert ring.get(ACCOUNT) is None
    assert (ring.source, ring.single_vault, ring.writable) == ("environment", False, False)


@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("myapp/prod", NAMED),
        ("my-app/eu.west_1", "VSYNC_KEY_MY_APP_EU_WEST_1"),
        ("myapp/prod#9f2c41d07ab3e655", "VSYNC_KEY_MYAPP_PROD_9F2C41D07AB3E655"),
    ],
)
def test_a_variable_is_named_after_its_account(account: str, name: str) -> None:
    assert variable(account) == name
    assert EnvironmentKeys({name: KEY}).get(account) == KEY


@given(st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,20}/[a-z0-9][a-z0-9._-]{0,20}(#[0-9a-f]{16})?\Z"))
def test_no_account_is_named_like_another_setting(account: str) -> None:
    name = variable(account)
    assert name.replace("_", "A").isalnum()
    assert name not in {"VSYNC_KEY_FILE", "VSYNC_KEY_COMMAND", "VSYNC_KEY"}


def test_the_most_particular_source_wins(tmp_path: Path) -> None:
    everything = {
        NAMED: "the named variable's key",
        "VSYNC_KEY_FILE": str(key_file(tmp_path, "the key of the key file")),
        "VSYNC_KEY_COMMAND": python("print('the key of the command')"),
        "VSYNC_KEY": "the key of the variable",
    }
    configured = python("print('the key of the configuration')")
    answers = []
    for name in list(everything):
        answers.append(EnvironmentKeys(everything, command=configured).get(ACCOUNT))
        del everything[name]
    answers.append(EnvironmentKeys(everything, command=configured).get(ACCOUNT))
    assert [str(answer).split()[-1] for answer in answers] == [
        "key",
        "file",
        "command",
        "variable",
        "configuration",
    ]


def in_variable(text: str, folder: Path) -> Mapping[str, str]:
    return {"VSYNC_KEY": text}


def in_file(text: str, folder: Path) -> Mapping[str, str]:
    return {"VSYNC_KEY_FILE": str(key_file(folder, text))}


def from_command(text: str, folder: Path) -> Mapping[str, str]:
    return {"VSYNC_KEY_COMMAND": python(f"import sys; sys.stdout.buffer.write({text.encode()!r})")}


@pytest.mark.parametrize("place", [in_variable, in_file, from_command])
@pytest.mark.parametrize(
    ("ending", "left"), [("", ""), ("\n", ""), ("\r\n", ""), ("\n\n", "\n"), (" \n", " "), ("\r", "\r")]
)
def test_one_line_end_is_removed_and_nothing_else(
    place: Callable[[str, Path], Mapping[str, str]], ending: str, left: str, tmp_path: Path
) -> None:
    assert EnvironmentKeys(place(f" {KEY}{ending}", tmp_path)).get(ACCOUNT) == f" {KEY}{left}"


@pytest.mark.parametrize("place", [in_variable, in_file, from_command])
def test_a_text_too_short_to_be_a_key_is_refused(
    place: Callable[[str, Path], Mapping[str, str]], tmp_path: Path
) -> None:
    with pytest.raises(KeyUnavailable, match="fewer than the 20 characters") as caught:
        EnvironmentKeys(place("k" * 19 + "\n", tmp_path)).get(ACCOUNT)
    assert "kkk" not in f"{caught.value}{caught.value.hint}"


def test_bytes_that_are_no_text_are_refused_without_quoting_them(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    path.write_bytes(b"\xffsecret-secret-secret-secret")
    not_text = "\udcffsecret-secret-secret-secret"
    for environ in ({"VSYNC_KEY": not_text}, {"VSYNC_KEY_FILE": str(path)}):
        with pytest.raises(KeyUnavailable, match="not UTF-8") as caught:
            EnvironmentKeys(environ).get(ACCOUNT)
        assert caught.value.__cause__ is None
        assert "secret-" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610])
def test_a_key_file_that_others_can_use_is_refused(mode: int, tmp_path: Path) -> None:
    # attack 41
    with pytest.raises(KeyUnavailable, match="can be used by others") as caught:
        EnvironmentKeys({"VSYNC_KEY_FILE": str(key_file(tmp_path, mode=mode))}).get(ACCOUNT)
    assert "chmod 600" in (caught.value.hint or "")


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_key_file_of_its_owner_alone_is_read(mode: int, tmp_path: Path) -> None:
    path = key_file(tmp_path, mode=mode)
    assert EnvironmentKeys({"VSYNC_KEY_FILE": str(path)}).get(ACCOUNT) == KEY


def test_a_key_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # attack 41
    path = key_file(tmp_path)
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(KeyUnavailable, match="belongs to somebody else"):
        EnvironmentKeys({"VSYNC_KEY_FILE": str(path)}).get(ACCOUNT)


def test_a_link_is_judged_by_the_file_it_leads_to(tmp_path: Path) -> None:
    # attack 41
    link = tmp_path / "link"
    link.symlink_to(key_file(tmp_path))
    assert EnvironmentKeys({"VSYNC_KEY_FILE": str(link)}).get(ACCOUNT) == KEY
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(KeyUnavailable):
        EnvironmentKeys({"VSYNC_KEY_FILE": str(link)}).get(ACCOUNT)


def test_what_is_no_small_regular_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    big = tmp_path / "big"
    big.touch(mode=0o600)
    os.truncate(big, 10**9)
    for path, message in [
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
        (big, "larger than"),
        (tmp_path / "none", "no such file"),
        (big / "below", "cannot be read"),
    ]:
        with pytest.raises(KeyUnavailable, match=message):
            EnvironmentKeys({"VSYNC_KEY_FILE": str(path)}).get(ACCOUNT)


def test_the_command_learns_the_account_and_none_of_our_secrets(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "ours = sorted(n for n in os.environ if n.startswith('VSYNC'))\n"
        "print(os.environ['VSYNC_ACCOUNT'], ours, os.environ['HOME'], repr(sys.stdin.read()))"
    )
    environ = {
        **os.environ,
        "VSYNC_KEY_COMMAND": python(code),
        "VSYNC_KEY_OTHER_PROD": OTHER_KEY,
        "VSYNC_KEYS_PASSPHRASE": "p",
        "VSYNC_PASSPHRASE": "p",
        "VSYNC_CONFIG": "c",
        "HOME": "/home/ana",
    }
    assert EnvironmentKeys(environ).get(ACCOUNT) == f"{ACCOUNT} ['VSYNC_ACCOUNT'] /home/ana ''"


def test_the_command_is_run_once_an_account(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import os; open({str(log)!r}, 'a').write(os.environ['VSYNC_ACCOUNT'] + ' '); print({KEY!r})"
    ring = EnvironmentKeys({"VSYNC_KEY_COMMAND": python(code)})
    for account in (ACCOUNT, ACCOUNT, "myapp/dev", ACCOUNT):
        assert ring.get(account) == KEY
    assert log.read_text() == "myapp/prod myapp/dev "


@pytest.mark.parametrize("output", ["", "\n", "\r\n"])
def test_a_command_that_prints_nothing_has_no_key(output: str) -> None:
    command = python(f"print({output!r}, end='')")
    assert EnvironmentKeys({"VSYNC_KEY_COMMAND": command}).get(ACCOUNT) is None


def test_the_command_is_not_given_to_a_shell(tmp_path: Path) -> None:
    words = f"echo {KEY}; touch {tmp_path}/made $(touch {tmp_path}/made)"
    assert (EnvironmentKeys({**os.environ, "VSYNC_KEY_COMMAND": words}).get(ACCOUNT) or "").startswith(KEY)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (python("import sys; print('x' * 30, file=sys.stderr); sys.exit('sesame')"), "exit code 1"),
        ("/nonexistent/program sesame", "cannot be started"),
        ("program 'sesame", "open quote"),
        (" ", "is empty"),
        (python("print('sesame' * 20000)"), "more than a key"),
        (python("import time; print('sesame', flush=True); time.sleep(600)"), "did not end within"),
        (python("import sys; sys.stdout.buffer.write(b'sesame' * 9 + bytes([255]))"), "not UTF-8"),
    ],
)
def test_a_command_that_gives_no_key_is_key_unavailable(
    command: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    # attack 40
    ring = EnvironmentKeys({**os.environ, "VSYNC_KEY_COMMAND": command}, timeout=2.0)
    with pytest.raises(KeyUnavailable, match=message) as caught:
        ring.get(ACCOUNT)
    assert "sesame" not in f"{caught.value}{caught.value.hint}"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["VSYNC_KEY", "VSYNC_KEY_FILE"])
def test_one_key_for_several_vaults_is_refused(name: str) -> None:
    ring = EnvironmentKeys({name: KEY})
    assert ring.single_vault
    ring.require_one_vault([ACCOUNT])
    with pytest.raises(UsageError, match="the key of one vault, and 2 are selected") as caught:
        ring.require_one_vault([ACCOUNT, "myapp/dev"])
    assert "VSYNC_KEY_MYAPP_DEV" in (caught.value.hint or "")


def test_several_vaults_may_have_a_key_each() -> None:
    both = EnvironmentKeys({"VSYNC_KEY_MYAPP_DEV": OTHER_KEY, "VSYNC_KEY": KEY})
    both.require_one_vault([ACCOUNT, "myapp/dev"])
    assert (both.get(ACCOUNT), both.get("myapp/dev")) == (KEY, OTHER_KEY)
    EnvironmentKeys({"VSYNC_KEY_COMMAND": "pass"}).require_one_vault([ACCOUNT, "myapp/dev"])


def test_the_source_names_the_variables_in_use() -> None:
    environ = {NAMED: KEY, "VSYNC_KEY": OTHER_KEY, "VSYNC_KEY_FILE": "/x", "VSYNC_KEYS_PASSPHRASE": "p"}
    assert EnvironmentKeys(environ).source == f"{NAMED}, VSYNC_KEY_FILE"
    assert EnvironmentKeys({}, command="pass show").source == "key command of config.toml"


def test_the_environment_cannot_be_written() -> None:
    ring = EnvironmentKeys({"VSYNC_KEY": KEY})
    calls: list[Callable[[], object]] = [lambda: ring.set(ACCOUNT, OTHER_KEY), lambda: ring.delete(ACCOUNT)]
    for call in calls:
        with pytest.raises(KeyUnavailable, match="comes from the environment"):
            call()
    assert ring.get(ACCOUNT) == KEY


@pytest.fixture
def sealed(tmp_path: Path) -> SealedFile:
    return SealedFile(tmp_path / "keys", lambda: "a passphrase for the tests", iterations=1)


def test_the_first_place_that_has_the_key_answers(sealed: SealedFile) -> None:
    sealed.set(ACCOUNT, OTHER_KEY)
    sealed.set("myapp/dev", OTHER_KEY)
    chain = ChainedKeys([EnvironmentKeys({NAMED: KEY}), sealed])
    assert chain.source == f"{NAMED}, {sealed.source}"
    assert (chain.get(ACCOUNT), chain.source) == (KEY, NAMED)
    assert (chain.get("myapp/dev"), chain.source) == (OTHER_KEY, sealed.source)
    assert chain.get("myapp/none") is None


def test_the_first_place_that_can_be_written_is_written(sealed: SealedFile) -> None:
    chain = ChainedKeys([EnvironmentKeys({}), sealed])
    assert chain.writable
    chain.set(ACCOUNT, KEY)
    assert sealed.get(ACCOUNT) == KEY
    chain.delete(ACCOUNT)
    assert sealed.get(ACCOUNT) is None


def test_a_key_that_another_place_would_hide_is_not_stored(sealed: SealedFile) -> None:
    chain = ChainedKeys([EnvironmentKeys({NAMED: OTHER_KEY}), sealed])
    with pytest.raises(KeyUnavailable, match="would hide the new one"):
        chain.set(ACCOUNT, KEY)
    assert sealed.get(ACCOUNT) is None


def test_a_place_that_cannot_be_looked_at_ends_the_search(sealed: SealedFile, tmp_path: Path) -> None:
    sealed.set(ACCOUNT, KEY)
    chain = ChainedKeys([EnvironmentKeys({"VSYNC_KEY_FILE": str(tmp_path / "gone")}), sealed])
    with pytest.raises(KeyUnavailable, match="no such file"):
        chain.get(ACCOUNT)


def test_without_a_place_that_can_be_written_nothing_is_stored() -> None:
    chain = ChainedKeys([EnvironmentKeys({})])
    assert not chain.writable
    with pytest.raises(KeyUnavailable, match="no place here that keeps keys"):
        chain.set(ACCOUNT, KEY)
