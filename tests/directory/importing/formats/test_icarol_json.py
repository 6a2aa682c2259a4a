"""iCarol's records in JSON: read as rows of its CSV are."""

import json

import pytest

from directory.importing.running import Options, run
from directory.models import Contact, Entry, Location, Phone, Secrecy, Service, ServiceAtLocation
from tests.directory.importing.supplied import counts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]

AGENCY = {
    "id": 100,
    "hsdsID": "7e7b7f34-5b6e-4a5f-9d57-1f0a7f9a0b11",
    "type": "Agency",
    "status": "Active",
    "names": [
        {"value": "Helping Hands", "purpose": "Primary"},
        {"value": "HH", "purpose": "Alternate"},
    ],
    "contactDetails": [
        {"isConfidential": False, "contact": {"type": "Person", "name": "Jo", "title": "Head"}},
        {"isConfidential": False, "contact": {"type": "Website", "url": "https://example.org"}},
    ],
    "customFields": [{"label": "Ours", "value": "x"}],
}
PROGRAM = {
    "id": "200",
    "type": "Program",
    "status": "Active but do not refer",
    "names": [{"value": "Food bank", "purpose": "Primary"}],
    "description": "<p>Food &amp; more</p>",
    "related": [{"id": 100, "type": "Agency", "name": "Helping Hands"}],
    "taxonomy": ["BD-1800"],
    "coverage": ["Milltown", "Hearst"],
    "hours": {"days": [{"dayOfWeek": "Mon", "opens": "09:00", "closes": "17:00"}]},
    "eligibility": "Everybody",
    "contactDetails": [
        {"isConfidential": False, "contact": {"type": "PhoneNumber", "number": f"613-555-010{n}"}}
        for n in range(7)
    ],
    "modified": "2026-10-02T14:00:00Z",
    "cultureCode": "en-CA",
}
SITE = {
    "id": 300,
    "type": "Site",
    "names": [{"value": "Main Street", "purpose": "Primary"}],
    "related": [{"id": 100, "type": "Agency"}],
    "description": "Behind the mill",
    "contactDetails": [
        {
            "isConfidential": True,
            "contact": {"type": "PhysicalLocation", "line1": "1 Main Street", "city": "Milltown"},
        }
    ],
}
JOINED = {
    "id": 400,
    "type": "ServiceSite",
    "names": [{"value": "Food bank", "purpose": "Primary"}],
    "related": [{"id": 200, "type": "Program"}, {"id": 300, "type": "Site"}],
    "contactDetails": [
        {"isConfidential": True, "contact": {"type": "PhoneNumber", "number": "613-555-0199"}}
    ],
}


def bring(tmp_path, records, **options):
    path = tmp_path / "records.json"
    path.write_text(json.dumps(records))
    return run(path, "211", Options(**options))


def test_records_become_the_four_kinds_with_their_numbers(tmp_path):
    report = bring(tmp_path, [AGENCY, PROGRAM, SITE, JOINED])
    assert (report.format, report.exit_code) == ("icarol-json", 0)
    assert set(Entry.objects.exclude(number=None).values_list("number", flat=True)) == {
        *(100, 200, 300, 400),
    }
    service = Service.objects.get()
    assert service.description == {"en": "Food & more"}
    assert service.entry.not_public
    assert service.organization.alternate_name == {"en": "HH"}
    assert service.phones.count() == 7
    assert sorted(one.name["en"] for one in service.service_areas.all()) == ["Hearst", "Milltown"]
    assert service.schedules.get().byday == "MO"
    joined = ServiceAtLocation.objects.get()
    assert (joined.service, joined.location) == (service, Location.objects.get())
    assert Location.objects.get().description == {"en": "Behind the mill"}
    assert Contact.objects.get().name == {"en": "Jo"}
    again = counts(bring(tmp_path, [AGENCY, PROGRAM, SITE, JOINED]))
    assert all(set(found) == {"read", "unchanged"} for found in again.values())


def test_what_is_confidential_is_so_here(tmp_path):
    bring(tmp_path, [AGENCY, PROGRAM, SITE, JOINED])
    assert Location.objects.get().entry.secrecy == Secrecy.YES
    assert Phone.objects.get(number="613-555-0199").secrecy == Secrecy.YES


def test_what_has_no_column_is_kept_and_unknown_keys_are_counted(tmp_path):
    report = bring(tmp_path, [{**AGENCY, "mood": "good"}])
    kept = Entry.objects.get().kept
    assert kept["hsdsID"] == AGENCY["hsdsID"]
    assert "Ours" in kept["customFields"]
    assert report.also_sent == {"mood": 1}


@pytest.mark.parametrize(
    "odd",
    [
        {"contactDetails": {"a": 1}},
        {"contactDetails": [7, {"contact": None}, {"contact": {"type": "Fax"}}]},
        {"taxonomy": [{"name": "no code"}], "coverage": [None, 3]},
        {"hours": "by appointment"},
        {"hours": {"days": [{"dayOfWeek": "Mon"}]}},
    ],
)
def test_odd_values_take_nothing_else_along(tmp_path, odd):
    report = bring(tmp_path, [AGENCY, {**PROGRAM, **odd}])
    assert counts(report)["organization"]["created"] == 1
    assert counts(report)["service"]["created"] == 1


def test_what_is_no_record_is_rejected_and_withdraws_nothing(tmp_path):
    bring(tmp_path, [AGENCY, PROGRAM])
    report = bring(tmp_path, [AGENCY, "PROGRAM"])
    assert report.exit_code == 3
    assert not Entry.objects.exclude(withdrawn_by="").exists()
