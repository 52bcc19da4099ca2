"""git vsync guard: hands over to the guard, which knows nothing of click.

`vsync/__main__.py` goes past this file; it is reached with other words before the verb, and its
options are what manual and completion know.
"""

import click

from vsync.cli.common import EVERYWHERE
from vsync.guard.run import run
from vsync.guard.words import FORMATS, HELP


class Guard(click.Command):
    """A command that keeps its words as they were typed, once click has understood them."""

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002 - click's signature
        """Return the guard's own help, the same on every way in."""
        return HELP.rstrip()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, and remember what."""
        ctx.meta["words"] = list(args)
        return super().parse_args(ctx, args)


@click.pass_context
def _hand_over(ctx: click.Context, /, **_: object) -> int:
    before = ctx.find_root().obj or {}
    given = ["-C", str(before["folder"])] if before.get("folder") else []
    given += ["-c", str(before["config"])] if before.get("config") else []
    given += [flag for name, flag in (("quiet", "-q"), ("as_json", "--json")) if before.get(name)]
    return run([*given, *ctx.meta["words"]])


command = Guard(
    "guard",
    callback=_hand_over,
    help="Look at what git is about to take, and refuse plaintext.",
    epilog="\b\nExamples:\n  git vsync guard\n  git vsync guard --range main..HEAD --format github\n"
    "  git vsync guard --fix-help\n\nA finding names path, line, rule and variable, never the value.",
    params=[
        click.Argument(["files"], nargs=-1, metavar="[FILE]..."),
        click.Option(["--staged"], is_flag=True, help="staged content (the default)"),
        click.Option(["--range"], metavar="A..B", help="what these commits add"),
        click.Option(["--all"], is_flag=True, help="every tracked file"),
        click.Option(["--history"], is_flag=True, help="what every reachable commit added"),
        click.Option(["--format"], type=click.Choice(FORMATS), help="how to say it"),
        click.Option(["--fix-help"], is_flag=True, help="after a leak: what to type; changes nothing"),
        *EVERYWHERE,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
