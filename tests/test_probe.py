"""The probe tells what a server honours, and lets nobody write where work could be lost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import (
    Action,
    FaultProxy,
    answer,
    captive_portal,
    demand_unquoted_tags,
    strip_conditions,
)
from tests.s3server import Server
from vsync.errors import Refused, StoreError, Unfit
from vsync.store.folder import FolderStore
from vsync.store.probe import Capabilities, probe, require_writable
from vsync.store.s3 import S3Store

pytest_plugins = ["tests.s3server"]

ALL = Capabilities(True, True, True, True, True, True, True)


@pytest.fixture
def proxy(s3_server: Server) -> Iterator[FaultProxy]:
    with FaultProxy(s3_server.url) as running:
        yield running


@pytest.fixture
def store(s3_server: Server, s3_bucket: str, proxy: FaultProxy) -> Iterator[S3Store]:
    made = S3Store(s3_server.location(s3_bucket, through=proxy.url))
    yield made
    made.close()


def test_a_folder_can_do_everything(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    found = probe(store, "myapp/prod/")
    assert found == ALL
    assert found.lacks == ()
    assert list(store.names("")) == []


def test_a_good_server_can_do_everything_and_is_left_clean(store: S3Store, proxy: FaultProxy) -> None:
    found = probe(store, "myapp/prod/")
    assert replace(found, clock_skew_seconds=None, tag_form=None) == ALL
    assert found.tag_form == "quoted"
    assert abs(found.clock_skew_seconds or 99) < 60
    require_writable(found)
    assert list(store.names("")) == []
    assert all("/myapp/prod/probe-" in seen.path for seen in proxy.requests if seen.method == "PUT")


def test_a_server_that_wants_unquoted_tags_is_fit(store: S3Store, proxy: FaultProxy) -> None:  # attack 75
    proxy.on(demand_unquoted_tags(), times=None)
    found = probe(store, "")
    require_writable(found)
    assert found.tag_form == "unquoted"


def test_a_server_that_ignores_conditions_is_refused(store: S3Store, proxy: FaultProxy) -> None:  # attack 74
    proxy.on(strip_conditions(), times=None)
    found = probe(store, "")
    assert not any((found.creates_once, found.refuses_stale_swaps, found.refuses_blind_swaps))
    assert found.reads_back
    assert found.swaps
    with pytest.raises(Unfit, match="If-None-Match is ignored") as caught:
        require_writable(found)
    assert caught.value.exit_code == 14
    assert caught.value.hint
    proxy.clear()
    assert list(store.names("")) == []


@pytest.mark.parametrize(
    ("fault", "header", "field"),
    [
        (strip_conditions(), "If-None-Match", "creates_once"),
        (strip_conditions(), "If-None-Match", "refuses_blind_swaps"),
        (strip_conditions(), "If-Match", "refuses_stale_swaps"),
        (answer(412, "PreconditionFailed"), "If-Match", "swaps"),
        (answer(501, "NotImplemented"), "If-Match", "swaps"),
        (answer(501, "NotImplemented"), "If-None-Match", "creates_once"),
    ],
)
def test_each_missing_condition_is_named(  # attack 74
    store: S3Store, proxy: FaultProxy, fault: Action, header: str, field: str
) -> None:
    proxy.on(fault, method="PUT", header=header, times=None)
    found = probe(store, "")
    assert not getattr(found, field)
    with pytest.raises(Unfit):
        require_writable(found)


def test_who_may_not_write_is_refused(store: S3Store, proxy: FaultProxy) -> None:  # attack 83
    proxy.on(answer(403, "AccessDenied"), method="PUT", times=None)
    with pytest.raises(Refused):
        probe(store, "")


@pytest.mark.parametrize(
    ("method", "path", "field"), [("DELETE", "", "deletes"), ("GET", "list-type", "lists")]
)
def test_who_may_not_list_or_delete_may_still_write(
    store: S3Store, proxy: FaultProxy, method: str, path: str, field: str
) -> None:
    proxy.on(answer(403, "AccessDenied"), method=method, path=path, times=None)
    found = probe(store, "")
    require_writable(found)
    assert not getattr(found, field)
    assert len(found.lacks) == 1


def test_a_sign_in_page_is_no_store(store: S3Store, proxy: FaultProxy) -> None:  # attack 77
    proxy.on(captive_portal(), times=None)
    with pytest.raises(StoreError):
        probe(store, "")


def test_a_wrong_clock_is_told_but_does_not_forbid_writing() -> None:  # attack 80
    found = replace(ALL, clock_skew_seconds=-4000.0)
    assert found.lacks == ("has a clock that differs by -4000 seconds",)
    require_writable(found)


@pytest.mark.parametrize("missing", range(7))
def test_every_capability_that_is_missing_is_told(missing: int) -> None:
    there = [number != missing for number in range(7)]
    found = Capabilities(there[0], there[1], there[2], there[3], there[4], there[5], there[6])
    assert len(found.lacks) == 1
