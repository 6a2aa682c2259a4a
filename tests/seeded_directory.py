"""A small directory in a planted portal, with something on each of its pages.

`python -m tests.seeded_directory DIRECTORY` adds it to the portal that `tests.seeds` made there,
and writes `directory.json`: the session of an editor, and the path of a verification form.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests import seeds

EDITOR = "directory editor"
CONFIG = """
directory: {name: Répertoire, languages: [en, fr], time_zone: America/Toronto, public: "true"}
"""
LINES = [
    {
        "id": "s1",
        "name": "Food bank",
        "description": "Groceries for three days.",
        "status": "active",
        "assured_date": "2026-11-02",
        "organization": {"id": "o1", "name": "Helping Hands", "description": "An agency."},
        "phones": [{"id": "p1", "number": "705-555-0142"}],
        "languages": [{"id": "g1", "code": "ar", "name": "Arabic"}],
        "schedules": [
            {
                "id": "h1",
                "freq": "WEEKLY",
                "byday": "MO,TU",
                "opens_at": "09:00",
                "closes_at": "16:00",
            }
        ],
        "service_at_locations": [
            {
                "id": "a1",
                "location": {
                    "id": "l1",
                    "location_type": "physical",
                    "name": "Main Street Hall",
                    "latitude": 46.49,
                    "longitude": -81.01,
                    "addresses": [
                        {
                            "id": "d1",
                            "address_1": "12 Main Street",
                            "city": "Sudbury",
                            "state_province": "ON",
                            "postal_code": "P3E 1A1",
                            "country": "CA",
                            "address_type": "physical",
                        }
                    ],
                },
            }
        ],
    }
]
# An agency of two suppliers, and one that is merged already.
OTHERS = [
    {
        "id": "s2",
        "name": "Food bank of the valley, for families and people who live alone",
        "description": "Groceries.",
        "status": "active",
        "organization": {"id": "o2", "name": "Helping Hands", "description": "An agency, too."},
        "phones": [{"id": "p2", "number": "705-555-0142"}],
    },
    {
        "id": "s3",
        "name": "Legal clinic",
        "description": "Advice.",
        "status": "active",
        "organization": {"id": "o3", "name": "Clinic", "description": "Lawyers."},
    },
]


def plant(files: Path) -> str:
    """Fill the directory of this process's portal; return the token of a verification form."""
    from django.utils import timezone

    from directory.models import Correction, Pull, ScheduledExport, Service, Supplier
    from integrations import configuration

    configuration.apply(CONFIG.encode())
    _bring(files, "county", LINES)
    _bring(files, "valley", OTHERS)
    now = timezone.now()
    food = Service.objects.get(name__en="Food bank")
    for field, text in (("description", "Groceries for a week."), ("", "They have moved.")):
        Correction.objects.create(entry=food.entry, field=field, language="en", text=text, at=now)
    Pull.objects.create(
        supplier=Supplier.objects.get(name="valley"),
        url="https://valley.example/hsds",
        due_at=now + timedelta(days=1),
        ended_at=now,
        outcome=Pull.Outcome.WAITS,
    )
    ScheduledExport.objects.create(
        name="Nightly",
        format="hsds-3.1-tabular",
        language="en",
        schedule="0 2 * * *",
        folder="nightly",
        due_at=now + timedelta(days=1),
    )
    _edit(food)
    _agree()
    return _ask_to_verify(food.organization, now)


def _bring(files: Path, supplier: str, lines: list[dict[str, Any]]) -> None:
    from directory.importing.running import Options, run

    file = files / f"{supplier}.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)))
    report = run(file, supplier, Options())
    assert not report.problems, report.problems


def _edit(food: Any) -> None:
    """Let the editor change a text, merge two agencies, hide a phone, and ask for a file."""
    from directory.duplicates import merging
    from directory.editing import recording
    from directory.exporting import requested
    from directory.models import Agency, Entry

    editor = _editor()
    with recording.edit([food.pk], editor, "edited"):
        food.refresh_from_db()
        food.description = {"en": "Groceries for three days, once a month."}
        food.save()
    clinic = Agency.objects.get(name__en="Clinic")
    copy = Agency.objects.create(
        entry=Entry.objects.create(kind="organization"), name={"en": "The Clinic"}, description={}
    )
    merging.merge(clinic.pk, copy.pk, {}, editor)
    for format in ("hsds-3.1-tabular", "airs-3.0"):
        made = requested.ask(format, "en", editor.username)
        if format == "hsds-3.1-tabular":
            requested.make(made.pk)


def _editor() -> Any:
    from django.contrib.auth.models import Group, User

    from access.roles import DIRECTORY_EDITOR

    editor = User.objects.create_user("editor", "editor@dovetail.example", is_staff=True)
    editor.groups.add(Group.objects.get(name=DIRECTORY_EDITOR))
    return editor


def _agree() -> None:
    from core.database import clock
    from directory.data_partners import tokens
    from directory.models import DataPartner
    from directory.views import agreements

    partner = DataPartner(
        name="Valley Health",
        valid_until=clock.now().date() + timedelta(days=14),
        include={"statuses": ["active", "temporarily closed"], "not_public": True},
        exclude_fields=["contact", "service.fees"],
    )
    agreements.save(partner)
    tokens.make(partner)


def _ask_to_verify(agency: Any, now: Any) -> str:
    from directory.models import VerificationRequest
    from directory.verifying.answers import hashed

    token = "a-link-that-is-answered-once"
    VerificationRequest.objects.create(
        agency=agency, token_hash=hashed(token), sent_at=now, expires_at=now + timedelta(days=30)
    )
    return token


def main(directory: Path) -> None:
    os.environ.update(seeds.environment(directory), DJANGO_SETTINGS_MODULE="config.settings")
    import django

    django.setup()
    token = plant(directory)
    known = {"editor": seeds.session("editor"), "verify": f"/directory/verify/{token}"}
    (directory / "directory.json").write_text(json.dumps(known))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
