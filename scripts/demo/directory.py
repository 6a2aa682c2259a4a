"""A made-up directory of Northern Ontario: 60 agencies and 150 services, in English and French.

Towns are real, with rounded coordinates; agencies, numbers, and addresses are invented. In it is
what directories have to get right: a shelter at a confidential place that is named after its
street, a confidential phone, overnight hours, every second Thursday, a holiday closing, a line that
is open around the clock and at no place, a building that three agencies share, an entry in French
alone, a translation that is older than its text, a temporary closing, and a listing that is one of
its services.
"""

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from core.database import clock
from directory import linking
from directory import models as rows
from directory.importing.reference import places
from directory.models import Kind
from directory.taking_in import take_in
from directory.views import agreements
from integrations.models import ServiceListing

Texts = Mapping[str, str]
QUICK_EXIT = "D-1"  # the code of shelters, in config.yaml
LISTING, LINKED = "4417", "Free counselling, walk-in"  # Adult Counselling, and its service

# Town, postcode, latitude, longitude.
TOWNS: Sequence[tuple[str, str, float, float]] = (
    ("Sudbury", "P3E", 46.49, -81.01),
    ("North Bay", "P1B", 46.31, -79.46),
    ("Timmins", "P4N", 48.48, -81.33),
    ("Sault Ste. Marie", "P6A", 46.52, -84.35),
    ("Hearst", "P0L 1N0", 49.69, -83.67),
    ("Kapuskasing", "P5N", 49.42, -82.43),
    ("Elliot Lake", "P5A", 46.38, -82.65),
    ("Parry Sound", "P2A", 45.35, -80.03),
    ("Sturgeon Falls", "P2B", 46.37, -79.93),
    ("Cochrane", "P0L 1C0", 49.07, -81.02),
    ("Kirkland Lake", "P2N", 48.15, -80.04),
    ("Espanola", "P5E", 46.26, -81.77),
)
TERMS: Mapping[str, tuple[str, str]] = {
    "A-1": ("Food", "Alimentation"),
    "B-1": ("Counselling", "Consultation"),
    "B-2": ("Health", "Santé"),
    "C-1": ("Youth", "Jeunesse"),
    "C-2": ("Seniors", "Aînés"),
    QUICK_EXIT: ("Shelter", "Hébergement"),
    "D-2": ("Housing", "Logement"),
    "E-1": ("Money and taxes", "Argent et impôts"),
}


@dataclass(frozen=True)
class Offer:
    """A sort of service that many agencies have."""

    name: tuple[str, str]
    description: tuple[str, str]
    code: str
    days: str
    opens: str
    closes: str
    ages: tuple[int | None, int | None] = (None, None)
    fee: tuple[str, str] = ("Free", "Gratuit")
    apply: tuple[str, str] = ("Walk in, or call", "Se présenter ou téléphoner")
    languages: tuple[str, ...] = ("en", "fr")


@dataclass(frozen=True)
class Sort:
    """A sort of agency that each town has."""

    name: tuple[str, str]
    street: str
    offers: Sequence[Offer]


_WEEKDAYS = "MO,TU,WE,TH,FR"
SORTS: Sequence[Sort] = (
    Sort(
        ("{} Community Centre", "Centre communautaire {}"),
        "Main Street",
        (
            Offer(
                ("Food bank", "Banque alimentaire"),
                (
                    "A hamper of groceries for three days, once a month.",
                    "Un panier d’épicerie pour trois jours, une fois par mois.",
                ),
                "A-1",
                "TU,TH",
                "10:00",
                "15:00",
            ),
            Offer(
                ("Community supper", "Souper communautaire"),
                ("A hot meal, for everyone.", "Un repas chaud, pour tout le monde."),
                "A-1",
                "WE",
                "17:00",
                "19:00",
            ),
            Offer(
                ("Tax clinic", "Comptoir d’impôts"),
                (
                    "Volunteers file simple income tax returns.",
                    "Des bénévoles préparent des déclarations de revenus simples.",
                ),
                "E-1",
                "FR",
                "09:00",
                "12:00",
                apply=("Book by phone", "Prendre rendez-vous par téléphone"),
            ),
        ),
    ),
    Sort(
        ("{} Family Health Team", "Équipe de santé familiale {}"),
        "Queen Street",
        (
            Offer(
                ("Free counselling, walk-in", "Consultation gratuite, sans rendez-vous"),
                (
                    "Talk with a counsellor the same day. No referral needed.",
                    "Parlez à une conseillère le jour même. Sans aiguillage.",
                ),
                "B-1",
                _WEEKDAYS,
                "09:00",
                "16:30",
                ages=(12, None),
            ),
            Offer(
                ("Nursing clinic", "Clinique de soins infirmiers"),
                ("Vaccines, wound care, and advice.", "Vaccins, soins de plaies et conseils."),
                "B-2",
                _WEEKDAYS,
                "08:30",
                "16:00",
                languages=("en",),
            ),
            Offer(
                ("Addiction support group", "Groupe de soutien en dépendance"),
                (
                    "People meet each week, with a facilitator.",
                    "Des personnes se rencontrent chaque semaine, avec une animatrice.",
                ),
                "B-1",
                "MO",
                "18:00",
                "20:00",
                ages=(16, None),
            ),
        ),
    ),
    Sort(
        ("{} Youth Hub", "Carrefour jeunesse {}"),
        "Park Road",
        (
            Offer(
                ("Youth drop-in", "Halte jeunesse"),
                (
                    "Games, music, and someone to talk to.",
                    "Des jeux, de la musique et quelqu’un à qui parler.",
                ),
                "C-1",
                "MO,TU,WE,TH,FR,SA",
                "15:00",
                "21:00",
                ages=(12, 24),
            ),
            Offer(
                ("Homework help", "Aide aux devoirs"),
                ("Tutors help with any subject.", "Des tuteurs aident dans toutes les matières."),
                "C-1",
                "TU,TH",
                "15:30",
                "17:30",
                ages=(6, 17),
            ),
        ),
    ),
    Sort(
        ("{} Seniors Support", "Soutien aux aînés {}"),
        "Lake Avenue",
        (
            Offer(
                ("Friendly visiting", "Visites amicales"),
                (
                    "A volunteer visits once a week.",
                    "Une bénévole rend visite une fois par semaine.",
                ),
                "C-2",
                _WEEKDAYS,
                "09:00",
                "17:00",
                ages=(60, None),
                apply=("Call for an assessment", "Appeler pour une évaluation"),
            ),
            Offer(
                ("Rides to appointments", "Transport aux rendez-vous"),
                (
                    "Drivers take people to medical appointments.",
                    "Des chauffeurs conduisent les gens à leurs rendez-vous médicaux.",
                ),
                "C-2",
                _WEEKDAYS,
                "08:00",
                "16:00",
                ages=(55, None),
                fee=("$5 a ride in town", "5 $ par trajet en ville"),
            ),
        ),
    ),
    Sort(
        ("{} Housing Help", "Aide au logement {}"),
        "Station Street",
        (
            Offer(
                ("Housing search", "Recherche de logement"),
                (
                    "Help with finding and keeping a home.",
                    "De l’aide pour trouver et garder un logement.",
                ),
                "D-2",
                _WEEKDAYS,
                "09:00",
                "16:00",
                ages=(16, None),
            ),
            Offer(
                ("Rent bank", "Banque d’aide au loyer"),
                (
                    "Loans without interest for people who are behind in rent.",
                    "Des prêts sans intérêt aux personnes en retard de loyer.",
                ),
                "D-2",
                "MO,WE",
                "13:00",
                "16:00",
                apply=("Call first", "Téléphoner d’abord"),
            ),
        ),
    ),
)


def plant() -> None:
    """Make the directory, unless it has agencies already."""
    if rows.Agency.objects.exists():
        return
    _bring_in_postcodes()
    with transaction.atomic():
        planting = _Planting()
        planting.plant()
        planting.plant_data_partners()
        _link(planting)
    take_in()


def _link(planting: "_Planting") -> None:
    """Say which service a listing of the demonstration is. Its name differs, as names do."""
    service = planting.services["Sudbury", LINKED]
    for listing in ServiceListing.objects.filter(caredove_id=LISTING):
        linking.link(listing, service.entry.hsds_id)


def _bring_in_postcodes() -> None:
    lines = ["postcode,latitude,longitude,areas"]
    lines += [f"{code},{latitude},{longitude},{town}" for town, code, latitude, longitude in TOWNS]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "places.csv"
        file.write_text("\n".join(lines), encoding="utf-8")
        places.bring_in(file)


def _both(texts: tuple[str, str]) -> Texts:
    return {"en": texts[0], "fr": texts[1]}


class _Planting:
    """Makes the rows; remembers what the special ones need."""

    def __init__(self) -> None:
        self.today = clock.now().date()
        self.agencies: dict[tuple[str, str], rows.Agency] = {}
        self.locations: dict[tuple[str, str], rows.Location] = {}
        self.services: dict[tuple[str, str], rows.Service] = {}
        taxonomy = rows.Taxonomy.objects.create(
            entry=self._entry(Kind.TAXONOMY, "needs"),
            name=_both(("Needs", "Besoins")),
            short_name="needs",
        )
        self.terms = {
            code: rows.TaxonomyTerm.objects.create(
                entry=self._entry(Kind.TAXONOMY_TERM, code),
                code=code,
                name=_both(names),
                taxonomy=taxonomy,
            )
            for code, names in TERMS.items()
        }

    def plant(self) -> None:
        for number, town in enumerate(TOWNS):
            for place, sort in enumerate(SORTS):
                self._agency(town, sort, number * len(SORTS) + place)
        self._shelter()
        self._line()
        self._overnight()
        self._every_second_thursday()
        self._in_french_alone()
        self._temporarily_closed()
        self._shared_building()
        self._holiday()
        self._older_translation()

    def plant_data_partners(self) -> None:
        """Add three: one sees all fields, one less and one town alone, one ended last month."""
        town = TOWNS[0][0]
        agencies = [agency for (of, _), agency in self.agencies.items() if of == town]
        excluded = ["contact", "service.minimum_age", "service.maximum_age"]
        for partner in (
            rows.DataPartner(name="Northern 211", valid_from=self.today - timedelta(days=200)),
            rows.DataPartner(
                name=f"{town} Library",
                include={"organizations": [str(one.entry.hsds_id) for one in agencies]},
                exclude_fields=excluded,
                rate=60,
            ),
            rows.DataPartner(
                name="Valley Helpline",
                valid_from=self.today - timedelta(days=400),
                valid_until=self.today - timedelta(days=30),
            ),
        ):
            agreements.save(partner)

    # -- what every town has ----------------------------------------------------------------------

    def _agency(self, town: tuple[str, str, float, float], sort: Sort, number: int) -> None:
        name, code, latitude, longitude = town
        of = f"d’{name}" if name[0] in "AEIOUÉ" else f"de {name}"
        names = (sort.name[0].format(name), sort.name[1].format(of))
        key = names[0].replace(" ", "-").replace(".", "").lower()
        agency = rows.Agency.objects.create(
            entry=self._entry(Kind.ORGANIZATION, names[0]),
            name=_both(names),
            description=_both((f"{names[0]} helps people nearby.", f"{names[1]} aide les gens.")),
            email=f"info@{key}.example.org",
            website={"en": f"https://{key}.example.org/"},
        )
        agency.phones.create(number=f"705-555-01{number:02}", type="voice")
        place = number % len(SORTS)
        location = self._location(
            names[0],
            _both(names),
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
            "name": _both(offer.name),
            "description": _both(offer.description),
            "fees_description": _both(offer.fee),
            "application_process": _both(offer.apply),
            "minimum_age": offer.ages[0],
            "maximum_age": offer.ages[1],
            "assured_date": self.today - timedelta(days=10 + 5 * number),
        }
        entry = self._entry(Kind.SERVICE, key)
        service = rows.Service.objects.create(entry=entry, **(fields | more))
        names = {"en": ("English", "Anglais"), "fr": ("French", "Français")}
        for position, code in enumerate(offer.languages):
            service.languages.create(code=code, name=_both(names[code]), position=position)
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
                description=_both(("Step-free entrance", "Entrée de plain-pied"))
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

    # -- what only some have ----------------------------------------------------------------------

    def _shelter(self) -> None:
        """Its place is confidential, and is named after its street."""
        offer = Offer(
            ("Women’s shelter", "Maison d’hébergement pour femmes"),
            (
                "A safe place to stay for women and their children.",
                "Un endroit sûr pour les femmes et leurs enfants.",
            ),
            QUICK_EXIT,
            "MO,TU,WE,TH,FR,SA,SU",
            "00:00",
            "23:59",
            apply=("Call at any hour", "Téléphoner à toute heure"),
        )
        service = self._service(self._housing("Sudbury"), offer, "shelter", 0)
        service.phones.create(number="1-888-555-0177", type="voice")
        house = self._location(
            "shelter",
            _both(("Willow Street House", "Maison de la rue Willow")),
            "901 Willow Street",
            ("Sudbury", "P3E"),
            (46.527, -81.043),
            secrecy="yes",
        )
        self._at(service, house)

    def _line(self) -> None:
        """Is open around the clock, at no place; the number of its staff is confidential."""
        offer = Offer(
            ("Crisis line", "Ligne d’écoute"),
            (
                "A trained person answers at any hour, in English and French.",
                "Une personne formée répond à toute heure, en français et en anglais.",
            ),
            "B-1",
            "MO,TU,WE,TH,FR,SA,SU",
            "00:00",
            "23:59",
            apply=("Call", "Téléphoner"),
        )
        service = self._service(self._health("North Bay"), offer, "line", 1)
        service.phones.create(number="1-888-555-0155", type="voice")
        service.phones.create(
            number="249-555-0199",
            secrecy="yes",
            position=1,
            description=_both(("Staff only", "Personnel seulement")),
        )

    def _overnight(self) -> None:
        offer = Offer(
            ("Warming centre", "Halte-chaleur"),
            (
                "A warm room, soup, and coffee through the night.",
                "Une salle chauffée, de la soupe et du café toute la nuit.",
            ),
            QUICK_EXIT,
            "MO,TU,WE,TH,FR,SA,SU",
            "20:00",
            "08:00",
        )
        service = self._service(self._housing("Timmins"), offer, "overnight", 2)
        self._at(service, self.locations["Timmins", SORTS[4].name[0]])

    def _every_second_thursday(self) -> None:
        offer = Offer(
            ("Grief support group", "Groupe de soutien au deuil"),
            (
                "A small group for people who have lost someone.",
                "Un petit groupe pour les personnes endeuillées.",
            ),
            "B-1",
            "",
            "",
            "",
            apply=("Register by phone", "S’inscrire par téléphone"),
        )
        service = self._service(self._health("Sudbury"), offer, "second thursday", 3)
        service.schedules.create(
            freq="WEEKLY",
            interval=2,
            byday="TH",
            dtstart=date(2026, 1, 8),
            opens_at="18:00",
            closes_at="20:00",
        )
        self._at(service, self.locations["Sudbury", SORTS[1].name[0]])

    def _in_french_alone(self) -> None:
        offer = Offer(
            ("", "Café-rencontre francophone"),
            ("", "Un café, des jeux et des nouvelles, en français."),
            "C-2",
            "TH",
            "13:30",
            "16:00",
            languages=("fr",),
        )
        service = self._service(
            self.agencies["Hearst", SORTS[3].name[0]],
            offer,
            "french",
            4,
            name={"fr": offer.name[1]},
            description={"fr": offer.description[1]},
            fees_description={"fr": "Gratuit"},
            application_process={"fr": "Se présenter"},
        )
        self._at(service, self.locations["Hearst", SORTS[3].name[0]])

    def _temporarily_closed(self) -> None:
        offer = Offer(
            ("Dental clinic", "Clinique dentaire"),
            (
                "Dental care for people without insurance.",
                "Des soins pour les gens sans assurance.",
            ),
            "B-2",
            _WEEKDAYS,
            "09:00",
            "16:00",
        )
        service = self._service(
            self._health("Cochrane"),
            offer,
            "closed",
            5,
            status=rows.Service.Status.TEMPORARILY_CLOSED,
            alert=_both(("Closed for repairs until spring.", "Fermé jusqu’au printemps.")),
        )
        self._at(service, self.locations["Cochrane", SORTS[1].name[0]])

    def _shared_building(self) -> None:
        """Three agencies of North Bay are in one building, which is the first one's."""
        building = self.locations["North Bay", SORTS[0].name[0]]
        for agency, offer in ((SORTS[2], SORTS[2].offers[0]), (SORTS[4], SORTS[4].offers[0])):
            service = self.services["North Bay", offer.name[0]]
            own = self.locations["North Bay", agency.name[0]]
            rows.ServiceAtLocation.objects.filter(service=service, location=own).update(
                location=building
            )

    def _holiday(self) -> None:
        """The next Christmas: community centres are closed for three days."""
        year = self.today.year + (self.today > date(self.today.year, 12, 26))
        for name, *_ in TOWNS:
            for offer in SORTS[0].offers:
                for schedule in self.services[name, offer.name[0]].schedules.all():
                    schedule.closings.create(
                        first_day=date(year, 12, 24), last_day=date(year, 12, 26)
                    )

    def _older_translation(self) -> None:
        service = self.services["Espanola", "Tax clinic"]
        english = "Volunteers file income tax returns, also for past years."
        service.description = {**service.description, "en": english}
        service.stale_texts = ["description:fr"]
        service.save(update_fields=["description", "stale_texts"])

    def _housing(self, town: str) -> rows.Agency:
        return self.agencies[town, SORTS[4].name[0]]

    def _health(self, town: str) -> rows.Agency:
        return self.agencies[town, SORTS[1].name[0]]
