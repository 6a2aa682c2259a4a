"""A stored event is read, merged into its referral, matched, and opens or revives imports.

The walk of an event: its bytes are parsed, `merging` finds its place and merges it, and `_match`
says what becomes of it. One transaction for each event: either all of it happened or none of it.
There is at most one delivery for each (referral, destination), by a constraint of the database.
When no import is opened, the event says why.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Q, Subquery

from core.database import clock
from core.database.due import Due
from core.database.rows import update_one
from integrations.models import Destination, TriggerConfig
from integrations.sources.parsed import EventKind, ParsedEvent, Unusable
from integrations.sources.warnings import Warning
from integrations.transport import Updates
from integrations.triggers import PARTNER_UPDATE
from mapping.source.allowing import PARTNER_UPDATES
from mapping.source.document import Document
from mapping.source.times import parse_instant
from referrals import gates, matching, sentences
from referrals.intake import identity, rereading
from referrals.intake.merging import Merged, Resolved, merge, resolve
from referrals.models import Delivery, InboundEvent, Referral, Restore
from referrals.record import snapshot, versions, warned
from referrals.record.beside import EVENTS as SHOWN_EVENTS
from referrals.record.documents import document_of
from referrals.record.removal import retention, withdrawal

Outcome = InboundEvent.Outcome
State, Reason = Delivery.State, Delivery.Reason

MAX_OPENINGS = 5
OPENING_TIME = timedelta(seconds=60)  # an opening that has not ended by then is begun again
# Of several workers, one opens an event.
EVENTS = Due(
    InboundEvent,
    rows=Q(state=InboundEvent.State.RECEIVED, openings__lt=MAX_OPENINGS),
    tries="openings",
)
SUBJECT_MISSING = "subject_missing"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an event, and why, in a sentence without personal data."""

    outcome: InboundEvent.Outcome
    reason: str


def _stopped(shut: gates.Shut) -> Verdict:
    return Verdict(shut.outcome, shut.sentence)


# Of the verdicts for several destinations, the event shows the one that did most.
ORDER = [
    Outcome.WITHDRAWN,
    Outcome.IMPORT_OPENED,
    Outcome.IMPORT_REVIVED,
    Outcome.UPDATED,
    Outcome.WAITING,
    Outcome.IMPORT_OPEN,
    Outcome.ALREADY_IMPORTED,
    Outcome.DISMISSED,
    Outcome.ROUTED,
    Outcome.NO_TRIGGER,
]


# -- the walk of one event -----------------------------------------------------------------------


def open_deliveries(event_id: UUID) -> bool:
    """Open a stored event; False when it was not due, or is somebody else's. Never opens twice."""
    if not EVENTS.take(event_id, OPENING_TIME):
        return False
    try:
        # Outside the transaction, which on SQLite keeps everybody else from writing.
        event = InboundEvent.objects.defer(None).select_related("source").get(pk=event_id)
        parsed = event.endpoint.reader.parse(event.body or b"")
        rereads: rereading.Rereads = {}
        while True:
            try:
                with transaction.atomic():
                    _open(event_id, parsed, rereads)
                return True
            except rereading.NotReadYet as needed:
                # What was done is rolled back: that reading is long, too.
                rereads |= rereading.read(needed.event_ids)
    except Unusable:
        _close(InboundEvent(pk=event_id), Verdict(Outcome.UNREADABLE, sentences.UNREADABLE()))
    except IntegrityError:
        # Another event of the same new referral was opened at this moment: begin again at once.
        InboundEvent.objects.filter(pk=event_id, state=InboundEvent.State.RECEIVED).update(
            due_at=clock.now()
        )
    return True


def _open(event_id: UUID, parsed: ParsedEvent, rereads: rereading.Rereads) -> None:
    """Take the event from its place to its verdict, all in the caller's transaction.

    The locks, in this order: the event, so that a worker that was slow opens nothing a second
    time; then its referral (`identity.resolve`), so that two events of one referral are merged one
    after the other, and none is while an attempt of it settles. A purge takes the referral first
    and leaves events alone that are still to be opened: neither waits for the other in a circle.
    """
    event = _lock(event_id)  # a slow worker finds here that another one has opened it
    if event is None:
        return
    try:
        place = resolve(event, parsed, rereads)
    except identity.Foreign:
        shut = gates.FORBIDDEN.was_shut(sentences.FOREIGN(source=event.source))
        _close(event, _stopped(shut))
        return
    fired: list[str] = []
    if place.referral.is_revoked or parsed.kind is EventKind.REVOKED:
        verdict = _revoke(place)
    else:
        if place.referral.purged_at:
            retention.begin_anew(place.referral)
        if parsed.kind in rereading.NOT_MERGED:
            if place.parts:  # the details may have come under another id
                _release_waiting(place, snapshot.view(place.referral.snapshot))
            verdict = _kept_as_it_came(event, parsed.kind)
            versions.renew_copies(place.referral, SHOWN_EVENTS, place.now)
        else:
            merged = merge(place)
            fired, verdict = merged.fired, _match(merged)
    _close(
        event,
        verdict,
        referral=place.referral,
        triggers=fired,
        occurred_at=place.at if place.has_time else None,
        **warned.columns(_warnings(place)),
    )


def _lock(event_id: UUID) -> InboundEvent | None:
    """Return the event, locked; None when it was opened.

    The latest restore and the time come with it: each would be a statement of its own.
    """
    return (
        InboundEvent.objects.select_for_update(of=("self",))
        .select_related("source")
        .annotate(
            restore=Subquery(Restore.objects.order_by("-at").values("pk")[:1]), now=clock.Now()
        )
        .filter(pk=event_id, state=InboundEvent.State.RECEIVED)
        .first()
    )


def _close(event: InboundEvent, verdict: Verdict, **fields: object) -> None:
    update_one(
        InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED),
        event,
        state=InboundEvent.State.OPENED,
        due_at=None,
        outcome=verdict.outcome,
        reason=verdict.reason,
        **fields,
    )


def _warnings(place: Resolved) -> Iterable[Warning]:
    """Return what staff are warned of: not of what turned out to mean one thing alone."""
    sent = (str(place.event.source_id), snapshot.stamp(place.at))
    if sent in snapshot.withdrawn_unknown(place.referral.snapshot):
        return place.parsed.warnings
    return (w for w in place.parsed.warnings if w.cause != warned.WITHDRAWN_UNKNOWN)


# -- events that stop their workers --------------------------------------------------------------


def quarantine_events() -> int:
    """Set aside events that stopped their worker again and again; returns how many."""
    return InboundEvent.objects.filter(
        state=InboundEvent.State.RECEIVED, openings__gte=MAX_OPENINGS, due_at__lte=clock.Now()
    ).update(
        state=InboundEvent.State.QUARANTINED,
        due_at=None,
        outcome=Outcome.UNREADABLE,
        reason=sentences.OPENING_FAILED(times=MAX_OPENINGS),
    )


def reopen(event: InboundEvent) -> bool:
    """Open a quarantined event again; False when it was not quarantined."""
    return bool(
        InboundEvent.objects.filter(pk=event.pk, state=InboundEvent.State.QUARANTINED).update(
            state=InboundEvent.State.RECEIVED,
            due_at=clock.now(),
            openings=0,
            outcome="",
            reason="",
        )
    )


# -- events of which nothing is merged -----------------------------------------------------------


def _revoke(place: Resolved) -> Verdict:
    # This event goes with the rest: even a late one may hold the person's data.
    InboundEvent.objects.filter(pk=place.event.pk).update(referral=place.referral)
    retention.revoke(place.referral, place.now)
    if place.referral.purged_why == Referral.PurgedWhy.ERASED:
        return Verdict(Outcome.REVOKED, sentences.EVENT_ERASED())
    return Verdict(Outcome.REVOKED, sentences.EVENT_REVOKED())


def _kept_as_it_came(event: InboundEvent, kind: EventKind) -> Verdict:
    if kind is EventKind.IGNORED:
        return Verdict(Outcome.IGNORED, sentences.IGNORED_CODE(code=event.code))
    return Verdict(Outcome.UNKNOWN_CODE, sentences.UNKNOWN_CODE(code=event.code))


# -- what a partner says -------------------------------------------------------------------------


def open_answer(
    event: InboundEvent, referral: Referral, partner_of: Destination, now: datetime
) -> None:
    """Open what a partner's update asks for elsewhere, never where it came from; close the event.

    In the transaction that has stored the event, and holds the referral. Nothing is merged: what
    partners say stands beside the referral.
    """
    latest_restore = Restore.objects.order_by("-at").values_list("pk", flat=True).first()
    event.restore, event.now = latest_restore, now  # type: ignore[attr-defined] # as `_lock` asks
    parsed = event.endpoint.reader.parse(event.body or b"")
    place = Resolved(
        event,
        parsed,
        referral,
        referral.listing,
        referral.organization,
        now,
        latest=None,
        moves=False,
        parts=(),
        is_new=False,
        now=now,
    )
    shown = snapshot.view(referral.snapshot)
    merged = Merged(
        place,
        before=shown,
        now=shown,
        fired=[PARTNER_UPDATE],
        was_withdrawn=withdrawal.request_withdrawn(shown),
        withdraws=False,
    )
    verdict = _match(merged, but_not=partner_of)
    _close(event, verdict, referral=referral, triggers=merged.fired, occurred_at=now)


# -- matching ------------------------------------------------------------------------------------


def _match(merged: Merged, but_not: Destination | None = None) -> Verdict:
    """Open, revive or update the imports that the event asks for; return what became of it.

    `but_not` is where the event came from: nothing goes back there.
    """
    place = merged.place
    heeded = _heed_withdrawal(merged)
    facts = gates.Facts(
        organization=place.organization,
        organization_id=place.parsed.organization_id,
        listing=place.listing,
        listing_id=place.referral.listing_caredove_id,  # named by this or an earlier event
    )
    if shut := gates.first_shut(facts, *gates.OF_THE_PLACE):
        return _stopped(shut)
    configs = list(
        TriggerConfig.objects.filter(listing=place.listing).select_related("destination")
    )
    facts = replace(facts, configs=configs)
    if shut := gates.NOT_CONNECTED.shut(facts):
        return _stopped(shut)
    released = heeded or _release_waiting(place, merged.now)
    if shut := gates.SWITCHED_OFF.shut(facts):
        return _stopped(shut)
    # Triggers count, too, that fired when nobody knew yet which listing the referral is for.
    unplaced = InboundEvent.objects.filter(referral=place.referral, outcome=Outcome.NO_LISTING)
    fired_before = [] if place.is_new else list(unplaced.values_list("triggers", flat=True))
    fired = [*merged.fired, *(key for triggers in fired_before for key in triggers)]
    verdicts = [
        _open_delivery(merged, config, fired)
        for config in configs
        if config.enabled and config.destination != but_not
    ]
    if not verdicts:
        return Verdict(Outcome.NO_TRIGGER, sentences.NOWHERE_ELSE(destination=but_not))
    verdict = released or min(verdicts, key=lambda verdict: ORDER.index(verdict.outcome))
    if fired_before:
        unplaced.update(outcome=verdict.outcome, reason=verdict.reason)
    return verdict


def _heed_withdrawal(merged: Merged) -> Verdict | None:
    """Stop the imports of a request that this message withdraws; restart what it restores."""
    referral = merged.place.referral
    status = withdrawal.request_withdrawn(merged.now)
    if bool(status) == bool(merged.was_withdrawn):
        return None  # what a person has decided since stands
    if status:
        # A person decides about what was not sent, and hears of what was.
        withdrawal.of_request(referral, status)
        if not withdrawal.stop(referral, status):
            return None
        return Verdict(Outcome.WITHDRAWN, sentences.IMPORT_STOPPED(status=status))
    if withdrawal.restart(referral):
        return Verdict(Outcome.IMPORT_REVIVED, sentences.WITHDRAWN_NO_MORE())
    return None


def _release_waiting(place: Resolved, shown: Document) -> Verdict | None:
    """Queue what waited for details, once they have come, whatever brought them."""
    # Of a referral that this event has made, nothing waits.
    if place.is_new or not snapshot.has_details(shown):
        return None
    waiting = Delivery.objects.filter(
        referral=place.referral,
        state=State.WAITING,
        destination__organization=place.organization,  # it may have moved meanwhile
    )
    if not waiting.update(state=State.QUEUED, due_at=place.now):
        return None
    return Verdict(Outcome.IMPORT_OPENED, sentences.DETAILS_CAME())


# -- one destination -----------------------------------------------------------------------------


def _open_delivery(merged: Merged, config: TriggerConfig, fired: Iterable[str]) -> Verdict:
    """Open the import into one destination, or go on with the one that exists."""
    keys = matching.chosen(
        fired,
        config.on,
        include_routed=config.include_routed,
        routed=matching.is_routed(merged.now),
    )
    where = config.destination
    theirs = Delivery.objects.filter(referral=merged.place.referral, destination=where)
    delivery = None if merged.place.is_new else theirs.first()
    if delivery is None:
        return _begin(merged, config, keys) if keys else _no_trigger(merged, config)
    updates = where.transport().updates
    if updates is not Updates.ONCE:
        return _update(merged, delivery, config, keys, updates)
    if not keys and versions.EDITED not in merged.fired:
        return _no_trigger(merged, config)
    return _go_on(merged, delivery, where)


def _begin(merged: Merged, config: TriggerConfig, keys: list[str]) -> Verdict:
    """Open the first import of the referral into this destination, with its first version."""
    place, now, where = merged.place, merged.place.now, config.destination
    facts = _facts(merged, where)
    shut = gates.first_shut(facts, gates.WITHDRAWN, gates.WAITING)
    if shut is None:
        state = {"state": State.QUEUED, "due_at": now}
        verdict = Verdict(Outcome.IMPORT_OPENED, sentences.IMPORT_STARTED(destination=where))
    else:
        is_withdrawn = shut.gate is gates.WITHDRAWN
        state = withdrawal.stopped(facts.withdrawn) if is_withdrawn else {"state": State.WAITING}
        verdict = _stopped(shut)
    delivery = Delivery.objects.create(
        referral=place.referral,
        destination=where,
        trigger_config=config,
        reference=place.referral.reference,
        triggers=keys,
        opened_at=now,
        restore_id=_restore(merged),
        **state,
    )
    versions.begin(delivery, triggers=keys, opened_by=place.event)
    return verdict


def _restore(merged: Merged) -> int | None:
    """Return the restore before which this may have been opened and sent already, or None.

    So it is with events from before it, and with those that do not say when they happened. So it
    is, too, with what comes later of a referral that had begun before: the event by which it was
    sent may be lost.
    """
    return _restore_since(merged.place, lambda: _begun(merged))


def _restore_since(place: Resolved, began: Callable[[], datetime]) -> int | None:
    """Return the restore before which something began, or may have; None without one."""
    known: Any = place.event  # with what `_lock` has asked beside it
    if known.restore is None:
        return None
    restore = Restore.objects.get(pk=known.restore)
    return None if place.has_time and began() >= restore.at else restore.pk


def _begun(merged: Merged) -> datetime:
    """Return when the referral began, as far as it is known, or this event happened."""
    place = merged.place
    begun = min(place.at, place.referral.created_at)
    if place.parsed.kind is EventKind.RECEIVED:
        return begun
    zone = place.organization.zone if place.organization else ZoneInfo("UTC")
    text = merged.now.get("submitted_at", "")
    submitted = parse_instant(text, zone) or parse_instant(f"{text}T00:00", zone)
    return min(begun, submitted) if submitted else begun


def _go_on(merged: Merged, delivery: Delivery, where: Destination) -> Verdict:
    """Go on with the import into a destination that takes a referral once, and no updates."""
    if delivery.external_id or delivery.state == State.IMPORTED:
        return Verdict(Outcome.ALREADY_IMPORTED, sentences.IS_IN_ALREADY(destination=where))
    if delivery.state == State.DISMISSED:
        return Verdict(Outcome.DISMISSED, sentences.WAS_DISMISSED(destination=where))
    if waits := _waits(merged, delivery, where):
        return waits
    # The repair rule: what failed on data goes again, with all its tries. The conditions stand on
    # the row: an attempt or a person may have moved it since it was read.
    failed = Delivery.objects.filter(
        pk=delivery.pk, state=State.NEEDS_ATTENTION, reason__in=versions.REVIVABLE
    )
    if failed.update(state=State.QUEUED, reason="", due_at=merged.place.now, tries=0):
        return Verdict(Outcome.IMPORT_REVIVED, sentences.GOES_AGAIN(destination=where))
    return Verdict(Outcome.IMPORT_OPEN, sentences.IS_UNDER_WAY(destination=where))


def _update(
    merged: Merged, delivery: Delivery, config: TriggerConfig, keys: list[str], updates: Updates
) -> Verdict:
    """Ask for one more version, or none, at a destination where the referral is kept current."""
    where, referral = config.destination, merged.place.referral
    if waits := _waits(merged, delivery, where):
        return waits
    if referral.is_in_part:
        return Verdict(Outcome.NO_TRIGGER, sentences.IN_PART(destination=where))
    edited, failed = versions.EDITED in merged.fired, delivery.reason in versions.REVIVABLE
    asked: dict[str, Any] = {"triggers": keys, "opened_by": merged.place.event}
    if updates is Updates.LATEST:
        if not keys and not _shows_something_new(merged, where):
            return _no_trigger(merged, config)
        versions.supersede(delivery, merged.place.now, **asked)
    elif edited and (failed or delivery.state == State.RUNNING):
        # While one is on its way, nobody knows yet whether it is what this repairs.
        make = versions.repair if failed else versions.add_in_order
        asked |= {"triggers": [*dict.fromkeys([*keys, versions.EDITED])]}
        make(delivery, merged.place.now, document=document_of(referral), **asked)
    elif keys or merged.withdraws:
        versions.add_in_order(delivery, merged.place.now, document=document_of(referral), **asked)
    else:
        return _no_trigger(merged, config)
    if restore := _restore_since(merged.place, lambda: merged.place.at):
        # The backup holds the delivery, and not this version, which may have been sent before.
        unknown = Delivery.objects.filter(pk=delivery.pk, restore=None)
        unknown.update(restore=restore, absent_steps=[])
    return Verdict(Outcome.UPDATED, sentences.GETS_UPDATE(destination=where))


def _shows_something_new(merged: Merged, where: Destination) -> bool:
    """Return whether a destination that keeps the latest would show something else now."""
    by_partner = PARTNER_UPDATE in merged.fired and PARTNER_UPDATES in where.allowed_fields
    if by_partner or SHOWN_EVENTS in where.allowed_fields:
        return True
    allowed = where.allow_list()
    return allowed.part(merged.now) != allowed.part(merged.before)


def _no_trigger(merged: Merged, config: TriggerConfig) -> Verdict:
    facts = gates.Facts(
        listing=merged.place.listing,
        config=config,
        fired=merged.fired,
        by_one_event=True,
        is_routed=matching.is_routed(merged.now),
    )
    happened = gates.NO_TRIGGER.was_shut(gates.what_happened(facts))
    return _stopped(gates.ROUTED.shut(facts) or happened)


def _waits(merged: Merged, delivery: Delivery, where: Destination) -> Verdict | None:
    """Return that the import waits for details or for a person, or None where it does not."""
    facts = _facts(merged, where, delivery)
    if shut := gates.WAITING.shut(facts):
        return _stopped(shut)
    if delivery.reason != Reason.WITHDRAWN:
        return None
    sentence = sentences.WITHDRAWN(status=facts.withdrawn, destination=where)
    return _stopped(gates.WITHDRAWN.was_shut(sentence, delivery))


def _facts(merged: Merged, where: Destination, delivery: Delivery | None = None) -> gates.Facts:
    """Return what the gates judge of a referral whose event has matched."""
    causes = {warning.cause for warning in merged.place.parsed.warnings}
    return gates.Facts(
        delivery=delivery,
        destination=where,
        withdrawn=withdrawal.request_withdrawn(merged.now),
        names_somebody=snapshot.has_details(merged.now),
        names_somebody_else=SUBJECT_MISSING in causes,
    )
