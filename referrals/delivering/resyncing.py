"""A destination whose content can be read: compared with what was written, and put right.

Comparing changes nothing. A resync makes a new version of each referral that belongs there, which
then go as all versions do; it deletes what does not belong there, and raises the numbers of
versions above those that are there.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from core import audit
from core.database import clock
from integrations.models import Destination, TriggerConfig
from integrations.transport import SUMMARY, Batch, Comparison, Parcel
from referrals import matching
from referrals.delivering.building import (
    Built,
    KnownRules,
    build,
    build_removal,
    build_row,
    map_record,
)
from referrals.delivering.claiming import Lease
from referrals.delivering.decisions.deciding import COMMAND_LINE
from referrals.delivering.ledger import DeliveryLedger
from referrals.delivering.preparing import mapped_before
from referrals.delivering.summaries import ComingSummary
from referrals.models import Delivery, InboundEvent, Referral, Version
from referrals.record import snapshot, versions
from referrals.record.beside import listings_of
from referrals.record.removal import withdrawal

State = Delivery.State
ROWS_AT_ONCE = 200
SOON = timedelta(seconds=10)
YIELD_EVERY = 500  # versions
# What of it is there, or is to be.
BELONGS = Q(state__in=[State.QUEUED, State.RUNNING, State.IMPORTED]) | Q(
    state=State.NEEDS_ATTENTION,
    reason__in=[one for one in versions.REVIVABLE if one != Delivery.Reason.WITHDRAWN],
)


@dataclass(slots=True)
class Resynced:
    """What a resync has begun: referrals to write, rows removed, numbers raised."""

    written: int = 0
    removed: int = 0
    raised: int = 0


def behind(destination: Destination) -> int:
    """Return how many referrals wait to be brought to the destination, or removed there."""
    pending = Version.objects.filter(delivery=OuterRef("pk"), state__in=Version.PENDING)
    return destination.deliveries.filter(Exists(pending)).exclude(state=State.WAITING).count()


def moves(destination: Destination) -> bool:
    """Return whether a run is under way there, or something is about to go by itself."""
    soon = Q(state=State.RUNNING) | Q(state=State.QUEUED, due_at__lte=clock.now() + SOON)
    return destination.paused_at is None and destination.deliveries.filter(soon).exists()


# -- comparing -----------------------------------------------------------------------------------


def compare(
    destination: Destination, keep: Callable[[], object] = lambda: None
) -> Mapping[str, Comparison]:
    """Compare what is there with what was last written; raises a DeliveryError.

    Calls `keep` for each referral that was written.
    """
    written = _keeping(_last_written(destination), keep)
    listings = listings_of(destination.organization_id)
    batch = Batch("", None, clock.now(), written, listings=listings)
    return destination.transport().compare(batch, lambda names: _forgotten(destination, names))


def _keeping(parcels: Iterator[Parcel], keep: Callable[[], object]) -> Iterator[Parcel]:
    for parcel in parcels:
        keep()
        yield parcel


def _last_written(destination: Destination) -> Iterator[Parcel]:
    """Yield of each referral the version that was accepted last, as it was written."""
    accepted = Version.objects.defer(None).filter(
        delivery__destination=destination, number=F("delivery__done")
    )
    accepted = accepted.select_related(
        "delivery__referral__organization",
        "delivery__referral__listing",
        "delivery__destination__organization",
        "delivery__trigger_config__mapping",
    )
    rules = KnownRules()
    for version in accepted.order_by("pk").iterator(ROWS_AT_ONCE):
        delivery = version.delivery
        ledger = DeliveryLedger(Lease(delivery.pk, uuid4(), version), repeatable=True, frozen=True)
        if versions.is_removal(version):
            yield build_removal(delivery, version, ledger).parcel
        elif version.document is not None:
            yield _as_written(delivery, version, ledger, rules).parcel


def _as_written(
    delivery: Delivery, version: Version, ledger: DeliveryLedger, rules: KnownRules
) -> Built:
    """Return what a version has written, with the files that may leave."""
    document: Any = version.document
    destination = delivery.destination
    shown = destination.allow_list().part(document)
    kept = mapped_before(version, destination)
    record = map_record(delivery, document, rules) if kept is None else kept
    files = destination.files_allowed()
    if not files:
        return build_row(delivery, version, ledger, record, shown)
    summary = ComingSummary(delivery.referral, shown).store if SUMMARY in files else None
    return build(
        delivery,
        version,
        ledger,
        record,
        document=document,
        shown=shown,
        summary=summary,
        more_later=False,
        frozen=True,
    )


def _forgotten(destination: Destination, references: Sequence[str]) -> Collection[str]:
    """Return of which referrals the content of the version that was accepted last is gone here."""
    gone = Version.objects.filter(
        delivery__destination=destination,
        delivery__reference__in=references,
        number=F("delivery__done"),
        action=Version.Action.PUT,
        document__isnull=True,
    )
    return set(gone.values_list("delivery__reference", flat=True))


# -- putting right -------------------------------------------------------------------------------


def resync(
    destination: Destination,
    by: AbstractBaseUser | None = None,
    keep: Callable[[], object] = lambda: None,
) -> Iterator[Resynced]:
    """Take the destination over, and let everything that belongs there be written anew.

    Yields how far it is after each few versions that it has made: they may be carried meanwhile.
    Calls `keep` for each page of what is there, and each referral.
    Raises a DeliveryError where the destination cannot be reached or taken over.
    """
    transport = destination.transport()
    transport.take_over()
    done = Resynced()
    for page in transport.there():
        keep()
        _put_page_right(destination, page, done)
    destination.release()
    for made in _versions_made(destination):
        keep()
        done.written += made
        if made and done.written % YIELD_EVERY == 0:
            yield done
    audit.record(
        by or COMMAND_LINE, "resync", destination, written=done.written, removed=done.removed
    )
    yield done


def _versions_made(destination: Destination) -> Iterator[bool]:
    """Make a version of each referral that belongs there; yields whether it was made."""
    belonging = list(_belonging(destination).values_list("pk", flat=True))
    yield from (_write_anew(pk) for pk in belonging)
    for config in TriggerConfig.objects.filter(destination=destination, enabled=True):
        yield from _open_missing(config)


def _put_page_right(
    destination: Destination, page: Sequence[tuple[str, int]], done: Resynced
) -> None:
    """Raise our numbers above those that are there; discard what we do not have there."""
    numbers = dict(page)
    was_never_there = Q(state=State.DISMISSED, done=0, referral__purged_at=None)
    ours = destination.deliveries.filter(~was_never_there, reference__in=list(numbers))
    known = {one.reference: one for one in ours}
    for reference, delivery in known.items():
        done.raised += _raise(delivery, numbers[reference])
    others = [reference for reference in numbers if reference not in known]
    if others:
        destination.transport().discard(others)
        done.removed += len(others)


@transaction.atomic
def _raise(delivery: Delivery, number: int) -> bool:
    """Let the next version have a higher number; remove again what was removed before."""
    Referral.objects.select_for_update().get(pk=delivery.referral_id)
    raised = Delivery.objects.filter(pk=delivery.pk, wanted__lt=number).update(wanted=number)
    delivery.refresh_from_db(fields=["wanted", "done", "state"])
    last = Version.objects.filter(delivery=delivery).order_by("-number").first()
    if last and versions.is_removal(last):
        versions.remove(delivery, clock.now(), Version.Why(last.why))
    return bool(raised)


def _belonging(destination: Destination) -> QuerySet[Delivery]:
    return destination.deliveries.filter(
        BELONGS, referral__purged_at=None, referral__merged_into=None
    ).order_by("pk")


@transaction.atomic
def _write_anew(pk: UUID) -> bool:
    """Make a version that takes the place of all that wait; False where a removal waits."""
    delivery = Delivery.objects.select_related("destination", "referral").get(pk=pk)
    Referral.objects.select_for_update().get(pk=delivery.referral_id)
    delivery.refresh_from_db(fields=["wanted", "state"])
    last = Version.objects.filter(delivery=delivery).order_by("-number").first()
    if last and versions.is_removal(last):
        return False
    versions.ask(delivery, clock.now())
    return True


def _open_missing(config: TriggerConfig) -> Iterator[bool]:
    """Open the deliveries that stored triggers ask for; yields of each whether it was opened."""
    theirs = Delivery.objects.filter(referral=OuterRef("pk"), destination=config.destination)
    missing = Referral.objects.filter(
        ~Exists(theirs),
        listing=config.listing,
        organization=config.destination.organization_id,
        purged_at=None,
        merged_into=None,
    )
    keys = list(missing.order_by("pk").values_list("pk", flat=True))
    yield from (_open(pk, config) for pk in keys)


@transaction.atomic
def _open(pk: UUID, config: TriggerConfig) -> bool:
    referral = Referral.objects.select_for_update().get(pk=pk)
    shown = snapshot.view(referral.snapshot)
    stored = InboundEvent.objects.filter(referral=referral).order_by("received_at")
    fired = [key for keys in stored.values_list("triggers", flat=True) for key in keys]
    keys = matching.chosen(
        fired,
        config.on,
        include_routed=config.include_routed,
        routed=matching.is_routed(shown),
    )
    if not keys or withdrawal.request_withdrawn(shown) or not snapshot.has_details(shown):
        return False
    now = clock.now()
    delivery = Delivery.objects.create(
        referral=referral,
        destination=config.destination,
        trigger_config=config,
        reference=referral.reference,
        triggers=keys,
        opened_at=now,
        state=State.QUEUED,
        due_at=now,
    )
    versions.begin(delivery, triggers=keys, why=Version.Why.PERSON)
    return True
