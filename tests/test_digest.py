"""SHA-256 on a second thread (formats §4, `sha256`)."""

import hashlib
import random

from hypothesis import given
from hypothesis import strategies as st

from vsync.formats.digest import ALONE_BYTES, Digest

NOISE = random.Random(6).randbytes(3 * ALONE_BYTES)


@given(st.lists(st.integers(0, 3 * ALONE_BYTES), max_size=6))
def test_the_digest_is_that_of_all_pieces_in_order_whatever_their_size(sizes: list[int]) -> None:
    ours, plain = Digest(), hashlib.sha256()
    for size in sizes:
        ours.update(memoryview(NOISE)[:size])
        plain.update(NOISE[:size])
    assert ours.hexdigest() == plain.hexdigest()


def test_two_buffers_in_turn_are_enough() -> None:
    buffers, ours, plain = [bytearray(2 * ALONE_BYTES) for _ in range(2)], Digest(), hashlib.sha256()
    for number in range(50):
        buffer = buffers[number % 2]
        buffer[:] = NOISE[number : number + len(buffer)]
        ours.update(memoryview(buffer))
        plain.update(buffer)
    assert ours.hexdigest() == plain.hexdigest()
