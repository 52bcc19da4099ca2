"""git vsync verify: do folder, lock, bundle and key agree? Writes nothing, leaves no plaintext.

Each check is either looked at or named as not looked at, with the reason: what could not be
looked at is never a pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from vsync.checks import IDS, Check, check_lock_names, check_newer, finding
from vsync.errors import ForeignKey, KeyUnavailable, NotFound
from vsync.formats.lockfile import LockEntry
from vsync.model import Finding, Json, Mapping, Result
from vsync.sync.deep import check_versions
from vsync.sync.exposure import Exposure, check_exposure, check_shares, look_at_exposure
from vsync.sync.freshness import check_ages
from vsync.sync.head import read_head
from vsync.sync.judging import Judged, check_contradiction, judge
from vsync.sync.locking import read_lock
from vsync.sync.naming import check_listed_names, check_names
from vsync.sync.opened import open_vault
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


@dataclass
class Sheet:
    """What was looked at in one vault, what not, and what was found."""

    world: World
    mapping: Mapping
    entry: LockEntry | None
    options: VerifyOptions
    ran: list[Check] = field(default_factory=list)
    skipped: dict[Check, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    version: str | None = None
    first_contact: bool = False

    def look(self, check: Check, found: Iterable[Finding]) -> None:
        """Note that a check was made, and what it found."""
        self.ran.append(check)
        self.findings += found

    def skip(self, reason: str, *checks: Check) -> None:
        """Note that checks were not made."""
        self.skipped |= dict.fromkeys(checks, reason)


def common(world: World, mappings: Sequence[Mapping]) -> Common:
    """Read the lock and ask git, once; ConfigError when the lock cannot be read."""
    return Common(read_lock(world), look_at_exposure(world, mappings))


def verify(world: World, mapping: Mapping, shared: Common, options: VerifyOptions) -> Result:
    """Judge one vault. Raises what keeps it from being looked at, but for a key that is missing.

    Without a key, what needs none is looked at all the same, and the result ends in 12.
    """
    sheet = Sheet(world, mapping, shared.entries.get(str(mapping.secret)), options)
    sheet.look(Check.EXPOSURE, check_exposure(mapping, shared.exposure))
    if options.offline:
        _offline(sheet, "offline")
        return _result(sheet)
    try:
        _online(sheet)
    except ForeignKey as error:
        _foreign(sheet, error)
    except KeyUnavailable as error:
        _offline(sheet, "no key")
        return _result(sheet, cannot_look=error)
    return _result(sheet)


def _online(sheet: Sheet) -> None:
    world = sheet.world
    vault = open_vault(world, sheet.mapping)
    vault.derive_early()
    head = read_head(vault)
    sheet.first_contact = world.machine.memory.seen(sheet.mapping.secret) is None
    if head is None:
        raise NotFound(
            f"{vault.secret} has no version in {vault.store.where} yet",
            hint=f"git vsync push {vault.secret.name}",
        )
    contradicted = check_contradiction(vault, sheet.entry, head)
    with world.spool() as spool:
        judged, found = judge(vault, None if contradicted else sheet.entry, head, spool)
    sheet.look(Check.KEY, (one for one in found if IDS[one.id][0] is Check.KEY))
    sheet.look(Check.LOCK, contradicted + [one for one in found if IDS[one.id][0] is Check.LOCK])
    if not contradicted:
        sheet.findings += check_newer(sheet.mapping, sheet.entry, head.version, head.gen)
    sheet.look(Check.FRESHNESS, check_ages(vault, head))
    if judged is None:
        sheet.skip("the locked version could not be read", Check.INTEGRITY, Check.NAMES, Check.FOLDER)
        return
    _of_judged(sheet, judged)
    every = check_versions(vault, judged=judged.version) if sheet.options.deep else ()
    sheet.look(Check.INTEGRITY, every)


def _of_judged(sheet: Sheet, judged: Judged) -> None:
    """Look at what needs the content of the version."""
    sheet.version = judged.version
    names, found = check_names(sheet.world, sheet.mapping, judged)
    sheet.look(Check.NAMES, found)
    if judged.pinned and sheet.entry is not None and names is not None:
        files = (file.path for file in judged.files if file.path != sheet.mapping.env_file)
        sheet.findings += check_lock_names(sheet.mapping, sheet.entry, names, files)
    found_here = check_folder(sheet.world, sheet.mapping, judged, may_be_missing=sheet.options.ci)
    if found_here is None:
        sheet.skip("no folder here", Check.FOLDER)
    else:
        sheet.look(Check.FOLDER, found_here)


def _offline(sheet: Sheet, reason: str) -> None:
    """Look at what needs neither key nor network."""
    sheet.skip(reason, Check.KEY, Check.INTEGRITY, Check.FRESHNESS)
    entry = sheet.entry
    if entry is None:
        sheet.look(Check.LOCK, check_newer(sheet.mapping, None, "", 0))
        sheet.skip(f"{reason}, and the lock does not name it", Check.NAMES)
    else:
        sheet.version = entry.version
        sheet.look(Check.LOCK, ())
        listed = check_listed_names(sheet.world, sheet.mapping, entry)
        if listed is None:
            sheet.skip(f"{reason}, and the lock lists no names", Check.NAMES)
        else:
            sheet.look(Check.NAMES, listed)
    here = check_folder_offline(sheet.world, sheet.mapping, entry, may_be_missing=sheet.options.ci)
    if here is None:
        sheet.skip("nothing here to compare", Check.FOLDER)
    else:
        sheet.look(Check.FOLDER, here)


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
    sheet.skip("another key", Check.INTEGRITY, Check.LOCK, Check.NAMES, Check.FOLDER, Check.FRESHNESS)


def _result(sheet: Sheet, cannot_look: KeyUnavailable | None = None) -> Result:
    found = [replace(one, notice=one.notice and not sheet.options.strict) for one in sheet.findings]
    drift = [one for one in found if not one.notice]
    code = 1 if drift else 0
    summary = f"{len(drift)} finding{'' if len(drift) == 1 else 's'}" if drift else "in sync"
    if cannot_look is not None:
        code, summary = cannot_look.exit_code, f"could not be looked at: {cannot_look.message}"
        found.append(
            finding(
                "key-absent",
                sheet.mapping,
                found=cannot_look.message,
                wanted="both halves; or, on purpose without them: --offline",
                fix=cannot_look.hint or "git vsync import FILE.share",
            )
        )
    data = {
        "version": sheet.version,
        "checked": [str(check) for check in Check if check in sheet.ran],
        "skipped": {str(check): reason for check, reason in sheet.skipped.items()},
        "first_contact": sheet.first_contact,
    }
    state = "drift" if drift else "clean"
    return Result(
        str(sheet.mapping.secret),
        "unknown" if cannot_look else state,
        summary if sheet.version is None else f"{summary} at {sheet.version}",
        data=data,
        code=code,
        findings=tuple(found),
    )


def verify_repository(shared: Common) -> Result | None:
    """Return what is wrong with the repository itself, None when nothing is."""
    found = tuple(check_shares(shared.exposure))
    if not found:
        return None
    data: dict[str, Json] = {"version": None, "checked": [str(Check.EXPOSURE)], "skipped": {}}
    summary = f"{len(found)} finding{'' if len(found) == 1 else 's'} in the repository"
    return Result(None, "drift", summary, data=data, code=1, findings=found)
