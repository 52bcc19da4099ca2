"""A store that attacks: it rolls back, swaps, truncates, replays, freezes, loses a race, refuses.

    hostile = Simulator(team.store)
    old = hostile.photo()
    …
    hostile.serve(old)              # everything as it was then
    hostile.lie(name, b"…")         # other bytes under this name; None: it is not there
    hostile.before("swap", "manifest", lambda: ben.push())   # somebody is faster, once
    hostile.refuse("swap", "audit.csv", Refused("…"))        # from now on

Writes that are not refused go through to the true store.
"""

import hashlib
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

from vsync.errors import NotFound, VsyncError
from vsync.store.interface import Blob, ObjectInfo, Store


class Simulator(Store):
    """A store around a store; `calls` are `operation name` in order."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.where = inner.where
        self.calls: list[str] = []
        self._lies: dict[str, bytes | None] = {}
        self._hooks: list[tuple[str, str, Callable[[], object]]] = []
        self._refusals: list[tuple[str, str, VsyncError]] = []

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call.split()[0] in {"create", "swap", "delete"}]

    def photo(self) -> dict[str, bytes]:
        """Return everything there is now."""
        return {info.name: self.inner.read(info.name, limit=1 << 26).data for info in self.inner.names("")}

    def serve(self, photo: dict[str, bytes]) -> None:
        """Serve exactly what a photo shows."""
        present = {info.name for info in self.inner.names("")}
        self._lies = dict.fromkeys(present, None) | photo

    def lie(self, name: str, data: bytes | None) -> None:
        self._lies[name] = data

    def tell_the_truth(self) -> None:
        self._lies.clear()

    def before(self, operation: str, part: str, hook: Callable[[], object]) -> None:
        """Do something once, before the next such operation on a name with this part in it."""
        self._hooks.append((operation, part, hook))

    def refuse(self, operation: str, part: str, error: VsyncError) -> None:
        self._refusals.append((operation, part, error))

    def forgive(self) -> None:
        self._refusals.clear()

    def _enter(self, operation: str, name: str) -> None:
        self.calls.append(f"{operation} {name}")
        for row in [row for row in self._hooks if row[0] == operation and row[1] in name]:
            self._hooks.remove(row)
            row[2]()
        for refused, part, error in self._refusals:
            if refused == operation and part in name:
                raise error

    def is_there(self) -> bool:
        return self.inner.is_there()

    def read(self, name: str, *, limit: int) -> Blob:
        self._enter("read", name)
        if name not in self._lies:
            return self.inner.read(name, limit=limit)
        data = self._lie(name)
        self._check_limit(name, len(data), limit)
        return Blob(data, hashlib.sha256(data).hexdigest())

    def download(self, name: str, into: BinaryIO, *, limit: int) -> int:
        self._enter("download", name)
        if name not in self._lies:
            return self.inner.download(name, into, limit=limit)
        data = self._lie(name)
        self._check_limit(name, len(data), limit)
        return into.write(data)

    def create(self, name: str, body: BinaryIO, *, size: int, sha256: str | None = None) -> None:
        self._enter("create", name)
        self.inner.create(name, body, size=size, sha256=sha256)

    def swap(self, name: str, data: bytes, *, expected: str | None) -> str:
        self._enter("swap", name)
        return self.inner.swap(name, data, expected=expected)

    def names(self, prefix: str) -> Iterator[ObjectInfo]:
        self._enter("names", prefix)
        return self.inner.names(prefix)

    def delete(self, name: str) -> None:
        self._enter("delete", name)
        self.inner.delete(name)

    def _lie(self, name: str) -> bytes:
        data = self._lies[name]
        if data is None:
            raise NotFound(f"{name} is not in {self.where}")
        return data

    def _open(self, name: str, limit: int) -> tuple[str, Generator[bytes]]:
        raise AssertionError("every public method is passed on")

    def _create(self, name: str, body: BinaryIO, size: int, sha256: str | None) -> None:
        raise AssertionError("every public method is passed on")

    def _swap(self, name: str, data: bytes, expected: str | None) -> str:
        raise AssertionError("every public method is passed on")
