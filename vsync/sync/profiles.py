"""git vsync profile: named stores of this machine (formats §8.3)."""

import secrets

from vsync.errors import Conflict, IntegrityError, UsageError
from vsync.formats.binding import Profile, check_prefix, check_profile_name
from vsync.machine.machine import Machine
from vsync.model import Result
from vsync.store.interface import Store
from vsync.store.probe import probe


def add(machine: Machine, name: str, profile: Profile, *, replace: bool) -> Result:
    """Store a profile; Conflict when there is one of that name, unless it is to be replaced."""
    check_profile_name(name)
    try:
        check_prefix((profile.prefix or "").replace("{repo}", "repo"))
    except IntegrityError as error:
        raise UsageError(error.message, hint=error.hint) from error
    if machine.profiles.exists(name) and not replace:
        raise Conflict(f"there is a profile {name!r} already", hint=f"git vsync profile add {name} --replace")
    machine.profiles.write(name, profile)
    return Result(
        None, "added", f"profile {name}: {profile.location.shown}; try it: git vsync profile test {name}"
    )


def show(machine: Machine, name: str) -> Result:
    """Return a profile's settings, without its secret."""
    profile = machine.profiles.get(name)
    place = profile.location
    shown = {
        "endpoint": place.endpoint,
        "region": place.region,
        "bucket": place.bucket,
        "prefix": profile.prefix,
        "access_key_id": place.access_key_id,
        "aws_profile": place.aws_profile,
    }
    details = tuple(f"{key}: {value}" for key, value in shown.items() if value)
    return Result(None, "profile", f"profile {name}: {place.shown}", details, {"name": name, **shown})


def listed(machine: Machine) -> tuple[Result, ...]:
    """Return one result a profile."""
    found = ((name, machine.profiles.get(name)) for name in machine.profiles.names())
    return tuple(
        Result(
            None,
            "profile",
            f"{name}  {profile.location.shown}",
            data={"name": name, "store": profile.location.shown},
        )
        for name, profile in found
    )


def test(name: str, profile: Profile, store: Store) -> Result:
    """Probe the store; what it lacks is a finding (code 1), one line each."""
    prefix = check_prefix((profile.prefix or "").replace("{repo}", f"test-{secrets.token_hex(4)}"))
    found = probe(store, prefix)
    lacks = found.lacks
    details = tuple(f"lacks: it {text}" for text in lacks)
    if found.tag_form:
        details = (*details, f"etags: {found.tag_form}")
    if found.clock_skew_seconds is not None:
        details = (*details, f"clock: {found.clock_skew_seconds:+.0f} s from this machine's")
    verdict = "not fit for writing" if found.reasons_not_to_write else ("usable" if lacks else "fit")
    data = {"name": name, "lacks": list(lacks), "writable": not found.reasons_not_to_write}
    return Result(
        None,
        "unfit" if lacks else "fit",
        f"{name}: {verdict} ({store.where})",
        details,
        data,
        1 if lacks else 0,
    )
