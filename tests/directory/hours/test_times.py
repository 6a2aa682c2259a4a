"""Times of schedule rows: read, written, and what they mean on a clock on the wall."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.hours.times import (
    RowTime,
    format_offset,
    local_hours,
    parse_time,
    winter_offset,
    zone_offsets,
)

TORONTO = ZoneInfo("America/Toronto")
ST_JOHNS = ZoneInfo("America/St_Johns")
REGINA = ZoneInfo("America/Regina")  # no summer time
SYDNEY = ZoneInfo("Australia/Sydney")
EASTERN_WINTER, EASTERN_SUMMER = -5 * 60, -4 * 60


@pytest.mark.parametrize(
    ("text", "minutes", "offset"),
    [
        ("09:00-05:00", 540, -300),
        ("09:00:00-05:00", 540, -300),
        ("9:00", 540, None),
        ("10:00:00", 600, None),
        ("10:00:00.000", 600, None),
        ("13:00Z", 780, 0),
        ("13:00z", 780, 0),
        ("09:00-0330", 540, -210),
        ("09:00+05", 540, 300),
        ("09:00 -05:00", 540, -300),
        ("09:00−05:00", 540, -300),  # a real minus
        ("24:00", 0, None),
        ("23:59", 1439, None),
        (" 08:30 ", 510, None),
    ],
)
def test_times_that_suppliers_write_are_read(text: str, minutes: int, offset: int | None) -> None:
    assert parse_time(text) == RowTime(minutes, offset)


@pytest.mark.parametrize(
    "text",
    ["", "9", "9-5", "25:00", "24:01", "09:60", "12noon", "09:00-25:00", "09:00-05:00-", "٠٩:٠٠"],
)
def test_what_is_no_time_of_a_row_is_not_read(text: str) -> None:
    assert parse_time(text) is None


@given(st.integers(0, 1439), st.none() | st.integers(-12 * 4, 14 * 4).map(lambda n: n * 15))
def test_a_time_is_written_as_it_came(minutes: int, offset: int | None) -> None:
    time = RowTime(minutes, offset)
    assert parse_time(str(time)) == time
    expected = RowTime(minutes, EASTERN_WINTER if offset is None else offset)
    assert parse_time(time.to_json(EASTERN_WINTER)) == expected
    assert parse_time(time.to_csv(EASTERN_WINTER)) == expected


def test_json_has_minutes_and_csv_has_seconds() -> None:
    assert RowTime(540).to_json(EASTERN_WINTER) == "09:00-05:00"
    assert RowTime(540).to_csv(EASTERN_WINTER) == "09:00:00-05:00"
    assert RowTime(780, 0).to_csv(EASTERN_WINTER) == "13:00:00+00:00"


@pytest.mark.parametrize(
    ("zone", "winter", "offsets"),
    [
        (TORONTO, -300, {-300, -240}),
        (ST_JOHNS, -210, {-210, -150}),
        (REGINA, -360, {-360}),
        (SYDNEY, 600, {600, 660}),
    ],
)
def test_the_winter_offset_is_that_of_standard_time(
    zone: ZoneInfo, winter: int, offsets: set[int]
) -> None:
    assert winter_offset(zone, 2026) == winter
    assert zone_offsets(zone, 2026) == offsets


@pytest.mark.parametrize("offset", [None, EASTERN_WINTER, EASTERN_SUMMER])
def test_an_offset_of_the_zone_states_only_that_the_time_is_local(offset: int | None) -> None:
    hours = local_hours(RowTime(540, offset), RowTime(1020, offset), TORONTO, 2026)
    assert (hours.opens, hours.closes, hours.shift) == (540, 1020, 0)


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        ("13:00Z", "21:00Z", (8 * 60, 16 * 60, 0)),
        ("09:00-08:00", "17:00-08:00", (12 * 60, 20 * 60, 0)),
        ("02:00Z", "06:00Z", (21 * 60, 25 * 60, -1)),  # on the evening before
        ("22:00-12:00", "23:00-12:00", (5 * 60, 6 * 60, 1)),
        ("13:00Z", "17:00-05:00", (8 * 60, 17 * 60, 0)),
    ],
)
def test_an_offset_from_elsewhere_is_converted_with_that_of_winter(
    opens: str, closes: str, expected: tuple[int, int, int]
) -> None:
    first, last = parse_time(opens), parse_time(closes)
    assert first
    assert last
    hours = local_hours(first, last, TORONTO, 2026)
    assert (hours.opens, hours.closes, hours.shift) == expected


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("00:00", "23:59"),
        ("00:00", "00:00"),
        ("00:00", "24:00"),
        ("09:00", "09:00"),
        ("23:59", "23:59"),
        ("00:00Z", "23:59Z"),
        ("09:00-05:00", "14:00Z"),
    ],
)
def test_around_the_clock_is_a_whole_day(opens: str, closes: str) -> None:
    first, last = parse_time(opens), parse_time(closes)
    assert first
    assert last
    assert local_hours(first, last, TORONTO, 2026).is_whole_day


def test_a_minute_before_midnight_lasts_until_midnight() -> None:
    assert local_hours(RowTime(540), RowTime(1439), TORONTO, 2026).closes == 1440


@given(st.integers(0, 1439), st.integers(0, 1439))
def test_hours_end_after_they_begin_and_within_a_day(opens: int, closes: int) -> None:
    hours = local_hours(RowTime(opens), RowTime(closes), TORONTO, 2026)
    assert hours.opens == opens
    assert hours.opens < hours.closes <= hours.opens + 1440


@given(st.integers(-14 * 60, 14 * 60))
def test_offsets_are_written_so_that_they_are_read(offset: int) -> None:
    assert parse_time(f"09:00{format_offset(offset)}") == RowTime(540, offset)
