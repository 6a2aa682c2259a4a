"""What is deleted for good: revoked referrals, and files that belong to nothing.

A tombstone keeps the ids, the dates and the outcome, so that staff can still be told what became
of a referral and a late message does not bring the person's data back.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from core.storage import EncryptedFileStorage
from referrals import names
from referrals.models import (
    ClearedError,
    ImportAttempt,
    ImportJob,
    ImportStep,
    InboundEvent,
    Referral,
    ReferralFile,
    SentSnapshot,
    StoredSummary,
)

State = ImportJob.State
storage = EncryptedFileStorage()
REVOKED = "revoked"
PURGED = "purged"
REVOKED_WORD = "Caredove revoked the referral."
MAY_BE_THERE = (
    "Caredove revoked this referral while it was being sent: look in the destination, and remove "
    "it if it is there."
)
TELL_STAFF = "Caredove revoked this referral, and it is in the destination: remove it there."


def revoke(referral: Referral, now: datetime) -> None:
    """Delete the person's data because Caredove revoked the referral, and tell staff, once."""
    told = referral.purged_at is not None
    purge(referral, now, why=REVOKED)
    if not told:
        _tell_staff(referral.jobs.exclude(external_id=None), TELL_STAFF, now)
        sent = ImportStep.objects.filter(job__referral=referral).values("job")
        _tell_staff(referral.jobs.filter(external_id=None, pk__in=sent), MAY_BE_THERE, now)


def _tell_staff(jobs: QuerySet[ImportJob], message: str, now: datetime) -> None:
    jobs.update(error_at=now, error_cleared_at=None, error_cleared_by=None, message=message)


def purge(referral: Referral, now: datetime, *, why: str = PURGED) -> None:
    """Delete snapshot, bodies, files, summaries and answers; end the jobs; leave a tombstone.

    Must run in a transaction. A job that is running at this moment ends itself when it settles.
    """
    stored = _stored_names(referral)
    _end_jobs(referral, now)
    InboundEvent.objects.filter(referral=referral).update(body=None, warnings=[])
    ReferralFile.objects.filter(referral=referral).delete()
    StoredSummary.objects.filter(referral=referral).delete()
    SentSnapshot.objects.filter(step__job__referral=referral).delete()
    ImportAttempt.objects.filter(job__referral=referral).update(message="", body="", headers={})
    ClearedError.objects.filter(job__referral=referral).update(message="", note="")
    if referral.purged_at is None:
        referral.purged_at, referral.purged_why = now, why
    referral.snapshot, referral.changed_at = {}, now
    referral.save()
    names.index(referral)
    # Files go after the commit: a rolled-back purge must not have lost them.
    transaction.on_commit(lambda: _delete_files(stored))


def sweep(before: datetime) -> int:
    """Delete files, written before that time, that no row names; returns how many.

    A crash between writing a file and committing its row leaves one behind.
    """
    kept = set(ReferralFile.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    kept |= set(StoredSummary.objects.values_list("stored_as", flat=True))
    lost = [
        name
        for name in storage.names()
        if name not in kept and storage.get_modified_time(name) < before
    ]
    _delete_files(lost)
    return len(lost)


def _stored_names(referral: Referral) -> list[str]:
    files = ReferralFile.objects.filter(referral=referral).exclude(stored_as="")
    summaries = StoredSummary.objects.filter(referral=referral)
    return [
        *files.values_list("stored_as", flat=True),
        *summaries.values_list("stored_as", flat=True),
    ]


def _end_jobs(referral: Referral, now: datetime) -> None:
    jobs = ImportJob.objects.filter(referral=referral)
    jobs.filter(
        state__in=[State.WAITING, State.QUEUED, State.NEEDS_ATTENTION], external_id=None
    ).update(
        state=State.DISMISSED,
        reason="",
        due_at=None,
        closed_why=REVOKED_WORD,
        error_cleared_at=now,
    )
    jobs.update(message="", missing_files={}, lacks_files=False)
    jobs.filter(state=State.IMPORTED).update(due_at=None)


def _delete_files(names: list[str]) -> None:
    for name in names:
        storage.delete(name)
