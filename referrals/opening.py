"""A stored event is read, merged into its referral, matched, and opens or revives imports.

One transaction for each event: either all of it happened or none of it. There is at most one
delivery for each (referral, destination), by a constraint of the database. When no import is
opened, the event says why.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Subquery

from core import clock
from core.rows import update_one
from integrations.models import Destination, Organization, ServiceListing, TriggerConfig
from integrations.sources.parsed import EventKind, ParsedEvent, Unusable
from integrations.sources.warnings import Warning
from integrations.transport import Updates
from integrations.triggers import TRIGGER_LABELS
from mapping.document import Document
from mapping.times import parse_instant
from referrals import (
    file_corrections,
    files,
    identity,
    matching,
    names,
    rereading,
    retention,
    snapshot,
    versions,
    warned,
    withdrawal,
)
from referrals.documents import document_of, document_of_message
from referrals.models import Delivery, InboundEvent, Referral, Restore

Outcome = InboundEvent.Outcome
State = Delivery.State

MAX_OPENINGS = 5
OPENING_TIME = timedelta(seconds=60)  # an opening that has not ended by then is begun again
NO_LISTING = "No message has said yet which listing the referral is for."
SUBJECT_MISSING = "subject_missing"
Reason = Delivery.Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an event, and why, in a sentence without personal data."""

    outcome: InboundEvent.Outcome
    reason: str


def open_deliveries(event_id: UUID) -> bool:
    """Open a stored event; False when it was not due, or is somebody else's. Never opens twice."""
    if not _take(event_id):
        return False
    try:
        # Read outside the transaction, which on SQLite keeps everybody else from writing.
        parsed = _read(event_id)
        _open_whole(event_id, parsed)
    except Unusable:
        why = Verdict(Outcome.UNREADABLE, "Its body could not be read.")
        _close(InboundEvent(pk=event_id), why)
    except IntegrityError:
        # Another event of the same new referral was opened at this moment: begin again at once.
        InboundEvent.objects.filter(pk=event_id, state=InboundEvent.State.RECEIVED).update(
            due_at=clock.now()
        )
    return True


def _open_whole(event_id: UUID, parsed: ParsedEvent) -> None:
    """Open the event in one transaction, once all that it needs has been read again."""
    rereads: rereading.Rereads = {}
    while True:
        try:
            with transaction.atomic():
                _open(event_id, parsed, rereads)
        except rereading.NotReadYet as needed:
            rereads |= rereading.read(needed.event_ids)
        else:
            return


def quarantine_events() -> int:
    """Set aside events that stopped their worker again and again; returns how many."""
    return InboundEvent.objects.filter(
        state=InboundEvent.State.RECEIVED, openings__gte=MAX_OPENINGS, due_at__lte=clock.now()
    ).update(
        state=InboundEvent.State.QUARANTINED,
        due_at=None,
        outcome=Outcome.UNREADABLE,
        reason=f"Opening it failed {MAX_OPENINGS} times. It is kept; tell the developers.",
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


def _take(event_id: UUID) -> bool:
    now = clock.now()
    return bool(
        InboundEvent.objects.filter(
            pk=event_id,
            state=InboundEvent.State.RECEIVED,
            due_at__lte=now,
            openings__lt=MAX_OPENINGS,
        ).update(openings=F("openings") + 1, due_at=now + OPENING_TIME)
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


def _read(event_id: UUID) -> ParsedEvent:
    event = InboundEvent.objects.defer(None).select_related("source").get(pk=event_id)
    return event.endpoint.reader.parse(event.body or b"")


def _open(event_id: UUID, parsed: ParsedEvent, rereads: rereading.Rereads) -> None:
    event = (
        InboundEvent.objects.select_for_update(of=("self",))
        .select_related("source")
        .annotate(restore=_latest_restore("pk"), restored_at=_latest_restore("at"))
        .filter(pk=event_id, state=InboundEvent.State.RECEIVED)
        .first()
    )
    if event is None:
        return
    named = _named_organization(parsed)
    try:
        # It was checked on arrival, too; since then more may have become known.
        if named and not event.source.may_send_for(named.caredove_id):
            raise identity.Foreign
        kind, document = event.source.kind, parsed.document
        wrong = rereading.filed_wrongly(kind, parsed.references, document, rereads)
        ids = (*parsed.references, *wrong)
        referral = identity.resolve(event.source, ids, named, clock.now())
    except identity.Foreign:
        _close(event, Verdict(Outcome.FORBIDDEN, _FOREIGN.format(source=event.source)))
        return
    rereading.apply(referral, rereads)
    opening = Opening(event, parsed, referral)
    verdict = opening.run()
    _close(
        event,
        verdict,
        referral=referral,
        triggers=opening.fired,
        occurred_at=opening.at if parsed.occurred_at or parsed.local_time else None,
        **warned.columns(opening.warnings()),
    )


def _latest_restore(field: str) -> Subquery:
    return Subquery(Restore.objects.order_by("-at").values(field)[:1])


def _named_listing(parsed: ParsedEvent) -> ServiceListing | None:
    return identity.listing_named(parsed.listing_id, parsed.organization_id)


def _named_organization(parsed: ParsedEvent) -> Organization | None:
    if listing := _named_listing(parsed):
        return listing.organization
    return Organization.objects.filter(caredove_id=parsed.organization_id or None).first()


_FOREIGN = "Source {source} may not send for the organization of this referral."


class Opening:
    """One event on its way into one referral."""

    def __init__(self, event: InboundEvent, parsed: ParsedEvent, referral: Referral) -> None:
        self.event = event
        self.parsed = parsed
        self.referral = referral
        self.fired: list[str] = []
        self.was_withdrawn = ""  # the status by which the request was withdrawn before
        self.before: Document = {}  # what the referral showed
        self.withdraws = False  # it takes something back that the referral showed
        self.listing = self._listing()
        self.organization = self._organization()
        self.at = self._time()

    def run(self) -> Verdict:
        """Merge, match and open; return what became of the event."""
        kind = self.parsed.kind
        if self.referral.is_revoked or kind is EventKind.REVOKED:
            return self._revoke()
        if self.referral.purged_at:
            retention.begin_anew(self.referral)
        if kind is EventKind.IGNORED:
            return Verdict(Outcome.IGNORED, f"“{self.event.code}” needs nothing done here.")
        if kind is EventKind.UNKNOWN:
            return Verdict(
                Outcome.UNKNOWN_CODE,
                f"“{self.event.code}” is not an event that Dovetail knows; it is kept as it came.",
            )
        self._merge()
        withdrawn = self._heed_withdrawal()
        return self._match(withdrawn)

    def warnings(self) -> tuple[Warning, ...]:
        """Return what staff are warned of: not of what turned out to mean one thing alone."""
        found, sender = self.parsed.warnings, str(self.event.source_id)
        known: snapshot.Snapshot = self.referral.snapshot
        if (sender, snapshot.stamp(self.at)) in snapshot.withdrawn_unknown(known):
            return found
        return tuple(w for w in found if w.cause != warned.WITHDRAWN_UNKNOWN)

    # -- where the event belongs -------------------------------------------------------------

    def _listing(self) -> ServiceListing | None:
        return _named_listing(self.parsed) if self.parsed.listing_id else self.referral.listing

    def _organization(self) -> Organization | None:
        if self.listing:
            return self.listing.organization
        if self.parsed.organization_id:
            return _named_organization(self.parsed)
        return self.referral.organization

    def _time(self) -> datetime:
        """The event's own time, not later than its arrival: a wrong clock must not win for good."""
        at = self.parsed.occurred_at
        if at is None and self.parsed.local_time:
            zone = self.organization.zone if self.organization else UTC
            at = self.parsed.local_time.replace(tzinfo=zone)
        return min(at, self.event.received_at) if at else self.event.received_at

    # -- merge -----------------------------------------------------------------------------------

    def _merge(self) -> None:
        referral, parsed = self.referral, self.parsed
        before: snapshot.Snapshot = referral.snapshot
        seen = snapshot.view(before)
        came = files.arrived(parsed)
        document = document_of_message(parsed, came)
        latest = max((entry[0] for entry in before.values()), default=None)
        self.fired = matching.fired(
            parsed,
            matching.Before(
                first=not before,
                received=referral.received,
                classifications=referral.classifications,
                appointment=seen.get("appointment", {}),
                latest=datetime.fromisoformat(latest) if latest else None,
            ),
            self.at,
            by_code=self.event.endpoint.appointments_by_code,
        )
        referral.snapshot = snapshot.merge(before, document, self.at, str(self.event.source_id))
        self.was_withdrawn = withdrawal.request_withdrawn(seen)
        self.before = seen
        self.withdraws = bool(snapshot.newly_withdrawn(before, referral.snapshot))
        referral.classifications = matching.remember(
            referral.classifications, self.at, parsed.document
        )
        referral.received = referral.received or parsed.kind is EventKind.RECEIVED
        self._move(stale=latest is not None and snapshot.stamp(self.at) < latest)
        referral.version += 1
        referral.changed_at = clock.now()
        referral.save()
        names.index(referral)
        new = files.keep(referral, self.event.source, came)
        withdrawal.carry_out(referral, before)
        file_corrections.late(referral, new)

    def _move(self, *, stale: bool) -> None:
        """The listing is read again on each event, but an older message does not move it back."""
        referral = self.referral
        if stale and referral.listing_id:
            self.listing, self.organization = referral.listing, referral.organization
            return
        if self.parsed.listing_id:
            referral.listing_caredove_id = self.parsed.listing_id
            referral.listing = self.listing
        if self.organization:
            referral.organization = self.organization

    # -- match -------------------------------------------------------------------------------

    def _match(self, known: Verdict | None) -> Verdict:
        """Open what is to be opened; return what became of the event, where it is not known."""
        if refusal := self._refusal():
            return refusal
        configs = list(self._configs())
        enabled = [config for config in configs if config.enabled]
        if not configs:
            return Verdict(
                Outcome.NOT_INTEGRATED,
                f"Listing {self.listing} is not connected to a destination.",
            )
        released = known or self._release_waiting()
        if not enabled:
            return Verdict(
                Outcome.TRIGGER_OFF, f"The trigger config of listing {self.listing} is off."
            )
        verdicts = [self._open_delivery(config) for config in enabled]
        verdict = released or min(verdicts, key=lambda verdict: ORDER.index(verdict.outcome))
        self._events_without_listing().update(outcome=verdict.outcome, reason=verdict.reason)
        return verdict

    def _events_without_listing(self) -> QuerySet[InboundEvent]:
        return InboundEvent.objects.filter(referral=self.referral, outcome=Outcome.NO_LISTING)

    def _refusal(self) -> Verdict | None:
        """Why nothing may be imported for this referral now, or None."""
        if self.organization is None and self._names_its_place():
            return Verdict(Outcome.UNKNOWN_ORGANIZATION, self._unknown_organization())
        if self.organization is None or not self._listing_is_named():
            return Verdict(Outcome.NO_LISTING, NO_LISTING)
        if not self.organization.active:
            return Verdict(Outcome.SUSPENDED, f"{self.organization} is suspended in Dovetail.")
        if not self.organization.may_import():
            plan = self.organization.get_plan_display()
            return Verdict(
                Outcome.PLAN_TOO_LOW,
                f"{self.organization} is on the {plan} plan; importing needs Advanced CBO "
                "or higher.",
            )
        if self.listing is None:
            return Verdict(Outcome.UNKNOWN_LISTING, self._unknown_listing())
        return None

    def _unknown_organization(self) -> str:
        if self.parsed.organization_id:
            return f"No organization with Caredove id {self.parsed.organization_id} is set up here."
        return f"No listing with Caredove id {self.referral.listing_caredove_id} is set up here."

    def _unknown_listing(self) -> str:
        return (
            f"Listing {self.referral.listing_caredove_id} of {self.organization} is not set up "
            "here: it is not integrated."
        )

    def _names_its_place(self) -> bool:
        return bool(self.parsed.organization_id) or self._listing_is_named()

    def _listing_is_named(self) -> bool:
        """Whether this or an earlier event says which listing it is for."""
        return self.listing is not None or bool(self.referral.listing_caredove_id)

    def _configs(self) -> list[TriggerConfig]:
        return list(
            TriggerConfig.objects.filter(listing=self.listing).select_related("destination")
        )

    def _matches(self, config: TriggerConfig) -> list[str]:
        """The chosen triggers that fired.

        Those count too that fired when nobody knew yet which listing the referral is for.
        """
        waiting = self._events_without_listing().values_list("triggers", flat=True)
        fired = [*self.fired, *(key for triggers in waiting for key in triggers)]
        return matching.chosen(
            fired, config.on, include_routed=config.include_routed, routed=self._routed()
        )

    def _routed(self) -> bool:
        return matching.is_routed(self._seen())

    def _seen(self) -> Document:
        return snapshot.view(self.referral.snapshot)

    # -- withdraw ----------------------------------------------------------------------------

    def _heed_withdrawal(self) -> Verdict | None:
        """Stop the imports of a request that this message withdraws; restart what it restores."""
        status = withdrawal.request_withdrawn(self._seen())
        if bool(status) == bool(self.was_withdrawn):
            return None  # what a person has decided since stands
        if status:
            return self._stop(status)
        stopped = Delivery.objects.filter(
            referral=self.referral, state=State.NEEDS_ATTENTION, reason=Reason.WITHDRAWN
        )
        if not self._has_details():
            stopped.update(state=State.WAITING, reason="")
        elif stopped.update(state=State.QUEUED, reason="", due_at=clock.now(), tries=0):
            return Verdict(Outcome.IMPORT_REVIVED, "Caredove no longer marks it as withdrawn.")
        return None

    def _stop(self, status: str) -> Verdict | None:
        """Let a person decide about what was not sent, and say what was."""
        withdrawal.of_request(self.referral, status)
        if withdrawal.stop(self.referral, status):
            return Verdict(Outcome.WITHDRAWN, f"{_marked(status)}: its import waits for a person.")
        return None

    # -- open --------------------------------------------------------------------------------

    def _release_waiting(self) -> Verdict | None:
        """Details that a waiting import waited for have come, whatever brought them."""
        if not self._has_details():
            return None
        waiting = Delivery.objects.filter(
            referral=self.referral,
            state=State.WAITING,
            destination__organization=self.organization,  # it may have moved meanwhile
        )
        if not waiting.update(state=State.QUEUED, due_at=clock.now()):
            return None
        return Verdict(Outcome.IMPORT_OPENED, "The details came that the import waited for.")

    def _has_details(self) -> bool:
        return snapshot.has_details(self._seen())

    def _open_delivery(self, config: TriggerConfig) -> Verdict:
        keys = self._matches(config)
        delivery = Delivery.objects.filter(
            referral=self.referral, destination=config.destination
        ).first()
        if delivery is None:
            return self._new_delivery(config, keys) if keys else self._no_trigger(config)
        transport = config.destination.transport()
        if transport.updates is not Updates.ONCE:
            return self._update(delivery, config, keys, transport.updates)
        if not keys and "edited" not in self.fired:
            return self._no_trigger(config)
        return self._further(delivery)

    def _no_trigger(self, config: TriggerConfig) -> Verdict:
        if "received" in self.fired and "received" in config.on:
            return Verdict(
                Outcome.ROUTED, f"It was routed here, and listing {self.listing} leaves those out."
            )
        what = ", ".join(TRIGGER_LABELS[key] for key in self.fired) or "no trigger"
        return Verdict(
            Outcome.NO_TRIGGER,
            f"The event means {what}; listing {self.listing} is imported on {config.labels()}.",
        )

    def _new_delivery(self, config: TriggerConfig, keys: list[str]) -> Verdict:
        now, where = clock.now(), config.destination
        seen = self._seen()
        if status := withdrawal.request_withdrawn(seen):
            state = withdrawal.stopped(status)
            verdict = _decides(where, status)
        elif snapshot.has_details(seen):
            state = {"state": State.QUEUED, "due_at": now}
            verdict = Verdict(Outcome.IMPORT_OPENED, f"Import into {where} started.")
        else:
            state = {"state": State.WAITING}
            verdict = Verdict(Outcome.WAITING, self._waits_for_details(where))
        delivery = Delivery.objects.create(
            referral=self.referral,
            destination=where,
            trigger_config=config,
            reference=self.referral.reference,
            triggers=keys,
            opened_at=now,
            restore_id=self._restore(),
            **state,
        )
        versions.begin(delivery, triggers=keys, opened_by=self.event)
        return verdict

    def _restore(self) -> int | None:
        """Return the restore before which this may have been opened and sent already, or None.

        So it is with events from before it, and with those that do not say when they happened. So
        it is, too, with what comes later of a referral that had begun before: the event by which
        it was sent may be lost.
        """
        known: Any = self.event  # with what `_open` has asked beside it
        if known.restore is None:
            return None
        restore: int = known.restore
        says_when = self.parsed.occurred_at or self.parsed.local_time
        return None if says_when and self._begun() >= known.restored_at else restore

    def _begun(self) -> datetime:
        """Return when the referral began, as far as it is known, or this event happened."""
        begun = min(self.at, self.referral.created_at)
        if self.parsed.kind is EventKind.RECEIVED:
            return begun
        zone = self.organization.zone if self.organization else ZoneInfo("UTC")
        text = self._seen().get("submitted_at", "")
        submitted = parse_instant(text, zone) or parse_instant(f"{text}T00:00", zone)
        return min(begun, submitted) if submitted else begun

    def _update(
        self, delivery: Delivery, config: TriggerConfig, keys: list[str], updates: Updates
    ) -> Verdict:
        """A further event on a referral that is kept current there: a version more, or none."""
        where = config.destination
        if delivery.state == State.WAITING:
            return Verdict(Outcome.WAITING, self._waits_for_details(where))
        if delivery.reason == Reason.WITHDRAWN:
            return _decides(where, withdrawal.request_withdrawn(self._seen()))
        edited, failed = versions.EDITED in self.fired, delivery.reason in versions.REVIVABLE
        asked = {"triggers": keys, "opened_by": self.event}
        if updates is Updates.LATEST:
            if not keys and self._seen() == self.before:
                return self._no_trigger(config)
            versions.supersede(delivery, clock.now(), **asked)
        elif edited and (failed or delivery.state == State.RUNNING):
            # While one is on its way, nobody knows yet whether it is what this repairs.
            make = versions.repair if failed else versions.add_in_order
            asked |= {"triggers": [*dict.fromkeys([*keys, versions.EDITED])]}
            make(delivery, clock.now(), document=document_of(self.referral), **asked)
        elif keys or self.withdraws:
            versions.add_in_order(
                delivery, clock.now(), document=document_of(self.referral), **asked
            )
        else:
            return self._no_trigger(config)
        return Verdict(Outcome.UPDATED, f"{where} gets an update.")

    def _waits_for_details(self, where: Destination) -> str:
        if any(warning.cause == SUBJECT_MISSING for warning in self.parsed.warnings):
            return (
                "The message holds another person's details, not the registrant's: the import into "
                f"{where} waits for them."
            )
        return f"The import into {where} waits until Caredove sends whom it is about."

    def _further(self, delivery: Delivery) -> Verdict:
        """A further event on a referral whose import exists; CRMS takes no updates."""
        where = delivery.destination
        if delivery.external_id or delivery.state == State.IMPORTED:
            return Verdict(Outcome.ALREADY_IMPORTED, f"It is in {where} already.")
        if delivery.state == State.WAITING:
            return Verdict(Outcome.WAITING, self._waits_for_details(where))
        if delivery.state == State.DISMISSED:
            return Verdict(Outcome.DISMISSED, f"A person dismissed the import into {where}.")
        if delivery.reason == Reason.WITHDRAWN:
            return _decides(where, withdrawal.request_withdrawn(self._seen()))
        if revive(delivery):
            return Verdict(Outcome.IMPORT_REVIVED, f"The failed import into {where} goes again.")
        return Verdict(Outcome.IMPORT_OPEN, f"The import into {where} is under way.")

    # -- revoke ------------------------------------------------------------------------------

    def _revoke(self) -> Verdict:
        # This event goes with the rest: even a late one may hold the person's data.
        InboundEvent.objects.filter(pk=self.event.pk).update(referral=self.referral)
        retention.revoke(self.referral, clock.now())
        return Verdict(
            Outcome.REVOKED, "Caredove revoked the referral: the person's data was deleted."
        )


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


def _marked(status: str) -> str:
    return f"Caredove marked the referral as {status}"


def _decides(where: Destination, status: str) -> Verdict:
    return Verdict(
        Outcome.WITHDRAWN, f"{_marked(status)}: a person decides about the import into {where}."
    )


def revive(delivery: Delivery) -> bool:
    """Queue a delivery that failed on data again, with all its tries; the repair rule."""
    return bool(
        Delivery.objects.filter(
            pk=delivery.pk, state=State.NEEDS_ATTENTION, reason__in=versions.REVIVABLE
        ).update(state=State.QUEUED, reason="", due_at=clock.now(), tries=0)
    )
