"""A second implementation of the formats, written from docs/format.md alone; imports nothing of vsync.

Plain functions over plain values, for small data. Nonces and salts are arguments, so that
vectors can be made again byte by byte. What must not be read raises ValueError or its kind.
"""

import base64
import csv
import gzip
import hashlib
import hmac
import io
import json
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ITERATIONS = 600_000
COLUMNS = (
    "ts",
    "action",
    "version_ts",
    "hostname",
    "local_ip",
    "os_user",
    "git_email",
    "vsync_version",
    "bun_version",
    "meta",
)
Files = Mapping[str, tuple[bytes, bool]]
"""Path in the vault → content, executable."""


# 1 Envelope


def encrypt(key: bytes, plain: bytes, nonce: bytes) -> bytes:
    return b"RQE1" + nonce + AESGCM(key).encrypt(nonce, plain, None)


def decrypt(key: bytes, data: bytes) -> bytes:
    if len(data) < 32 or data[:4] != b"RQE1":
        raise ValueError("no envelope")
    return AESGCM(key).decrypt(data[4:16], data[16:], None)


@cache
def derive(password: str, salt: str, iterations: int = ITERATIONS) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations, 32)


def subkey(key: bytes, info: str) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt; 32 bytes are one block."""
    pseudorandom = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(pseudorandom, info.encode() + b"\x01", "sha256")


def key_id(key: bytes) -> str:
    return subkey(key, "vsync key id v1")[:8].hex()


def content(key: bytes, files: Files) -> str:
    message = b""
    for path in sorted(files, key=str.encode):
        data, executable = files[path]
        flag = "x" if executable else "-"
        message += f"{path}\0{flag}\0{hashlib.sha256(data).hexdigest()}\n".encode()
    return hmac.digest(subkey(key, "vsync content v1"), message, "sha256").hex()


# 2 Bundle


def pack(folder: str, files: Files) -> bytes:
    """Zip a vault as another writer might: everything stored, folders first to last by name."""
    out = io.BytesIO()
    rows: dict[str, tuple[bytes, bool] | None] = {f"{folder}/": None}
    for path, value in files.items():
        parts = path.split("/")
        for end in range(1, len(parts)):
            rows[f"{folder}/{'/'.join(parts[:end])}/"] = None
        rows[f"{folder}/{path}"] = value
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(rows, key=str.encode):
            row = rows[name]
            data, executable = row or (b"", True)
            kind = stat.S_IFREG if row else stat.S_IFDIR
            archive.writestr(entry(name, kind | (0o700 if executable else 0o600)), data)
    return out.getvalue()


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def write_bundle(key: bytes, version: str, archive: bytes, nonce: bytes) -> bytes:
    return encrypt(key, b"RQEM0001" + version.encode() + archive, nonce)


def read_bundle(key: bytes, version: str, data: bytes) -> tuple[str, Files]:
    """Return the sender's folder and the files in it."""
    plain = decrypt(key, data)
    if plain[:23] != b"RQEM0001" + real_date(version).encode():
        raise ValueError("wrong seal")
    with zipfile.ZipFile(io.BytesIO(plain[23:])) as archive:
        infos = archive.infolist()
        for info in infos:
            check_entry(info)
        folder = infos[0].filename
        names = [info.filename for info in infos]
        folded = {unicodedata.normalize("NFC", name).casefold() for name in names}
        if len(folded) != len(names) or not all(name.startswith(folder) for name in names):
            raise ValueError("names collide, or lie outside")
        files = {
            info.filename.removeprefix(folder): (archive.read(info), bool(info.external_attr >> 16 & 0o100))
            for info in infos
            if not info.is_dir()
        }
    return folder.removesuffix("/"), files


def check_entry(info: zipfile.ZipInfo) -> None:
    parts = info.filename.removesuffix("/").split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if any(part in ("", ".", "..") for part in parts) or "\\" in info.filename or ":" in parts[0]:
        raise ValueError("a name that leaves its folder")
    if not info.filename.isprintable() or kind not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
        raise ValueError("a control character, or no plain file")


def real_date(version: str) -> str:
    datetime.strptime(version, "%Y%m%d-%H%M%S")  # noqa: DTZ007
    if len(version) != 15:
        raise ValueError("no real date")
    return version


# 4 Pointer


def canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pointer_body(version: str, body: bytes, key: bytes, name: str) -> bytes:
    """Authenticate any body, so that vectors can hold what no writer writes."""
    sealed = b"RQEM0001" + version.encode() + body
    message = b"vsync pointer v1\0" + name.encode() + b"\0" + sealed
    mac = hmac.digest(subkey(key, "vsync manifest v1"), message, "sha256").hex()
    return sealed + b"\n" + mac.encode()


def write_pointer(version: str, fields: dict[str, Any], key: bytes) -> bytes:
    return pointer_body(version, canonical({"v": 1} | fields), key, fields["name"])


def read_pointer(data: bytes, key: bytes, name: str) -> tuple[str, dict[str, Any]]:
    """Return version and fields."""
    sealed, newline, mac = data[:-65], data[-65:-64], data[-64:]
    message = b"vsync pointer v1\0" + name.encode() + b"\0" + sealed
    right = hmac.digest(subkey(key, "vsync manifest v1"), message, "sha256").hex()
    if newline != b"\n" or not hmac.compare_digest(mac, right.encode()) or sealed[:8] != b"RQEM0001":
        raise ValueError("not authentic")
    fields: dict[str, Any] = json.loads(sealed[23:])
    if canonical(fields) != sealed[23:] or fields.pop("v") != 1 or fields["name"] != name:
        raise ValueError("not canonical, or another's")
    return real_date(sealed[8:23].decode()), fields


# 5 Names of objects


def object_names(root: str, version: str) -> dict[str, str]:
    return {"pointer": f"{root}manifest", "bundle": f"{root}v={version}", "audit": f"{root}audit.csv"}


def classic_names(repo: str, env: str, version: str) -> dict[str, str]:
    root = f"{repo}/{env}/"
    return {
        "pointer": f"{root}latest",
        "bundle": f"{root}versions/{version}.enc",
        "audit": f"{root}audit.csv",
    }


# 6 Sharing


def gzipped(data: bytes) -> bytes:
    """Pack without compressing: the bytes depend on no library's version."""
    deflater = zlib.compressobj(0, zlib.DEFLATED, -15)
    body = deflater.compress(data) + deflater.flush()
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + struct.pack("<LL", zlib.crc32(data), len(data))


def _transfer(magic: bytes, plain: bytes, passphrase: str, fixed: tuple[bytes, bytes], rounds: int) -> bytes:
    salt = base64.b64encode(fixed[0])
    return (
        magic
        + bytes([len(salt)])
        + salt
        + encrypt(derive(passphrase, salt.decode(), rounds), plain, fixed[1])
    )


def _receive(magic: bytes, data: bytes, passphrase: str, rounds: int) -> bytes:
    if data[:5] != magic + bytes([24]) or len(base64.b64decode(data[5:29], validate=True)) != 16:
        raise ValueError("no such file")
    return decrypt(derive(passphrase, data[5:29].decode(), rounds), data[29:])


def write_share(
    document: dict[str, Any], passphrase: str, fixed: tuple[bytes, bytes], rounds: int = ITERATIONS
) -> bytes:
    """`fixed` is 16 bytes for the salt and the nonce."""
    plain = json.dumps({"version": 2} | document).encode()
    return _transfer(b"SLS1", base64.b64encode(gzipped(plain)), passphrase, fixed, rounds)


def read_share(data: bytes, passphrase: str, rounds: int = ITERATIONS) -> dict[str, Any]:
    text = _receive(b"SLS1", data, passphrase, rounds)
    document: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(text, validate=True)))
    if document.pop("version") != 2:
        raise ValueError("unknown version")
    return document


def write_keytree(
    document: dict[str, Any], passphrase: str, fixed: tuple[bytes, bytes], rounds: int = ITERATIONS
) -> bytes:
    plain = json.dumps({"version": 1} | document).encode()
    return _transfer(b"VKT1", plain, passphrase, fixed, rounds)


def read_keytree(data: bytes, passphrase: str, rounds: int = ITERATIONS) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_receive(b"VKT1", data, passphrase, rounds))
    if document.pop("version") != 1:
        raise ValueError("unknown version")
    return document


def write_token(document: dict[str, Any]) -> str:
    packed = gzipped(json.dumps({"v": 1} | document, separators=(",", ":")).encode())
    return "vsync-cfg-v1:" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_token(text: str) -> dict[str, Any]:
    prefix, _, body = text.partition(":")
    document: dict[str, Any] = json.loads(
        gzip.decompress(base64.b64decode(body + "=" * (-len(body) % 4), b"-_", validate=True))
    )
    if prefix != "vsync-cfg-v1" or document.pop("v") != 1:
        raise ValueError("no token")
    return document


def write_slot(
    document: dict[str, Any], passphrase: str, salt: str, nonce: bytes, rounds: int = ITERATIONS
) -> bytes:
    plain = json.dumps({"v": 1} | document).encode()
    return bytes([len(salt)]) + salt.encode() + encrypt(derive(passphrase, salt, rounds), plain, nonce)


def read_slot(data: bytes, passphrase: str, name: str, rounds: int = ITERATIONS) -> dict[str, Any]:
    end = 1 + data[0]
    document: dict[str, Any] = json.loads(
        decrypt(derive(passphrase, data[1:end].decode(), rounds), data[end:])
    )
    if document.pop("v") != 1 or document["name"] != name:
        raise ValueError("another's slot")
    return document


# 7 Audit log


def audit_mac(key: bytes, previous: str, cells: Sequence[str]) -> str:
    message = previous.encode() + b"\n"
    for cell in cells:
        message += f"{len(cell.encode())}:{cell}\n".encode()
    return hmac.digest(subkey(key, "vsync audit v1"), message, "sha256").hex()


def seal_row(key: bytes, previous: str, cells: Sequence[str]) -> list[str]:
    """Return the ten cells with `_k` and `_h` in the last."""
    meta = json.loads(cells[9] or "{}") | {"_k": key_id(key)}
    text = json.dumps(meta, separators=(",", ":"), ensure_ascii=False)
    mac = audit_mac(key, previous, [*cells[:9], text])
    return [*cells[:9], f'{text[:-1]},"_h":"{mac}"}}']


def write_log(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])
    return out.getvalue().encode()


def read_log(data: bytes) -> list[list[str]]:
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    return [[row.get(column) or "" for column in COLUMNS] for row in rows]


def check_log(key: bytes, rows: Sequence[Sequence[str]]) -> list[bool]:
    """Tell of each row whether it follows the one before and is as it was written."""
    verdicts, previous = [], ""
    for row in rows:
        head, found, tail = row[9].rpartition(',"_h":"')
        mac = tail.removesuffix('"}')
        verdicts.append(bool(found) and audit_mac(key, previous, [*row[:9], head + "}"]) == mac)
        previous = mac if found else previous
    return verdicts
