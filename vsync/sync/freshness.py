"""How old the newest version and the key are, where the configuration limits that (product contract §5)."""

from datetime import UTC, datetime

from vsync.checks import check_freshness, check_key_age
from vsync.formats.version import parse_version
from vsync.model import Finding
from vsync.sync.head import Head
from vsync.sync.opened import OpenVault


def check_ages(vault: OpenVault, head: Head) -> list[Finding]:
    """Judge the newest version by `max_age`, and the key by `rotate_after`."""
    world, mapping = vault.world, vault.mapping
    found = check_freshness(mapping, head.version, world.now, max_age=world.config.max_age)
    limit = world.config.rotate_after
    if limit is not None:
        found += check_key_age(mapping, _key_since(vault, head), world.now, rotate_after=limit)
    return found


def _key_since(vault: OpenVault, head: Head) -> datetime:
    """Return when the key was made: at the last rotation, else with the oldest version there is."""
    if head.pointer is not None and head.pointer.rotated_at is not None:
        return datetime.fromisoformat(head.pointer.rotated_at).astimezone(UTC)
    names = (vault.root.version_of(info.name) for info in vault.store.names(vault.root.versions_prefix))
    return parse_version(min((version for version in names if version), default=head.version))
