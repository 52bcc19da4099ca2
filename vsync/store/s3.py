"""A store in an S3 bucket: AWS, R2, B2, Hetzner, MinIO, Ceph and their like (formats §4 and §5).

1. `create` is a PUT with `If-None-Match: *`, `swap` one with `If-Match` of the tag that was read.
2. A tag is an ETag without quotes and without `W/`; what it was made of is the server's affair.
   Some servers want it back quoted, some unquoted: 412 although the tag still stands means that
   this one wants the other form, which is tried once and remembered.
3. Objects go up in one PUT, from the file, and come down in pieces. A download that breaks off
   goes on where it ended, if the object still is the same.
4. A request is tried a few times within a bounded time, after random and growing pauses, and
   only where trying again can help. A write whose answer was lost is Uncertain.
"""

import io
import secrets
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

from vsync.errors import AlreadyExists, NotFound, StaleTag, StoreError, Unfit
from vsync.store.interface import (
    CHUNK,
    ObjectInfo,
    Store,
    is_name,
    require_name,
    require_prefix,
)
from vsync.store.s3_errors import Verdict, failure, foreign, judge, translated, uncertain
from vsync.store.s3_location import S3Location, build_client, check_location

__all__ = ["S3Location", "S3Store"]

MAX_PUT = 5 * 1024**3  # bytes in one PUT, S3's own limit
MAX_LISTED = 1_000_000  # objects; more is a server that never ends
TRIES = 4
PATIENCE = 30.0  # seconds after which a request is not tried again
PAUSE = 0.1  # seconds; doubled at every try, then shortened at random
QUOTED, UNQUOTED = "quoted", "unquoted"

# Below this a body travels with its headers; a file waits for `100 Continue` first.
_SMALL = CHUNK


class S3Store(Store):
    """Objects in one bucket. Share one between threads and vaults: a client is built once.

    Making one connects nowhere and imports no botocore; StoreError when the location is unsafe.
    """

    def __init__(self, location: S3Location) -> None:
        check_location(location)
        self._location = location
        self._lock = threading.Lock()
        self._client: Any = None
        self.where = f"bucket {location.bucket} at {location.host}"

    def warm(self) -> None:
        """Import botocore and build the client now, for instance while a key is being derived."""
        self._connected()

    def close(self) -> None:
        """Close the connections; the store opens new ones when it is used again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def names(self, prefix: str) -> Iterator[ObjectInfo]:
        require_prefix(prefix)
        found: dict[str, int] = {}
        for page in self._pages(prefix):
            for row in page.get("Contents", []):
                found[row["Key"]] = row.get("Size", 0)
            if len(found) > MAX_LISTED:
                raise StoreError(f"{self.where} lists more than {MAX_LISTED} objects under {prefix!r}")
        ours = (name for name in found if name.startswith(prefix) and is_name(name))
        yield from (ObjectInfo(name, found[name]) for name in sorted(ours))

    def delete(self, name: str) -> None:
        require_name(name)
        try:
            self._call("delete_object", name, Key=name)
        except NotFound:
            return

    def _open(self, name: str, limit: int) -> tuple[str, Generator[bytes]]:
        answer = self._call("get_object", name, Key=name)
        if answer.get("ContentLength", 0) > limit:
            answer["Body"].close()
            self._check_limit(name, answer["ContentLength"], limit)
        return _tag(answer), self._pieces(name, answer)

    def _create(self, name: str, body: BinaryIO, size: int, sha256: str | None) -> None:
        try:
            self._put(name, body, size, sha256, IfNoneMatch="*")
        except StaleTag as error:
            raise AlreadyExists(f"{name} is already in {self.where}") from error

    def _swap(self, name: str, data: bytes, expected: str | None) -> str:
        body = io.BytesIO(data)
        if expected is None:
            return self._put(name, body, len(data), IfNoneMatch="*")
        known = self.tag_form
        for form in [known] if known else [QUOTED, UNQUOTED]:
            try:
                tag = self._put(
                    name, body, len(data), IfMatch=f'"{expected}"' if form == QUOTED else expected
                )
            except (StaleTag, NotFound) as error:
                if known or self._tag_now(name) != expected:
                    raise StaleTag(f"{name} in {self.where} was changed by somebody else") from error
            else:
                self.tag_form = form
                return tag
        raise Unfit(
            f"{self.where} refuses to replace {name} although its tag is right",
            hint="switch versioning off for the bucket, or use another server",
        )

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                with translated(self._location, self._location.bucket):
                    self._client = build_client(self._location)
            return self._client

    def _call(self, operation: str, what: str, *, writes: bool = False, **parameters: Any) -> dict[str, Any]:
        """Send one request, again where that can help; a body is sent from its start each time."""
        request = getattr(self._connected(), operation)
        tries, lost = _Tries(), False
        body: Any = parameters.get("Body")
        while True:
            if hasattr(body, "seek"):
                body.seek(0)
            try:
                answer: dict[str, Any] = request(Bucket=self._location.bucket, **parameters)
            except foreign() as error:
                verdict = judge(error)
                lost |= verdict.lost
                self._note_clock(getattr(error, "response", None))
                if tries.go_on(verdict):
                    continue
                if writes and lost and not issubclass(verdict.kind, StaleTag):
                    raise uncertain(self._location, what) from error
                raise failure(verdict, self._location, what) from error
            else:
                self._note_clock(answer)
                return answer

    def _put(self, name: str, body: BinaryIO, size: int, sha256: str | None = None, **condition: str) -> str:
        if size > MAX_PUT:
            raise StoreError(f"{name} is larger than the {MAX_PUT} bytes that one upload may have")
        body.seek(0)
        content = body.read(size) if size <= _SMALL else _LargePieces(body, sha256)
        answer = self._call(
            "put_object", name, writes=True, Key=name, Body=content, ContentLength=size, **condition
        )
        tag = _tag(answer)
        if not tag:
            # Asking for the tag now could hand out that of somebody else's newer object.
            raise uncertain(self._location, name)
        return tag

    def _tag_now(self, name: str) -> str | None:
        try:
            return _tag(self._call("head_object", name, Key=name))
        except NotFound:
            return None

    def _pieces(self, name: str, answer: dict[str, Any]) -> Generator[bytes]:
        tag, done, tries = _tag(answer), 0, _Tries()
        while True:
            try:
                with closing(answer["Body"]) as body:
                    while chunk := body.read(CHUNK):
                        done += len(chunk)
                        yield chunk
                    return
            except foreign() as error:
                verdict = judge(error)
                if not tries.go_on(verdict):
                    raise failure(verdict, self._location, name) from error
            answer = self._resumed(name, tag, done)

    def _resumed(self, name: str, tag: str, done: int) -> dict[str, Any]:
        answer = self._call("get_object", name, Key=name, Range=f"bytes={done}-")
        same = _tag(answer) == tag != ""
        if not same or not str(answer.get("ContentRange", "")).startswith(f"bytes {done}-"):
            answer["Body"].close()
            raise StoreError(
                f"reading {name} from {self.where} broke off after {done} bytes", hint="try again"
            )
        return answer

    def _pages(self, prefix: str) -> Iterator[dict[str, Any]]:
        what = f"the list of {prefix}*"
        more: dict[str, Any] = {}
        while True:
            page = self._call("list_objects_v2", what, Prefix=prefix, **more)
            # A page that only looks like XML has no such field; it must not pass for an empty store.
            if not isinstance(page.get("IsTruncated"), bool):
                raise StoreError(
                    f"{self.where} does not answer as an S3 server does", hint="check the endpoint"
                )
            yield page
            if not page["IsTruncated"]:
                return
            token = page.get("NextContinuationToken")
            if not token or token == more.get("ContinuationToken"):
                raise StoreError(f"{self.where} does not go on with {what}")
            more = {"ContinuationToken": token}

    def _note_clock(self, answer: dict[str, Any] | None) -> None:
        date = (answer or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            try:
                self.clock_skew_seconds = parsedate_to_datetime(date).timestamp() - time.time()
            except (ValueError, OverflowError):
                self.clock_skew_seconds = None


class _LargePieces:
    """A file that gives more than it is asked for: urllib3 would send 16 KiB at a time.

    `sha256` is what it holds as far as that is known: our signer takes it.
    """

    def __init__(self, file: BinaryIO, sha256: str | None) -> None:
        self._file = file
        self.sha256 = sha256
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size if size < 0 else max(size, CHUNK))


class _Tries:
    """How often, how long and after which pauses one request is tried."""

    def __init__(self) -> None:
        self._left = TRIES
        self._until = time.monotonic() + PATIENCE
        self._pause = PAUSE

    def go_on(self, verdict: Verdict) -> bool:
        """Wait and return True, or return False when trying again is over or cannot help."""
        self._left -= 1
        self._pause *= 2
        # Random, so that clients that failed together do not come back together.
        pause = max(verdict.retry_after, self._pause * secrets.randbelow(1000) / 1000)
        if not verdict.again or not self._left or time.monotonic() + pause > self._until:
            return False
        time.sleep(pause)
        return True


def _tag(answer: dict[str, Any]) -> str:
    # A proxy may weaken an ETag; the server behind it still compares the strong one.
    return str(answer.get("ETag", "")).removeprefix("W/").strip('"')
