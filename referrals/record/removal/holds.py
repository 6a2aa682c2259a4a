"""Legal holds: while one is placed on a referral, nothing of it is deleted here.

It counts for the referral and for all that became part of it. A referral that Caredove revokes
meanwhile counts as deleted for all else, but what it says stays until the hold is released.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from core import audit
from core.database import clock
from referrals.models import LegalHold, Referral

LONGEST = 500  # characters of a reason
PERMISSION = "referrals.place_legal_hold"


def active() -> QuerySet[LegalHold]:
    """Return the holds that are placed now."""
    return LegalHold.objects.filter(released_at=None)


def of_whole(whole: Sequence[UUID]) -> QuerySet[LegalHold]:
    """Return the holds on a referral and its parts, by their keys."""
    return active().filter(referral__in=whole)


def of(referral: Referral) -> LegalHold | None:
    """Return the hold on a referral or on what became part of it; None where there is none."""
    whole = Q(referral=referral.pk) | Q(referral__merged_into=referral.pk)
    return active().filter(whole).select_related("placed_by").first()


def on_hold() -> Any:
    """Return the condition on a row of Referral: there is a hold on it, or on a part of it."""
    own = Exists(active().filter(referral=OuterRef("pk")))
    return own | Exists(active().filter(referral__merged_into=OuterRef("pk")))


def place(referral: Referral, reason: str, by: AbstractBaseUser | str) -> bool:
    """Place a hold; False when there is one, or when the person's data is deleted, or elsewhere."""
    with transaction.atomic():
        # A purge at the same moment waits for this, or this for the purge.
        rows = Referral.objects.select_for_update(of=("self",)).defer("snapshot")
        kept = rows.filter(pk=referral.pk, purged_at=None, merged_into=None).first()
        if kept is None or of(kept):
            return False
        placed_by = None if isinstance(by, str) else by.pk
        LegalHold.objects.create(
            referral=kept, reason=reason, placed_at=clock.now(), placed_by_id=placed_by
        )
        audit.record(by, "place legal hold", kept)
    return True


def release(whole: Sequence[UUID]) -> int:
    """End the holds on a referral and its parts; return how many. `retention.release` goes on."""
    return of_whole(whole).update(released_at=clock.now())
