"""git vsync import: take both halves of a vault from a share."""

from dataclasses import replace
from pathlib import Path

import click

from vsync.cli.common import Invocation, given_secret, verb
from vsync.errors import IntegrityError, KeyUnavailable, NotFound, UsageError, WrongKey
from vsync.formats.binding import Binding
from vsync.formats.share import KEYTREE_MAGIC, MAX_SHARE_BYTES, Share, share_from_bytes
from vsync.model import Report
from vsync.report import harmless
from vsync.sync.importing import carry_out, mapping_of, plan


@verb(
    "import",
    epilog="Nothing is written before the newest pointer was opened with the new key, and you agreed.",
    examples=(
        "git vsync import myapp-prod.share",
        "git vsync import prod myapp-prod.share --profile mine",
        "git vsync import myapp-prod.share --passphrase - --yes < passphrase.txt",
    ),
)
@click.argument("words", nargs=-1, metavar="[VAULT] FILE")
@click.option("--passphrase", metavar="-|@FILE", help="the passphrase, from stdin or a file [default: asks]")
@click.option("--profile", metavar="P", help="take the S3 keys from this profile")
@click.option("--no-check", is_flag=True, help="offline: do not open the newest pointer first")
@click.option("-y", "--yes", is_flag=True, help="agree to what the import will write")
def command(
    call: Invocation,
    words: tuple[str, ...],
    passphrase: str | None,
    profile: str | None,
    no_check: bool,
    yes: bool,
) -> Report:
    """Take both halves of a vault from a .share, all of it or nothing.

    Shows where the share points and what it will write, and asks first.
    """
    if not 1 <= len(words) <= 2:  # noqa: PLR2004 - [VAULT] FILE
        raise UsageError(
            "import takes one file, and at most one vault before it", hint="git vsync import FILE.share"
        )
    wanted = call.select_one(words[0]) if len(words) > 1 else None
    data = _read(call.place.folder / words[-1])
    terminal = call.world.terminal
    secret = (
        given_secret(passphrase, "passphrase")
        if passphrase
        else terminal.secret("passphrase", flag="--passphrase - or @FILE")
    )
    share = _open(data, secret)
    mapping = mapping_of(call.world, share, wanted)
    binding = _with_credentials(call, Binding.from_json(share.config), profile)
    planned = plan(call.world, mapping, share, binding, check=not no_check)
    if not call.as_json:
        for line in planned.lines():
            # What a share says of itself is a stranger's text (attack 92).
            click.echo(harmless(line), err=True)
    if not terminal.confirm("write this?", yes=yes):
        raise UsageError("nothing was written", hint="--yes agrees")
    return call.report((carry_out(call.world, planned),))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SHARE_BYTES + 1)
    except OSError as error:
        raise NotFound(f"cannot read {path}: {(error.strerror or '').lower()}") from error
    if data.startswith(KEYTREE_MAGIC):
        raise UsageError(
            f"{path.name} is a keytree: the keys of several vaults",
            hint="it belongs to: git vsync keystore import; for one vault ask for a .share: git vsync export",
        )
    if len(data) > MAX_SHARE_BYTES:
        raise IntegrityError(f"{path.name} is too large to be a share")
    return data


def _open(data: bytes, passphrase: str) -> Share:
    try:
        return share_from_bytes(data, passphrase)
    except WrongKey as error:
        raise KeyUnavailable(
            "wrong passphrase, or the file was altered", hint="the words are joined by hyphens, in lower case"
        ) from error


def _with_credentials(call: Invocation, binding: Binding, profile: str | None) -> Binding:
    """Add the S3 keys that a share leaves out: a profile's, or asked for, else boto3's own chain."""
    place = binding.location
    if profile is not None and place.url is not None:
        raise UsageError(
            f"the share's store is {place.url}, which takes no S3 keys", hint="leave --profile out"
        )
    if profile is not None:
        own = call.world.machine.profiles.get(profile).location
        keys = replace(
            place,
            access_key_id=own.access_key_id,
            secret_access_key=own.secret_access_key,
            aws_profile=own.aws_profile,
        )
        return replace(binding, location=keys)
    if place.url or place.access_key_id or not call.world.terminal.interactive:
        return binding
    terminal = call.world.terminal
    access = terminal.ask(
        "access key id (empty: the aws credentials of this machine)", default="", flag="--profile"
    )
    if not access:
        return binding
    secret = terminal.secret("secret access key", flag="--profile")
    return replace(binding, location=replace(place, access_key_id=access, secret_access_key=secret))
