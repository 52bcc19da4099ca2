"""How cost grows: the same verb over more files, more bytes, more vaults."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.data import KILO, MEGA, Bench, Checkout
from bench.measure import Contestant, Figures, alternate, run


@dataclass(frozen=True)
class Series:
    """One way to grow: `build` makes the contestants of one size."""

    name: str
    what: str
    unit: str
    sizes: Sequence[int]
    build: Callable[[Bench, int], list[Contestant]]


@dataclass(frozen=True)
class Grown:
    """What was measured of a series: one row a size."""

    series: Series
    rows: Sequence[tuple[int, Sequence[Figures]]]


def _files(bench: Bench, count: int) -> list[Contestant]:
    return _both(Checkout(bench, f"files-{count}").make().fill(count, count * 10 * KILO, shrinks=True))


def _bytes(bench: Bench, megabytes: int) -> list[Contestant]:
    return _both(Checkout(bench, f"bytes-{megabytes}").make().fill(20, megabytes * MEGA, shrinks=False))


def _both(checkout: Checkout) -> list[Contestant]:
    run(checkout.ours("push"))
    return [checkout.ours("push", prepare=checkout.change), checkout.ours("pull", prepare=checkout.remove)]


def _vaults(bench: Bench, count: int) -> list[Contestant]:
    status = Checkout(bench, f"vaults-{count}", count).make().ours("status")
    # One VSYNC_KEY is refused for several vaults, and status needs none.
    return [replace(status, environ={**status.environ, "VSYNC_KEY": ""})]


SERIES = (
    Series("files", "push and pull, files of 10 KB", "files", (10, 100, 1000, 5000), _files),
    Series("bytes", "push and pull, 20 files that do not shrink", "MB", (1, 10, 100, 400), _bytes),
    Series("vaults", "offline status", "vaults", (1, 10, 100, 1000), _vaults),
)


def grow(series: Series, bench: Bench, repeat: int) -> Grown:
    """Measure every size of a series."""
    rows = [(size, alternate(series.build(bench, size), repeat)) for size in series.sizes]
    return Grown(series, rows)
