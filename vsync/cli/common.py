"""What every verb shares: the options that stand everywhere, the world, the answer."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from vsync.errors import UsageError, VsyncError
from vsync.model import Failure, Json, Mapping, Report, Result
from vsync.report import error_lines, exit_code, to_json, to_text, untried_line
from vsync.wiring import Place, open_world
from vsync.world import World

EVERYWHERE = (
    click.Option(["-C", "folder"], metavar="DIR", help="work as if started in DIR"),
    click.Option(["-c", "config"], metavar="FILE", help="take this configuration instead of searching one"),
    click.Option(["-q", "--quiet"], is_flag=True, help="say only answers and errors"),
    click.Option(["-v", "--verbose"], is_flag=True, help="say more"),
    click.Option(["--json", "as_json"], is_flag=True, help="one JSON document on stdout"),
    click.Option(["--no-input"], is_flag=True, help="never ask; what is missing is an error"),
)
UNGUARDED = "no guard is armed here, so nothing keeps plaintext out of commits: git vsync hook install"
MAX_SECRET_BYTES = 64 * 1024
_ARMING = ("init", "hook")  # these offer the guard themselves
_SILENT = (*_ARMING, "verify")  # and this one writes nothing, not even that it was said
_NAMES = ("folder", "config", "quiet", "verbose", "as_json", "no_input")


@dataclass(frozen=True)
class Invocation:
    """One command as it was typed, apart from the verb's own options."""

    verb: str
    place: Place
    verbose: bool = False
    as_json: bool = False
    meta: dict[str, Json] | None = None

    @cached_property
    def world(self) -> World:
        """The world, opened at first use."""
        world = open_world(self.place, meta=self.meta)
        if self.verb not in _SILENT and not self.place.quiet:
            _tell_when_unguarded(world)
        return world

    def with_meta(self, meta: dict[str, Json]) -> "Invocation":
        """Return the same invocation with the caller's part of an audit row."""
        return replace(self, meta=meta)

    def select(self, words: Sequence[str], profile: str | None) -> tuple[Mapping, ...]:
        """Return the mappings that the words name (product contract §2)."""
        from vsync.config.select import select

        world = self.world
        top = world.repository.top
        return select(world.config, words, profile=profile, cwd=self.place.folder, top=top)

    def select_one(self, word: str | None, profile: str | None = None) -> Mapping:
        """Return the one mapping that the word names; UsageError lists several."""
        from vsync.config.select import select_one

        world = self.world
        top = world.repository.top
        return select_one(world.config, word, profile=profile, cwd=self.place.folder, top=top)

    def read_each(
        self,
        mappings: Sequence[Mapping],
        work: Callable[[Mapping], Result],
        *,
        needs_keys: bool,
        workers: int | None = None,
    ) -> Report:
        """Look at every vault, several at a time; one failure does not stop the others."""
        if needs_keys:
            require_keys_for(self.world, mappings)
        workers = min(workers or self.world.config.max_workers, len(mappings)) or 1

        def attempt(mapping: Mapping) -> Result | Failure:
            try:
                return work(mapping)
            except VsyncError as error:
                return Failure(str(mapping.secret), error)

        if workers == 1:
            return self.report(map(attempt, mappings))
        # For a single vault this import would cost more than looking at it.
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(workers)
        try:
            return self.report(pool.map(attempt, mappings))
        finally:
            # Ctrl-C does not wait for those who wait for a store; what is under way ends with the process.
            pool.shutdown(wait=False, cancel_futures=True)

    def write_each(
        self, mappings: Sequence[Mapping], work: Callable[[Mapping], Result], *, dry_run: bool = False
    ) -> Report:
        """Change one vault after the other; one that fails, or leaves something to decide, is the last.

        Those after it are named as not tried. A dry run only looks, and so tries them all.
        """
        require_keys_for(self.world, mappings)
        answers: list[Result | Failure] = []
        for mapping in mappings:
            answer: Result | Failure
            try:
                answer = work(mapping)
            except VsyncError as error:
                answer = Failure(str(mapping.secret), error)
            answers.append(answer)
            if not dry_run and (isinstance(answer, Failure) or answer.code):
                break
        untried = tuple(str(mapping.secret) for mapping in mappings[len(answers) :])
        return self.report(answers)._replace(untried=untried)

    def report(self, answers: Iterable[Result | Failure]) -> Report:
        """Put answers together in their order."""
        found = list(answers)
        results = tuple(answer for answer in found if isinstance(answer, Result))
        failures = tuple(answer for answer in found if isinstance(answer, Failure))
        return Report(self.verb, results, failures)


def _tell_when_unguarded(world: World) -> None:
    """Say once a clone that there are vaults here and no guard; a job of CI commits nothing."""
    if not world.config.mappings or world.environ.get("CI"):
        return
    from vsync.unguarded import must_tell, remember_told

    if must_tell(world.repository):
        world.terminal.notice(UNGUARDED)
        remember_told(world.repository)


def require_keys_for(world: World, mappings: Sequence[Mapping]) -> None:
    """Refuse one VSYNC_KEY for several vaults (product contract §4.7)."""
    if len(mappings) > 1:
        from vsync.keys.environment import EnvironmentKeys

        EnvironmentKeys(world.environ).require_one_vault([str(mapping.secret) for mapping in mappings])


def verb(
    name: str, *, epilog: str, examples: Sequence[str]
) -> Callable[[Callable[..., Report | None]], click.Command]:
    """Make a click command of a function that takes an Invocation and the verb's own options."""

    def decorate(function: Callable[..., Report | None]) -> click.Command:
        own: list[click.Parameter] = getattr(function, "__click_params__", [])
        own.reverse()

        @click.pass_context
        def callback(ctx: click.Context, /, **given: Any) -> int:
            invocation = _invocation(ctx, name, {key: given.pop(key) for key in _NAMES})
            report = function(invocation, **given)
            return 0 if report is None else tell(report, invocation)

        return click.Command(
            name,
            params=[*own, *EVERYWHERE],
            callback=callback,
            help=function.__doc__,
            epilog="\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples) + "\n\n" + epilog,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )

    return decorate


def _invocation(ctx: click.Context, name: str, given: dict[str, Any]) -> Invocation:
    """Join what stands before the verb and what stands after it; the latter wins."""
    before: dict[str, Any] = ctx.find_root().obj or {}
    both = {key: given[key] or before.get(key) for key in _NAMES}
    try:
        folder = Path(both["folder"] or ".").absolute()
    except FileNotFoundError as error:
        raise UsageError(
            "the current folder is no longer there", hint='cd "$PWD", or to another one'
        ) from error
    if not folder.is_dir():
        raise UsageError(f"there is no folder {str(folder)!r}", hint="check what stands after -C")
    place = Place(
        folder=folder,
        config=Path(both["config"]) if both["config"] else None,
        quiet=bool(both["quiet"]),
        no_input=bool(both["no_input"]),
    )
    return Invocation(name, place, bool(both["verbose"]), bool(both["as_json"]))


def tell(report: Report, invocation: Invocation) -> int:
    """Print the answer on stdout, failures on stderr, and return the exit code."""
    if invocation.as_json:
        click.echo(to_json(report))
    else:
        for line in to_text(report, quiet=invocation.place.quiet, verbose=invocation.verbose):
            click.echo(line)
    for failure in report.failures:
        for line in error_lines(failure.error):
            click.echo(line, err=True)
    if report.untried:
        click.echo(untried_line(report), err=True)
    return exit_code(report)


def given_secret(text: str, what: str) -> str:
    """Return a secret given as `-` (stdin) or `@file`; UsageError for anything else.

    One trailing LF or CRLF is removed, nothing else (formats §1.1).
    """
    if text == "-":
        data = sys.stdin.buffer.read(MAX_SECRET_BYTES + 1)
    elif text.startswith("@"):
        try:
            with Path(text[1:]).open("rb") as file:
                data = file.read(MAX_SECRET_BYTES + 1)
        except OSError as error:
            raise UsageError(
                f"cannot read {text[1:]!r} for the {what}", hint="name a readable file"
            ) from error
    else:
        raise UsageError(
            f"the {what} must not stand on the command line, where others can read it",
            hint=f"pass - and write the {what} to stdin, or @FILE",
        )
    if len(data) > MAX_SECRET_BYTES:
        raise UsageError(f"the {what} has more than {MAX_SECRET_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"the {what} is not UTF-8") from error
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")


def meta_of(pairs: Sequence[str], note: str | None) -> dict[str, Json]:
    """Return the caller's part of an audit row from `--meta k=v` and `--note` (formats §7)."""
    meta: dict[str, Json] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--meta {pair!r} is not KEY=VALUE", hint="--meta ticket=OPS-12")
        if key.startswith("_"):
            raise UsageError("a name in --meta must not begin with _", hint="those are vsync's own")
        meta[key] = value
    return meta | ({"note": note} if note is not None else {})
