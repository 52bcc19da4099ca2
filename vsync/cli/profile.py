"""git vsync profile: named stores of this machine. It works outside a repository, too."""

import os

import click

from vsync.cli.common import Invocation, given_secret, verb
from vsync.errors import UsageError
from vsync.formats.binding import Location, Profile
from vsync.machine.machine import Machine
from vsync.model import Report, Result
from vsync.sync import profiles
from vsync.terminal import Console
from vsync.wiring import StoreShelf, open_machine

ACTIONS = ("add", "list", "show", "test", "remove")
SECRET_VARIABLE = "VSYNC_SECRET_KEY"  # noqa: S105 - the name of a variable


@verb(
    "profile",
    epilog="add asks for what is missing. The secret key comes from the terminal, - (stdin), @FILE or "
    f"{SECRET_VARIABLE}; with --aws-profile no keys are stored.",
    examples=(
        "git vsync profile add team --endpoint https://s3.eu-central-1.amazonaws.com --bucket acme-secrets",
        "git vsync profile add r2 --endpoint https://ID.r2.cloudflarestorage.com --region auto --bucket b",
        "git vsync profile test team",
        "git vsync profile list",
    ),
)
@click.argument("action", type=click.Choice(ACTIONS))
@click.argument("name", required=False)
@click.option("--endpoint", metavar="URL", help="the server; leave it out for AWS")
@click.option("--region", metavar="R", help="the region")
@click.option("--bucket", metavar="B", help="the bucket")
@click.option("--prefix", metavar="P", help="folder in the bucket; {repo} stands for the repository")
@click.option("--access-key", metavar="ID", help="the access key id")
@click.option("--secret-key", metavar="-|@FILE", help="the secret access key")
@click.option("--aws-profile", metavar="A", help="take keys from this profile of ~/.aws instead")
@click.option("--replace", is_flag=True, help="replace a profile of that name")
def command(call: Invocation, action: str, name: str | None, replace: bool, **given: str | None) -> Report:
    """Manage named stores: add, list, show, test or remove one."""
    console = Console(quiet=call.place.quiet, no_input=call.place.no_input)
    machine = open_machine(dict(os.environ), console)
    if action == "list":
        return call.report(profiles.listed(machine))
    if name is None:
        name = console.ask("name of the profile", default=None, flag=f"git vsync profile {action} NAME")
    if action == "add":
        return call.report((profiles.add(machine, name, _asked(console, given), replace=replace),))
    return call.report((_existing(machine, action, name),))


def _existing(machine: Machine, action: str, name: str) -> Result:
    if action == "show":
        return profiles.show(machine, name)
    if action == "test":
        profile = machine.profiles.get(name)
        return profiles.test(name, profile, StoreShelf()(profile.location))
    machine.profiles.remove(name)
    return Result(None, "removed", f"removed profile {name}")


def _asked(console: Console, given: dict[str, str | None]) -> Profile:
    """Put a profile together from the flags, asking for what is missing."""
    bucket = given["bucket"] or console.ask("bucket", default=None, flag="--bucket")
    endpoint, region = given["endpoint"], given["region"]
    if endpoint is None and region is None and console.interactive:
        endpoint = console.ask("endpoint URL (empty for AWS)", default="", flag="--endpoint") or None
        region = console.ask("region", default="us-east-1", flag="--region")
    access = secret = None
    if given["aws_profile"] is None:
        access = given["access_key"] or console.ask(
            "access key id", default=None, flag="--access-key or --aws-profile"
        )
        secret = _secret_key(console, given["secret_key"])
    elif given["access_key"] or given["secret_key"]:
        raise UsageError("--aws-profile stores no keys", hint="leave --access-key and --secret-key out")
    location = Location(endpoint, region, bucket, access, secret, given["aws_profile"])
    profile = Profile(location, given["prefix"])
    # Refuses an unsafe endpoint now, not at the first push.
    StoreShelf()(location)
    return profile


def _secret_key(console: Console, given: str | None) -> str:
    if given is not None:
        return given_secret(given, "secret key")
    return os.environ.get(SECRET_VARIABLE) or console.secret(
        "secret access key", flag="--secret-key - or @FILE"
    )
