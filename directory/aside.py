"""Work that is due and slow: one piece at a time, in a thread beside the dispatcher's."""

import threading
from collections.abc import Callable
from time import monotonic

from django.db import connections

from core.database import clock
from core.database.due import Due

ASK_SECONDS = 30.0  # between questions: nothing of this kind is urgent


def beside(
    due: Due,
    work: Callable[[int], object],
    now: Callable[[], float] = monotonic,
    seconds: float = ASK_SECONDS,
) -> Callable[[], None]:
    """Return what the dispatcher does at each of its turns: begin what is due.

    `work` takes the key of a row, and claims it; what is due is asked for every so many `seconds`.
    A slow API or server keeps nothing else waiting.
    """
    ask_at = 0.0
    thread: threading.Thread | None = None

    def all_due() -> None:
        try:
            while (key := next(iter(due.keys(clock.now(), 1)), None)) is not None:
                work(key)
        finally:
            connections.close_all()

    def turn() -> None:
        nonlocal ask_at, thread
        if now() < ask_at or (thread is not None and thread.is_alive()):
            return
        ask_at = now() + seconds
        if due.due(clock.Now()).exists():
            thread = threading.Thread(target=all_due, name=due.model.__name__, daemon=True)
            thread.start()

    return turn
