"""What this machine remembers of a vault: seen, ledger, pending (formats §8)."""

import hmac
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vsync.errors import IntegrityError
from vsync.files import create_private, fields_of, read_json, read_private, remove, write_json
from vsync.formats.content import FileState, content_digest, frame
from vsync.formats.lockfile import LockEntry
from vsync.formats.strict import Fields
from vsync.formats.version import MAX_GENERATION
from vsync.model import SecretName

if TYPE_CHECKING:
    from vsync.formats.audit_log import Row


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest state of a vault that any checkout of this machine has accepted.

    `rows` and `last_mac` are what the audit log held then. Without a `version` the user has agreed
    to an empty store.
    """

    gen: int
    version: str
    sha256: str
    kid: str
    rows: int = 0
    last_mac: str = ""


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """One file as last synced; `digest` is under this machine's local key."""

    size: int
    mtime_ns: int
    digest: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one checkout last synced of one vault; `content` is under the local key."""

    version: str
    gen: int
    kid: str
    content: str
    files: dict[str, LedgerFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publication:
    """A push on its way: what it is about to publish, and all that follows once it has won."""

    version: str
    gen: int
    prev: str | None
    sha256: str
    kid: str
    checkout: str
    ledger: Ledger
    lock: LockEntry
    row: "Row"


@dataclass(frozen=True, slots=True)
class Pending:
    """What the next writing verb has to finish: a publication, and audit rows that wait."""

    publication: Publication | None = None
    rows: "tuple[Row, ...]" = ()


class LocalKey:
    """The machine's own 32 random bytes, made at first use: digests on disk are keyed by it."""

    def __init__(self, base: Path) -> None:
        self._path = base / "local_key"

    def mac(self, message: bytes) -> str:
        """Return HMAC-SHA256 in hex."""
        return hmac.digest(self._bytes, message, "sha256").hex()

    def file_digest(self, file: FileState) -> str:
        """Digest one file for the ledger."""
        return self.mac(frame(file))

    def content(self, files: Iterable[FileState]) -> str:
        """Digest a tree for the ledger."""
        return content_digest(files, self.mac)

    @cached_property
    def _bytes(self) -> bytes:
        data = read_private(self._path)
        if data is None:
            # Two processes may both be the first: what counts is what is there afterwards.
            create_private(self._path, os.urandom(32))
            data = read_private(self._path) or b""
        if len(data) != 32:  # noqa: PLR2004 - the one length it is written with
            raise IntegrityError(
                f"{self._path} is damaged", hint="remove it; every vault then counts as edited"
            )
        return data


class Memory:
    """Reads and writes seen, ledger and pending of every vault."""

    def __init__(self, base: Path, notice: Callable[[str], None]) -> None:
        self._base = base
        self._notice = notice

    def seen(self, secret: SecretName) -> Seen | None:
        """Return what was seen; a damaged file falls back to its copy, with a notice (attack 21)."""
        path = self._path(secret, "seen")
        for candidate in (path, _copy_of(path)):
            try:
                document = read_json(candidate)
                if document is not None:
                    return _seen(Fields(document, str(candidate)))
            except IntegrityError:
                self._notice(f"{candidate} is damaged and was not believed")
        return None

    def see(self, secret: SecretName, seen: Seen) -> None:
        """Remember a state, never a lower generation than before (formats §4)."""
        before = self.seen(secret)
        if before is not None and before.gen > seen.gen:
            seen = replace(before, rows=max(before.rows, seen.rows), last_mac=seen.last_mac)
        if seen == before:
            return
        path = self._path(secret, "seen")
        write_json(path, fields_of(seen))
        write_json(_copy_of(path), fields_of(seen))

    def lower(self, secret: SecretName, seen: Seen) -> None:
        """Replace what was seen by less: only ever because the user said so."""
        path = self._path(secret, "seen")
        for place in (path, _copy_of(path)):
            write_json(place, fields_of(seen))

    def drop_ledger(self, secret: SecretName, checkout: str) -> None:
        """Forget what the checkout last synced."""
        remove(self._path(secret, "state", f".{checkout}"))

    def see_rows(self, secret: SecretName, rows: int, last_mac: str) -> None:
        """Remember how far the audit log had come."""
        before = self.seen(secret)
        if before is not None:
            self.see(secret, replace(before, rows=rows, last_mac=last_mac))

    def ledger(self, secret: SecretName, checkout: str) -> Ledger | None:
        """Return what the checkout last synced, or None; a damaged one counts as none, with a notice."""
        path = self._path(secret, "state", f".{checkout}")
        try:
            document = read_json(path)
            return None if document is None else _ledger(Fields(document, str(path)))
        except IntegrityError:
            self._notice(f"{path} is damaged; the folder counts as never synced")
            return None

    def write_ledger(self, secret: SecretName, checkout: str, ledger: Ledger) -> None:
        """Remember what the checkout has synced; nothing is then on its way in any more."""
        write_json(self._path(secret, "state", f".{checkout}"), fields_of(ledger))
        self.drop_incoming(secret, checkout)

    def keep_ledger(self, path: Path, ledger: Ledger) -> None:
        """Keep a ledger elsewhere, with the folder it belongs to."""
        write_json(path, fields_of(ledger))

    def kept_ledger(self, path: Path) -> Ledger | None:
        """Return a ledger that was kept, or None; a damaged one counts as none."""
        try:
            document = read_json(path)
            return None if document is None else _ledger(Fields(document, str(path)))
        except IntegrityError:
            return None

    def incoming(self, secret: SecretName, checkout: str) -> Ledger | None:
        """Return what a pull was about to put into the checkout; a damaged one counts as none."""
        return self.kept_ledger(self._path(secret, "incoming", f".{checkout}"))

    def expects(self, secret: SecretName, checkout: str) -> bool:
        """Tell whether a folder of the checkout was about to be replaced, with or without a ledger."""
        return self._path(secret, "incoming", f".{checkout}").exists()

    def write_incoming(self, secret: SecretName, checkout: str, ledger: Ledger | None) -> None:
        """Remember, before the folder is replaced, what its ledger will be; None: it will have none."""
        path = self._path(secret, "incoming", f".{checkout}")
        write_json(path, {} if ledger is None else fields_of(ledger))

    def drop_incoming(self, secret: SecretName, checkout: str) -> None:
        """Forget what was on its way in."""
        remove(self._path(secret, "incoming", f".{checkout}"))

    def pending(self, secret: SecretName) -> Pending:
        """Return what has to be finished."""
        path = self._path(secret, "pending")
        document = read_json(path)
        if document is None:
            return Pending()
        fields = Fields(document, str(path))
        publication = None
        if document.get("publication") is not None:
            publication = _publication(fields.table("publication"))
        return Pending(publication, tuple(_row(row) for row in fields.tables("rows")))

    def write_pending(self, secret: SecretName, pending: Pending) -> None:
        """Remember what has to be finished; nothing left removes the file."""
        path = self._path(secret, "pending")
        if pending == Pending():
            remove(path)
        else:
            write_json(path, fields_of(pending))

    def _path(self, secret: SecretName, kind: str, suffix: str = "") -> Path:
        return self._base / secret.repo / f"{kind}_{secret.name}{suffix}.json"


def _copy_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.copy")


def _seen(fields: Fields) -> Seen:
    return Seen(
        gen=fields.integer("gen", 0, MAX_GENERATION),
        version=fields.text("version"),
        sha256=fields.text("sha256"),
        kid=fields.text("kid"),
        rows=fields.integer("rows", 0, MAX_GENERATION),
        last_mac=fields.text("last_mac"),
    )


def _ledger(fields: Fields) -> Ledger:
    files = fields.table("files")
    rows = {path: files.table(path) for path in files.values}
    return Ledger(
        version=fields.text("version"),
        gen=fields.integer("gen", 0, MAX_GENERATION),
        kid=fields.text("kid"),
        content=fields.text("content"),
        files={
            path: LedgerFile(
                row.integer("size", 0, 2**63), row.integer("mtime_ns", -(2**63), 2**63), row.text("digest")
            )
            for path, row in rows.items()
        },
    )


def _row(fields: Fields) -> "Row":
    # Rows that wait are rare, and what writes CSV is not light.
    from vsync.formats.audit_log import Row

    return Row(**{column: fields.text(column) for column in Row.__dataclass_fields__})


def _publication(fields: Fields) -> Publication:
    lock = fields.table("lock")
    return Publication(
        version=fields.text("version"),
        gen=fields.integer("gen", 0, MAX_GENERATION),
        prev=fields.optional_text("prev"),
        sha256=fields.text("sha256"),
        kid=fields.text("kid"),
        checkout=fields.text("checkout"),
        ledger=_ledger(fields.table("ledger")),
        lock=LockEntry(
            name=lock.text("name"),
            version=lock.text("version"),
            generation=lock.integer("generation", 0, MAX_GENERATION),
            key_id=lock.text("key_id"),
            sha256=lock.text("sha256"),
            variables=lock.texts("variables"),
            files=lock.texts("files"),
        ),
        row=_row(fields.table("row")),
    )
