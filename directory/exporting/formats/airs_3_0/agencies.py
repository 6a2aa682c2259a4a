"""Agencies as AIRS has them: with their sites, and the services at these."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db.models import Exists, OuterRef

from directory.exporting.content.carried import Tally, Values
from directory.exporting.content.reading import Described, described, objects, owners_of
from directory.exporting.content.wording import wording
from directory.exporting.formats.airs_3_0 import elements as made
from directory.exporting.formats.airs_3_0.elements import Element, element, parent
from directory.exporting.formats.airs_3_0.having import Agencies, Having, first_own
from directory.exporting.formats.airs_3_0.services import Services
from directory.models import (
    HIDDEN,
    Directory,
    Kind,
    Location,
    Membership,
    Service,
    ServiceAtLocation,
    Taxonomy,
    View,
)

_CHUNK = 200  # entries of a kind in memory
Children = Mapping[int | None, Sequence[int]]  # of agencies, by their parents; None: on top
_OWNER = re.compile(r"[0-9A-Z]{4,8}")


class Writer:
    """Writes agencies into an open file, and counts what has no place there."""

    def __init__(
        self,
        xml: Any,
        view: View,
        directory: Directory,
        language: str,
        taxonomy: Taxonomy | None,
        tally: Tally,
        children: Children,
    ) -> None:
        self._xml = xml
        self._view = view
        self._directory = directory
        self._language = language
        self._tally = tally
        self._wording = wording(directory, language)
        self._services = Services(taxonomy, self._wording)
        self._children = children
        self._agencies = Agencies(view, language, _in_order(children))

    def write_all(self) -> None:
        """Write the agencies on top, and those below them within them; then count the rest."""
        for key in self._children[None]:
            self._write(key)
        self._leave_out_rest()

    # -- one agency -------------------------------------------------------------------------------

    def _write(self, key: int) -> None:
        """Write an agency, and those below it within it."""
        having = self._agencies.having(key)
        (one,) = self._agencies.agencies.take([key])
        values = Values("organization", one.value)
        with self._xml.element("Agency", self._attributes(values, one)):
            for part in self._agency(values, one, having):
                self._xml.write(part)
            values.leave_out_rest(self._tally)
            self._tally.rows["organization"] += 1
            for below in self._children.get(key, ()):
                self._write(below)

    def _agency(self, values: Values, one: Described, having: Having) -> Iterator[Element]:
        key = one.row.pk
        yield element("Key", one.row.entry.number)
        yield element("Name", values.text("name"))
        yield element("AgencyDescription", values.text("description"))
        yield from made.also_known_as(values)
        yield self._agency_location(first_own(key, having), values)
        phones = list(made.phone_elements(values.rows("phones")))
        yield from phones or [made.withheld_phone(self._language)]
        yield from self._urls(values)
        yield from made.emails(values)
        yield from made.people(values.rows("contacts"))
        yield element("IRSStatus", values.text("tax_status"))
        for funding in values.rows("funding"):
            yield from made.fields("Agency", "SourceOfFunds", funding)
        without_place = _Again(self._described)
        yield from self._service_groups(having, without_place)
        yield from self._sites(values, key, having)
        for service in without_place:
            yield self._no_site(values, [service.value])
        if not having.sites and not without_place:
            yield self._no_site(values, [])
        if day := one.row.assured_date:
            yield element("ResourceInfo", DateLastVerified=day)

    def _attributes(self, values: Values, one: Described) -> dict[str, str]:
        found: dict[str, Any] = {}
        if _OWNER.fullmatch(self._directory.record_owner):
            found["RecordOwner"] = self._directory.record_owner
        if tax_id := values.text("tax_id"):
            found["FEIN"] = tax_id
        year = values.get("year_incorporated")
        if year is not None and 0 < year < 10_000:
            values.take("year_incorporated")
            found["YearInc"] = f"{year:04}"
        if legal_status := values.text("legal_status"):
            found["LegalStatus"] = legal_status
        return {name: made.clean(value) for name, value in (found | _excluded(one)).items()}

    def _urls(self, values: Values) -> Iterator[Element]:
        if website := values.text("website"):
            yield made.address_of("URL", website)
        for one in values.rows("additional_websites"):
            yield made.address_of("URL", one.text("url"), one.text("label"))

    def _service_groups(self, having: Having, without_place: "_Again") -> Iterator[Element]:
        """Yield the agency's services; note those that have a code and no place."""
        for one in self._agencies.services.take(having.services):
            values = Values("service", one.value)
            inside = [element("Key", one.row.entry.number), element("Name", values.text("name"))]
            yield parent("ServiceGroup", inside)
            self._tally.rows["service"] += 1
            if not self._services.account(values):
                self._tally.leave_out("service", "taxonomy")
            elif "service_at_locations" not in one.value:
                without_place.note(one)
            values.leave_out_rest(self._tally)

    # -- sites ------------------------------------------------------------------------------------

    def _agency_location(self, own: Sequence[int], agency: Values) -> Element:
        for one in self._agencies.own_locations.take(own):
            return self._site("AgencyLocation", one, agency, [], is_own=True)
        return self._no_site(agency, [], "AgencyLocation")

    def _sites(self, agency: Values, key: int, having: Having) -> Iterator[Element]:
        for one in self._agencies.locations.take(having.sites):
            site = one.row.pk
            is_own = having.sites[site] == key
            inside = self._services_here(self._agencies.joined.take(having.joined[site]))
            yield self._site("Site", one, agency, inside, is_own=is_own, is_counted=is_own)

    def _services_here(self, joined: Iterable[Described]) -> Iterator[Element]:
        for one in joined:
            values = Values("service_at_location", one.value)
            found = self._services.element(one.value["service"], values)
            if found is not None:
                self._tally.rows["service_at_location"] += 1
                yield found
            values.leave_out_rest(self._tally)

    def _site(
        self,
        name: str,
        one: Described,
        agency: Values,
        services: Iterable[Element],
        *,
        is_own: bool,
        is_counted: bool = False,
    ) -> Element:
        """Return a location. Under a second agency it has no key, and is not counted again."""
        values = Values("location", one.value)
        parts = list(self._parts_of_site(values, one, agency, services, is_own=is_own))
        if is_counted:
            self._tally.rows["location"] += 1
            values.leave_out_rest(self._tally)
        return parent(name, parts, **_excluded(one))

    def _parts_of_site(
        self,
        values: Values,
        one: Described,
        agency: Values,
        services: Iterable[Element],
        *,
        is_own: bool,
    ) -> Iterator[Element]:
        if is_own:
            yield element("Key", one.row.entry.number)
        yield element("Name", values.text("name") or agency.get("name"))
        yield element("SiteDescription", values.text("description"))
        yield from made.also_known_as(values)
        is_hidden = one.row.entry.secrecy in HIDDEN
        yield from made.places(values.rows("addresses"), self._language, is_hidden=is_hidden)
        yield from made.phone_elements(values.rows("phones"))
        if url := values.text("url"):
            yield made.address_of("URL", url)
        yield from made.people(values.rows("contacts"))
        yield from made.time_open(values.rows("schedules"), self._wording)
        yield from made.languages(values.rows("languages"))
        access = [one.text("description") for one in values.rows("accessibility")]
        if any(access):
            yield element("DisabilitiesAccess", "; ".join(filter(None, access)))
        yield from made.fields("Site", "BusServiceAccess", values)
        yield from services
        yield from made.coordinates(values)

    def _no_site(
        self, agency: Values, services: Iterable[Mapping[str, Any]], name: str = "Site"
    ) -> Element:
        """Return a site that is no place: of an agency, or of a service, that has none."""
        inside = [
            element("Name", agency.get("name")),
            element("SiteDescription"),
            made.no_address(self._language),
        ]
        for service in services:
            found = self._services.element(service)
            inside += [found] if found is not None else []
        return parent(name, inside)

    # -- the rest ---------------------------------------------------------------------------------

    def _leave_out_rest(self) -> None:
        """Count what belongs to no agency, and what the file has no element for."""
        seen = self._seen()
        # Not `exclude(… in …)`: where the view has many entries, PostgreSQL reads all for each.
        without = ~Exists(self._members().filter(entry=OuterRef("organization")))
        alone = Service.objects.filter(without, pk__in=seen)
        at = ServiceAtLocation.objects.filter(pk__in=seen, service__in=alone)
        places = Location.objects.filter(pk__in=seen).values_list("pk", flat=True).iterator()
        while some := list(islice(places, _CHUNK)):
            owners = owners_of(self._view, some)
            self._leave_out(Kind.LOCATION, [key for key in some if key not in owners])
        self._leave_out(Kind.SERVICE, list(alone.values_list("pk", flat=True)))
        self._leave_out(Kind.SERVICE_AT_LOCATION, list(at.values_list("pk", flat=True)))
        for kind in (Kind.TAXONOMY, Kind.TAXONOMY_TERM):
            for value in objects(self._view, kind, self._language):
                values = Values(kind.value, value)
                if value["id"] in self._services.terms:
                    values.take_all(("code", "taxonomy_id"))
                values.leave_out_rest(self._tally)

    def _leave_out(self, kind: Kind, keys: Sequence[int]) -> None:
        for one in self._described(kind, keys):
            Values(kind.value, one.value).leave_out_rest(self._tally)

    def _described(self, kind: Kind, keys: Sequence[int]) -> Iterator[Described]:
        return described(self._view, kind.value, self._language, keys)

    def _seen(self) -> Any:
        return self._members().values("entry")

    def _members(self) -> Any:
        return Membership.objects.filter(view=self._view, present=True)


class _Again:
    """Services of an agency that are needed once more: few are kept, and many are read again."""

    def __init__(self, read: Callable[[Kind, Sequence[int]], Iterable[Described]]) -> None:
        self._read = read
        self._kept: list[Described] = []
        self._keys: list[int] = []

    def note(self, one: Described) -> None:
        if len(self._kept) < _CHUNK:
            self._kept.append(one)
        else:
            self._keys.append(one.row.pk)

    def __bool__(self) -> bool:
        return bool(self._kept)

    def __iter__(self) -> Iterator[Described]:
        yield from self._kept
        yield from self._read(Kind.SERVICE, self._keys)


def _in_order(children: Children, above: int | None = None) -> Iterator[int]:
    """Yield the agencies in the order in which they are written: each before those below it."""
    for key in children.get(above, ()):
        yield key
        yield from _in_order(children, key)


def _excluded(one: Described) -> dict[str, Any]:
    if not one.row.entry.not_public:
        return {}
    return {"ExcludeFromWebsite": "true", "ExcludeFromDirectory": "true"}
