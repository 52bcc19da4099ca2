"""Whether a person sees the answer: values are shown to nobody else (attacks 55, 94)."""

import sys

from vsync.cli.common import Invocation
from vsync.errors import UsageError
from vsync.terminal import AGENTS


def require_person(call: Invocation, flag: str) -> None:
    """Refuse, naming the flag, unless the answer goes to a terminal with somebody in front of it."""
    agent = next((name for name in AGENTS if call.world.environ.get(name)), None)
    problem = None
    if call.as_json:
        problem = "and --json is for programs"
    elif agent is not None:
        problem = f"and {agent} says that a program is typing"
    elif not (call.world.terminal.interactive and sys.stdout.isatty()):
        problem = "and nobody sits before this output"
    if problem:
        raise UsageError(
            f"{flag} shows values to a person at a terminal only, {problem}",
            hint=f"leave {flag} out, or type the command yourself in a terminal",
        )
