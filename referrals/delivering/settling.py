"""The only place where the outcome of an attempt becomes the state of a delivery.

| outcome | delivery becomes |
|---|---|
| a receipt | imported; with a due time while files are still to follow |
| TryAgain | queued by the schedule, Retry-After first; gave_up when the tries are used up |
| Rejected | rejected, unless the referral has changed meanwhile: then queued |
| Misconfigured | connection, and the destination is paused; spends no try |
| Misconfigured, by our mapping | mapping, or disconnected; the destination stays open |
| Misconfigured, for this referral alone | singled_out; the destination stays open |
| Down | queued, and the destination is probed until it can be reached; spends no try |
| Unconfirmed | queued to search, else unconfirmed: a person looks |
| anything else | as an unconfirmed effect if one was under way, else bug |
"""

import random
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from core import audit
from core.database.clock import Now
from core.database.rows import update_one
from integrations import pacing
from integrations.transport import (
    DeliveryError,
    Down,
    ErrorKind,
    Exchange,
    Misconfigured,
    Receipt,
    Rejected,
    Transport,
    TryAgain,
    Unconfirmed,
)
from referrals import sentences
from referrals.delivering.building import Built, Disconnected
from referrals.delivering.claiming import Lease, LeaseLost
from referrals.delivering.ledger import DeliveryLedger
from referrals.models import Attempt, Delivery, Referral, Step, Version
from referrals.record import files, versions
from referrals.record.beside import DELIVERIES
from referrals.record.documents import document_of
from referrals.record.removal import file_corrections, withdrawal
from referrals.record.removal.retention import EMPTIED, purge, why_ended
from referrals.record.snapshot import view

State, Reason = Delivery.State, Delivery.Reason
Outcome = Attempt.Outcome
Move = dict[str, Any]  # the columns that an outcome writes

WAITS_FOR_A_PERSON = (Reason.CONNECTION, Reason.UNCONFIRMED)
SENT, MAY_HAVE_SENT = "sent", "may have sent"  # as the audit trail says it
AUTOMATIC = "a trigger"  # who asked, as the audit trail names it, where no person did
JITTER = 0.1  # of a delay, added or taken away, so that deliveries do not come back all at once


def settle(
    lease: Lease,
    delivery: Delivery,
    outcome: Receipt | Exception,
    built: Built | None,
    *,
    alone: bool = False,
    transport: Transport | None = None,
    ledger: DeliveryLedger | None = None,
) -> None:
    """Write what became of the attempt, if the lease still holds; raises LeaseLost if not.

    `alone`: other referrals pass, so a wrong connection is this one's own trouble. The last id that
    the `ledger` has heard is committed with it, or alone.
    """
    version = lease.version
    with ledger.committing() if ledger else transaction.atomic():
        referral = _locked(delivery)
        now = referral.now
        move = _next_move(delivery, version, outcome, built, referral, now, alone=alone)
        accepted = _is_accepted(version, outcome, move)
        move, is_newest = _end_lease(lease, delivery, move, transport, now)
        _inform_destination(delivery, outcome if built else None, outcome, now)
        with_intent = transport is not None and transport.answered
        sent = delivery.referral if built is not None and not referral.purged_at else None
        _settle_version(version, move, sent, accepted=accepted, is_kept=is_newest and with_intent)
        if with_intent and not accepted and not _has_changed(delivery, referral):
            _keep_document(version)
        _audit(delivery, version, outcome)
        if built is not None and sent:
            _report_what_came_meanwhile(delivery, referral, outcome, built)
        _end_attempt(lease, outcome, now, purged=bool(referral.purged_at))
        if referral.has_copies and not (referral.purged_at or delivery.destination.batches):
            versions.renew_copies(referral, DELIVERIES, now)


def _locked(delivery: Delivery) -> Any:
    """Lock the referral, and return it as it is now, with the time and whether copies show it.

    The lock makes an edit that is being opened at this moment wait for us, or us for it. The time
    comes with it: to ask for it alone would be a statement more. What the referral says is read
    only where it has changed meanwhile.
    """
    copies = versions.shown_in_copies(OuterRef("pk"))
    referrals = Referral.objects.select_for_update(of=("self",)).defer("snapshot")
    return referrals.annotate(now=Now(), has_copies=Exists(copies)).get(pk=delivery.referral_id)


def _end_lease(
    lease: Lease, delivery: Delivery, move: Move, transport: Transport | None, now: datetime
) -> tuple[Move, bool]:
    """Write the move and end the lease; raises LeaseLost where it is another worker's by now.

    Returns the move as it was written, and whether the version is the newest one: where it is not,
    a later version may go at once.
    """
    # Nearly always it is the newest version: then this one statement says that, too.
    if _give_back(lease, delivery, move, wanted=lease.version.number):
        return move, True
    if transport and transport.takes_more and versions.after(lease.version, move, transport):
        move = move | _queued(now, reason="", tries=0)
    if not _give_back(lease, delivery, move):
        raise LeaseLost
    return move, False


def _audit(delivery: Delivery, version: Version, outcome: Receipt | Exception) -> None:
    """Keep in the audit trail what was sent, or may have been, in the name of who asked for it."""
    if isinstance(outcome, Receipt | DeliveryError) and outcome.audit:
        by = version.asked_by or AUTOMATIC
        action = SENT if isinstance(outcome, Receipt) else MAY_HAVE_SENT
        audit.record(by, action, delivery, version=version.number, **outcome.audit)


def _next_move(
    delivery: Delivery,
    version: Version,
    outcome: Receipt | Exception,
    built: Built | None,
    referral: Referral,
    now: datetime,
    *,
    alone: bool,
) -> Move:
    """Return what the delivery's columns become: by the outcome, and by what has happened to the
    referral meanwhile.
    """
    if isinstance(outcome, Misconfigured) and alone:
        move = _attention(Reason.SINGLED_OUT, outcome, now)
    else:
        move = _move(delivery, version, outcome, built, referral, now)
    move = _despite(move, delivery, version, outcome, referral, now)
    if _is_accepted(version, outcome, move):
        move["done"] = max(delivery.done, version.number)
        move |= _no_longer_in_doubt(delivery, version, move)
    return _answered(outcome, now) | move


def _despite(
    move: Move,
    delivery: Delivery,
    version: Version,
    outcome: Receipt | Exception,
    referral: Referral,
    now: datetime,
) -> Move:
    """Return the move, or what takes its place after what happened to the referral meanwhile."""
    if referral.purged_at:
        # What this attempt has fetched or rendered since then goes too.
        purge(referral, now, why=referral.purged_why)
        return _without_the_person(delivery, version, referral, outcome, move, now)
    if _was_withdrawn_meanwhile(delivery, referral, move):
        return _withdrawn(referral, now)
    if referral.merged_into_id and not delivery.steps.exists():
        return {"state": State.DISMISSED, "message": "", "closed_why": sentences.MERGED()}
    return move


def _give_back(lease: Lease, delivery: Delivery, columns: Move, **condition: int) -> bool:
    """Write the columns and end the lease; False when it is another worker's by now.

    Also when the delivery does not meet the condition. `wanted` is the number of its newest
    version: whoever makes one holds the referral, as we do.
    """
    # The token is a condition, too: whoever has claimed the delivery since has written another one.
    leased = Delivery.objects.filter(state=State.RUNNING, lease_token=lease.token, **condition)
    ended: Move = {"lease_token": None, "lease_until": None, "lost_workers": 0}
    return update_one(leased, delivery, **ended, **columns)


def _inform_destination(
    delivery: Delivery,
    answered: Receipt | Exception | None,
    outcome: Receipt | Exception,
    now: datetime,
) -> None:
    """Let the breaker count what was answered, and keep what that shows of the destination."""
    pacing.note(delivery.destination, answered, now, first=delivery.tries == 0)
    if isinstance(outcome, DeliveryError) and outcome.shown:
        delivery.destination.learn(outcome.shown, now)


def _report_what_came_meanwhile(
    delivery: Delivery, referral: Referral, outcome: Receipt | Exception, built: Built
) -> None:
    """Flag the delivery for what was withdrawn or came too late while it was sent."""
    has_changed = referral.version != built.version
    if has_changed:
        withdrawal.while_it_ran(delivery, referral)
    if has_changed or isinstance(outcome, TryAgain):
        brought = _brought(delivery, outcome, built)
        file_corrections.while_it_ran(delivery, referral, brought)


def _brought(delivery: Delivery, outcome: Receipt | Exception, built: Built) -> Collection[int]:
    """Return the files that the destination has, or of which the import says why it has not."""
    if isinstance(outcome, Receipt):
        return built.files
    done = set(delivery.steps.filter(done_at__isnull=False).values_list("name", flat=True))
    return [file.pk for file in delivery.referral.files.all() if files.step_of(file) in done]


def _was_withdrawn_meanwhile(delivery: Delivery, referral: Referral, move: Move) -> bool:
    """Return whether a message has withdrawn the request while nothing was sent, and it waits."""
    return (
        referral.version != delivery.referral.version
        and move["state"] == State.QUEUED
        and bool(withdrawal.request_withdrawn(view(referral.snapshot)))
        and not delivery.steps.exists()
    )


def _withdrawn(referral: Referral, now: datetime) -> Move:
    status = withdrawal.request_withdrawn(view(referral.snapshot))
    message = sentences.MARKED_WITHDRAWN(status=status)
    return {"state": State.NEEDS_ATTENTION, "reason": Reason.WITHDRAWN, **_error(now, message)}


def _move(
    delivery: Delivery,
    version: Version,
    outcome: Receipt | Exception,
    built: Built | None,
    referral: Referral,
    now: datetime,
) -> Move:
    match outcome:
        case Receipt() if built is not None:
            return _imported(delivery, version, outcome, built, now)
        case TryAgain():
            return _try_again(delivery, version, outcome, now)
        case withdrawal.RequestWithdrawn():
            return _attention(Reason.WITHDRAWN, outcome, now)
        case Rejected():
            changed = built and not built.frozen and referral.version != built.version
            return _queued(now, tries=0) if changed else _attention(Reason.REJECTED, outcome, now)
        case Misconfigured():
            return _misconfigured(delivery, outcome, now)
        case Down():
            delivery.destination.go_down(outcome.reason, now)
            return _queued(now, message=outcome.message)
        case Unconfirmed(after=timedelta() as after):
            return _queued(now + after, message=outcome.message)
        case Unconfirmed():
            return _attention(Reason.UNCONFIRMED, outcome, now)
        case _:
            return _crashed(delivery, version, now)


def _misconfigured(delivery: Delivery, error: Misconfigured, now: datetime) -> Move:
    if isinstance(error, Disconnected):
        return _attention(Reason.DISCONNECTED, error, now)
    if error.kind is ErrorKind.BAD_MAPPING:
        return _attention(Reason.MAPPING, error, now)
    move = _attention(Reason.CONNECTION, error, now)
    if delivery.destination.pause(error.message, now, by=delivery.reference):
        move["stopped_at"] = now  # the one that stopped it goes last later
    return move


def _imported(
    delivery: Delivery, version: Version, receipt: Receipt, built: Built, now: datetime
) -> Move:
    missing = built.all_missing(receipt.refused)
    later = built.more_later and delivery.tries < len(settings.RETRY_SCHEDULE)
    move: Move = {
        "state": State.IMPORTED,
        "external_id": receipt.external_id,
        "external_url": receipt.url,
        "imported_at": (_is_there(delivery, version) and delivery.imported_at) or now,
        "missing_files": missing,
        "lacks_files": bool(missing),
        "message": "",
        "due_at": None,
        "tries": delivery.tries,
    }
    if later:
        move |= {"due_at": now + _delay(delivery.tries), "tries": delivery.tries + 1}
    elif missing:
        files.give_up(delivery.referral)
        move |= _error(now, sentences.ADD_FILES())
    return move


def _is_there(delivery: Delivery, version: Version) -> bool:
    """Return whether the version was accepted before, and only its files were still to follow."""
    return delivery.external_id is not None and version.number <= delivery.done


def _try_again(delivery: Delivery, version: Version, error: TryAgain, now: datetime) -> Move:
    if delivery.tries < len(settings.RETRY_SCHEDULE):
        after = error.after if error.after is not None else _delay(delivery.tries)
        return _queued(now + after, tries=delivery.tries + 1, message=error.message)
    if _is_there(delivery, version):
        files.give_up(delivery.referral)
        return {"state": State.IMPORTED, **_error(now, error.message)}
    return _attention(Reason.RETRIES_EXHAUSTED, error, now)


def _crashed(delivery: Delivery, version: Version, now: datetime) -> Move:
    under_way = version.steps.filter(done_at=None).exists()
    if not under_way:
        return {
            "state": State.NEEDS_ATTENTION,
            "reason": Reason.BUG,
            **_error(now, sentences.BUG()),
        }
    if delivery.tries < len(settings.RETRY_SCHEDULE):
        return _queued(
            now + settings.SETTLE_TIME, tries=delivery.tries + 1, message=sentences.STOPPED()
        )
    return {
        "state": State.NEEDS_ATTENTION,
        "reason": Reason.UNCONFIRMED,
        **_error(now, sentences.STOPPED()),
    }


def _queued(due_at: datetime, **fields: Any) -> Move:
    return {"state": State.QUEUED, "due_at": due_at, **fields}


def _attention(reason: Delivery.Reason, error: DeliveryError, now: datetime) -> Move:
    return {"state": State.NEEDS_ATTENTION, "reason": reason, **_error(now, error.message)}


def _error(now: datetime, message: str) -> Move:
    """Raise the flag; a success does not lower it, a person does."""
    return {
        "message": message,
        "error_at": now,
        "error_cleared_at": None,
        "error_cleared_by": None,
    }


def _without_the_person(
    delivery: Delivery,
    version: Version,
    referral: Referral,
    outcome: Receipt | Exception,
    move: Move,
    now: datetime,
) -> Move:
    """The referral was purged while its import ran: keep the outcome, nothing of the person."""
    if versions.is_removal(version):
        return _removed(outcome, move, now)
    nothing: Move = {"due_at": None, "message": "", **EMPTIED}
    if move["state"] == State.IMPORTED:
        return move | nothing | (_error(now, sentences.IS_THERE()) if referral.is_revoked else {})
    versions.end_puts(delivery.pk)  # only a removal goes on
    ended = nothing | {"state": State.DISMISSED, "reason": "", "closed_why": why_ended(referral)}
    if delivery.steps.exists():
        return ended | (_error(now, sentences.MAY_BE_THERE()) if referral.is_revoked else {})
    if delivery.external_id is None and version.run_id is None:
        versions.end([delivery.pk])  # nothing is there to be removed
    return ended


def _removed(outcome: Receipt | Exception, move: Move, now: datetime) -> Move:
    """A removal is tried until it is accepted; meanwhile staff know where the data still is."""
    if isinstance(outcome, Receipt):
        ended: Move = {"state": State.DISMISSED, "reason": "", "due_at": None, "message": ""}
        return ended | {"closed_why": sentences.REMOVED(), **EMPTIED}
    waits: Move = {**EMPTIED, **_error(now, sentences.STILL_THERE())}
    if move["state"] == State.QUEUED or move.get("reason") in WAITS_FOR_A_PERSON:
        return move | waits
    return _queued(now + _delay(len(settings.RETRY_SCHEDULE)), **waits)


def _is_accepted(version: Version, outcome: Receipt | Exception, move: Move) -> bool:
    """Return whether the destination has what the version says, or has removed it."""
    removed = versions.is_removal(version) and isinstance(outcome, Receipt)
    return removed or move["state"] == State.IMPORTED


def _no_longer_in_doubt(delivery: Delivery, version: Version, move: Move) -> Move:
    """Once all that a restore left in doubt is there, what comes later is not looked for first."""
    if delivery.restore_id is None or move.get("due_at"):
        return {}
    if versions.pending_of(delivery.pk).exclude(pk=version.pk).exists():
        return {}
    return {"restore": None, "absent_steps": []}


def _settle_version(
    version: Version,
    move: Move,
    sent: Referral | None,
    *,
    accepted: bool,
    is_kept: bool = False,
) -> None:
    """Say what became of the version; keep what this attempt has sent of the referral, or may have.

    What was sent first is kept, to tell what differs since then. `is_kept`: the intent has kept it,
    and nothing has made the version forget it.
    """
    ours = Version.objects.all()
    unkept = sent is not None and version.document is None
    document = document_of(sent) if sent is not None and unkept else None
    no_longer_needed = {} if version.options is None else {"options": None}
    if version.made_as and (accepted or _ended(move) not in Version.PENDING):
        versions.forget_made(ours.filter(pk=version.pk))
    if accepted:
        # Whatever took its place meanwhile: it is there.
        changed = ({"document": document} if unkept else {}) | no_longer_needed
        if changed or version.state != Version.State.ACCEPTED:
            update_one(ours, version, state=Version.State.ACCEPTED, **changed)
        if sent is not None and not (unkept or is_kept):
            # What took its place has made it forget what it shows.
            update_one(ours.filter(document__isnull=True), version, document=version.document)
        return
    if unkept:
        begun = ours.filter(Exists(Step.objects.filter(version=version)))
        update_one(begun, version, document=document)
    if version.state in Version.PENDING and (ended := _ended(move)) != version.state:
        given_up = no_longer_needed if ended not in Version.PENDING else {}
        update_one(ours.filter(state=version.state), version, state=ended, **given_up)


def _keep_document(version: Version) -> None:
    """Keep what a pending version shows, also where its attempt has failed before any intent."""
    if version.document is not None:
        unkept = Version.objects.filter(document__isnull=True, state=version.state)
        update_one(unkept, version, document=version.document)


def _has_changed(delivery: Delivery, referral: Referral) -> bool:
    """Return whether the referral says something else than when this attempt began, or nothing."""
    return referral.purged_at is not None or referral.version != delivery.referral.version


def _ended(move: Move) -> Version.State:
    """Return what becomes of a pending version whose delivery moves so."""
    if move["state"] == State.NEEDS_ATTENTION and move["reason"] == Reason.REJECTED:
        return Version.State.REFUSED
    if move["state"] == State.DISMISSED:
        return Version.State.DISMISSED
    return Version.State.OPEN


def _answered(outcome: Receipt | Exception, now: datetime) -> Move:
    """What lists and the health of the connection need to know of the attempt."""
    kind = _kind(outcome)
    answered: Move = {"last_kind": kind, "last_code": _exchange(outcome).code}
    of_the_connection = isinstance(outcome, (TryAgain, Unconfirmed, Down, Misconfigured))
    if of_the_connection and kind != ErrorKind.BAD_MAPPING:
        answered["connection_failed_at"] = now
    return answered


def _delay(tries: int) -> timedelta:
    schedule = settings.RETRY_SCHEDULE
    delay: timedelta = schedule[min(tries, len(schedule) - 1)]
    return delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - not a secret


def _end_attempt(
    lease: Lease, outcome: Receipt | Exception, now: datetime, *, purged: bool
) -> None:
    if lease.attempt is None:
        return
    exchange = _exchange(outcome)
    message = outcome.message if isinstance(outcome, DeliveryError) else ""
    doubt = outcome.doubt if isinstance(outcome, Unconfirmed) else None
    update_one(
        Attempt.objects.filter(ended_at=None),
        lease.attempt,
        ended_at=now,
        outcome=_attempt_outcome(outcome),
        doubt=doubt or "",
        kind=_kind(outcome),
        code=exchange.code,
        headers={} if purged else dict(exchange.headers),
        message="" if purged else message,
        body="" if purged else exchange.body,
    )


def _exchange(outcome: Receipt | Exception) -> Exchange:
    if isinstance(outcome, Receipt):
        return outcome.detail
    return outcome.exchange if isinstance(outcome, DeliveryError) else Exchange()


def _kind(outcome: Receipt | Exception) -> str:
    """Return what went wrong; empty where nothing did."""
    if isinstance(outcome, Receipt):
        return ""
    return outcome.kind if isinstance(outcome, DeliveryError) else ErrorKind.BUG


def _attempt_outcome(outcome: Receipt | Exception) -> Attempt.Outcome:
    by_type: dict[type, Attempt.Outcome] = {
        Receipt: Outcome.IMPORTED,
        TryAgain: Outcome.TRY_AGAIN,
        Rejected: Outcome.REJECTED,
        Misconfigured: Outcome.MISCONFIGURED,
        Unconfirmed: Outcome.UNCONFIRMED,
        Down: Outcome.DOWN,
    }
    return next(
        (value for kind, value in by_type.items() if isinstance(outcome, kind)), Outcome.BUG
    )
