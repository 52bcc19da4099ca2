"""A proxy in front of an HTTP server that fails on demand, as networks and S3 servers do.

    with FaultProxy(s3_server.url) as proxy:
        proxy.on(lose_answer(), method="PUT", path="manifest")          # the first such request
        proxy.on(answer(503, "SlowDown"), path="v=", nth=2, times=3)    # the 2nd to the 4th
        proxy.on(strip_conditions(), times=None)                        # every request from now on
        store = S3Store(s3_server.location(bucket, through=proxy.url))
        ...
        assert [seen.method for seen in proxy.requests] == ["PUT", "GET"]

`path` is a part of the unquoted path with its query, `header` a header that the request must carry.
The first rule that matches decides; a request that no rule matches goes through untouched.
`proxy.requests` are all requests in order, with headers in lower case.
"""

import http.client
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request as the client sent it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class Answer:
    """What goes back; `sent` cuts the body after so many bytes and hangs up."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: int | None = None


Forward = Callable[[Seen], Answer]
Action = Callable[[Seen, Forward], Answer | None]
"""Given a request and the way to the server, return what to answer; None hangs up."""


def answer(status: int, code: str = "", **headers: str) -> Action:
    """Answer with an S3 error without asking the server; `retry_after="0"` is a header."""
    body = f"<Error><Code>{code}</Code><Message>on demand</Message></Error>".encode() if code else b""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, forward: Answer(status, named, b"" if request.method == "HEAD" else body)


def lose_answer(status: int | None = None) -> Action:
    """Carry the request out, then hang up; with `status`, answer that instead."""

    def lose(request: Seen, forward: Forward) -> Answer | None:
        forward(request)
        return None if status is None else Answer(status, {}, b"")

    return lose


def hang_up() -> Action:
    """Close the connection without asking the server."""
    return lambda request, forward: None


def cut_body(after: int) -> Action:
    """Send the true headers and the first `after` bytes of the body, then hang up."""

    def cut(request: Seen, forward: Forward) -> Answer:
        whole = forward(request)
        return Answer(whole.status, whole.headers, whole.body, sent=after)

    return cut


def strip_conditions() -> Action:
    """Be a server that ignores If-Match and If-None-Match."""

    def strip(request: Seen, forward: Forward) -> Answer:
        kept = {
            name: value
            for name, value in request.headers.items()
            if name not in {"if-match", "if-none-match"}
        }
        return forward(Seen(request.method, request.path, kept, request.body))

    return strip


def demand_unquoted_tags() -> Action:
    """Be a Ceph gateway: a quoted ETag in If-Match never matches."""

    def demand(request: Seen, forward: Forward) -> Answer:
        if request.headers.get("if-match", "").startswith('"'):
            return Answer(412, {}, b"<Error><Code>PreconditionFailed</Code></Error>")
        return forward(request)

    return demand


def rewrite_tags(change: Callable[[str], str]) -> Action:
    """Change every ETag on the way back, as a compressing proxy does."""

    def rewrite(request: Seen, forward: Forward) -> Answer:
        true = forward(request)
        headers = {name: change(value) if name == "etag" else value for name, value in true.headers.items()}
        return Answer(true.status, headers, true.body)

    return rewrite


def redirect(to: str, status: int = 307) -> Action:
    """Send the client elsewhere; `to` is a URL without the path."""
    return lambda request, forward: Answer(status, {"location": to + request.path}, b"")


def captive_portal(status: int = 200) -> Action:
    """Answer everything with a sign-in page."""
    page = b"<html><body>Please accept the terms of <b>HotelNet</b>.</body></html>"
    return lambda request, forward: Answer(status, {"content-type": "text/html"}, page)


@dataclass
class _Rule:
    action: Action
    method: str
    path: str
    header: str
    first: int
    last: float
    count: int = 0

    def takes(self, request: Seen) -> bool:
        if self.method not in {"", request.method} or self.path not in unquote(request.path):
            return False
        if self.header and self.header.lower() not in request.headers:
            return False
        self.count += 1
        return self.first <= self.count <= self.last


class FaultProxy:
    """A listening proxy; `url` is where clients connect. Use it in a `with`."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self.requests: list[Seen] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def on(
        self,
        action: Action,
        *,
        method: str = "",
        path: str = "",
        header: str = "",
        nth: int = 1,
        times: int | None = 1,
    ) -> None:
        """Do `action` at the `nth` matching request and the following ones, `times` in all."""
        last = float("inf") if times is None else nth + times - 1
        with self._lock:
            self._rules.append(_Rule(action, method, path, header, nth, last))

    def clear(self) -> None:
        """Forget all rules and requests."""
        with self._lock:
            self._rules.clear()
            self.requests.clear()

    def decide(self, request: Seen) -> Answer | None:
        """Note the request and do what the first matching rule says."""
        with self._lock:
            self.requests.append(request)
            action = next((rule.action for rule in self._rules if rule.takes(request)), None)
        return action(request, self.forward) if action else self.forward(request)

    def forward(self, request: Seen) -> Answer:
        """Ask the server behind."""
        connection = http.client.HTTPConnection(
            self._upstream.hostname or "", self._upstream.port, timeout=30
        )
        try:
            headers = {name: value for name, value in request.headers.items() if name != "expect"}
            connection.request(request.method, request.path, request.body or None, headers)
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in two pieces; waiting for the client's ACK in between costs 40 ms.
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            found = proxy.decide(Seen(self.command, self.path, headers, body))
            if found is None:
                self._hang_up()
                return
            self._send(found)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any  # noqa: N815

        def _send(self, found: Answer) -> None:
            self.send_response_only(found.status)
            length = found.headers.get("content-length", "0") if self.command == "HEAD" else len(found.body)
            skipped = {"content-length", "transfer-encoding", "connection"}
            for name, value in found.headers.items():
                if name not in skipped:
                    self.send_header(name, value)
            if found.status != 204:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(found.body[: found.sent])
            if found.sent is not None:
                self._hang_up()

        def _hang_up(self) -> None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: Any) -> None:
            return

    return Handler
