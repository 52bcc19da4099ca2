"""A real S3 server on loopback: moto, with one lock round everything it does.

moto checks a condition and then stores, unlocked: in a race it would let two writers win and
the product would be blamed. Bodies are read before the lock, and reads take it too.

    pytest_plugins = ["tests.s3server"]       # once, in the test module or the top conftest

    def test_it(s3_location: S3Location) -> None:
        store = S3Store(s3_location)          # a bucket of its own
"""

import io
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import pytest

from vsync.store.s3 import S3Location, S3Store

KEY_ID = "AKIAVSYNCTESTS000000"
SECRET = "canary-secret-access-key-of-the-tests"


class OneAtATime:
    """A WSGI application that lets the inner one handle one request at a time."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(size))
        with self._lock:
            return [b"".join(self._application(environ, start_response))]


@dataclass(frozen=True)
class Server:
    """A running server; `url` has no trailing slash."""

    url: str

    def make_bucket(self) -> str:
        """Create an empty bucket and return its name."""
        bucket = f"b-{uuid.uuid4().hex[:12]}"
        with urlopen(Request(f"{self.url}/{bucket}", method="PUT")):
            return bucket

    def location(self, bucket: str, *, through: str | None = None) -> S3Location:
        """Name the bucket for S3Store; `through` is the URL of a proxy in front of the server."""
        return S3Location(through or self.url, None, bucket, KEY_ID, SECRET, timeout=10.0)


def start() -> tuple[Any, Server]:
    """Start a server on a free port; call `shutdown()` on the first of the two returned."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: Any) -> None:
            return

    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, Server(f"http://127.0.0.1:{server.server_port}")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    running, server = start()
    yield server
    running.shutdown()
    running.server_close()


@pytest.fixture
def s3_bucket(s3_server: Server) -> str:
    return s3_server.make_bucket()


@pytest.fixture
def s3_location(s3_server: Server, s3_bucket: str) -> S3Location:
    return s3_server.location(s3_bucket)


@pytest.fixture
def s3_store(s3_location: S3Location) -> Iterator[S3Store]:
    store = S3Store(s3_location)
    yield store
    store.close()
