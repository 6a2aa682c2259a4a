"""How many requests a process answers at once: the referral side never waits for them.

Data partners have seats of their own: whoever asks without a token takes none of theirs.
"""

import threading

from django.utils.translation import gettext as _

from integrations.sources.responses import Problem

REQUESTS, STREAMS = 8, 2
_WAIT = {"Retry-After": "1"}


class Seats:
    """A number of seats. Whoever finds none is sent away, and waits outside of the process."""

    def __init__(self, number: int) -> None:
        self._free = threading.BoundedSemaphore(number)

    def take(self) -> "Seat":
        """Return a seat; raises Problem 429 when none is free."""
        if not self._free.acquire(blocking=False):
            detail = _("Too many requests at once. Try again in a second.")
            raise Problem(429, detail, headers=_WAIT)
        return Seat(self._free)


class Seat:
    """One seat. To leave it twice does nothing."""

    def __init__(self, free: threading.BoundedSemaphore) -> None:
        self._free: threading.BoundedSemaphore | None = free

    def leave(self) -> None:
        free, self._free = self._free, None
        if free is not None:
            free.release()


requests = Seats(REQUESTS)
of_data_partners = Seats(REQUESTS)
streams = Seats(STREAMS)
