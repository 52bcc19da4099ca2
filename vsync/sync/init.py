"""git vsync init: mapping, key, salt, binding, folder and ignore rule of a vault.

Nothing is encrypted with a key before it was read back from where it is kept. Stopped anywhere,
running it again goes on: a key and a salt that exist are always kept.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from vsync.config.edit import NewMapping, add_mapping, read_text, set_lock_names, set_vault, write_config
from vsync.config.load import path_in_file
from vsync.config.paths import check_folder, check_name, check_repository
from vsync.config.schema import OWN_PROVIDERS
from vsync.errors import Conflict, KeyUnavailable, NotFound, UsageError
from vsync.formats import pointer as pointers
from vsync.formats.binding import Binding, Layout
from vsync.formats.layout import Root, new_prefix, root_of
from vsync.formats.pointer import MAX_POINTER_BYTES
from vsync.formats.vaultkey import new_key_text, new_salt_text
from vsync.machine.halves import place_digest
from vsync.model import Json, Mapping, Result, SecretName
from vsync.store.interface import Store
from vsync.store.probe import probe, require_writable
from vsync.sync import moving
from vsync.sync.adopting import move_in, require_free
from vsync.sync.ignoring import ensure_ignored, require_untracked
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
        cleaned = "".join(char if char.isalnum() or char in "._-" else "-" for char in (text or "").lower())
        cleaned = cleaned.encode("ascii", "replace").decode().replace("?", "-").lstrip("._-")[:100]
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
    require_untracked(world, mapping)
    check_folder(mapping.folder, top=world.repository.top)
    if options.source is not None:
        require_free(world, mapping, options.source)
    with world.machine.vault_lock(mapping.secret):
        binding = world.machine.bindings.find(mapping.secret)
        if binding is None:
            done = _create(world, mapping, options)
        else:
            done = _change(world, mapping, binding, options)
        _write_mapping(world, mapping, options)
        rules = ensure_ignored(world, mapping)
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
    step = f"git vsync push {mapping.secret.name}"
    summary = f"ready; {'next' if moved else f'put {mapping.env_file} into {mapping.folder}, then'}: {step}"
    return Result(str(mapping.secret), "ready", summary, lines, data)


def planned_mapping(world: World, options: InitOptions) -> Mapping:
    """Return the mapping there is, changed by the flags, or a new one."""
    environment = check_name(options.environment, where="the environment")
    name = check_name(options.name or environment, where="--name")
    secret = SecretName(repository_name(world), name)
    present = next((m for m in world.config.mappings if m.secret == secret), None)
    folder = options.folder.rstrip("/") if options.folder else None
    if present is not None:
        return replace(present, folder=folder) if folder else present
    return Mapping(secret, folder or f"infra/vault/{name}", environment, f".env.{environment}")


def _create(world: World, mapping: Mapping, options: InitOptions) -> tuple[str, ...]:
    place = _wanted_place(world, options) or of_routing(world) or embedded(world)
    prefix = new_prefix(mapping.secret, given=options.prefix, profile=place.prefix)
    classic = options.layout == "classic"
    binding = Binding(
        location=place.location,
        salt=new_salt_text(),
        prefix=None if classic else prefix,
        layout="classic" if classic else "vsync",
        init_profile=place.profile,
    )
    store = world.open_store(binding.location)
    present = world.keys.get(str(mapping.secret))
    if present is not None:
        _require_agreement(world, mapping.secret, binding, options)
    _require_free_root(store, root_of(mapping.secret, binding), mapping.secret)
    require_writable(probe(store, root_of(mapping.secret, binding).prefix))
    world.machine.remember_fit(place_digest(binding))
    if present is None:
        world.keys.set(str(mapping.secret), new_key_text())
    world.machine.bindings.write(mapping.secret, binding)
    world.machine.trust.agree(mapping.secret, binding)
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
    if _wanted_place(world, options) or world.machine.trust.is_trusted(secret, binding):
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


def _exists(secret: SecretName, store: Store, by: str | None) -> KeyUnavailable:
    who = f"{by} pushed it last and" if by else "whoever pushed it"
    return KeyUnavailable(
        f"{store.where} has {secret} already, and this machine has no key for it",
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
    if place is None and options.prefix is None:
        return binding
    if place is None:
        return replace(binding, prefix=new_prefix(mapping.secret, given=options.prefix, profile=None))
    if place.location == binding.location and options.prefix is None:
        return binding
    prefix = binding.prefix
    if binding.layout != "classic":
        prefix = new_prefix(mapping.secret, given=options.prefix, profile=place.prefix)
    return replace(binding, location=place.location, prefix=prefix, init_profile=place.profile)


def _move(world: World, mapping: Mapping, target: Binding, options: InitOptions) -> tuple[str, ...]:
    move = moving.plan_move(world, mapping, target)
    for line in move.lines():
        world.terminal.notice(line)
    if not world.terminal.confirm(f"move {mapping.secret}?", yes=options.yes):
        raise UsageError("nothing was moved", hint="--yes agrees")
    moving.carry_out(world, move, target)
    lines = (f"moved {len(move.objects)} objects to {move.new.where}",)
    if options.drop_old:
        return (*lines, f"removed {moving.drop_old(move)} objects from {move.old.where}")
    return (*lines, f"the old ones are still in {move.old.where}; colleagues need a new share")


def _config_file(world: World) -> Path:
    """Return the file to write: never one whose mappings belong to envdrift's own providers."""
    path = world.config.path
    if path is not None and world.config.provider not in OWN_PROVIDERS:
        return path.with_name("vsync.toml")
    return path or world.repository.top / "vsync.toml"


def _write_mapping(world: World, mapping: Mapping, options: InitOptions) -> None:
    """Write `vsync.toml` through tomlkit; a file that says it already stays byte for byte as it is."""
    binding = world.machine.bindings.get(mapping.secret)
    path = _config_file(world)
    before = read_text(path) if path.exists() else ""
    text = before
    if world.config.repo != mapping.secret.repo or not world.config.mappings:
        provider = "file" if binding.location.url else "s3"
        text = set_vault(text, provider=provider, repo=mapping.secret.repo)
    if mapping not in world.config.mappings:
        folder = path_in_file(mapping.folder, base=path.parent, top=world.repository.top)
        text = add_mapping(text, NewMapping(mapping.secret, folder=folder, environment=mapping.environment))
    if options.names is not None and options.names != world.config.lock_names:
        text = set_lock_names(text, options.names)
    if text != before:
        write_config(path, text)
