"""A parsed event finds its place, and is merged into its referral.

`resolve` finds the listing, the organization and the referral that the event is for. `merge` puts
what it says into the referral. Both run in the transaction of `opening`, which holds the event.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from integrations.models import Organization, ServiceListing
from integrations.sources.parsed import EventKind, ParsedEvent
from mapping.source.document import Document
from referrals import matching
from referrals.intake import identity, rereading
from referrals.models import InboundEvent, Referral
from referrals.record import files, names, snapshot, versions
from referrals.record.documents import document_of_message
from referrals.record.removal import file_corrections, withdrawal


@dataclass(frozen=True, slots=True)
class Resolved:
    """An event and its place. The referral is locked until the transaction ends.

    `at` is the event's own time, `latest` the stamp of the latest message that is merged already.
    The referral `moves` to this listing and organization unless an older message names them. It
    `is_new` when this event has made it: nothing of it is anywhere yet, so nothing is looked for.
    `now` is the time at which the event was locked.
    """

    event: InboundEvent
    parsed: ParsedEvent
    referral: Referral
    listing: ServiceListing | None
    organization: Organization | None
    at: datetime
    latest: str | None
    moves: bool
    # Of several referrals that turned out to be this one, that of the survivor first.
    parts: tuple[snapshot.Snapshot, ...] = field(repr=False)
    is_new: bool
    now: datetime

    @property
    def has_time(self) -> bool:
        """Whether the message says when it happened; otherwise `at` is when it came."""
        return bool(self.parsed.occurred_at or self.parsed.local_time)


@dataclass(frozen=True, slots=True)
class Merged:
    """What an event has changed: what its referral showed before, and what it shows now.

    `was_withdrawn` is the status by which the request itself was withdrawn before, or empty. The
    event `withdraws` when it takes something back that the referral showed.
    """

    place: Resolved
    before: Document = field(repr=False)
    now: Document = field(repr=False)
    fired: list[str]
    was_withdrawn: str
    withdraws: bool


def resolve(event: InboundEvent, parsed: ParsedEvent, rereads: rereading.Rereads) -> Resolved:
    """Return the event's place; its referral is locked, made when new, merged when it was two.

    Raises identity.Foreign when the source may not send for that place, rereading.NotReadYet when
    earlier events must be read first, and IntegrityError when another transaction has just made
    the same referral. The transaction is to be rolled back after the last two.
    """
    source, now = event.source, event.now  # type: ignore[attr-defined] # as `_lock` asked
    listing = identity.listing_named(parsed.listing_id, parsed.organization_id)
    if listing:
        organization: Organization | None = listing.organization
    else:
        organization = Organization.objects.filter(
            caredove_id=parsed.organization_id or None
        ).first()
    # It was checked on arrival, too; since then more may have become known.
    if organization and not source.may_send_for(organization.caredove_id):
        raise identity.Foreign
    wrong = rereading.filed_wrongly(source.kind, parsed.references, parsed.document, rereads)
    ids = (*parsed.references, *wrong)
    found = identity.resolve(source, ids, organization, now)
    referral = found.referral
    rereading.apply(referral, rereads)
    if found.parts:
        withdrawal.between(referral, found.parts)
    if not parsed.listing_id and referral.listing:
        listing, organization = referral.listing, referral.listing.organization
    elif listing is None and not parsed.organization_id:
        organization = referral.organization
    at = _time(event, parsed, organization)
    latest = max((entry[0] for entry in referral.snapshot.values()), default=None)
    # The listing is read again on each event, but an older message does not move it back.
    moves = not (referral.listing_id and latest and snapshot.stamp(at) < latest)
    if not moves:
        listing, organization = referral.listing, referral.organization
    return Resolved(
        event,
        parsed,
        referral,
        listing,
        organization,
        at,
        latest,
        moves,
        found.parts,
        found.is_new,
        now,
    )


def _time(event: InboundEvent, parsed: ParsedEvent, organization: Organization | None) -> datetime:
    """Return the event's own time, not later than its arrival: a wrong clock must not win."""
    at = parsed.occurred_at
    if at is None and parsed.local_time:
        at = parsed.local_time.replace(tzinfo=organization.zone if organization else UTC)
    return min(at, event.received_at) if at else event.received_at


def merge(place: Resolved) -> Merged:
    """Put what the event says into its referral: its values, files and withdrawals."""
    parsed, referral, at = place.parsed, place.referral, place.at
    known: snapshot.Snapshot = referral.snapshot
    shown = snapshot.view(known)
    came = files.arrived(parsed)
    fired = matching.fired(
        parsed,
        matching.Before(
            first=not known,
            received=referral.received,
            classifications=referral.classifications,
            appointment=shown.get("appointment", {}),
            latest=datetime.fromisoformat(place.latest) if place.latest else None,
        ),
        at,
        by_code=place.event.endpoint.appointments_by_code,
    )
    sender = str(place.event.source_id)
    referral.snapshot = snapshot.merge(known, document_of_message(parsed, came), at, sender)
    referral.classifications = matching.remember(referral.classifications, at, parsed.document)
    referral.received = referral.received or parsed.kind is EventKind.RECEIVED
    if referral.is_in_part and (parsed.kind is EventKind.RECEIVED or versions.EDITED in fired):
        referral.purged_why = ""  # such a message holds all of it
    if place.moves and parsed.listing_id:
        referral.listing_caredove_id, referral.listing = parsed.listing_id, place.listing
    if place.moves and place.organization:
        referral.organization = place.organization
    is_first = not known and referral.version == 0
    referral.version += 1
    referral.changed_at = place.now
    referral.save()
    names.index(referral, is_new=place.is_new)
    new = files.keep(referral, place.event.source, came, is_new=place.is_new)
    if not is_first:  # nothing that was shown or sent could be affected
        withdrawal.carry_out(referral, known)
        file_corrections.late(referral, new)
    parts = place.parts or (known,)
    before, now = snapshot.view(parts[0]), snapshot.view(referral.snapshot)
    withdraws = any(snapshot.newly_withdrawn(part, referral.snapshot) for part in parts)
    return Merged(
        place,
        before=before,
        now=now,
        fired=fired,
        was_withdrawn=withdrawal.request_withdrawn(shown),
        # An empty form that comes with every message takes nothing back that was shown.
        withdraws=withdraws and now != before,
    )
