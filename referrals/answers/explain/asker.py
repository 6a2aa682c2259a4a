"""Who wants to know, and so what they may hear of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from access import scope
from integrations.models import Organization, Source
from referrals.models import Referral

READS_PEOPLE = "referrals.view_referral"


@dataclass(frozen=True, slots=True)
class Asker:
    """Which referrals, their imports, and events that belong to none yet, somebody may hear of.

    What they may not hear of is for them as if it had never come. `reads_people`: whether they may
    read what a destination says, which may be personal.
    """

    may_hear_of: Callable[[Referral], bool]
    deliveries: Q
    events: Q
    reads_people: bool = True


EVERYBODY = Asker(lambda _: True, Q(), Q())  # of the command line, which reads the database anyway


def person(user: Any) -> Asker:
    """Return what a member of the staff may hear of: their organizations'.

    An event that belongs to no referral yet is theirs when its source sends for them alone.
    """
    reads_people = user.has_perm(READS_PEOPLE)
    if scope.sees_all(user):
        return Asker(lambda _: True, Q(), Q(), reads_people)
    return Asker(
        lambda referral: scope.may_see(user, referral.organization_id),
        Q(destination__organization__in=scope.organization_ids(user)),
        Q(source__in=_sources_for(user)),
        reads_people,
    )


def _sources_for(user: Any) -> Any:
    others = Organization.objects.exclude(pk__in=scope.organization_ids(user))
    return (
        Source.objects.filter(organizations__isnull=False)
        .exclude(organizations__in=others)
        .values("pk")
    )


def organization(one: Organization) -> Asker:
    """Return what a script of an organization may hear of: its referrals, and no personal data."""
    return Asker(
        lambda referral: referral.organization_id == one.pk,
        Q(destination__organization=one),
        Q(referral__organization=one),
        reads_people=False,
    )


def source(sender: Source) -> Asker:
    """Return what a sender may hear of: referrals of whom it may send for, and its own events."""
    limited = sender.organizations.exists()
    deliveries = Q(destination__organization__in=sender.organizations.all()) if limited else Q()
    return Asker(lambda referral: _may_send(sender, referral), deliveries, Q(source=sender))


def _may_send(sender: Source, referral: Referral) -> bool:
    """Whoever may send for its organization; while that is unknown, whoever sent it."""
    if referral.organization:
        return sender.may_send_for(referral.organization.caredove_id)
    return not sender.organizations.exists() or referral.events.filter(source=sender).exists()
