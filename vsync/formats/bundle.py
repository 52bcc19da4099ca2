"""Bundle: `RQE1( "RQEM0001" ‖ timestamp ‖ zip )` (formats §2)."""

import io
from collections.abc import Iterable
from typing import BinaryIO

from vsync.formats.archive import Archive, read_archive, write_archive
from vsync.formats.entries import ArchiveLimits, PackEntry
from vsync.formats.envelope import SealedReader, Sealer, Written
from vsync.formats.seal import SEAL_BYTES, seal_header, unseal
from vsync.formats.vaultkey import VaultKey


def write_bundle(
    out: BinaryIO,
    key: VaultKey,
    version: str,
    entries: Iterable[PackEntry],
    *,
    limits: ArchiveLimits | None = None,
) -> Written:
    """Zip the entries straight into the cipher; returns digest and size of what `out` received.

    Raises Conflict for entries that a reader with these limits would refuse.
    """
    sealer = Sealer(key.derived, out)
    sealer.write(seal_header(version))
    write_archive(sealer, entries, limits=limits)
    return sealer.finish()


def open_bundle(source: BinaryIO, key: VaultKey, version: str, limits: ArchiveLimits) -> Archive:
    """Verify tag, seal and every entry of a bundle, and return its archive, read in place.

    Raises WrongKey when the tag fails, IntegrityError for anything else that is wrong.
    """
    reader = SealedReader(key.derived, source)
    unseal(reader.read(SEAL_BYTES) or b"", version=version)
    reader.skip(SEAL_BYTES)
    return read_archive(_buffered(reader), limits)


def write_backup(
    out: BinaryIO, key: VaultKey, entries: Iterable[PackEntry], *, limits: ArchiveLimits | None = None
) -> Written:
    """Write a local backup: RQE1 over a bare zip (formats §8)."""
    sealer = Sealer(key.derived, out)
    write_archive(sealer, entries, limits=limits)
    return sealer.finish()


def open_backup(source: BinaryIO, key: VaultKey, limits: ArchiveLimits) -> Archive:
    """Verify and open a local backup; raises as `open_bundle` does."""
    return read_archive(_buffered(SealedReader(key.derived, source)), limits)


def _buffered(reader: SealedReader) -> io.BufferedReader:
    """Decrypt many small entries at a time: zipfile reads each one's header in three pieces."""
    return io.BufferedReader(reader, 128 * 1024)
