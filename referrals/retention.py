"""What is deleted for good: revoked referrals, those kept for long enough, and stray files.

A tombstone keeps the ids, the dates and the outcome, so that staff can still be told what became
of a referral. After a revocation no late message brings the person's data back; after the
retention period, a message begins to fill the referral anew.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from core import audit, clock
from core.storage import EncryptedFileStorage
from integrations.models import Organization
from referrals import names
from referrals.models import (
    ClearedError,
    ImportAttempt,
    ImportJob,
    ImportStep,
    InboundEvent,
    Referral,
    ReferralFile,
    RetentionPeriod,
    SentSnapshot,
    StoredSummary,
)

State, Why = ImportJob.State, Referral.PurgedWhy
storage = EncryptedFileStorage()
REVOKED_WORD = "Caredove revoked the referral."
EXPIRED_WORD = "The retention period was over: the person's data was deleted."
MAY_BE_THERE = (
    "Caredove revoked this referral while it was being sent: look in the destination, and remove "
    "it if it is there."
)
TELL_STAFF = "Caredove revoked this referral, and it is in the destination: remove it there."

RETENTION = "The retention period"  # as the audit trail names who did it
# What an import says of the person's files and data, emptied.
NOTHING_SAID: dict[str, Any] = {
    "missing_files": {},
    "lacks_files": False,
    "corrections": [],
    "needs_correction": False,
}
BATCH = 50  # referrals of an organization at one look: the dispatcher may be told to stop
# Somebody or something has still to do with such an import.
UNFINISHED = (
    Q(state__in=[State.WAITING, State.QUEUED, State.RUNNING])
    | Q(due_at__isnull=False)
    | Q(error_at__isnull=False, error_cleared_at__isnull=True)
)


def revoke(referral: Referral, now: datetime) -> None:
    """Delete the person's data because Caredove revoked the referral, and tell staff, once."""
    told = referral.is_revoked
    _end_jobs(referral, now)
    purge(referral, now, why=Why.REVOKED)
    if not told:
        _tell_staff(referral.jobs.exclude(external_id=None), TELL_STAFF, now)
        sent = ImportStep.objects.filter(job__referral=referral).values("job")
        _tell_staff(referral.jobs.filter(external_id=None, pk__in=sent), MAY_BE_THERE, now)


def _tell_staff(jobs: QuerySet[ImportJob], message: str, now: datetime) -> None:
    jobs.update(error_at=now, error_cleared_at=None, error_cleared_by=None, message=message)


def purge_expired() -> int:
    """Purge a batch of referrals that their organization keeps no longer; returns how many."""
    now = clock.now()
    periods = RetentionPeriod.objects.select_related("organization")
    return sum(_purge_expired(period, now) for period in periods)


def expired(organization: Organization, days: int, now: datetime) -> QuerySet[Referral]:
    """Return the referrals whose last message is longer ago, and with which nothing is left to do.

    One with an import under way, or with an error that nobody has cleared, is none of them.
    """
    unfinished = ImportJob.objects.filter(UNFINISHED, referral=OuterRef("pk"))
    return Referral.objects.filter(
        ~Exists(unfinished),
        organization=organization,
        purged_at__isnull=True,
        changed_at__lt=now - timedelta(days=days),
    )


def _purge_expired(period: RetentionPeriod, now: datetime) -> int:
    rows = expired(period.organization, period.days, now).order_by("changed_at")
    return sum(_purge_one(pk, period, now) for pk in rows.values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _purge_one(referral_id: UUID, period: RetentionPeriod, now: datetime) -> bool:
    # Looked at again under a lock: a message may have come, or another dispatcher been quicker.
    rows = expired(period.organization, period.days, now)
    referral = rows.select_for_update(of=("self",)).filter(pk=referral_id).first()
    if referral is None:
        return False
    purge(referral, now)
    audit.record(RETENTION, "delete data", referral, days=period.days)
    return True


def why_ended(referral: Referral) -> str:
    """Return why nothing of a purged referral is imported."""
    return REVOKED_WORD if referral.is_revoked else EXPIRED_WORD


def begin_anew(referral: Referral) -> None:
    """Let a referral whose retention period was over be filled again, by a new message."""
    Referral.objects.filter(pk=referral.pk, purged_why=Why.EXPIRED).update(
        purged_at=None, purged_why="", changed_at=clock.now()
    )
    referral.refresh_from_db(fields=["purged_at", "purged_why", "changed_at"])


def purge(referral: Referral, now: datetime, *, why: str = Why.EXPIRED) -> None:
    """Delete snapshot, bodies, files, summaries and answers; leave a tombstone.

    Must run in a transaction. A job that is running at this moment ends itself when it settles.
    """
    stored = _stored_names(referral)
    jobs = ImportJob.objects.filter(referral=referral)
    jobs.update(message="", **NOTHING_SAID)
    jobs.filter(state=State.IMPORTED).update(due_at=None)
    InboundEvent.objects.filter(referral=referral).update(
        body=None, warnings=[], warning_texts=None
    )
    ReferralFile.objects.filter(referral=referral).delete()
    StoredSummary.objects.filter(referral=referral).delete()
    SentSnapshot.objects.filter(step__job__referral=referral).delete()
    ImportAttempt.objects.filter(job__referral=referral).update(message="", body="", headers={})
    ClearedError.objects.filter(job__referral=referral).update(message="", note="")
    referral.purged_at, referral.purged_why = referral.purged_at or now, why
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
    ImportJob.objects.filter(
        referral=referral,
        state__in=[State.WAITING, State.QUEUED, State.NEEDS_ATTENTION],
        external_id=None,
    ).update(
        state=State.DISMISSED,
        reason="",
        due_at=None,
        closed_why=REVOKED_WORD,
        error_cleared_at=now,
    )


def _delete_files(names: list[str]) -> None:
    for name in names:
        storage.delete(name)
