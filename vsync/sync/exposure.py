"""What of the vaults git could take, or has taken: asked once for all vaults (product contract §5)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from vsync.checks import CONFIG_NAME, finding, shortened
from vsync.git import ignore_command, untrack_command
from vsync.model import Finding, Mapping
from vsync.world import World

SHARES = ("*.share", "*.keytree", "*.env.keys", "keys.sealed")


@dataclass(frozen=True, slots=True)
class Exposure:
    """Paths from the top: tracked below a mapped folder, not ignored, and shares that are tracked."""

    tracked: tuple[str, ...]
    visible: frozenset[str]
    shares: tuple[str, ...]


def look_at_exposure(world: World, mappings: Sequence[Mapping]) -> Exposure:
    """Ask git about every vault at once: three processes, however many vaults there are."""
    # Git looks through no link, and one such vault must not keep the others from being looked at.
    plain = [mapping for mapping in mappings if not _behind_a_link(world, mapping)]
    folders = [mapping.folder for mapping in plain]
    inside = [f"{mapping.folder}/{mapping.env_file}" for mapping in plain]
    return Exposure(
        tracked=tuple(world.repository.tracked(folders)),
        visible=frozenset(world.repository.not_ignored([*folders, *inside])),
        shares=tuple(world.repository.tracked_like(SHARES)),
    )


def _behind_a_link(world: World, mapping: Mapping) -> bool:
    top = os.path.realpath(world.repository.top)
    return os.path.realpath(os.path.join(top, mapping.folder)) != os.path.join(top, mapping.folder)


def check_exposure(mapping: Mapping, exposure: Exposure) -> list[Finding]:
    """Find a vault that git tracks or would take."""
    folder, found = mapping.folder, []
    tracked = [path for path in exposure.tracked if path == folder or path.startswith(f"{folder}/")]
    if tracked:
        found.append(
            finding(
                "folder-tracked",
                mapping,
                found=f"git tracks {shortened(tracked)}",
                wanted="nothing of a vault in git; what is in its history is known: change those secrets",
                fix=_at_the_top(untrack_command(folder, folder=True)),
                path=tracked[0],
            )
        )
    visible = [path for path in (folder, f"{folder}/{mapping.env_file}") if path in exposure.visible]
    if visible:
        found.append(
            finding(
                "folder-exposed",
                mapping,
                found=f"git does not ignore {visible[0]}",
                wanted=f"{folder} ignored",
                fix=ignore_command(folder),
                path=CONFIG_NAME,
            )
        )
    return found


def check_shares(exposure: Exposure) -> list[Finding]:
    """Find shares and key files that git tracks, wherever in the repository."""
    return [
        finding(
            "share-tracked",
            None,
            found=f"git tracks {path}",
            wanted="shares go from person to person; what is in git's history is known: make a new key",
            fix=_at_the_top(untrack_command(path)),
            path=path,
            subject=path,
        )
        for path in exposure.shares
    ]


def _at_the_top(command: str) -> str:
    """Return a git command that works from any folder of the work tree."""
    return f'git -C "$(git rev-parse --show-toplevel)" {command.removeprefix("git ")}'
