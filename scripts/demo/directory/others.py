"""Other systems: data partners, files on a schedule, and a second supplier."""

import json
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from directory import models as rows
from directory.duplicates.merging import merge
from directory.exporting.scheduled import next_time
from directory.importing.running import Options, run
from directory.views import agreements
from scripts.demo.directory.content import SORTS, TOWNS
from scripts.demo.directory.planting import Planting

SUPPLIER = "County of Sudbury"
DUPLICATES = 10
NIGHTLY = "30 3 * * *"
PARTNERS = ("Northern 211", f"{TOWNS[0][0]} Library", "Valley Helpline")


def plant_data_partners(planting: Planting, receiver: str, secret: str) -> None:
    """Add three: one sees all fields, one less and one town alone, one ended last month."""
    town, today = TOWNS[0][0], planting.today
    agencies = [agency for (of, _), agency in planting.agencies.items() if of == town]
    first = rows.DataPartner(name=PARTNERS[0], valid_from=today - timedelta(days=200))
    if receiver:
        first.notify_url, first.notify_secrets = receiver, secret
    agreements.save(first)
    agreements.save(
        rows.DataPartner(
            name=PARTNERS[1],
            include={"organizations": [str(one.entry.hsds_id) for one in agencies]},
            exclude_fields=["contact", "service.minimum_age", "service.maximum_age"],
            rate=60,
        )
    )
    agreements.save(
        rows.DataPartner(
            name=PARTNERS[2],
            valid_from=today - timedelta(days=400),
            valid_until=today - timedelta(days=30),
        )
    )


def plant_files() -> None:
    """Let three files be written each night: for everyone, and for two data partners."""
    for name, partner, format in (
        ("open data", "", "hsds-3.1-tabular"),
        ("for 211", PARTNERS[0], "airs-3.0"),
        ("for the library", PARTNERS[1], "icarol-csv"),
    ):
        row = rows.ScheduledExport(
            name=name,
            partner=partner,
            format=format,
            language="en",
            schedule=NIGHTLY,
            folder=name.replace(" ", "-"),
        )
        row.due_at = next_time(row, timezone.now())
        row.save()


def plant_second_supplier(planting: Planting) -> None:
    """Import what a county lists: ten agencies that are here, and the shelter with its street.

    The food bank of the first is merged into ours.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "county.ndjson"
        lines = [json.dumps(one, ensure_ascii=False) for one in _listed(planting)]
        file.write_text("\n".join(lines), encoding="utf-8")
        report = run(file, SUPPLIER, Options(language="en", by="demonstration"))
    assert not report.changed_nothing, report.problems
    town = TOWNS[0][0]
    theirs = rows.Service.objects.get(
        entry__supplier__name=SUPPLIER, organization__name__en=f"{town} Community Center"
    )
    merge(planting.services[town, "Food bank"].pk, theirs.pk, {}, None)


def _listed(planting: Planting) -> Iterator[dict[str, Any]]:
    """Yield the county's services: names differ a little, as between directories."""
    offer, street = SORTS[0].offers[0], SORTS[0].street
    for number, (town, code, latitude, longitude) in enumerate(TOWNS[:DUPLICATES]):
        agency = planting.agencies[town, SORTS[0].name[0]]
        house = 20 + number * len(SORTS)
        yield {
            "id": f"county-{number}",
            "name": offer.name[0],
            "description": offer.description[0],
            "status": "active",
            "organization": {
                "id": f"county-agency-{number}",
                "name": f"{town} Community Center",
                "description": "Helps people nearby.",
                "website": agency.website["en"],
                "phones": [{"id": f"county-phone-{number}", "number": agency.phones.get().number}],
            },
            "service_at_locations": [
                _at(f"county-{number}", f"{house} {street}", town, code, latitude, longitude)
            ],
        }
    yield {
        "id": "county-shelter",
        "name": "Shelter for women",
        "description": "A safe place to stay.",
        "status": "active",
        "organization": {
            "id": "county-agency-shelter",
            "name": "County shelters",
            "description": "Shelters of the county.",
        },
        "service_at_locations": [
            _at("county-shelter", "901 Willow St", "Sudbury", "P3E", 46.527, -81.043)
        ],
    }


def _at(
    key: str, street: str, town: str, code: str, latitude: float, longitude: float
) -> dict[str, Any]:
    postcode = code if " " in code else f"{code} 1A1"
    address = {
        "id": f"{key}-address",
        "address_1": street,
        "city": town,
        "state_province": "ON",
        "postal_code": postcode,
        "country": "CA",
        "address_type": "physical",
    }
    location = {
        "id": f"{key}-location",
        "location_type": "physical",
        "name": street,
        "latitude": latitude,
        "longitude": longitude,
        "addresses": [address],
    }
    return {"id": f"{key}-at", "location": location}
