"""Signing an upload with the digest that is known from sealing it, so that nobody hashes it again.

The server compares what arrives with this digest (or refuses the upload), as it does with the one
that botocore makes: a bundle that was altered since it was sealed is no longer accepted at all.
"""

from typing import Any

from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth

OURS = "vsync-s3v4"


class KnownDigest(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """S3's signature, version 4; the digest of a body that has a `sha256` is taken from there."""

    def payload(self, request: Any) -> str:
        """Return what stands for the body in the signature."""
        return getattr(request.body, "sha256", None) or str(super().payload(request))


AUTH_TYPE_MAPS[OURS] = KnownDigest


def choose(signature_version: str, **_: Any) -> str | None:
    """Take our signer where botocore would take the one that it is made of."""
    return OURS if signature_version in ("v4", "s3v4") else None
