"""A person sends a referral to a destination by hand, for the first time or once more."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import audit
from core.database import clock
from integrations.models import Destination, TriggerConfig
from referrals.delivering.running import why_not_now
from referrals.models import Delivery, Referral, Version
from referrals.record import versions
from referrals.record.documents import document_of

NOT_BY_HAND = _("Nothing is sent to this destination by hand.")
SENT_MEANWHILE = _("It was sent there meanwhile. Open the page again to send it once more.")


class NotSent(Exception):
    """The referral must not be sent there; `why` is a sentence for people."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def why_not_by_hand(referral: Referral, destination: Destination) -> str:
    """Return why the referral must not be sent there by hand, or an empty string."""
    if not destination.transport().by_hand:
        return str(NOT_BY_HAND)
    return why_not_now(Delivery(referral=referral, destination=destination))


@transaction.atomic
def send_by_hand(
    referral: Referral,
    destination: Destination,
    by: AbstractBaseUser,
    options: Mapping[str, Any] | None = None,
    *,
    seen: int | None = None,
) -> Version:
    """Queue a version that the person asks for, also while the one before is unknown.

    `options` are this sending's own, and stay encrypted. `seen` is the number of the newest version
    that the person has seen, 0 for none: who presses a button twice sends once. Raises NotSent.
    """
    now = clock.now()
    locked = Referral.objects.select_for_update(of=("self",)).get(pk=referral.pk)
    if why := why_not_by_hand(locked, destination):
        raise NotSent(why)
    ours = Delivery.objects.filter(referral=locked, destination=destination)
    known = ours.first()
    if seen is not None and seen != (known.wanted if known else 0):
        raise NotSent(str(SENT_MEANWHILE))
    delivery = known or Delivery(
        referral=locked,
        destination=destination,
        trigger_config=TriggerConfig.objects.filter(
            listing=locked.listing, destination=destination
        ).first(),
        reference=locked.reference,
        opened_at=now,
        state=Delivery.State.QUEUED,
        due_at=now,
    )
    asked = {
        "asked_by": by,
        "options": dict(options) if options else None,
        "document": document_of(locked),
    }
    if delivery._state.adding:
        delivery.save(force_insert=True)
        version = versions.begin(delivery, why=Version.Why.PERSON, **asked)
    else:
        version = versions.ask(delivery, now, **asked)
    audit.record(by, "send", delivery, version=version.number)
    return version
