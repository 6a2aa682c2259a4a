"""Asking a source for the listings of an organization, where its kind has a listing API."""

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from integrations import sources
from integrations.listings.offers import Offer, Unreadable
from integrations.models import Organization, Source
from integrations.sources.kind import ListingApi


def sources_for(organization: Organization) -> QuerySet[Source]:
    """Return the sources that can be asked, that of this organization alone first."""
    kinds = [name for name, kind in sources.kinds().items() if kind.listings]
    able = Source.objects.filter(active=True, kind__in=kinds).exclude(listings_url="")
    counted = able.annotate(limits=Count("organizations"))
    own = counted.filter(organizations=organization)
    return own if own.exists() else counted.filter(limits=0)


def ask(source: Source, organization: Organization) -> Offer:
    """Return the organization's active listings; raises Unreadable, also when nobody answers."""
    listings = sources.source_kind(source.kind).listings
    if listings is None:
        raise Unreadable(_("{source} cannot be asked for listings.").format(source=source))
    return listings.ask(api_of(source), organization.caredove_id)


def api_of(source: Source) -> ListingApi:
    """Return the listing API that a source is set up with."""
    return ListingApi(source.listings_url, source.listings_username, source.listings_password or "")
