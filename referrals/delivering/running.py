"""One attempt: claim, prepare and build, deliver, settle."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from integrations.payload import data_of
from integrations.transport import (
    ATTACHMENT,
    SUMMARY,
    DeliveryError,
    Misconfigured,
    Parcel,
    Receipt,
    Rejected,
    Transport,
    Unconfirmed,
    Updates,
)
from referrals import gates, sentences
from referrals.delivering.building import (
    Built,
    KnownRules,
    Record,
    build,
    build_removal,
    map_record,
)
from referrals.delivering.claiming import Lease, LeaseLost, claim, due_deliveries
from referrals.delivering.ledger import DeliveryLedger
from referrals.delivering.preparing import (
    choose_reference,
    choose_what_leaves,
    fetch_files,
    freeze_document,
)
from referrals.delivering.proving import prove_by_reading, prove_by_writing
from referrals.delivering.restore import looking
from referrals.delivering.settling import settle
from referrals.delivering.summaries import ComingSummary
from referrals.intake import rereading
from referrals.models import Attempt, Delivery, StoredSummary, Version
from referrals.record import versions
from referrals.record.documents import document_of
from referrals.record.removal import withdrawal

logger = logging.getLogger(__name__)

RIVALS = 16  # workers that may reach for the same deliveries at the same moment


def run(delivery_id: UUID) -> bool:
    """Try the delivery once; False when it was not due or somebody else has it.

    Whatever goes wrong becomes the delivery's state; nothing is raised but what ends the worker.
    """
    lease = claim(delivery_id)
    if lease is None:
        return False
    try:
        _attempt(lease)
    except LeaseLost:
        logger.warning("lease lost", extra={"delivery": str(delivery_id)})
    return True


def run_next(delivery_id: UUID) -> bool:
    """Try the due delivery whose turn it is, or this one; False when nothing was due.

    Each due delivery has a message of its own, so all have their turn, in an order that is fair at
    the moment when a worker is free, whatever the order of the messages.
    """
    return any(run(due) for due in (*due_deliveries(RIVALS), delivery_id))


@dataclass
class _Progress:
    """How far an attempt has come, for whoever settles it."""

    lease: Lease
    delivery: Delivery
    transport: Transport | None = None
    ledger: DeliveryLedger | None = None
    built: Built | None = None
    summary: ComingSummary | None = None


def _attempt(lease: Lease) -> None:
    progress = _Progress(lease, lease.version.delivery)
    outcome = _outcome(progress)
    _keep_summary(progress)
    alone = isinstance(outcome, Misconfigured) and _stands_alone(progress)
    delivery, built = progress.delivery, progress.built
    settle(
        lease,
        delivery,
        outcome,
        built,
        alone=alone,
        transport=progress.transport,
        ledger=progress.ledger,
    )
    if isinstance(outcome, Receipt) and built and not delivery.referral.purged_at:
        _prove(delivery, built.parcel, outcome)


def _outcome(progress: _Progress) -> Receipt | Exception:
    """Return what came of bringing the version, whatever went wrong; raises LeaseLost."""
    try:
        return _bring(progress)
    except LeaseLost:
        raise
    except looking.Restored:
        # Under this program. Nothing was sent; what may have been is looked for from now on.
        looking.look()
        return Unconfirmed(sentences.RESTORED_SEARCHED(), after=timedelta())
    except DeliveryError as error:
        return error
    except Exception as error:
        # Type and place only: the message of an exception may hold personal data.
        delivery = str(progress.delivery.pk)
        logger.exception("import failed unexpectedly", extra={"delivery": delivery})
        return error


def _bring(progress: _Progress) -> Receipt:
    """Build what the version has to bring, and bring it to the destination, or remove it there."""
    lease, delivery = progress.lease, progress.delivery
    transport = progress.transport = delivery.destination.transport()
    ledger = progress.ledger = DeliveryLedger(
        lease,
        delivery,
        repeatable=transport.repeatable,
        latest=transport.updates is Updates.LATEST,
        frozen=transport.takes_more,
    )
    removes = versions.is_removal(lease.version)
    if removes:
        built = build_removal(delivery, lease.version, ledger)
    else:
        built = prepare(
            delivery,
            lease.version,
            ledger,
            frozen=transport.takes_more,
            with_intent=transport.answered,
            lease=lease,
            beside=progress if transport.files_follow else None,
        )
    progress.built = built
    ledger.data = data_of(built.parcel) if transport.answered else None
    return transport.remove(built.parcel) if removes else transport.deliver(built.parcel)


def _stands_alone(progress: _Progress) -> bool:
    """Return whether a wrong connection is this referral's own trouble, because others pass."""
    if progress.ledger:
        progress.ledger.flush()  # before the destination is asked again
    delivery = progress.delivery
    has_stopped_it = progress.built is not None and delivery.stopped_at is not None
    return has_stopped_it and _others_pass(delivery)


def prepare(
    delivery: Delivery,
    version: Version,
    ledger: DeliveryLedger,
    *,
    frozen: bool,
    with_intent: bool = False,
    lease: Lease | None = None,
    beside: _Progress | None = None,
    record: Record | None = None,
    rules: KnownRules | None = None,
) -> Built:
    """Do, one after the other, what a payload needs, and build it.

    `frozen`: the version shows the same on every try. `with_intent`: as `freeze_document` says.
    `lease`: of a single delivery. `beside`: of one that begins while its summary is being rendered,
    and which is to keep that. `record`: as it was mapped before. `rules`: as `map_record` knows
    them. Raises Rejected when it must not go, and Misconfigured when the mapping does not work:
    before a summary is rendered in vain.
    """
    check_may_go(delivery)
    referral = delivery.referral
    document = document_of(referral)
    if frozen:
        document = freeze_document(version, referral, with_intent=with_intent)
    shown = choose_what_leaves(version, delivery.destination).part(document)
    may_leave = delivery.destination.files_allowed()
    more_later = fetch_files(referral, lease) if ATTACHMENT in may_leave else False
    record = map_record(delivery, document, rules) if record is None else record
    choose_reference(delivery)
    summary = ComingSummary(referral, shown) if SUMMARY in may_leave else None
    if summary and not beside:
        summary.store()
    elif beside:
        beside.summary = summary
    return build(
        delivery,
        version,
        ledger,
        record,
        document=document,
        shown=shown,
        summary=partial(_awaited, summary, ledger) if summary else None,
        more_later=more_later,
        frozen=frozen,
    )


def _awaited(summary: ComingSummary, ledger: DeliveryLedger) -> StoredSummary:
    """Return the summary for the step that sends it; its row is committed with that intent."""
    if not summary.is_saved:
        ledger.flush()  # no id is kept back while we wait
        _ = summary.row
        ledger.save_with_intent(summary)
    return summary.row


def _keep_summary(progress: _Progress) -> None:
    """Store a summary that was begun and not sent: it is not rendered again for the next attempt.

    Before the attempt is settled: with a referral that was deleted meanwhile, it goes too.
    """
    summary = progress.summary
    if summary is None or summary.is_saved or progress.ledger is None:
        return
    progress.ledger.flush()
    with suppress(LeaseLost):  # whether it is, settling finds out
        progress.lease.extend()
    try:
        summary.store()
    except Exception:
        # What has become of the delivery is settled all the same.
        delivery = str(progress.delivery.pk)
        logger.exception("a summary was not stored", extra={"delivery": delivery})


def _prove(delivery: Delivery, parcel: Parcel, receipt: Receipt) -> None:
    """See what the destination can do, now that a referral is there; the import is settled."""
    there = [one for one in parcel.documents if one.name not in receipt.refused]
    prove_by_reading(delivery.destination, delivery.reference, receipt.external_id, there)
    if delivery.imported_at is None:  # until this attempt
        prove_by_writing(delivery, parcel, receipt)


def _others_pass(delivery: Delivery) -> bool:
    """Whether the destination accepts the connection, or has since taken another referral.

    Asked only of a referral that has stopped its destination before: one must not stop all.
    """
    try:
        delivery.destination.transport().check()
    except Exception:  # whatever it is, the ping does not pass
        later = delivery.destination.deliveries.exclude(pk=delivery.pk).filter(
            imported_at__gt=delivery.stopped_at,
            attempts__outcome=Attempt.Outcome.IMPORTED,
            attempts__started_at__gt=delivery.stopped_at,
        )
        return later.exists()
    return True


def check_may_go(delivery: Delivery) -> None:
    """Raise Rejected when the referral must not go to this destination any more."""
    if why := why_not_now(delivery):
        raise Rejected(why)
    if rereading.is_earlier(delivery.referral):
        rereading.refresh(delivery.referral)
        _check_not_withdrawn(delivery)


def _check_not_withdrawn(delivery: Delivery) -> None:
    """Raise RequestWithdrawn where an earlier version has overlooked that, and sent nothing."""
    status = withdrawal.request_withdrawn(document_of(delivery.referral))
    if status and not delivery.steps.exists():
        raise withdrawal.RequestWithdrawn(sentences.MARKED_WITHDRAWN(status=status))


def why_not_now(delivery: Delivery) -> str:
    """Return why the referral must not go to this destination any more, or an empty string."""
    referral, destination = delivery.referral, delivery.destination
    facts = gates.Facts(
        referral=referral,
        destination=destination,
        has_moved=referral.organization_id != destination.organization_id,
    )
    shut = gates.first_shut(facts, *gates.OF_THE_REFERRAL)
    return shut.unquoted if shut else ""
