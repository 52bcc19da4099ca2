"""git vsync init with another store: everything moves, or nothing has happened yet."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.homes import Home
from tests.s3server import Server
from tests.teams import (
    PROD,
    add_profile,
    answer,
    binding_of,
    commit,
    done,
    fill,
    pushed,
    refused,
    repository,
    shared,
    take,
    tree,
)
from vsync.errors import Conflict
from vsync.formats.binding import Location
from vsync.store.folder import LOCK, FolderStore
from vsync.store.interface import Blob, ObjectInfo, Store
from vsync.sync.init import InitOptions, init
from vsync.wiring import Place, open_world
from vsync.world import World

People = Callable[[str], Home]


class Watched(Store):
    """A store that counts what is written to it and calls `before` ahead of each write."""

    def __init__(self, inner: Store, before: Callable[[str], None]) -> None:
        self.where = inner.where
        self._inner, self._before = inner, before

    def read(self, name: str, *, limit: int) -> Blob:
        return self._inner.read(name, limit=limit)

    def names(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._inner.names(prefix)

    def delete(self, name: str) -> None:
        self._before(name)
        self._inner.delete(name)

    def _open(self, name: str, limit: int) -> tuple[str, Generator[bytes]]:
        return self._inner._open(name, limit)

    def _create(self, name: str, body: BinaryIO, size: int, sha256: str | None) -> None:
        self._before(name)
        self._inner._create(name, body, size, sha256)

    def _swap(self, name: str, data: bytes, expected: str | None) -> str:
        self._before(name)
        return self._inner._swap(name, data, expected)


@pytest.fixture
def ana(home: People) -> Home:
    return home("ana")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return tmp_path / "old"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new"


@pytest.fixture
def repo(ana: Home, old: Path) -> Path:
    """Return a repository whose vault has two versions in the old store."""
    repo = pushed(ana, str(old))
    (repo / "infra/vault/prod/more").write_text("more\n")
    done(ana.vsync("push", cwd=repo))
    return repo


def move(ana: Home, repo: Path, new: Path, *words: str) -> None:
    done(ana.vsync("init", "prod", "--store", str(new), "--yes", *words, cwd=repo))


def versions(ana: Home, repo: Path) -> list[str]:
    told = json.loads(done(ana.vsync("versions", "prod", "--json", cwd=repo)).stdout)["results"]
    return [row["version"] for row in told]


def watched_world(home: Home, repo: Path, patch: pytest.MonkeyPatch, before: Callable[[str], None]) -> World:
    for name, value in home.env.items():
        patch.setenv(name, value)
    world = open_world(Place(repo, no_input=True))

    def open_store(location: Location) -> Store:
        return Watched(world.open_store(location), before)

    return replace(world, open_store=open_store)


def objects(store: Path) -> dict[str, bytes | None]:
    """Return a folder store's objects by name."""
    return {name: data for name, (_, data) in tree(store).items() if data is not None and name != LOCK}


def test_a_vault_moves_from_the_embedded_store_to_s3(
    ana: Home, home: People, s3_server: Server, s3_bucket: str
) -> None:
    repo = repository(ana)
    done(ana.vsync("init", "prod", cwd=repo))
    vault = fill(repo)
    done(ana.vsync("push", cwd=repo))
    (vault / "more").write_text("more\n")
    (vault / "more").chmod(0o600)
    done(ana.vsync("push", cwd=repo))
    before, first = tree(vault), versions(ana, repo)[-1]
    refused(ana.vsync("export", "prod", cwd=repo), 2, "embedded store", "git vsync init prod --profile team")
    done(add_profile(ana, s3_server.url, s3_bucket))
    refused(ana.vsync("init", "prod", "--profile", "team", cwd=repo), 2, "--yes")
    told = done(ana.vsync("init", "prod", "--profile", "team", "--yes", cwd=repo))
    assert "every version" in told.stderr
    assert 'provider = "s3"' in (repo / "vsync.toml").read_text()
    assert len(versions(ana, repo)) == 2
    assert len(done(ana.vsync("audit", "prod", cwd=repo)).stdout.splitlines()) == 2
    done(ana.vsync("pull", "prod", "--at", first, cwd=repo))
    assert not (vault / "more").exists()
    done(ana.vsync("pull", "prod", cwd=repo))
    assert tree(vault) == before
    (vault / "third").write_text("3\n")
    assert answer(done(ana.vsync("push", "--json", cwd=repo)))["generation"] == 3


def test_a_prefix_moves_a_vault_within_its_bucket(ana: Home, s3_server: Server, s3_bucket: str) -> None:
    repo = repository(ana)
    done(add_profile(ana, s3_server.url, s3_bucket))
    done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
    fill(repo)
    done(ana.vsync("push", cwd=repo))
    told = answer(
        done(ana.vsync("init", "prod", "--prefix", "p/q", "--yes", "--drop-old", "--json", cwd=repo))
    )
    assert told["prefix"] == "p/q/"
    assert any(line.startswith("removed 3 objects") for line in told["details"])
    assert len(versions(ana, repo)) == 1
    done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))  # the same store: nothing moves
    assert json.loads(binding_of(ana).read_text())["prefix"] == "p/q/"


def test_new_credentials_of_the_same_store_move_nothing(ana: Home, s3_server: Server, s3_bucket: str) -> None:
    repo = repository(ana)
    done(add_profile(ana, s3_server.url, s3_bucket))
    done(ana.vsync("init", "prod", "--profile", "team", "--prefix", "own", cwd=repo))
    done(add_profile(ana, s3_server.url, s3_bucket, "--access-key", "AKIAANOTHER", "--replace"))
    done(ana.vsync("init", "prod", "--profile", "team", cwd=repo))
    binding = json.loads(binding_of(ana).read_text())
    assert (binding["prefix"], binding["s3"]["accessKeyId"]) == ("own/", "AKIAANOTHER")


def test_everything_of_the_vault_arrives_and_nothing_else(
    ana: Home, repo: Path, old: Path, new: Path
) -> None:
    (old / "myapp/prod/slots").mkdir()
    for name in ("slots/web", "other/manifest", "note.txt"):
        (old / "myapp/prod" / name).parent.mkdir(exist_ok=True)
        (old / "myapp/prod" / name).write_text(name)
    before = objects(old)
    move(ana, repo, new)
    strangers = {"myapp/prod/other/manifest", "myapp/prod/note.txt"}
    assert objects(new) == {name: row for name, row in before.items() if name not in strangers}
    assert objects(old) == before
    assert done(ana.vsync("pull", cwd=repo)).stdout


def test_drop_old_removes_what_moved_and_nothing_else(ana: Home, repo: Path, old: Path, new: Path) -> None:
    (old / "myapp/prod/other").mkdir()
    (old / "myapp/prod/other/manifest").write_text("another vault's")
    move(ana, repo, new, "--drop-old")
    assert set(objects(old)) == {"myapp/prod/other/manifest"}
    assert len(versions(ana, repo)) == 2


def test_the_same_place_under_another_address_is_not_emptied(ana: Home, repo: Path, old: Path) -> None:
    before = objects(old)
    alias = old.with_name("alias")
    alias.symlink_to(old)
    told = done(ana.vsync("init", "prod", "--store", str(alias), "--yes", "--drop-old", cwd=repo))
    assert "the same place" in told.stdout
    assert objects(old) == before
    assert len(versions(ana, repo)) == 2


def test_a_move_stopped_at_any_write_is_finished_by_running_it_again(
    ana: Home, repo: Path, old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, step, finished = objects(old), 0, False
    while not finished:
        left = [step]

        def stop(name: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

        world = watched_world(ana, repo, monkeypatch, stop)
        with suppress(KeyboardInterrupt):
            init(world, InitOptions("prod", store=str(new), yes=True))
            finished = True
        bound = json.loads(binding_of(ana).read_text())["store"]
        assert bound == (new if finished else old).as_uri()
        assert {name: objects(old)[name] for name in before} == before
        step += 1
    assert step > 5
    assert {name: objects(new)[name] for name in before} == before
    done(ana.vsync("pull", cwd=repo))


def test_a_push_during_the_move_is_noticed_and_lost_by_nobody(
    ana: Home, repo: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, versions_before = repo / "infra/vault/prod", len(versions(ana, repo))
    once = [True]

    def push_meanwhile(name: str) -> None:
        if "v=" in name and once.pop() if once else False:
            # Another machine of the same person: this one holds the vault's lock.
            other = ana.path.parent / "other"
            other.mkdir()
            (other / ".config").symlink_to(ana.config.parent)
            (vault / "late").write_text("late\n")
            twin = replace(ana, path=other)
            for lock in ana.config.glob("myapp/.lock_*"):
                lock.unlink()
            done(twin.vsync("push", cwd=repo))

    world = watched_world(ana, repo, monkeypatch, push_meanwhile)
    with pytest.raises(Conflict, match="somebody pushed while it was moving"):
        init(world, InitOptions("prod", store=str(new), yes=True))
    assert len(versions(ana, repo)) == versions_before + 1
    move(ana, repo, new)
    assert len(versions(ana, repo)) == versions_before + 1
    done(ana.vsync("pull", cwd=repo))
    assert (vault / "late").exists()


def test_a_push_after_a_stopped_move_is_carried_over_too(
    ana: Home, repo: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_after_the_pointer(name: str) -> None:
        if name == "myapp/prod/manifest":
            FolderStore(new).swap(name, (new.with_name("old") / name).read_bytes(), expected=None)
            raise KeyboardInterrupt

    world = watched_world(ana, repo, monkeypatch, stop_after_the_pointer)
    with suppress(KeyboardInterrupt):
        init(world, InitOptions("prod", store=str(new), yes=True))
    (repo / "infra/vault/prod/late").write_text("late\n")
    done(ana.vsync("push", cwd=repo))
    move(ana, repo, new)
    assert len(versions(ana, repo)) == 3
    assert done(ana.vsync("pull", cwd=repo)).stdout


def test_a_place_that_somebody_moved_on_from_is_not_set_back(
    home: People, ana: Home, repo: Path, old: Path, new: Path
) -> None:
    commit(ana, repo)
    ben = home("ben")
    ben_repo = repository(ben)
    ben.git("pull", "-q", str(repo), "main", cwd=ben_repo)
    done(take(ben, ben_repo, shared(ana, repo)))
    done(ben.vsync("pull", cwd=ben_repo))
    done(ben.vsync("init", "prod", "--store", str(new), "--yes", cwd=ben_repo))
    (ben_repo / "infra/vault/prod/bens").write_text("1\n")
    done(ben.vsync("push", cwd=ben_repo))
    outcome = ana.vsync("init", "prod", "--store", str(new), "--yes", cwd=repo)
    refused(outcome, 11, "newer state of myapp/prod", "git vsync import")
    assert json.loads(binding_of(ana).read_text())["store"] == old.as_uri()


def test_a_vault_moves_there_and_back_again(ana: Home, repo: Path, old: Path, new: Path) -> None:
    move(ana, repo, new)
    (repo / "infra/vault/prod/third").write_text("3\n")
    done(ana.vsync("push", cwd=repo))
    move(ana, repo, old)
    assert len(versions(ana, repo)) == 3
    assert done(ana.vsync("pull", cwd=repo)).stdout


def test_the_place_of_another_vault_is_refused_before_anything_is_copied(
    home: People, repo: Path, ana: Home, new: Path
) -> None:
    ben = home("ben")
    other = repository(ben, origin="https://h/other.git")
    done(ben.vsync("init", "dev", "--store", str(new), "--prefix", "x", cwd=other))
    fill(other, "dev")
    done(ben.vsync("push", cwd=other))
    before = objects(new)
    outcome = ana.vsync("init", "prod", "--store", str(new), "--prefix", "x", "--yes", cwd=repo)
    refused(outcome, 11, "'other/dev'", str(PROD), "--prefix")
    assert objects(new) == before


def test_another_checkout_of_the_same_machine_goes_on(ana: Home, repo: Path, new: Path) -> None:
    second = repo.parent / "second"
    commit(ana, repo)
    ana.git("clone", "-q", str(repo), str(second), cwd=repo.parent)
    done(ana.vsync("pull", cwd=second))
    move(ana, repo, new)
    (second / "infra/vault/prod/more").write_text("other\n")
    done(ana.vsync("push", cwd=second))
    done(ana.vsync("pull", cwd=repo))
    assert (repo / "infra/vault/prod/more").read_text() == "other\n"


def test_a_classic_vault_moves_as_well(ana: Home, old: Path, new: Path) -> None:
    repo = repository(ana)
    done(ana.vsync("init", "prod", "--layout", "classic", "--store", str(old), cwd=repo))
    fill(repo)
    done(ana.vsync("push", cwd=repo))
    move(ana, repo, new)
    assert objects(new) == objects(old)
    done(ana.vsync("pull", cwd=repo))
    (repo / "infra/vault/prod/more").write_text("1\n")
    done(ana.vsync("push", cwd=repo))


def test_a_vault_that_was_never_pushed_moves_too(ana: Home, new: Path) -> None:
    repo = repository(ana)
    done(ana.vsync("init", "prod", cwd=repo))
    move(ana, repo, new)
    fill(repo)
    done(ana.vsync("push", cwd=repo))
    assert (new / "myapp/prod/manifest").exists()
