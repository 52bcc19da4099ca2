"""The user's own config.toml."""

from pathlib import Path

import pytest

from vsync.errors import ConfigError
from vsync.machine.settings import Settings, read_settings

WHOLE = """\
[keys]
store = "sealed-file"
command = "pass show vsync"
[limits]
entries = 200000
unpacked = 8589934592
[timeouts]
audit = 5
lock = 60
"""


def _write(base: Path, text: str | bytes) -> None:
    (base / "config.toml").write_bytes(text.encode() if isinstance(text, str) else text)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()
    assert Settings().audit_timeout == 30


def test_everything_can_be_set(tmp_path: Path) -> None:
    _write(tmp_path, WHOLE)
    found = read_settings(tmp_path)
    assert (found.key_store, found.key_command) == ("sealed-file", "pass show vsync")
    assert (found.limits.entries, found.limits.unpacked) == (200_000, 8 << 30)
    assert (found.audit_timeout, found.lock_timeout) == (5, 60)


def test_a_file_that_is_a_link_to_the_users_dotfiles_is_read(tmp_path: Path) -> None:
    (tmp_path / "dotfiles.toml").write_text(WHOLE)
    (tmp_path / "config.toml").symlink_to(tmp_path / "dotfiles.toml")
    assert read_settings(tmp_path).lock_timeout == 60


WRONG = [
    ('[keys]\nstore = "plaintext"\n', "store"),
    ("[timeouts]\naudit = 0\n", "audit"),
    ('[timeouts]\nlock = "30"\n', "lock"),
    ("[limits]\nentries = -1\n", "entries"),
    ("keys = 3\n", "keys"),
    ("[keys\n", "not valid TOML"),
    (b"\xff", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "named"), WRONG)
def test_a_wrong_value_is_named(tmp_path: Path, text: str | bytes, named: str) -> None:
    _write(tmp_path, text)
    with pytest.raises(ConfigError, match=named):
        read_settings(tmp_path)
