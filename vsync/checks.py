"""What `verify` can find: rules about values, and the stable id of each finding (product contract §5).

Texts hold names, versions and key ids, never a value. Each finding says which command repairs it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from vsync.formats.lockfile import FILE_NAME, LockEntry
from vsync.formats.version import days, parse_version
from vsync.model import Finding, Mapping

CONFIG_NAME = "vsync.toml"
MOST_NAMES = 8
CLOCK_SLACK = timedelta(hours=26)  # a day, and the two hours that clocks and zones are off by


class Check(StrEnum):
    """A group of findings; verify says of each whether it was looked at."""

    KEY = "key"
    INTEGRITY = "integrity"
    LOCK = "lock"
    FOLDER = "folder"
    NAMES = "names"
    EXPOSURE = "exposure"
    FRESHNESS = "freshness"


IDS = {
    "key-other": (Check.KEY, "this machine's key does not open the version"),
    "key-absent": (Check.KEY, "a half is missing here, so that the store could not be looked at"),
    "untrusted": (Check.INTEGRITY, "what the store shows must not be trusted"),
    "unreachable": (Check.INTEGRITY, "the store did not answer"),
    "unpublished": (Check.INTEGRITY, "nothing was pushed yet, or the bundle is gone"),
    "unknown": (Check.INTEGRITY, "something else kept us from looking"),
    "log-cut": (Check.INTEGRITY, "the audit log lost rows that this machine saw"),
    "version-unreadable": (Check.INTEGRITY, "an older version does not open"),
    "version-missing": (Check.INTEGRITY, "a published version is no longer in the store"),
    "lock-absent": (Check.LOCK, "the lock does not name this vault"),
    "lock-behind": (Check.LOCK, "a newer version than the locked one is published"),
    "lock-contradicts": (Check.LOCK, "the lock names what the store never published"),
    "lock-missing": (Check.LOCK, "the locked version is not in the store"),
    "lock-hash": (Check.LOCK, "the locked version is another bundle than the lock says"),
    "lock-names": (Check.LOCK, "the lock lists other names than the version has"),
    "folder-missing": (Check.FOLDER, "the vault folder is not here"),
    "folder-behind": (Check.FOLDER, "the vault folder holds another version"),
    "folder-dirty": (Check.FOLDER, "the vault folder has edits that were never pushed"),
    "folder-unsettled": (Check.FOLDER, "a pull was interrupted"),
    "env-unreadable": (Check.NAMES, "the env file is not lines of NAME=value"),
    "name-missing": (Check.NAMES, "a name that must exist does not"),
    "name-undocumented": (Check.NAMES, "a name is not in the template"),
    "template-missing": (Check.NAMES, "the template cannot be read"),
    "value-invalid": (Check.NAMES, "a value is not what the schema says"),
    "folder-exposed": (Check.EXPOSURE, "git would take the vault folder"),
    "folder-tracked": (Check.EXPOSURE, "git tracks files of the vault folder"),
    "share-tracked": (Check.EXPOSURE, "git tracks a share or a key file"),
    "newest-old": (Check.FRESHNESS, "the newest version is older than max_age"),
    "key-old": (Check.FRESHNESS, "the key is older than rotate_after"),
    "clock": (Check.FRESHNESS, "the newest version is from the future"),
}
"""Every id, its check, and a description for those who read SARIF."""

NOTICES = frozenset({"lock-behind", "clock"})
"""What is worth knowing and no drift; `--strict` makes findings of them."""


def finding(
    kind: str,
    mapping: Mapping | None,
    *,
    found: str,
    wanted: str,
    fix: str,
    path: str = FILE_NAME,
    subject: str = "",
) -> Finding:
    """Return a finding of one of IDS about a vault, or about the repository.

    `subject` is the variable or file it is about, where one vault may have several.
    """
    IDS[kind]  # a slip of ours fails here, in the first test that gets this far
    vault = str(mapping.secret) if mapping else None
    return Finding(kind, vault, found, wanted, fix, path, notice=kind in NOTICES, subject=subject)


def shortened(names: Iterable[str]) -> str:
    """List names, the first few of many."""
    listed = list(names)
    more = len(listed) - MOST_NAMES
    return ", ".join(listed[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def check_newer(mapping: Mapping, entry: LockEntry | None, newest: str, generation: int) -> list[Finding]:
    """Find a vault that nothing pins, and notice a newer version than the pinned one."""
    name = mapping.secret.name
    if entry is None:
        found = finding(
            "lock-absent",
            mapping,
            found=f"{FILE_NAME} has no entry for it",
            wanted="the version that this commit belongs to",
            fix=f"git vsync pull {name} && git vsync lock {name}",
        )
        return [found]
    if entry.version == newest:
        return []
    found = finding(
        "lock-behind",
        mapping,
        found=f"locked to {entry.version}, generation {entry.generation}",
        wanted=f"{newest}, generation {generation}, is newer",
        fix=f"git vsync pull {name} && git vsync lock {name}",
    )
    return [found]


def check_lock_names(mapping: Mapping, entry: LockEntry, names: set[str], *, listed: bool) -> list[Finding]:
    """Compare the names in the lock with the bundle's; `listed` says whether the team wants them there."""
    lists, parts = {*entry.variables, *entry.files}, []
    if not listed:
        parts += ["lists names, and [vault.lock] names = false"] if lists else []
    elif not lists and names:
        parts += ["lists no names"]
    else:
        if extra := sorted(lists - names, key=str.encode):
            parts.append(f"lists {shortened(extra)}, which the version lacks")
        if absent := sorted(names - lists, key=str.encode):
            parts.append(f"leaves out {shortened(absent)}")
    if not parts:
        return []
    name = mapping.secret.name
    found = finding(
        "lock-names",
        mapping,
        found=f"{FILE_NAME} {' and '.join(parts)}",
        wanted=f"the names of {entry.version}" if listed else "no names",
        fix=f"git vsync pull {name} --locked && git vsync lock {name}",
    )
    return [found]


def check_freshness(
    mapping: Mapping, newest: str, now: datetime, *, max_age: timedelta | None
) -> list[Finding]:
    """Find a newest version older than `max_age` (attack 13), and one from the future (attack 19)."""
    age = now - parse_version(newest)
    if max_age is not None and (age > max_age or age < -CLOCK_SLACK):
        # One from the future would be fresh for years.
        when = f"{days(age)} old" if age > max_age else f"{days(-age)} ahead of this machine's clock"
        found = finding(
            "newest-old",
            mapping,
            found=f"the newest version, {newest}, is {when}",
            wanted=f"at most {days(max_age)} (max_age): change what is due and push, or find out who holds "
            "pushes back",
            fix=f"git vsync versions {mapping.secret.name}",
            path=CONFIG_NAME,
        )
        return [found]
    if age < -CLOCK_SLACK:
        found = finding(
            "clock",
            mapping,
            found=f"the newest version, {newest}, is {days(-age)} ahead of this machine's clock",
            wanted="clocks that agree; order never depends on them",
            fix="date -u",
            path=CONFIG_NAME,
        )
        return [found]
    return []


def check_key_age(
    mapping: Mapping, since: datetime, now: datetime, *, rotate_after: timedelta | None
) -> list[Finding]:
    """Find a key that has been in use for longer than `rotate_after`."""
    if rotate_after is None or now - since <= rotate_after:
        return []
    found = finding(
        "key-old",
        mapping,
        found=f"the key has been in use since {since:%Y-%m-%d}, {days(now - since)}",
        wanted=f"at most {days(rotate_after)} (rotate_after)",
        fix="give the vault a new key, and change the secrets that people who left have seen",
        path=CONFIG_NAME,
    )
    return [found]
