"""Versions are named by a UTC timestamp, `YYYYMMDD-HHMMSS` (formats §§2, 3)."""

import re
from datetime import UTC, datetime, timedelta

from vsync.errors import IntegrityError

FORMAT = "%Y%m%d-%H%M%S"
LENGTH = 15
MAX_GENERATION = 2**53 - 1  # generations count the versions of a vault (formats §4)
_TOO_FAR = "somebody with the key wrote a version from the end of time: move the vault to a new prefix"
_SHAPE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})-([0-9]{2})([0-9]{2})([0-9]{2})")


def parse_version(text: str) -> datetime:
    """Return the moment a version name stands for; IntegrityError unless it is a real date."""
    parts = _SHAPE.fullmatch(text)
    if parts is None:
        raise IntegrityError(f"{text[:40]!r} is not a version name (YYYYMMDD-HHMMSS)")
    try:
        # Not strptime: it imports a module that costs as much as all else that `status` does.
        year, month, day, hour, minute, second = map(int, parts.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise IntegrityError(f"{text!r} is not a real date") from error


def is_version(text: str) -> bool:
    """Tell whether the text names a version."""
    try:
        parse_version(text)
    except IntegrityError:
        return False
    return True


def version_after(newest: str | None, now: datetime) -> str:
    """Name the next version: max(now, newest known + 1 s), so that names grow with any clock.

    Raises IntegrityError when the newest is the last moment there is: somebody made it up.
    """
    current = _name(now.astimezone(UTC))
    if newest is None or current > newest:
        return current
    try:
        return _name(parse_version(newest) + timedelta(seconds=1))
    except OverflowError as error:
        raise IntegrityError(f"no version can follow {newest}", hint=_TOO_FAR) from error


def _name(moment: datetime) -> str:
    # strftime leaves the zeros out of years before 1000 on some systems.
    return f"{moment.year:04d}{moment:%m%d-%H%M%S}"


def days(span: timedelta) -> str:
    """Return a span in days, or in hours below two days."""
    hours = int(span.total_seconds()) // 3600
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"  # noqa: PLR2004 - two days
