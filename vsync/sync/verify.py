"""git vsync verify: do folder, lock, bundle and key agree? Writes nothing, leaves no plaintext.

Each check is either looked at or named as not looked at, with the reason: what could not be
looked at is never a pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vsync.checks import IDS, Check, check_lock_names, check_newer, finding
from vsync.errors import ForeignKey, KeyUnavailable, NotFound, VsyncError
from vsync.formats.lockfile import LockEntry
from vsync.model import Json, Mapping, Result
from vsync.sync.deep import check_versions
from vsync.sync.exposure import Exposure, check_exposure, check_shares, look_at_exposure
from vsync.sync.freshness import check_ages
from vsync.sync.head import Head, read_head
from vsync.sync.judging import Judged, check_contradiction, judge
from vsync.sync.locking import read_lock
from vsync.sync.naming import check_listed_names, check_names
from vsync.sync.opened import OpenVault, open_vault
from vsync.sync.sheet import Sheet
from vsync.sync.snapshot import folder_of
from vsync.sync.standing import check_folder, check_folder_offline
from vsync.world import World


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The flags of verify. `ci`: no folder is no finding. `strict`: a notice is a finding."""

    offline: bool = False
    ci: bool = False
    deep: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Common:
    """What is asked once for all vaults: the lock, and what git could take."""

    entries: dict[str, LockEntry]
    exposure: Exposure


def common(world: World, mappings: Sequence[Mapping]) -> Common:
    """Read the lock and ask git, once; ConfigError when the lock cannot be read."""
    return Common(read_lock(world), look_at_exposure(world, mappings))


def verify(world: World, mapping: Mapping, shared: Common, options: VerifyOptions) -> Result:
    """Judge one vault. What keeps it from being looked at is in the result, which then ends in its code.

    What needs neither key nor store is looked at all the same.
    """
    sheet = Sheet(mapping, shared.entries.get(str(mapping.secret)))
    try:
        folder_of(world, mapping).exists()  # a link in its place is no question for git
        sheet.look(Check.EXPOSURE, check_exposure(mapping, shared.exposure))
        _look(world, sheet, options)
    except VsyncError as error:
        return sheet.unknown(error, strict=options.strict)
    return sheet.result(strict=options.strict)


def _look(world: World, sheet: Sheet, options: VerifyOptions) -> None:
    if options.offline:
        _offline(world, sheet, options, "offline")
        return
    try:
        _online(world, sheet, options)
    except ForeignKey as error:
        _foreign(sheet, error)
        _offline(world, sheet, options, "another key")
    except VsyncError as error:
        _offline(world, sheet, options, "no key" if isinstance(error, KeyUnavailable) else "not looked at")
        raise


def _online(world: World, sheet: Sheet, options: VerifyOptions) -> None:
    vault = open_vault(world, sheet.mapping)
    vault.derive_early()
    head = read_head(vault)
    if head is None:
        raise NotFound(
            f"{vault.secret} has no version in {vault.store.where} yet",
            hint=f"git vsync push {vault.secret.name}",
        )
    sheet.first_contact = world.machine.memory.seen(vault.secret) is None
    judged = _judged(vault, sheet, head)
    sheet.look(Check.FRESHNESS, check_ages(vault, head))
    if judged is None:
        sheet.skip("the locked version could not be read", Check.INTEGRITY, Check.NAMES, Check.FOLDER)
        return
    sheet.version = judged.version
    _content(world, sheet, judged)
    here = check_folder(world, sheet.mapping, judged, may_be_missing=options.ci)
    sheet.look(Check.FOLDER, here, skipped="no folder here")
    every = check_versions(vault, head, judged=judged.version) if options.deep else []
    sheet.look(Check.INTEGRITY, every)


def _judged(vault: OpenVault, sheet: Sheet, head: Head) -> Judged | None:
    """Open the pinned version, or the newest where the lock is not to be believed."""
    contradicted = check_contradiction(vault, sheet.entry, head)
    with vault.world.spool() as spool:
        judged, found = judge(vault, None if contradicted else sheet.entry, head, spool)
    sheet.look(Check.KEY, [one for one in found if IDS[one.id][0] is Check.KEY])
    sheet.look(Check.LOCK, contradicted or check_newer(sheet.mapping, sheet.entry, head.version, head.gen))
    sheet.look(Check.LOCK, [one for one in found if IDS[one.id][0] is Check.LOCK])
    return judged


def _content(world: World, sheet: Sheet, judged: Judged) -> None:
    """Judge the names in a version, and the lock by them."""
    names, found = check_names(world, sheet.mapping, judged)
    sheet.look(Check.NAMES, found)
    if judged.pinned and sheet.entry is not None and names is not None:
        has = {*names, *(file.path for file in judged.files)} - {sheet.mapping.env_file}
        listed = world.config.lock_names
        sheet.look(Check.LOCK, check_lock_names(sheet.mapping, sheet.entry, has, listed=listed))


def _offline(world: World, sheet: Sheet, options: VerifyOptions, reason: str) -> None:
    """Look at what needs neither key nor network, as far as it was not looked at already."""
    sheet.skip(
        reason, *(one for one in (Check.KEY, Check.INTEGRITY, Check.FRESHNESS) if one not in sheet.ran)
    )
    entry, mapping = sheet.entry, sheet.mapping
    if Check.LOCK not in sheet.ran:
        sheet.look(Check.LOCK, check_newer(mapping, None, "", 0) if entry is None else [])
    if entry is None:
        sheet.skip(f"{reason}, and the lock does not name it", Check.NAMES)
    elif Check.NAMES not in sheet.ran:
        sheet.version = entry.version
        listed = check_listed_names(world, mapping, entry)
        sheet.look(Check.NAMES, listed, skipped=f"{reason}, and the lock lists no names")
        wanted = world.config.lock_names
        if not wanted or listed is None:
            # Without the bundle, a list is compared with nothing but whether there should be one.
            has = {*entry.variables, *entry.files} or {mapping.env_file}
            sheet.look(Check.LOCK, check_lock_names(mapping, entry, has, listed=wanted))
    if Check.FOLDER not in sheet.ran:
        here = check_folder_offline(world, mapping, entry, may_be_missing=options.ci)
        sheet.look(Check.FOLDER, here, skipped="nothing here that was synced")


def _foreign(sheet: Sheet, error: ForeignKey) -> None:
    """Another key is a finding: its id says so, and nothing was altered (formats §4)."""
    found = finding(
        "key-other",
        sheet.mapping,
        found=error.message,
        wanted="the key of the newest version",
        fix=error.hint or "git vsync import FILE.share",
    )
    sheet.look(Check.KEY, [found])


def verify_repository(shared: Common) -> Result | None:
    """Return what is wrong with the repository itself, None when nothing is."""
    found = tuple(check_shares(shared.exposure))
    if not found:
        return None
    data: dict[str, Json] = {"version": None, "checked": [str(Check.EXPOSURE)], "skipped": {}}
    summary = f"{len(found)} finding{'' if len(found) == 1 else 's'} in the repository"
    return Result(None, "drift", summary, data=data, code=1, findings=found)
