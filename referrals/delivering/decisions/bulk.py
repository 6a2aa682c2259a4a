"""Sending many imports again: asked about, confirmed, and worked off one by one.

The row is the queue here, too. The dispatcher gives each import its turn: the oldest first, with
a pause after each that was sent, so that a destination that is just well again stays so. An
import is sent again at most once more than it had been when it was chosen, whoever else acts.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from core import audit
from core.database import clock
from core.database.due import Due
from referrals import delivering, sentences
from referrals.models import BulkRetry, BulkRetryItem, Delivery

logger = logging.getLogger(__name__)

State, ItemState = BulkRetry.State, BulkRetryItem.State
TURNS = Due(BulkRetry, "next_at", Q(state=State.RUNNING))
LIMIT = 2_000  # imports in one selection; the oldest are taken
BATCH = 100  # imports of one bulk retry in one tick
FORGOTTEN = timedelta(days=1)  # what nobody has confirmed by then is deleted


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a bulk retry is, as counts of imports."""

    total: int
    waiting: int
    refused: int
    cancelled: int
    sent: int
    imported: int  # of those sent, and so on
    failed: int
    under_way: int
    dismissed: int

    @property
    def done(self) -> int:
        """How many have had their turn, or will have none."""
        return self.total - self.waiting


# -- What people do ----------------------------------------------------------------------------


def ask(deliveries: QuerySet[Delivery], by: User) -> UUID:
    """Note which imports a person wants to send again, and why some must not be.

    Returns the id of the selection: one bulk retry for each organization, to be confirmed. Of more
    than LIMIT, it takes the oldest that need attention.
    """
    now, selection = clock.now(), uuid4()
    BulkRetry.objects.filter(state=State.ASKED, asked_at__lt=now - FORGOTTEN).delete()
    of_organization = defaultdict(list)
    for delivery in _chosen(deliveries):
        of_organization[delivery.destination.organization_id].append(delivery)
    with transaction.atomic():
        for organization_id, chosen in of_organization.items():
            bulk_retry = BulkRetry.objects.create(
                selection=selection, organization_id=organization_id, asked_at=now, asked_by=by
            )
            BulkRetryItem.objects.bulk_create(_items(bulk_retry, chosen), batch_size=500)
    return selection


def start(bulk_retries: Iterable[BulkRetry], by: User) -> int:
    """Begin what a person has confirmed; returns how many of them this call began."""
    now = clock.now()
    began = {"state": State.RUNNING, "started_at": now, "next_at": now, "asked_by": by}
    return sum(_move(one, (State.ASKED,), by, "start", **began) for one in bulk_retries)


def pause(bulk_retry: BulkRetry, by: User) -> bool:
    """Give nobody a turn until somebody resumes it; False when it is not running."""
    return _move(bulk_retry, (State.RUNNING,), by, "pause", state=State.PAUSED)


def resume(bulk_retry: BulkRetry, by: User) -> bool:
    """Go on where it was paused; False when it is not paused."""
    return _move(
        bulk_retry, (State.PAUSED,), by, "resume", state=State.RUNNING, next_at=clock.now()
    )


def cancel(bulk_retry: BulkRetry, by: User) -> bool:
    """End it; what was not sent is not sent any more. False when it has ended."""
    now, open_states = clock.now(), (State.ASKED, State.RUNNING, State.PAUSED)
    with transaction.atomic():
        ended = {"state": State.CANCELLED, "ended_at": now}
        if not _move(bulk_retry, open_states, by, "cancel", **ended):
            return False
        bulk_retry.items.filter(state=ItemState.WAITING).update(
            state=ItemState.CANCELLED, done_at=now
        )
    return True


def _move(
    bulk_retry: BulkRetry, states: Iterable[str], by: User, action: str, **fields: Any
) -> bool:
    with transaction.atomic():
        mine = BulkRetry.objects.filter(pk=bulk_retry.pk, state__in=states)
        moved = bool(mine.update(**fields))
        if moved:
            audit.record(by, f"{action} bulk retry", bulk_retry)
    return moved


def _chosen(deliveries: QuerySet[Delivery]) -> list[Delivery]:
    """Return the chosen ones, the oldest first; when they are too many, those to retry first."""
    failed = deliveries.filter(state=Delivery.State.NEEDS_ATTENTION)
    chosen = list(_oldest(failed))
    if len(chosen) < LIMIT:
        others = deliveries.exclude(state=Delivery.State.NEEDS_ATTENTION)
        chosen += _oldest(others)[: LIMIT - len(chosen)]
    return sorted(chosen, key=lambda delivery: delivery.opened_at)


def _oldest(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    # A list may come with columns and an order of its own.
    plain = Delivery.objects.filter(pk__in=deliveries.order_by().values("pk"))
    related = plain.select_related("destination__organization", "trigger_config__mapping")
    return related.defer("message", "destination__options").order_by("opened_at")[:LIMIT]


def _items(bulk_retry: BulkRetry, deliveries: Iterable[Delivery]) -> list[BulkRetryItem]:
    return [
        _item(bulk_retry, delivery, delivering.why_not_retry(delivery)) for delivery in deliveries
    ]


def _item(bulk_retry: BulkRetry, delivery: Delivery, why: str) -> BulkRetryItem:
    state = ItemState.REFUSED if why else ItemState.WAITING
    return BulkRetryItem(
        bulk_retry=bulk_retry, delivery=delivery, resends=delivery.resends, state=state, why=why
    )


# -- What the dispatcher does ------------------------------------------------------------------


def tick() -> int:
    """Give their turn to those who have it now; returns how many had one.

    An organization's bulk retries go one after the other, so that their pauses add up.
    """
    running = BulkRetry.objects.filter(state=State.RUNNING).order_by("started_at")
    first: dict[int, UUID] = {}
    for pk, organization_id in running.values_list("pk", "organization_id"):
        first.setdefault(organization_id, pk)
    return sum(_turns(pk) for pk in first.values())


def _turns(bulk_retry_id: UUID) -> int:
    count = 0
    while count < BATCH and _turn(bulk_retry_id):
        count += 1
    return count


def _turn(bulk_retry_id: UUID) -> bool:
    """Give the next import its turn; False when it is not time, or nobody waits.

    One transaction: after a crash all of it has happened, or nothing.
    """
    now = clock.now()
    with transaction.atomic():
        mine = BulkRetry.objects.filter(pk=bulk_retry_id, state=State.RUNNING)
        if TURNS.claim(bulk_retry_id, now, settings.BULK_RETRY_PAUSE) is None:
            return False
        item = BulkRetryItem.objects.filter(
            bulk_retry=bulk_retry_id, state=ItemState.WAITING
        ).first()
        if item is None:
            mine.update(state=State.DONE, ended_at=now)
            return False
        why = _sent(item)
        _settle(item, why, now)
        if why:
            mine.update(next_at=now)  # what was not sent needs no pause
    return True


def _sent(item: BulkRetryItem) -> str:
    """Send the import again; return why not, or an empty string when it was sent."""
    try:
        with transaction.atomic():
            delivery = Delivery.objects.select_related(
                "destination__organization", "trigger_config__mapping"
            ).get(pk=item.delivery_id)
            if delivery.resends != item.resends:
                return sentences.SENT_AGAIN_MEANWHILE()
            delivering.retry(delivery, item.bulk_retry.asked_by)
    except delivering.RetryRefused as refusal:
        return refusal.why
    except Exception:
        logger.exception("a turn failed", extra={"delivery": str(item.delivery_id)})
        return sentences.BUG_AT_ITS_TURN()
    return ""


def _settle(item: BulkRetryItem, why: str, now: datetime) -> None:
    BulkRetryItem.objects.filter(pk=item.pk, state=ItemState.WAITING).update(
        state=ItemState.REFUSED if why else ItemState.SENT, why=why, done_at=now
    )


# -- How far it is -----------------------------------------------------------------------------


def standing(bulk_retry: BulkRetry) -> Standing:
    """Count the imports by what became of them."""
    by_state: dict[str, int] = defaultdict(int)
    sent: dict[str, int] = defaultdict(int)
    rows = bulk_retry.items.order_by().values_list("state", "delivery__state").annotate(Count("pk"))
    for state, delivery_state, count in rows:
        by_state[state] += count
        if state == ItemState.SENT:
            sent[delivery_state] += count
    ended = ("imported", "needs_attention", "dismissed")
    return Standing(
        total=sum(by_state.values()),
        waiting=by_state["waiting"],
        refused=by_state["refused"],
        cancelled=by_state["cancelled"],
        sent=by_state["sent"],
        imported=sent["imported"],
        failed=sent["needs_attention"],
        under_way=sum(count for state, count in sent.items() if state not in ended),
        dismissed=sent["dismissed"],
    )


def time_left(waiting: int) -> timedelta:
    """Return how long it takes until so many have had their turn."""
    pause: timedelta = settings.BULK_RETRY_PAUSE
    return waiting * pause
