"""iCarol's CSV: its headings, one row for each entry, what has no place, and back again."""

import csv
from datetime import date, time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from directory.formats.icarol import HEADINGS
from directory.importing.running import Options, run
from directory.models import (
    Closing,
    Directory,
    Entry,
    Location,
    Schedule,
    Secrecy,
    Service,
    ServiceAtLocation,
)
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.exporting.test_files import empty, exported, filled
from tests.directory.importing.supplied import bring

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]

NAME = "icarol-csv"


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def row(tmp_path, level):
    (found,) = [
        one for one in rows(exported(tmp_path, NAME).path) if one["TaxonomyLevelName"] == level
    ]
    return found


def place():
    """A service at a place, both of one agency."""
    service = make.service()
    location = make.location(organization=service.organization, latitude=45.4215, longitude=-75.7)
    return make.at(service, location)


def test_a_file_has_the_headings_and_each_level_after_its_parents(tmp_path):
    place()
    written = exported(tmp_path, NAME)
    raw = written.path.read_bytes()
    assert raw.startswith(",".join(HEADINGS).encode() + b"\r\n")
    levels = [one["TaxonomyLevelName"] for one in rows(written.path)]
    assert levels == ["Agency", "Program", "Site", "ProgramAtSite"]
    assert written.rows == {
        "organization": 1,
        "service": 1,
        "location": 1,
        "service_at_location": 1,
    }


def test_rows_name_each_other_by_number(tmp_path):
    at = place()
    take_in()
    number = {entry.kind: str(entry.number) for entry in Entry.objects.filter(number__isnull=False)}
    agency, program, site, joined = rows(exported(tmp_path, NAME).path)
    assert agency["ParentAgencyNum"] == agency["ResourceAgencyNum"] == number["organization"]
    assert program["ParentAgencyNum"] == site["ParentAgencyNum"] == number["organization"]
    assert joined["ConnectsToProgramNum"] == number["service"]
    assert joined["ConnectsToSiteNum"] == number["location"]
    assert joined["IsLinkOnly"] == "TRUE"
    assert (site["Latitude"], site["Longitude"]) == ("45.4215", "-75.7")
    assert joined["SiteAgencyNamePublic"] == at.location.name["en"]


@pytest.mark.parametrize(
    ("status", "fields", "shown", "lost"),
    [
        ("active", {}, "Active", 0),
        ("temporarily closed", {}, "Active but do not refer", 1),
    ],
)
def test_status(tmp_path, status, fields, shown, lost):
    make.service(status=status, **fields)
    assert row(tmp_path, "Program")["AgencyStatus"] == shown
    assert exported(tmp_path, NAME).not_carried["service.status"] == lost


def test_weekly_hours_stand_in_hours_and_everything_else_in_words(tmp_path):
    service = make.service()
    hours = {"opens_at": time(9), "closes_at": time(17)}
    usual = Schedule.objects.create(service=service, freq="WEEKLY", byday="MO,TU", **hours)
    Schedule.objects.create(service=service, freq="MONTHLY", byday="2WE", **hours)
    day = date(2026, 12, 25)
    Closing.objects.create(schedule=usual, first_day=day, last_day=day)
    found = row(tmp_path, "Program")
    assert found["Hours"] == "Mon 09:00 - 17:00; Tue 09:00 - 17:00; "
    assert found["HoursOfOperation"].startswith("Closed 2026-12-25. Second Wednesday")


def test_phones_have_their_headings_and_a_sixth_is_counted(tmp_path):
    service = make.service()
    make.phone("613-555-0101", service=service, type="fax", position=0)
    make.phone("1-800-555-0102", service=service, type="voice", position=1)
    for number in range(3, 9):
        make.phone(f"613-555-010{number}", service=service, extension="7", position=number)
    written = exported(tmp_path, NAME)
    found = row(tmp_path, "Program")
    assert found["PhoneFax"] == "613-555-0101"
    assert found["PhoneTollFree"] == "1-800-555-0102"
    assert [found[f"Phone{n}Number"] for n in (1, 5)] == [
        "613-555-0103 ext. 7",
        "613-555-0107 ext. 7",
    ]
    assert written.not_carried["phone.number"] == 1


def test_a_confidential_place_is_only_private(tmp_path):
    at = place()
    make.address(at.location)
    Entry.objects.filter(pk=at.location.pk).update(secrecy=Secrecy.YES, marks=99, supplier_key="77")
    Entry.objects.update(marks=99)
    found = row(tmp_path, "Site")
    assert found["PhysicalAddressIsPrivate"] == "Yes"
    shown = ("UniqueIDPriorSystem", "PhysicalAddress1", "Latitude", "LastVerifiedOn")
    assert not any(found[heading] for heading in shown)
    assert "King Street" not in "".join(found.values())


def test_a_site_without_an_owner_or_a_name_has_those_of_its_service(tmp_path):
    make.at(make.service(), make.location(name={}))
    found = row(tmp_path, "Site")
    assert found["ParentAgency"] == "Helping Hands"
    assert found["ParentAgencyNum"]


def test_codes_are_those_of_the_taxonomy_of_airs(tmp_path):
    Directory.objects.update(airs_taxonomy="Needs")
    service = make.service()
    airs = make.taxonomy(short_name="Needs")
    for code, name in (("BD-1800", "Food"), ("BH-1800", "Shelter; beds")):
        make.attribute(service, make.term(name, code=code, taxonomy=airs))
    make.attribute(service, make.term("Other", code="X", taxonomy=make.taxonomy("Ours")))
    found = row(tmp_path, "Program")
    assert sorted(found["TaxonomyCodes"].split("; ")) == ["BD-1800", "BH-1800"]
    assert sorted(found["TaxonomyTerm"].split("; ")) == ["", "Food", "Shelter, beds"]
    assert exported(tmp_path, NAME).not_carried["attribute.taxonomy_term_id"] == 1


def test_what_has_no_column_is_counted(tmp_path):
    bring(tmp_path, filled())
    lost = exported(tmp_path, NAME).not_carried
    assert lost["service.minimum_age"] == lost["cost_option.amount"] == lost["url.url"] == 1
    assert lost["service.program_id"] == lost["program.name"] == 1
    assert lost["organization_identifier.identifier"] == 1
    assert lost["service.name"] == lost["service.last_modified"] == 0


def test_an_empty_portal_has_the_same_services_and_numbers_afterward(tmp_path):
    bring(tmp_path, filled())
    take_in()
    numbers = dict(Entry.objects.exclude(number=None).values_list("number", "kind"))
    names = sorted(one["en"] for one in Service.objects.values_list("name", flat=True))
    first = exported(tmp_path, NAME).path.rename(tmp_path / "first.csv")
    before = rows(first)
    empty()
    report = run(first, "Again", Options())
    assert (report.format, report.exit_code) == (NAME, 0)
    take_in()
    assert dict(Entry.objects.exclude(number=None).values_list("number", "kind")) == numbers
    assert sorted(one["en"] for one in Service.objects.values_list("name", flat=True)) == names
    assert ServiceAtLocation.objects.count() == 2
    after = {one["ResourceAgencyNum"]: one for one in rows(exported(tmp_path, NAME).path)}
    for one in before:
        now = after[one["ResourceAgencyNum"]]
        same = HEADINGS_THAT_STAY - {"UpdatedOn", "UniqueIDPriorSystem"}
        assert {name: now[name] for name in same} == {name: one[name] for name in same}
    again = run(first, "Again", Options())
    assert not any(counts["updated"] + counts["created"] for counts in again.counts.values())


HEADINGS_THAT_STAY = set(HEADINGS)


def test_hours_and_closings_come_back(tmp_path):
    service = make.service()
    hours = {"opens_at": time(9), "closes_at": time(17)}
    usual = Schedule.objects.create(service=service, freq="WEEKLY", byday="MO,TU", **hours)
    day = date(2026, 12, 25)
    Closing.objects.create(schedule=usual, first_day=day, last_day=day)
    first = exported(tmp_path, NAME).path.rename(tmp_path / "first.csv")
    empty()
    run(first, "Again", Options())
    schedule = Schedule.objects.get()
    assert (schedule.byday, schedule.opens_at) == ("MO,TU", time(9))
    assert schedule.closings.get().first_day == day


def test_a_site_keeps_its_owner(tmp_path):
    place()
    first = exported(tmp_path, NAME).path.rename(tmp_path / "first.csv")
    empty()
    run(first, "Again", Options())
    assert Location.objects.get().organization == Service.objects.get().organization


def test_more_sites_take_no_more_statements(tmp_path):
    def statements():
        take_in()
        with CaptureQueriesContext(connection) as asked:
            exported(tmp_path, NAME)
        return len(asked)

    place()
    few = statements()
    for _ in range(5):
        place()

    assert statements() == few
