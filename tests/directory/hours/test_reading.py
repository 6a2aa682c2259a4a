"""Hours as people type them: read as a whole, or left as words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.hours import icarol
from directory.hours.reading import WeeklyHours, read_pair, read_time, read_weekly
from directory.hours.rules import DAYS

WEEKDAYS, EVERY_DAY = DAYS[:5], DAYS


def minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12noon", "12:00"),
        ("12 noon", "12:00"),
        ("noon", "12:00"),
        ("midi", "12:00"),
        ("midnight", "0:00"),
        ("12:00 midnight", "0:00"),
        ("700", "7:00"),
        ("0700", "7:00"),
        ("1630", "16:30"),
        ("1630h", "16:30"),
        ("8pm", "20:00"),
        ("8 p.m.", "20:00"),
        ("8 P.M.", "20:00"),
        ("8p", "20:00"),
        ("4:45am", "4:45"),
        ("12am", "0:00"),
        ("12pm", "12:00"),
        ("9", "9:00"),
        ("1:30", "13:30"),
        ("9.30", "9:30"),
        ("13:00", "13:00"),
        ("13:00:00", "13:00"),
        ("16 h 30", "16:30"),
        ("16h30", "16:30"),
        ("9 h", "9:00"),
        ("9\xa0h\xa030", "9:30"),
        ("24:00", "0:00"),
    ],
)
def test_one_time(text: str, expected: str) -> None:
    assert read_time(text) == minutes(expected)


@pytest.mark.parametrize(
    "text", ["", "by appointment", "25:00", "9:75", "13pm", "0am", "9-5", "99999", "nine", "9am!"]
)
def test_what_is_no_time_is_not_read(text: str) -> None:
    assert read_time(text) is None


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        ("9-5", "", ("9:00", "17:00")),
        ("9 – 5", "", ("9:00", "17:00")),
        ("9 to 4:30", "", ("9:00", "16:30")),
        ("9", "5", ("9:00", "17:00")),
        ("8pm", "4:45am", ("20:00", "4:45")),
        ("12noon", "8pm", ("12:00", "20:00")),
        ("700", "1500", ("7:00", "15:00")),
        ("900", "500", ("9:00", "17:00")),
        ("9", "5pm", ("9:00", "17:00")),
        ("1", "4", ("13:00", "16:00")),
        ("1", "4pm", ("13:00", "16:00")),
        ("11", "1pm", ("11:00", "13:00")),
        ("7", "11pm", ("19:00", "23:00")),
        ("9am", "12", ("9:00", "12:00")),
        ("10pm", "6", ("22:00", "6:00")),
        ("6", "2", ("6:00", "14:00")),
        ("8", "8", ("8:00", "20:00")),
        ("8", "4:45am", ("20:00", "4:45")),
        ("9", "17", ("9:00", "17:00")),
        ("9:00", "17:00", ("9:00", "17:00")),
        ("08:00", "16:00", ("8:00", "16:00")),
        ("9h30", "17 h", ("9:30", "17:00")),
        ("9 h à 17 h", "", ("9:00", "17:00")),
        ("midnight", "8", ("0:00", "8:00")),
        ("12", "12", ("12:00", "0:00")),
    ],
)
def test_two_times_settle_each_other(opens: str, closes: str, expected: tuple[str, str]) -> None:
    assert read_pair(opens, closes) == (minutes(expected[0]), minutes(expected[1]))


@pytest.mark.parametrize(
    ("opens", "closes"),
    [("by appointment", ""), ("9", "late"), ("", "5"), ("9-5-6", ""), ("9", ""), ("", "")],
)
def test_half_a_pair_is_none(opens: str, closes: str) -> None:
    assert read_pair(opens, closes) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon-Fri 9-5", [(WEEKDAYS, "9:00", "17:00")]),
        ("M-F 9-5", [(WEEKDAYS, "9:00", "17:00")]),
        ("Monday – Friday: 8:30 am – 4:30 pm", [(WEEKDAYS, "8:30", "16:30")]),
        ("9-5 Mon-Fri", [(WEEKDAYS, "9:00", "17:00")]),
        ("weekdays 9-5", [(WEEKDAYS, "9:00", "17:00")]),
        (
            "Mon to Fri 9-5; Sat 10-2",
            [(WEEKDAYS, "9:00", "17:00"), (("SA",), "10:00", "14:00")],
        ),
        (
            "Mon-Thurs 8:30am-4:30pm. Fri 8:30am-noon",
            [(DAYS[:4], "8:30", "16:30"), (("FR",), "8:30", "12:00")],
        ),
        (
            "Mon, Wed & Fri 9-12, 1-4; Sun closed",
            [(("MO", "WE", "FR"), "9:00", "12:00"), (("MO", "WE", "FR"), "13:00", "16:00")],
        ),
        ("Mon 9-5 Tue 10-6", [(("MO",), "9:00", "17:00"), (("TU",), "10:00", "18:00")]),
        ("Fri to Mon 9-5", [(("FR", "SA", "SU", "MO"), "9:00", "17:00")]),
        ("Daily 8pm to 4:45am", [(EVERY_DAY, "20:00", "4:45")]),
        ("24/7", [(EVERY_DAY, "0:00", "0:00")]),
        ("24 hours", [(EVERY_DAY, "0:00", "0:00")]),
        ("24 hours a day, 7 days a week", [(EVERY_DAY, "0:00", "0:00")]),
        ("24 heures sur 24, 7 jours sur 7", [(EVERY_DAY, "0:00", "0:00")]),
        ("Mon-Fri 24 hours", [(WEEKDAYS, "0:00", "0:00")]),
        ("Lundi au vendredi, 9 h à 17 h", [(WEEKDAYS, "9:00", "17:00")]),
        ("du lundi au jeudi de 8 h 30 à 16 h 30", [(DAYS[:4], "8:30", "16:30")]),
        ("lun-ven 8h30-16h30", [(WEEKDAYS, "8:30", "16:30")]),
        ("mercredi et samedi 13 h - 20 h", [(("WE", "SA"), "13:00", "20:00")]),
        ("Tue & Thu 700-1500", [(("TU", "TH"), "7:00", "15:00")]),
    ],
)
def test_a_week(text: str, expected: list[tuple[tuple[str, ...], str, str]]) -> None:
    found = [WeeklyHours(days, minutes(a), minutes(b)) for days, a, b in expected]
    assert read_weekly(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "by appointment",
        "Sur rendez-vous",
        "Mon-Fri 9-5, except the first Monday",
        "Mon-Fri 9-5, closed 12-1",
        "Mon-Fri 9-5 by appointment",
        "Mon-Fri 9-5 (summer)",
        "Second Tuesday 9-5",
        "9-5",
        "Mon-Fri",
        "Closed Sundays",
        "Mon-Fri 9-",
        "Mon 9-5 Tue",
        "Mon-Fri 9-25",
        "Mon-Fri 9-5 EST",
    ],
)
def test_what_is_not_understood_as_a_whole_stays_words(text: str) -> None:
    assert read_weekly(text) is None


@given(st.text(alphabet="monfri 1234567890-;:,apm&to\n", max_size=40))
def test_any_text_is_read_or_not(text: str) -> None:
    for hours in read_weekly(text) or []:
        assert set(hours.days) <= set(DAYS)
        assert 0 <= hours.opens < 1440
        assert 0 <= hours.closes < 1440


# -- The column `Hours` of iCarol ---------------------------------------------------------------


def test_plain_hours_of_icarol_are_read_days_with_the_same_hours_as_one() -> None:
    text = "Mon 08:00 - 16:00; Tue 08:00 - 16:00; Wed 20:00 - 04:45; "
    assert icarol.parse_hours(text) == [
        WeeklyHours(("MO", "TU"), 480, 960),
        WeeklyHours(("WE",), 1200, 285),
    ]


@pytest.mark.parametrize(
    "text", ["", "Mon", "Mon 8-4", "Mon 08:00 - 16:00; by appointment", "Lun 08:00 - 16:00"]
)
def test_other_texts_in_that_column_are_not(text: str) -> None:
    assert icarol.parse_hours(text) is None
