"""What `vsync.keys.interface` promises. Subclass it per place; change nothing."""

import pytest

from vsync.keys.interface import KeyRing

ACCOUNT = "myapp/prod"
KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
OTHER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class KeyReadContract:
    """What every place that holds keys promises to readers; `holding` has KEY for ACCOUNT."""

    @pytest.fixture
    def holding(self) -> KeyRing:
        raise NotImplementedError

    def test_a_key_comes_back_as_it_is(self, holding: KeyRing) -> None:
        assert holding.get(ACCOUNT) == KEY

    def test_asking_twice_gives_the_same_answer(self, holding: KeyRing) -> None:
        assert holding.get(ACCOUNT) == holding.get(ACCOUNT)

    def test_a_current_key_never_answers_for_a_retired_or_pending_one(self, holding: KeyRing) -> None:
        assert holding.get(f"{ACCOUNT}#9f2c41d07ab3e655") is None
        assert holding.get(f"{ACCOUNT}#pending") is None

    def test_the_place_is_named_and_shows_no_key(self, holding: KeyRing) -> None:
        holding.get(ACCOUNT)
        assert holding.source
        assert KEY not in holding.source + repr(holding) + str(holding)


class KeyRingContract(KeyReadContract):
    """What every place that keeps keys promises; `ring` is empty, `again` another view of it."""

    @pytest.fixture
    def ring(self) -> KeyRing:
        raise NotImplementedError

    @pytest.fixture
    def again(self) -> KeyRing:
        raise NotImplementedError

    @pytest.fixture
    def holding(self, ring: KeyRing) -> KeyRing:
        ring.set(ACCOUNT, KEY)
        return ring

    def test_a_place_that_keeps_keys_says_so(self, ring: KeyRing) -> None:
        assert ring.writable

    def test_an_account_that_was_never_stored_has_no_key(self, ring: KeyRing) -> None:
        assert ring.get(ACCOUNT) is None

    def test_a_key_is_there_for_the_next_process(self, holding: KeyRing, again: KeyRing) -> None:
        assert again.get(ACCOUNT) == KEY

    def test_storing_again_replaces_the_key(self, holding: KeyRing, again: KeyRing) -> None:
        holding.set(ACCOUNT, OTHER_KEY)
        assert holding.get(ACCOUNT) == OTHER_KEY
        assert again.get(ACCOUNT) == OTHER_KEY

    def test_storing_the_same_key_again_is_no_error(self, holding: KeyRing) -> None:
        holding.set(ACCOUNT, KEY)
        assert holding.get(ACCOUNT) == KEY

    def test_accounts_do_not_touch_each_other(self, holding: KeyRing) -> None:
        holding.set(f"{ACCOUNT}#pending", OTHER_KEY)
        holding.set("myapp/prod2", "another key of twenty")
        holding.delete(f"{ACCOUNT}#pending")
        assert holding.get(ACCOUNT) == KEY
        assert holding.get(f"{ACCOUNT}#pending") is None
        assert holding.get("myapp/prod2") == "another key of twenty"

    @pytest.mark.parametrize(
        "text", ["=+/" * 8, " spaces at both ends ", "clé-ключ-鍵-🔑 with more", "k" * 2000]
    )
    def test_any_text_comes_back_unchanged(self, ring: KeyRing, again: KeyRing, text: str) -> None:
        ring.set(ACCOUNT, text)
        assert again.get(ACCOUNT) == text

    def test_a_forgotten_account_has_no_key(self, holding: KeyRing, again: KeyRing) -> None:
        holding.delete(ACCOUNT)
        assert holding.get(ACCOUNT) is None
        assert again.get(ACCOUNT) is None

    def test_forgetting_what_is_not_there_is_no_error(self, ring: KeyRing) -> None:
        ring.delete(ACCOUNT)
        ring.delete(ACCOUNT)
