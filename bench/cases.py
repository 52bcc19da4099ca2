"""The table: what is measured, against which floor, under which budget.

A row that a later verb needs is one more `Case`: a function that builds its data and returns
ours, the floor, and the peers that are installed.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace

from bench import guard, peers
from bench.data import KILO, MEGA, Bench, Checkout, configuration
from bench.floors import PASSWORD
from bench.measure import Contestant, run

Contest = list[Contestant]
"""Ours, then the floor, then peers."""


@dataclass(frozen=True)
class Case:
    """One row: `budget` is how many times the floor, and `extra` so many seconds more.

    `memory` is in bytes, `repeat` an odd number.
    """

    name: str
    what: str
    data: str
    floor: str
    budget: float
    build: Callable[[Bench], Contest]
    repeat: int = 11
    memory: int | None = None
    extra: float = 0


def _help(bench: Bench) -> Contest:
    checkout = Checkout(bench, "help").make()
    return [checkout.ours("-h"), bench.script("floor", "pass")]


def _status(bench: Bench) -> Contest:
    checkout = Checkout(bench, "status").make()
    run(checkout.ours("push"))
    return [checkout.ours("status"), bench.script("floor", "pass")]


def _small(bench: Bench, name: str) -> Checkout:
    checkout = Checkout(bench, name).make().fill(2, 2 * KILO, shrinks=True)
    run(checkout.ours("push"))
    return checkout


def _push_small(bench: Bench) -> Contest:
    checkout = _small(bench, "push-small")
    ready = checkout.zipped()
    ours = checkout.ours("push", prepare=checkout.change)
    return [ours, bench.floor("put", ready, "floor/small"), *peers.copying(bench, ready)]


def _pull_small(bench: Bench) -> Contest:
    checkout = _small(bench, "pull-small")
    bench.store(checkout.zipped(), "floor/small")
    ours = checkout.ours("pull", prepare=checkout.remove)
    return [ours, bench.floor("get", "floor/small", bench.root / "small.zip")]


def _many(bench: Bench, name: str) -> Checkout:
    checkout = Checkout(bench, name).make().fill(1000, 10 * MEGA, shrinks=True)
    run(checkout.ours("push"))
    return checkout


def _push_many(bench: Bench) -> Contest:
    checkout = _many(bench, "push-many")
    ours = checkout.ours("push", prepare=checkout.change)
    floor = bench.floor("zip_put", checkout.vault(), bench.root / "many.zip", "floor/many")
    return [ours, floor]


def _pull_many(bench: Bench) -> Contest:
    return _pull(bench, _many(bench, "pull-many"))


def _large(bench: Bench, name: str) -> Checkout:
    checkout = Checkout(bench, name).make().fill(20, 200 * MEGA, shrinks=False)
    run(checkout.ours("push"))
    return checkout


def _push_large(bench: Bench) -> Contest:
    checkout = _large(bench, "push-large")
    ready = checkout.zipped()
    ours = checkout.ours("push", prepare=checkout.change)
    rivals = [*peers.copying(bench, ready), *peers.encrypting(bench, ready, checkout.vault())]
    return [ours, bench.floor("upload", ready, "floor/large"), *rivals]


def _pull_large(bench: Bench) -> Contest:
    return _pull(bench, _large(bench, "pull-large"))


def _pull(bench: Bench, checkout: Checkout) -> Contest:
    """Ours, and boto3's download of the ready zip with a `cp -r` of the folder."""
    key, kept = f"floor/{checkout.name}", bench.root / f"{checkout.name}.kept"
    bench.store(checkout.zipped(), key)
    copy = bench.root / f"{checkout.name}.copy"
    run(Contestant("keep", ("cp", "-r", str(checkout.vault()), str(kept)), bench.root, bench.environ))
    floor = bench.floor("download", key, bench.root / f"{checkout.name}.got", kept, copy)
    return [checkout.ours("pull", prepare=checkout.remove), peers.removing(floor, copy)]


def _unchanged(bench: Bench) -> Contest:
    checkout = _large(bench, "unchanged")
    return [checkout.ours("push"), bench.floor("look", f"{checkout.prefix()}manifest", checkout.vault())]


def _verify(count: int) -> Callable[[Bench], Contest]:
    def build(bench: Bench) -> Contest:
        checkout = Checkout(bench, f"verify-{count}", count).make()
        # One VSYNC_KEY is refused for several vaults.
        keys = {f"VSYNC_KEY_VERIFY_{count}_V{number}": PASSWORD for number in range(count)}
        environ = {**bench.environ, "VSYNC_KEY": "", **keys}
        run(replace(checkout.ours("push", "--all"), environ=environ))
        locked = tomllib.loads((checkout.top / "vsync.lock").read_text())["bundle"]
        objects = [f"{one['name']}/{last}" for one in locked for last in ("manifest", f"v={one['version']}")]
        listed = bench.root / f"verify-{count}.txt"
        listed.write_text("\n".join(objects))
        ours = replace(checkout.ours("verify", "--ci"), environ=environ)
        return [ours, bench.floor("judge", listed)]

    return build


def _configuration(bench: Bench) -> Contest:
    path = bench.root / "thousand" / "vsync.toml"
    path.parent.mkdir()
    path.write_text(configuration("thousand", 1000))
    ours = bench.script(
        "vsync",
        "from pathlib import Path; from vsync.config.load import load_config; "
        f"top = Path({str(path.parent)!r}); assert len(load_config(top, top).mappings) == 1000",
    )
    return [ours, bench.floor("toml", path)]


def _runtime(bench: Bench) -> Contest:
    from bench.slot import environ_of

    checkout = _small(bench, "runtime")
    environ = environ_of(bench, checkout)
    text = (
        "from vsync.runtime import open_vault\n"
        "with open_vault() as vault: assert vault.env_source('DATABASE_URL') == 'vault'"
    )
    ours = Contestant("vsync", (bench.python, "-c", text), bench.root, bench.environ | environ)
    return [ours, bench.floor("value", f"{checkout.prefix()}manifest", 2)]


LIMIT = 120 * MEGA
_PUT = "boto3 put of the ready zip + 1 PBKDF2"
_JUDGE = "boto3 start + 2 reads a vault, 16 at a time + 1 PBKDF2 a vault on all cores"
_DOWN = "boto3 download + cp -r"
GUARD = "guard, as git runs it"
_DIFF = "`python -I -S -c pass` + `git diff --cached --raw -z`"
SMALL, MANY, LARGE = "3 files, 2 KB", "1 000 files, 10 MB", "20 files, 200 MB that do not shrink"

CASES = (
    Case("help", "`git vsync -h`", "", "`python -c pass`", 6, _help, 21),
    Case("status", "offline `status`", "1 vault", "`python -c pass`", 9, _status, 21),
    Case("push-small", "push", SMALL, _PUT, 1.2, _push_small, 15),
    Case("pull-small", "pull", SMALL, "boto3 get of the ready zip + 1 PBKDF2", 1.2, _pull_small, 15),
    Case("push-many", "push", MANY, f"a zip of the folder + {_PUT}", 1.2, _push_many, 9),
    Case("pull-many", "pull", MANY, _DOWN, 1.3, _pull_many, 9),
    Case("push-large", "push", LARGE, "boto3 upload of the ready zip", 1.5, _push_large, 9, LIMIT),
    Case("pull-large", "pull", LARGE, _DOWN, 1.3, _pull_large, 9, LIMIT),
    Case(
        "push-unchanged",
        "push, nothing changed",
        LARGE,
        "boto3 start + 1 read of the pointer + reading the files",
        1.2,
        _unchanged,
        9,
        LIMIT,
    ),
    Case("verify-100", "`verify --ci`", "100 vaults", _JUDGE, 1.2, _verify(100), 9, LIMIT),
    Case("verify-1000", "`verify --ci`", "1 000 vaults", _JUDGE, 1.2, _verify(1000), 3, LIMIT),
    Case("config", "reading `vsync.toml`", "1 000 mappings", "tomllib on the same file", 1.5, _configuration),
    Case(
        "runtime",
        "import of `vsync.runtime` and first value",
        "1 vault, slot and pointer",
        "boto3 start + 1 read + 2 PBKDF2",
        1.2,
        _runtime,
    ),
    Case("guard-small", GUARD, "1 staged of 100 tracked", _DIFF, 1.3, guard.small, 31),
    Case("guard-middle", GUARD, "100 staged of 10 000", _DIFF, 1.5, guard.middle, 21),
    Case(
        "guard-large",
        GUARD,
        f"1 000 staged of 50 000, 3 of them 5 MB, {guard.ADDED / MEGA:.0f} MB in all; 1 000 vault values",
        f"{_DIFF} + `git cat-file --batch` of the same blobs",
        1.5,
        guard.large,
        9,
        extra=guard.EXTRA,
    ),
    Case(
        "guard-backstop",
        "`reference-transaction` backstop",
        "a commit already guarded, of 1 file",
        "the same commit without it",
        1,
        guard.backstop,
        31,
        extra=0.015,
    ),
)
