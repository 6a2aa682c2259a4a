"""What people write down about a referral, for their colleagues. It goes with the person's data."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from core import audit
from core.database import clock
from referrals.models import Note, Referral

LONGEST = 2_000  # characters


def add(referral: Referral, text: str, by: AbstractBaseUser) -> bool:
    """Keep a note on the referral; False when the person's data is deleted, or is elsewhere."""
    with transaction.atomic():
        # A purge at the same moment waits for this, and then deletes the note.
        rows = Referral.objects.select_for_update(of=("self",)).defer("snapshot")
        kept = rows.filter(pk=referral.pk, purged_at=None, merged_into=None).first()
        if kept is None:
            return False
        Note.objects.create(referral=kept, by_id=by.pk, at=clock.now(), text=text)
        audit.record(by, "write note", referral)
    return True
