"""What a use case gets: interfaces to the outside worlds, and values taken once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Protocol

from vsync.config.load import Config
from vsync.git import Repository
from vsync.machine.machine import Machine
from vsync.model import Json

if TYPE_CHECKING:
    from vsync.formats.binding import Location
    from vsync.keys.interface import KeyRing
    from vsync.store.interface import Store


class Terminal(Protocol):
    """The person in front of us, if there is one."""

    interactive: bool
    """Whether somebody can be asked."""

    def notice(self, text: str) -> None:
        """Say something that is no answer; silenced by `-q`."""

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Ask; `yes` answers for the user. UsageError when nobody can be asked."""

    def ask(self, question: str, *, default: str | None, flag: str) -> str:
        """Ask for a word; without anybody to ask, UsageError names the flag."""

    def secret(self, question: str, *, flag: str) -> str:
        """Ask for a secret on the terminal itself, unseen."""

    def progress(
        self, label: str, total: int, *, counted: bool = False
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Show progress over `total` bytes, 0 if unknown; the value takes how many bytes were done.

        `counted`: over things, not bytes.
        """


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for audit rows and pointers."""

    hostname: str
    local_ip: str
    os_user: str
    git_email: str | None
    meta: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """Everything outside, as interfaces; `now` is taken once. `spool` makes an unlinked private file."""

    repository: Repository
    config: Config
    machine: Machine
    keys: "KeyRing"
    terminal: Terminal
    make_actor: Callable[[], Actor]
    now: datetime
    open_store: "Callable[[Location], Store]"
    spool: Callable[[], AbstractContextManager[BinaryIO]]
    environ: dict[str, str]

    @cached_property
    def actor(self) -> Actor:
        """Who acts, found out when something is written."""
        return self.make_actor()

    @cached_property
    def checkout(self) -> str:
        """The id of this checkout."""
        return self.repository.checkout_id()
