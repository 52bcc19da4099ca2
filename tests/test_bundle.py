"""Bundles and backups (formats §§2, 8)."""

import hashlib
import io
import os

import pytest
from hypothesis import given

from tests import reference
from tests.reference import Files
from tests.strategies import KEY, OTHER_KEY, VERSION, trees, versions
from tests.test_archive import FOLDER, LIMITS, file, pack_entries, unpacked
from vsync.errors import Conflict, IntegrityError, VsyncError, WrongKey
from vsync.formats.bundle import open_backup, open_bundle, write_backup, write_bundle
from vsync.formats.entries import ArchiveLimits, PackEntry

SMALL: Files = {".env.prod": (b"DATABASE_URL=canary\n", False)}


def bundle(files: Files, version: str = VERSION) -> bytes:
    out = io.BytesIO()
    written = write_bundle(out, KEY, version, pack_entries(files))
    assert (written.size, written.sha256) == (
        len(out.getvalue()),
        hashlib.sha256(out.getvalue()).hexdigest(),
    )
    return out.getvalue()


def read(data: bytes, version: str = VERSION) -> Files:
    return unpacked(open_bundle(io.BytesIO(data), KEY, version, LIMITS))


@given(trees, versions)
def test_the_reference_opens_ours_and_ours_opens_the_references(files: Files, version: str) -> None:
    data = bundle(files, version)
    assert reference.read_bundle(KEY.derived, version, data) == (FOLDER, files)
    assert read(data, version) == files
    theirs = reference.write_bundle(KEY.derived, version, reference.pack(FOLDER, files), os.urandom(12))
    assert read(theirs, version) == files


# attack 1
def test_every_flipped_byte_of_a_bundle_is_refused_before_anything_is_handed_out() -> None:
    good = bundle(SMALL)
    for place in range(len(good)):
        bad = good[:place] + bytes([good[place] ^ 0x20]) + good[place + 1 :]
        with pytest.raises(IntegrityError if place < 4 else WrongKey):
            open_bundle(io.BytesIO(bad), KEY, VERSION, LIMITS)


# attack 2
def test_every_truncated_bundle_and_an_appended_byte_is_refused() -> None:
    good = bundle(SMALL)
    for length in range(len(good)):
        with pytest.raises((IntegrityError, WrongKey)):
            open_bundle(io.BytesIO(good[:length]), KEY, VERSION, LIMITS)
    with pytest.raises(WrongKey):
        open_bundle(io.BytesIO(good + b"\0"), KEY, VERSION, LIMITS)


# attack 3
def test_the_bundle_of_another_vault_is_refused() -> None:
    with pytest.raises(WrongKey):
        open_bundle(io.BytesIO(bundle(SMALL)), OTHER_KEY, VERSION, LIMITS)


# attack 15
def test_a_bundle_under_the_name_of_another_version_is_refused() -> None:
    with pytest.raises(IntegrityError, match="sealed as"):
        read(bundle(SMALL), "20260523-114202")


# attack 9
def test_the_same_folder_never_gives_the_same_ciphertext() -> None:
    assert len({bundle(SMALL) for _ in range(20)}) == 20
    assert len({reference.decrypt(KEY.derived, bundle(SMALL)) for _ in range(20)}) == 1


# attack 53
def test_a_refusal_shows_no_content() -> None:
    with pytest.raises(VsyncError) as caught:
        read(bundle(SMALL)[:-1])
    assert "canary" not in repr(caught.value)


@given(trees)
def test_a_backup_is_a_bare_zip_in_an_envelope(files: Files) -> None:
    out = io.BytesIO()
    write_backup(out, KEY, pack_entries(files))
    assert unpacked(open_backup(out, KEY, LIMITS)) == files
    assert reference.decrypt(KEY.derived, out.getvalue())[:2] == b"PK"
    with pytest.raises(IntegrityError):
        read(out.getvalue())


def test_limits_raised_by_the_user_hold_for_writing_too() -> None:
    entries = [PackEntry("v/"), *(file(f"v/{number}") for number in range(3))]
    with pytest.raises(Conflict):
        write_bundle(io.BytesIO(), KEY, VERSION, entries, limits=ArchiveLimits(entries=3))
    with pytest.raises(Conflict):
        write_backup(io.BytesIO(), KEY, entries, limits=ArchiveLimits(entries=3))
    write_bundle(io.BytesIO(), KEY, VERSION, entries, limits=ArchiveLimits(entries=4))
    write_backup(io.BytesIO(), KEY, entries, limits=ArchiveLimits(entries=4))
