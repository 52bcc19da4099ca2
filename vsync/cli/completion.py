"""git vsync completion: what makes a shell complete verbs and options, and man find the manual."""

import os
from importlib import metadata
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from vsync.cli.common import Invocation, verb
from vsync.errors import NotFound, UsageError
from vsync.files import translated
from vsync.machine.folders import data_folder
from vsync.model import Report, Result

SHELLS = ("bash", "zsh", "fish")
PAGE = "git-vsync.1"


@verb(
    "completion",
    epilog="It completes `git-vsync` and `vsync`. --man is for installers that leave manuals where man does "
    "not look, such as `uv tool install`.",
    examples=(
        'eval "$(git vsync completion bash)"    # in ~/.bashrc',
        'eval "$(git vsync completion zsh)"     # in ~/.zshrc',
        "git vsync completion fish > ~/.config/fish/completions/vsync.fish",
        "git vsync completion --man              # then: git vsync --help",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--man", is_flag=True, help="copy the manual to your own man folder instead")
def command(call: Invocation, shell: str | None, *, man: bool) -> Report | None:
    """Print the completion script of a shell, or put the manual where man finds it."""
    if man == (shell is not None):
        raise UsageError(
            "completion takes either a shell or --man", hint=f"git vsync completion {shell or SHELLS[0]}"
        )
    if shell is None:
        return call.report((_install_manual(_manual(), dict(os.environ)),))
    script = _script(shell)
    if call.as_json:
        return call.report((Result(None, "script", f"completion for {shell}", data={"script": script}),))
    click.echo(script)
    return None


def _script(shell: str) -> str:
    from vsync.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"no completion for {shell}")
    sources = []
    for program in ("vsync", "git-vsync"):
        variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
        sources.append(kind(cli, {}, program, variable).source())
    return "\n".join(sources)


def _manual() -> Path:
    """Return the page as it was installed, or as it is in the source tree."""
    try:
        installed = metadata.files("vsync") or []
    except metadata.PackageNotFoundError:
        installed = []
    candidates = [Path(str(file.locate())) for file in installed if file.name == PAGE]
    candidates.append(Path(__file__).parents[2] / "docs" / "man" / PAGE)
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise NotFound("the manual was not installed", hint="install vsync again, with pip, pipx or uv")
    return found


def _install_manual(page: Path, environ: dict[str, str]) -> Result:
    target = data_folder(environ).parent / "man" / "man1" / PAGE
    with translated(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{PAGE}.tmp")
        beside.write_bytes(page.read_bytes())
        os.replace(beside, target)
    return Result(None, "installed", f"wrote {target}; try it: git vsync --help", data={"file": str(target)})
