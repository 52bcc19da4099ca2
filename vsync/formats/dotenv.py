"""Env files, read by python-dotenv's own parser; nothing in them is ever expanded."""

import io

from vsync.errors import IntegrityError

MAX_ENV_BYTES = 16 * 1024 * 1024


def read_env(data: bytes) -> dict[str, str | None]:
    """Return name → value as written, the last one winning; None for a name without `=`.

    Raises IntegrityError with the number of the first line that is no assignment, never its text.
    """
    # Its package brings logging and tempfile along, and most verbs read no env file.
    from dotenv.parser import parse_stream

    if len(data) > MAX_ENV_BYTES:
        raise IntegrityError(f"the env file is larger than the {MAX_ENV_BYTES} bytes it may have")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Not chained: the exception holds the whole file.
        raise IntegrityError("the env file is not UTF-8") from None
    found: dict[str, str | None] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise IntegrityError(f"line {binding.original.line} of the env file is not NAME=value")
        if binding.key is not None:
            found[binding.key] = binding.value
    return found


def variable_names(data: bytes) -> tuple[str, ...]:
    """Return the names in an env file, once each, sorted by their UTF-8 bytes (formats §9)."""
    return tuple(sorted(read_env(data), key=str.encode))
