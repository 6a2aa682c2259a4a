"""What an agreement that nobody has saved yet would change: who enters the view, who leaves it."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from core.database import clock
from directory.models import DataPartner, Directory, Membership, Service
from directory.taking_in import take_in
from directory.views import agreements
from directory.views.rules import rules_of


@dataclass(frozen=True)
class Effect:
    """Services that would enter or leave, and tables and columns that would be gone or shown."""

    entering: "QuerySet[Service]"
    leaving: "QuerySet[Service]"
    gone: tuple[str, ...]
    shown: tuple[str, ...]


def effect(partner: DataPartner, directory: Directory) -> Effect:
    """Return what saving the agreement would change; raises agreements.Unusable.

    It is counted in services: what belongs to them comes and goes with them.
    """
    agreements.check(partner.include, partner.exclude_fields)
    take_in()
    today = clock.now().astimezone(directory.zone).date()
    is_new = partner._state.adding
    members = Membership.objects.filter(present=True, entry__kind="service")
    members = members.none() if is_new else members.filter(view=partner.view_id)
    before = Service.objects.filter(pk__in=members.values("entry"))
    after = rules_of(partner, directory, today).services()
    stored = DataPartner.objects.filter(pk=partner.pk).values_list("exclude_fields", flat=True)
    excluded: set[str] = set(*stored)
    will_be = set(partner.exclude_fields)
    return Effect(
        _without(after, before),
        _without(before, after),
        tuple(sorted(will_be - excluded)),
        tuple(sorted(excluded - will_be)),
    )


def _without(some: "QuerySet[Service]", others: "QuerySet[Service]") -> "QuerySet[Service]":
    """Return those that are not among the others. Not by `exclude(… in …)`: where there are many,
    PostgreSQL would read all of them for each."""
    return some.filter(~Exists(others.filter(pk=OuterRef("pk"))))


def digest(cleaned: Any) -> str:
    """Return a mark of what was entered, so that nothing is saved that was not shown."""
    return sha256(repr(cleaned).encode()).hexdigest()
