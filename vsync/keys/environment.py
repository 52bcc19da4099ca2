"""Keys for machines without a keychain: from variables, a file or a command.

In this order, the first that is set counts; a variable that is empty is not set, as in a
pipeline that withholds its secrets:

1. `VSYNC_KEY_<SECRET_NAME>`: upper case, every other character `_`. Serves any account.
2. `VSYNC_KEY_FILE`: a file that only its owner can use.
3. `VSYNC_KEY_COMMAND`: what a command prints; `VSYNC_ACCOUNT` tells it which key is wanted,
   and printing nothing means that it has none.
4. `VSYNC_KEY`: the key itself.
5. The command of the user's own configuration.

2 to 5 give current keys only, never retired ones. One trailing LF or CRLF is removed from
each, nothing else (formats §1.1).
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vsync.errors import KeyUnavailable, UsageError
from vsync.formats.vaultkey import MIN_KEY_CHARACTERS
from vsync.keys.limited import within
from vsync.keys.private_file import read_private

MAX_KEY_BYTES = 64 * 1024
COMMAND_SECONDS = 30.0  # a vault's own command line may go over the network

NAMED = "VSYNC_KEY_"
FILE = "VSYNC_KEY_FILE"
COMMAND = "VSYNC_KEY_COMMAND"
PLAIN = "VSYNC_KEY"
CONFIGURED = "key command of config.toml"


class EnvironmentKeys:
    """The keys that the environment gives; a read-only `KeyRing`.

    `command` comes from the user's own configuration, never from a repository. A command
    is run without a shell, at most `timeout` seconds, once an account.
    """

    writable = False

    def __init__(
        self, environ: Mapping[str, str], *, command: str | None = None, timeout: float = COMMAND_SECONDS
    ) -> None:
        self._environ = environ
        self._timeout = timeout
        self._readers: dict[str, Callable[[str], str | None]] = {
            FILE: lambda _: _from_file(Path(environ[FILE])),
            COMMAND: lambda account: self._from_command(environ[COMMAND], account),
            PLAIN: lambda _: environ[PLAIN],
            CONFIGURED: lambda account: self._from_command(command or "", account),
        }
        in_use = [name for name in (FILE, COMMAND, PLAIN) if environ.get(name)]
        self._unnamed = next(iter([*in_use, *([CONFIGURED] if command else [])]), None)
        self._answered: dict[str, str | None] = {}

    @property
    def source(self) -> str:
        """Name the variables in use; `environment` when there is none."""
        named = sorted(
            name
            for name, value in self._environ.items()
            if value and name.startswith(NAMED) and name not in {FILE, COMMAND}
        )
        return ", ".join([*named, *([self._unnamed] if self._unnamed else [])]) or "environment"

    @property
    def single_vault(self) -> bool:
        """Whether a variable or file that holds one key would serve whatever is asked for."""
        return self._unnamed in {FILE, PLAIN}

    def require_one_vault(self, accounts: Sequence[str]) -> None:
        """Refuse to give one key to several vaults: UsageError (product contract §4.7)."""
        unnamed = [account for account in accounts if not self._environ.get(variable(account))]
        if self.single_vault and len(unnamed) > 1:
            raise UsageError(
                f"{self._unnamed} holds the key of one vault, and {len(unnamed)} are selected",
                hint=f"name one vault, or set {' and '.join(variable(account) for account in unnamed[:3])}",
            )

    def get(self, account: str) -> str | None:
        """Return the key text, or None; KeyUnavailable when what is set cannot be used."""
        name = variable(account)
        if self._environ.get(name):
            return _checked(self._environ[name], name)
        # A retired or pending key is never the one that is in use now.
        if self._unnamed is None or "#" in account:
            return None
        if account not in self._answered:
            text = self._readers[self._unnamed](account)
            self._answered[account] = None if text is None else _checked(text, self._unnamed)
        return self._answered[account]

    def set(self, account: str, text: str) -> None:  # noqa: ARG002  the interface's
        """Raise KeyUnavailable: nothing can be stored here."""
        raise self._read_only(account)

    def delete(self, account: str) -> None:
        """Raise KeyUnavailable: nothing can be removed here."""
        raise self._read_only(account)

    def _read_only(self, account: str) -> KeyUnavailable:
        return KeyUnavailable(
            f"the key of {account} comes from the environment, which cannot be written",
            hint="run this where there is a keychain or a sealed key file",
        )

    def _from_command(self, command: str, account: str) -> str | None:
        output = _output(_words(command), self._child_environment(account), self._timeout)
        return _text(output, COMMAND) if output.strip() else None

    def _child_environment(self, account: str) -> dict[str, str]:
        # The command needs the user's environment, and none of our secrets.
        kept = {name: value for name, value in self._environ.items() if not name.startswith("VSYNC_")}
        return {**kept, "VSYNC_ACCOUNT": account}


def variable(account: str) -> str:
    """Return the variable that holds the key of one account: `VSYNC_KEY_MYAPP_PROD`."""
    return NAMED + re.sub(r"[^A-Z0-9]", "_", account.upper())


def _checked(text: str, source: str) -> str:
    text = _without_line_end(text)
    try:
        text.encode()
    except UnicodeEncodeError:
        # From None: the error would quote the key.
        raise KeyUnavailable(f"{source} is not UTF-8 text") from None
    if len(text) < MIN_KEY_CHARACTERS:
        raise KeyUnavailable(
            f"{source} gives fewer than the {MIN_KEY_CHARACTERS} characters a vault key has",
            hint="ask somebody who has the vault for a share, and set the whole key",
        )
    return text


def _without_line_end(text: str) -> str:
    return text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")


def _text(data: bytes, source: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise KeyUnavailable(f"{source} is not UTF-8 text") from None


def _from_file(path: Path) -> str:
    data = read_private(path.expanduser(), limit=MAX_KEY_BYTES)
    if data is None:
        raise KeyUnavailable(f"{FILE} names {path}, and there is no such file")
    return _text(data, FILE)


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command, posix=sys.platform != "win32")
    except ValueError as error:
        raise KeyUnavailable("the key command has an open quote", hint=f"mend {COMMAND}") from error
    if not words:
        raise KeyUnavailable("the key command is empty", hint=f"mend or unset {COMMAND}")
    return words


def _output(words: list[str], environment: dict[str, str], timeout: float) -> bytes:
    # Only the program is ever named: its arguments may be secret.
    program = words[0]
    try:
        # stderr is dropped: a helper that echoes what it was asked for must not reach a log.
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, ValueError) as error:
        raise KeyUnavailable(f"the key command {program!r} cannot be started") from error
    try:
        return within(timeout, lambda _: _finish(child, program))
    except TimeoutError as error:
        raise KeyUnavailable(f"the key command {program!r} did not end within {timeout:g} s") from error
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _finish(child: "subprocess.Popen[bytes]", program: str) -> bytes:
    with child:
        output = child.stdout.read(MAX_KEY_BYTES + 1) if child.stdout else b""
        if len(output) > MAX_KEY_BYTES:
            child.kill()
            raise KeyUnavailable(f"the key command {program!r} printed more than a key")
    if child.returncode:
        raise KeyUnavailable(
            f"the key command {program!r} failed with exit code {child.returncode}",
            hint="run it yourself to see why",
        )
    return output
