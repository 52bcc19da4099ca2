"""`git vsync`, `vsync` and `python -m vsync`; the guard's short way past click is here."""

import sys
from typing import NoReturn

# Options that may stand before a verb, and whether a value follows.
_BEFORE = {"-C": True, "-q": False, "--quiet": False, "-v": False, "--json": False, "--no-input": False}


def main() -> NoReturn:
    """Run the verb that was typed; `guard` without importing what it does not need."""
    words = sys.argv[1:]
    verb = _verb_at(words)
    if verb < len(words) and words[verb] == "guard":
        from vsync.guard.run import main as guard

        del sys.argv[1 + verb]
        guard()
    from vsync.cli.main import main as cli

    cli()


def _verb_at(words: list[str]) -> int:
    position = 0
    while position < len(words) and words[position] in _BEFORE:
        position += 2 if _BEFORE[words[position]] else 1
    return position


if __name__ == "__main__":
    main()
