"""`[vault.schema]` → `model.Rule`: what variables must look like (product contract §2).

Whether a pattern is one is found out where it is used, by `vsync.schema`: most verbs use none,
and compiling them all would make each of them wait.
"""

from collections.abc import Iterable

from vsync.config.paths import NAME, VARIABLE
from vsync.config.schema import Table, nearest
from vsync.errors import ConfigError
from vsync.model import Kind, Rule


def read_rules(rows: Iterable[tuple[str, Table]]) -> tuple[Rule, ...]:
    """Return the checked rules in their order; ConfigError names file, table and key."""
    return tuple(_rule(variable, table) for variable, table in rows)


def _rule(variable: str, table: Table) -> Rule:
    if not VARIABLE.fullmatch(variable):
        raise ConfigError(f"{table.shown}: not the name of a variable", hint="no spaces, quotes, = or #")
    kind = _kind(table)
    return Rule(
        variable=variable,
        kind=kind,
        required=table.flag("required", default=False),
        allowed=_allowed(table),
        pattern=_pattern(table, kind),
        environments=_environments(table),
        where=table.shown,
    )


def _kind(table: Table) -> Kind | None:
    text = table.text("type")
    if text is None:
        return None
    if text not in tuple(Kind):
        near = nearest(text[:20], tuple(Kind))
        raise table.wrong("type", f"must be one of {', '.join(Kind)}", hint=f'type = "{near or Kind.URL}"')
    return Kind(text)


def _allowed(table: Table) -> tuple[str, ...]:
    allowed = table.texts("allowed")
    if not allowed and "allowed" in table.values:
        raise table.wrong("allowed", "allows nothing", hint='allowed = ["debug", "info"]')
    return allowed


def _pattern(table: Table, kind: Kind | None) -> str | None:
    pattern = table.text("pattern")
    if (pattern is not None) != (kind is Kind.REGEX):
        problem = "is missing" if pattern is None else 'is for type = "regex" only'
        raise table.wrong("pattern", problem, hint="type = \"regex\", pattern = '[a-z]+'")
    return pattern


def _environments(table: Table) -> tuple[str, ...]:
    environments = table.texts("environments")
    if not all(NAME.fullmatch(name) for name in environments):
        raise table.wrong("environments", "must be names of environments", hint='environments = ["prod"]')
    return environments
