"""git vsync verify: would deploying this commit now work? Folder, lock, bundle and key agree, or not."""

import os
from dataclasses import replace

import click

from vsync.cli.common import Invocation, verb
from vsync.errors import UsageError, VsyncError
from vsync.model import Failure, Mapping, Report, Result
from vsync.report import error_lines, exit_code, to_json
from vsync.reports.text import UNKNOWN
from vsync.sync.verify import VerifyOptions, common, verify, verify_repository
from vsync.terminal import Barless

FORMATS = ("text", "json", "github", "sarif", "junit")
WORKERS = 16  # most of the time goes into waiting for the store


@verb(
    "verify",
    epilog="0 in sync, 1 drift, 2 wrong configuration, 10 nothing pushed yet, 12 no key, 13 do not trust, 14 "
    "store unreachable, 15 git says no: what could not be looked at is never 0. Writes nothing.",
    examples=(
        "git vsync verify",
        "git vsync verify --ci",
        "git vsync verify --ci --offline",
        "git vsync verify prod --deep --format junit > vsync.xml",
    ),
)
@click.argument("vaults", nargs=-1, metavar="[VAULT]...")
@click.option("--profile", metavar="P", help="also the vaults that are mapped for profile P")
@click.option("--ci", is_flag=True, help="for a job: a line a finding, nothing asked; folders may be absent")
@click.option("--offline", is_flag=True, help="only the checks that need neither key nor network")
@click.option("--deep", is_flag=True, help="open every version, not only the one that counts")
@click.option("--strict", is_flag=True, help="what is only worth knowing is a finding, too")
@click.option("--format", "form", type=click.Choice(FORMATS), help="how to say it; text if left out")
def command(
    call: Invocation, vaults: tuple[str, ...], profile: str | None, form: str | None, **flags: bool
) -> None:
    """Find drift between the vault folder, vsync.lock, the store and the key.

    Judges the version that vsync.lock pins, else the newest: one pointer read and one bundle read a
    vault.
    """
    if call.as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form} exclude each other", hint="leave one of them out")
    options = VerifyOptions(**flags)
    try:
        report = _verify(call, vaults, profile, options)
    except VsyncError as error:
        # A job that reads a file of ours gets one, whatever it was that kept us from looking.
        report = Report("verify", failures=(Failure("repository", error),))
    for line in _shown(report, "json" if call.as_json else form or "text", options):
        click.echo(line)
    _tell_github(report)
    for line in _errors(report):
        click.echo(line, err=True)
    click.get_current_context().exit(exit_code(report))


def _verify(call: Invocation, vaults: tuple[str, ...], profile: str | None, options: VerifyOptions) -> Report:
    world, chosen = call.world, call.select(vaults, profile)
    shared = common(world, chosen)
    # Many downloads at once share one screen: one bar for all of them.
    quiet = replace(world, terminal=Barless(world.terminal)) if len(chosen) > 1 else world
    with world.terminal.progress("verify", len(chosen), counted=True) as done:

        def judge(mapping: Mapping) -> Result:
            try:
                return verify(quiet, mapping, shared, options)
            finally:
                done(1)

        report = call.read_each(chosen, judge, needs_keys=not options.offline, workers=WORKERS)
    of_all = verify_repository(shared)
    return Report("verify", (*report.results, *((of_all,) if of_all else ())), report.failures)


def _shown(report: Report, form: str, options: VerifyOptions) -> list[str]:
    if form == "json":
        return [to_json(report)]
    if form == "sarif":
        from vsync.reports.sarif import to_sarif

        return [to_sarif(report)]
    if form == "junit":
        from vsync.reports.junit import to_junit

        return [to_junit(report)]
    from vsync.reports.github import annotations
    from vsync.reports.text import verify_lines

    lines = verify_lines(report, brief=options.ci)
    if form == "github":
        return [*annotations(report), lines[-1]]
    in_actions = options.ci and os.environ.get("GITHUB_ACTIONS") == "true"
    return [*annotations(report), *lines] if in_actions else lines


def _errors(report: Report) -> list[str]:
    """Return the lines for stderr: what could not be looked at, each with its vault."""
    lines = [line for failure in report.failures for line in error_lines(failure.error)]
    for result in report.results:
        if result.state == UNKNOWN:
            told = result.findings[-1]
            about = "" if str(result.vault) in told.found else f"{result.vault}: "
            lines += error_lines(VsyncError(f"{about}{told.found}", hint=told.fix))
    return lines


def _tell_github(report: Report) -> None:
    """Append a table to the summary of the step, where the runner wants one."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from vsync.reports.github import step_summary

    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(step_summary(report))
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        click.echo(f"vsync: cannot write the summary of the step: {reason}", err=True)
