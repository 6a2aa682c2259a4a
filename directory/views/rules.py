"""What a view has, by kind of entry, as queries over entries that may have changed.

A view picks services; the rest follows: services at locations, agencies, locations, terms. So the
queries of a kind read the memberships of the kinds before it, in the order of `ORDER`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from directory import models as rows
from directory.models import (
    HIDDEN,
    DataPartner,
    Directory,
    Holding,
    Kind,
    Membership,
    Secrecy,
    View,
)
from directory.views.agreements import EVERYTHING, Include, include_of, services_below

SHOWN_STATUSES = (rows.Service.Status.ACTIVE, rows.Service.Status.TEMPORARILY_CLOSED)
ORDER = (
    Kind.SERVICE,
    Kind.ORGANIZATION,
    Kind.SERVICE_AT_LOCATION,
    Kind.LOCATION,
    Kind.TAXONOMY_TERM,
    Kind.TAXONOMY,
)


@dataclass(frozen=True)
class Rules:
    """The rules of one view. `reshared_alone`: without what suppliers keep to our own pages."""

    view: View
    reshared_alone: bool
    shared_taxonomies: tuple[int, ...]
    include: Include = EVERYTHING  # of a data partner's agreement

    def visible(self, kind: Kind, keys: Collection[int]) -> set[int]:
        """Return which of the entries of a kind the view has."""
        find: Mapping[Kind, Callable[[], QuerySet[Any]]] = {
            Kind.SERVICE: self.services,
            Kind.ORGANIZATION: self._agencies,
            Kind.SERVICE_AT_LOCATION: self._services_at_locations,
            Kind.LOCATION: self._locations,
            Kind.TAXONOMY_TERM: self._terms,
            Kind.TAXONOMY: self._taxonomies,
        }
        found = find[kind]().filter(pk__in=keys)
        return set(found.order_by().values_list("pk", flat=True))

    def also_touched(self, touched: Collection[int]) -> Collection[int]:
        """Return the services that a change of terms may let in or out: those with terms below."""
        return () if self.include.terms is None else services_below(touched)

    # -- kinds ----------------------------------------------------------------------------------

    def services(self) -> "QuerySet[Any]":
        """Return services that are shown, unless their agency is confidential or not public."""
        statuses = self.include.statuses or SHOWN_STATUSES
        own = rows.Service.objects.filter(
            self._open(), self.include.services(), status__in=statuses
        )
        agency = "organization__entry__"
        hidden = Q(**{f"{agency}secrecy__in": HIDDEN})
        if not self.include.not_public:
            hidden |= Q(**{f"{agency}not_public": True})
        # A service names its agency: it would reveal one that is confidential.
        return own.exclude(hidden)

    def _agencies(self) -> "QuerySet[Any]":
        """Agencies of the view's services, and those that have no services at all."""
        services = rows.Service.objects.filter(organization=OuterRef("pk"))
        return rows.Agency.objects.filter(self._open()).filter(
            Exists(services.filter(self._member("pk")))
            | (~Exists(services.filter(entry__withdrawn_by="")) & self.include.agencies_alone())
        )

    def _services_at_locations(self) -> "QuerySet[Any]":
        found = rows.ServiceAtLocation.objects.filter(self._open(), self._member("service"))
        return found.filter(self._open("location__entry__", Q()))

    def _locations(self) -> "QuerySet[Any]":
        """Locations of the view's services, whoever owns them, and its agencies' own."""
        at = rows.ServiceAtLocation.objects.filter(self._member("pk"), location=OuterRef("pk"))
        found = rows.Location.objects.filter(self._open("entry__", Q()))
        return found.filter(Exists(at) | self._member("organization"))

    def _terms(self) -> "QuerySet[Any]":
        """Terms that the view's entries show, their ancestors, and all of shared taxonomies."""
        holders = Holding.objects.filter(
            self._member("holder"), held=OuterRef("pk"), direct=True
        ).exclude(holder__kind=Kind.TAXONOMY_TERM)
        children = rows.TaxonomyTerm.objects.filter(self._member("pk"), parent=OuterRef("pk"))
        shared = Q(taxonomy__in=self.shared_taxonomies)
        found = rows.TaxonomyTerm.objects.filter(_not_withdrawn(), entry__secrecy__in=_SEEN)
        return found.filter(Exists(holders) | Exists(children) | shared)

    def _taxonomies(self) -> "QuerySet[Any]":
        terms = rows.TaxonomyTerm.objects.filter(self._member("pk"), taxonomy=OuterRef("pk"))
        found = rows.Taxonomy.objects.filter(_not_withdrawn(), entry__secrecy__in=_SEEN)
        return found.filter(Exists(terms) | Q(pk__in=self.shared_taxonomies))

    # -- conditions -----------------------------------------------------------------------------

    def _open(self, entry: str = "entry__", secrecy: Q | None = None) -> Q:
        """Return the condition that an entry may be in a public view.

        `secrecy` is empty for locations: a confidential one is there, without its name and place.
        """
        if secrecy is None:
            secrecy = Q(**{f"{entry}secrecy__in": _SEEN})
        found = secrecy & _not_withdrawn(entry)
        if not self.include.not_public:
            found &= Q(**{f"{entry}not_public": False})
        if self.reshared_alone:
            found &= Q(**{f"{entry}supplier": None}) | Q(**{f"{entry}supplier__reshare": True})
        return found

    def _member(self, field: str) -> Exists:
        return Exists(
            Membership.objects.filter(view=self.view, present=True, entry=OuterRef(field))
        )


_SEEN = [secrecy for secrecy in Secrecy.values if secrecy not in HIDDEN]


def _not_withdrawn(entry: str = "entry__") -> Q:
    return Q(**{f"{entry}withdrawn_by": ""})


def all_rules(directory: Directory, today: date) -> list[Rules]:
    """Return the rules of every view that is read: pages, the API where it shows less, and those of
    data partners whose agreement has not ended."""
    shared = _shared_taxonomies(directory)
    views = View.objects.in_bulk(View.Name.values, field_name="name")
    public = [
        Rules(views[name], name == View.Name.API, shared)
        for name in View.Name.values
        if name == View.Name.PAGES or api_is_narrower()
    ]
    partners = DataPartner.objects.select_related("view")
    return public + [_rules_of(one, shared, today) for one in partners if not one.has_ended(today)]


def rules_of(partner: DataPartner, directory: Directory, today: date) -> Rules:
    """Return the rules of a data partner's view."""
    return _rules_of(partner, _shared_taxonomies(directory), today)


def _rules_of(partner: DataPartner, shared: tuple[int, ...], today: date) -> Rules:
    view = View() if partner._state.adding else partner.view
    return Rules(view, True, shared, include_of(partner.include, today))


def _shared_taxonomies(directory: Directory) -> tuple[int, ...]:
    return tuple(
        taxonomy.pk
        for taxonomy in rows.Taxonomy.objects.all()
        if {taxonomy.short_name, *taxonomy.name.values()} & set(directory.share_all_terms)
    )


def api_is_narrower() -> bool:
    """Return whether a supplier keeps its entries to our own pages."""
    return rows.Supplier.objects.filter(reshare=False).exists()


def api_view() -> View:
    """Return the view of the public API and of files."""
    return View.objects.raw(_API_VIEW, [View.Name.API, View.Name.PAGES])[0]


_API_VIEW = """
    SELECT view.*, numbering.mark FROM directory_view view
    LEFT JOIN directory_numbering numbering
        ON numbering.view_id = view.id AND numbering.last = view.last_number
    WHERE view.name = CASE
        WHEN EXISTS (SELECT 1 FROM directory_supplier WHERE NOT reshare) THEN %s ELSE %s
    END
"""
