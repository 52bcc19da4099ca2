"""git vsync export: both halves of a vault, under a passphrase (formats §6.1)."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vsync.errors import UsageError
from vsync.formats.binding import Binding
from vsync.formats.share import RetiredKey, Share
from vsync.machine.folders import data_folder
from vsync.model import Mapping
from vsync.sync import trail
from vsync.sync.opened import OpenVault, open_vault
from vsync.world import World


def export(world: World, mapping: Mapping, *, credentials: bool, retired: bool) -> Share:
    """Return what a colleague needs: binding, key, retired halves, and the floor of what was seen.

    Refuses an embedded store in the user's own folder: nobody else can reach it.
    """
    vault = open_vault(world, mapping)
    _require_reachable(world, vault)
    old = tuple(_retired(vault)) if retired else ()
    binding = vault.binding if credentials else vault.binding.without_credentials()
    seen = world.machine.memory.seen(mapping.secret)
    # A classic store has no generations, and its readers do not know the field.
    floor = {"gen": seen.gen, "sha256": seen.sha256} if seen and seen.gen else None
    share = Share(mapping.secret.repo, mapping.secret.name, _shared(binding), vault.key_text, old, floor)
    trail.write_row(vault, trail.new_row(world, "export", ""))
    return share


def _shared(binding: Binding) -> dict[str, object]:
    """Return the binding as JSON; retired salts travel with their keys instead."""
    return replace(binding, retired=()).to_json()


def _retired(vault: OpenVault) -> list[RetiredKey]:
    found = []
    for old in vault.binding.retired:
        text = vault.world.keys.get(f"{vault.secret}#{old.kid}")
        if text is not None:
            found.append(RetiredKey(old.kid, old.salt, text))
    return found


def _require_reachable(world: World, vault: OpenVault) -> None:
    url = vault.binding.location.url
    if url is None:
        return
    folder = Path(unquote(urlsplit(url).path))
    if folder.is_relative_to(data_folder(world.environ)):
        raise UsageError(
            f"{vault.secret} lives in the embedded store on this machine, where nobody else can reach it",
            hint="move it first: git vsync profile add team, then: "
            f"git vsync init {vault.secret.name} --profile team",
        )


def binding_for_ci(world: World, mapping: Mapping) -> Binding:
    """Return the binding without key or credentials, as `VSYNC_BINDING` takes it (formats §8.2)."""
    return world.machine.bindings.get(mapping.secret).without_credentials()
