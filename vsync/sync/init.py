"""git vsync init: mapping, key, salt, binding, folder and ignore rule of a vault.

Nothing is encrypted with a key before it was read back from where it is kept. Stopped anywhere,
running it again goes on: a key and a salt that exist are always kept.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from vsync.config.load import path_in_file
from vsync.config.paths import check_folder, check_name, check_repository, clean_path, path_key
from vsync.config.schema import OWN_PROVIDERS
from vsync.errors import Conflict, IntegrityError, KeyUnavailable, NotFound, UsageError
from vsync.formats import pointer as pointers
from vsync.formats.binding import Binding, Layout, Location
from vsync.formats.layout import Root, new_prefix, root_of
from vsync.formats.pointer import MAX_POINTER_BYTES
from vsync.formats.vaultkey import new_key_text, new_salt_text
from vsync.machine.halves import place_digest
from vsync.model import Json, Mapping, Result, SecretName
from vsync.store.interface import Store
from vsync.store.probe import probe, require_writable
from vsync.sync import moving
from vsync.sync.adopting import links_back, move_in, require_free
from vsync.sync.ignoring import ensure_ignored, require_untracked
from vsync.sync.locking import locked_entry
from vsync.sync.places import Place, embedded, of_profile, of_routing, of_url
from vsync.sync.snapshot import folder_of
from vsync.world import World


@dataclass(frozen=True, slots=True)
class InitOptions:
    """The flags of init, after everything missing was asked for."""

    environment: str
    name: str | None = None
    profile: str | None = None
    folder: str | None = None
    prefix: str | None = None
    store: str | None = None
    source: Path | None = None
    layout: Layout | None = None
    names: bool | None = None
    drop_old: bool = False
    yes: bool = False


def repository_name(world: World) -> str:
    """Return the repository name that init pins: the configured one, origin's, or the folder's."""
    if world.config.repo:
        return world.config.repo
    for text in (world.repository.origin_name(), world.repository.top.name):
        usable = (
            char if char.isascii() and (char.isalnum() or char in "._-") else "-" for char in text or ""
        )
        cleaned = "".join(usable).lower().strip("._-")[:100]
        if cleaned:
            return check_repository(cleaned, where="the repository's name")
    raise UsageError(
        "the repository has no usable name", hint='set one in vsync.toml: [vault] repo = "myapp"'
    )


def init(world: World, options: InitOptions) -> Result:
    """Make a vault ready for its first push, or change the store of one that is.

    Raises GitError for tracked plaintext, Conflict when the place belongs to another vault,
    KeyUnavailable when the store has this vault and this machine has no key, Unfit for a
    store that ignores conditions.
    """
    mapping = planned_mapping(world, options)
    check_folder(mapping.folder, top=world.repository.top)
    _require_own_folder(world, mapping)
    if any(part != part.strip() for part in mapping.folder.split("/")):
        # git drops a final space from an ignore rule.
        raise UsageError(
            f"the folder {mapping.folder!r} begins or ends with a space",
            hint="--vault-folder infra/vault/NAME",
        )
    require_untracked(world, mapping)
    # What the file cannot be made to say must be known before a key is made.
    _edited(world, mapping, options, provider="file")
    if options.source is not None:
        require_free(world, mapping, options.source)
    with world.machine.vault_lock(mapping.secret):
        binding = world.machine.bindings.find(mapping.secret)
        if binding is None:
            done = _create(world, mapping, options)
        else:
            done = _change(world, mapping, binding, options)
        _write_mapping(world, mapping, options)
        rules = ensure_ignored(world, mapping, links_back(world, options.source))
        folder_of(world, mapping).create()
        moved = move_in(world, mapping, options.source) if options.source else ()
    binding = world.machine.bindings.get(mapping.secret)
    lines = (*done, *(f"ignored {rule}" for rule in rules), *moved)
    data: dict[str, Json] = {
        "folder": mapping.folder,
        "environment": mapping.environment,
        "store": binding.location.shown,
    }
    data |= {"prefix": root_of(mapping.secret, binding).prefix, "ignored": list(rules)}
    return Result(str(mapping.secret), "ready", _summary(world, mapping), lines, data)


def _summary(world: World, mapping: Mapping) -> str:
    step = f"git vsync push {mapping.secret.name}"
    if (world.repository.top / mapping.folder / mapping.env_file).is_file():
        return f"ready; next: {step}"
    return f"ready; put {mapping.env_file} into {mapping.folder}, then: {step}"


def planned_mapping(world: World, options: InitOptions) -> Mapping:
    """Return the mapping there is, changed by the flags, or a new one."""
    environment = check_name(options.environment, where="the environment")
    name = check_name(options.name or environment, where="--name")
    secret = SecretName(repository_name(world), name)
    present = next((m for m in world.config.mappings if m.secret == secret), None)
    if present is not None and options.folder is None:
        return present
    folder = _folder(world, options.folder if options.folder is not None else f"infra/vault/{name}")
    if present is not None:
        return present._replace(folder=folder)
    return Mapping(secret, folder, environment, f".env.{environment}")


def _folder(world: World, text: str) -> str:
    """Return a folder from the top, given as the configuration writes it: relative to its own place."""
    cleaned = clean_path(text, where="the vault folder")
    base = os.path.relpath(config_file(world).parent, os.path.realpath(world.repository.top))
    return cleaned if base == "." or not cleaned else f"{Path(base).as_posix()}/{cleaned}"


def _require_own_folder(world: World, mapping: Mapping) -> None:
    """Refuse a folder that equals, contains or lies in another vault's (product contract §2)."""
    key = path_key(mapping.folder)
    for other in world.config.mappings:
        theirs = path_key(other.folder)
        apart = not f"{key}/".startswith(f"{theirs}/") and not f"{theirs}/".startswith(f"{key}/")
        if other.secret != mapping.secret and not apart:
            raise UsageError(
                f"{mapping.folder} and {other.folder}, the folder of {other.secret}, overlap",
                hint="choose a folder of its own: --vault-folder",
            )


def _create(world: World, mapping: Mapping, options: InitOptions) -> tuple[str, ...]:
    wanted = _wanted_place(world, options)
    routed = of_routing(world) if wanted is None else None
    place = wanted or routed or embedded(world)
    prefix = _new_prefix(mapping.secret, options, place)
    classic = options.layout == "classic"
    binding = Binding(
        location=place.location,
        salt=new_salt_text(),
        prefix=None if classic and options.prefix is None else prefix,
        layout="classic" if classic else "vsync",
        init_profile=place.profile,
    )
    store = world.open_store(binding.location)
    present = world.keys.get(str(mapping.secret))
    if present is not None and routed is not None:
        _require_agreement(world, mapping.secret, binding, options)
    _require_free_root(store, root_of(mapping.secret, binding), mapping.secret)
    _require_new(world, mapping.secret)
    require_writable(probe(store, root_of(mapping.secret, binding).prefix))
    world.machine.remember_fit(place_digest(binding))
    # Before the key: stopped after it, the next run must not ask whether the key may go there.
    world.machine.trust.agree(mapping.secret, binding)
    if present is None:
        world.keys.set(str(mapping.secret), new_key_text())
    world.machine.bindings.write(mapping.secret, binding)
    return (
        f"store    {store.where}, under {root_of(mapping.secret, binding).prefix}",
        f"key      account {mapping.secret} in {world.keys.source}",
        f"binding  {world.machine.bindings.path(mapping.secret)}",
    )


def _wanted_place(world: World, options: InitOptions) -> Place | None:
    """Return the store the flags name, or None when they name none."""
    if options.store is not None:
        return of_url(world, options.store, options.profile)
    return of_profile(world, options.profile) if options.profile else None


def _require_agreement(world: World, secret: SecretName, binding: Binding, options: InitOptions) -> None:
    """A committed file must not send an existing key anywhere without a person's word (attack 84)."""
    if world.machine.trust.is_trusted(secret, binding):
        return
    question = f"this machine has a key for {secret}. Use it with {binding.location.shown}?"
    if not world.terminal.confirm(question, yes=options.yes):
        raise UsageError("nothing was changed", hint="name the store yourself: --profile NAME")


def _require_free_root(store: Store, root: Root, secret: SecretName) -> None:
    """Refuse a root that holds this vault already, or another one (formats §5)."""
    try:
        data = store.read(root.head, limit=MAX_POINTER_BYTES).data
    except NotFound:
        return
    if root.classic:
        raise _exists(secret, store, None)
    claimed = pointers.claimed_name(data)
    if claimed is not None and claimed != str(secret):
        raise Conflict(
            f"{root.prefix} in {store.where} belongs to {claimed!r}, not to {secret}",
            hint="choose another place in the store: --prefix",
        )
    raise _exists(secret, store, pointers.claimed_writer(data))


def _require_new(world: World, secret: SecretName) -> None:
    """Refuse a second key for a vault that others have already: `vsync.lock` says so."""
    entry = locked_entry(world, secret)
    if entry is not None:
        raise KeyUnavailable(
            f"vsync.lock has version {entry.version} of {secret}, and this machine cannot open it",
            hint="ask a colleague for a share, then: git vsync import FILE.share; "
            "to begin anew, take its entry out of vsync.lock",
        )


def _new_prefix(secret: SecretName, options: InitOptions, place: Place) -> str:
    try:
        return new_prefix(secret, given=options.prefix, profile=place.prefix)
    except IntegrityError as error:
        raise UsageError(error.message, hint=error.hint) from error


def _exists(secret: SecretName, store: Store, by: str | None) -> KeyUnavailable:
    who = f"{by} pushed it last and" if by else "whoever pushed it"
    return KeyUnavailable(
        f"{store.where} has {secret} already, and this machine has no key that opens it",
        hint=f"{who} can share it: git vsync export {secret.name}; then here: git vsync import FILE.share",
    )


def _change(world: World, mapping: Mapping, binding: Binding, options: InitOptions) -> tuple[str, ...]:
    """Keep key and salt, and move the vault when the flags name another store or prefix."""
    if world.keys.get(str(mapping.secret)) is None:
        raise KeyUnavailable(
            f"{mapping.secret} has a binding on this machine, but no key in {world.keys.source}",
            hint="git vsync import FILE.share brings it back",
        )
    if options.layout is not None and options.layout != binding.layout:
        raise UsageError(f"{mapping.secret} has the {binding.layout} layout; a layout cannot be changed")
    target = _target(world, mapping, binding, options)
    if place_digest(target) == place_digest(binding):
        if target != binding:
            # The same place, with other credentials.
            world.machine.bindings.write(mapping.secret, target)
        return ("kept the key, the salt and the store",)
    return _move(world, mapping, target, options)


def _target(world: World, mapping: Mapping, binding: Binding, options: InitOptions) -> Binding:
    place = _wanted_place(world, options)
    if place is None:
        place = Place(binding.location, profile=binding.init_profile)
        if options.prefix is None:
            return binding
    prefix = binding.prefix
    moves = _address(place.location) != _address(binding.location)
    if options.prefix is not None or (moves and binding.layout != "classic"):
        prefix = _new_prefix(mapping.secret, options, place)
    return replace(binding, location=place.location, prefix=prefix, init_profile=place.profile)


def _address(location: Location) -> tuple[str | None, ...]:
    return (location.endpoint, location.bucket, location.url)


def _move(world: World, mapping: Mapping, target: Binding, options: InitOptions) -> tuple[str, ...]:
    move = moving.plan_move(world, mapping, target)
    for line in move.lines():
        world.terminal.notice(line)
    if not world.terminal.confirm(f"move {mapping.secret}?", yes=options.yes):
        raise UsageError("nothing was moved", hint="--yes agrees")
    moved = moving.carry_out(world, move, target)
    if moved is None:
        return (f"{move.new.where} is the same place under another address: nothing was copied",)
    lines = (f"moved {len(moved.objects)} objects to {move.new.where}; colleagues need a new share",)
    if options.drop_old:
        return (*lines, f"removed {moving.drop_old(move, moved)} objects from {move.old.where}")
    return (*lines, f"the old ones are still in {move.old.where}")


def config_file(world: World) -> Path:
    """Return the file to write: never one whose mappings belong to envdrift's own providers."""
    path = world.config.path
    if path is not None and world.config.provider not in OWN_PROVIDERS:
        return path.with_name("vsync.toml")
    return path or world.repository.top / "vsync.toml"


def _write_mapping(world: World, mapping: Mapping, options: InitOptions) -> None:
    """Write `vsync.toml` through tomlkit; a file that says it already stays byte for byte as it is."""
    binding = world.machine.bindings.get(mapping.secret)
    before, after = _edited(world, mapping, options, provider="file" if binding.location.url else "s3")
    if after != before:
        from vsync.config.edit import write_config

        write_config(config_file(world), after)


def _edited(world: World, mapping: Mapping, options: InitOptions, *, provider: str) -> tuple[str, str]:
    """Return the configuration's text as it is and as it shall be."""
    # Here, since it takes tomlkit: the help of init must not wait for that.
    from vsync.config.edit import NewMapping, add_mapping, read_text, set_lock_names, set_vault

    config, path = world.config, config_file(world)
    before = text = read_text(path)
    if config.repo != mapping.secret.repo or not config.mappings:
        text = set_vault(text, provider=provider, repo=mapping.secret.repo)
    elif config.mappings == (mapping,) and provider != config.provider:
        # The only vault has moved to another kind of store.
        text = set_vault(text, provider=provider)
    if mapping not in config.mappings:
        folder = path_in_file(mapping.folder, base=path.parent, top=world.repository.top)
        text = add_mapping(text, NewMapping(mapping.secret, folder=folder, environment=mapping.environment))
    if options.names is not None and options.names != config.lock_names:
        text = set_lock_names(text, options.names)
    return before, text
