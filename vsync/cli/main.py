"""The command: a table of verbs, and the one boundary where errors become exit codes."""

import contextlib
import errno
import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn, TextIO

import click

from vsync import __version__
from vsync.errors import DiskError, UsageError, VsyncError

# Verb → one line. A verb's module is imported only when it runs: `-h` must not wait for boto3.
VERBS = {
    "init": "make a vault: mapping, key, binding, folder and ignore rule",
    "profile": "named stores: add, list, show, test, remove",
    "push": "publish the vault folder as the next version",
    "pull": "replace the vault folder by the newest version, verified",
    "status": "one line a vault: folder, remote, lock, key",
    "verify": "find drift between folder, lock, bundle and key",
    "lock": "record in vsync.lock the version this checkout has",
    "versions": "every version of a vault, newest first",
    "diff": "what differs between the folder and a version or file",
    "restore": "bring back a local backup of what a pull replaced",
    "use": "point .env at a vault's env file",
    "template": "write or check .env.example from the names in a vault",
    "export": "both halves of a vault for a colleague, under a passphrase",
    "import": "take both halves of a vault from a .share",
    "accept": "take an older state of the store, after a restore that was meant",
    "audit": "who pushed, pulled and shared",
    "completion": "completion for bash, zsh or fish",
    "guard": "refuse plaintext in what git is about to take",
    "hook": "git hooks that run the guard: install, uninstall, status",
    "demo": "the whole story in a temporary folder",
}

# What users of neighbouring tools type.
ELSEWHERE = {
    "profiles": "profile list",
    "vault-push": "push",
    "vault-pull": "pull",
    "vault-status": "status",
    "upload": "push",
    "download": "pull",
    "sync": "pull",
    "share": "export",
    "log": "audit",
    "history": "versions",
    "list": "status",
    "ls": "status",
    "compare": "diff",
    "example": "template",
    "link": "use",
    "activate": "use",
    "new": "init",
    "setup": "init",
    "fetch": "status --check-remote",
}


class Verbs(click.Group):
    """The verb table; also answers for the words of neighbouring tools."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order of the manual."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the verb's module and return its command."""
        if cmd_name not in VERBS:
            return None
        # `import` is a keyword, so its module cannot have that name.
        module = "import_" if cmd_name == "import" else cmd_name
        command = importlib.import_module(f"vsync.cli.{module}").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say the right word when a neighbour's was typed."""
        word = args[0]
        if word not in VERBS and not word.startswith("-"):
            raise UsageError(f"there is no verb {word!r}", hint=_suggestion(word))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def _suggestion(word: str) -> str:
    import difflib

    near = ELSEWHERE.get(word) or next(iter(difflib.get_close_matches(word, VERBS, 1, 0.6)), None)
    return f"git vsync {near}" if near else "git vsync -h lists them"


@click.command(
    cls=Verbs,
    name="git vsync",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A vault is an environment, a secret name or a folder. git vsync VERB -h explains a verb; "
    "man git-vsync has it all.",
)
@click.option("-C", "folder", metavar="DIR", help="work as if started in DIR")
@click.option("-c", "config", metavar="FILE", help="take this configuration instead of searching one")
@click.option("-q", "--quiet", is_flag=True, help="say only answers and errors")
@click.option("-v", "--verbose", is_flag=True, help="say more")
@click.option("--json", "as_json", is_flag=True, help="one JSON document on stdout")
@click.option("--no-input", is_flag=True, help="never ask; what is missing is an error")
@click.version_option(__version__, prog_name="vsync", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **given: object) -> None:
    """Secrets that follow your git repository.

    Vault folders that git ignores are encrypted into versioned bundles in your own bucket.
    """
    ctx.obj = given


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code (product contract §7)."""
    _open_missing_streams()
    # Files are hashed and keys derived while botocore is imported: the import must not keep the
    # interpreter for itself, nor spend a tenth of its time looking for garbage in itself.
    sys.setswitchinterval(0.0005)
    gc.set_threshold(50_000)
    # SIGTERM ends like Ctrl-C: what was begun is undone or finished by the next start.
    signal.signal(signal.SIGTERM, _terminate)
    words = list(sys.argv[1:] if arguments is None else arguments)
    code = 0
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our answer has gone; that is not an error of ours.
        _stop_writing(sys.stdout)
    except OSError as error:
        _stop_writing(sys.stdout)
        reason = (error.strerror or type(error).__name__).lower()
        code = _tell([], DiskError(f"cannot write the answer: {reason}", hint="check where stdout goes"))
    _leave(code)


def _open_missing_streams() -> None:
    """Replace streams that were closed before we started, so that no file gets their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - lives as long as we do


def _run(words: list[str]) -> int:
    """Run one command and return its code; whatever went wrong was told."""
    try:
        # The name completion scripts know us by; git itself calls us as `git-vsync`.
        program = os.path.basename(sys.argv[0]).replace("-", "_").upper()
        return cli.main(words, "git vsync", f"_{program}_COMPLETE", standalone_mode=False) or 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except SystemExit as error:
        # How click itself ends when nobody reads the answer any more.
        raise BrokenPipeError from error
    except BaseException as error:
        if isinstance(error, OSError) and _is_about_stdout(error):
            raise
        return _tell(words, _ours(error))


def _ours(error: BaseException) -> VsyncError:
    """Return what to tell about anything that was raised: a bug is reported, never hidden."""
    if isinstance(error, VsyncError):
        return error
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        print(error.ctx.get_help() if error.ctx else "", file=sys.stderr)
        return UsageError("no verb was given", hint="to begin: git vsync init")
    if isinstance(error, click.ClickException):
        return UsageError(_one_line(error), hint=_usage(error))
    # click turns whatever interrupts it into an Abort of its own.
    if isinstance(error, Terminated) or isinstance(error.__cause__, Terminated):
        return Interrupted("terminated", 128 + signal.SIGTERM)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Interrupted("interrupted", 128 + signal.SIGINT)
    from vsync.cli.bug import bug_of

    return bug_of(error)


def _is_about_stdout(error: OSError) -> bool:
    """Tell whether an answer could not be written: such an error names no file."""
    return error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF)


def _stop_writing(stream: TextIO) -> None:
    """Let what is still in the stream's buffer go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _leave(code: int) -> NoReturn:
    """Exit without waiting for threads that still warm a store up."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


class Terminated(KeyboardInterrupt):
    """SIGTERM, which unwinds like Ctrl-C."""


class Interrupted(VsyncError):
    """A signal ended the command; its number decides the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # one class for both signals


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a handler's signature
    raise Terminated


def _tell(words: list[str], error: VsyncError) -> int:
    from vsync.report import error_json, error_lines

    with contextlib.suppress(BrokenPipeError):
        for line in error_lines(error):
            print(line, file=sys.stderr)
        if "--json" in words:
            verb = next((word for word in words if word in VERBS), "")
            print(error_json(verb, error))
    return error.exit_code


def _one_line(error: click.ClickException) -> str:
    text = (
        " ".join(error.format_message().split())
        .replace(". (Did you", " (did you")
        .replace(". Did you", "; did you")
    )
    return text[:1].lower() + text[1:].rstrip(".")


def _usage(error: click.ClickException) -> str | None:
    ctx = getattr(error, "ctx", None)
    return f"{ctx.command_path} -h" if ctx is not None else "git vsync -h"


if __name__ == "__main__":
    main()
