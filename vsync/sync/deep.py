"""verify --deep: every version opens, and none that was published is gone (attack 18)."""

from vsync.checks import finding
from vsync.errors import IntegrityError
from vsync.formats.audit_log import Log, read_log
from vsync.model import Finding
from vsync.sync.contents import states_of
from vsync.sync.fetch import download, try_keys
from vsync.sync.head import Head
from vsync.sync.opened import OpenVault
from vsync.sync.trail import PUBLISHING, lost_rows, read_audit


def check_versions(vault: OpenVault, head: Head, *, judged: str) -> list[Finding]:
    """Open every version but the one that was judged already; compare the log with what was seen of it.

    Raises IntegrityError for an altered version: one that no key opens, where there was never but
    one key, or that is malformed under its key.
    """
    found, present = [], {judged}
    only_one = not vault.binding.retired and head.pointer is not None and head.pointer.rotated_at is None
    for info in vault.store.names(vault.root.versions_prefix):
        version = vault.root.version_of(info.name)
        if version is None or version in present:
            continue
        present.add(version)
        if _opens(vault, version):
            continue
        if only_one:
            raise IntegrityError(f"{vault.secret}: the bundle {version} was altered")
        found.append(_unreadable(vault, version))
    log = read_log(read_audit(vault)[0])
    return found + _missing(vault, log, present) + _cut(vault, log)


def _opens(vault: OpenVault, version: str) -> bool:
    try:
        with vault.world.spool() as spool:
            download(vault, version, spool)
            archive = try_keys(vault, version, spool)
            if archive is not None:
                states_of(archive)  # every byte is read, and held to its checksum
    except IntegrityError as error:
        raise IntegrityError(f"{vault.secret}: the bundle {version}: {error.message}") from error
    return archive is not None


def _unreadable(vault: OpenVault, version: str) -> Finding:
    return finding(
        "version-unreadable",
        vault.mapping,
        found=f"{version} opens with no key of this machine",
        wanted="the current key or a retired one opens every version: altered, or of a key missing here",
        fix=f"git vsync versions {vault.secret.name}",
        subject=version,
    )


def _cut(vault: OpenVault, log: Log) -> list[Finding]:
    problem = lost_rows(vault, log)
    if problem is None:
        return []
    name = vault.secret.name
    wanted = "a log that only grows (formats §7)"
    fix = f"git vsync audit {name} --verify"
    return [finding("log-cut", vault.mapping, found=problem, wanted=wanted, fix=fix)]


def _missing(vault: OpenVault, log: Log, present: set[str]) -> list[Finding]:
    published = dict.fromkeys(row.version_ts for row in log.rows if row.action in PUBLISHING)
    return [
        finding(
            "version-missing",
            vault.mapping,
            found=f"{version} was published and is no longer in the store",
            wanted="every version that the audit log knows; newer versions do not need it",
            fix=f"git vsync versions {vault.secret.name}",
            subject=version,
        )
        for version in published
        if version and version not in present
    ]
