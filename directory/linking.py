"""Which listing is which service of the directory."""

from uuid import UUID

from django.db.models import Q, QuerySet

from core.compare import Effect
from directory.models import Entry, Kind, ListingLink, Service
from directory.reading.words import words
from integrations.models import ServiceListing


def link(listing: ServiceListing, hsds_id: UUID) -> Effect:
    """Tie a listing to the service with this id; raises LookupError where there is none.

    A merged id leads to its survivor.
    """
    entry = Entry.objects.filter(kind=Kind.SERVICE, hsds_id=hsds_id).first()
    seen: set[int] = set()
    while entry is not None and entry.merged_into_id and entry.pk not in seen:
        seen.add(entry.pk)
        entry = Entry.objects.filter(pk=entry.merged_into_id).first()
    if entry is None or entry.merged_into_id:
        raise LookupError("no service")
    current = ListingLink.objects.filter(listing=listing).first()
    if current is not None and current.service_id == entry.pk:
        return Effect.UNCHANGED
    ListingLink.objects.update_or_create(listing=listing, defaults={"service_id": entry.pk})
    return Effect.CHANGED if current else Effect.CREATED


def unlink(listing: ServiceListing) -> Effect:
    """Take the link from a listing, if it has one."""
    deleted, _ = ListingLink.objects.filter(listing=listing).delete()
    return Effect.REMOVED if deleted else Effect.UNCHANGED


def names_differ(link: ListingLink) -> bool:
    """Return whether the listing is called otherwise than its service is in any language."""
    service = link.service
    names = [*service.name.values(), *service.alternate_name.values()]
    return words(link.listing.name) not in [words(name) for name in names]


def ended() -> "QuerySet[ListingLink]":
    """Return the links whose service is withdrawn, or takes nobody at the time."""
    closed = ~Q(service__status=Service.Status.ACTIVE)
    withdrawn = ~Q(service__entry__withdrawn_by=Entry.WithdrawnBy.NOBODY)
    found = ListingLink.objects.filter(closed | withdrawn)
    related = found.select_related("listing__organization", "service__entry")
    return related.order_by("listing__name", "pk")
