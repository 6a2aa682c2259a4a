"""How people share the work: whose an error is, and when it is looked at again.

Each is one conditional update of what the person saw, and says whether it was the one.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from access import scope
from core import audit
from core.database import clock
from referrals.models import Delivery

DECIDES = "referrals.decide_delivery"
BACKEND = "django.contrib.auth.backends.ModelBackend"


class NotAColleague(Exception):
    """The person may not decide about imports of this organization."""


def colleagues(organizations: Iterable[int]) -> QuerySet[User]:
    """Return the people to whom errors of all these organizations can be assigned, by name.

    They are active, may decide about imports, and see each of the organizations.
    """
    people = User.objects.with_perm(DECIDES, backend=BACKEND).filter(is_staff=True)
    see_all = User.objects.with_perm(scope.SEE_ALL, backend=BACKEND)
    members = people
    for organization in organizations:
        members = members.filter(memberships__organization=organization)
    either = people.filter(pk__in=see_all) | people.filter(pk__in=members)
    return either.order_by("username").distinct()


def assign(delivery: Delivery, to: User | None, by: AbstractBaseUser) -> bool:
    """Make an error that nobody has cleared somebody's, or nobody's.

    False when it is cleared, or is assigned to another person than was seen. Raises NotAColleague.
    """
    if to and not colleagues([delivery.destination.organization_id]).filter(pk=to.pk).exists():
        raise NotAColleague
    with transaction.atomic():
        mine = _uncleared(delivery).filter(assigned_to=delivery.assigned_to_id)
        assigned = bool(mine.update(assigned_to=to))
        if assigned:
            audit.record(by, "assign", delivery, to=to.get_username() if to else "")
    return assigned


def snooze(delivery: Delivery, until: datetime, by: AbstractBaseUser) -> bool:
    """Leave an error out of the open work until then, or until the import fails again.

    False when it is cleared, or is another error than was seen.
    """
    with transaction.atomic():
        snoozed = bool(_uncleared(delivery).update(snoozed_until=until, snoozed_at=clock.now()))
        if snoozed:
            audit.record(by, "snooze", delivery, until=until.isoformat())
    return snoozed


def wake(delivery: Delivery, by: AbstractBaseUser) -> bool:
    """Show a snoozed error again; False when it is not snoozed."""
    with transaction.atomic():
        asleep = _uncleared(delivery).filter(snoozed_until__isnull=False)
        awake = bool(asleep.update(snoozed_until=None, snoozed_at=None))
        if awake:
            audit.record(by, "end snooze", delivery)
    return awake


def _uncleared(delivery: Delivery) -> QuerySet[Delivery]:
    """Return the import if its error is the one that was seen, and nobody has cleared it."""
    seen: Any = delivery.error_at
    return Delivery.objects.filter(pk=delivery.pk, error_at=seen, error_cleared_at__isnull=True)
