"""How often one sender may call, by a token bucket in this process's memory.

Each web process counts for itself: the limit protects the process, it is no quota.
"""

import threading
import time
from collections.abc import Callable

from django.conf import settings

_MINUTE = 60.0
_MANY = 10_000


class TokenBuckets:
    """One bucket for each sender. It holds a minute's worth of calls and fills all the time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens left, at which time

    def take(self, sender: str, per_minute: int) -> float:
        """Count a call; return 0 when it may go on, else the seconds to wait before the next."""
        if per_minute <= 0:
            return 0.0
        with self._lock:
            now = self._clock()
            left, at = self._buckets.get(sender, (float(per_minute), now))
            left = min(per_minute, left + (now - at) * per_minute / _MINUTE)
            if left < 1:
                return (1 - left) * _MINUTE / per_minute
            if len(self._buckets) >= _MANY:  # after an idle minute a bucket is full, like a new one
                self._buckets = {
                    sender: bucket
                    for sender, bucket in self._buckets.items()
                    if now - bucket[1] < _MINUTE
                }
            self._buckets[sender] = (left - 1, now)
            return 0.0

    def wait(self, sender: str, per_minute: int) -> float:
        """Return what `take` would, and count nothing."""
        with self._lock:
            left, at = self._buckets.get(sender, (float(per_minute), self._clock()))
            left += (self._clock() - at) * per_minute / _MINUTE
            return max(0.0, (1 - left) * _MINUTE / per_minute)


_buckets = TokenBuckets()


def seconds_to_wait(sender: str, per_minute: int | None = None) -> float:
    """Count a call of the sender; return 0, or the seconds for `Retry-After`.

    RATE_LIMIT_PER_MINUTE sets the limit, unless the sender has one of its own; 0 sets none.
    """
    return _buckets.take(
        sender, settings.RATE_LIMIT_PER_MINUTE if per_minute is None else per_minute
    )


REFUSALS_PER_MINUTE = 30  # checking a wrong secret costs a tenth of a second of CPU


def count_refusal(address: str) -> None:
    """Count that credentials from this address were wrong."""
    _buckets.take(f"refused:{address}", REFUSALS_PER_MINUTE)


def seconds_until_heard(address: str) -> float:
    """Return 0, or for how long an address that guesses credentials is not listened to."""
    return _buckets.wait(f"refused:{address}", REFUSALS_PER_MINUTE)
