"""Which store a vault belongs in: a URL, a named profile, the committed routing, or the embedded default."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from vsync.errors import ConfigError, UsageError
from vsync.formats.binding import Location
from vsync.machine.folders import data_folder
from vsync.world import World


@dataclass(frozen=True, slots=True)
class Place:
    """A store, the prefix its profile proposes, and the profile's name."""

    location: Location
    prefix: str | None = None
    profile: str | None = None


def embedded(world: World) -> Place:
    """Return the default store of a machine without any: a folder below the user's data folder."""
    return Place(Location(url=file_url(data_folder(world.environ) / "store")))


def file_url(path: Path) -> str:
    """Return the `file:` URL of an absolute path."""
    return "file://" + quote(str(path))


def folder_of_url(url: str) -> Path:
    """Return the folder a `file:` URL names; ConfigError for any other URL."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ConfigError(
            f"{url!r} is not a store's URL", hint="file:///absolute/folder, or s3://BUCKET with a profile"
        )
    return Path(unquote(parts.path))


def of_url(world: World, url: str, profile: str | None) -> Place:
    """Return the place a `--store` names: a folder, `file:///…`, or `s3://bucket` behind a profile."""
    if url.startswith("s3://"):
        if profile is None:
            raise UsageError(
                "an s3 store needs a profile for endpoint and keys", hint="git vsync profile add NAME"
            )
        found = of_profile(world, profile)
        bucket = url.removeprefix("s3://").strip("/")
        return Place(_with_bucket(found.location, bucket), found.prefix, profile)
    if "://" not in url:
        url = file_url(Path(os.path.normpath(Path(url).expanduser().absolute())))
    folder = folder_of_url(url)
    if folder.resolve().is_relative_to(world.repository.top.resolve()):
        raise UsageError(
            "the store cannot lie inside the repository", hint="choose a folder outside, or a profile"
        )
    return Place(Location(url=file_url(folder)))


def _with_bucket(location: Location, bucket: str) -> Location:
    return Location(
        endpoint=location.endpoint,
        region=location.region,
        bucket=bucket,
        access_key_id=location.access_key_id,
        secret_access_key=location.secret_access_key,
        aws_profile=location.aws_profile,
    )


def of_profile(world: World, name: str) -> Place:
    """Return the store of a named profile; NotFound names those that exist."""
    profile = world.machine.profiles.get(name)
    return Place(profile.location, profile.prefix, name)


def of_routing(world: World) -> Place | None:
    """Return the store that `[vault.s3]` names, or None when it names none.

    It holds no keys: a vsync profile or boto3's own chain supplies them.
    """
    routing = world.config.s3
    if routing.profile:
        base = of_profile(world, routing.profile)
        location = base.location
        if routing.bucket:
            location = _with_bucket(location, routing.bucket)
        return Place(location, routing.prefix or base.prefix, routing.profile)
    if not routing.bucket:
        return None
    location = Location(
        endpoint=routing.endpoint_url,
        region=routing.region,
        bucket=routing.bucket,
        aws_profile=routing.aws_profile,
    )
    return Place(location, routing.prefix)
