"""What is plainly no secret (product contract §6). Whatever is in doubt is a value."""

from __future__ import annotations

import re
from itertools import pairwise

from vsync.guard.envfile import is_reference

SHORTEST = 8  # characters

_NUMBER = re.compile(r"[-+]?[0-9][0-9_., ]*")
_MOST_DIGITS = 11
# Switches, and what every environment, framework and server is called.
_NAMES = """
disabled production development developer testing acceptance integration sandboxed localhost frontend
backend database postgres postgresql mongodb rabbitmq memcached elasticsearch opensearch cassandra
clickhouse cockroachdb mariadb sqlserver dynamodb opentelemetry prometheus filesystem standard critical
warning information informational verbose required optional preferred verify-full verify-ca anonymous
bootstrap kubernetes container service_account public-read application webserver scheduler us-ascii
iso-8859-1 text/plain text/html application/json authorized_user authorization_code client_credentials
"""
_WORDS = frozenset(_NAMES.split())
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?"
_PORT = r"(?::[0-9]{1,5})?"
_ADDRESS = re.compile(rf"(?:(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}|\[[0-9a-f:]+\]){_PORT}")
_HOST = re.compile(rf"((?:{_LABEL}\.)+([a-z]{{2,12}})){_PORT}")
_NAME = re.compile(rf"({_LABEL}){_PORT}")
# Of two letters are countries. Others are named: `hunter.password` is no host.
_ENDS = """
com net org info biz edu gov mil int arpa name pro dev app cloud site online store tech xyz shop blog
page internal intranet local localhost localdomain lan home corp private test example invalid svc cluster
consul docker
"""
_LAST_LABELS = frozenset(_ENDS.split())
# Their labels are made by machines, and stand there for everybody who looks.
_MACHINE_NAMED = (
    *(
        ".amazonaws.com",
        ".awsapps.com",
        ".cloudfront.net",
        ".azure.com",
        ".windows.net",
        ".azurewebsites.net",
    ),
    *(".googleapis.com", ".run.app", ".herokuapp.com", ".fly.dev", ".vercel.app", ".netlify.app"),
    *(".ondigitalocean.com", ".mongodb.net", ".neon.tech", ".supabase.co", ".upstash.io"),
)
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://([^/?#@\s]*)((?:/[^/?#@\s]*)*)", re.IGNORECASE)
_LONGEST_SEGMENT = 20
_POINTS = "north|south|east|west|central"
_AREAS = (
    f"{_POINTS}|us|uk|eu|asia|europe|africa|america|australia|brazil|canada|france|germany|india|israel|italy|"
    "japan|korea|mexico|norway|poland|qatar|spain|sweden|switzerland|uae"
)
# AWS and GCP with their zones, then Azure.
_REGION = (
    rf"(?:[a-z]{{2}}|{_AREAS}|northamerica|southamerica)(?:-(?:gov|iso|isob|{_POINTS}|(?:{_POINTS})+))+-?"
    rf"[0-9]{{1,2}}(?:-?[a-z])?|(?:{_AREAS})+[0-9]?"
)
_TIME_ZONE = (
    r"(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc|US)"
    r"(?:/[A-Z][a-z]+(?:[_-][A-Za-z][a-z]+){0,3}){1,2}|Etc/(?:GMT|UTC)[+-]?[0-9]{0,2}"
)
_LOCALE = r"(?:[a-z]{2}_[A-Z]{2}|C)\.(?:UTF-?8|utf-?8|ISO-?8859-?[0-9]{1,2})"
# And versions of interfaces that are called after one.
_DATE = (
    r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:-preview|-beta|[T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    r")?"
)
_SHAPE = re.compile(f"{_REGION}|{_TIME_ZONE}|{_LOCALE}|{_DATE}")
# Absolute paths that begin where systems and containers keep things.
_PATH = re.compile(
    r"/(?:usr|var|etc|opt|home|app|tmp|bin|sbin|lib|srv|mnt|run|data|workspace|root|dev|proc|sys)"
    r"((?:/[a-z][a-z0-9._-]*)*)/?"
)
_CIPHERS = ("encrypted:", "ENC[AES256_GCM,")
_LONGEST_PLAIN = 12  # characters of letters and digits mixed that are still a name
_MOST_CHANGES = 2  # from letters to digits or back: `k8s` has two
_SHORTEST_RANDOM = 6


def is_public(value: str) -> bool:
    """Tell whether a value is plainly no secret."""
    text = value.strip()
    # Switches such as `true` are shorter.
    if len(text) < SHORTEST or text.lower() in _WORDS or text.startswith(_CIPHERS):
        return True
    if _NUMBER.fullmatch(text):
        return sum(char.isdigit() for char in text) <= _MOST_DIGITS
    return (
        is_reference(text)
        or _is_host(text)
        or _SHAPE.fullmatch(text) is not None
        or _is_public_url(text)
        or all(_is_path(path) for path in text.split(":"))
    )


def looks_random(text: str) -> bool:
    """Tell whether letters and digits are mixed as in a token; `-`, `_` and `.` stand between parts."""
    return any(_is_random(part) for part in re.split(r"[-_.]", text))


def _is_random(part: str) -> bool:
    changes = sum(first.isdigit() != second.isdigit() for first, second in pairwise(part))
    if not changes or len(part) < _SHORTEST_RANDOM:
        return False
    return changes > _MOST_CHANGES or len(part) >= _LONGEST_PLAIN


def _is_host(text: str) -> bool:
    if _ADDRESS.fullmatch(text):
        return True
    found = _HOST.fullmatch(text)
    if found is None:
        name = _NAME.fullmatch(text)
        return name is not None and name[1] in _WORDS
    host, last = found[1], found[2]
    if host.endswith(_MACHINE_NAMED):
        return True
    return (len(last) == 2 or last in _LAST_LABELS) and not looks_random(host)  # noqa: PLR2004 - as ISO 3166 has it


def _is_public_url(text: str) -> bool:
    found = _URL.fullmatch(text)
    if found is None:
        return False
    host = found[1].lower()
    name = _NAME.fullmatch(host)
    if host and not _is_host(host) and (name is None or looks_random(name[1])):
        return False
    return all(len(part) <= _LONGEST_SEGMENT and not looks_random(part) for part in found[2].split("/"))


def _is_path(text: str) -> bool:
    found = _PATH.fullmatch(text)
    if found is None:
        return False
    return all(len(part) <= _LONGEST_SEGMENT and not looks_random(part) for part in found[1].split("/"))
