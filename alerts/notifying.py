"""Making an alert: one for each cause and hour, and a delivery for each who wants its kind."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from alerts.models import Alert, AlertDelivery, AlertKind, AlertRecipient


@dataclass(frozen=True, slots=True)
class News:
    """What an organization is notified of, once for each `cause`."""

    organization_id: int
    kind: AlertKind
    cause: str
    destination_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def notify(news: News, now: datetime, hour: datetime | None = None) -> bool:
    """Notify everybody who wants to know; False when they were notified of this cause in this hour.

    `hour` is the clock hour of `now`, unless something else is to happen once.
    """
    hour = hour or now.replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        alert, made = Alert.objects.get_or_create(
            organization_id=news.organization_id,
            cause=news.cause,
            hour=hour,
            defaults={
                "kind": news.kind,
                "destination_id": news.destination_id,
                "made_at": now,
                "facts": news.facts,
            },
        )
        if made:
            AlertDelivery.objects.bulk_create(
                AlertDelivery(alert=alert, recipient=recipient, due_at=now)
                for recipient in _who_wants(news)
            )
    return made


def _who_wants(news: News) -> list[AlertRecipient]:
    active = AlertRecipient.objects.filter(organization=news.organization_id, active=True)
    return [recipient for recipient in active if news.kind in recipient.kinds]
