"""A directory of chance, the same for each seed: services of all sorts, in two languages."""

import random
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from directory import changes
from directory import models as rows
from tests.directory import make

TODAY = datetime.now(ZoneInfo("America/Toronto")).date()
NAMES = [
    ("Food bank", "Banque alimentaire"),
    ("Emergency shelter", "Hébergement d'urgence"),
    ("Legal clinic", "Clinique juridique"),
    ("Youth centre", "Centre jeunesse"),
    ("Senior's day program", "Programme de jour pour aînés"),
    ("Cœur de la ville", "Cœur de la ville"),
]
CITIES = [("Ottawa", "Ottawa"), ("Montréal", "Montréal"), ("Kingston", "Kingston")]
PLACES = [(45.42, -75.69), (45.5, -73.57), (44.23, -76.48)]
POSTCODES = ["K1A 0B1", "H2X 1Y4", "K7L 3N6"]
AREAS = ["Ottawa", "Montréal", "Kingston", "Everywhere else"]
TRIANGLE = (
    '{"type": "Polygon", "coordinates": [[[-77, 44], [-75, 44], [-75, 46], [-77, 46], [-77, 44]]]}'
)


class World:
    """Makes itself in the database; `random` decides everything."""

    def __init__(self, seed: int, size: int = 25) -> None:
        self.random = random.Random(seed)
        self._make_places()
        self.taxonomies = [make.taxonomy(name) for name in ("Needs", "People")]
        self.terms = self._make_terms()
        self.agencies = [
            make.agency(self._name(), alternate_name=self._maybe_name()) for _ in "abcde"
        ]
        self.programs = [
            agency.programs.create(name=self._name()) for agency in self.agencies for _ in "a"
        ]
        self.locations = [self._make_location() for _ in range(8)]
        for agency in self.agencies:
            self._make_attributes(agency)
        for _ in range(size):
            self._make_service()

    def change_some(self) -> None:
        """Change some services, so that not all were last changed at the same time."""
        services = list(rows.Service.objects.order_by("pk"))[::3]
        for service in services:
            service.wait_time = {"en": "A week."}
            service.save()
        changes.changed([service.pk for service in services])

    def _make_places(self) -> None:
        for code, (latitude, longitude), area in zip(POSTCODES, PLACES, AREAS, strict=False):
            rows.Place.objects.create(
                postcode=code.replace(" ", ""), latitude=latitude, longitude=longitude, areas=[area]
            )

    def _make_terms(self) -> list[rows.TaxonomyTerm]:
        terms: list[rows.TaxonomyTerm] = []
        for number in range(12):
            parent = self.random.choice([None, *terms])
            taxonomy = parent.taxonomy if parent else self.random.choice(self.taxonomies)
            code = f"T{number % 9}"  # a code may be in both taxonomies
            synonyms = {"fr": [self.random.choice(NAMES)[1]]} if self.random.random() < 0.4 else {}
            terms.append(
                make.term(
                    self._name(), code=code, taxonomy=taxonomy, parent=parent, synonyms=synonyms
                )
            )
        return terms

    def _name(self) -> dict[str, str]:
        english, french = self.random.choice(NAMES)
        number = self.random.randint(1, 9)
        texts = {"en": f"{english} {number}", "fr": f"{french} {number}"}
        if self.random.random() < 0.3:
            del texts[self.random.choice(["en", "fr"])]
        return texts

    def _maybe_name(self) -> dict[str, str]:
        return self._name() if self.random.random() < 0.3 else {}

    def _make_location(self) -> rows.Location:
        at = self.random.randrange(3)
        latitude, longitude = PLACES[at]
        fields: dict[str, Any] = {"organization": self.random.choice([None, *self.agencies])}
        if self.random.random() < 0.8:
            fields["latitude"] = latitude + self.random.uniform(-0.05, 0.05)
            fields["longitude"] = longitude + self.random.uniform(-0.05, 0.05)
        fields["secrecy"] = self.random.choice(["", "", "", "yes"])
        fields["not_public"] = self.random.random() < 0.1
        location = make.location(self._name(), **fields)
        english, french = CITIES[at]
        number = self.random.randint(100, 10_000)
        make.address(
            location,
            address_1={"en": f"{number} Street"},
            city={"en": english, "fr": french},
            postal_code=POSTCODES[at],
        )
        if self.random.random() < 0.5:
            self._make_schedules(location=location)
        return location

    def _make_service(self) -> None:
        chance = self.random
        age = chance.choice([(None, None), (18, None), (None, 17), (12.5, 65)])
        agency = chance.choice(self.agencies)
        service = make.service(
            self._name(),
            organization=agency,
            alternate_name=self._maybe_name(),
            description=chance.choice([{}, {"en": "For everyone in the city."}]),
            program=chance.choice([None, *agency.programs.all()]),
            status=chance.choice(["active", "active", "active", "temporarily closed", "inactive"]),
            minimum_age=age[0],
            maximum_age=age[1],
            secrecy=chance.choice(["", "", "", "", "", "yes"]),
            not_public=chance.random() < 0.1,
        )
        for code in chance.sample(["en", "fr", "ar", "cr"], chance.randint(0, 2)):
            service.languages.create(code=code, name={"en": code})
        self._make_attributes(service)
        self._make_areas(service=service)
        if chance.random() < 0.6:
            self._make_schedules(service=service)
        if chance.random() < 0.2:
            self._make_closing(service=service)
        for location in chance.sample(self.locations, chance.randint(0, 2)):
            at = make.at(service, location, secrecy=chance.choice(["", "", "", "yes"]))
            self._make_attributes(at)
            if chance.random() < 0.6:
                self._make_schedules(service_at_location=at)
            if chance.random() < 0.3:
                self._make_areas(service_at_location=at)

    def _make_attributes(self, row: Any) -> None:
        for term in self.random.sample(self.terms, self.random.randint(0, 2)):
            make.attribute(row, term)

    def _make_areas(self, **parent: Any) -> None:
        for _ in range(self.random.choice([0, 0, 1, 2])):
            area = rows.ServiceArea(**parent)
            if self.random.random() < 0.7:
                area.name = {"en": self.random.choice(AREAS)}
            else:
                area.extent, area.extent_type = TRIANGLE, "geojson"
            area.save()

    def _make_schedules(self, **parent: Any) -> None:
        for _ in range(self.random.randint(1, 3)):
            schedule = rows.Schedule.objects.create(**parent, **self._rule(), **self._times())
            if self.random.random() < 0.2:
                self._make_closing(schedule=schedule)

    def _make_closing(self, **parent: Any) -> None:
        first = TODAY + timedelta(days=self.random.randint(-2, 10))
        last = first + timedelta(days=self.random.randint(0, 3))
        rows.Closing.objects.create(first_day=first, last_day=last, **parent)

    def _rule(self) -> dict[str, Any]:
        day = TODAY + timedelta(days=self.random.randint(-40, 5))
        days = ",".join(self.random.sample(["MO", "TU", "WE", "TH", "FR", "SA", "SU"], 4))
        return self.random.choice(
            [
                {"freq": "WEEKLY", "byday": days},
                {"freq": "WEEKLY", "byday": days},
                {"freq": "WEEKLY", "byday": days, "interval": 2, "dtstart": day},
                {"freq": "WEEKLY", "byday": days, "interval": 2},  # cannot be computed
                {"freq": "MONTHLY", "byday": "1MO,2TU,3WE,-1FR"},
                {"freq": "MONTHLY", "bymonthday": "1,8,15,22,-1"},
                {"freq": "WEEKLY", "byday": days, "valid_to": day + timedelta(days=20)},
                {"freq": "WEEKLY", "byday": days, "dtstart": day, "count": 9},
                {"freq": "WEEKLY", "byday": days, "until": day},
                {},
            ]
        )

    def _times(self) -> dict[str, Any]:
        opens, closes = self.random.choice(
            [
                ("09:00", "17:00"),
                ("20:00", "06:00"),
                ("00:00", "23:59"),
                ("12:00", "12:00"),
                ("13:00", "21:00"),
                (None, None),
            ]
        )
        offset = self.random.choice([None, None, -300, -240, 0])
        return {
            "opens_at": opens,
            "closes_at": closes,
            "opens_at_offset": offset,
            "closes_at_offset": offset,
        }
