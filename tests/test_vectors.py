"""Every vector, ours and those of the classic formats, ends as it says."""

import hashlib
import hmac
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests import make_vectors, reference
from vsync import errors
from vsync.formats import audit_log, envelope, lockfile, pointer, seal, share, token
from vsync.formats.bundle import open_bundle
from vsync.formats.content import FileState, content_digest
from vsync.formats.entries import ArchiveLimits
from vsync.formats.vaultkey import VaultKey
from vsync.runtime import errors as runtime
from vsync.runtime import open_vault
from vsync.store.folder import FolderStore

VECTORS = Path(__file__).parent / "vectors"
OURS = sorted(VECTORS.glob("vsync1/*/*.json"))
CLASSIC = sorted(VECTORS.glob("classic/*/*.json"))
REFUSED = (errors.VsyncError, runtime.VSyncError)
Document = dict[str, Any]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def read(path: Path) -> tuple[Document, bytes]:
    data = path.with_suffix(".bin")
    return json.loads(path.read_text("utf-8")), data.read_bytes() if data.exists() else b""


def key_of(inputs: Document) -> VaultKey:
    return VaultKey.from_derived(bytes.fromhex(inputs["key_hex"]))


def run_key(inputs: Document, data: bytes) -> Any:
    derived = envelope.derive(inputs["password"], inputs["salt"], iterations=inputs["iterations"])
    key = VaultKey.from_texts(inputs["password"], inputs["salt"])
    assert key.derived == derived
    subkeys = {
        info: reference.subkey(derived, info)
        for info in ("vsync manifest v1", "vsync audit v1", "vsync content v1")
    }
    for sub, mac in zip(subkeys.values(), (key.pointer_mac, key.audit_mac, key.content_mac), strict=True):
        assert mac(b"x") == hmac.digest(sub, b"x", "sha256").hex()
    hexed = {info: sub.hex() for info, sub in subkeys.items()}
    return {"key_hex": derived.hex(), "key_id": key.key_id, "subkeys": hexed}


def run_content(inputs: Document, data: bytes) -> Any:
    files = [
        FileState(
            row["path"],
            row["executable"],
            hashlib.sha256(bytes.fromhex(row["hex"])).hexdigest(),
        )
        for row in inputs["files"]
    ]
    return {"content": content_digest(reversed(files), key_of(inputs).content_mac)}


def run_pointer(inputs: Document, data: bytes) -> Any:
    return asdict(pointer.from_bytes(data, key_of(inputs), inputs["name"]))


def run_bundle(inputs: Document, data: bytes) -> Any:
    limits = ArchiveLimits(**inputs.get("limits", {}))
    archive = open_bundle(io.BytesIO(data), key_of(inputs), inputs["version"], limits)
    files = {
        entry.path: {"hex": b"".join(archive.pieces(entry)).hex(), "executable": entry.executable}
        for entry in archive.entries
        if not entry.is_directory
    }
    return {"folder": archive.folder.removesuffix("/"), "files": files}


def run_share(inputs: Document, data: bytes) -> Any:
    assert inputs["iterations"] == envelope.ITERATIONS
    return share.share_from_bytes(data, inputs["passphrase"]).to_json()


def run_keytree(inputs: Document, data: bytes) -> Any:
    tree = share.keytree_from_bytes(data, inputs["passphrase"])
    entries = [entry.to_json() for entry in tree.entries]
    return {"exportedAt": tree.exported_at, "entries": entries, "profiles": list(tree.profiles)}


def run_token(inputs: Document, data: bytes) -> Any:
    text = data.decode()
    parsed = token.token_from_text(text)
    again = token.token_json(token.token_to_text(parsed))
    found = token.token_json(text)
    assert again == {name: value for name, value in found.items() if name != "zukunft"}
    return found


def run_slot(inputs: Document, data: bytes) -> Any:
    return asdict(token.slot_from_bytes(data, inputs["passphrase"], inputs["name"]))


def run_audit(inputs: Document, data: bytes) -> Any:
    key = key_of(inputs)
    rows = audit_log.read_log(data).rows
    verdicts = audit_log.check_chain(rows, {key.key_id: key})
    return {"rows": [list(asdict(row).values()) for row in rows], "verdicts": verdicts}


def run_lock(inputs: Document, data: bytes) -> Any:
    entries = lockfile.lock_from_text(data.decode())
    assert lockfile.lock_to_text(entries.values()).encode() == data
    return json.loads(json.dumps([asdict(entry) for entry in entries.values()]))


RUN: dict[str, Callable[[Document, bytes], Any]] = {
    name.removeprefix("run_"): value for name, value in globals().items() if name.startswith("run_")
}


# attacks 1 to 8, 10, 11, 20, 22, 23, 27, 28, 30, 43 to 45, 93: the refusals among the vectors
@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_our_vector_ends_as_it_says(path: Path) -> None:
    document, data = read(path)
    run = RUN[document["category"]]
    if document["error"] is None:
        assert run(document["inputs"], data) == document["expected"]
        return
    with pytest.raises(errors.VsyncError) as caught:
        run(document["inputs"], data)
    assert type(caught.value).__name__ == document["error"]
    assert document["expected"] is None


def test_every_format_has_vectors_that_open_and_vectors_that_are_refused() -> None:
    found = {error: Counter[str]() for error in (True, False)}
    for path in OURS:
        document, _ = read(path)
        found[document["error"] is not None][document["category"]] += 1
    assert set(found[False]) == set(RUN)
    assert found[True].keys() | {"key", "content"} == set(RUN)
    assert (found[False].total(), found[True].total()) == (27, 157)


def test_the_vectors_are_those_that_the_reference_writes() -> None:
    cases = {case.name: case for case in make_vectors.cases()}
    assert sorted(cases) == sorted(map(name_of, OURS))
    for path in OURS:
        document, data = read(path)
        case = cases[name_of(path)]
        assert (case.document, case.data or b"") == (document, data)


# The classic vectors


def classic_config_blob(inputs: Document, data: bytes) -> Document:
    with runtime.translated():
        text = data.decode()
        token.token_from_text(text)
        return {"config_json": token.token_json(text), "error": None}


def classic_rqe1_decrypt(inputs: Document, data: bytes) -> Document:
    key = envelope.derive(inputs["passphrase"], inputs["salt"])
    with runtime.translated():
        plain = envelope.open_sealed(key, data)
        reader = envelope.SealedReader(key, io.BytesIO(data))
    assert reader.read() == plain
    text = {"plaintext_utf8": plain.decode()} if plain.isascii() else {}
    return {"plaintext_hex": plain.hex(), **text, "error": None}


def classic_rqem0001_manifest(inputs: Document, data: bytes) -> Document:
    with runtime.translated():
        payload = seal.unseal(data, version=inputs["remote_ts"])
    return {"embedded_ts": inputs["remote_ts"], "payload_hex": payload.hex(), "error": None}


def classic_fallback_chain(inputs: Document, data: bytes) -> Document:
    store = make_store(inputs["vault"])
    environ = classic_settings("passphrase") | inputs["env"]
    vault = open_vault(store=store, environ=environ, defaults=inputs["defaults"])
    results = [
        {
            "key": name,
            "value": vault.get_env(name),
            "source": vault.env_source(name),
            "has": vault.has_env(name),
        }
        for name in inputs["queries"]
    ]
    return {"results": results, "error": None}


def classic_error_taxonomy(inputs: Document, data: bytes) -> Document:
    if "salt" in inputs:
        return classic_rqe1_decrypt(inputs, data)
    if data:
        return classic_config_blob(inputs, data)
    environ = inputs.get("env", classic_settings("passphrase"))
    store = None if inputs.get("scenario") == "network-error-or-iam-403" else make_store(None)
    open_vault(store=store, environ=environ)
    raise AssertionError("it opened")


def classic_settings(passphrase: str) -> dict[str, str]:
    """Return the settings of a classic token whose server nobody listens at."""
    values = make_vectors.TOKEN | {"endpoint": "http://127.0.0.1:1", "prefix": "myapp/"}
    del values["slot"]
    return {"VSYNC_CONFIG": reference.write_token(values), "VSYNC_PASSPHRASE": passphrase}


def make_store(values: dict[str, str] | None) -> FolderStore:
    """Return a classic store in the test's own home; None puts nothing into it."""
    root = Path.home() / "store"
    root.mkdir()
    store = FolderStore(root)
    if values is not None:
        text = "".join(f"{name}={value}\n" for name, value in values.items()).encode()
        archive = reference.pack("infra/vault/prod", {".env.prod": (text, False)})
        key = reference.derive("passphrase", make_vectors.SALT_TEXT)
        data = reference.write_bundle(key, make_vectors.VERSION, archive, make_vectors.NONCE)
        names = reference.classic_names("myapp", "prod", make_vectors.VERSION)
        store.create(names["bundle"], io.BytesIO(data), size=len(data))
        store.swap(names["pointer"], make_vectors.VERSION.encode(), expected=None)
    return store


@pytest.mark.parametrize("path", CLASSIC, ids=name_of)
def test_classic_vector_ends_as_it_says(path: Path) -> None:
    document, data = read(path)
    run: Callable[[Document, bytes], Document] = globals()["classic_" + path.parent.name.replace("-", "_")]
    expected = document["expected"]
    if expected["error"] is None:
        assert run(document["inputs"], data) == expected
        return
    with pytest.raises(runtime.VSyncError) as caught:
        run(document["inputs"], data)
    assert type(caught.value).__name__ == expected["error"]


def test_every_classic_vector_is_here() -> None:
    assert Counter(path.parent.name for path in CLASSIC) == {
        "config-blob": 6,
        "error-taxonomy": 7,
        "fallback-chain": 4,
        "rqe1-decrypt": 3,
        "rqem0001-manifest": 4,
    }
    assert len(list(VECTORS.glob("classic/*/*.bin"))) == 17
