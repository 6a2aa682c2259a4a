"""A partner answers a referral that it was sent: once, and only what it has seen.

One transaction holds the referral: the partner's ETag is compared, the update is stored as an
event, its triggers are opened elsewhere, and the answer is kept for its Idempotency-Key.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q

from core.database import clock
from core.database.rows import update_one
from integrations import sources
from integrations.models import Destination, Source
from integrations.sources.kind import Answers
from referrals.intake.opening import open_answer
from referrals.models import (
    Delivery,
    InboundEvent,
    PartnerRequest,
    PartnerUpdate,
    Referral,
    Version,
)
from referrals.record import answered, sending

KEPT = timedelta(hours=48)
CLAIMED = timedelta(minutes=1)  # a request that has not ended by then has died

Answer = dict[str, Any]  # JSON: `etag` and `data`


class Stale(Exception):
    """Somebody has answered since, or a newer version was delivered. `etag` is the present one."""

    def __init__(self, etag: str) -> None:
        super().__init__()
        self.etag = etag


class StillRunning(Exception):
    """The first request with this Idempotency-Key has not ended yet."""


class OtherRequest(Exception):
    """The Idempotency-Key was used with another path or body."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """An Idempotency-Key: of whom, and of which request. Only hashes of both are kept."""

    source: Source
    key: str
    path: str
    body: bytes

    @property
    def name(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()

    @property
    def asked(self) -> str:
        return hashlib.sha256(self.path.encode() + b"\0" + self.body).hexdigest()


def show(version: Version) -> Answer:
    """Return what a partner reads of a delivered version: its data, and its own answer."""
    updates = answered.updates_of(version.delivery)
    data = cast("dict[str, Any]", version.data) | {"partner": answered.answer(updates)}
    return {"etag": answered.etag(version, updates), "data": data}


def answer(
    source: Source,
    destination: Destination,
    reference: str,
    patch: Mapping[str, Any],
    matches: Callable[[str], bool],
    request: PartnerRequest | None = None,
) -> tuple[Answer, InboundEvent]:
    """Store what a partner says; return what it reads now, and the event.

    `matches` says whether an ETag is the one that the partner has seen. `request` is the one that
    `claim` has returned. Raises NotDelivered, Gone or Stale, and changes nothing then.
    """
    with transaction.atomic():
        version = _locked(destination, reference)
        delivery = version.delivery
        updates = answered.updates_of(delivery)
        if not matches(etag := answered.etag(version, updates)):
            raise Stale(etag)
        now = clock.now()
        event = _store(source, reference, patch)
        PartnerUpdate.objects.create(
            delivery=delivery, number=len(updates) + 1, event=event, patch=dict(patch), at=now
        )
        referral = delivery.referral
        open_answer(event, referral.merged_into or referral, destination, now)
        shown = show(version)
        if request is not None and not _keep(request, delivery, shown):
            raise StillRunning  # another one has taken it over meanwhile
    return shown, event


def _locked(destination: Destination, reference: str) -> Version:
    """Return the latest delivered version, its referral locked; raises NotDelivered or Gone."""
    version = sending.latest(destination, reference)
    whose = version.delivery.referral_id
    Referral.objects.select_for_update(of=("self",)).get(pk=whose)
    return sending.latest(destination, reference)  # it may have been purged meanwhile


def _store(source: Source, reference: str, patch: Mapping[str, Any]) -> InboundEvent:
    answers = cast("Answers", sources.source_kind(source.kind).answers)
    body = answers.as_event(reference, patch)
    envelope = sources.endpoint(source.kind, answers.ENDPOINT).reader.read_envelope(body)
    now = clock.now()
    # As one that is still to be opened, in this very transaction.
    return InboundEvent.objects.create(
        source=source,
        endpoint_name=answers.ENDPOINT,
        dedup_key=f"id:{uuid4()}",  # only an Idempotency-Key makes a repeat
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
        code=envelope.code,
        reference=reference[:64],
        received_at=now,
        due_at=now,
    )


# -- Idempotency-Key -----------------------------------------------------------------------------


def claim(repeat: Repeat, delivery: Delivery) -> PartnerRequest | Answer:
    """Win the right to answer the request, or return the answer that it got before.

    Committed at once, so that others see it. Raises OtherRequest, and StillRunning.
    """
    now = clock.now()
    mine = PartnerRequest(
        source=repeat.source,
        delivery=delivery,
        key=repeat.name,
        asked=repeat.asked,
        begun_at=now,
    )
    dead = Q(answer__isnull=True, begun_at__lt=now - CLAIMED) | Q(begun_at__lt=now - KEPT)
    of_this_key = PartnerRequest.objects.filter(source=repeat.source, key=repeat.name)
    of_this_key.filter(dead).delete()
    try:
        with transaction.atomic():
            mine.save(force_insert=True)
    except IntegrityError:
        first = of_this_key.first()
        if first is None:
            raise StillRunning from None  # it was given up at this moment
        if first.asked != repeat.asked:
            raise OtherRequest from None
        if first.answer is None:
            raise StillRunning from None
        return cast("Answer", first.answer)
    return mine


def give_up(request: PartnerRequest) -> None:
    """Free the key of a request that took no effect."""
    PartnerRequest.objects.filter(pk=request.pk, token=request.token, answer__isnull=True).delete()


def _keep(request: PartnerRequest, delivery: Delivery, shown: Answer) -> bool:
    ours = PartnerRequest.objects.filter(token=request.token, delivery=delivery)
    return update_one(ours, request, answer=shown)


def forget_old_answers() -> int:
    """Delete answers that are kept no longer; returns how many rows."""
    old = PartnerRequest.objects.filter(begun_at__lt=clock.now() - KEPT)
    return old.delete()[0]
