"""What a list holds: the entries of a view that match all parameters, and their order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.utils.translation import gettext as _

from directory.changes import MANY
from directory.listing import places
from directory.listing.parameters import Refused, Wrong
from directory.listing.values import NOW
from directory.models import (
    Attribute,
    Directory,
    Entry,
    Kind,
    Language,
    Membership,
    ServiceArea,
    TaxonomyTerm,
    View,
)
from directory.search.matching import Matches, matching
from directory.search.opening import open_at

AHEAD = timedelta(days=14)
BEHIND = timedelta(minutes=1)


@dataclass(frozen=True)
class Asked:
    """A list that is asked for: of which kind, by whom, with which parameters, and when."""

    kind: Kind
    view: View
    directory: Directory
    values: Mapping[str, Any]
    now: datetime


Nearness = tuple[float, UUID]  # metres, id: the order of what is near


@dataclass
class Found:
    """The entries that match, by how well they match words and then by id.

    With `near` (by key) only the entries in it match, and the order is by distance. `is_alone`:
    nothing but these words, or this place, narrows what is found.
    """

    narrowed: "QuerySet[Entry]"  # by everything but words and distance
    matches: Matches | None = None
    near: Mapping[int, Nearness] | None = None
    is_alone: bool = False

    @property
    def entries(self) -> "QuerySet[Entry]":
        """Return what matches, in no order; where there are distances, more than that."""
        found = self.narrowed
        if self.matches:
            found = found.filter(self.matches.condition)
        if self.near is not None and len(self.near) <= MANY:
            found = found.filter(pk__in=self.near)
        return found

    @property
    def ordered(self) -> "QuerySet[Entry]":
        """Return what matches, the best first, then by id."""
        order: list[Combinable | str] = [self.matches.rank] if self.matches else []
        return self.entries.order_by(*order, "hsds_id")

    @property
    def by_words_alone(self) -> Matches | None:
        return self.matches if self.is_alone and self.near is None else None


def find(asked: Asked) -> Found:
    """Return what matches; raises Refused for values that only the data show to be wrong."""
    found = Found(_members(asked.kind, asked.view))
    for name, narrow in _FILTERS.items():
        if name in asked.values:
            found.narrowed = found.narrowed.filter(narrow(asked, asked.values[name]))
    found.matches = matching(asked.values.get("search", ""), asked.kind, asked.view)
    _place(asked, found)
    of_place = {"postcode"} if found.near is not None else set()
    found.is_alone = len(NARROWING.intersection(asked.values) - of_place) == 1
    return found


def _members(kind: Kind, view: View) -> "QuerySet[Entry]":
    members = Membership.objects.filter(view=view, kind=kind, present=True, entry=OuterRef("pk"))
    return Entry.objects.filter(Exists(members), kind=kind)


def member(asked: Asked, kind: Kind, hsds_id: UUID) -> int | None:
    """Return the key of an entry of the view by its id, None where the view has none."""
    found = _members(kind, asked.view).filter(hsds_id=hsds_id)
    return found.values_list("pk", flat=True).first()


# -- by column ------------------------------------------------------------------------------------

# What leads from an entry of a kind to its service.
_SERVICE = {Kind.SERVICE: "service__", Kind.SERVICE_AT_LOCATION: "serviceatlocation__service__"}
_NOTHING = Q(pk__in=[])


def _by_service(asked: Asked, **conditions: Any) -> Q:
    return Q(**{f"{_SERVICE[asked.kind]}{name}": value for name, value in conditions.items()})


def _organization(asked: Asked, hsds_id: UUID) -> Q:
    key = member(asked, Kind.ORGANIZATION, hsds_id)
    return _by_service(asked, organization=key) if key else _NOTHING


def _modified_after(asked: Asked, moment: datetime) -> Q:
    if not asked.view.shows("service.last_modified"):
        return _NOTHING
    return _by_service(asked, entry__last_modified__gte=moment)


def _spoken_language(asked: Asked, code: str) -> Q:
    if not asked.view.shows("language.code", "language.service_id"):
        return _NOTHING
    services = Language.objects.filter(code__iexact=code).exclude(service=None)
    return _by_service(asked, pk__in=services.values("service"))


def _age(asked: Asked, age: float) -> Q:
    """Return the condition of an age within the limits. One that is absent excludes nobody."""
    found = Q()
    for name, within in (("minimum_age", "lte"), ("maximum_age", "gte")):
        if asked.view.shows(f"service.{name}"):
            found &= _by_service(asked, **{name: None}) | _by_service(
                asked, **{f"{name}__{within}": age}
            )
    return found


def _open_at(asked: Asked, value: Any) -> Q:
    return open_at(_moment(asked, value), asked.kind, asked.view, asked.directory)


def _moment(asked: Asked, value: Any) -> datetime:
    if value == NOW:
        return asked.now
    try:
        moment: datetime = value.in_zone(asked.directory.zone)
        if asked.now - BEHIND <= moment <= asked.now + AHEAD:
            return moment
    except OverflowError:
        pass
    raise Refused(Wrong("open_at", _("Use “now” or a date-time up to 14 days ahead.")))


def _top_only(asked: Asked, wanted: bool) -> Q:
    if not wanted or not asked.view.shows("taxonomy_term.parent_id"):
        return Q()
    below = _members(Kind.TAXONOMY_TERM, asked.view).values("pk")
    return ~Q(taxonomyterm__parent__in=below)


def _parent(asked: Asked, hsds_id: UUID) -> Q:
    if not asked.view.shows("taxonomy_term.parent_id"):
        return _NOTHING
    key = member(asked, Kind.TAXONOMY_TERM, hsds_id)
    return Q(taxonomyterm__parent=key) if key else _NOTHING


# -- by term --------------------------------------------------------------------------------------


def _term(asked: Asked, hsds_id: UUID) -> Q:
    terms = _members(Kind.TAXONOMY_TERM, asked.view).filter(hsds_id=hsds_id)
    return _with_terms(asked, terms.values("pk"))


def _taxonomy(asked: Asked, hsds_id: UUID) -> Q:
    key = member(asked, Kind.TAXONOMY, hsds_id)
    if key is None or not asked.view.shows("taxonomy_term.taxonomy_id"):
        return _NOTHING
    if asked.kind is Kind.TAXONOMY_TERM:
        return Q(taxonomyterm__taxonomy=key)
    terms = _members(Kind.TAXONOMY_TERM, asked.view).filter(taxonomyterm__taxonomy=key)
    return _with_terms(asked, terms.values("pk"))


def _code(asked: Asked, code: str) -> Q:
    """Return the condition of a term with the code, in any taxonomy, or of one below it."""
    members = _members(Kind.TAXONOMY_TERM, asked.view)
    found: set[int] = set()
    level = set(members.filter(taxonomyterm__code=code).values_list("pk", flat=True))
    if not asked.view.shows("taxonomy_term.parent_id"):
        return _with_terms(asked, level)
    while level:
        found |= level
        below = TaxonomyTerm.objects.filter(parent__in=level, pk__in=members.values("pk"))
        level = set(below.values_list("pk", flat=True)) - found
    return _with_terms(asked, found)


def _with_terms(asked: Asked, terms: Any) -> Q:
    """Return the condition of own attributes with one of the terms.

    Those of an agency's services count for it, those of its service for a service at a location.
    """
    text = Attribute.objects.filter(taxonomy_term__in=terms)
    own = Q(pk__in=text.filter(link_entity=asked.kind).values("link"))
    of_services = text.filter(link_entity=Kind.SERVICE).values("link")
    if asked.kind is Kind.SERVICE_AT_LOCATION:
        return own | Q(serviceatlocation__service__in=of_services)
    if asked.kind is Kind.ORGANIZATION:
        services = _members(Kind.SERVICE, asked.view).filter(pk__in=of_services)
        return own | Q(pk__in=services.values("service__organization"))
    return own


_FILTERS: Mapping[str, Callable[[Asked, Any], Q]] = {
    "taxonomy_term_id": _term,
    "taxonomy_id": _taxonomy,
    "taxonomy_code": _code,
    "organization_id": _organization,
    "modified_after": _modified_after,
    "spoken_language": _spoken_language,
    "age": _age,
    "open_at": _open_at,
    "top_only": _top_only,
    "parent_id": _parent,
}


NARROWING = frozenset({*_FILTERS, "search", "postcode", "proximity"})


def is_narrowed(asked: Asked) -> bool:
    """Return whether a parameter may leave out entries of the view, or order them."""
    return not NARROWING.isdisjoint(asked.values)


# -- by place -------------------------------------------------------------------------------------


def _place(asked: Asked, found: Found) -> None:
    postcode = None
    if "postcode" in asked.values:
        postcode = places.find(asked.values["postcode"])
        if postcode is None:
            raise Refused(Wrong("postcode", _("This postcode is not known here.")))
    if "proximity" in asked.values:
        point = (asked.values.get("latitude", 0.0), asked.values.get("longitude", 0.0))
        found.near = _near(asked, postcode.point if postcode else point)
    elif postcode:
        found.narrowed = found.narrowed.filter(serves(asked, postcode))


def _near(asked: Asked, point: places.Point) -> dict[int, Nearness]:
    """Return how near the nearest place of each entry is, where that is near enough."""
    is_at = asked.kind is Kind.SERVICE_AT_LOCATION
    near: dict[int, Nearness] = {}
    for one in places.near(asked.view, point, asked.values["proximity"]):
        key = one.key if is_at else one.service
        nearness = one.metres, one.id if is_at else one.service_id
        near[key] = min(nearness, near.get(key, nearness))
    return near


def serves(asked: Asked, postcode: places.Postcode) -> Q:
    """Return the condition of no service area, or one that covers the postcode.

    A service at a location without areas of its own goes by those of its service.
    """
    covering = places.covering(postcode, asked.view)
    of = _areas(asked.view, "service", f"{_SERVICE[asked.kind]}pk")
    by_service = ~Exists(of) | Q(Exists(of.filter(pk__in=covering)))
    if asked.kind is Kind.SERVICE:
        return by_service
    own = _areas(asked.view, "service_at_location", "pk")
    return Q(Exists(own.filter(pk__in=covering))) | (~Exists(own) & by_service)


def _areas(view: View, parent: str, of: str) -> "QuerySet[ServiceArea]":
    if not view.shows(f"service_area.{parent}_id"):
        return ServiceArea.objects.none()
    return ServiceArea.objects.filter(**{parent: OuterRef(of)})
