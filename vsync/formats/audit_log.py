"""The audit log, `audit.csv`: who did what, chained by MACs (formats §7)."""

import csv
import hmac
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from vsync.errors import IntegrityError, UsageError
from vsync.formats.vaultkey import VaultKey

MAX_LOG_BYTES = 64 * 1024 * 1024
MAX_META_BYTES = 2048
RESERVED = ("_k", "_h", "_truncated")
_TAIL = re.compile(r',?"_h":"([0-9a-f]{64})"\}\Z')
_KEY_ID = re.compile(r'[{,]"_k":"([0-9a-f]{16})"\}\Z')


@dataclass(frozen=True, slots=True)
class Row:
    """One row, ten columns in their order; every field is text as it stands in the file."""

    ts: str
    action: str
    version_ts: str
    hostname: str
    local_ip: str
    os_user: str
    git_email: str
    vsync_version: str
    bun_version: str
    meta: str = ""

    def __post_init__(self) -> None:
        for column in fields(self):
            object.__setattr__(self, column.name, _storable(getattr(self, column.name)))


def _storable(text: str) -> str:
    # What the system hands us may hold bytes that are not UTF-8; a row must never fail for them.
    return text.encode("utf-8", "replace").decode()


COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of a log as read, oldest first."""

    rows: tuple[Row, ...]

    @property
    def last_mac(self) -> str:
        """The `_h` of the newest authenticated row, or empty."""
        return next((mac for row in reversed(self.rows) if (mac := split_meta(row.meta)[1])), "")


def encode_meta(values: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the caller's meta as compact JSON (empty for none), and whether it had to be truncated.

    Raises UsageError for a key that the log itself uses.
    """
    for key in RESERVED:
        if key in values:
            raise UsageError(f"{key!r} cannot be a key of meta: the log itself uses it", hint="rename it")
    if not values:
        return "", False
    text = _storable(json.dumps(values, separators=(",", ":"), ensure_ascii=False))
    if len(text.encode()) > MAX_META_BYTES:
        return '{"_truncated":true}', True
    return text, False


def split_meta(meta: str) -> tuple[str, str]:
    """Return the meta cell without its `_h`, and the `_h` (empty when it has none)."""
    match = _TAIL.search(meta)
    return (meta[: match.start()] + "}", match[1]) if match else (meta, "")


def seal_row(row: Row, key: VaultKey, previous_mac: str) -> Row:
    """Return the row with `_k` and `_h` at the end of its meta, chained to the row before."""
    head = row.meta[:-1] + "," if row.meta not in ("", "{}") else "{"
    meta = f'{head}"_k":"{key.key_id}"}}'
    mac = _mac(replace(row, meta=meta), key, previous_mac)
    return replace(row, meta=f'{meta[:-1]},"_h":"{mac}"}}')


def _mac(row: Row, key: VaultKey, previous_mac: str) -> str:
    """Authenticate a row whose meta has no `_h`: previous LF, then ten times length `:` bytes LF."""
    message = bytearray(previous_mac.encode() + b"\n")
    for value in asdict(row).values():
        data = value.encode()
        message += b"%d:%s\n" % (len(data), data)
    return key.audit_mac(bytes(message))


def row_key_id(row: Row) -> str | None:
    """Return the key id a row says it was written with, or None."""
    match = _KEY_ID.search(split_meta(row.meta)[0])
    return match[1] if match else None


def check_chain(rows: Iterable[Row], keys: Mapping[str, VaultKey]) -> list[str]:
    """Judge each row: `ok`, `broken`, `not checked` (a key we lack) or `not authenticated`.

    A row is `broken` when it, or the row before it, was changed, removed or inserted.
    """
    verdicts, previous = [], ""
    for row in rows:
        meta, mac = split_meta(row.meta)
        if not mac:
            verdicts.append("not authenticated")
            continue
        key = keys.get(row_key_id(row) or "")
        if key is None:
            verdicts.append("not checked")
        else:
            right = hmac.compare_digest(_mac(replace(row, meta=meta), key, previous), mac)
            verdicts.append("ok" if right else "broken")
        previous = mac
    return verdicts


def row_to_line(row: Row, header: Sequence[str] = COLUMNS) -> str:
    """Return the row as one CSV record with its LF; quoted only where formats §7 says so."""
    values = asdict(row)
    return ",".join(_cell(values.get(column, "")) for column in header) + "\n"


HEADER = ",".join(COLUMNS) + "\n"


def append_row(data: bytes, row: Row) -> bytes:
    """Return the log with the row at its end: header first, a missing final newline mended.

    The row follows the columns the log has; IntegrityError when one of ours is not among them.
    """
    if not data:
        return (HEADER + row_to_line(row)).encode()
    header = _header(data)
    if not set(COLUMNS) <= set(header):
        raise IntegrityError("the audit log has no header that vsync knows")
    return data + (b"" if data.endswith(b"\n") else b"\n") + row_to_line(row, header).encode()


def _header(data: bytes) -> list[str]:
    try:
        return next(csv.reader([data.split(b"\n", 1)[0].decode("utf-8")], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise IntegrityError("the audit log is not readable CSV") from error


def _cell(value: str) -> str:
    if any(char in value for char in '",\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def read_log(data: bytes) -> Log:
    """Parse a log by its header's names; CRLF is accepted, unknown columns are ignored.

    Raises IntegrityError when it is no CSV of ours.
    """
    if not data:
        return Log(())
    if len(data) > MAX_LOG_BYTES:
        raise IntegrityError(f"the audit log is larger than the {MAX_LOG_BYTES} bytes it may have")
    try:
        text = data.decode("utf-8")
        table = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(table, [])
        rows = [dict(zip(header, cells, strict=False)) for cells in table if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise IntegrityError("the audit log is not readable CSV") from error
    if not {"ts", "action"} <= set(header):
        raise IntegrityError("the audit log has no header that vsync knows")
    return Log(tuple(Row(*(row.get(column, "") for column in COLUMNS)) for row in rows))


def harmless_cell(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (formats §7, attack 91)."""
    return "'" + value if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
