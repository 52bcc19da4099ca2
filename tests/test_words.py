"""Passphrases of words: enough of them, from the published list, drawn evenly."""

import math
import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.errors import UsageError
from vsync.sync.words import (
    DEFAULT_WORDS,
    LIST_LENGTH,
    MAX_WORDS,
    MIN_GIVEN_CHARACTERS,
    MIN_WORDS,
    check_given,
    new_passphrase,
    word_list,
)


def test_the_list_is_the_long_one_of_the_eff() -> None:  # attack 42
    words = word_list()
    assert len(words) == len(set(words)) == LIST_LENGTH == 6**5
    assert (words[0], words[-1]) == ("abacus", "zoom")
    assert all(word.isascii() and word == word.lower() for word in words)


def test_the_fewest_words_are_worth_64_bits_and_the_default_more() -> None:  # attack 42
    assert MIN_WORDS * math.log2(LIST_LENGTH) >= 64
    assert DEFAULT_WORDS * math.log2(LIST_LENGTH) >= 77


def test_every_word_is_as_likely_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:  # attack 42
    asked: list[int] = []

    def draw(below: int) -> int:
        asked.append(below)
        return len(asked) * 1000 % below

    # randbelow refuses what would be uneven; a modulo of random bytes would not come here.
    monkeypatch.setattr(secrets.SystemRandom, "_randbelow", lambda self, below: draw(below))
    phrase = new_passphrase(6)
    assert asked == [LIST_LENGTH] * 6
    assert phrase.count("-") >= 5


def test_both_halves_of_the_list_come_up_alike() -> None:  # attack 42
    words = word_list()
    half = frozenset(words[: LIST_LENGTH // 2])
    phrases = [new_passphrase(MAX_WORDS) for _ in range(40)]
    known = [word for phrase in phrases for word in phrase.split("-") if word in words]
    drawn = Counter(word in half for word in known[:2000])
    # Seven standard deviations: fails once in 10^11 runs, and for any real bias.
    assert abs(drawn[True] - 1000) < 160


def test_two_passphrases_are_never_the_same() -> None:
    assert len({new_passphrase(6) for _ in range(20)}) == 20


@given(st.integers(-5, 200))
def test_the_number_of_words_is_bounded(count: int) -> None:
    if MIN_WORDS <= count <= MAX_WORDS:
        # Four words of the list have a hyphen of their own.
        assert new_passphrase(count).count("-") >= count - 1
    else:
        with pytest.raises(UsageError, match="5 to 64 words"):
            new_passphrase(count)


@given(st.text(max_size=40))
def test_a_given_passphrase_is_taken_as_it_is_or_refused_without_being_shown(text: str) -> None:
    if len(text) >= MIN_GIVEN_CHARACTERS:
        assert check_given(text) == text
    else:
        with pytest.raises(UsageError) as error:
            check_given(text)
        assert len(text) < 4 or text not in str(error.value) + (error.value.hint or "")
