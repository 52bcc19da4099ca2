"""Secrets for applications: `open_vault()` reads a vault into memory, and nothing onto the disk.

    from vsync.runtime import open_vault

    with open_vault(defaults={"PORT": "8080"}) as vault:
        url = vault.get_env("DATABASE_URL")

Configured by `VSYNC_CONFIG` and `VSYNC_PASSPHRASE`, as `git vsync runtime-token` prints them.
"""

from vsync.runtime.errors import (
    BundleCorruptError,
    ConfigMissingError,
    ConfigUnsupportedVersionError,
    ManifestNotFoundError,
    S3UnreachableError,
    UnsupportedSpecVersionError,
    VSyncError,
    WrongPassphraseError,
)
from vsync.runtime.vault import EnvSource, Vault, open_vault

__all__ = [
    "BundleCorruptError",
    "ConfigMissingError",
    "ConfigUnsupportedVersionError",
    "EnvSource",
    "ManifestNotFoundError",
    "S3UnreachableError",
    "UnsupportedSpecVersionError",
    "VSyncError",
    "Vault",
    "WrongPassphraseError",
    "open_vault",
]
