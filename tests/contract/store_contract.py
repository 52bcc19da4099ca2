"""What vsync/store/interface.py promises. Subclass it per store; change nothing."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from vsync.errors import AlreadyExists, Conflict, IntegrityError, NotFound, StaleTag, StoreError
from vsync.store.interface import CHUNK, ObjectInfo, Store

NAME = "myapp/prod/v=20260523-114201"
HEAD = "myapp/prod/manifest"
HOSTILE = [
    *("", "/", "a/", "/a", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\\b", "C:a", "a b", "a\n", "a\x00"),
    *("~lock", "~drafts/x", "é", "a?b", "%2e%2e/a", "a" * 256, "a/" * 520 + "a"),
]


# The store outlives an example, each subclass is an executor of its own, and a server takes its time.
ONE_TEST_FOR_MANY_STORES = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
        HealthCheck.too_slow,
    ],
)


def put(store: Store, name: str, data: bytes) -> None:
    store.create(name, io.BytesIO(data), size=len(data))


def outcomes(racers: int, race: Callable[[int], object]) -> list[object]:
    """Start all at once; return what each returned, or the conflict it ran into."""
    ready = threading.Barrier(racers)

    def run(number: int) -> object:
        ready.wait()
        try:
            return race(number)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(run, range(racers)))


class StoreContract:
    """Each subclass has a fixture `store`: an empty store of its kind."""

    def test_what_was_created_is_read_back(self, store: Store) -> None:
        put(store, NAME, b"bundle")
        assert store.read(NAME, limit=6).data == b"bundle"

    def test_an_empty_object_is_an_object(self, store: Store) -> None:
        put(store, NAME, b"")
        assert store.read(NAME, limit=0).data == b""
        assert store.swap(NAME, b"more", expected=store.read(NAME, limit=0).tag)

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFound) as caught:
            store.read(NAME, limit=10)
        assert caught.value.hint
        with pytest.raises(NotFound):
            store.download(NAME, io.BytesIO(), limit=10)

    def test_a_folder_of_objects_is_no_object(self, store: Store) -> None:
        put(store, NAME, b"bundle")
        with pytest.raises(NotFound):
            store.read("myapp/prod", limit=10)

    def test_create_never_overwrites(self, store: Store) -> None:
        put(store, NAME, b"first")
        with pytest.raises(AlreadyExists):
            put(store, NAME, b"other")
        assert store.read(NAME, limit=10).data == b"first"

    @pytest.mark.parametrize("other", [b"firs", b"first!", b""])
    def test_create_tells_a_part_from_the_whole(self, store: Store, other: bytes) -> None:
        put(store, NAME, b"first")
        with pytest.raises(AlreadyExists):
            put(store, NAME, other)

    def test_creating_the_same_bytes_again_is_no_conflict(self, store: Store) -> None:
        put(store, NAME, b"first")
        put(store, NAME, b"first")

    def test_create_starts_at_the_start_of_the_body(self, store: Store) -> None:
        body = io.BytesIO(b"whole")
        body.seek(3)
        store.create(NAME, body, size=5)
        assert store.read(NAME, limit=5).data == b"whole"

    @pytest.mark.parametrize("size", [4, 6])
    def test_a_body_of_another_size_is_not_stored(self, store: Store, size: int) -> None:
        with pytest.raises(StoreError):
            store.create(NAME, io.BytesIO(b"whole"), size=size)
        assert list(store.names("")) == []

    def test_a_read_is_bounded_by_the_caller(self, store: Store) -> None:
        put(store, NAME, bytes(100))
        with pytest.raises(IntegrityError, match="larger"):
            store.read(NAME, limit=99)
        assert store.read(NAME, limit=100).data == bytes(100)

    def test_a_download_is_bounded_by_the_caller(self, store: Store) -> None:
        put(store, NAME, bytes(100))
        into = io.BytesIO()
        with pytest.raises(IntegrityError, match="larger"):
            store.download(NAME, into, limit=99)
        assert len(into.getvalue()) <= 99

    def test_a_large_object_comes_down_in_pieces(self, store: Store) -> None:
        class Pieces(io.BytesIO):
            largest = 0

            def write(self, data: bytes) -> int:  # type: ignore[override]
                self.largest = max(self.largest, len(data))
                return super().write(data)

        data = bytes(range(256)) * 4 * 1024 * 3 + b"end"
        put(store, NAME, data)
        into = Pieces()
        assert store.download(NAME, into, limit=len(data)) == len(data)
        assert into.getvalue() == data
        assert into.largest <= CHUNK

    def test_the_first_swap_expects_nothing(self, store: Store) -> None:
        tag = store.swap(HEAD, b"one", expected=None)
        blob = store.read(HEAD, limit=10)
        assert (blob.data, blob.tag) == (b"one", tag)

    def test_a_swap_that_expects_nothing_never_overwrites(self, store: Store) -> None:
        store.swap(HEAD, b"one", expected=None)
        with pytest.raises(StaleTag):
            store.swap(HEAD, b"two", expected=None)
        assert store.read(HEAD, limit=10).data == b"one"

    def test_a_swap_replaces_what_was_read(self, store: Store) -> None:
        first = store.swap(HEAD, b"one", expected=None)
        second = store.swap(HEAD, b"two", expected=first)
        third = store.swap(HEAD, b"three", expected=second)
        assert store.read(HEAD, limit=10).tag == third
        assert len({first, second, third}) == 3

    def test_a_swap_with_a_stale_tag_changes_nothing(self, store: Store) -> None:
        first = store.swap(HEAD, b"one", expected=None)
        store.swap(HEAD, b"two", expected=first)
        with pytest.raises(StaleTag):
            store.swap(HEAD, b"six", expected=first)
        assert store.read(HEAD, limit=10).data == b"two"

    def test_a_swap_of_what_is_gone_is_stale(self, store: Store) -> None:
        tag = store.swap(HEAD, b"one", expected=None)
        store.delete(HEAD)
        with pytest.raises(StaleTag):
            store.swap(HEAD, b"two", expected=tag)
        with pytest.raises(NotFound):
            store.read(HEAD, limit=10)

    def test_a_swap_to_what_is_already_there_is_ours(self, store: Store) -> None:
        first = store.swap(HEAD, b"one", expected=None)
        second = store.swap(HEAD, b"two", expected=first)
        assert store.swap(HEAD, b"two", expected=first) == second

    def test_one_of_many_creators_wins(self, store: Store) -> None:  # attack 81
        results = outcomes(8, lambda number: put(store, NAME, b"by %d" % number))
        assert sum(result is None for result in results) == 1
        winner = results.index(None)
        assert store.read(NAME, limit=10).data == b"by %d" % winner
        assert all(isinstance(result, AlreadyExists) for result in results if result is not None)

    def test_one_of_many_swaps_wins_each_round(self, store: Store) -> None:  # attack 81
        tag: str | None = None
        for _ in range(3):
            swap = partial(self.swap_numbered, store, tag)
            results = outcomes(6, swap)
            (tag,) = [result for result in results if isinstance(result, str)]
            assert store.read(HEAD, limit=40).tag == tag
            assert sum(isinstance(result, StaleTag) for result in results) == 5

    @staticmethod
    def swap_numbered(store: Store, tag: str | None, number: int) -> str:
        return store.swap(HEAD, f"{number} after {tag}"[:40].encode(), expected=tag)

    def test_names_are_listed_in_order_with_sizes(self, store: Store) -> None:
        for name in ("a/v=2", "a/v=10", "a-b", "a/manifest", "a/slots/ci", "b/manifest"):
            put(store, name, b"x" * len(name))
        listed = [ObjectInfo(name, len(name)) for name in ("a/manifest", "a/slots/ci", "a/v=10", "a/v=2")]
        assert list(store.names("a/")) == listed
        assert [row.name for row in store.names("a/v=")] == ["a/v=10", "a/v=2"]
        assert [row.name for row in store.names("a")] == ["a-b", *(row.name for row in listed)]
        assert len(list(store.names(""))) == 6

    def test_nothing_is_listed_where_nothing_is(self, store: Store) -> None:
        assert list(store.names("")) == []
        assert list(store.names("no/such/")) == []

    def test_deleting_takes_one_object_away(self, store: Store) -> None:
        put(store, NAME, b"bundle")
        put(store, HEAD, b"head")
        store.delete(NAME)
        store.delete(NAME)
        assert [row.name for row in store.names("")] == [HEAD]

    def test_deleting_from_nothing_is_no_error(self, store: Store) -> None:
        store.delete("no/such/object")
        assert list(store.names("")) == []

    @pytest.mark.parametrize("name", HOSTILE)
    def test_no_hostile_name_reaches_the_store(self, store: Store, name: str) -> None:
        calls: list[Callable[[], object]] = [
            lambda: store.read(name, limit=10),
            lambda: store.download(name, io.BytesIO(), limit=10),
            lambda: put(store, name, b"x"),
            lambda: store.swap(name, b"x", expected=None),
            lambda: store.delete(name),
        ]
        for call in calls:
            with pytest.raises(StoreError, match="cannot name an object"):
                call()

    @pytest.mark.parametrize("prefix", ["/", "../", "a/../", "a//", "~", "a\n", "a b"])
    def test_no_hostile_prefix_is_listed(self, store: Store, prefix: str) -> None:
        with pytest.raises(StoreError, match="cannot start the name"):
            list(store.names(prefix))

    @ONE_TEST_FOR_MANY_STORES
    @given(
        name=st.from_regex(r"[A-Za-z0-9._=-]{1,20}(/[A-Za-z0-9_=-]{1,9}){1,3}", fullmatch=True),
        data=st.binary(),
    )
    def test_any_good_name_holds_any_bytes(self, store: Store, name: str, data: bytes) -> None:
        assume(not name.startswith(("./", "../")))
        put(store, name, data)
        assert store.read(name, limit=len(data)).data == data
        assert ObjectInfo(name, len(data)) in list(store.names(name))
        store.delete(name)
