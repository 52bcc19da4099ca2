"""Wait for something outside that may never answer, for a limited time.

A thread and not a child process: the backends we allow talk to a service and never read
stdin, a key then never crosses a pipe, and a run over many vaults does not pay for one
Python start a vault. A thread cannot be killed, so the work is told when nobody waits for
it any more and must not change anything after that.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NoReturn, TypeVar

T = TypeVar("T")

A_WHILE = 1.0  # seconds until a person is told what we wait for


def within(
    seconds: float,
    work: Callable[[threading.Event], T],
    *,
    waiting: Callable[[], None] | None = None,
) -> T:
    """Return what `work` returns, or raise what it raises; TimeoutError after `seconds`.

    `work` gets an event that is set once nobody waits for it any more. `waiting` is called
    once, after `A_WHILE`, when there is no answer yet.
    """
    answers: SimpleQueue[Callable[[], T]] = SimpleQueue()
    abandoned = threading.Event()
    # A daemon: a service that never answers must not keep the process alive.
    threading.Thread(target=_run, args=(work, abandoned, answers), daemon=True).start()
    try:
        return _first_answer(answers, seconds, waiting)()
    finally:
        abandoned.set()


def _run(
    work: Callable[[threading.Event], T],
    abandoned: threading.Event,
    answers: "SimpleQueue[Callable[[], T]]",
) -> None:
    try:
        result = work(abandoned)
    except BaseException as error:  # noqa: BLE001  raised again in the thread that waits
        answers.put(_Raise(error))
    else:
        answers.put(lambda: result)


class _Raise:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self) -> NoReturn:
        raise self.error


def _first_answer(
    answers: "SimpleQueue[Callable[[], T]]", seconds: float, waiting: Callable[[], None] | None
) -> Callable[[], T]:
    try:
        if waiting is None or seconds <= A_WHILE:
            return answers.get(timeout=seconds)
        try:
            return answers.get(timeout=A_WHILE)
        except Empty:
            waiting()
        return answers.get(timeout=seconds - A_WHILE)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
