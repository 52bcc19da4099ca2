"""git vsync export: both halves of a vault for a colleague."""

import json
import os
from pathlib import Path

import click

from vsync.cli.common import Invocation, given_secret, verb
from vsync.errors import Conflict, UsageError
from vsync.formats.share import share_to_bytes
from vsync.model import Mapping, Report, Result
from vsync.sync.sharing import binding_for_ci, export
from vsync.sync.words import DEFAULT_WORDS, check_given, new_passphrase


@verb(
    "export",
    epilog="Send the file and the passphrase by two different ways. The passphrase is shown once.",
    examples=(
        "git vsync export prod",
        "git vsync export prod --no-credentials",
        "git vsync export prod --binding",
    ),
)
@click.argument("vault", required=False)
@click.option("-o", "--out", metavar="FILE", help="where to write [default: <repo>-<name>.share]")
@click.option("--words", type=int, default=DEFAULT_WORDS, show_default=True, help="words in the passphrase")
@click.option("--passphrase", metavar="-|@FILE", help="a passphrase of your own, 20 characters or more")
@click.option("--no-credentials", is_flag=True, help="leave the S3 keys out; the receiver brings their own")
@click.option("--current-only", is_flag=True, help="leave retired keys out: old versions stay closed")
@click.option("--binding", is_flag=True, help="print the binding for CI, without key or credentials")
def command(
    call: Invocation, vault: str | None, out: str | None, words: int, passphrase: str | None, **flags: bool
) -> Report | None:
    """Write a .share: both halves of a vault, encrypted under a passphrase of words."""
    mapping = call.select_one(vault)
    if flags["binding"]:
        return _printed(call, mapping)
    chosen = check_given(given_secret(passphrase, "passphrase")) if passphrase else new_passphrase(words)
    path = Path(out or f"{mapping.secret.repo}-{mapping.secret.name}.share")
    path = path if path.is_absolute() else call.place.folder / path
    _require_free(path)
    _require_outside_vaults(call, path)
    share = export(
        call.world, mapping, credentials=not flags["no_credentials"], retired=not flags["current_only"]
    )
    _write_new(path, share_to_bytes(share, chosen))
    return call.report((_told(mapping, path, None if passphrase else chosen),))


def _printed(call: Invocation, mapping: Mapping) -> Report | None:
    """Print the binding as one line that VSYNC_BINDING takes as it is (formats §8.2)."""
    document = binding_for_ci(call.world, mapping).to_json()
    if call.as_json:
        answer = Result(str(mapping.secret), "binding", "the binding for CI", data={"binding": document})
        return call.report((answer,))
    click.echo(json.dumps(document, separators=(",", ":")))
    return None


def _told(mapping: Mapping, path: Path, passphrase: str | None) -> Result:
    """Return what was written; the words are part of the answer, so that `-q` does not swallow them."""
    secret, data = str(mapping.secret), {"file": str(path)}
    if passphrase is None:
        return Result(secret, "exported", f"wrote {path}", data=data)
    hint = ("shown this once; send it another way than the file",)
    data["passphrase"] = passphrase
    return Result(secret, "exported", f"wrote {path}, passphrase: {passphrase}", hint, data)


def _require_outside_vaults(call: Invocation, path: Path) -> None:
    """Keep a share out of what is pushed, and say so where git would take it."""
    top = call.world.repository.top.resolve()
    place = path.parent.resolve() / path.name
    if not place.is_relative_to(top):
        return
    relative = place.relative_to(top).as_posix()
    if any(relative.startswith(f"{mapping.folder}/") for mapping in call.world.config.mappings):
        raise UsageError(
            f"{relative} lies in a vault folder and would be pushed", hint="--out somewhere else"
        )
    if call.world.repository.not_ignored([relative]):
        call.world.terminal.notice(f"git does not ignore {relative}: do not commit it")


def _require_free(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise Conflict(f"{path} exists", hint="remove it, or name another file: --out")


def _write_new(path: Path, data: bytes) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise Conflict(f"cannot write {path}: {(error.strerror or '').lower()}", hint="--out FILE") from error
