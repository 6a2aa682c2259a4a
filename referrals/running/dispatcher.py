"""The dispatcher: finds due rows and sees that they are worked on.

It opens events, gives bulk retries their turns, and probes destinations that are down. With a
broker it wakes workers to import; without one, or while it is down, it imports itself. Redis and
Celery buy concurrency and latency, never correctness. What rooms above want done, such as alerts,
is done beside all this.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, connections
from django.db.models import QuerySet

from core.database.clock import Now
from core.timing.wakeups import Waiting
from integrations import probing
from referrals import delivering
from referrals.delivering import jobs
from referrals.delivering.decisions import bulk
from referrals.intake import opening
from referrals.models import InboundEvent
from referrals.running import tasks

logger = logging.getLogger(__name__)

BATCH = 100  # rows looked at in one round
PROBERS = 4  # threads
JOBS_AT_ONCE = 2
# A broker wakes workers by itself: what the dispatcher finds there is what came to no message.
REST_WITH_BROKER = 2  # times DISPATCH_SECONDS
BETWEEN_ROUNDS = 0.01  # seconds: wake-ups that come within are one
Row = TypeVar("Row", UUID, int)  # the key of a row


class Threads(ThreadPoolExecutor):
    """Threads that keep their connections to the database for as long as they live."""

    def __init__(self, count: int, name: str) -> None:
        super().__init__(count, name)
        self._count = count

    def end(self) -> None:
        """Let what was begun end, then have each thread close its connection and end too."""
        # Only its own thread can close a connection. No thread takes two of these, as each waits
        # for all; threads that were not needed so far are started for it.
        together = threading.Barrier(self._count)
        for _ in range(self._count):
            self.submit(self._close, together)
        self.shutdown(wait=True)

    @staticmethod
    def _close(together: threading.Barrier) -> None:
        connections.close_all()
        together.wait()


_beside: dict[Callable[[], object], float] = {}


def beside(does: Callable[[], object], *, seconds: float = 0) -> None:
    """Let every dispatcher do this every BESIDE_SECONDS, in a thread that imports never wait for.

    `seconds`: no sooner again than after these, because every look costs statements at rest.
    It has to bear being done by several dispatchers at once.
    """
    _beside[does] = seconds


def to_open() -> QuerySet[InboundEvent]:
    """Return the events to open."""
    return InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED, due_at__lte=Now())


def due_events(limit: int) -> list[UUID]:
    """Return events to open, the oldest first."""
    in_order = to_open().order_by("due_at")  # as their index has them, however many wait
    return list(in_order.values_list("pk", flat=True)[:limit])


# What there may be to do, each with the rows that say so: one statement asks for all of them.
WORK: dict[str, Callable[[], QuerySet[Any]]] = {
    "events": to_open,
    "lost": lambda: delivering.lost(Now()),
    "turns": lambda: bulk.TURNS.due(Now()),
    "jobs": lambda: jobs.JOBS.due(Now()),
    "probes": lambda: probing.PROBES.due(Now()),
    "runs": delivering.due_destinations,
    "deliveries": delivering.destinations_with_due,
}


class Dispatcher:
    """Rounds of looking, waking or working, until it is told to stop."""

    def __init__(self, threads: int | None = None) -> None:
        self.stopping = threading.Event()
        # Opening is quick: it must not wait behind imports, which render and send.
        self._openers = Threads(1, "open")
        self._threads = threads or settings.DISPATCHER_THREADS
        self._pool = Threads(self._threads, "import")
        self._opening: set[UUID] = set()
        self._importing: set[UUID] = set()
        self._carrying: set[int] = set()  # destinations whose run is under way
        # A probe waits long for what does not answer: no import waits for it.
        self._probers = Threads(PROBERS, "probe")
        self._probing: set[int] = set()
        # What a person has asked for may take hours: nothing else waits for it.
        self._workers = Threads(JOBS_AT_ONCE, "job")
        self._working: set[UUID] = set()
        self._wake = Waiting()  # something came or was done: look at once for more
        self._broker_retry_at = time.monotonic()

    def run(self) -> None:
        """Look when woken, and after a rest, until `stopping` is set; lets running work end."""
        rest = settings.DISPATCH_SECONDS * (REST_WITH_BROKER if settings.CELERY_BROKER_URL else 1)
        beside = threading.Thread(target=self._do_beside, name="beside")
        beside.start()
        while not self.stopping.is_set():
            try:
                self.round()
            except Exception:
                logger.exception("a round failed; the next one begins anew")
                close_old_connections()  # here alone: to try a connection is a statement too
            self.stopping.wait(BETWEEN_ROUNDS)
            self._wake.wait(rest)
        self.close()
        beside.join()
        connections.close_all()  # of this thread, which may not be the process's only one

    def stop(self) -> None:
        """End `run` as soon as what was begun has ended; a handler of signals may call this."""
        self.stopping.set()
        self._wake.set()

    def close(self) -> None:
        """Let what was begun end, and close the connections of all threads but the caller's."""
        for threads in (self._openers, self._probers, self._workers, self._pool):
            threads.end()
        self._wake.close()

    def round(self) -> int:
        """Do one round; returns how many rows were woken or begun.

        Events are opened here even where there are workers, which may all be busy with imports.
        """
        due = self._look()  # first of all: what a restored database lost is not opened as new
        begun = 0
        if "events" in due:
            opening.quarantine_events()
            events = due_events(BATCH)
            begun += self._begin(self._openers, self._opening, opening.open_deliveries, events)
        if "probes" in due:
            begun += self._begin(self._probers, self._probing, probing.probe, probing.due_probes())
        if "jobs" in due:
            begun += self._begin(self._workers, self._working, jobs.work, jobs.JOBS.keys(Now()))
        if "lost" in due:
            delivering.release_lost()
        if "turns" in due:
            self._retry()
        # What was lost, and what had its turn, may be due by now.
        if not {"lost", "turns", "runs"}.isdisjoint(due):
            runs = delivering.due_destinations().values_list("pk", flat=True)
            begun += self._begin(self._pool, self._carrying, delivering.carry_due, runs)
        if not {"lost", "turns", "deliveries"}.isdisjoint(due):
            begun += self._see_to(delivering.due_deliveries(BATCH))
        return begun

    def _look(self) -> Collection[str]:
        """Return what there is to do, as keys of WORK; all of it where that was not asked."""
        try:
            found = delivering.found(**{name: rows() for name, rows in WORK.items()})
            if found is not None:
                return found
            delivering.look()
        except OSError:
            logger.exception("STATE_ROOT cannot be used: events are opened, and nothing is sent")
        return WORK

    def _retry(self) -> None:
        try:
            bulk.tick()
        except Exception:
            logger.exception("bulk retries failed; imports go on")

    def _see_to(self, deliveries: Sequence[UUID]) -> int:
        """Wake workers for the deliveries, or import them here."""
        if deliveries and settings.CELERY_BROKER_URL and self._wake_workers(deliveries):
            return len(deliveries)
        return self._import(deliveries)

    def _wake_workers(self, deliveries: Sequence[UUID]) -> bool:
        """Tell the workers; False when the broker is down."""
        if time.monotonic() < self._broker_retry_at:
            return False
        try:
            for delivery_id in delivering.mark_woken(deliveries):
                tasks.publish(tasks.run_delivery, delivery_id)
        except Exception:
            logger.warning("the broker is down; the dispatcher does the work itself")
            self._broker_retry_at = time.monotonic() + settings.BROKER_RETRY_TIME.total_seconds()
            return False
        return True

    def _import(self, deliveries: Sequence[UUID]) -> int:
        # No more than can begin now: a delivery that waited in here would not let others go first.
        free = self._threads - len(self._importing)
        new = [delivery_id for delivery_id in deliveries if delivery_id not in self._importing]
        return self._begin(self._pool, self._importing, delivering.run, new[:free])

    def _begin(
        self,
        pool: Threads,
        under_way: set[Row],
        does: Callable[[Row], object],
        rows: Iterable[Row],
    ) -> int:
        new = [row_id for row_id in rows if row_id not in under_way]
        for row_id in new:
            under_way.add(row_id)
            pool.submit(self._do, does, row_id, under_way)
        return len(new)

    def _do(self, does: Callable[[Row], object], row_id: Row, under_way: set[Row]) -> None:
        did_something = None
        try:
            # What has not begun when this program ends is left to the next one.
            did_something = not self.stopping.is_set() and does(row_id)
        except Exception:
            logger.exception("work failed; its row is looked at again")
        finally:
            close_old_connections()  # one that is broken; the others are kept for the next row
            under_way.discard(row_id)
        if did_something:
            self._wake.set()

    def _do_beside(self) -> None:
        not_before = dict.fromkeys(_beside, 0.0)
        while not self.stopping.wait(settings.BESIDE_SECONDS):
            now = time.monotonic()
            for does in [one for one in _beside if not_before.get(one, 0.0) <= now]:
                not_before[does] = now + _beside[does]
                try:
                    does()
                except Exception:
                    logger.exception("what is done beside failed; it is done again")
            close_old_connections()
        connections.close_all()
