"""Schedules in words, and as the plain weekly hours of iCarol."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.hours import icarol
from directory.hours.opening import Schedule, parse_schedule
from directory.hours.rules import DAYS
from directory.hours.wording import date_in_words, in_words, time_in_words

TORONTO = ZoneInfo("America/Toronto")
NINE_TO_FIVE = {"opens_at": "09:00", "closes_at": "17:00"}


def schedule(**row: Any) -> Schedule:
    return parse_schedule({**NINE_TO_FIVE, **row}, TORONTO, 2026)


def plain(text: str) -> str:
    return text.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("row", "english", "french"),
    [
        (
            {"freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR"},
            "Monday to Friday, 9 a.m. – 5 p.m.",
            "Du lundi au vendredi, de 9 h à 17 h",
        ),
        (
            {"freq": "WEEKLY", "byday": "WE,MO", "closes_at": "16:30"},
            "Monday and Wednesday, 9 a.m. – 4:30 p.m.",
            "Le lundi et le mercredi, de 9 h à 16 h 30",
        ),
        (
            {"freq": "WEEKLY", "byday": ",".join(DAYS), "opens_at": "00:00", "closes_at": "23:59"},
            "Every day, 24 hours",
            "Tous les jours, 24 heures sur 24",
        ),
        (
            {"freq": "WEEKLY", "byday": "TH", "interval": 2, "dtstart": "2026-01-08"},
            "Every second Thursday, 9 a.m. – 5 p.m., from January 8, 2026",
            "Un jeudi sur deux, de 9 h à 17 h, à partir du 8 janvier 2026",
        ),
        (
            {"freq": "WEEKLY", "byday": "MO,TH", "interval": 3, "valid_from": "2026-01-01"},
            "Every 3 weeks, Monday and Thursday, 9 a.m. – 5 p.m., from January 1, 2026",
            "Toutes les 3 semaines, le lundi et le jeudi, de 9 h à 17 h, "
            "à partir du 1er janvier 2026",
        ),
        (
            {"freq": "MONTHLY", "byday": "2TU", "closes_at": "12:00", "until": "2026-06-30"},
            "Second Tuesday of the month, 9 a.m. – noon, until June 30, 2026",
            "Le deuxième mardi du mois, de 9 h à 12 h, jusqu’au 30 juin 2026",
        ),
        (
            {"freq": "MONTHLY", "byday": "1MO,-1FR", "interval": 2, "dtstart": "2026-01-01"},
            "First Monday and last Friday of every 2 months, 9 a.m. – 5 p.m., from January 1, 2026",
            "Le premier lundi et le dernier vendredi tous les 2 mois, de 9 h à 17 h, "
            "à partir du 1er janvier 2026",
        ),
        (
            {"freq": "MONTHLY", "bymonthday": "15,-1", "opens_at": "20:00", "closes_at": "00:00"},
            "Day 15 and last day of the month, 8 p.m. – midnight",
            "Le 15 et le dernier jour du mois, de 20 h à minuit",
        ),
        (
            {"valid_from": "2026-12-24", "valid_to": "2026-12-24"},
            "On December 24, 2026, 9 a.m. – 5 p.m.",
            "Le 24 décembre 2026, de 9 h à 17 h",
        ),
        (
            {"freq": "WEEKLY", "byday": "TH", "dtstart": "2026-01-08", "count": 6},
            "Thursday, 9 a.m. – 5 p.m., from January 8, 2026 6 times",
            "Le jeudi, de 9 h à 17 h, à partir du 8 janvier 2026 6 fois",
        ),
        (
            {"freq": "WEEKLY", "dtstart": "2026-01-08", "byweekno": "41,42", "byday": "TH"},
            "Thursday, weeks 41 and 42 of the year, 9 a.m. – 5 p.m., from January 8, 2026",
            "Le jeudi, semaines 41 et 42 de l’année, de 9 h à 17 h, à partir du 8 janvier 2026",
        ),
    ],
)
def test_a_schedule_in_words(row: dict[str, Any], english: str, french: str) -> None:
    assert plain(in_words(schedule(**row), "en")) == english
    assert plain(in_words(schedule(**row), "fr-CA")) == french


def test_what_cannot_be_computed_is_its_description() -> None:
    assert in_words(schedule(freq="WEEKLY", byday="2TU"), "en", "Ask us") == "Ask us"


@pytest.mark.parametrize(
    ("minutes", "english", "french"),
    [
        (0, "midnight", "0 h"),
        (5, "12:05 a.m.", "0 h 05"),
        (720, "noon", "12 h"),
        (725, "12:05 p.m.", "12 h 05"),
        (990, "4:30 p.m.", "16 h 30"),
        (1440, "midnight", "minuit"),
        (1440 + 285, "4:45 a.m.", "4 h 45"),
    ],
)
def test_a_time_in_words(minutes: int, english: str, french: str) -> None:
    assert plain(time_in_words(minutes, "en")) == english
    assert plain(time_in_words(minutes, "fr")) == french


def test_a_date_in_words() -> None:
    assert date_in_words(date(2026, 8, 1), "en") == "August 1, 2026"
    assert date_in_words(date(2026, 8, 1), "fr") == "1er août 2026"


# -- iCarol -------------------------------------------------------------------------------------


def test_plain_weekly_hours_are_written_day_by_day() -> None:
    week = [
        schedule(freq="WEEKLY", byday="TU,MO", opens_at="08:00", closes_at="16:00"),
        schedule(freq="WEEKLY", byday="SA", opens_at="20:00", closes_at="04:45"),
        schedule(freq="WEEKLY", byday="SU", opens_at="00:00", closes_at="23:59"),
    ]
    assert icarol.format_hours(week) == (
        "Mon 08:00 - 16:00; Tue 08:00 - 16:00; Sat 20:00 - 04:45; Sun 00:00 - 23:59; "
    )


@pytest.mark.parametrize(
    "row",
    [
        {"freq": "MONTHLY", "byday": "2TU"},
        {"freq": "WEEKLY", "byday": "TU", "interval": 2, "dtstart": "2026-01-06"},
        {"freq": "WEEKLY", "byday": "TU", "valid_from": "2026-01-06"},
        {"freq": "WEEKLY", "byday": "TU", "until": "2026-01-06"},
        {"freq": "WEEKLY", "byday": "TU", "notes": "Closed 2026-12-25."},
        {"freq": "WEEKLY", "byday": "TU", "opens_at": "", "description": "Mornings"},
    ],
)
def test_other_schedules_are_not_plain(row: dict[str, Any]) -> None:
    assert not icarol.is_plain(schedule(**row))


hours = st.tuples(st.sampled_from(DAYS), st.integers(0, 1439), st.integers(0, 1439))


@given(st.lists(hours, unique_by=lambda drawn: drawn[0]))
def test_hours_come_back_as_they_were_written(some: list[tuple[str, int, int]]) -> None:
    week = [
        schedule(
            freq="WEEKLY",
            byday=day,
            opens_at=f"{opens // 60:02}:{opens % 60:02}",
            closes_at=f"{closes // 60:02}:{closes % 60:02}",
        )
        for day, opens, closes in some
    ]
    read = icarol.parse_hours(icarol.format_hours(week)) or []
    again = [
        schedule(
            freq="WEEKLY",
            byday=",".join(weekly.days),
            opens_at=f"{weekly.opens // 60:02}:{weekly.opens % 60:02}",
            closes_at=f"{weekly.closes // 60:02}:{weekly.closes % 60:02}",
        )
        for weekly in read
    ]
    assert icarol.day_hours(again) == icarol.day_hours(week)
