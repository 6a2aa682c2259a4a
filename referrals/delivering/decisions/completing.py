"""A person says that a referral is complete again, after its data was deleted here."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from core import audit
from core.database import clock
from integrations.transport import Updates
from referrals.delivering.running import why_not_now
from referrals.models import Delivery, Referral
from referrals.record import versions
from referrals.record.documents import document_of


@transaction.atomic
def count_as_complete(referral: Referral, by: AbstractBaseUser) -> int | None:
    """Send what has come since the data was deleted; return how many destinations get it.

    Returns None, and sends nothing, where the referral was complete or deleted meanwhile. A late
    message may know little of the person, so nothing counts as complete until somebody has looked.
    """
    locked = Referral.objects.select_for_update(of=("self",)).get(pk=referral.pk)
    in_part = Referral.objects.filter(
        pk=locked.pk, purged_at=None, purged_why=Referral.PurgedWhy.EXPIRED
    )
    if not in_part.update(purged_why=""):
        return None
    locked.purged_why = ""
    deliveries = [one for one in locked.deliveries.select_related("destination") if _resumes(one)]
    for delivery in deliveries:
        asked: dict[str, Any] = {"asked_by": by}
        if delivery.destination.transport().updates is Updates.EACH:
            asked["document"] = document_of(locked)
        versions.ask(delivery, clock.now(), **asked)
    audit.record(by, "count as complete", locked, destinations=len(deliveries))
    return len(deliveries)


def _resumes(delivery: Delivery) -> bool:
    is_kept_current = delivery.destination.transport().updates is not Updates.ONCE
    dismissed = delivery.state == Delivery.State.DISMISSED
    return is_kept_current and not dismissed and not why_not_now(delivery)
