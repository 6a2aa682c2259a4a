"""Times that repeat, by the clock on the wall: also on the days when clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.timing import schedule

TORONTO = ZoneInfo("America/Toronto")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # half an hour


def times(text: str, start: str, count: int, zone: ZoneInfo = TORONTO) -> list[str]:
    """Return the next times as the clock on the wall shows them, with its distance from UTC."""
    at, found = datetime.fromisoformat(start).replace(tzinfo=zone), []
    for _ in range(count):
        at = schedule.read(text).after(at, zone)
        found.append(f"{at.astimezone(zone):%a %d %H:%M %z}")
    return found


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("30 6 * * 1-5", "2026-03-19T07:00", ["Fri 20 06:30 -0400", "Mon 23 06:30 -0400"]),
        ("*/20 9 * * *", "2026-03-19T09:00", ["Thu 19 09:20 -0400", "Thu 19 09:40 -0400"]),
        ("0 0 29 feb *", "2026-03-19T09:00", ["Tue 29 00:00 -0500", "Sun 29 00:00 -0500"]),
        ("0 12 13 * FRI", "2026-03-11T13:00", ["Fri 13 12:00 -0400", "Fri 20 12:00 -0400"]),
        ("0 12 1 * mon", "2026-03-29T13:00", ["Mon 30 12:00 -0400", "Wed 01 12:00 -0400"]),
        ("15,45 8-9 * * 7", "2026-03-19T00:00", ["Sun 22 08:15 -0400", "Sun 22 08:45 -0400"]),
        ("0 9 * * Saturday-Sun", "2026-03-19T00:00", ["Sat 21 09:00 -0400", "Sun 22 09:00 -0400"]),
        ("0 0 * * 5-0", "2026-03-19T00:00", ["Fri 20 00:00 -0400", "Sat 21 00:00 -0400"]),
        ("0 0 1 sep,december *", "2026-03-19T00:00", ["Tue 01 00:00 -0400", "Tue 01 00:00 -0500"]),
        ("weekly", "2026-03-19T00:00", ["Mon 23 06:00 -0400", "Mon 30 06:00 -0400"]),
    ],
)
def test_five_fields_state_when(text: str, start: str, expected: list[str]) -> None:
    assert times(text, start, len(expected)) == expected


def test_a_time_that_does_not_exist_comes_once_and_later() -> None:
    expected = ["Sat 07 02:30 -0500", "Sun 08 03:30 -0400", "Mon 09 02:30 -0400"]
    assert times("30 2 * * *", "2026-03-07T00:00", 3) == expected


def test_a_time_that_comes_twice_counts_once() -> None:
    expected = ["Sun 01 01:30 -0400", "Mon 02 01:30 -0500"]
    assert times("30 1 * * *", "2026-11-01T00:00", 2) == expected


def test_every_hour_is_every_real_hour() -> None:
    back = ["00:00 -0400", "01:00 -0400", "01:00 -0500", "02:00 -0500"]
    assert [one[7:] for one in times("0 * * * *", "2026-10-31T23:30", 4)] == back
    forward = ["01:00 -0500", "03:00 -0400"]
    assert [one[7:] for one in times("0 * * * *", "2026-03-08T00:30", 2)] == forward
    half = ["01:00 +1100", "01:30 +1100", "01:30 +1030", "02:00 +1030"]
    assert [one[7:] for one in times("*/30 * * * *", "2026-04-05T00:30", 4, LORD_HOWE)] == half


@given(
    st.sampled_from(["30 2 * * *", "*/15 * * * *", "0 1,2 * * *", "hourly", "daily"]),
    st.integers(0, 366 * 24 * 60),
    st.sampled_from([TORONTO, LORD_HOWE, ZoneInfo("America/St_Johns")]),
)
def test_the_next_time_is_later_and_none_is_left_out(
    text: str, minutes: int, zone: ZoneInfo
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = schedule.read(text).after(start, zone)
    assert start < found
    assert schedule.read(text).after(found - timedelta(seconds=1), zone) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "daily daily",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "5-1 * * * *",
        "*/0 * * * *",
        "* * 31 2 *",
        "a * * * *",
        "* * * *",
        "* * * * * *",
        "-1 * * * *",
        "1.5 * * * *",
        "²  * * * *",
        "1_0 * * * *",
        "٣ * * * *",
        "0 0 * junk *",
        "0 0 * * sunny",
        "0 0 * * fri-mon",
        "0 0 * * mon#2",
        "0 0 L * *",
        "0 0 1,,2 * *",
        "@daily",
    ],
)
def test_what_is_no_schedule_is_refused_in_words(text: str) -> None:
    with pytest.raises(schedule.BadSchedule, match=r"\.$"):
        schedule.read(text)
