"""The machine as a use case sees it: everything below the base folder."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from vsync.files import read_json, write_json
from vsync.machine.backups import Backups
from vsync.machine.halves import Bindings, Profiles, Trust
from vsync.machine.locks import held
from vsync.machine.memory import LocalKey, Memory
from vsync.machine.settings import Settings
from vsync.model import SecretName


class Machine:
    """This machine's own files (formats §8)."""

    def __init__(
        self, base: Path, settings: Settings, environ: dict[str, str], notice: Callable[[str], None]
    ) -> None:
        self.base = base
        self.settings = settings
        self.bindings = Bindings(base, environ)
        self.profiles = Profiles(base)
        self.trust = Trust(base)
        self.memory = Memory(base, notice)
        self.local_key = LocalKey(base)
        self.backups = Backups(base, settings.limits)

    def vault_lock(self, secret: SecretName) -> AbstractContextManager[None]:
        """Hold the vault against every other process of this machine; Conflict after `lock_timeout`."""
        path = self.base / secret.repo / f".lock_{secret.name}"
        return held(path, str(secret), timeout=self.settings.lock_timeout)

    def is_fit(self, place: str) -> bool:
        """Tell whether the store behind this digest was probed and found to honour conditions."""
        return bool((read_json(self.base / "stores.json") or {}).get(place))

    def remember_fit(self, place: str) -> None:
        """Remember that a store was probed and is fit."""
        path = self.base / "stores.json"
        write_json(path, (read_json(path) or {}) | {place: True})
