"""What follows here when the configuration below changes."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_delete
from django.dispatch import receiver

from core import clock
from integrations.models import Destination, TriggerConfig
from integrations.signals import destination_released, destination_tested
from mapping.models import Mapping
from referrals.importing.proving import prove_again
from referrals.importing.resuming import resume
from referrals.models import Delivery

State, Reason = Delivery.State, Delivery.Reason


@receiver(destination_released)
def resume_destination(destination: Destination, **_: Any) -> None:
    """Let go in turn what waited for the connection."""
    resume(destination, clock.now())


@receiver(destination_tested)
def prove_by_reading(destination: Destination, **_: Any) -> None:
    """See what reading can prove of it: whether its search finds and filters."""
    prove_again(destination)


@receiver(post_save, sender=Mapping)
def resume_mapping(instance: Mapping, **_: Any) -> None:
    """Queue what a mapping had stopped, once its new rules are saved too."""
    transaction.on_commit(lambda: _resume(Reason.MAPPING, trigger_config__mapping=instance.pk))


@receiver(pre_delete, sender=TriggerConfig)
def await_connection(instance: TriggerConfig, **_: Any) -> None:
    """Say of what its mapping had stopped that another connection is needed now."""
    Delivery.objects.filter(trigger_config=instance, reason=Reason.MAPPING).update(
        reason=Reason.DISCONNECTED
    )


@receiver(post_save, sender=TriggerConfig)
def resume_connection(instance: TriggerConfig, **_: Any) -> None:
    """Queue what stopped because this listing and this destination were no longer connected."""
    _resume(
        Reason.DISCONNECTED,
        referral__listing=instance.listing_id,
        destination=instance.destination_id,
    )


def _resume(reason: str, **where: Any) -> None:
    stopped = Delivery.objects.filter(state=State.NEEDS_ATTENTION, reason=reason)
    theirs = stopped.filter(**where).values("pk")
    stopped.filter(pk__in=theirs).update(state=State.QUEUED, reason="", due_at=clock.now())
