"""What was last synced: the side that a merge compares both others with.

The ledger knows each file by a keyed digest, and that is enough to see who changed it. Only
where both sides changed one env file is its old text needed: it is read from the bundle of that
version, and believed if the ledger's digest says so.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import BinaryIO

from vsync.errors import IntegrityError, KeyUnavailable, NotFound
from vsync.formats.archive import Archive
from vsync.formats.content import FileState
from vsync.formats.dotenv import MAX_ENV_BYTES
from vsync.machine.memory import Ledger
from vsync.merge import UNKNOWN
from vsync.sync.fetch import fetch_version, key_of
from vsync.sync.opened import OpenVault


class Base:
    """What this checkout last synced; empty where it never did, and then says so."""

    def __init__(self, vault: OpenVault, ledger: Ledger | None, spool: BinaryIO) -> None:
        self._vault = vault
        self._ledger = ledger
        self._spool = spool
        self._key = vault.world.machine.local_key
        if ledger is None:
            vault.world.terminal.notice(
                f"{vault.secret} was never synced here: what both sides have and differs is a conflict"
            )

    def states(self, *sides: Mapping[str, FileState]) -> dict[str, FileState]:
        """Return each file that was synced; with an UNKNOWN digest if none of the sides still has it so."""
        files = self._ledger.files if self._ledger else {}
        found = {}
        for path, row in files.items():
            now = [side[path] for side in sides if path in side]
            candidates = (FileState(path, bit, one.sha256) for one in now for bit in (False, True))
            same = (one for one in candidates if self._key.file_digest(one) == row.digest)
            found[path] = next(same, FileState(path, executable=False, sha256=UNKNOWN))
        return found

    def read(self, path: str) -> tuple[FileState | None, bytes] | None:
        """Return an env file as it was last synced; no file and no bytes if that is not known.

        None when it was larger than an env file may be. IntegrityError when the store has
        something else under that version's name.
        """
        row = self._ledger.files.get(path) if self._ledger else None
        if row is None or self._archive is None:
            return None, b""
        entry = next(
            (one for one in self._archive.entries if one.path == path and not one.is_directory), None
        )
        if entry is not None and entry.info.file_size > MAX_ENV_BYTES:
            return None
        data = b"".join(self._archive.pieces(entry)) if entry else b""
        executable = entry is not None and entry.executable
        state = FileState(path, executable, hashlib.sha256(data).hexdigest())
        if entry is None or self._key.file_digest(state) != row.digest:
            version, name = self._ledger.version if self._ledger else "", self._vault.secret.name
            raise IntegrityError(
                f"{self._vault.secret}: the bundle {version} does not hold what was last synced here",
                hint=f"git vsync pull {name} --backup takes the newest version and keeps yours",
            )
        return state, data

    @cached_property
    def _archive(self) -> Archive | None:
        if self._ledger is None:
            return None
        version, vault = self._ledger.version, self._vault
        try:
            key_of(vault, self._ledger.kid)
            return fetch_version(vault, version, self._spool)
        except NotFound:
            problem = "is no longer in the store"
        except KeyUnavailable:
            problem = "takes a key that this machine lacks"
        vault.world.terminal.notice(
            f"{vault.secret}: {version}, which was last synced here, {problem}: a variable that both sides "
            "have and that differs is a conflict, and one that either side removed comes back"
        )
        return None
