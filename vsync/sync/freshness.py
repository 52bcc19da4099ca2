"""How old the newest version and the key are, where the configuration limits that (product contract §5)."""

from datetime import UTC, datetime

from vsync.checks import check_freshness, check_key_age
from vsync.formats.audit_log import check_chain, read_log
from vsync.formats.version import is_version, parse_version
from vsync.model import Finding
from vsync.sync.head import Head
from vsync.sync.opened import OpenVault
from vsync.sync.trail import read_audit


def check_ages(vault: OpenVault, head: Head) -> list[Finding]:
    """Judge the newest version by `max_age`, and the key by `rotate_after`."""
    world, mapping = vault.world, vault.mapping
    found = check_freshness(mapping, head.version, world.now, max_age=world.config.max_age)
    limit = world.config.rotate_after
    if limit is not None:
        found += check_key_age(mapping, _key_since(vault, head), world.now, rotate_after=limit)
    return found


def _key_since(vault: OpenVault, head: Head) -> datetime:
    """Return when the key was made: at the last rotation, else before the first version it vouches for.

    Names of objects prove nothing: whoever can write to the bucket could make a key old or young.
    """
    if head.pointer is not None and head.pointer.rotated_at is not None:
        return datetime.fromisoformat(head.pointer.rotated_at).astimezone(UTC)
    rows = read_log(read_audit(vault)[0]).rows
    verdicts = check_chain(rows, {vault.key.key_id: vault.key})
    vouched = (row for row, verdict in zip(rows, verdicts, strict=True) if verdict == "ok")
    versions = (row.version_ts for row in vouched if is_version(row.version_ts))
    return parse_version(min(versions, default=head.version))
