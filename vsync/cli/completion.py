"""git vsync completion: what makes a shell complete verbs and options."""

import click
from click.shell_completion import get_completion_class

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


@verb(
    "completion",
    epilog="It completes `git-vsync` and `vsync`.",
    examples=(
        'eval "$(git vsync completion bash)"    # in ~/.bashrc',
        'eval "$(git vsync completion zsh)"     # in ~/.zshrc',
        "git vsync completion fish > ~/.config/fish/completions/vsync.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(call: Invocation, shell: str) -> None:  # noqa: ARG001 - every verb gets it
    """Print the completion script of a shell."""
    from vsync.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"no completion for {shell}")
    for program in ("vsync", "git-vsync"):
        variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
        click.echo(kind(cli, {}, program, variable).source())
