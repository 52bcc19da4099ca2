"""What a tree holds, and its keyed digest (formats §1.2 `content`)."""

from collections.abc import Callable, Iterable
from typing import NamedTuple


class FileState(NamedTuple):
    """One regular file of a vault: path in the vault (`/` between parts) and SHA-256 in hex.

    `executable` means that its owner may execute it.
    """

    path: str
    executable: bool
    sha256: str


def frame(file: FileState) -> bytes:
    """Return the bytes that stand for one file in a digest (formats §1.2)."""
    flag = b"x" if file.executable else b"-"
    return b"\0".join((file.path.encode(), flag, file.sha256.encode())) + b"\n"


def content_digest(files: Iterable[FileState], mac: Callable[[bytes], str]) -> str:
    """Digest a tree under `mac`: equal exactly when paths, contents and executability are."""
    ordered = sorted(files, key=lambda file: file.path.encode())
    return mac(b"".join(map(frame, ordered)))


def digests(states: Iterable[FileState]) -> dict[str, str]:
    """Return path → what tells whether a file has changed: executability and content."""
    return {state.path: f"{state.executable}{state.sha256}" for state in states}
