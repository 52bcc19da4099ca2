"""The person in front of us: notices, questions, progress; everything on stderr or the terminal itself."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from vsync.errors import UsageError
from vsync.report import harmless
from vsync.world import Terminal

PROGRESS_AFTER_SECONDS = 0.5
AGENTS = (
    *("AI_AGENT", "AGENT", "CLAUDECODE", "CODEX_SANDBOX", "CURSOR_AGENT", "GEMINI_CLI", "GOOSE_TERMINAL"),
    *("OPENCODE", "CLINE_ACTIVE", "AUGMENT_AGENT", "QWEN_CODE"),
)
"""Variables that programs which type for people set for the commands they run (attack 94)."""


class Console:
    """A Terminal on this process's own streams; see `world.Terminal` for what it promises."""

    def __init__(self, *, quiet: bool, no_input: bool) -> None:
        self._quiet = quiet
        self.interactive = not no_input and sys.stdin.isatty() and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def notice(self, text: str) -> None:
        """Say something that is no answer, once."""
        with self._lock:
            if not self._quiet and text not in self._told:
                self._told.add(text)
                print(f"vsync: {harmless(text)}", file=sys.stderr)  # noqa: T201 - the one place for notices

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Ask yes or no; UsageError when there is nobody to ask."""
        if yes:
            return True
        self._require_person(question, "--yes")
        import click

        return click.confirm(harmless(question), default=False, err=True)

    def ask(self, question: str, *, default: str | None, flag: str) -> str:
        """Ask for a word."""
        self._require_person(question, flag)
        import click

        return str(click.prompt(harmless(question), default=default, err=True))

    def secret(self, question: str, *, flag: str) -> str:
        """Ask on the terminal itself, unseen; stdin may be a pipe."""
        self._require_person(question, flag)
        import getpass

        try:
            return getpass.getpass(f"{harmless(question)}: ")
        except EOFError:
            # Ctrl-D instead of an answer: nobody wants to go on.
            raise KeyboardInterrupt from None

    def _require_person(self, question: str, flag: str) -> None:
        if not self.interactive:
            raise UsageError(f"cannot ask: {question}", hint=f"say it on the command line: {flag}")

    @contextmanager
    def progress(self, label: str, total: int, *, counted: bool = False) -> Iterator[Callable[[int], None]]:
        """Show a bar on a terminal for what takes longer than half a second."""
        if self._quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            yield lambda _: None
            return
        bar = _Bar(harmless(label), total, counted=counted)
        try:
            yield bar.advance
        finally:
            bar.stop()


class Barless:
    """A terminal without bars of its own: one of many that work at once, below a bar for all of them."""

    def __init__(self, inner: Terminal) -> None:
        self._inner = inner
        self.interactive = inner.interactive
        self.notice = inner.notice
        self.confirm = inner.confirm
        self.ask = inner.ask
        self.secret = inner.secret

    def progress(self, *_: object, **__: object) -> AbstractContextManager[Callable[[int], None]]:
        """Show nothing."""
        return nullcontext(lambda _: None)


class _Bar:
    """A rich progress bar that appears only when the work turns out to be slow."""

    def __init__(self, label: str, total: int, *, counted: bool) -> None:
        self._label, self._total, self._done, self._counted = label, total, 0, counted
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()

    def advance(self, count: int) -> None:
        """Count what was done."""
        self._done += count

    def stop(self) -> None:
        """Take the bar away."""
        self._finished.set()
        self._thread.join()

    def _show(self) -> None:
        if self._finished.wait(PROGRESS_AFTER_SECONDS):
            return
        from rich.console import Console as RichConsole
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        amount = MofNCompleteColumn() if self._counted else DownloadColumn()
        columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
        with Progress(*columns, console=RichConsole(stderr=True), transient=True) as shown:
            task = shown.add_task(self._label, total=self._total or None)
            while not self._finished.wait(0.1):
                shown.update(task, completed=self._done)
