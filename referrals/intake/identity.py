"""Which referral a message speaks of: one referral has several ids, learned one by one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from core.database.rows import update_one
from integrations import sources
from integrations.models import Organization, ServiceListing, Source
from integrations.sources import UnknownKind
from referrals import sentences
from referrals.models import (
    Delivery,
    InboundEvent,
    Note,
    Referral,
    ReferralAlias,
    ReferralFile,
    RegistrantName,
    Step,
)
from referrals.record import files, names, snapshot, versions
from referrals.record.removal import corrections, file_corrections

# Something of the delivery may be in the destination, or be on its way there.
BEGUN = Q(state=Delivery.State.RUNNING) | Q(steps__isnull=False)
WITH_EFFECT = BEGUN | Q(external_id__isnull=False)


@dataclass(frozen=True, slots=True)
class Found:
    """The referral that a message speaks of.

    `parts` are the snapshots of several that turned out to be this one, that of the survivor first;
    none where it was one all along. It `is_new` when the message has made it.
    """

    referral: Referral
    parts: tuple[snapshot.Snapshot, ...] = ()
    is_new: bool = False


class Foreign(Exception):
    """The ids name a referral of an organization for which the source may not send."""


def listing_named(listing_id: str, organization_id: str) -> ServiceListing | None:
    """Return the listing of this Caredove id; None when the message names another's organization.

    People type the ids of listings in: nobody gets an organization's referrals by claiming one of
    its listings first.
    """
    listings = ServiceListing.objects.select_related("organization")
    listing = listings.filter(caredove_id=listing_id).first() if listing_id else None
    if listing is None or listing.organization.caredove_id == organization_id:
        return listing
    others = Organization.objects.filter(caredove_id=organization_id or None)
    return None if others.exists() else listing


def known_by(reference: str, source_kinds: Collection[str]) -> QuerySet[Referral]:
    """Return the referrals that an id names with senders of these kinds, the oldest first."""
    named = ReferralAlias.objects.filter(source_kind__in=source_kinds, value=reference)
    return Referral.objects.filter(pk__in=named.values("referral")).order_by("created_at", "pk")


def resolve(
    source: Source, references: Sequence[str], organization: Organization | None, now: datetime
) -> Found:
    """Return the referral that the ids name, locked; made when new, merged when it was two.

    What one of the two had withdrawn of the other is for the caller to heed.

    `organization` is the one that the message names. Must run in a transaction. Raises Foreign,
    and IntegrityError when another transaction has just made it: the whole transaction is then
    tried again.
    """
    found = _found(source, references, organization)
    numbers = {referral.reference for referral in found}
    if any(r.organization and not source.may_send_for(r.organization.caredove_id) for r in found):
        raise Foreign
    if found:
        named = _merged(found)
    else:
        named = Found(
            Referral.objects.create(
                reference=best(source.kind, references),
                created_at=now,
                changed_at=now,
                reading=snapshot.READING,
            ),
            is_new=True,
        )
    referral = named.referral
    earlier = referral.reading < snapshot.KEYS
    numbers |= _learn(referral, source.kind, references, is_new=named.is_new)
    numbers = {number for number in numbers if is_number(source.kind, number)}
    if not named.is_new:
        _report_other_numbers(referral, numbers, earlier=earlier)
    return named


def _found(
    source: Source, references: Sequence[str], organization: Organization | None
) -> list[Referral]:
    """Return the referrals that the ids name, locked, without those that are not what they say.

    Whoever may send for one organization alone could name another's referral before it comes. A
    sender who may send for all takes the ids back: nothing of that claim is joined to it.
    """
    named = Referral.objects.filter(
        aliases__source_kind=source.kind, aliases__value__in=references
    ).values("pk")
    locked = Referral.objects.select_for_update(of=("self",)).select_related("organization")
    found = list(locked.filter(pk__in=named).order_by("created_at"))
    if not found or organization is None or source.organizations.exists():
        return found
    void = [referral for referral in found if not _is_claimed_for(referral, organization)]
    ReferralAlias.objects.filter(referral__in=void, value__in=references).delete()
    return [referral for referral in found if referral not in void]


def _is_claimed_for(referral: Referral, organization: Organization) -> bool:
    """Return whether a source that may send for the organization has spoken of the referral."""
    senders = Source.objects.filter(events__referral=referral).distinct()
    return not senders or any(s.may_send_for(organization.caredove_id) for s in senders)


def best(source_kind: str, references: Sequence[str]) -> str:
    """Return the id by which people know the referral where it is known, else the first."""
    return next((r for r in references if is_number(source_kind, r)), references[0])


def is_number(source_kind: str, text: str) -> bool:
    """Return whether the text has the form of an id by which people know a referral.

    Of a kind whose folder is gone, none has.
    """
    try:
        return sources.source_kind(source_kind).is_reference_number(text)
    except UnknownKind:
        return False


def _learn(
    referral: Referral, source_kind: str, references: Sequence[str], *, is_new: bool
) -> set[str]:
    """Remember the ids; return those that were new."""
    known = set() if is_new else set(referral.aliases.values_list("value", flat=True))
    learned = [value for value in dict.fromkeys(references) if value not in known]
    # Whoever learns one of them at the same moment waits here, and fails by the constraint.
    ReferralAlias.objects.bulk_create(
        ReferralAlias(referral=referral, source_kind=source_kind, value=value) for value in learned
    )
    # An earlier version of reading may have taken a foreign number for the Reference #.
    is_earlier = referral.reading < snapshot.KEYS
    ids = (*references, referral.reference) if is_earlier else (referral.reference, *references)
    shown = best(source_kind, ids)
    if shown != referral.reference:
        Referral.objects.filter(pk=referral.pk).update(reference=shown)
        referral.reference = shown
    return set(learned)


def _report_other_numbers(referral: Referral, numbers: Iterable[str], *, earlier: bool) -> None:
    """Flag the imports of a referral that has begun to be sent, and goes by another number too.

    `earlier`: an earlier version of reading has merged it, and may have taken a foreign number for
    the Reference #; otherwise, two referrals may have been taken for one.
    """
    others = set(numbers) - {referral.reference}
    if not others:
        return
    deliveries = Delivery.objects.filter(WITH_EFFECT, referral=referral)
    for delivery in deliveries.select_related("destination").distinct():
        if delivery.reference in others:
            corrections.add([delivery], _sent_under_another(delivery, referral))
        elif not earlier:
            corrections.add([delivery], sentences.TWO_NUMBERS(numbers=sorted(others)))


def _sent_under_another(delivery: Delivery, referral: Referral) -> str:
    return sentences.SENT_UNDER_ANOTHER(
        destination=delivery.destination, sent=delivery.reference, reference=referral.reference
    )


def _merged(found: list[Referral]) -> Found:
    """Make one of several: the one that is imported, or on its way, else the eldest."""
    if len(found) == 1:
        return Found(found[0])
    deliveries = Delivery.objects.filter(referral__in=found)
    imported = set(deliveries.exclude(external_id=None).values_list("referral", flat=True))
    begun = set(deliveries.filter(BEGUN).values_list("referral", flat=True))
    found.sort(key=lambda r: (r.pk not in imported, r.pk not in begun, r.created_at))
    survivor, *others = found
    parts = tuple(referral.snapshot for referral in found)
    for other in others:
        _take_over(survivor, other)
    survivor.reading = min(referral.reading for referral in found)
    survivor.save(
        update_fields=[
            "snapshot",
            "classifications",
            "received",
            "purged_at",
            "purged_why",
            "reading",
        ]
    )
    names.index(survivor)
    return Found(survivor, parts)


def _take_over(survivor: Referral, other: Referral) -> None:
    survivor.snapshot = snapshot.combine(survivor.snapshot, other.snapshot)
    survivor.classifications = sorted([*survivor.classifications, *other.classifications])
    survivor.received = survivor.received or other.received
    if survivor.purged_at is None or other.is_revoked:
        survivor.purged_at, survivor.purged_why = other.purged_at, other.purged_why
    if survivor.listing_id is None:
        survivor.listing, survivor.organization = other.listing, other.organization
        survivor.save(update_fields=["listing", "organization"])
    ReferralAlias.objects.filter(referral=other).update(referral=survivor)
    InboundEvent.objects.filter(referral=other).update(referral=survivor)
    Note.objects.filter(referral=other).update(referral=survivor)
    moved = _take_over_deliveries(survivor, other)
    _take_over_files(survivor, other, moved)
    _report_second_imports(survivor, other)
    RegistrantName.objects.filter(referral=other).delete()
    # What became part of it before is a part of the survivor now: nobody has to follow a chain.
    parts = Referral.objects.filter(Q(pk=other.pk) | Q(merged_into=other))
    parts.update(merged_into=survivor, snapshot={})


def _take_over_files(survivor: Referral, other: Referral, moved: list[UUID]) -> None:
    """Move the files that the survivor has not; one whose key is taken gets another.

    The steps of the moved deliveries go by the keys that their files have now.
    """
    rows, came, renamed = list(survivor.files.all()), [], {}
    for file in other.files.all():
        step = files.step_of(file)
        if row := files.twin(rows, file):
            # What it holds is here now; nothing of the other may stay when this one is purged.
            files.hand_over(file, row)
            name = file.stored_as
            file.delete()
            if name and not ReferralFile.objects.filter(stored_as=name).exists():
                transaction.on_commit(partial(files.storage.delete, name))
        else:
            row = file
            row.key = files.free_key(file.key, file.sha256, {row.key for row in rows})
            row.referral, row.position = survivor, len(rows)
            row.save(update_fields=["key", "referral", "position"])
            rows.append(row)
            came.append(row)
        if step != files.step_of(row):
            renamed[step] = files.step_of(row)
    _rename_steps(moved, renamed)
    file_corrections.late(survivor, came)


def _rename_steps(deliveries: list[UUID], renamed: Mapping[str, str]) -> None:
    """Give steps their new names; a new name may be the former one of another step."""
    steps = list(Step.objects.filter(delivery__in=deliveries, name__in=renamed))
    for step in steps:
        Step.objects.filter(pk=step.pk).update(name=f"renamed:{step.pk}")
    for step in steps:
        Step.objects.filter(pk=step.pk).update(name=renamed[step.name])


def _report_second_imports(survivor: Referral, other: Referral) -> None:
    """Flag the imports whose destination has, or may have, the referral a second time."""
    left = Delivery.objects.filter(WITH_EFFECT, referral=other).distinct()
    for second in left.select_related("destination"):
        delivery = Delivery.objects.filter(
            referral=survivor, destination=second.destination_id
        ).first()
        if delivery is None:
            continue
        known = {
            "destination": second.destination,
            "reference": second.reference or other.reference,
        }
        sentence = sentences.PERHAPS_THERE_TWICE(**known)
        if second.external_id:
            sentence = sentences.THERE_TWICE(**known, id=second.external_id)
        corrections.add([delivery], sentence)


def _take_over_deliveries(survivor: Referral, other: Referral) -> list[UUID]:
    """Move the deliveries that the survivor has none of; the others end, unless already under way.

    Returns the keys of those that were moved.
    """
    has = list(Delivery.objects.filter(referral=survivor).values_list("destination", flat=True))
    free = Delivery.objects.filter(referral=other).exclude(destination__in=has)
    moved = list(free.values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=moved).update(referral=survivor)
    left = Delivery.objects.filter(referral=other, external_id=None).exclude(BEGUN)
    ending = left.exclude(state=Delivery.State.DISMISSED)
    versions.end(list(ending.values_list("pk", flat=True)))
    for delivery in ending:
        update_one(
            ending,
            delivery,
            state=Delivery.State.DISMISSED,
            reason="",
            due_at=None,
            closed_why=sentences.MERGED(),
        )
    return moved
