"""Open at a moment, open until, next opening, the week: by a plain reading of the rules."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.hours.closings import Closing
from directory.hours.opening import (
    Opening,
    Schedule,
    State,
    is_open,
    openings,
    parse_schedule,
    state_at,
    week,
)
from directory.hours.rules import DAYS

TORONTO = ZoneInfo("America/Toronto")
MONDAY = date(2026, 11, 30)
WEEKDAYS = {"freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR", "opens_at": "09:00", "closes_at": "16:30"}
NIGHTS = {"freq": "WEEKLY", "byday": "MO,FR", "opens_at": "20:00", "closes_at": "04:45"}
ALWAYS = {"freq": "WEEKLY", "byday": ",".join(DAYS), "opens_at": "00:00", "closes_at": "23:59"}


def schedules(*rows: dict[str, Any]) -> list[Schedule]:
    return [parse_schedule(row, TORONTO, 2026) for row in rows]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("row", "moment", "expected"),
    [
        (WEEKDAYS, "11-30T09:00", True),  # the first minute counts
        (WEEKDAYS, "11-30T08:59", False),
        (WEEKDAYS, "11-30T16:29", True),
        (WEEKDAYS, "11-30T16:30", False),  # the last does not
        (WEEKDAYS, "11-29T12:00", False),
        (NIGHTS, "11-30T23:00", True),
        (NIGHTS, "12-01T04:44", True),  # on Tuesday, of Monday's hours
        (NIGHTS, "12-01T04:45", False),
        (NIGHTS, "11-30T04:00", False),  # on Monday, of nobody's
        (NIGHTS, "12-05T01:00", True),
        (ALWAYS, "11-30T23:59:59", True),
        (ALWAYS, "12-01T00:00", True),
        ({**WEEKDAYS, "closes_at": "23:59"}, "11-30T23:59:59", True),
        ({**WEEKDAYS, "closes_at": "09:00"}, "12-01T03:00", True),  # equal times: 24 hours
        ({**WEEKDAYS, "valid_from": "2026-12-01"}, "11-30T12:00", False),
        ({**WEEKDAYS, "valid_from": "2026-12-01"}, "12-01T12:00", True),
        ({**WEEKDAYS, "valid_to": "2026-11-30"}, "11-30T12:00", True),
        ({**WEEKDAYS, "until": "2026-11-29"}, "11-30T12:00", False),
        ({**WEEKDAYS, "dtstart": "2026-12-02"}, "12-01T12:00", False),
        ({**NIGHTS, "valid_to": "2026-11-30"}, "12-01T02:00", True),  # begun while it held
        ({**WEEKDAYS, "notes": "Closed 2026-11-30."}, "11-30T12:00", False),
        ({**WEEKDAYS, "notes": "Fermé du 2026-11-29 au 2026-11-30."}, "12-01T12:00", True),
        ({**NIGHTS, "notes": "Closed 2026-12-01."}, "12-01T02:00", True),  # Monday's hours
        ({**NIGHTS, "notes": "Closed 2026-11-30."}, "12-01T02:00", False),
        ({**WEEKDAYS, "opens_at": "14:00Z", "closes_at": "21:30Z"}, "11-30T09:00", True),
        ({**WEEKDAYS, "opens_at": "02:00Z", "closes_at": "05:00Z"}, "11-29T21:30", True),
        ({**WEEKDAYS, "opens_at": "02:00Z", "closes_at": "05:00Z"}, "12-04T21:30", False),
        ({**WEEKDAYS, "opens_at": ""}, "11-30T12:00", False),
        ({**WEEKDAYS, "closes_at": None}, "11-30T12:00", False),
        ({**WEEKDAYS, "interval": 2}, "11-30T12:00", False),
        ({**WEEKDAYS, "interval": 2, "valid_from": "2026-11-30"}, "11-30T12:00", True),
        ({**WEEKDAYS, "interval": 2, "valid_from": "2026-11-23"}, "11-30T12:00", False),
        (
            {"valid_from": "2026-11-30", "valid_to": "2026-11-30"}
            | {"opens_at": "10:00", "closes_at": "12:00"},
            "11-30T11:00",
            True,
        ),
        ({"opens_at": "10:00", "closes_at": "12:00"}, "11-30T11:00", False),
    ],
)
def test_open_at_a_moment(row: dict[str, Any], moment: str, expected: bool) -> None:
    assert is_open(schedules(row), at(moment)) is expected


@pytest.mark.parametrize("offset", ["-05:00", "-04:00", ""])
@pytest.mark.parametrize("day", [date(2026, 1, 12), date(2026, 7, 13)])
def test_nine_is_nine_all_year(offset: str, day: date) -> None:
    row = {**WEEKDAYS, "opens_at": f"09:00{offset}", "closes_at": f"17:00{offset}"}
    nine = datetime.combine(day, time(9))
    assert is_open(schedules(row), nine)
    assert not is_open(schedules(row), nine - timedelta(minutes=1))


def test_a_closing_of_the_service_closes_every_schedule() -> None:
    closed = [Closing(MONDAY, MONDAY)]
    assert not is_open(schedules(WEEKDAYS, ALWAYS), at("11-30T12:00"), closed)
    assert is_open(schedules(WEEKDAYS), at("12-01T12:00"), closed)


def test_other_hours_on_one_day_are_a_closing_and_a_row() -> None:
    usual = {**WEEKDAYS, "notes": "Closed 2026-11-30."}
    other = {**WEEKDAYS, "valid_from": "2026-11-30", "valid_to": "2026-11-30", "opens_at": "13:00"}
    found = schedules(usual, other)
    assert not is_open(found, at("11-30T12:00"))
    assert is_open(found, at("11-30T13:00"))
    monday, tuesday = week(found, MONDAY)[:2]
    assert monday.is_exception
    assert [opening.start.hour for opening in monday.openings] == [13]
    assert [opening.start.hour for opening in monday.usual] == [9]
    assert not tuesday.is_exception


def test_open_until_and_next_opening() -> None:
    weekdays = schedules(WEEKDAYS)
    assert state_at(weekdays, at("11-30T12:00")) == State(True, until=at("11-30T16:30"))
    assert state_at(weekdays, at("11-30T16:30")) == State(False, opens=at("12-01T09:00"))
    assert state_at(weekdays, at("12-04T20:00")) == State(False, opens=at("12-07T09:00"))


def test_hours_that_touch_are_one() -> None:
    morning = {**WEEKDAYS, "closes_at": "12:00"}
    afternoon = {**WEEKDAYS, "opens_at": "12:00", "closes_at": "20:00"}
    evening = {**WEEKDAYS, "opens_at": "20:30", "closes_at": "21:00"}
    state = state_at(schedules(morning, evening, afternoon), at("11-30T10:00"))
    assert state == State(True, until=at("11-30T20:00"))


def test_what_is_open_around_the_clock_closes_at_no_time() -> None:
    assert state_at(schedules(ALWAYS), at("11-30T12:00")) == State(True)


def test_what_is_open_around_the_clock_closes_for_a_holiday() -> None:
    row = {**ALWAYS, "notes": "Closed 2026-12-02."}
    assert state_at(schedules(row), at("11-30T12:00")) == State(True, until=at("12-02T00:00"))
    assert state_at(schedules(row), at("12-02T12:00")) == State(False, opens=at("12-03T00:00"))


def test_a_monthly_opening_is_found_from_far() -> None:
    row = {**WEEKDAYS, "freq": "MONTHLY", "byday": "1MO", "interval": 2, "dtstart": "2026-10-01"}
    assert state_at(schedules(row), at("10-06T12:00")) == State(False, opens=at("12-07T09:00"))


def test_what_cannot_be_computed_gives_the_reason_and_never_opens() -> None:
    (schedule,) = schedules({**WEEKDAYS, "freq": "WEEKLY", "interval": 2})
    assert schedule.reason == "The rule has no first day to count from."
    assert state_at([schedule], at("11-30T12:00")) == State(False)


def test_the_days_of_a_week_are_those_on_which_hours_begin() -> None:
    days = week(schedules(NIGHTS), MONDAY)
    begin = [day.day.weekday() for day in days if day.openings]
    assert begin == [0, 4]
    assert days[0].openings == (Opening(at("11-30T20:00"), at("12-01T04:45")),)


rows = st.fixed_dictionaries(
    {
        "freq": st.just("WEEKLY"),
        "byday": st.lists(st.sampled_from(DAYS), unique=True, min_size=1).map(",".join),
        "opens_at": st.integers(0, 1439).map(lambda m: f"{m // 60:02}:{m % 60:02}"),
        "closes_at": st.integers(0, 1439).map(lambda m: f"{m // 60:02}:{m % 60:02}"),
        "notes": st.sampled_from(["", "Closed 2026-12-01.", "Closed 2026-12-01 to 2026-12-03."]),
    }
)


@given(st.lists(rows, max_size=3), st.integers(0, 7 * 1440 - 1))
def test_open_is_what_a_plain_reading_of_the_rows_states(
    some: list[dict[str, Any]], minute: int
) -> None:
    moment = datetime.combine(MONDAY, time()) + timedelta(minutes=minute)
    assert is_open(schedules(*some), moment) == any(plainly_open(row, moment) for row in some)


@given(st.lists(rows, max_size=3), st.integers(0, 7 * 1440 - 1))
def test_a_state_agrees_with_every_minute_until_it_ends(
    some: list[dict[str, Any]], minute: int
) -> None:
    moment = datetime.combine(MONDAY, time()) + timedelta(minutes=minute)
    found = schedules(*some)
    state = state_at(found, moment)
    assert state.is_open == is_open(found, moment)
    change = state.until or state.opens
    if change:
        assert is_open(found, change) != state.is_open
        assert is_open(found, change - timedelta(minutes=1)) == state.is_open


@given(st.lists(rows, max_size=3))
def test_openings_are_in_order_and_apart(some: list[dict[str, Any]]) -> None:
    found = openings(schedules(*some), MONDAY, MONDAY + timedelta(days=13))
    assert all(one.end < two.start for one, two in pairwise(found))
    assert all(opening.start < opening.end for opening in found)


def plainly_open(row: dict[str, str], moment: datetime) -> bool:
    """The contract in other words: look at today's hours and at those that began yesterday."""
    opens, closes = row["opens_at"], "24:00" if row["closes_at"] == "23:59" else row["closes_at"]
    if row["opens_at"] == row["closes_at"]:
        closes = opens
    clock = f"{moment:%H:%M}"
    if holds(row, moment.date()):
        until = closes if closes > opens else "99"
        if opens <= clock < until:
            return True
    yesterday = moment.date() - timedelta(days=1)
    return holds(row, yesterday) and closes <= opens and clock < closes


def holds(row: dict[str, str], day: date) -> bool:
    closed = {"": [], "Closed 2026-12-01.": [1]}.get(row["notes"], [1, 2, 3])
    is_closed = day.month == 12 and day.day in closed
    return DAYS[day.weekday()] in row["byday"] and not is_closed
