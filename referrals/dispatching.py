"""The dispatcher: finds due rows and sees that they are worked on.

With a broker it nudges workers; without one, or while it is down, it does the work itself.
Redis and Celery buy concurrency and latency, never correctness.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, connections

from core import clock
from referrals import importing, opening, tasks
from referrals.models import InboundEvent

logger = logging.getLogger(__name__)

BATCH = 100  # rows looked at in one round


def due_events(limit: int) -> list[UUID]:
    """Return events to open, the oldest first."""
    due = InboundEvent.objects.filter(
        state=InboundEvent.State.RECEIVED, due_at__lte=clock.now()
    ).order_by("received_at")
    return list(due.values_list("pk", flat=True)[:limit])


class Dispatcher:
    """Rounds of looking, nudging or working, until it is told to stop."""

    def __init__(self, threads: int | None = None) -> None:
        self.stopping = threading.Event()
        # Opening is quick: it must not wait behind imports, which render and send.
        self._openers = ThreadPoolExecutor(1, "open")
        self._pool = ThreadPoolExecutor(threads or settings.DISPATCHER_THREADS, "import")
        self._busy: set[UUID] = set()
        self._broker_retry_at = clock.now()

    def run(self) -> None:
        """Look every DISPATCH_SECONDS until `stopping` is set; lets running work end."""
        while not self.stopping.is_set():
            try:
                self.round()
            except Exception:
                logger.exception("a round failed; the next one begins anew")
            close_old_connections()
            self.stopping.wait(settings.DISPATCH_SECONDS)
        self._openers.shutdown(wait=True)
        self._pool.shutdown(wait=True)

    def round(self) -> int:
        """Do one round; returns how many rows were nudged or begun."""
        opening.quarantine_events()
        importing.release_lost()
        events, jobs = due_events(BATCH), importing.due_jobs(BATCH)
        if not events and not jobs:
            return 0
        if settings.CELERY_BROKER_URL and self._nudge(events, jobs):
            return len(events) + len(jobs)
        return self._work(events, jobs)

    def _nudge(self, events: list[UUID], jobs: Sequence[UUID]) -> bool:
        """Tell the workers; False when the broker is down."""
        if clock.now() < self._broker_retry_at:
            return False
        try:
            for event_id in events:
                if opening.mark_nudged(event_id):
                    tasks.publish(tasks.open_event, event_id)
            for job_id in jobs:
                if importing.mark_nudged(job_id):
                    tasks.publish(tasks.run_job, job_id)
        except Exception:
            logger.warning("the broker is down; the dispatcher does the work itself")
            self._broker_retry_at = clock.now() + settings.BROKER_RETRY_TIME
            return False
        return True

    def _work(self, events: list[UUID], jobs: Sequence[UUID]) -> int:
        begun = self._begin(self._openers, opening.open_jobs, events)
        return begun + self._begin(self._pool, importing.run, jobs)

    def _begin(
        self, pool: ThreadPoolExecutor, does: Callable[[UUID], object], rows: Sequence[UUID]
    ) -> int:
        new = [row_id for row_id in rows if row_id not in self._busy]
        for row_id in new:
            self._busy.add(row_id)
            pool.submit(self._do, does, row_id)
        return len(new)

    def _do(self, does: Callable[[UUID], object], row_id: UUID) -> None:
        try:
            does(row_id)
        except Exception:
            logger.exception("work failed; its row is looked at again")
        finally:
            connections.close_all()
            self._busy.discard(row_id)
