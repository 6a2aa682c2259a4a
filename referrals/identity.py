"""Which referral a message speaks of: one referral has several ids, learned one by one."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from integrations.models import Organization, ServiceListing, Source
from referrals import names, snapshot
from referrals.models import (
    ImportJob,
    InboundEvent,
    Referral,
    ReferralAlias,
    ReferralFile,
    RegistrantName,
)

UNITED = "It is the same referral as another one under another id, which is imported instead."
REFERENCE_DIGITS = 10  # Caredove's Reference #
# Something of the job may be in the destination, or be on its way there.
BEGUN = Q(state=ImportJob.State.RUNNING) | Q(steps__isnull=False)


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


def find(source_kind: str, references: Sequence[str]) -> Referral | None:
    """Return the referral that any of the ids names, or None."""
    named = Referral.objects.filter(aliases__source_kind=source_kind, aliases__value__in=references)
    return named.order_by("created_at", "pk").first()


def resolve(
    source: Source, references: Sequence[str], organization: Organization | None, now: datetime
) -> Referral:
    """Return the referral that the ids name, locked; made when new, united when it was two.

    `organization` is the one that the message names. Must run in a transaction. Raises Foreign,
    and IntegrityError when another transaction has just made it: the whole transaction is then
    tried again.
    """
    found = _found(source, references, organization)
    if any(r.organization and not source.may_send_for(r.organization.caredove_id) for r in found):
        raise Foreign
    if found:
        referral = _united(found)
    else:
        referral = Referral.objects.create(
            reference=best(references), created_at=now, changed_at=now
        )
    _learn(referral, source.kind, references)
    return referral


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
    if organization is None or source.organizations.exists():
        return found
    void = [referral for referral in found if not _is_claimed_for(referral, organization)]
    ReferralAlias.objects.filter(referral__in=void, value__in=references).delete()
    return [referral for referral in found if referral not in void]


def _is_claimed_for(referral: Referral, organization: Organization) -> bool:
    """Return whether a source that may send for the organization has spoken of the referral."""
    senders = Source.objects.filter(events__referral=referral).distinct()
    return not senders or any(s.may_send_for(organization.caredove_id) for s in senders)


def best(references: Sequence[str]) -> str:
    """Return the 10-digit Reference # where it is known: staff know a referral by it."""
    return next(
        (r for r in references if r.isdigit() and len(r) == REFERENCE_DIGITS), references[0]
    )


def _learn(referral: Referral, source_kind: str, references: Sequence[str]) -> None:
    known = set(referral.aliases.values_list("value", flat=True))
    for value in dict.fromkeys(references):
        if value not in known:
            ReferralAlias.objects.create(referral=referral, source_kind=source_kind, value=value)
    shown = best([referral.reference, *references])
    if shown != referral.reference:
        Referral.objects.filter(pk=referral.pk).update(reference=shown)
        referral.reference = shown


def _united(found: list[Referral]) -> Referral:
    """Make one of several: the one that is imported, or on its way, else the eldest."""
    if len(found) == 1:
        return found[0]
    jobs = ImportJob.objects.filter(referral__in=found)
    imported = set(jobs.exclude(external_id=None).values_list("referral", flat=True))
    begun = set(jobs.filter(BEGUN).values_list("referral", flat=True))
    found.sort(key=lambda r: (r.pk not in imported, r.pk not in begun, r.created_at))
    survivor, *others = found
    for other in others:
        _take_over(survivor, other)
    survivor.save(
        update_fields=["snapshot", "classifications", "received", "purged_at", "purged_why"]
    )
    names.index(survivor)
    return survivor


def _take_over(survivor: Referral, other: Referral) -> None:
    survivor.snapshot = snapshot.unite(survivor.snapshot, other.snapshot)
    survivor.classifications = sorted([*survivor.classifications, *other.classifications])
    survivor.received = survivor.received or other.received
    if survivor.purged_at is None or other.is_revoked:
        survivor.purged_at, survivor.purged_why = other.purged_at, other.purged_why
    if survivor.listing_id is None:
        survivor.listing, survivor.organization = other.listing, other.organization
        survivor.save(update_fields=["listing", "organization"])
    ReferralAlias.objects.filter(referral=other).update(referral=survivor)
    InboundEvent.objects.filter(referral=other).update(referral=survivor)
    kept = ReferralFile.objects.filter(referral=survivor).values("key")
    ReferralFile.objects.filter(referral=other).exclude(key__in=kept).update(referral=survivor)
    _take_over_jobs(survivor, other)
    RegistrantName.objects.filter(referral=other).delete()
    Referral.objects.filter(pk=other.pk).update(united_with=survivor, snapshot={})


def _take_over_jobs(survivor: Referral, other: Referral) -> None:
    """Move the jobs that the survivor has none of; the others end, unless already under way."""
    has = ImportJob.objects.filter(referral=survivor).values("destination")
    ImportJob.objects.filter(referral=other).exclude(destination__in=has).update(referral=survivor)
    left = ImportJob.objects.filter(referral=other, external_id=None).exclude(BEGUN)
    left.exclude(state=ImportJob.State.DISMISSED).update(
        state=ImportJob.State.DISMISSED,
        reason="",
        due_at=None,
        closed_why=UNITED,
    )
