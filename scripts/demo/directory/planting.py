"""Makes the rows that every town has, and remembers them for what only some have."""

import uuid
from datetime import timedelta
from typing import Any

from core.database import clock
from directory import models as rows
from directory.models import Kind
from scripts.demo.directory.content import SORTS, TERMS, TOWNS, Offer, Sort, Texts, both


class Planting:
    """Makes the rows; remembers what the special ones need."""

    def __init__(self) -> None:
        self.today = clock.now().date()
        self.agencies: dict[tuple[str, str], rows.Agency] = {}
        self.locations: dict[tuple[str, str], rows.Location] = {}
        self.services: dict[tuple[str, str], rows.Service] = {}
        taxonomy = rows.Taxonomy.objects.create(
            entry=self._entry(Kind.TAXONOMY, "needs"),
            name=both(("Needs", "Besoins")),
            short_name="needs",
        )
        self.terms = {
            code: rows.TaxonomyTerm.objects.create(
                entry=self._entry(Kind.TAXONOMY_TERM, code),
                code=code,
                name=both(names),
                taxonomy=taxonomy,
            )
            for code, names in TERMS.items()
        }

    def plant(self) -> None:
        """Make what every town has."""
        for number, town in enumerate(TOWNS):
            for place, sort in enumerate(SORTS):
                self._agency(town, sort, number * len(SORTS) + place)

    def _agency(self, town: tuple[str, str, float, float], sort: Sort, number: int) -> None:
        name, code, latitude, longitude = town
        of = f"d’{name}" if name[0] in "AEIOUÉ" else f"de {name}"
        names = (sort.name[0].format(name), sort.name[1].format(of))
        key = names[0].replace(" ", "-").replace(".", "").lower()
        agency = rows.Agency.objects.create(
            entry=self._entry(Kind.ORGANIZATION, names[0]),
            name=both(names),
            description=both((f"{names[0]} helps people nearby.", f"{names[1]} aide les gens.")),
            email=f"info@{key}.example.org",
            website={"en": f"https://{key}.example.org/"},
        )
        agency.phones.create(number=f"705-555-01{number:02}", type="voice")
        place = number % len(SORTS)
        location = self._location(
            names[0],
            both(names),
            f"{20 + number} {sort.street}",
            (name, code),
            (round(latitude + (place - 2) / 100, 3), round(longitude + (number % 7) / 100, 3)),
            organization=agency,
        )
        self.agencies[name, sort.name[0]] = agency
        self.locations[name, sort.name[0]] = location
        for offer in sort.offers:
            service = self._service(agency, offer, f"{name}: {offer.name[0]}", number)
            self.services[name, offer.name[0]] = service
            self._at(service, location)

    def _service(
        self, agency: rows.Agency, offer: Offer, key: str, number: int, **more: Any
    ) -> rows.Service:
        fields: dict[str, Any] = {
            "organization": agency,
            "name": both(offer.name),
            "description": both(offer.description),
            "fees_description": both(offer.fee),
            "application_process": both(offer.apply),
            "minimum_age": offer.ages[0],
            "maximum_age": offer.ages[1],
            "assured_date": self.today - timedelta(days=10 + 5 * number),
        }
        entry = self._entry(Kind.SERVICE, key)
        service = rows.Service.objects.create(entry=entry, **(fields | more))
        names = {"en": ("English", "Anglais"), "fr": ("French", "Français")}
        for position, code in enumerate(offer.languages):
            service.languages.create(code=code, name=both(names[code]), position=position)
        if offer.days:
            service.schedules.create(
                freq="WEEKLY", byday=offer.days, opens_at=offer.opens, closes_at=offer.closes
            )
        rows.Attribute.objects.create(
            link_entity="service", link=service.pk, taxonomy_term=self.terms[offer.code]
        )
        return service

    def _location(
        self,
        key: str,
        name: Texts,
        street: str,
        town: tuple[str, str],
        point: tuple[float, float],
        **more: Any,
    ) -> rows.Location:
        secrecy = more.pop("secrecy", "")
        location = rows.Location.objects.create(
            entry=self._entry(Kind.LOCATION, key, secrecy=secrecy),
            name=name,
            latitude=point[0],
            longitude=point[1],
            **more,
        )
        code = town[1] if " " in town[1] else f"{town[1]} 1A1"
        location.addresses.create(
            address_1={"en": street},
            city={"en": town[0]},
            state_province={"en": "ON"},
            postal_code=code,
            country="CA",
        )
        if not secrecy:
            location.accessibility.create(
                description=both(("Step-free entrance", "Entrée de plain-pied"))
            )
        return location

    def _at(self, service: rows.Service, location: rows.Location) -> rows.ServiceAtLocation:
        key = f"{service.entry.hsds_id} at {location.entry.hsds_id}"
        entry = self._entry(Kind.SERVICE_AT_LOCATION, key)
        return rows.ServiceAtLocation.objects.create(
            entry=entry, service=service, location=location
        )

    def _entry(self, kind: Kind, key: str, **more: Any) -> rows.Entry:
        """Return a new entry. Its id is the same in each demonstration."""
        hsds_id = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:dovetail:demo:{kind.value}:{key}")
        return rows.Entry.objects.create(kind=kind, hsds_id=hsds_id, **more)
