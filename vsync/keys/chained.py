"""Several places for keys, asked in turn."""

from collections.abc import Sequence

from vsync.errors import KeyUnavailable
from vsync.keys.interface import KeyRing


class ChainedKeys:
    """A `KeyRing` of key rings: the first answer wins, the first writable one is written.

    A ring that cannot be looked at ends the search: the next one might hold an older key.
    """

    def __init__(self, rings: Sequence[KeyRing]) -> None:
        self._rings = tuple(rings)
        self._answered: KeyRing | None = None

    @property
    def source(self) -> str:
        """Name the ring that answered last, or all of them."""
        if self._answered is not None:
            return self._answered.source
        return ", ".join(ring.source for ring in self._rings) or "nowhere"

    @property
    def writable(self) -> bool:
        """Whether one of the rings is."""
        return any(ring.writable for ring in self._rings)

    def get(self, account: str) -> str | None:
        """Return the first answer, or None when no ring has the account."""
        for ring in self._rings:
            text = ring.get(account)
            if text is not None:
                self._answered = ring
                return text
        return None

    def set(self, account: str, text: str) -> None:
        """Store the text where it can be written and will be the one found."""
        target = self._first_writable()
        for ring in self._rings[: self._rings.index(target)]:
            if ring.get(account) is not None:
                raise KeyUnavailable(
                    f"{ring.source} gives a key for {account} and would hide the new one",
                    hint=f"unset {ring.source} and try again",
                )
        target.set(account, text)
        self._answered = target

    def delete(self, account: str) -> None:
        """Forget the account in the ring that can be written."""
        self._first_writable().delete(account)

    def _first_writable(self) -> KeyRing:
        for ring in self._rings:
            if ring.writable:
                return ring
        raise KeyUnavailable(
            "there is no place here that keeps keys",
            hint="run this where there is a keychain, or choose a sealed key file",
        )
