"""Encrypted rolling backups of what a pull replaces (formats §8)."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vsync.errors import NotFound
from vsync.files import make_folder, replacing, translated
from vsync.formats.entries import ArchiveLimits, PackEntry
from vsync.formats.version import is_version, version_after
from vsync.model import SecretName

if TYPE_CHECKING:
    from vsync.formats.vaultkey import VaultKey

KEPT = 10
SUFFIX = ".zip.enc"
LEDGER_SUFFIX = ".ledger.json"


class Backups:
    """`<base>/backups/<repo>/<env>/<timestamp>.zip.enc`, the newest ten of each vault."""

    def __init__(self, base: Path, limits: ArchiveLimits) -> None:
        self._base = base / "backups"
        self._limits = limits

    def names(self, secret: SecretName) -> list[str]:
        """Return the timestamps of a vault's backups, newest first."""
        folder = self._folder(secret)
        stems = (path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))
        return sorted(filter(is_version, stems), reverse=True)

    def path(self, secret: SecretName, which: int | str) -> Path:
        """Return the file of a backup by its timestamp, or its number from the newest, which is 1.

        A number is another backup's as soon as a pull in any checkout has made one.
        """
        names = self.names(secret)
        hint = f"git vsync restore {secret.name} --list shows them"
        if isinstance(which, str):
            if which not in names:
                raise NotFound(f"{secret} has no backup {which} here", hint=hint)
            return self._folder(secret) / f"{which}{SUFFIX}"
        if not 1 <= which <= len(names):
            raise NotFound(f"{secret} has {len(names)} backups here, and no number {which}", hint=hint)
        return self._folder(secret) / f"{names[which - 1]}{SUFFIX}"

    def ledger_path(self, secret: SecretName, name: str) -> Path:
        """Return where the ledger is kept that went with a backup; older backups have none."""
        return self._folder(secret) / f"{name}{LEDGER_SUFFIX}"

    def write(self, secret: SecretName, key: "VaultKey", entries: Iterable[PackEntry], now: datetime) -> str:
        """Encrypt the entries into a new backup, drop all but the newest ten, return its timestamp."""
        # Every verb builds a Machine; few need a cipher.
        from vsync.formats.bundle import write_backup

        folder = self._folder(secret)
        make_folder(folder)
        name = version_after(next(iter(self.names(secret)), None), now)
        path = folder / f"{name}{SUFFIX}"
        with replacing(path) as file:
            write_backup(file, key, entries, limits=self._limits)
        with translated(path):
            for old in self.names(secret)[KEPT:]:
                self.ledger_path(secret, old).unlink(missing_ok=True)
                os.unlink(folder / f"{old}{SUFFIX}")
        return name

    def _folder(self, secret: SecretName) -> Path:
        return self._base / secret.repo / secret.name
