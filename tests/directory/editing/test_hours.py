"""The weekly grid, and closings."""

from datetime import date

import pytest

from directory.editing import hours
from directory.hours.closings import Closing
from tests.directory import make

pytestmark = pytest.mark.usefixtures("directory")
NINE, NOON, ONE, FIVE = 540, 720, 780, 1020


def rows(service):
    found = service.schedules.order_by("pk")
    return [
        (one.freq, one.byday, f"{one.opens_at:%H:%M}", f"{one.closes_at:%H:%M}") for one in found
    ]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("9-5", [(NINE, FIVE)]),
        ("9am - noon, 1-5", [(NINE, NOON), (ONE, FIVE)]),
        ("13:00-17:00; 9-12", [(NINE, NOON), (ONE, FIVE)]),
        ("8pm to 4:45am", [(1200, 285)]),
    ],
)
def test_a_day_is_read_and_written(text, pairs):
    assert hours.read_day(text) == pairs
    assert hours.read_day(hours.write_day(pairs)) == pairs


@pytest.mark.parametrize("text", ["by appointment", "9-5, except Monday", "9"])
def test_what_is_no_hours_is_refused(text):
    with pytest.raises(hours.Unreadable):
        hours.read_day(text)


def test_days_with_equal_hours_share_a_schedule():
    service = make.service()
    hours.set_grid(service, {"MO": [(NINE, FIVE)], "WE": [(NINE, NOON)], "FR": [(NINE, FIVE)]})
    assert rows(service) == [
        ("WEEKLY", "WE", "09:00", "12:00"),
        ("WEEKLY", "MO,FR", "09:00", "17:00"),
    ]
    assert hours.grid(service.schedules.all()) == {
        "MO": "09:00-17:00",
        "TU": "",
        "WE": "09:00-12:00",
        "TH": "",
        "FR": "09:00-17:00",
        "SA": "",
        "SU": "",
    }


def test_what_the_grid_does_not_show_stays_and_what_is_equal_is_not_made_anew():
    service = make.service()
    kept = service.schedules.create(
        freq="WEEKLY", byday="FR,MO", opens_at="09:00", closes_at="17:00"
    )
    hours.add_rule(service, "2", "TU", (NINE, NOON))
    described = service.schedules.create(description={"en": "By appointment"})
    hours.set_grid(service, {"MO": [(NINE, FIVE)], "FR": [(NINE, FIVE)], "SA": [(NINE, NOON)]})
    assert {kept.pk, described.pk} <= set(service.schedules.values_list("pk", flat=True))
    assert service.schedules.filter(freq="MONTHLY", byday="2TU").count() == 1
    assert service.schedules.count() == 4


def test_closings_stay_when_the_hours_change():
    service = make.service()
    hours.set_grid(service, {"MO": [(NINE, FIVE)]})
    hours.set_closings(service, [Closing(date(2026, 12, 24), date(2026, 12, 26))])
    hours.set_grid(service, {"MO": [(NINE, NOON)], "TU": [(NINE, FIVE)]})
    assert hours.write_closings(service) == "2026-12-24 to 2026-12-26"
    assert all(one.closings.count() == 1 for one in service.schedules.all())


def test_a_service_without_hours_has_closings_of_its_own():
    service = make.service()
    hours.set_closings(service, hours.read_closings("2026-12-25\n2026-12-31 to 2027-01-02\n"))
    assert service.closings.count() == 2
    assert hours.write_closings(service) == "2026-12-25\n2026-12-31 to 2027-01-02"


@pytest.mark.parametrize("text", ["Christmas", "2026-02-30", "2026-12-26 to 2026-12-24"])
def test_what_is_no_closing_is_refused(text):
    with pytest.raises(hours.Unreadable):
        hours.read_closings(text)
