"""A small S3 server in memory, in a process of its own: what it costs must not drown what is measured.

It does what a single writer needs (PUT, GET with ranges, HEAD, DELETE, list, multipart) and honours
`If-Match` and `If-None-Match`; it checks no signature. It is no reference for anybody's S3: the tests
talk to another one. Started as `python server.py`; prints its port, and ends with its standard input.
"""

import itertools
import re
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
MODIFIED = "2026-01-01T00:00:00.000Z"
_ERRORS = {404: "NoSuchKey", 405: "MethodNotAllowed", 412: "PreconditionFailed"}


@dataclass(frozen=True)
class Object:
    """One object; its tag is a number, since an ETag is the server's own affair."""

    data: bytes | bytearray
    tag: str


class Bucket:
    """Objects by their path, and the parts of uploads that are not finished."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.parts: dict[tuple[str, int], bytearray] = {}
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)

    def put(self, path: str, data: bytearray, match: str | None, none_match: str | None) -> Object | None:
        """Store an object if the condition holds; None when it does not."""
        with self.lock:
            before = self.objects.get(path)
            if none_match == "*" and before is not None:
                return None
            if match is not None and (before is None or match.strip('"') != before.tag):
                return None
            made = self.objects[path] = Object(data, f"{next(self.numbers):032x}")
            return made

    def join(self, path: str, upload: str) -> Object | None:
        """Make one object of the parts of an upload."""
        with self.lock:
            mine = sorted(key for key in self.parts if key[0] == upload)
            whole = bytearray().join(self.parts.pop(key) for key in mine)
        return self.put(path, whole, None, None)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bucket = Bucket()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        path, query = self._asked()
        data = bytearray(int(self.headers.get("Content-Length") or 0))
        view = memoryview(data)
        while view and (count := self.rfile.readinto(view)):
            view = view[count:]
        if "uploadId" in query:
            self.bucket.parts[query["uploadId"], int(query["partNumber"])] = data
            self._answer(200, headers={"ETag": f'"{query["partNumber"]:0>32}"'})
            return
        made = self.bucket.put(path, data, self.headers.get("If-Match"), self.headers.get("If-None-Match"))
        if made is None:
            self._refuse(412)
        else:
            self._answer(200, headers={"ETag": f'"{made.tag}"'})

    def do_GET(self) -> None:
        path, query = self._asked()
        if "/" not in path:
            self._list(path, query.get("prefix", ""))
            return
        found = self.bucket.objects.get(path)
        if found is None:
            self._refuse(404)
            return
        headers = {"ETag": f'"{found.tag}"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        data, status = memoryview(found.data), 200
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked:
            first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        self._answer(status, data, headers=headers)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        path, query = self._asked()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "uploads" in query:
            upload = f"u{next(self.bucket.numbers)}"
            body = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId>"
            self._answer(200, f"{XML}{body}</InitiateMultipartUploadResult>".encode())
        elif "uploadId" in query and (made := self.bucket.join(path, query["uploadId"])):
            body = f"<CompleteMultipartUploadResult><ETag>{made.tag}</ETag></CompleteMultipartUploadResult>"
            self._answer(200, f"{XML}{body}".encode())
        else:
            self._refuse(405)

    def do_DELETE(self) -> None:
        path, _ = self._asked()
        self.bucket.objects.pop(path, None)
        self._answer(204)

    def _list(self, bucket: str, prefix: str) -> None:
        rows = [
            f"<Contents><Key>{escape(path.partition('/')[2])}</Key><LastModified>{MODIFIED}</LastModified>"
            f"<ETag>{found.tag}</ETag><Size>{len(found.data)}</Size></Contents>"
            for path, found in sorted(self.bucket.objects.items())
            if path.startswith(f"{bucket}/{prefix}")
        ]
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(rows)}</ListBucketResult>"
        self._answer(200, f"{XML}{body}".encode())

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        return unquote(parts.path).strip("/"), {key: values[0] for key, values in query.items()}

    def _refuse(self, status: int) -> None:
        code = _ERRORS[status]
        self._answer(status, f"{XML}<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _answer(
        self, status: int, data: bytes | memoryview = b"", *, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD" and data:
            self.wfile.write(data)


def main() -> None:
    """Serve until standard input ends: with whoever started us."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
