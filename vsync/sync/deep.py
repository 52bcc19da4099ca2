"""verify --deep: every version opens, and none that was published is gone (attack 18)."""

from vsync.checks import finding
from vsync.formats.audit_log import read_log
from vsync.model import Finding
from vsync.sync.contents import states_of
from vsync.sync.fetch import download, try_keys
from vsync.sync.opened import OpenVault
from vsync.sync.trail import PUBLISHING, read_audit


def check_versions(vault: OpenVault, *, judged: str) -> list[Finding]:
    """Open every version but the one that was judged already.

    Raises IntegrityError for a bundle that is authentic and malformed all the same.
    """
    found, present = [], {judged}
    for info in vault.store.names(vault.root.versions_prefix):
        version = vault.root.version_of(info.name)
        if version is not None and version not in present:
            present.add(version)
            found += [] if _opens(vault, version) else [_unreadable(vault, version)]
    return found + _missing(vault, present)


def _opens(vault: OpenVault, version: str) -> bool:
    with vault.world.spool() as spool:
        download(vault, version, spool)
        archive = try_keys(vault, version, spool)
        if archive is not None:
            states_of(archive)  # every byte is read, and held to its checksum
    return archive is not None


def _unreadable(vault: OpenVault, version: str) -> Finding:
    return finding(
        "version-unreadable",
        vault.mapping,
        found=f"{version} opens with no key of this machine",
        wanted="the current key or a retired one opens every version",
        fix=f"altered, or of a key that is missing here: git vsync versions {vault.secret.name}",
    )


def _missing(vault: OpenVault, present: set[str]) -> list[Finding]:
    rows = read_log(read_audit(vault)[0]).rows
    published = dict.fromkeys(row.version_ts for row in rows if row.action in PUBLISHING)
    return [
        finding(
            "version-missing",
            vault.mapping,
            found=f"{version} was published and is no longer in the store",
            wanted="every version that the audit log knows",
            fix="bring the object back from a backup of the bucket; newer versions do not need it",
        )
        for version in published
        if version and version not in present
    ]
