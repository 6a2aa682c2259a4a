"""What a delivery has to bring, one version after another.

A kind that takes a referral once gets one version for it. The rules are those of the house: see
`integrations.transport.Updates`. Each call here runs in a transaction that holds the referral, or
the delivery's lease.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When

from referrals.models import Delivery, Step, Version

State = Version.State


def begin(delivery: Delivery, **asked: Any) -> Version:
    """Make the first version of a new delivery; it has the delivery's id."""
    return Version.objects.create(
        pk=delivery.pk, delivery=delivery, asked_at=delivery.opened_at, **asked
    )


def next_of(delivery_id: UUID, **annotations: Any) -> Version:
    """Return the version that is to be brought: the first pending one.

    Where none is pending, it is the one that was accepted last, whose files are still to follow.
    """
    turn = Case(When(_pending(), then=0), When(number=F("delivery__done"), then=1), default=2)
    ours = Version.objects.filter(delivery=delivery_id).annotate(**annotations)
    return ours.order_by(turn, "number")[:1].get()


def current(delivery: Delivery) -> QuerySet[Version]:
    """Return the versions whose steps count still: the pending ones, and the one accepted last."""
    return Version.objects.filter(_pending() | Q(number=delivery.done), delivery=delivery)


def end(deliveries: Iterable[UUID]) -> None:
    """Dismiss what is pending of deliveries that have ended."""
    Version.objects.filter(_pending(), delivery__in=deliveries).update(state=State.DISMISSED)


def forget_unsent(version: Version) -> None:
    """Forget what was sent with a version of which nothing has arrived after all."""
    begun = Step.objects.filter(version=OuterRef("pk"))
    Version.objects.filter(~Exists(begun), pk=version.pk, document__isnull=False).update(
        document=None
    )


def _pending() -> Q:
    return Q(state__in=Version.PENDING)
