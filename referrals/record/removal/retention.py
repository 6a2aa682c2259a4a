"""What is deleted for good: revoked referrals, those kept for long enough, and stray files.

A tombstone keeps the ids, the dates and the outcome, so that staff can still be told what became
of a referral. After a revocation no late message brings the person's data back; after the
retention period, a message begins to fill the referral anew.
"""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from core import audit
from core.database import clock
from core.database.rows import update_one
from core.storage import EncryptedFileStorage
from integrations.models import Organization
from referrals import sentences
from referrals.models import (
    Attempt,
    ClearedError,
    Delivery,
    InboundEvent,
    LegalHold,
    Note,
    PartnerRequest,
    PartnerUpdate,
    Referral,
    ReferralAlias,
    ReferralFile,
    RegistrantName,
    RetentionPeriod,
    Step,
    StoredSummary,
    Version,
)
from referrals.record import versions
from referrals.record.removal import holds

State, Why, VersionWhy = Delivery.State, Referral.PurgedWhy, Version.Why
storage = EncryptedFileStorage()
RETENTION = "The retention period"  # as the audit trail names who did it
# What an import says of the person's files and data, emptied.
EMPTIED: dict[str, Any] = {
    "missing_files": {},
    "lacks_files": False,
    "corrections": [],
    "needs_correction": False,
}
BATCH = 50  # referrals of an organization at one look: the dispatcher may be told to stop
SETTLED = timedelta(days=1)  # by then the row of a file is committed, or never will be
SWEEP_SECONDS = 12 * 3600
_swept_at = float("-inf")  # by this process
# Somebody or something has still to do with such an import.
UNFINISHED = (
    Q(state__in=[State.WAITING, State.QUEUED, State.RUNNING])
    | Q(due_at__isnull=False)
    | Q(error_at__isnull=False, error_cleared_at__isnull=True)
)


class OnHold(Exception):
    """Nothing of the referral may be deleted: there is a legal hold on it."""


def revoke(referral: Referral, now: datetime, *, why: str = Why.REVOKED) -> None:
    """Delete the person's data because Caredove revoked the referral, and tell staff, once.

    With a legal hold on it, the data stays here until the hold is released; for all else it counts
    as deleted.
    """
    if referral.purged_why == Why.ERASED:
        why = Why.ERASED  # a message that comes later changes nothing of that
    whole = _lock_whole(referral)
    deliveries = Delivery.objects.filter(referral__in=whole)
    if not purge(referral, now, why=why):
        _mark(referral, whole, now, why)
    removing = _remove(deliveries, now)
    rest = deliveries.exclude(pk__in=removing)
    _end(rest, now, why)
    _notify_staff(rest, now, why)


def erase(referral: Referral, by: audit.Actor) -> None:
    """Delete the person's data because the person asked for it, and see to it where it has gone.

    What Caredove sends of the referral later is deleted, too. Raises OnHold.
    """
    with transaction.atomic():
        if holds.of_whole(_lock_whole(referral)).exists():
            raise OnHold
        revoke(referral, clock.now(), why=Why.ERASED)
        audit.record(by, "erase data", referral)


def release(referral: Referral, by: audit.Actor) -> bool:
    """Release the legal hold, and delete what was revoked meanwhile; False where there is none."""
    with transaction.atomic():
        if not holds.release(_lock_whole(referral)):
            return False
        audit.record(by, "release legal hold", referral)
        referral.refresh_from_db(fields=["purged_at", "purged_why"])
        if referral.purged_at:
            purge(referral, clock.now(), why=referral.purged_why)
            audit.record(by, "delete data", referral)
    return True


def _remove(deliveries: QuerySet[Delivery], now: datetime) -> list[UUID]:
    """Let the revocation travel where the kind removes, and something may have arrived."""
    under_way = Q(state=State.RUNNING)
    sent = Exists(Step.objects.filter(delivery=OuterRef("pk")))
    there = deliveries.filter(Q(external_id__isnull=False) | sent | under_way)
    removing = [
        delivery
        for delivery in there.select_related("destination")
        if delivery.destination.transport().removes
    ]
    for delivery in removing:
        asked = delivery.versions.filter(action=Version.Action.REMOVE, why=VersionWhy.REVOCATION)
        if not asked.exists():
            versions.remove(delivery, now, VersionWhy.REVOCATION)
            update_one(deliveries, delivery, message=sentences.STILL_THERE())
    return [delivery.pk for delivery in removing]


def _notify_staff(deliveries: QuerySet[Delivery], now: datetime, why: str) -> None:
    """Raise the flag of each import that is in the destination, or may be; never a second time."""
    sent = Exists(Step.objects.filter(delivery=OuterRef("pk")))
    for delivery in deliveries.filter(Q(external_id__isnull=False) | sent):
        cause = sentences.MAY_BE_THERE if delivery.external_id is None else sentences.IS_THERE
        if why == Why.ERASED:
            cause = sentences.ERASED_IS_THERE
        if not cause.made(delivery.message):
            update_one(
                deliveries,
                delivery,
                error_at=now,
                error_cleared_at=None,
                error_cleared_by=None,
                message=cause(),
            )


def purge_expired() -> int:
    """Purge a batch of referrals that their organization keeps no longer; returns how many."""
    periods = RetentionPeriod.objects.select_related("organization")
    return sum(_purge_expired(period, clock.now()) for period in periods)


def expired(organization: Organization, days: int, now: datetime) -> QuerySet[Referral]:
    """Return the referrals whose last message is longer ago, and with which nothing is left to do.

    One with an import under way, with an error that nobody has cleared, or with a legal hold is
    none of them. What became part of another one goes with that one.
    """
    own = Delivery.objects.filter(UNFINISHED, referral=OuterRef("pk"))
    of_a_part = Delivery.objects.filter(UNFINISHED, referral__merged_into=OuterRef("pk"))
    return Referral.objects.filter(
        ~Exists(own),
        ~Exists(of_a_part),
        ~holds.on_hold(),
        organization=organization,
        merged_into__isnull=True,
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
    if not purge(referral, now):
        return False
    audit.record(RETENTION, "delete data", referral, days=period.days)
    return True


_ENDED = {
    Why.REVOKED: sentences.REVOKED,
    Why.ERASED: sentences.ERASED,
    Why.EXPIRED: sentences.EXPIRED,
}


def why_ended(referral: Referral) -> str:
    """Return why nothing of a purged referral is imported."""
    return _ENDED[Why(referral.purged_why)]()


def begin_anew(referral: Referral) -> None:
    """Let a referral whose retention period was over be filled again, by a new message.

    Until it is whole again, `is_in_part` says so: a late message may know little of it.
    """
    Referral.objects.filter(pk=referral.pk, purged_why=Why.EXPIRED).update(
        purged_at=None, changed_at=clock.now()
    )
    referral.refresh_from_db(fields=["purged_at", "purged_why", "changed_at"])


def purge(referral: Referral, now: datetime, *, why: str = Why.EXPIRED) -> bool:
    """Delete what names the person, of the referral and of all that became part of it.

    A tombstone stays. Must run in a transaction. A delivery that is running at this moment ends
    itself when it settles. Returns False, and deletes nothing, where there is a legal hold.
    """
    whole = _lock_whole(referral)
    # After the lock, in a statement of its own: it sees a hold that was placed meanwhile.
    if holds.of_whole(whole).exists():
        return False
    stored = _stored_names(whole)
    _forget_messages(whole, why)
    _forget_imports(Delivery.objects.filter(referral__in=whole))
    ReferralFile.objects.filter(referral__in=whole).delete()
    StoredSummary.objects.filter(referral__in=whole).delete()
    RegistrantName.objects.filter(referral__in=whole).delete()
    Note.objects.filter(referral__in=whole).delete()
    LegalHold.objects.filter(referral__in=whole).delete()
    _mark(referral, whole, now, why, snapshot={})
    # Files go after the commit: a rolled-back purge must not have lost them.
    transaction.on_commit(lambda: _delete_files(stored))
    return True


def _mark(
    referral: Referral, whole: list[UUID], now: datetime, why: str, **emptied: object
) -> None:
    """Let a referral and its parts count as deleted from now on."""
    purged_at = Coalesce(F("purged_at"), Value(now))
    gone = {"purged_at": purged_at, "purged_why": why, "changed_at": now, **emptied}
    Referral.objects.filter(pk__in=whole).update(**gone)
    referral.refresh_from_db(fields=list(gone))


def _lock_whole(referral: Referral) -> list[UUID]:
    """Lock the referral, then what became part of it; return the keys of all."""
    rows = Referral.objects.select_for_update().order_by("pk")
    keys = rows.values_list("pk", flat=True)
    return [*keys.filter(pk=referral.pk), *keys.filter(merged_into=referral.pk)]


def _forget_messages(whole: list[UUID], why: str) -> None:
    """Delete what their messages say, and what those say that belong to no referral but name it."""
    nothing: dict[str, Any] = {"body": None, "warnings": [], "warning_texts": None}
    InboundEvent.objects.filter(referral__in=whole).update(**nothing)
    # Only now, in a statement of its own: `intake` locks the first event while it keeps a conflict,
    # so the line above has waited for it, and this one sees it.
    InboundEvent.objects.filter(conflict_with__referral__in=whole).update(**nothing)
    # What is still to be opened brings its own end; after a revocation nobody opens it again.
    to_open = [InboundEvent.State.RECEIVED]
    if why == Why.EXPIRED:
        to_open.append(InboundEvent.State.QUARANTINED)
    _naming(whole).exclude(state__in=to_open).update(**nothing)


def _naming(whole: list[UUID]) -> QuerySet[InboundEvent]:
    """Return the events of no referral that name one of these."""
    aliases = ReferralAlias.objects.filter(referral__in=whole)
    named = Q(pk__in=[])
    for kind, value in aliases.values_list("source_kind", "value"):
        named |= Q(source__kind=kind, reference=value)
    return InboundEvent.objects.filter(named, referral=None)


def _forget_imports(deliveries: QuerySet[Delivery]) -> None:
    """Delete what was sent, what the destination answered, and what people wrote."""
    deliveries.filter(state=State.IMPORTED).update(due_at=None)
    # Encrypted, so the database cannot tell our words from others'.
    for delivery in deliveries.only("message", "closed_why", "corrections"):
        words = {"message": delivery.message, "closed_why": delivery.closed_why}
        theirs = {name: "" for name, text in words.items() if not _stays(text)}
        deliveries.filter(pk=delivery.pk).update(**EMPTIED | theirs)
        # A person has still to delete what lies there, though another delivery purges once more.
        if left := [text for text in delivery.corrections if _stays(text)]:
            update_one(deliveries, delivery, corrections=left, needs_correction=True)
    ours = Version.objects.filter(delivery__in=deliveries)
    versions.forget_made(ours)
    ours.update(document=None, options=None, data=None)
    PartnerUpdate.objects.filter(delivery__in=deliveries).update(patch=None)
    PartnerRequest.objects.filter(delivery__in=deliveries).delete()
    Attempt.objects.filter(delivery__in=deliveries).update(message="", body="", headers={})
    ClearedError.objects.filter(delivery__in=deliveries).update(message="", note="", corrections=[])


def _stays(text: str) -> bool:
    return any(cause.made(text) for cause in sentences.STAY)


def sweep_regularly() -> None:
    """Sweep, if this process has not done so for half a day."""
    global _swept_at
    if time.monotonic() >= _swept_at + SWEEP_SECONDS:
        _swept_at = time.monotonic()
        sweep(clock.now() - SETTLED)


def sweep(before: datetime) -> int:
    """Delete files, written before that time, that no row names; returns how many.

    A crash between writing a file and committing its row leaves one behind.
    """
    kept = set(ReferralFile.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    kept |= set(StoredSummary.objects.values_list("stored_as", flat=True))
    kept |= set(Version.objects.exclude(made_as="").values_list("made_as", flat=True))
    lost = [
        name
        for name in storage.names()
        if name not in kept and storage.get_modified_time(name) < before
    ]
    _delete_files(lost)
    return len(lost)


def _stored_names(whole: list[UUID]) -> list[str]:
    files = ReferralFile.objects.filter(referral__in=whole).exclude(stored_as="")
    summaries = StoredSummary.objects.filter(referral__in=whole)
    return [
        *files.values_list("stored_as", flat=True),
        *summaries.values_list("stored_as", flat=True),
    ]


def _end(deliveries: QuerySet[Delivery], now: datetime, why: str) -> None:
    open_states = [State.WAITING, State.QUEUED, State.NEEDS_ATTENTION]
    ending = deliveries.filter(state__in=open_states, external_id=None)
    versions.end(list(ending.values_list("pk", flat=True)))
    for delivery in ending:
        update_one(
            ending,
            delivery,
            state=State.DISMISSED,
            reason="",
            due_at=None,
            closed_why=_ENDED[Why(why)](),
            error_cleared_at=now,
        )


def _delete_files(names: list[str]) -> None:
    for name in names:
        storage.delete(name)
