"""What every store promises; the contract suite in tests/contract holds each to it.

1. Objects are bytes under a name such as `myapp/prod/v=20260523-114201`.
2. `create` never overwrites; `swap` replaces only what the caller has read.
3. Every read is bounded by the caller; nothing larger is ever held or written.
4. A write whose answer was lost is settled here, by reading back: a caller sees success,
   AlreadyExists, StaleTag or another StoreError, and success means the bytes are there.
5. Only errors of `vsync.errors` leave a store, and no message carries a credential.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from vsync.errors import AlreadyExists, IntegrityError, NotFound, StaleTag, StoreError, Uncertain

CHUNK = 1024 * 1024
MAX_NAME = 1024  # bytes, S3's own limit
SEGMENT = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._=-]{1,255}")


def is_name(text: str) -> bool:
    """Tell whether `text` can name an object: segments of formats §5 with `/` between them."""
    return len(text) <= MAX_NAME and all(map(SEGMENT.fullmatch, text.split("/")))


def require_name(text: str) -> None:
    """Raise StoreError unless `text` can name an object."""
    if not is_name(text):
        raise StoreError(f"{text!r} cannot name an object in a store")


def require_prefix(text: str) -> None:
    """Raise StoreError unless some object's name can start with `text`."""
    folder, _, start = text.rpartition("/")
    if (folder and not is_name(folder)) or text.startswith("/") or not is_name(f"{start}x"):
        raise StoreError(f"{text!r} cannot start the name of an object in a store")


@dataclass(frozen=True, slots=True)
class Blob:
    """A small object as it was read, and the tag that a later `swap` must expect."""

    data: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One row of a listing; `size` in bytes."""

    name: str
    size: int


class Store(ABC):
    """Named objects: immutable bundles, and small ones that move by compare-and-swap.

    Raises NotFound, AlreadyExists, StaleTag, IntegrityError (larger than allowed) and the
    kinds of StoreError; nothing else. Safe to use from several threads.
    """

    where: str
    """The location as shown to people; holds no credential."""

    clock_skew_seconds: float | None = None
    """The server's clock minus ours at its last answer; None when it was never told."""

    tag_form: str | None = None
    """How this server wants tags in `If-Match`, `quoted` or `unquoted`; None until it was seen."""

    def is_there(self) -> bool:
        """Tell whether the place itself exists; a bucket that does not is an error of every request."""
        return True

    def read(self, name: str, *, limit: int) -> Blob:
        """Return a small object whole; IntegrityError when it has more than `limit` bytes."""
        require_name(name)
        tag, chunks = self._open(name, limit)
        data = bytearray()
        with closing(chunks):
            for chunk in chunks:
                data += chunk
                self._check_limit(name, len(data), limit)
        return Blob(bytes(data), tag)

    def download(self, name: str, into: BinaryIO, *, limit: int) -> int:
        """Write the object to `into` in pieces and return its size in bytes.

        What is written before an error is the caller's to discard.
        """
        require_name(name)
        size = 0
        _, chunks = self._open(name, limit)
        with closing(chunks):
            for chunk in chunks:
                size += len(chunk)
                self._check_limit(name, size, limit)
                into.write(chunk)
        return size

    def create(self, name: str, body: BinaryIO, *, size: int, sha256: str | None = None) -> None:
        """Store `body` (seekable, exactly `size` bytes) under a name nobody has used.

        `sha256` in hex, if it is known, spares a store that sends one from making it.

        An object that already holds exactly these bytes counts as ours: a retry whose
        first answer was lost must not conflict with itself (formats §4).
        """
        require_name(name)
        if body.seek(0, os.SEEK_END) != size:
            raise StoreError(f"the body for {name} does not have the {size} bytes it should have")
        try:
            body.seek(0)
            self._create(name, body, size, sha256)
        except (AlreadyExists, Uncertain) as error:
            if not self._holds(name, body, size):
                raise error from None

    def swap(self, name: str, data: bytes, *, expected: str | None) -> str:
        """Replace the object tagged `expected` (None: there is none) and return its new tag.

        StaleTag when somebody was first; identical bytes are ours (formats §4).
        """
        require_name(name)
        try:
            return self._swap(name, data, expected)
        except (StaleTag, Uncertain) as error:
            try:
                now = self.read(name, limit=max(len(data), 1))
            except (NotFound, IntegrityError, StoreError):
                # What cannot be read back cannot be called ours: the first error stands.
                raise error from None
            if now.data != data:
                raise error from None
            return now.tag

    @abstractmethod
    def names(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every object whose name starts with `prefix`, in the order of the names.

        What others left there under names that `is_name` denies is passed over.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove an object; one that is not there is no error."""

    @abstractmethod
    def _open(self, name: str, limit: int) -> tuple[str, Generator[bytes]]:
        """Return the tag and the content in pieces of at most CHUNK; NotFound if absent."""

    @abstractmethod
    def _create(self, name: str, body: BinaryIO, size: int, sha256: str | None) -> None:
        """Store under a free name; AlreadyExists, or Uncertain when the answer was lost."""

    @abstractmethod
    def _swap(self, name: str, data: bytes, expected: str | None) -> str:
        """Compare and swap; StaleTag, or Uncertain when the answer was lost."""

    def _holds(self, name: str, body: BinaryIO, size: int) -> bool:
        body.seek(0)
        try:
            _, chunks = self._open(name, size)
            with closing(chunks):
                same = all(chunk == body.read(len(chunk)) for chunk in chunks)
        except (NotFound, IntegrityError, StoreError):
            # What cannot be read back cannot be called ours: the first error stands.
            return False
        return same and body.tell() == size

    def _check_limit(self, name: str, size: int, limit: int) -> None:
        if size > limit:
            raise IntegrityError(f"{name} in {self.where} is larger than the {limit} bytes it may have")
