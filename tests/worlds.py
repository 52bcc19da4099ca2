"""People with a checkout and a machine each, in one process: real git, real files, a real store.

    team = Team(tmp_path)
    ana, ben = team.desk("ana"), team.desk("ben")
    ana.write(".env.prod", "A=1\n")
    ana.push()
    ben.pull()

Each verb gets a world of its own, as each run of the program does. The clock stands still
unless a test moves it; only the key ring is a fake, and an honest one.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vsync.config.load import load_config
from vsync.errors import RolledBack, UsageError
from vsync.formats import envelope, vaultkey
from vsync.formats import pointer as pointers
from vsync.formats.binding import Binding, Layout, Location
from vsync.formats.content import content_digest
from vsync.formats.layout import Root, root_of
from vsync.formats.pointer import Pointer
from vsync.formats.vaultkey import VaultKey
from vsync.git import Repository
from vsync.machine.halves import place_digest
from vsync.machine.machine import Machine
from vsync.machine.settings import Settings
from vsync.model import Json, Mapping, Result, SecretName
from vsync.store.folder import FolderStore
from vsync.store.interface import Store
from vsync.store.s3 import S3Location
from vsync.sync.audit import audit
from vsync.sync.diff import DiffOptions, diff
from vsync.sync.head import read_head
from vsync.sync.opened import open_vault
from vsync.sync.places import file_url
from vsync.sync.publish import Content, publish
from vsync.sync.pull import PullOptions, pull
from vsync.sync.push import PushOptions, push
from vsync.sync.restore import restore_backup
from vsync.sync.snapshot import folder_of
from vsync.sync.status import status
from vsync.sync.templating import TemplateOptions, template
from vsync.sync.versions import versions
from vsync.wiring import spool
from vsync.world import Actor, World

SECRET = SecretName("app", "prod")
FOLDER = "infra/vault/prod"
KEY_TEXT = "the vault key of the tests, 44 characters.."
SALT = "a salt of the tests, 24."
OTHER_KEY_TEXT = "another vault key, as long as it has to be.."
NOON = datetime(2026, 5, 23, 12, 0, 0, tzinfo=UTC)
AT_NOON = "20260523-120000"
CONFIG = f"""\
[vault]
provider = "file"
repo = "app"

[[vault.sync.mappings]]
secret_name = "app/prod"
folder_path = "{FOLDER}"
environment = "prod"
"""
IGNORED = f"/{FOLDER}\n/.env\n"

# A pure function that costs 70 ms: remembered, not replaced.
setattr(vaultkey, "derive", functools.cache(envelope.derive))  # noqa: B010 - mypy sees no such export


def vault_key(key_text: str = KEY_TEXT) -> VaultKey:
    return VaultKey.from_texts(key_text, SALT)


class MemoryKeys:
    """A key ring in memory: honest, and gone with the test."""

    source = "memory"
    writable = True

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def get(self, account: str) -> str | None:
        return self.texts.get(account)

    def set(self, account: str, text: str) -> None:
        self.texts[account] = text

    def delete(self, account: str) -> None:
        self.texts.pop(account, None)


class Nobody:
    """A terminal with nobody in front of it; keeps what was said."""

    interactive = False

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def confirm(self, question: str, *, yes: bool) -> bool:
        if not yes:
            raise UsageError(question)
        return True

    def ask(self, question: str, *, default: str | None, flag: str) -> str:
        raise UsageError(question, hint=flag)

    def secret(self, question: str, *, flag: str) -> str:
        raise UsageError(question, hint=flag)

    @contextmanager
    def progress(self, label: str, total: int, *, counted: bool = False) -> Iterator[Callable[[int], None]]:
        yield lambda _: None


@dataclass
class Team:
    """What people share: a store, a binding, a key."""

    folder: Path
    layout: Layout = "vsync"
    s3: S3Location | None = None
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = FolderStore(self.folder / "store")

    @property
    def binding(self) -> Binding:
        location = Location(url=file_url(self.folder / "store"))
        if self.s3 is not None:
            found = self.s3
            location = Location(
                found.endpoint,
                found.region,
                found.bucket,
                found.access_key_id,
                found.secret_access_key,
            )
        return Binding(location, SALT, f"{SECRET}/" if self.layout == "vsync" else None, self.layout)

    @property
    def root(self) -> Root:
        return root_of(SECRET, self.binding)

    def desk(self, person: str) -> "Desk":
        """Give a person a repository with a mapped vault, and a machine that has both halves."""
        desk = Desk(self, person)
        desk.top.mkdir(parents=True)
        desk.git("init", "-q")
        (desk.top / "vsync.toml").write_text(CONFIG)
        (desk.top / ".gitignore").write_text(IGNORED)
        desk.git("config", "user.email", desk.email)
        machine = desk.world().machine
        machine.bindings.write(SECRET, self.binding)
        machine.remember_fit(place_digest(self.binding))
        return desk

    def pointer(self) -> Pointer:
        """Return the newest pointer as it is in the store."""
        data = self.store.read(self.root.head, limit=1 << 16).data
        return pointers.from_bytes(data, vault_key(), str(SECRET))

    def objects(self) -> dict[str, bytes]:
        """Return everything in the store."""
        return {
            info.name: self.store.read(info.name, limit=1 << 26).data
            for info in self.store.names(self.root.prefix)
        }

    def copy(self, to: Path) -> "Team":
        """Return the same team, desks and store, in another folder."""
        shutil.copytree(self.folder, to, symlinks=True)
        return Team(to, self.layout, self.s3)


@dataclass
class Desk:
    """One person's checkout on one machine; verbs are methods, each in a world of its own."""

    team: Team
    person: str
    now: datetime = NOON
    store: Store | None = None
    settings: Settings = field(default_factory=lambda: Settings(audit_timeout=5, lock_timeout=5))
    terminal: Nobody = field(default_factory=Nobody)
    keys: MemoryKeys = field(default_factory=lambda: MemoryKeys({str(SECRET): KEY_TEXT}))

    @property
    def email(self) -> str:
        return f"{self.person}@example.com"

    @property
    def top(self) -> Path:
        return self.team.folder / self.person / "checkout"

    @property
    def base(self) -> Path:
        return self.team.folder / self.person / "machine"

    @property
    def vault(self) -> Path:
        return self.top / FOLDER

    @property
    def notices(self) -> str:
        return "\n".join(self.terminal.notices)

    def world(self, meta: dict[str, Json] | None = None) -> World:
        """Return a world as `wiring.open_world` builds it."""
        repository = Repository.find(self.top)
        return World(
            repository=repository,
            config=load_config(self.top, repository.top),
            machine=Machine(self.base, self.settings, {}, self.terminal.notice),
            keys=self.keys,
            terminal=self.terminal,
            make_actor=lambda: Actor(
                f"{self.person}s-laptop", "127.0.0.1", self.person, self.email, meta or {}
            ),
            now=self.now,
            open_store=lambda _: self.store or self.team.store,
            spool=spool,
            environ={},
        )

    @property
    def mapping(self) -> Mapping:
        return self.world().config.mappings[0]

    def push(self, **options: Any) -> Result:
        world = self.world()
        return push(world, world.config.mappings[0], PushOptions(**options))

    def push_unchecked(self) -> None:
        """Publish the folder as a writer does that looks at no name in the env file."""
        world = self.world()
        vault = open_vault(world, world.config.mappings[0])
        tree = folder_of(world, vault.mapping).scan()
        content = Content(tree, (), content_digest(tree.states, vault.key.content_mac))
        publish(vault, content, read_head(vault), note={})

    def pull(self, **options: Any) -> Result:
        world = self.world()
        return pull(world, world.config.mappings[0], PullOptions(**options))

    def note_pull(self) -> None:
        """Note what a pull notes before it replaces the folder, by the same version."""
        world = self.world()
        memory = world.machine.memory
        memory.write_incoming(SECRET, world.checkout, memory.ledger(SECRET, world.checkout))

    def status(self, *, check_remote: bool = False) -> Result:
        world = self.world()
        return status(world, world.config.mappings[0], check_remote=check_remote)

    def versions(self, doubts: list[RolledBack] | None = None) -> tuple[Result, ...]:
        world = self.world()
        return versions(world, world.config.mappings[0], [] if doubts is None else doubts)

    def diff(self, against: str | None = None, *, cwd: Path | None = None, **options: bool) -> Result:
        world = self.world()
        chosen = DiffOptions(against, **options)
        return diff(world, world.config.mappings[0], chosen, cwd or self.top)

    def template(self, *, write: bool = False, check: bool = False) -> Result:
        world = self.world()
        return template(world, world.config.mappings[0], TemplateOptions(write, check))

    def audit(
        self, *, since: str | None = None, limit: int | None = None, verify: bool = False
    ) -> tuple[Result, ...]:
        world = self.world()
        return audit(world, world.config.mappings[0], since=since, limit=limit, verify=verify)

    def restore(self, number: int | str = 1) -> Result:
        world = self.world()
        return restore_backup(world, world.config.mappings[0], number)

    def write(self, path: str, content: str | bytes, *, executable: bool = False) -> Path:
        """Write a file of the vault, as its owner would."""
        file = self.vault / path
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(0o700 if executable else 0o600)
        return file

    def tree(self) -> dict[str, bytes]:
        """Return what the vault folder holds, path → content."""
        return {
            str(path.relative_to(self.vault)): path.read_bytes()
            for path in sorted(self.vault.rglob("*"))
            if path.is_file()
        }

    def lock(self) -> str:
        """Return the text of vsync.lock, empty when there is none."""
        path = self.top / "vsync.lock"
        return path.read_text() if path.exists() else ""

    def git(self, *words: str) -> str:
        """Run git in the checkout and return what it printed."""
        done = subprocess.run(["git", *words], cwd=self.top, capture_output=True, text=True, check=True)
        return done.stdout


def everything_below(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of whatever is below a folder, links by their target."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content = b"" if path.is_dir() else os.readlink(path).encode() if path.is_symlink() else None
        found[str(path.relative_to(folder))] = (mode, path.read_bytes() if content is None else content)
    return found


def files_with(needle: bytes, *folders: Path) -> list[Path]:
    """Return the regular files below the folders that hold the bytes."""
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and needle in path.read_bytes()
    ]
