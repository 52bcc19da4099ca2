"""What every place that holds keys promises; tests/contract holds each to it.

Accounts are formats §8.4: `<repo>/<env>` for the current key, `<repo>/<env>#<key id>` for a
retired one, `<repo>/<env>#pending` for one being rotated in. Values are key texts.
"""

from typing import Protocol


class KeyRing(Protocol):
    """A place that holds key texts by account.

    Only errors of `vsync.errors` leave it; a key text never stands in one.
    """

    @property
    def source(self) -> str:
        """Name the place for people: `keychain (SecretService)`, `VSYNC_KEY`."""

    @property
    def writable(self) -> bool:
        """Whether `set` and `delete` can work here at all."""

    def get(self, account: str) -> str | None:
        """Return the key text, or None when this place has none for the account.

        KeyUnavailable when the place cannot be looked at: locked, hanging, refused.
        """

    def set(self, account: str, text: str) -> None:
        """Store the text and read it back; KeyUnavailable unless the same text came back.

        DiskError when the place is a file and the disk refuses.
        """

    def delete(self, account: str) -> None:
        """Forget the account; one that is not there is no error."""
