"""Which names a version has, and which it must have: template, `required`, schema (product contract §5)."""

from collections.abc import Iterable

from vsync.checks import CONFIG_NAME, finding
from vsync.drift import missing_names
from vsync.errors import ConfigError, IntegrityError, NotFound, VsyncError
from vsync.formats.dotenv import is_name, read_named, variable_names
from vsync.formats.lockfile import LockEntry
from vsync.model import Finding, Mapping
from vsync.schema import required_names, violations
from vsync.sync.judging import Judged
from vsync.sync.template import template_names
from vsync.world import World


def check_names(
    world: World, mapping: Mapping, judged: Judged
) -> tuple[tuple[str, ...] | None, list[Finding]]:
    """Return the names in the version's env file, None for a broken one, and what is wrong with them."""
    try:
        variable_names(judged.env or b"")
    except IntegrityError as error:
        return None, [_unreadable(mapping, error.message)]
    env = read_named(judged.env or b"")
    judged_values = violations(world.config.schema, env, environment=mapping.environment)
    # A required variable that is not there at all is among the missing names already.
    invalid = [_invalid(mapping, one.variable, one.problem) for one in judged_values if one.variable in env]
    return tuple(env), _check(world, mapping, env) + invalid


def check_listed_names(world: World, mapping: Mapping, entry: LockEntry) -> list[Finding] | None:
    """Judge the names by the lock alone; None when it lists none."""
    if not (entry.variables or entry.files):
        return None
    return _check(world, mapping, filter(is_name, entry.variables))


def _check(world: World, mapping: Mapping, names: Iterable[str]) -> list[Finding]:
    required = {*mapping.required, *required_names(world.config.schema, environment=mapping.environment)}
    try:
        template = template_names(world, mapping)
    except (NotFound, ConfigError) as error:
        return [_no_template(mapping, error), *_compare(mapping, names, None, required)]
    return _compare(mapping, names, template, required)


def _compare(
    mapping: Mapping, names: Iterable[str], template: tuple[str, ...] | None, required: set[str]
) -> list[Finding]:
    missing = missing_names(names, template=template, required=required)
    found = [_missing(mapping, name, in_template=name not in required) for name in missing.bundle]
    return found + [_undocumented(mapping, name) for name in missing.template]


def _missing(mapping: Mapping, name: str, *, in_template: bool) -> Finding:
    return finding(
        "name-missing",
        mapping,
        found=f"{name} is not in the version",
        wanted=f"a value for it: it {f'stands in {mapping.template}' if in_template else 'is required'}",
        fix=f"put it into {mapping.folder}/{mapping.env_file}, then: git vsync push {mapping.secret.name}",
        path=(mapping.template or CONFIG_NAME) if in_template else CONFIG_NAME,
        subject=name,
    )


def _undocumented(mapping: Mapping, name: str) -> Finding:
    return finding(
        "name-undocumented",
        mapping,
        found=f"{name} is not in {mapping.template}",
        wanted="every name of the version in the template",
        fix=f"git vsync template {mapping.secret.name} --write",
        path=mapping.template or CONFIG_NAME,
        subject=name,
    )


def _no_template(mapping: Mapping, error: VsyncError) -> Finding:
    return finding(
        "template-missing",
        mapping,
        found=error.message,
        wanted="a template with the names that must exist",
        fix=f"git vsync template {mapping.secret.name} --write"
        if isinstance(error, NotFound)
        else error.hint or "mend the template",
        path=mapping.template or CONFIG_NAME,
    )


def _invalid(mapping: Mapping, name: str, problem: str) -> Finding:
    return finding(
        "value-invalid",
        mapping,
        found=f"{name} {problem}",
        wanted="what [vault.schema] says of it",
        fix=f"edit {mapping.folder}/{mapping.env_file}, then: git vsync push {mapping.secret.name}",
        path=CONFIG_NAME,
        subject=name,
    )


def _unreadable(mapping: Mapping, problem: str) -> Finding:
    return finding(
        "env-unreadable",
        mapping,
        found=problem,
        wanted="lines of NAME=value",
        fix=f"mend {mapping.folder}/{mapping.env_file}, then: git vsync push {mapping.secret.name}",
        path=CONFIG_NAME,
    )
