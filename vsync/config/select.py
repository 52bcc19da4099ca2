"""Words of a command line → mappings (product contract §2, "A verb takes vaults").

A word is, in this order: `<repo>/<name>`; an environment or the name part of a secret name,
all that have it; a folder, relative to the current one or to the repository's top. A mapping
with a `profile` is there only for who asks for that profile.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vsync.config.schema import OWN_PROVIDERS, nearest
from vsync.errors import NotFound, UsageError
from vsync.model import Mapping

_MAX_LISTED = 8


class HasMappings(Protocol):
    """What selection needs of a `Config`."""

    @property
    def path(self) -> Path | None:
        """The file, None when there is none."""

    @property
    def provider(self) -> str:
        """`s3`, `file`, or one of envdrift's."""

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        """All of them, in their order."""


def select(
    config: HasMappings, words: Sequence[str], *, profile: str | None, cwd: Path, top: Path
) -> tuple[Mapping, ...]:
    """Return the mappings that the words name, each once, in the order of the file.

    Without words: all that have no profile, and those of `profile`. NotFound when a word
    names nothing, or nothing is mapped; it lists what there is.
    """
    candidates = _candidates(config, profile)
    if not words:
        return candidates
    chosen = {mapping.secret for word in words for mapping in _named(word, config, candidates, (cwd, top))}
    return tuple(mapping for mapping in candidates if mapping.secret in chosen)


def select_one(
    config: HasMappings, word: str | None, *, profile: str | None, cwd: Path, top: Path
) -> Mapping:
    """Return the one mapping that the word names, or the only one there is.

    UsageError lists them when there are several, NotFound says what there is when none.
    """
    found = select(config, () if word is None else (word,), profile=profile, cwd=cwd, top=top)
    if len(found) == 1:
        return found[0]
    what = "no vault is named" if word is None else f"{word!r} stands for several vaults"
    raise UsageError(f"{what}, and this takes one", hint=f"name one of: {_listed(found)}")


def _candidates(config: HasMappings, profile: str | None) -> tuple[Mapping, ...]:
    if config.provider not in OWN_PROVIDERS:
        raise NotFound(
            f"the mappings here belong to the provider {config.provider!r} of envdrift, not to vsync",
            hint="keep vsync's own in a vsync.toml beside that file",
        )
    if not config.mappings:
        raise NotFound("no vault is mapped here", hint="git vsync init")
    profiles = sorted({mapping.profile for mapping in config.mappings if mapping.profile})
    if profile is not None and profile not in profiles:
        known = ", ".join(profiles[:_MAX_LISTED]) or "none"
        raise NotFound(f"no mapping has the profile {profile!r}", hint=f"profiles here: {known}")
    found = tuple(m for m in config.mappings if m.profile is None or m.profile == profile)
    if not found:
        raise NotFound(
            "every mapping here has a profile, and none was asked for",
            hint=f"--profile {profiles[0]}",
        )
    return found


def _named(
    word: str, config: HasMappings, candidates: tuple[Mapping, ...], place: tuple[Path, Path]
) -> tuple[Mapping, ...]:
    found = _matches(word, candidates, place)
    if found:
        return found
    elsewhere = _matches(word, config.mappings, place)
    if elsewhere:
        raise NotFound(
            f"{word!r} is mapped for the profile {elsewhere[0].profile!r} only",
            hint=f"add --profile {elsewhere[0].profile}",
        )
    words = {text for m in candidates for text in (m.environment, m.secret.name, str(m.secret), m.folder)}
    near = nearest(word[:200], tuple(words))
    guess = f"did you mean {near!r}? " if near else ""
    raise NotFound(f"no vault is called {word!r}", hint=f"{guess}mapped here: {_listed(candidates)}")


def _matches(word: str, mappings: tuple[Mapping, ...], place: tuple[Path, Path]) -> tuple[Mapping, ...]:
    exact = tuple(m for m in mappings if str(m.secret) == word)
    if exact:
        return exact
    named = tuple(m for m in mappings if word in (m.environment, m.secret.name))
    if named:
        return named
    folders = _folders(word, *place)
    return tuple(m for m in mappings if m.folder in folders)


def _folders(word: str, cwd: Path, top: Path) -> set[str]:
    # Only by their names: a mapped folder that is a link is refused later, not followed here.
    root = os.path.realpath(top)
    paths = {os.path.normpath(os.path.join(start, word)) for start in (os.path.realpath(cwd), root)}
    return {Path(os.path.relpath(path, root)).as_posix() for path in paths if "\0" not in path}


def _listed(mappings: Sequence[Mapping]) -> str:
    names = [str(mapping.secret) for mapping in mappings[:_MAX_LISTED]]
    more = len(mappings) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
