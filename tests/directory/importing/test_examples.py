"""The official examples of HSDS 3.0 and 3.1 are brought in, as CSV and as JSON."""

from pathlib import Path

import pytest

from directory.importing.running import Options, run
from directory.models import (
    Contact,
    Entry,
    Language,
    Phone,
    Schedule,
    Service,
    ServiceCapacity,
    TaxonomyTerm,
)
from tests.directory import make

pytestmark = pytest.mark.django_db

STANDARDS = Path("directory/standards")
SERVICE = "ac148810-d857-441c-9679-408f346de14b"


@pytest.fixture(autouse=True)
def _directory():
    make.directory()


@pytest.fixture(params=["3.0", "3.1"])
def examples(request):
    return STANDARDS / f"hsds-{request.param}" / "examples"


def counts(report):
    return {
        kind: {fate: n for fate, n in counter.items() if n}
        for kind, counter in report.counts.items()
    }


def test_the_tables_are_brought_in(examples):
    report = run(examples / "csv", "Example", Options())
    assert report.format == "hsds-3-tabular"
    assert report.exit_code == 0
    one = {"read": 1, "created": 1}
    assert counts(report) == {
        "organization": one,
        "service": one,
        "location": one,
        "service_at_location": one,
        "taxonomy": one,
        "taxonomy_term": one,
    }
    service = Service.objects.get(entry__hsds_id=SERVICE)
    assert service.name == {"en": "Community Counselling"}
    assert service.minimum_age == 12
    assert service.description["en"].endswith("circumstances. ")
    phone = Phone.objects.get()
    assert phone.number == '"+44 1234 234567"'
    assert phone.extension == "100"
    assert phone.service == service
    assert phone.organization == service.organization
    assert phone.contact == Contact.objects.get()
    assert phone.location is not None
    assert phone.service_at_location is not None
    assert Language.objects.get().phone == phone
    schedule = Schedule.objects.get()
    assert (schedule.byday, schedule.bymonthday, schedule.timezone) == ("TH,FR", "2,3,4", 3)
    assert f"{schedule.opens_at:%H:%M}" == "10:00"
    assert schedule.opens_at_offset is None


def test_references_that_name_nothing_are_problems(examples):
    report = run(examples / "csv", "Example", Options())
    found = {(problem.file, problem.field) for problem in report.problems}
    expected = {
        ("attributes.csv", "attribute"),  # says something of nothing
        ("contacts.csv", "contact.organization_id"),
        ("contacts.csv", "contact.service_at_location_id"),
        ("locations.csv", "location.organization_id"),
        ("locations.csv", "location.latitude"),  # 100, 101
        ("organizations.csv", "organization.parent_organization_id"),
        ("taxonomy_terms.csv", "taxonomy_term.parent_id"),
        ("taxonomy_terms.csv", "taxonomy_term.taxonomy_id"),
    }
    if "3.1" in str(examples):
        expected |= {
            ("service_areas.csv", "service_area.service_at_location_id"),
            ("service_capacity.csv", "service_capacity.service_id"),
            ("service_capacity.csv", "service_capacity.unit_id"),
            ("service_capacity.csv", "service_capacity"),
            ("url.csv", "url"),
        }
    assert found == expected
    assert all(problem.line == 2 for problem in report.problems)
    assert report.also_sent == {"metadata": 1, "meta_table_descriptions": 1}


def test_the_same_tables_again_change_nothing(examples):
    run(examples / "csv", "Example", Options())
    before = list(Entry.objects.order_by("pk").values())
    report = run(examples / "csv", "Example", Options())
    assert all(set(fates) == {"read", "unchanged"} for fates in counts(report).values())
    assert list(Entry.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("name", ["service_full.json", "organization_full.json"])
def test_full_objects_are_brought_in(examples, name):
    report = run(examples / name, "Example", Options())
    assert report.format == "hsds-3-json"
    assert report.exit_code == 0
    created = {kind for kind, fates in counts(report).items() if fates.get("created")}
    assert {"organization", "location", "taxonomy_term", "taxonomy"} <= created
    again = run(examples / name, "Example", Options())
    assert all(set(fates) <= {"read", "unchanged"} for fates in counts(again).values() if fates)


def test_a_full_service_has_all_its_rows():
    run(STANDARDS / "hsds-3.1/examples/service_full.json", "Example", Options())
    service = Service.objects.get()
    assert str(service.entry.hsds_id) == SERVICE
    assert service.program.name == {"en": "Community Mental Health Support"}
    assert service.program.organization == service.organization
    assert service.additional_urls.get().label == {"en": "Website"}
    assert ServiceCapacity.objects.get().unit.name == {"en": "Kilogram"}
    assert Phone.objects.count() == 1
    assert Phone.objects.get().contact == Contact.objects.get()
    assert TaxonomyTerm.objects.get().taxonomy.version == "version"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("location.json", {"location"}),
        ("organization_list.json", {"organization"}),
        ("service_list.json", {"service", "organization"}),
        (
            "service_at_location_full.json",
            {"service_at_location", "service", "location", "organization"},
        ),
        ("service_at_location_list.json", {"service_at_location", "service", "location"}),
        ("taxonomy.json", {"taxonomy"}),
        ("taxonomy_list.json", {"taxonomy"}),
        ("taxonomy_term.json", {"taxonomy_term"}),
        ("taxonomy_term_list.json", {"taxonomy_term"}),
    ],
)
def test_objects_of_any_kind_are_known_by_their_keys(examples, name, kinds):
    report = run(examples / name, "Example", Options())
    assert report.exit_code == 0
    assert kinds <= {kind for kind, fates in counts(report).items() if fates.get("created")}


def test_what_is_no_entry_is_not_taken(examples):
    assert run(examples / "base.json", "Example", Options()).exit_code == 3
    assert not Entry.objects.exists()
