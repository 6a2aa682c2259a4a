"""Celery tasks, a few lines each, and the wake-ups that publish them.

A wake-up is a hint and may be lost: the dispatcher finds every due row by itself. Publishing never
delays or fails the caller, so it is done beside it.
"""

import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeAlias
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings
from django.db import transaction

from core.timing import wakeups
from referrals import delivering
from referrals.intake import opening

logger = logging.getLogger(__name__)

Wakeup: TypeAlias = "Task[..., None]"
QUEUE_LIMIT = 10_000
SHARED = 20  # wake-ups in one message, at most: a single worker opens its events


@shared_task(name="referrals.tasks.open_event")
def open_event(*event_ids: str) -> None:
    """Look at these events now."""
    for event_id in map(UUID, event_ids):
        opening.open_deliveries(event_id)
        wake_deliveries_of(event_id)


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
        self._waiting: queue.Queue[tuple[Wakeup, UUID]] = queue.Queue(QUEUE_LIMIT)
        self._started = threading.Lock()

    def put(self, task: "Wakeup", row_id: UUID) -> None:
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
            for task, row_ids in self._next():
                try:
                    publish(task, *row_ids)
                except Exception:
                    logger.warning("wake-up not published; the dispatcher will find the row")
                    wakeups.wake()

    def _next(self) -> "Iterator[tuple[Wakeup, list[UUID]]]":
        """Wait for a wake-up, and yield what to publish for it and those that wait with it.

        A message costs as much as an event. While one is published others come, so events share
        one exactly when there are many; an import needs a worker of its own.
        """
        waiting = [self._waiting.get()]
        with suppress(queue.Empty):
            while len(waiting) < SHARED:
                waiting.append(self._waiting.get_nowait())
        if events := [row_id for task, row_id in waiting if task is open_event]:
            yield open_event, events
        yield from ((task, [row_id]) for task, row_id in waiting if task is not open_event)


def publish(task: "Wakeup", *row_ids: UUID) -> None:
    """Publish a message that carries ids alone; raises when the broker does not take it."""
    task.apply_async(tuple(map(str, row_ids)), retry=False, ignore_result=True)


publisher = Publisher()
