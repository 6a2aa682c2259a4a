"""HSDS 1.1: its tables as the standard has them, what has no place, and back again."""

import json
import zipfile
from datetime import date, time

import pytest

from directory.exporting.formats.hsds_1_1 import datapackage
from directory.importing.running import Options, run
from directory.models import Closing, Schedule, Service, TaxonomyTerm
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.exporting.packages import check_package
from tests.directory.exporting.test_files import empty, exported, filled, tables
from tests.directory.importing.supplied import bring

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]

NAME = "hsds-1.1"


def schedule(service, **columns):
    hours = {"freq": "WEEKLY", "byday": "MO,TU", "opens_at": time(9), "closes_at": time(17)}
    return Schedule.objects.create(service=service, **hours | columns)


def test_a_file_has_the_tables_of_the_standard_and_is_true_to_its_description(tmp_path):
    bring(tmp_path, filled())
    written = exported(tmp_path, NAME)
    with zipfile.ZipFile(written.path) as packed:
        assert set(packed.namelist()) == {"datapackage.json", *datapackage.paths().values()}
        package = json.loads(packed.read("datapackage.json"))
    assert "url" not in {
        field.get("format") for one in package["resources"] for field in one["schema"]["fields"]
    }
    check_package(written.path)
    assert written.rows["service"] == 2


def test_values_stand_in_the_columns_of_1_1(tmp_path):
    bring(tmp_path, filled())
    found = tables(exported(tmp_path, NAME).path)
    assert {row["service_area"] for row in found["service_areas.csv"]} == {"Milltown"}
    assert [row["vocabulary"] for row in found["taxonomy.csv"]] == ["Needs", "Needs"]
    assert [row["address_1"] for row in found["physical_addresses.csv"]] == ["1 Main Street"]
    assert found["postal_addresses.csv"] == []
    (phone,) = [row for row in found["phones.csv"] if row["extension"] == "12"]
    assert phone["language"] == "fr"
    (term,) = found["services_taxonomy.csv"]
    assert term["service_id"] in {row["id"] for row in found["services.csv"]}


def test_hours_are_local_and_monday_is_1(tmp_path):
    schedule(make.service(), opens_at_offset=-240, closes_at=time(23, 59))
    found = tables(exported(tmp_path, NAME).path)["regular_schedules.csv"]
    assert [(row["weekday"], row["opens_at"], row["closes_at"]) for row in found] == [
        ("1", "09:00:00", "23:59:00"),
        ("2", "09:00:00", "23:59:00"),
    ]


def test_closings_and_other_hours_on_one_day_are_holidays(tmp_path):
    service = make.service()
    usual = schedule(service)
    schedule(service, byday="WE")
    day = date(2026, 12, 24)
    only = {"byday": "TH", "valid_from": day, "valid_to": day, "closes_at": time(12)}
    schedule(service, **only)
    Closing.objects.create(schedule=usual, first_day=day, last_day=date(2026, 12, 26))
    found = tables(exported(tmp_path, NAME).path)["holiday_schedules.csv"]
    assert sorted((row["closed"], row["start_date"], row["closes_at"]) for row in found) == [
        ("false", "2026-12-24", "12:00:00"),
        ("true", "2026-12-24", ""),
    ]


@pytest.mark.parametrize(
    "columns",
    [
        {"freq": "MONTHLY", "byday": "2TU"},
        {"interval": 2, "dtstart": date(2026, 11, 30)},
        {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 6, 30)},
        {"byday": ""},
    ],
)
def test_a_rule_that_1_1_lacks_is_left_out_whole_and_counted(tmp_path, columns):
    schedule(make.service(), **columns)
    written = exported(tmp_path, NAME)
    assert written.rows["regular_schedule"] == 0
    assert written.not_carried["schedule.freq"] == 1
    assert written.not_carried["schedule.opens_at"] == 1


def test_every_value_is_in_the_file_or_counted(tmp_path):
    """Each value of the 3.1 file that is nowhere in the 1.1 file is in `not_carried`."""
    bring(tmp_path, filled())
    whole = tables(exported(tmp_path).path)
    written = exported(tmp_path, NAME)
    carried = {v for rows in tables(written.path).values() for row in rows for v in row.values()}
    names = {"service.minimum_age", "cost_option.amount", "url.url", "unit.name"}
    names |= {"organization_identifier.identifier", "taxonomy_term.code", "service.last_modified"}
    assert names <= written.not_carried.keys()
    assert written.not_carried["service.last_modified"] == 2
    for value in ("1 Main Street", "Ramp", "Town", "Jo", "45.4215", "Milltown", "K1A 0B1"):
        assert any(value in row.values() for rows in whole.values() for row in rows)
        assert value in carried or "accessibility.description" in written.not_carried


def test_a_service_without_an_organization_has_no_place(tmp_path):
    service = make.service(organization=None, description={}, name="Line")
    make.phone(service=service)
    written = exported(tmp_path, NAME)
    assert written.rows["service"] == written.rows["phone"] == 0
    assert written.not_carried["service.name"] == written.not_carried["phone.number"] == 1
    check_package(written.path)


@pytest.mark.parametrize(
    ("type", "carried"), [("voice", True), ("fax", True), ("tty", False), ("landline", False)]
)
def test_a_type_that_1_1_refuses_is_counted(tmp_path, type, carried):
    make.phone(service=make.service(), type=type)
    written = exported(tmp_path, NAME)
    assert ("phone.type" not in written.not_carried) is carried
    assert written.rows["phone"] == 1


def test_an_empty_portal_has_the_same_services_afterward(tmp_path):
    bring(tmp_path, filled())
    first = exported(tmp_path, NAME).path.rename(tmp_path / "first.zip")
    before = tables(first)
    empty()
    report = run(first, "Again", Options())
    assert (report.format, report.exit_code) == (NAME, 0)
    take_in()
    assert tables(exported(tmp_path, NAME).path).keys() == before.keys()
    after = tables(exported(tmp_path, NAME).path)
    for name in before.keys() - {"regular_schedules.csv", "holiday_schedules.csv"}:
        assert sorted(map(str, after[name])) == sorted(map(str, before[name])), name
    assert TaxonomyTerm.objects.get(name__en="Bread").taxonomy.name == {"en": "Needs"}
    again = run(first, "Again", Options())
    assert not any(counts["updated"] + counts["created"] for counts in again.counts.values())


def test_hours_and_closings_come_back(tmp_path):
    usual = schedule(make.service())
    Closing.objects.create(
        schedule=usual, first_day=date(2026, 12, 25), last_day=date(2026, 12, 25)
    )
    first = exported(tmp_path, NAME).path.rename(tmp_path / "first.zip")
    empty()
    assert run(first, "Again", Options()).exit_code == 0
    service = Service.objects.get()
    assert sorted(service.schedules.values_list("byday", flat=True)) == ["MO", "TU"]
    days = Closing.objects.values_list("schedule__byday", "first_day")
    assert sorted(days) == [("MO", date(2026, 12, 25)), ("TU", date(2026, 12, 25))]
