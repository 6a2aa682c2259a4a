"""What agencies have, read for many of them at once, in the order in which they are written."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from directory.changes import in_parts
from directory.exporting.content.reading import Described, described, owners_of
from directory.models import Entry, Kind, Location, Membership, Service, ServiceAtLocation, View

_AGENCIES = 100
_CHUNK = 200  # entries of a kind in memory


@dataclass(slots=True)
class Having:
    """The keys of what an agency has in a view, each in the order of numbers."""

    services: list[int] = field(default_factory=list)
    # Its own locations, and those of its services, with their owners.
    sites: dict[int, int] = field(default_factory=dict)
    # Its services at a location, by the location.
    joined: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))


class Ahead:
    """Entries that will be asked for in a known order, of which the next ones are read at once."""

    def __init__(self, read: Callable[[Sequence[int]], Iterable[Described]], keys: Iterable[int]):
        self._read = read
        self._left = iter(keys)
        self._found: dict[int, Described | None] = {}

    def take(self, keys: Iterable[int]) -> Iterator[Described]:
        """Yield the next entries; not those that the view does not have."""
        for key in keys:
            if key not in self._found:
                some = list(islice(self._left, _CHUNK))
                self._found = dict.fromkeys(some) | {one.row.pk: one for one in self._read(some)}
            if (one := self._found[key]) is not None:
                yield one


class Agencies:
    """Agencies one after the other, with what they have."""

    def __init__(self, view: View, language: str, order: Iterable[int]) -> None:
        self._view = view
        self._language = language
        self._left = iter(order)
        self._having: dict[int, Having] = {}

    def having(self, agency: int) -> Having:
        """Return what the next agency has."""
        if agency not in self._having:
            self._having = _having(self._view, list(islice(self._left, _AGENCIES)))
            self._read_ahead()
        return self._having[agency]

    def _read_ahead(self) -> None:
        each = self._having.values()
        own = chain.from_iterable(first_own(key, of) for key, of in self._having.items())
        self.agencies = self._ahead(Kind.ORGANIZATION, self._having)
        self.own_locations = self._ahead(Kind.LOCATION, own)
        self.services = self._ahead(Kind.SERVICE, chain.from_iterable(of.services for of in each))
        self.locations = self._ahead(Kind.LOCATION, chain.from_iterable(of.sites for of in each))
        joined = chain.from_iterable(of.joined[site] for of in each for site in of.sites)
        self.joined = self._ahead(Kind.SERVICE_AT_LOCATION, joined)

    def _ahead(self, kind: Kind, keys: Iterable[int]) -> Ahead:
        def read(some: Sequence[int]) -> Iterator[Described]:
            return described(self._view, kind.value, self._language, some)

        return Ahead(read, keys)


def first_own(agency: int, having: Having) -> list[int]:
    """Return the first location that an agency owns, if it has one."""
    return list(islice((site for site, owner in having.sites.items() if owner == agency), 1))


def _having(view: View, agencies: Sequence[int]) -> dict[int, Having]:
    """Return what agencies have. What the view has is looked up by key: joins would read it all."""
    found = {key: Having() for key in agencies}
    services = Service.objects.filter(organization__in=agencies).order_by("entry__number")
    for agency, key in _seen(view, services.values_list("organization", "pk")):
        found[agency].services.append(key)
    sites: dict[int, set[int]] = defaultdict(set)
    own = Location.objects.filter(organization__in=agencies)
    for agency, key in _seen(view, own.values_list("organization", "pk")):
        sites[agency].add(key)
    at = ServiceAtLocation.objects.filter(service__organization__in=agencies)
    at = at.order_by("entry__number")
    for agency, site, key in _seen(view, at.values_list("service__organization", "location", "pk")):
        sites[agency].add(site)
        found[agency].joined[site].append(key)
    owners, numbers = _owners(view, set().union(*sites.values()))
    for agency, keys in sites.items():
        ordered = sorted(keys, key=numbers.__getitem__)
        found[agency].sites = {key: owners[key] for key in ordered}
    return found


def _seen(view: View, rows: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Yield the rows whose entry, the last in each, the view has."""
    rows = list(rows)
    seen: set[int] = set()
    for some in in_parts(row[-1] for row in rows):
        members = Membership.objects.filter(view=view, present=True, entry__in=some)
        seen |= set(members.values_list("entry", flat=True))
    return (row for row in rows if row[-1] in seen)


def _owners(view: View, locations: Collection[int]) -> tuple[dict[int, int], dict[int, Any]]:
    """Return the owners and the numbers of locations."""
    owners: dict[int, int] = {}
    numbers: dict[int, Any] = {}
    for some in in_parts(locations):
        owners |= owners_of(view, some)
        numbers |= dict(Entry.objects.filter(pk__in=some).values_list("pk", "number"))
    return owners, numbers
