"""Passphrases of words: the EFF long list, drawn with the system's random source (attack 42)."""

import secrets
from importlib.resources import files

from vsync.errors import UsageError

DEFAULT_WORDS = 6  # 77 bits
MIN_WORDS = 5  # 64 bits
MAX_WORDS = 64
MIN_GIVEN_CHARACTERS = 20
LIST_LENGTH = 7776


def word_list() -> tuple[str, ...]:
    """Return the 7776 words of the EFF long list, as the xkcdpass package carries it."""
    text = (files("xkcdpass") / "static" / "eff-long").read_text("utf-8")
    words = tuple(dict.fromkeys(text.split()))
    if len(words) != LIST_LENGTH:
        raise UsageError(
            f"the installed word list has {len(words)} words instead of {LIST_LENGTH}",
            hint="install xkcdpass again, or give a passphrase: --passphrase -",
        )
    return words


def new_passphrase(count: int) -> str:
    """Return `count` words, joined by hyphens, each drawn evenly; UsageError below five."""
    if not MIN_WORDS <= count <= MAX_WORDS:
        raise UsageError(f"a passphrase has {MIN_WORDS} to {MAX_WORDS} words", hint="--words 6")
    words = word_list()
    return "-".join(secrets.choice(words) for _ in range(count))


def check_given(passphrase: str) -> str:
    """Return a passphrase that somebody chose; UsageError when it is too short to be one."""
    if len(passphrase) < MIN_GIVEN_CHARACTERS:
        raise UsageError(
            f"the passphrase has fewer than {MIN_GIVEN_CHARACTERS} characters",
            hint="leave --passphrase out: vsync makes one of words",
        )
    return passphrase
