"""The rows that the answers of some entries need, in as many queries for one entry as for many."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any, TypeVar

from django.db.models import Q, QuerySet

from directory import models as rows
from directory.models import Entry, EntryRow, Kind, Row
from directory.tables import TABLES, WITHOUT_ATTRIBUTES, name_of

AnyRow = TypeVar("AnyRow", bound=EntryRow)


class Loaded:
    """Everything that the answers of `keys` may show, confidential or not.

    `lists` has the rows of a table under a parent: `lists["phone", "service", 12]`.
    """

    def __init__(self, keys: Collection[int]) -> None:
        self.entries: dict[int, Entry] = {
            entry.pk: entry for entry in Entry.objects.filter(pk__in=keys)
        }
        self.asked: dict[str, set[int]] = {kind: set() for kind in Kind.values}
        for entry in self.entries.values():
            self.asked[entry.kind].add(entry.pk)
        self.lists: dict[tuple[str, str, int], list[Any]] = defaultdict(list)
        self._load_entries()
        self._load_rows()
        self._load_terms()

    def by_id(self, kind: str, hsds_id: str) -> Entry:
        """Return an entry that was loaded, by its id in HSDS."""
        return self._by_id[kind, hsds_id]

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], Entry]:
        return {(entry.kind, str(entry.hsds_id)): entry for entry in self.entries.values()}

    # -- entries ----------------------------------------------------------------------------------

    def _load_entries(self) -> None:
        self._load_services_and_their_locations()
        self._load_agencies()
        # What an agency's own answer has beside: its locations, its services by name.
        own = self.asked[Kind.ORGANIZATION]
        for location in self._add(self.locations, rows.Location, Q(organization__in=own)):
            self.lists["location", "organization", location.organization_id or 0].append(location)
        brief = _with_entries(rows.Service.objects.filter(organization__in=own))
        self.brief_services = self._kept(brief)
        for service in self.brief_services.values():
            self.lists["service", "organization", service.organization_id or 0].append(service)
        self._load_what_is_named()

    def _load_services_and_their_locations(self) -> None:
        asked = self.asked
        self.services_at: dict[int, rows.ServiceAtLocation] = {}
        self.services: dict[int, rows.Service] = {}
        self.locations: dict[int, rows.Location] = {}
        wanted = Q(pk__in=asked[Kind.SERVICE_AT_LOCATION]) | Q(service__in=asked[Kind.SERVICE])
        for one in self._add(self.services_at, rows.ServiceAtLocation, wanted):
            self.lists["service_at_location", "service", one.service_id].append(one)
        services = {one.service_id for one in self.services_at.values()} | asked[Kind.SERVICE]
        self._add(self.services, rows.Service, Q(pk__in=services))
        locations = {one.location_id for one in self.services_at.values()} | asked[Kind.LOCATION]
        self._add(self.locations, rows.Location, Q(pk__in=locations))

    def _load_agencies(self) -> None:
        self.agencies: dict[int, rows.Agency] = {}
        wanted = {service.organization_id for service in self.services.values()}
        wanted |= self.asked[Kind.ORGANIZATION]
        self._add(self.agencies, rows.Agency, Q(pk__in=_present(wanted)))

    def _load_what_is_named(self) -> None:
        """Load the entries of which only the id is shown: owners of locations, parents, programs'
        agencies."""
        self.programs: dict[int, rows.Program] = {
            program.pk: program
            for program in rows.Program.objects.filter(
                pk__in=_present({one.program_id for one in self.services.values()})
            )
        }
        named = {location.organization_id for location in self.locations.values()}
        named |= {agency.parent_organization_id for agency in self.agencies.values()}
        named |= {program.organization_id for program in self.programs.values()}
        self._load_missing_entries(_present(named))

    def _load_missing_entries(self, keys: Iterable[int]) -> None:
        missing = set(keys) - set(self.entries)
        for entry in Entry.objects.filter(pk__in=missing):
            self.entries[entry.pk] = entry

    def _add(self, to: dict[int, AnyRow], model: type[AnyRow], wanted: Q) -> list[AnyRow]:
        found = self._kept(_with_entries(model._default_manager.filter(wanted)))
        to.update(found)
        return list(found.values())

    def _kept(self, found: "QuerySet[AnyRow]") -> dict[int, AnyRow]:
        by_key = {row.pk: row for row in found}
        self.entries.update({key: row.entry for key, row in by_key.items()})
        return by_key

    # -- rows of entries --------------------------------------------------------------------------

    def _load_rows(self) -> None:
        self._whole: dict[str, set[int]] = {
            "organization": set(self.agencies),
            "service": set(self.services),
            "service_at_location": set(self.services_at),
            "location": set(self.locations),
            "program": set(self.programs),
        }
        for model in rows.ROWS_OF_ENTRIES:
            if model is not rows.Attribute:
                self._load_table(model)
        self.units = rows.Unit.objects.in_bulk(
            {capacity.unit_id for capacity in self._all("service_capacity")}
        )
        self._whole["unit"] = set(self.units)
        schedules, services = self._whole["schedule"], self._whole["service"]
        closings = rows.Closing.objects.filter(Q(schedule__in=schedules) | Q(service__in=services))
        for closing in closings:
            of = ("schedule", closing.schedule_id) if closing.schedule_id else None
            table, key = of or ("service", closing.service_id)
            self.lists["closing", table, key or 0].append(closing)

    def _load_table(self, model: type[Row]) -> None:
        table = TABLES[name_of(model)]
        parents = [(one.field, one.reference) for one in table.parents]
        wanted = Q()
        for field, reference in parents:
            wanted |= Q(**{f"{field}__in": self._whole[reference]})
        found = list(model._default_manager.filter(wanted))
        for row in found:
            for field, reference in parents:
                if key := getattr(row, f"{field}_id"):
                    self.lists[table.name, reference, key].append(row)
        self._whole.setdefault(table.name, set()).update(row.pk for row in found)

    def _all(self, table: str) -> Iterable[Any]:
        for (name, *_), found in list(self.lists.items()):
            if name == table:
                yield from found

    # -- terms ------------------------------------------------------------------------------------

    def _load_terms(self) -> None:
        for table, keys in self._whole.items():
            if keys and table not in WITHOUT_ATTRIBUTES:
                self._load_attributes(table, keys)
        wanted = {attribute.taxonomy_term_id for attribute in self._all("attribute")}
        self.terms: dict[int, rows.TaxonomyTerm] = {}
        self._add(
            self.terms,
            rows.TaxonomyTerm,
            Q(pk__in=_present(wanted) | self.asked[Kind.TAXONOMY_TERM]),
        )
        self._load_missing_entries(_present({term.parent_id for term in self.terms.values()}))
        wanted = {term.taxonomy_id for term in self.terms.values()} | self.asked[Kind.TAXONOMY]
        self.taxonomies: dict[int, rows.Taxonomy] = {}
        self._add(self.taxonomies, rows.Taxonomy, Q(pk__in=_present(wanted)))

    def _load_attributes(self, table: str, keys: Collection[int]) -> None:
        for attribute in rows.Attribute.objects.filter(link_entity=table, link__in=keys):
            self.lists["attribute", table, attribute.link].append(attribute)


def _with_entries(found: "QuerySet[AnyRow]") -> "QuerySet[AnyRow]":
    return found.select_related("entry").order_by("entry__hsds_id")


def _present(keys: Iterable[int | None]) -> set[int]:
    return {key for key in keys if key is not None}
