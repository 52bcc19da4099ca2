"""git vsync demo: the whole story in a temporary folder."""

import tempfile
from pathlib import Path

import click

from vsync.cli.common import Invocation, verb
from vsync.model import Report, Result
from vsync.report import harmless


@verb(
    "demo",
    epilog="It touches nothing outside its temporary folder, and needs no keychain and no network.",
    examples=("git vsync demo", "git vsync demo --keep      # leave the folder there to look at"),
)
@click.option("--keep", is_flag=True, help="leave the temporary folder there, and say where")
def command(call: Invocation, keep: bool) -> Report:
    """Watch a vault go from one machine to another through an encrypted store.

    Exits with 0 only if each step did what it says.
    """
    from vsync.demo import tell

    root = Path(tempfile.mkdtemp(prefix="vsync-demo-"))
    results = []
    try:
        for result in tell(root):
            results.append(result)
            if not call.as_json:
                click.echo(harmless(result.summary))
    finally:
        if keep:
            click.echo(f"kept: {root}", err=True)
        else:
            _remove(root)
    if call.as_json:
        return call.report(results)
    failed = any(result.code for result in results)
    return call.report([Result(None, "failed", "the demo failed", code=1)] if failed else [])


def _remove(root: Path) -> None:
    import shutil

    shutil.rmtree(root, ignore_errors=True)
