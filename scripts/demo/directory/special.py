"""What only some agencies have: what directories have to get right."""

from datetime import date

from directory import models as rows
from scripts.demo.directory.content import QUICK_EXIT, SORTS, TOWNS, WEEKDAYS, Offer, both
from scripts.demo.directory.planting import Planting


class Special(Planting):
    def plant(self) -> None:
        super().plant()
        self._shelter()
        self._line()
        self._overnight()
        self._every_second_thursday()
        self._in_french_alone()
        self._temporarily_closed()
        self._shared_building()
        self._holiday()
        self._older_translation()

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
            both(("Willow Street House", "Maison de la rue Willow")),
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
            description=both(("Staff only", "Personnel seulement")),
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
            WEEKDAYS,
            "09:00",
            "16:00",
        )
        service = self._service(
            self._health("Cochrane"),
            offer,
            "closed",
            5,
            status=rows.Service.Status.TEMPORARILY_CLOSED,
            alert=both(("Closed for repairs until spring.", "Fermé jusqu’au printemps.")),
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
