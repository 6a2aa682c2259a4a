"""A made-up directory of Northern Ontario: 60 agencies and 150 services, in English and French.

Towns are real, with rounded coordinates; agencies, numbers, and addresses are invented. In it is
what directories have to get right: a shelter at a confidential place that is named after its
street, a confidential phone, overnight hours, every second Thursday, a holiday closing, a line that
is open around the clock and at no place, a building that three agencies share, an entry in French
alone, a translation that is older than its text, a temporary closing, and a listing that is one of
its services. Other systems read and fill it: three data partners, one of which gets notices, files
on a schedule, and a second supplier with ten duplicates and the shelter with its street.
"""

import tempfile
from pathlib import Path

from django.db import transaction

from directory import linking
from directory import models as rows
from directory.importing.reference import places
from directory.taking_in import take_in
from integrations.models import ServiceListing
from scripts.demo.directory import others
from scripts.demo.directory.content import TOWNS
from scripts.demo.directory.special import Special

LISTING, LINKED = "4417", "Free counselling, walk-in"  # Adult Counselling, and its service


def plant(receiver: str = "", secret: str = "") -> None:
    """Make the directory, unless it has agencies already; a receiver gets notices of changes."""
    if rows.Agency.objects.exists():
        return
    _bring_in_postcodes()
    with transaction.atomic():
        planting = Special()
        planting.plant()
        others.plant_data_partners(planting, receiver, secret)
        others.plant_files()
        _link(planting)
    take_in()
    others.plant_second_supplier(planting)
    take_in()


def _link(planting: Special) -> None:
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
