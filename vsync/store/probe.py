"""Find out by trying what a store really honours, before anything relies on it.

A server that ignores `If-None-Match` or `If-Match` answers 200 and overwrites, so its answers
prove nothing. The probe writes different bytes each time, since a store settles identical ones
as ours, and looks at what is there afterwards.
"""

import io
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from vsync.errors import Conflict, NotFound, Refused, Unfit, VsyncError
from vsync.store.interface import ObjectInfo, Store

MAX_CLOCK_SKEW = 300.0  # seconds; S3 servers refuse requests from 900 on
MAX_PROBE = 4096  # bytes; more than any probe object has

_CREATES = "does not refuse to overwrite: If-None-Match is ignored or unknown"
_READS = "does not give back what was written"
_SWAPS = "does not replace an object whose tag is right: If-Match is refused or unknown"
_STALE = "replaces an object although its tag is wrong: If-Match is ignored"
_BLIND = "replaces an object that should not exist: If-None-Match is ignored or unknown"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store was seen to do.

    `clock_skew_seconds` is the server's clock minus ours, `tag_form` how it wants tags; None
    where the store cannot tell.
    """

    creates_once: bool
    reads_back: bool
    swaps: bool
    refuses_stale_swaps: bool
    refuses_blind_swaps: bool
    lists: bool
    deletes: bool
    clock_skew_seconds: float | None = None
    tag_form: str | None = None

    @property
    def reasons_not_to_write(self) -> tuple[str, ...]:
        """Name what is missing and would lose somebody's work."""
        checks = (
            (self.creates_once, _CREATES),
            (self.reads_back, _READS),
            (self.swaps, _SWAPS),
            (self.refuses_stale_swaps, _STALE),
            (self.refuses_blind_swaps, _BLIND),
        )
        return tuple(text for passed, text in checks if not passed)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Name everything that is missing, for people, gravest first."""
        clock = self.clock_skew_seconds or 0.0
        checks = (
            (self.lists, "does not list what was written"),
            (self.deletes, "does not delete: old versions cannot be pruned"),
            (abs(clock) <= MAX_CLOCK_SKEW, f"has a clock that differs by {clock:.0f} seconds"),
        )
        return self.reasons_not_to_write + tuple(text for passed, text in checks if not passed)


def probe(store: Store, root: str) -> Capabilities:
    """Write, read, swap, list and delete one object under `root`, and take it away again.

    Refused when this identity may not write there; StoreError when the store cannot be reached.
    """
    trial = _Trial(store, f"{root}probe-{secrets.token_hex(8)}")
    try:
        return trial.run()
    finally:
        with suppress(VsyncError):
            store.delete(trial.name)


def require_writable(capabilities: Capabilities) -> None:
    """Raise Unfit, with the reasons, when writing to such a store could lose somebody's work."""
    if reasons := capabilities.reasons_not_to_write:
        raise Unfit(
            f"the store {'; it '.join(reasons)}",
            hint="use another server, or switch bucket versioning off where that is the cause",
        )


class _Trial:
    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.name = name

    def run(self) -> Capabilities:
        first, second = secrets.token_bytes(32), secrets.token_bytes(33)
        creates = self._happens(lambda: self._create(first))
        refuses_second = self._refuses(lambda: self._create(second))
        there = self._content()
        reads = there in (first, second)
        tag = self.store.read(self.name, limit=MAX_PROBE).tag if reads else ""
        swaps = bool(tag) and self._swaps(tag)
        # A tag that was replaced, or was never given out.
        stale = tag if swaps else "0" * 32
        return Capabilities(
            creates_once=creates and refuses_second and there == first,
            reads_back=reads,
            swaps=swaps,
            refuses_stale_swaps=self._refuses_swap(stale),
            refuses_blind_swaps=self._refuses_swap(None),
            lists=self._lists(),
            deletes=self._deletes(),
            clock_skew_seconds=self.store.clock_skew_seconds,
            tag_form=self.store.tag_form,
        )

    def _create(self, data: bytes) -> None:
        self.store.create(self.name, io.BytesIO(data), size=len(data))

    def _content(self) -> bytes | None:
        with suppress(NotFound):
            return self.store.read(self.name, limit=MAX_PROBE).data
        return None

    def _swaps(self, tag: str) -> bool:
        data = secrets.token_bytes(34)
        return (
            self._happens(lambda: self.store.swap(self.name, data, expected=tag)) and self._content() == data
        )

    def _refuses_swap(self, expected: str | None) -> bool:
        before, data = self._content(), secrets.token_bytes(35)
        refused = self._refuses(lambda: self.store.swap(self.name, data, expected=expected))
        return refused and self._content() == before

    def _lists(self) -> bool:
        there = self._content()
        try:
            rows = list(self.store.names(self.name))
        except Refused:
            return False
        return there is not None and rows == [ObjectInfo(self.name, len(there))]

    def _deletes(self) -> bool:
        try:
            self.store.delete(self.name)
        except Refused:
            return False
        return self._content() is None

    def _happens(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except (Conflict, Unfit):
            return False
        return True

    def _refuses(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except Conflict:
            return True
        except Unfit:
            pass
        return False
