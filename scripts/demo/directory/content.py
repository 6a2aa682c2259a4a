"""What the made-up directory is made of: towns, terms, and what each town has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Texts = Mapping[str, str]
QUICK_EXIT = "D-1"  # the code of shelters, in config.yaml

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


WEEKDAYS = "MO,TU,WE,TH,FR"
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
                WEEKDAYS,
                "09:00",
                "16:30",
                ages=(12, None),
            ),
            Offer(
                ("Nursing clinic", "Clinique de soins infirmiers"),
                ("Vaccines, wound care, and advice.", "Vaccins, soins de plaies et conseils."),
                "B-2",
                WEEKDAYS,
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
                WEEKDAYS,
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
                WEEKDAYS,
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
                WEEKDAYS,
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


def both(texts: tuple[str, str]) -> Texts:
    """Return a text in English and French."""
    return {"en": texts[0], "fr": texts[1]}
