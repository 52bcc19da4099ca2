"""Whether a text is a name that may be shown, or may be a piece of a secret; asked of what was found."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_PARTS = re.compile(r"[_.-]+")
_LONG, _MIXED, _SHORT = 20, 16, 12  # characters of a part without a word in it


def is_name(text: str) -> bool:
    """Tell whether a text is the name of a variable, and nothing like base64, a token or a URL."""
    return _NAME.fullmatch(text) is not None and not looks_random(text)


def looks_random(text: str) -> bool:
    """Tell whether a part of a text is no word: long, and of letters and digits, or of both cases."""
    return any(_is_random(part) for part in _PARTS.split(text))


def _is_random(part: str) -> bool:
    size = len(part)
    lower, upper = any(char.islower() for char in part), any(char.isupper() for char in part)
    digits = sum(char.isdigit() for char in part)
    if size >= _LONG and lower and upper:
        return True
    if size >= _MIXED and digits:
        return True
    return size >= _SHORT and lower and upper and digits > 0
