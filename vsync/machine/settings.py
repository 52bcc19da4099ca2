"""The user's own `config.toml`: key source, limits, time-outs; never read from a repository."""

import os
import tomllib
from pathlib import Path
from typing import NamedTuple

from vsync.errors import ConfigError, IntegrityError
from vsync.files import read_private
from vsync.formats.entries import MAX_ENTRIES, MAX_UNPACKED_BYTES, ArchiveLimits
from vsync.formats.strict import Fields

KEY_STORES = ("keychain", "sealed-file")
MAX_SETTINGS_BYTES = 1024 * 1024


class Settings(NamedTuple):
    """What the user set, or the defaults; time-outs in seconds."""

    key_store: str = "keychain"
    key_command: str | None = None
    limits: ArchiveLimits = ArchiveLimits()
    audit_timeout: int = 30
    lock_timeout: int = 30


def read_settings(base: Path) -> Settings:
    """Read `<base>/config.toml`; ConfigError names the table and the key."""
    path = base / "config.toml"
    data = read_private(path.resolve() if path.is_symlink() else path, limit=MAX_SETTINGS_BYTES)
    if data is None:
        return Settings()
    if os.name == "posix" and path.stat().st_mode & 0o002:
        raise ConfigError(f"{path} can be written by everybody", hint=f"chmod 600 {path}")
    try:
        document = tomllib.loads(data.decode())
        return _settings(Fields(document, path.name))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML") from error
    except IntegrityError as error:
        raise ConfigError(f"{path}: {error.message}") from error


def _settings(fields: Fields) -> Settings:
    keys, limits, timeouts = (fields.optional_table(name) for name in ("keys", "limits", "timeouts"))
    store = keys.optional_text("store") or "keychain"
    if store not in KEY_STORES:
        keys.refuse("store")

    def number(table: Fields, key: str, default: int, high: int) -> int:
        return table.integer(key, 1, high) if key in table.values else default

    return Settings(
        key_store=store,
        key_command=keys.optional_text("command"),
        limits=ArchiveLimits(
            number(limits, "entries", MAX_ENTRIES, 10_000_000),
            number(limits, "unpacked", MAX_UNPACKED_BYTES, 2**40),
        ),
        audit_timeout=number(timeouts, "audit", 30, 3600),
        lock_timeout=number(timeouts, "lock", 30, 3600),
    )
