"""What follows here when the configuration below changes."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from core import clock
from integrations.models import Destination, TriggerConfig
from integrations.signals import destination_released, destination_tested
from mapping.models import Mapping
from referrals.importing.proving import prove_search_again
from referrals.importing.resuming import resume
from referrals.models import Delivery

State, Reason = Delivery.State, Delivery.Reason


@receiver(destination_released)
def resume_destination(destination: Destination, **_: Any) -> None:
    """Let go in turn what waited for the connection."""
    resume(destination, clock.now())


@receiver(destination_tested)
def prove_its_search(destination: Destination, **_: Any) -> None:
    """See whether the destination's search finds and filters."""
    prove_search_again(destination)


@receiver(post_save, sender=Mapping)
def resume_mapping(instance: Mapping, **_: Any) -> None:
    """Queue what a mapping had stopped, once its new rules are saved too."""
    transaction.on_commit(
        lambda: _resume(trigger_config__mapping=instance.pk, destination__held_at__isnull=True)
    )


@receiver(post_save, sender=TriggerConfig)
def resume_connection(instance: TriggerConfig, **_: Any) -> None:
    """Queue what stopped because this listing and this destination were no longer connected."""
    _resume(
        trigger_config=None,
        referral__listing=instance.listing_id,
        destination=instance.destination_id,
        destination__held_at__isnull=True,
    )


def _resume(**where: Any) -> None:
    stopped = Delivery.objects.filter(
        state=State.NEEDS_ATTENTION, reason=Reason.MISCONFIGURED, **where
    ).values("pk")
    Delivery.objects.filter(
        state=State.NEEDS_ATTENTION, reason=Reason.MISCONFIGURED, pk__in=stopped
    ).update(state=State.QUEUED, reason="", due_at=clock.now())
