"""Rules of RFC 5545: their days are those that dateutil finds from the very first one."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from directory.hours.rules import DAYS, Incomputable, Rule, parse_rule

JANUARY = date(2026, 1, 1), date(2026, 1, 31)


def days(row: dict[str, Any], first: date = JANUARY[0], last: date = JANUARY[1]) -> list[int]:
    return [day.day for day in parse_rule(row).days(first, last)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"freq": "WEEKLY", "byday": "MO,WE"}, [5, 7, 12, 14, 19, 21, 26, 28]),
        ({"freq": "weekly", "byday": " mo ; Wed "}, [5, 7, 12, 14, 19, 21, 26, 28]),
        ({"freq": "WEEKLY", "byday": "SU", "interval": 1.0}, [4, 11, 18, 25]),
        ({"freq": "MONTHLY", "byday": "2TU"}, [13]),
        ({"freq": "MONTHLY", "byday": "+2TU,-1FR"}, [13, 30]),
        ({"freq": "MONTHLY", "byday": "5FR"}, [30]),
        ({"freq": "MONTHLY", "bymonthday": "1,15,-1"}, [1, 15, 31]),
        ({"freq": "MONTHLY", "byday": "FR", "bymonthday": "2,3"}, [2]),
        ({"freq": "WEEKLY", "interval": "2", "dtstart": "2025-12-25"}, [8, 22]),
        ({"freq": "WEEKLY", "interval": 2, "valid_from": "2026-01-01", "byday": "TH"}, [1, 15, 29]),
        ({"freq": "WEEKLY", "dtstart": date(2026, 1, 7)}, [7, 14, 21, 28]),
        ({"freq": "MONTHLY", "interval": 2, "dtstart": "2025-11-20"}, [20]),
        ({"freq": "MONTHLY", "interval": 2, "dtstart": "2025-12-20"}, []),
        ({"freq": "WEEKLY", "byday": "TH", "dtstart": "2025-12-25", "count": 3}, [1, 8]),
        ({"freq": "WEEKLY", "byweekno": "2", "byday": "MO,TU"}, [5, 6]),
        ({"freq": "WEEKLY", "byyearday": "2,3"}, [2, 3]),
        ({"freq": "MONTHLY", "dtstart": "2025-12-31"}, [31]),
    ],
)
def test_the_days_of_a_rule(row: dict[str, Any], expected: list[int]) -> None:
    assert days(row) == expected


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"byday": "MO"},
        {"freq": "DAILY"},
        {"freq": "WEEKLY"},
        {"freq": "WEEKLY", "byday": "MO", "interval": 2},
        {"freq": "WEEKLY", "byday": "MO", "count": 2},
        {"freq": "WEEKLY", "byday": "2MO"},
        {"freq": "WEEKLY", "byday": "XX"},
        {"freq": "WEEKLY", "byday": "MOON"},
        {"freq": "MONTHLY", "byday": "0MO"},
        {"freq": "MONTHLY", "byday": "6MO"},
        {"freq": "MONTHLY", "bymonthday": "32"},
        {"freq": "MONTHLY", "bymonthday": "0"},
        {"freq": "MONTHLY", "bymonthday": "first"},
        {"freq": "WEEKLY", "byday": "MO", "interval": "0"},
        {"freq": "WEEKLY", "byday": "MO", "interval": "-1"},
        {"freq": "WEEKLY", "byday": "MO", "interval": "1.5"},
        {"freq": "WEEKLY", "byday": "MO", "interval": "inf", "dtstart": "2026-01-01"},
        {"freq": "WEEKLY", "byday": "MO", "count": "many", "dtstart": "2026-01-01"},
    ],
)
def test_a_rule_that_cannot_be_computed_gives_the_reason(row: dict[str, Any]) -> None:
    with pytest.raises(Incomputable) as raised:
        parse_rule(row)
    assert raised.value.reason.endswith(".")


def test_a_rule_without_end_takes_no_longer_than_its_window() -> None:
    endless = Rule("WEEKLY", 3, start=date(1970, 1, 1))
    found = endless.days(date(9000, 1, 1), date(9000, 12, 31))
    assert 17 <= len(found) <= 18


weekdays = st.lists(st.sampled_from(DAYS), unique=True, max_size=4)
starts = st.dates(date(2000, 1, 1), date(2027, 1, 1))


@given(starts, st.integers(1, 6), weekdays, st.sampled_from(DAYS), st.none() | st.integers(1, 90))
def test_weeks_are_those_of_the_standard(
    start: date, interval: int, codes: list[str], week_start: str, count: int | None
) -> None:
    row = {"freq": "WEEKLY", "interval": interval, "byday": ",".join(codes), "wkst": week_start}
    rule = parse_rule({**row, "dtstart": start, "count": count})
    text = f"FREQ=WEEKLY;INTERVAL={interval};WKST={week_start}"
    text += f";BYDAY={','.join(codes)}" if codes else ""
    text += f";COUNT={count}" if count else ""
    assert_same_days(rule, text, start, from_start=interval > 1 or count is not None or not codes)


@given(
    starts,
    st.integers(1, 5),
    st.lists(
        st.tuples(st.sampled_from([-2, -1, 0, 1, 2, 3, 5]), st.sampled_from(DAYS)), max_size=3
    ),
    st.lists(st.sampled_from([1, 2, 15, 28, 29, 30, 31, -1, -5]), unique=True, max_size=3),
)
def test_months_are_those_of_the_standard(
    start: date, interval: int, by_day: list[tuple[int, str]], month_days: list[int]
) -> None:
    byday = ",".join(f"{nth or ''}{code}" for nth, code in by_day)
    bymonthday = ",".join(map(str, month_days))
    row = {"freq": "MONTHLY", "interval": interval, "byday": byday, "bymonthday": bymonthday}
    text = f"FREQ=MONTHLY;INTERVAL={interval}"
    text += f";BYDAY={byday}" if byday else ""
    text += f";BYMONTHDAY={bymonthday}" if bymonthday else ""
    is_bare = not (by_day or month_days)
    rule = parse_rule({**row, "dtstart": start})
    assert_same_days(rule, text, start, from_start=interval > 1 or is_bare)


def assert_same_days(rule: Rule, text: str, start: date, *, from_start: bool) -> None:
    """Two months at once, against the standard's own walk from the first day."""
    first = date(2026, 2, 20)
    last = first + timedelta(days=60)
    whole = rrulestr(text, dtstart=datetime.combine(start, time()))
    expected = whole.between(
        datetime.combine(first, time()), datetime.combine(last, time()), inc=True
    )
    found = rule.days(first, last)
    if not from_start:  # the first day is a bound of the row, not of the rule
        found = tuple(day for day in found if day >= start)
    assert list(found) == [moment.date() for moment in expected]
