"""The committed template of a mapping: which names must exist (product contract §2).

It is a file of the repository, so it may be hostile: it is read in bounds, and neither from
outside the repository nor out of a vault, through whatever links; written is a plain file only.
"""

import os
import secrets
import stat
from pathlib import Path

from vsync.config.paths import check_no_link, path_key
from vsync.errors import ConfigError, IntegrityError, NotFound
from vsync.files import read_regular, translated
from vsync.formats.dotenv import read_named
from vsync.model import Mapping
from vsync.world import World

MAX_TEMPLATE_BYTES = 1024 * 1024
DEFAULT_NAME = ".env.example"


def template_names(world: World, mapping: Mapping) -> tuple[str, ...] | None:
    """Return the names in the mapping's template, in its order; None when it has no template.

    Raises NotFound when the file is missing, ConfigError when it is no env file, or none that
    may be read: it names the number of the line, never its text.
    """
    if mapping.template is None:
        return None
    data = read_template(world, mapping.template)
    if data is None:
        raise NotFound(
            f"there is no {mapping.template}, the template of {mapping.secret}",
            hint=f"git vsync template {mapping.secret.name} --write makes it",
        )
    return tuple(names_in(mapping.template, data))


def names_in(path: str, data: bytes) -> dict[str, str | None]:
    """Return the names in a template and what stands behind their `=`; ConfigError names path and line."""
    try:
        return read_named(data)
    except IntegrityError as error:
        raise ConfigError(
            f"{path}: {error.message.replace('the env file', 'it')}", hint="mend the template, then try again"
        ) from error


def read_template(world: World, path: str) -> bytes | None:
    """Return what a template holds, None when there is none; ConfigError for what must not be read."""
    top = Path(os.path.realpath(world.repository.top))
    real = Path(os.path.realpath(top / path))
    if not real.is_relative_to(top):
        raise ConfigError(f"{path}: leads out of the repository", hint="replace the link by a file")
    require_outside_vaults(world, path, real.relative_to(top).as_posix())
    try:
        return read_regular(real, limit=MAX_TEMPLATE_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise ConfigError(f"{path}: cannot be read: {reason}", hint="check the file and its mode") from error


def require_outside_vaults(world: World, path: str, real: str) -> None:
    """Refuse a template in a vault: what is committed must not be mixed with what must not be."""
    key = path_key(real)
    for mapping in world.config.mappings:
        folder = path_key(mapping.folder)
        if key == folder or key.startswith(f"{folder}/"):
            raise ConfigError(
                f"{path}: lies in the vault {mapping.folder}",
                hint='template = ".env.example", outside every vault',
            )


def require_writable(world: World, path: str) -> None:
    """Refuse a template that is, or is reached through, a link; reading it refuses one in a vault."""
    top = world.repository.top
    folder = path.rpartition("/")[0]
    if folder:
        check_no_link(folder, top=top, where=path)
    if any(one.activate_to and path_key(one.activate_to) == path_key(path) for one in world.config.mappings):
        raise ConfigError(f"{path}: is where an env file is activated", hint=f'template = "{DEFAULT_NAME}"')
    try:
        mode = os.lstat(top / path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{path}: is not a plain file", hint="remove it, or name another as the template")


def write_template(world: World, path: str, data: bytes) -> None:
    """Replace the file as a whole, and keep its mode; says so when git ignores it."""
    _replace(world.repository.top / path, data)
    if not world.repository.not_ignored([path]) and not world.repository.tracked([path]):
        world.terminal.notice(f"git ignores {path}: to commit it, add !/{path} to .gitignore")


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with translated(path):
        mode = stat.S_IMODE(os.lstat(path).st_mode) if path.exists() else None
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with open(os.open(beside, flags, 0o666), "wb") as file:
                file.write(data)
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
