"""Write tests/vectors/vsync1 anew: `python -m tests.make_vectors`.

Made by the reference implementation from fixed inputs, nonces and salts, so that another
implementation can be checked against the same bytes. `X.json` says what goes in and what must
come out; `X.bin` beside it is the raw data. `error` is null, or the kind of refusal, named as
in vsync/errors.py and vsync/formats/token.py; limits in `inputs` replace those of the format.
"""

import base64
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import reference
from tests.reference import Files, canonical, entry, gzipped

FOLDER = Path(__file__).parent / "vectors" / "vsync1"
KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
NONCE = bytes(range(100, 112))
SALT = bytes(range(16))
NAME = "myapp/prod"
VERSION = "20260523-114201"
PASSPHRASE = "correct horse battery staple apple"
KEY_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SALT_TEXT = "AAECAwQFBgcICQoLDA0ODxAR"
FILES: Files = {
    ".env.prod": (b"DATABASE_URL=postgres://db\nSTRIPE_KEY=sk_live_1\n", False),
    "certs/\u00fcber.pem": (b"-----BEGIN CERTIFICATE-----\n", False),
    "run.sh": (b"#!/bin/sh\n", True),
}
POINTER: dict[str, Any] = {
    "name": NAME,
    "gen": 4,
    "prev": "20260522-090000",
    "sha256": "ab" * 32,
    "size": 1234,
    "kid": reference.key_id(KEY),
    "content": "cd" * 32,
    "rotated_at": None,
    "by": "ana@example.com",
}
CONFIG: dict[str, Any] = {
    "version": 1,
    "s3": {"endpoint": "https://s3.example.com", "region": "eu", "bucket": "acme", "useSsl": True},
    "encryption": {"salt": SALT_TEXT},
    "files": {},
    "audit": {"enabled": True},
    "sync": {"interval": 0.5},
}
SHARE: dict[str, Any] = {
    "repo": "myapp",
    "env": "prod",
    "config": CONFIG,
    "key": KEY_TEXT,
    "retired": [{"kid": "0123456789abcdef", "salt": SALT_TEXT, "key": KEY_TEXT}],
    "seen": {"gen": 4, "sha256": "ab" * 32},
}
KEYTREE: dict[str, Any] = {
    "exportedAt": "2026-05-23T11:42:01Z",
    "entries": [SHARE, SHARE | {"env": "dev"}],
    "profiles": [{"name": "acme", "version": 1, "endpoint": "https://s3.example.com"}],
}
TOKEN: dict[str, Any] = {
    "endpoint": "https://s3.example.com",
    "region": "eu",
    "bucket": "acme",
    "accessKeyId": "AKIAEXAMPLE",
    "secretAccessKey": "example",
    "prefix": "myapp/prod/",
    "env": "prod",
    "salt": SALT_TEXT,
    "iterations": 600_000,
    "slot": "web-1",
}
SLOT: dict[str, Any] = {
    "key": KEY_TEXT,
    "salt": SALT_TEXT,
    "name": "web-1",
    "created_at": "2026-05-23T11:42:01Z",
}
LOCK = """version = 1

[[bundle]]
name = "myapp/dev"
version = "20260523-114201"
generation = 1
key_id = "9f2c41d07ab3e655"
sha256 = "abababababababababababababababababababababababababababababababab"

[[bundle]]
name = "myapp/prod"
version = "20260523-114201"
generation = 4
key_id = "9f2c41d07ab3e655"
sha256 = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
variables = [
    "DATABASE_URL",
    "STRIPE_KEY",
]
files = [
    "gcp-sa.json",
]
"""


@dataclass(frozen=True)
class Case:
    """One vector; `expected` is what comes out, or None where `error` says why nothing does."""

    name: str
    description: str
    inputs: dict[str, Any]
    data: bytes | None = None
    expected: Any = None
    error: str | None = None
    document: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        names = ("description", "inputs", "expected", "error")
        object.__setattr__(
            self,
            "document",
            {"category": self.name.partition("/")[0]} | {name: getattr(self, name) for name in names},
        )


def refusals(
    category: str, inputs: dict[str, Any], rows: list[tuple[str, bytes, str, str]]
) -> Iterator[Case]:
    for name, data, error, description in rows:
        yield Case(f"{category}/{name}", description, inputs, data, error=error)


def keys() -> Iterator[Case]:
    inputs = {"password": KEY_TEXT, "salt": SALT_TEXT, "iterations": reference.ITERATIONS}
    key = reference.derive(KEY_TEXT, SALT_TEXT)
    infos = ("vsync manifest v1", "vsync audit v1", "vsync content v1")
    expected = {
        "key_hex": key.hex(),
        "key_id": reference.key_id(key),
        "subkeys": {info: reference.subkey(key, info).hex() for info in infos},
    }
    yield Case("key/positive", "password and salt, taken as text, give the key", inputs, expected=expected)


def contents() -> Iterator[Case]:
    for name, files in (("positive", FILES), ("positive-empty", {})):
        rows = [
            {"path": path, "hex": data.hex(), "executable": executable}
            for path, (data, executable) in files.items()
        ]
        inputs = {"key_hex": KEY.hex(), "files": rows}
        expected = {"content": reference.content(KEY, files)}
        yield Case(f"content/{name}", "the keyed digest of a tree", inputs, expected=expected)


def pointers() -> Iterator[Case]:
    inputs = {"key_hex": KEY.hex(), "name": NAME}
    for name, fields in (
        ("positive", POINTER),
        ("positive-first", POINTER | {"gen": 1, "prev": None, "by": None}),
        ("positive-last", POINTER | {"gen": 2**53 - 1, "rotated_at": "2026-05-01T00:00:00Z"}),
        ("positive-unknown-key", POINTER | {"zukunft": ["\u00fc", 1]}),
    ):
        expected = {"version": VERSION} | {key: fields[key] for key in POINTER}
        data = reference.write_pointer(VERSION, fields, KEY)
        yield Case(f"pointer/{name}", "a pointer that opens", inputs, data, expected)
    yield from refusals("pointer", inputs, [*_unauthentic(), *_authentic_but_wrong()])


def _unauthentic() -> Iterator[tuple[str, bytes, str, str]]:
    good = reference.write_pointer(VERSION, POINTER, KEY)
    mac = good[-64:]
    other = POINTER | {"name": "myapp/dev"}
    yield "flipped-mac", good[:-1] + bytes([good[-1] ^ 1]), "WrongKey", "one bit of the MAC"
    yield "upper-case-mac", good[:-64] + mac.upper(), "WrongKey", "hex in another spelling"
    yield "flipped-timestamp", good.replace(b"114201", b"114202"), "WrongKey", "the MAC covers the timestamp"
    yield "other-key", reference.write_pointer(VERSION, POINTER, OTHER_KEY), "WrongKey", "another vault's key"
    yield "other-name", reference.write_pointer(VERSION, other, KEY), "WrongKey", "another vault, same key"
    yield "appended", good + b"\n", "IntegrityError", "one byte more"
    yield "truncated", good[:-1], "IntegrityError", "one byte less"
    yield "empty", b"", "IntegrityError", "no byte at all"
    yield "too-large", good[:23] + b" " * 65_536 + good[23:], "IntegrityError", "more than 64 KiB"


def _authentic_but_wrong() -> Iterator[tuple[str, bytes, str, str]]:
    plain = canonical({"v": 1} | POINTER)

    def signed(body: bytes, version: str = VERSION) -> bytes:
        return reference.pointer_body(version, body, KEY, NAME)

    def changed(**fields: Any) -> bytes:
        return signed(canonical({"v": 1} | POINTER | fields))

    without = {key: value for key, value in POINTER.items() if key != "by"}
    kind = "IntegrityError"
    yield "generation-0", changed(gen=0), kind, "generations start at 1"
    yield "generation-2-53", changed(gen=2**53), kind, "one more than the largest generation"
    yield "generation-float", changed(gen=4.0), kind, "a float"
    yield "generation-true", changed(gen=True), kind, "a boolean is no number"
    yield "generation-text", changed(gen="4"), kind, "a text is no number"
    yield "nan", signed(plain.replace(b'"gen":4', b'"gen":NaN')), kind, "NaN is not JSON"
    yield "duplicate-key", signed(plain[:-1] + b',"v":1}'), kind, "one key twice"
    yield "whitespace", signed(plain.replace(b",", b", ")), kind, "not the canonical spelling"
    yield "unsorted", signed(b'{"v":1,' + plain[1:].replace(b',"v":1', b"")), kind, "not the canonical order"
    yield "escaped", signed(plain.replace(b"@", b"\\u0040")), kind, "not the canonical spelling"
    yield "missing-key", signed(canonical({"v": 1} | without)), kind, "every key is there, if only with null"
    yield "upper-case-digest", changed(sha256="AB" * 32), kind, "hex in another spelling"
    yield "short-key-id", changed(kid="9f2c41d07ab3e65"), kind, "15 digits"
    yield "prev-no-date", changed(prev="20260230-000000"), kind, "30 February"
    yield "rotated-no-date", changed(rotated_at="2026-02-30T00:00:00Z"), kind, "30 February"
    yield "version-no-date", signed(plain, "20260230-000000"), kind, "30 February"
    yield "claims-other-name", changed(name="myapp/dev"), kind, "authentic for a name it does not claim"
    yield "not-an-object", signed(b"[]"), kind, "JSON, but a list"
    yield "nested", signed(b"[" * 50_000), kind, "JSON without end"
    yield "unknown-version", changed(v=2), "UnsupportedVersion", "a newer format"


def bundles() -> Iterator[Case]:
    inputs = {"key_hex": KEY.hex(), "version": VERSION}
    folder = "infra/vault/prod"
    rows = {path: {"hex": data.hex(), "executable": mode} for path, (data, mode) in FILES.items()}
    archive = reference.pack(folder, FILES)
    for name, data in (("positive", archive), ("positive-without-folders", _bare(folder, FILES))):
        sealed = reference.write_bundle(KEY, VERSION, data, NONCE)
        expected = {"folder": folder, "files": rows}
        yield Case(f"bundle/{name}", "a bundle that opens", inputs, sealed, expected)
    yield from refusals("bundle", inputs, [*_bad_envelopes(archive), *_bad_archives()])
    bomb = reference.write_bundle(
        KEY, VERSION, _zip(("v/", 0o40700, b""), ("v/a", 0o100600, b"0" * 1001)), NONCE
    )
    for name, limits in (("too-large", {"unpacked": 1000}), ("too-many", {"entries": 1})):
        what = "more than the limits of this vector allow"
        yield Case(f"bundle/{name}", what, inputs | {"limits": limits}, bomb, error="IntegrityError")


def _bad_envelopes(archive: bytes) -> Iterator[tuple[str, bytes, str, str]]:
    good = reference.write_bundle(KEY, VERSION, archive, NONCE)
    sealed = b"RQEM0001" + VERSION.encode()
    yield "newer-envelope", b"RQE2" + good[4:], "UnsupportedVersion", "RQE2"
    yield "other-magic", b"XQE1" + good[4:], "IntegrityError", "no envelope"
    yield "too-short", good[:31], "IntegrityError", "shorter than an empty envelope"
    yield "truncated", good[:-1], "WrongKey", "one byte less: the tag fails"
    yield "appended", good + b"\0", "WrongKey", "one byte more: the tag fails"
    yield "flipped-nonce", good[:4] + b"\xff" + good[5:], "WrongKey", "the tag fails"
    yield "flipped-body", good[:40] + bytes([good[40] ^ 1]) + good[41:], "WrongKey", "the tag fails"
    yield "other-key", reference.write_bundle(OTHER_KEY, VERSION, archive, NONCE), "WrongKey", "another key"
    other = reference.write_bundle(KEY, "20260522-090000", archive, NONCE)
    yield "other-version", other, "IntegrityError", "sealed as another version than it was fetched as"
    no_seal = reference.encrypt(KEY, b"XQEM0001" + sealed[8:] + archive, NONCE)
    yield "other-seal", no_seal, "IntegrityError", "the seal is not ours"
    yield "only-seal", reference.encrypt(KEY, sealed, NONCE), "IntegrityError", "no archive at all"
    yield "no-seal", reference.encrypt(KEY, archive, NONCE), "IntegrityError", "a backup, not a bundle"
    before = reference.encrypt(KEY, sealed + b"before" + archive, NONCE)
    yield "bytes-before", before, "IntegrityError", "something stands before the archive"


def _bad_archives() -> Iterator[tuple[str, bytes, str, str]]:
    for name, rows, description in (
        ("parent", [("v/../x", 0o100600)], "leaves its folder"),
        ("deep-parent", [("v/a/../../x", 0o100600)], "leaves its folder"),
        ("absolute", [("/etc/x", 0o100600)], "an absolute name"),
        ("drive", [("C:/x", 0o100600)], "a drive letter"),
        ("drive-inside", [("v/C:x", 0o100600)], "a drive letter once the folder is taken off"),
        ("backslash", [("v/..\\x", 0o100600)], "a separator elsewhere"),
        ("unc", [("\\\\host\\x", 0o100600)], "a network name"),
        ("double-slash", [("v//x", 0o100600)], "not normalised"),
        ("escape", [("v/\x1b[2J", 0o100600)], "a control character"),
        ("newline", [("v/a\nb", 0o100600)], "a control character"),
        ("c1", [("v/a\x9bb", 0o100600)], "a control character of the second set"),
        ("symlink", [("v/x", 0o120777)], "a symbolic link"),
        ("fifo", [("v/x", 0o010600)], "a named pipe"),
        ("device", [("v/x", 0o020600)], "a device"),
        ("file-as-folder", [("v/x/", 0o100600)], "a folder's name with a file's mode"),
        ("duplicate", [("v/x", 0o100600), ("v/x", 0o100600)], "one name twice"),
        ("duplicate-folder", [("v/", 0o40700)], "the folder itself twice"),
        ("case-twins", [("v/x", 0o100600), ("v/X", 0o100600)], "one name on some systems"),
        ("nfc-twins", [("v/\u00fc", 0o100600), ("v/u\u0308", 0o100600)], "one name on some systems"),
        ("sharp-s-twins", [("v/stra\u00dfe", 0o100600), ("v/STRASSE", 0o100600)], "one name on some systems"),
        ("folder-twins", [("v/A/x", 0o100600), ("v/a/y", 0o100600)], "one folder on some systems"),
        ("file-and-folder", [("v/a", 0o100600), ("v/a/b", 0o100600)], "a file where a folder must be"),
        ("outside", [("w/x", 0o100600)], "outside the sender's folder"),
        ("git-hook", [("v/.GIT/hooks/pre-commit", 0o100700)], "git would run it"),
        ("git-short-name", [("v/git~1/config", 0o100600)], "git's folder by its short name"),
        ("git-hidden", [("v/.g\u200cit/config", 0o100600)], "git's folder, where one letter is ignored"),
        ("git-stream", [("v/.git :x", 0o100600)], "git's folder, as a stream"),
        ("envrc", [("v/.envrc", 0o100600)], "a shell would run it"),
    ):
        archive = _zip(("v/", 0o40700, b""), *((path, mode, b"") for path, mode in rows))
        yield name, reference.write_bundle(KEY, VERSION, archive, NONCE), "IntegrityError", description
    good = _zip(("v/", 0o40700, b""), ("v/x", 0o100600, b"secret"))
    at = good.rindex(b"PK\1\2")
    for name, place, description in (
        ("encrypted", at + 8, "an encrypted entry"),
        ("bzip2", at + 10, "bzip2"),
    ):
        bad = good[:place] + bytes([12 if name == "bzip2" else good[place] | 1]) + good[place + 1 :]
        yield name, reference.write_bundle(KEY, VERSION, bad, NONCE), "IntegrityError", description
    lying = good.replace(b"secret", b"secreT")
    yield (
        "wrong-crc",
        reference.write_bundle(KEY, VERSION, lying, NONCE),
        "IntegrityError",
        "a wrong checksum",
    )


def _zip(*rows: tuple[str, int, bytes]) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")  # a name twice is the point
        for name, mode, data in rows:
            archive.writestr(entry(name, mode), data)
    return out.getvalue()


def _bare(folder: str, files: Files) -> bytes:
    """Return an archive without directory entries, names in UTF-8 without the flag."""
    rows = [(f"{folder}/{path}", 0o100700 if mode else 0o600, data) for path, (data, mode) in files.items()]
    archive = _zip(*rows)
    flag = (1 << 11).to_bytes(2, "little")
    return archive.replace(b"\x14\0" + flag, b"\x14\0\0\0")


def transfers() -> Iterator[Case]:
    inputs = {"passphrase": PASSPHRASE, "iterations": reference.ITERATIONS}
    fixed = (SALT, NONCE)
    share = reference.write_share(SHARE, PASSPHRASE, fixed)
    keytree = reference.write_keytree(KEYTREE, PASSPHRASE, fixed)
    yield Case("share/positive", "one vault's halves", inputs, share, SHARE)
    plain = {key: SHARE[key] for key in ("repo", "env", "config", "key")}
    data = reference.write_share(plain, PASSPHRASE, fixed)
    yield Case("share/positive-classic", "as the other tool writes it", inputs, data, plain)
    yield Case("keytree/positive", "several vaults' halves", inputs, keytree, KEYTREE)
    yield from refusals("share", inputs, [*_bad_containers(share, b"VKT1"), *_bad_shares()])
    yield from refusals("keytree", inputs, [*_bad_containers(keytree, b"SLS1"), *_bad_keytrees()])


def _bad_containers(good: bytes, other: bytes) -> Iterator[tuple[str, bytes, str, str]]:
    yield "other-kind", other + good[4:], "IntegrityError", "names the right verb"
    yield "newer", good[:3] + b"9" + good[4:], "UnsupportedVersion", "a newer container"
    yield "salt-length", good[:4] + b"\x17" + good[5:], "IntegrityError", "23 characters of salt"
    yield "salt-whitespace", good[:5] + b" " + good[6:], "IntegrityError", "base64 with whitespace"
    yield "salt-not-canonical", good[:26] + b"x==" + good[29:], "IntegrityError", "base64 with stray bits"
    yield "salt-18-bytes", good[:5] + b"A" * 24 + good[29:], "IntegrityError", "18 bytes of salt"
    yield "newer-envelope", good[:29] + b"RQE2" + good[33:], "UnsupportedVersion", "RQE2"
    yield "flipped", good[:-1] + bytes([good[-1] ^ 1]), "WrongKey", "the tag fails"
    yield "truncated", good[:60], "IntegrityError", "shorter than an empty one"


def _bad_shares() -> Iterator[tuple[str, bytes, str, str]]:
    def packed(plain: bytes, wrap: Callable[[bytes], bytes] = base64.b64encode) -> bytes:
        key = reference.derive(PASSPHRASE, base64.b64encode(SALT).decode())
        head = b"SLS1\x18" + base64.b64encode(SALT)
        return head + reference.encrypt(key, wrap(gzipped(plain)), NONCE)

    def changed(**fields: Any) -> bytes:
        return packed(json.dumps({"version": 2} | SHARE | fields).encode())

    plain = json.dumps({"version": 2} | SHARE).encode()
    kind = "IntegrityError"
    yield "version-3", changed(version=3), "UnsupportedVersion", "a newer document"
    yield "without-key", changed(key=None), kind, "no key"
    yield "config-text", changed(config="x"), kind, "the binding is no object"
    yield "floor-0", changed(seen={"gen": 0, "sha256": "ab" * 32}), kind, "generations start at 1"
    yield "floor-digest", changed(seen={"gen": 1, "sha256": "x"}), kind, "no digest"
    yield "retired-key-id", changed(retired=[{"kid": "x", "salt": "", "key": ""}]), kind, "no key id"
    yield "duplicate-key", packed(plain[:-1] + b',"key":"x"}'), kind, "one key twice"
    yield "base64-newline", packed(plain, base64.encodebytes), kind, "base64 with line breaks"
    yield "two-members", packed(plain, lambda data: base64.b64encode(data * 2)), kind, "two gzip members"
    yield "not-gzip", packed(plain, lambda data: base64.b64encode(data[1:])), kind, "no gzip"


def _bad_keytrees() -> Iterator[tuple[str, bytes, str, str]]:
    def changed(**fields: Any) -> bytes:
        return reference.write_keytree(KEYTREE | fields, PASSPHRASE, (SALT, NONCE))

    yield "version-2", changed(version=2), "UnsupportedVersion", "a newer document"
    yield "entries-missing", changed(entries=None), "IntegrityError", "no entries"
    yield "entries-twice", changed(entries=[SHARE, SHARE]), "IntegrityError", "one vault twice"
    yield "profiles-text", changed(profiles="x"), "IntegrityError", "profiles are a list"


def tokens() -> Iterator[Case]:
    keyless = {key: value for key, value in TOKEN.items() if "ccess" not in key}
    for name, token in (
        ("positive", TOKEN),
        ("positive-keyless", keyless),
        ("positive-no-prefix", TOKEN | {"prefix": "", "endpoint": "http://localhost:9000"}),
        ("positive-unknown-key", TOKEN | {"zukunft": "\u00fc"}),
    ):
        expected = {"v": 1} | token
        yield Case(
            f"token/{name}", "a token that parses", {}, reference.write_token(token).encode(), expected
        )
    rows = [(name, text.encode(), error, description) for name, text, error, description in _bad_tokens()]
    yield from refusals("token", {}, rows)


def _bad_tokens() -> Iterator[tuple[str, str, str, str]]:
    def changed(**fields: Any) -> str:
        return reference.write_token(TOKEN | fields)

    good = reference.write_token(TOKEN)
    start, _, body = good.partition(":")
    half = {key: value for key, value in TOKEN.items() if key != "secretAccessKey"}
    packed = gzipped(json.dumps({"v": 1} | TOKEN).encode())
    twice = base64.urlsafe_b64encode(packed * 2).decode().rstrip("=")
    kind = "IntegrityError"
    yield "empty", "", "TokenMissing", "no text at all"
    yield "no-prefix", body, "TokenMissing", "no prefix"
    yield "upper-case-prefix", f"VSYNC-CFG-V1:{body}", "TokenMissing", "another prefix"
    yield "padded", f"{good}=", "TokenUnsupported", "base64 with padding"
    yield "standard-alphabet", f"{start}:+{body[1:]}", "TokenUnsupported", "standard base64"
    yield "version-2", changed(v=2), "TokenUnsupported", "a newer token"
    yield "version-true", changed(v=True), "TokenUnsupported", "a boolean is no version"
    yield "salt-15", changed(salt="A" * 15), "TokenUnsupported", "a salt too short to be one"
    yield "whitespace", f"{start}:{body[:8]} {body[8:]}", kind, "base64 with whitespace"
    yield "newline", f"{good}\n", kind, "base64 with a line break"
    yield "truncated", good[:-4], kind, "half a token"
    yield "two-members", f"{start}:{twice}", kind, "two gzip members"
    yield "iterations-1", changed(iterations=1), kind, "below the floor"
    yield "iterations-2-31", changed(iterations=2**31), kind, "more than anybody should wait for"
    yield "iterations-float", changed(iterations=600_000.0), kind, "a float"
    yield "iterations-text", changed(iterations="600000"), kind, "a text is no number"
    yield "without-bucket", changed(bucket=None), kind, "a required field is missing"
    yield "half-a-key", reference.write_token(half), kind, "one credential without the other"
    yield "slot-parent", changed(slot=".."), kind, "a slot that leaves its folder"
    yield "slot-path", changed(slot="a/b"), kind, "a slot that is a path"
    yield "slot-null", changed(slot=None), kind, "null is no slot, and not the absence of one"
    yield "prefix-parent", changed(prefix="myapp/../other/"), kind, "a prefix that leaves its folder"
    yield "env-path", changed(env="a/b"), kind, "an environment that is a path"


def slots() -> Iterator[Case]:
    inputs = {"passphrase": PASSPHRASE, "name": "web-1", "iterations": reference.ITERATIONS}
    good = reference.write_slot(SLOT, PASSPHRASE, SALT_TEXT, NONCE)
    other = reference.write_slot(SLOT | {"name": "web-2"}, PASSPHRASE, SALT_TEXT, NONCE)
    newer = reference.write_slot(SLOT | {"v": 2}, PASSPHRASE, SALT_TEXT, NONCE)
    short = reference.write_slot(SLOT, PASSPHRASE, SALT_TEXT[:15], NONCE)
    keyless = reference.write_slot(SLOT | {"key": None}, PASSPHRASE, SALT_TEXT, NONCE)
    yield Case("slot/positive", "a slot that opens", inputs, good, SLOT)
    yield from refusals(
        "slot",
        inputs,
        [
            ("other-name", other, "IntegrityError", "another token's slot"),
            ("newer", newer, "UnsupportedVersion", "a newer slot"),
            ("salt-15", short, "IntegrityError", "a salt too short to be one"),
            ("without-key", keyless, "IntegrityError", "no key"),
            ("flipped", good[:-1] + bytes([good[-1] ^ 1]), "WrongKey", "the tag fails"),
            ("truncated", good[:50], "IntegrityError", "shorter than an empty one"),
            ("empty", b"", "IntegrityError", "no byte at all"),
            ("salt-not-ascii", good[:1] + b"\xff" + good[2:], "IntegrityError", "the salt is no text"),
            ("newer-envelope", good[:25] + b"RQE2" + good[29:], "UnsupportedVersion", "RQE2"),
        ],
    )


def audits() -> Iterator[Case]:
    inputs = {"key_hex": KEY.hex()}
    rows: list[list[str]] = []
    last = ""
    for number, meta in enumerate(('{"note":"first, \\"quoted\\""}', "", '{"gen":3}', "")):
        cells = [f"2026-05-23T11:42:0{number}.000Z", "push", VERSION, "h\u00f6st", "10.0.0.1", "ana"]
        rows.append(reference.seal_row(KEY, last, [*cells, "ana@example.com", "0.1.0", "3.11", meta]))
        last = rows[-1][9][-66:-2]
    bare = [*rows[0][:9], '{"note":"nobody vouches"}']
    foreign = reference.seal_row(OTHER_KEY, rows[1][9][-66:-2], [*rows[2][:9], ""])
    edited = [[*row[:5], "eve", *row[6:]] if index == 1 else row for index, row in enumerate(rows)]
    ok, broken = "ok", "broken"
    for name, log, verdicts in (
        ("positive", rows, [ok] * 4),
        (
            "positive-unauthenticated-between",
            [rows[0], bare, *rows[1:]],
            [ok, "not authenticated", ok, ok, ok],
        ),
        ("other-key", [*rows[:2], foreign], [ok, ok, "not checked"]),
        ("edited", edited, [ok, broken, ok, ok]),
        ("removed", [rows[0], *rows[2:]], [ok, broken, ok]),
        ("removed-first", rows[1:], [broken, ok, ok]),
        ("inserted", [rows[0], rows[0], *rows[1:]], [ok, broken, ok, ok, ok]),
        ("reordered", [rows[0], rows[2], rows[1], rows[3]], [ok, broken, broken, broken]),
    ):
        data = reference.write_log(log)
        expected = {"rows": log, "verdicts": verdicts}
        yield Case(f"audit/{name}", "what each row is worth", inputs, data, expected)
    good = reference.write_log(rows)
    yield from refusals(
        "audit",
        inputs,
        [
            ("no-header", good.partition(b"\n")[2], "IntegrityError", "no header"),
            ("not-utf-8", good.replace(b"h\xc3\xb6st", b"h\xf6st"), "IntegrityError", "not UTF-8"),
            ("open-quote", good + b'"2026', "IntegrityError", "a quote that never ends"),
        ],
    )


def locks() -> Iterator[Case]:
    names = ("version", "generation", "key_id", "sha256")
    common = dict(zip(names, (VERSION, 4, "9f2c41d07ab3e655", "cd" * 32), strict=True))
    lists = {"variables": ["DATABASE_URL", "STRIPE_KEY"], "files": ["gcp-sa.json"]}
    expected = [
        {"name": "myapp/dev", "variables": [], "files": []} | common | {"generation": 1, "sha256": "ab" * 32},
        {"name": "myapp/prod"} | common | lists,
    ]
    yield Case("lock/positive", "two vaults", {}, LOCK.encode(), expected)
    yield Case("lock/positive-empty", "no vault", {}, b"version = 1\n", [])
    rows = (
        ("markers", LOCK.replace("[[bundle]]\n", "<<<<<<< ours\n[[bundle]]\n", 1), "conflict markers"),
        ("base-marker", f"{LOCK}||||||| base\n", "conflict markers in another style"),
        ("twice", LOCK.replace("myapp/dev", "myapp/prod"), "one vault twice"),
        ("version-2", LOCK.replace("version = 1", "version = 2", 1), "a newer lock"),
        ("no-version", LOCK.replace("version = 1", "", 1), "no version"),
        ("no-date", LOCK.replace("20260523", "20260230"), "30 February"),
        ("short-digest", LOCK.replace("abab", "ab", 1), "62 digits"),
        ("upper-case-digest", LOCK.replace("abab", "ABAB", 1), "hex in another spelling"),
        ("key-id", LOCK.replace("9f2c", "xxxx"), "no key id"),
        ("no-digest", LOCK.replace('"' + "ab" * 32 + '"', '""'), "no digest in spite of a generation"),
        ("generation-text", LOCK.replace("generation = 4", 'generation = "4"'), "a text is no number"),
        ("generation-negative", LOCK.replace("generation = 4", "generation = -4"), "less than nothing"),
        ("names-number", LOCK.replace('    "STRIPE_KEY"', "    1"), "names are texts"),
        ("not-toml", LOCK + "]\n", "no TOML"),
        ("nested", "x = " + "[" * 5_000, "TOML without end"),
    )
    for name, text, description in rows:
        yield Case(f"lock/{name}", description, {}, text.encode(), error="ConfigError")


def cases() -> Iterator[Case]:
    for make in (keys, contents, pointers, bundles, transfers, tokens, slots, audits, locks):
        yield from make()


def main() -> None:
    for old in [*FOLDER.glob("*/*.json"), *FOLDER.glob("*/*.bin")]:
        old.unlink()
    for case in cases():
        path = FOLDER / case.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(json.dumps(case.document, indent=2) + "\n", "utf-8")
        if case.data is not None:
            path.with_suffix(".bin").write_bytes(case.data)


if __name__ == "__main__":
    main()
