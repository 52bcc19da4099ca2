"""What somebody allowed in `[[guard.allow]]`; asked only when something was found."""

from __future__ import annotations

import os
import re

from vsync.guard.rules import Rules


def allowance(rules: Rules, path: bytes, rule: str) -> str:
    """Return the reason for which a finding is let pass, empty when none is."""
    text = os.fsdecode(path)
    for pattern, allowed, reason in rules.allow:
        if allowed == rule and _matches(pattern, text):
            return reason
    return ""


def _matches(pattern: str, path: str) -> bool:
    """Match `*` within a part, `**` across parts, and a folder as all that is in it."""
    parts = []
    for piece in re.split(r"(\*\*/?|\*|\?)", pattern.rstrip("/")):
        wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece)
        parts.append(re.escape(piece) if wild is None else wild)
    return re.fullmatch("".join(parts) + "(?:/.*)?", path, re.DOTALL) is not None
