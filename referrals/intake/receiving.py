"""A body that came to an endpoint becomes a stored event, once. `opening` reads it later."""

import hashlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from core.database.clock import Now
from integrations import sources
from integrations.models import Organization, Source
from integrations.sources import Endpoint
from integrations.sources.parsed import Envelope
from referrals import sentences
from referrals.intake import identity
from referrals.models import InboundEvent, Referral

MAX_CONFLICTS = 100  # kept of one event; who sends more is in a loop


class Forbidden(Exception):
    """The source may not send events for this organization."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a body. `event_id` is that of the first event with its key."""

    event_id: UUID
    duplicate: bool = False
    conflict: bool = False


def receive(source: Source, endpoint_name: str, body: bytes) -> Received:
    """Store a body that came to an endpoint as an event, once for its de-duplication key.

    Raises Unusable when it cannot be an event, Forbidden when the source may not send it.
    """
    endpoint = sources.endpoint(source.kind, endpoint_name)
    envelope = endpoint.reader.read_envelope(body)
    if not _may_send(source, endpoint, envelope, body):
        raise Forbidden
    digest = hashlib.sha256(body).hexdigest()
    now = Now()  # of the statement that stores it
    event = InboundEvent(
        source=source,
        endpoint_name=endpoint.name,
        dedup_key=f"id:{envelope.event_id}" if envelope.event_id else f"sha256:{digest}",
        body=body,
        body_sha256=digest,
        size=len(body),
        code=envelope.code,
        reference=identity.best(source.kind, envelope.references),
        received_at=now,
        due_at=now,
    )
    return _store(event)


def _may_send(source: Source, endpoint: Endpoint, envelope: Envelope, body: bytes) -> bool:
    """Check every organization that the message touches: named, of its listing, of its referral."""
    if source.is_limited is False:
        return True  # known from the statement that found its credential
    allowed = set(source.organizations.values_list("caredove_id", flat=True))
    if not allowed:
        return True
    named = {envelope.organization_id} if envelope.organization_id else set()
    parsed = endpoint.reader.parse(body)
    listing = identity.listing_named(parsed.listing_id, parsed.organization_id)
    owner = Organization.objects.filter(listings__pk=listing.pk if listing else 0)
    touched = Organization.objects.filter(
        pk__in=Referral.objects.filter(
            aliases__source_kind=source.kind, aliases__value__in=envelope.references
        ).values("organization")
    )
    for organizations in (owner, touched):
        named |= set(organizations.values_list("caredove_id", flat=True))
    return named <= allowed


def _store(event: InboundEvent) -> Received:
    # One statement is a transaction of its own; within another one, it needs a savepoint.
    within = transaction.get_connection().in_atomic_block
    saving: AbstractContextManager[Any] = transaction.atomic() if within else nullcontext()
    try:
        with saving:
            event.save(force_insert=True)
    except IntegrityError:
        first = InboundEvent.objects.filter(
            source=event.source, dedup_key=event.dedup_key, conflict_with=None
        ).first()
        if first is None:
            raise
        if first.body_sha256 == event.body_sha256:
            return Received(first.pk, duplicate=True)
        _keep_conflict(event, first)
        return Received(first.pk, conflict=True)
    return Received(event.pk)


def _keep_conflict(event: InboundEvent, first: InboundEvent) -> None:
    event.conflict_with = first
    event.state = InboundEvent.State.CONFLICT
    event.due_at = None
    event.reason = sentences.CONFLICT()
    if first.conflicts.count() >= MAX_CONFLICTS:
        return
    with transaction.atomic():
        # An opening or a purge of the first event that is under way ends before, or waits for us.
        InboundEvent.objects.select_for_update(of=("self",)).get(pk=first.pk)
        if _names_somebody_deleted(event, first):
            event.body = None
        # A conflict that is sent again is kept once.
        InboundEvent.objects.bulk_create([event], ignore_conflicts=True)


def _names_somebody_deleted(event: InboundEvent, first: InboundEvent) -> bool:
    """Return whether the person's data of a referral that the event may speak of is deleted."""
    named = Q(aliases__source_kind=event.source.kind, aliases__value=event.reference)
    return Referral.objects.filter(named | Q(events=first), purged_at__isnull=False).exists()
