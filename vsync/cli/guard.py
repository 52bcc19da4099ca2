"""git vsync guard: hands over to the guard, which knows nothing of click."""

import click

from vsync.guard.run import run


@click.command(
    "guard",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> int:
    """Look at what git is about to take, and refuse plaintext."""
    before = ctx.find_root().obj or {}
    given = ["-C", str(before["folder"])] if before.get("folder") else []
    given += [flag for name, flag in (("quiet", "-q"), ("as_json", "--json")) if before.get(name)]
    return run([*given, *words])
