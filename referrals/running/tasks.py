"""Celery tasks, three lines each, and the wake-ups that publish them.

A wake-up is a hint and may be lost: the dispatcher finds every due row by itself. Publishing never
delays or fails the caller, so it is done beside it.
"""

import logging
import queue
import threading
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings
from django.db import transaction

from core import wakeups
from referrals import delivering
from referrals.intake import opening

logger = logging.getLogger(__name__)

QUEUE_LIMIT = 10_000


@shared_task(name="referrals.tasks.open_event")
def open_event(event_id: str) -> None:
    """Look at this event now."""
    opening.open_deliveries(UUID(event_id))
    wake_deliveries_of(UUID(event_id))


@shared_task(name="referrals.tasks.run_delivery")
def run_delivery(delivery_id: str) -> None:
    """Look at this delivery now, or at one whose turn it is."""
    delivering.run_next(UUID(delivery_id))


def wake_event(event_id: UUID) -> None:
    """Tell a worker, after the commit, that an event wants to be opened."""
    transaction.on_commit(lambda: publisher.put(open_event, event_id))


def wake_delivery(delivery_id: UUID) -> None:
    """Tell a worker, after the commit, that a delivery may be due."""
    transaction.on_commit(lambda: publisher.put(run_delivery, delivery_id))


def wake_deliveries_of(event_id: UUID) -> None:
    """Tell a worker of the deliveries that an event has opened or revived."""
    for delivery_id in delivering.due_deliveries_of_event(event_id):
        wake_delivery(delivery_id)


class Publisher:
    """Publishes wake-ups from a thread of its own; without a broker, wakes the dispatcher."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[Task[[str], None], UUID]] = queue.Queue(QUEUE_LIMIT)
        self._started = threading.Lock()

    def put(self, task: "Task[[str], None]", row_id: UUID) -> None:
        if not settings.CELERY_BROKER_URL:
            wakeups.wake()
            return
        if self._started.acquire(blocking=False):
            threading.Thread(target=self._publish_all, daemon=True, name="wake-ups").start()
        try:
            self._waiting.put_nowait((task, row_id))
        except queue.Full:
            logger.warning("wake-up dropped; the dispatcher will find the row")

    def _publish_all(self) -> None:
        while True:
            task, row_id = self._waiting.get()
            try:
                publish(task, row_id)
            except Exception:
                logger.warning("wake-up not published; the dispatcher will find the row")
                wakeups.wake()


def publish(task: "Task[[str], None]", row_id: UUID) -> None:
    """Publish a message that carries one id; raises when the broker does not take it."""
    task.apply_async((str(row_id),), retry=False, ignore_result=True)


publisher = Publisher()
