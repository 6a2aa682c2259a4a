# ruff: noqa: DTZ001 a clock without zone is read, too
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sources.values.dates import Instant, read_date, read_instant
from integrations.sources.warnings import CAUSES

JUNE_29 = """
    1991-06-29 | 1991-6-29 | 19910629 | 1991/06/29 | 1991/6/29 | 1991.06.29 | 1991 06 29
    29-Jun-1991 | 29 June 1991 | 29 JUNE 1991 | 29Jun1991 | 29/Jun/1991 | 29 - Jun - 1991
    June 29, 1991 | Jun. 29 1991 | Jun 29,1991 | JUN-29-1991 | June 29th, 1991 | June 29th 1991
    29th of June, 1991 | the 29th of June 1991 | 1991-Jun-29 | 1991 June 29
    29 juin 1991 | le 29 juin 1991 | 29 JUIN 1991 | 29 juin, 1991
    29.06.1991 | 29/06/1991 | 06/29/1991 | 29-6-1991 | 6-29-1991 | 29 06 1991 | 29 / 06 / 1991
    29061991 | 06291991
    Saturday, June 29, 1991 | Sat 29 Jun 1991 | Sat., June 29, 1991 | samedi 29 juin 1991
    samedi le 29 juin 1991 | le samedi 29 juin 1991 | sam. 29 juin 1991 | SAMEDI 29 JUIN 1991
    1991-06-29T00:00:00 | 1991-06-29T04:00:00Z | 1991-06-29 00:00 | 19910629000000-0500
    29/06/1991 00:00 | June 29, 1991 12:00 AM | June 29, 1991 at 2:30 p.m. | 29 juin 1991 à 14 h 30
    Sat Jun 29 1991 00:00:00 GMT-0400 (Eastern Daylight Time) | Sat Jun 29 00:00:00 EDT 1991
    1991-06-29Z | 1991-06-29-04:00 | 19910629-0400 | 199106290000
    1991‑06‑29 | 1991–06–29 | 1991−06−29 | 29 juin 1991 | June 29, 1991 | １９９１-０６-２９
    ١٩٩١-٠٦-٢٩ | 1991-06-29\u200e | \ufeff1991-06-29 |   1991-06-29   | 1991-06-29\t
"""


def written(forms):
    return [form for line in forms.strip().splitlines() for form in line.split(" | ")]


@pytest.mark.parametrize("text", written(JUNE_29))
def test_a_date_with_one_meaning_is_read(text):
    assert read_date(text) == ("1991-06-29", "")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1972-3-23", "1972-03-23"),
        ("19720323", "1972-03-23"),
        ("1er mars 1990", "1990-03-01"),
        ("1ᵉʳ mars 1990", "1990-03-01"),
        ("le 1er août 2004", "2004-08-01"),
        ("5/5/1991", "1991-05-05"),
        ("05.05.1991", "1991-05-05"),
        ("05051991", "1991-05-05"),
        ("2 févr. 1960", "1960-02-02"),
        ("15 déc. 1948", "1948-12-15"),
        ("3 janv. 1948", "1948-01-03"),
        ("14 juil. 1989", "1989-07-14"),
        ("14 juillet 1989", "1989-07-14"),
        ("7 AOÛT 1950", "1950-08-07"),
        ("7 aou\u0302t 1950", "1950-08-07"),
        ("22 avril 1970", "1970-04-22"),
        ("9 mai 1970", "1970-05-09"),
        ("Sept. 3, 2001", "2001-09-03"),
        ("Sep 3 2001", "2001-09-03"),
        ("1st May 2001", "2001-05-01"),
        ("Feb 22nd, 2001", "2001-02-22"),
        ("Mar 3 1991", "1991-03-03"),
        ("mar. 5 mars 1991", "1991-03-05"),  # mardi
        ("29/02/2000", "2000-02-29"),
        ("31.12.1999", "1999-12-31"),
        ("1991", "1991"),
        ("1991-06", "1991-06"),
        ("1991/6", "1991-06"),
        ("06/1991", "1991-06"),
        ("June 1991", "1991-06"),
        ("juin 1991", "1991-06"),
        ("Jun-1991", "1991-06"),
        ("1850-01-01", "1850-01-01"),
        ("2199-12-31", "2199-12-31"),
    ],
)
def test_dates_of_many_forms(text, iso):
    assert read_date(text) == (iso, "")


@pytest.mark.parametrize(
    "text",
    [
        "03/04/1991",
        "3/4/1991",
        "3.4.1991",
        "03-04-1991",
        "3 4 1991",
        "03041991",
        "12/11/1991",
        "03/04/1991 10:00",
        "29-06-91",
        "29 June 91",
        "29-Jun-'91",
        "June 29, 91",
        "91-06-29",
        "06/29/91",
        "3/4/05",
        "910629",
        "010291",
        "Friday, June 29, 1991",  # it was a Saturday
        "vendredi 29 juin 1991",
    ],
)
def test_a_date_with_several_meanings_is_not_read(text):
    assert read_date(text) == ("", "ambiguous_date")


@pytest.mark.parametrize(
    "text",
    [
        "1991-02-30",
        "1991-13-01",
        "1991-00-00",
        "0000-00-00",
        "29/02/1991",
        "31/04/1991",
        "30/30/1991",
        "32 June 1991",
        "June 31, 1991",
        "1991-23-03",
        "1849-12-31",
        "2200-01-01",
        "1011-01-01",
        "June 29",
        "29 juin",
        "June",
        "unknown",
        "inconnue",
        "about 1950",
        "c. 1950",
        "1950?",
        "1991-06-29 or 1991-06-30",
        "1991 - 1993",
        "35 years",
        "1742394600",
        "1²91-06-29",
        "29 Foo 1991",
        "jui 1991",
        "199106",
        "29//06//1991",
        "705-555-0142",
        "-",
        "1991-06-29" * 50,
        "Monday",
    ],
)
def test_what_is_no_date_is_not_read(text):
    assert read_date(text) == ("", "not_a_date")


@pytest.mark.parametrize("text", ["", " ", "\xa0", "\u200b"])
def test_nothing_is_nothing(text):
    assert read_date(text) == ("", "")
    assert read_instant(text) == Instant()


# -- Instants ------------------------------------------------------------------------------------

HALF_PAST_TWO = datetime(2026, 3, 19, 14, 30)


@pytest.mark.parametrize(
    "text",
    written("""
    2026-03-19T14:30 | 2026-03-19 14:30 | 2026-03-19T14:30:00 | 2026-03-19T14:30:00.000
    2026-03-19 2:30 PM | 2026-03-19 02:30pm | 2026-03-19 2:30:00PM | 2026-03-19 2:30 p.m.
    2026-03-19, 2:30 P.M. | 2026-03-19 at 2:30 PM | 2026-03-19 2:30 p. m. | 2026-03-19 14:30 PM
    March 19, 2026 2:30 PM | Mar. 19, 2026, 2:30 pm | March 19th, 2026 at 2:30 PM
    Thursday, March 19, 2026 2:30 PM | 19 March 2026 14:30 | 19-Mar-2026 14:30:00
    19/03/2026 14:30 | 03/19/2026 2:30 PM | 3/19/2026, 2:30:00 PM | 19.03.2026 14:30
    19/03/2026 - 14:30 | 2026-03-19-14:30 | 2026-03-19_14:30
    2:30 PM, March 19, 2026 | 14:30 2026-03-19 | 2026-03-19 @ 14:30
    19 mars 2026 14h30 | 19 mars 2026 à 14 h 30 | le 19 mars 2026 à 14 h 30 | 19 mars 2026 14:30
    jeudi 19 mars 2026, 14 h 30 | jeudi le 19 mars 2026 à 14h30 | 2026-03-19 14 h 30 min
    202603191430 | 20260319143000 | 20260319T143000 | 20260319 14:30 | 2026-3-19 14:30
    2026-W12-4T14:30 | 2026‑03‑19 14:30 | 2026-03-19\u202f2:30\u202fPM
"""),
)
def test_a_time_without_zone_is_read_and_stated(text):
    assert read_instant(text) == Instant(HALF_PAST_TWO, cause="no_time_zone")


@pytest.mark.parametrize(
    "text",
    written("""
    2026-03-19T18:30:00Z | 2026-03-19T18:30Z | 2026-03-19 18:30:00Z | 2026-03-19T18:30:00+00:00
    2026-03-19T14:30:00-04:00 | 2026-03-19T14:30:00-0400 | 2026-03-19T14:30-04 | 20260319183000Z
    2026-03-19 14:30:00 -0400 | 2026-03-19T14:30:00 −04:00 | 20260319143000-0400 | 202603191430-0400
    20260319143000.0000-0400 | 20260319T143000-0400 | 2026-03-19T14:30:00.0000000-04:00
    2026-03-19 14:30 EDT | March 19, 2026 2:30 PM EDT | 2026-03-19 14:30 HAE
    19 mars 2026 14h30 HAE
    2026-03-19 14:30 (EDT) | 2026-03-19 18:30 UTC | 2026-03-19 18:30 GMT | 2026-03-19 2:30 PM ET
    2026-03-19 13:30 CDT | 2026-03-19 12:30 MT | 2026-03-19 11:30 PDT | 2026-03-19 15:30 ADT
    2026-03-19 16:00 NDT | 2026-03-19 14:30 UTC-4 | 2026-03-19 14:30 GMT-04:00
    Thu, 19 Mar 2026 14:30:00 -0400 | Thu, 19 Mar 2026 18:30:00 GMT | Thu Mar 19 14:30:00 EDT 2026
    Thu Mar 19 2026 14:30:00 GMT-0400 (Eastern Daylight Time) | 2026-03-19 18:30:00 +0000 UTC
    2026-03-19T14:30:00-04:00[America/Toronto] | 2026-03-19T18:30:00z | 2026-03-19t18:30:00Z
"""),
)
def test_an_instant_with_its_zone_is_read(text):
    read = read_instant(text)
    assert (read.at, read.cause) == (datetime(2026, 3, 19, 18, 30, tzinfo=UTC), "")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-19 14:30:00.123", datetime(2026, 3, 19, 14, 30, 0, 123000)),
        ("2026-03-19 12:05 AM", datetime(2026, 3, 19, 0, 5)),
        ("2026-03-19 12:05 PM", datetime(2026, 3, 19, 12, 5)),
        ("2026-03-19 0:05 AM", datetime(2026, 3, 19, 0, 5)),
        ("2026-03-19 2 PM", datetime(2026, 3, 19, 14)),
        ("19 mars 2026 14 h", datetime(2026, 3, 19, 14)),
        ("19 mars 2026, 9 h 05", datetime(2026, 3, 19, 9, 5)),
        ("2026-03-19T24:00", datetime(2026, 3, 20)),
        ("2026-03-19T23:59:60", datetime(2026, 3, 20)),
        ("2026-03-19T14", datetime(2026, 3, 19, 14)),
        (
            "2026-01-19 14:30 EST",
            datetime(2026, 1, 19, 14, 30, tzinfo=timezone(timedelta(hours=-5))),
        ),
        (
            "2026-11-01 01:30 EDT",
            datetime(2026, 11, 1, 1, 30, tzinfo=timezone(timedelta(hours=-4))),
        ),
        (
            "2026-11-01 01:30 EST",
            datetime(2026, 11, 1, 1, 30, tzinfo=timezone(timedelta(hours=-5))),
        ),
    ],
)
def test_times_of_many_forms(text, at):
    read = read_instant(text)
    assert read.at == at
    assert (read.at.tzinfo is None) == (read.cause == "no_time_zone")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-19", "2026-03-19"),
        ("20260319", "2026-03-19"),
        ("2026-03", "2026-03"),
        ("2026", "2026"),
        ("March 19, 2026", "2026-03-19"),
        ("19 mars 2026", "2026-03-19"),
        ("2026-03-19Z", "2026-03-19"),
        ("2026-03-19+00:00", "2026-03-19"),
    ],
)
def test_a_date_alone_stays_one(text, day):
    assert read_instant(text) == Instant(date=day)
    assert read_instant(text).text == day


@pytest.mark.parametrize(
    "text",
    [
        "03/04/2026 14:30",
        "03/04/2026",
        "19/03/26 14:30",
        "2026-03-19-09:30",  # half past nine, or the 19th west of Greenwich
        "20260319-0500",
        "2026-07-19 14:30 EST",  # the clock on the wall shows EDT
        "2026-01-19 14:30 EDT",
        "2026-11-01 01:30 ET",  # comes twice that night
        "Friday, March 19, 2026 2:30 PM",
    ],
)
def test_an_instant_with_two_meanings_is_not_read(text):
    assert read_instant(text) == Instant(cause="ambiguous_date")


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "14:30",
        "2:30 PM",
        "2026-03-19 25:00",
        "2026-03-19 14:60",
        "2026-03-19T24:01",
        "2026-03-19 14:30 AM",
        "2026-03-19 0:30 PM",
        "2026-03-19 14:30 XYZ",
        "2026-03-19 14:30 or 15:30",
        "2026-03-19 14:30-15:30",
        "2026-03-19 14:30 -99:00",
        "2026-03 14:30",
        "2026-02-30T14:30:00Z",
        "1742394600",
        "1742394600000",
        "2026031910430",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00",
        "2026-03-19 14:30 (Somewhere)",
    ],
)
def test_what_is_no_instant_is_not_read(text):
    assert read_instant(text) == Instant(cause="not_an_instant")


# -- Properties ----------------------------------------------------------------------------------

days = st.dates(date(1850, 1, 1), date(2199, 12, 31))
moments = st.datetimes(datetime(1850, 1, 2), datetime(2199, 12, 30))
PIECES = (
    "19 3 1991 29 06 - / . , : T Z h PM am juin June mar sam. le 1er +05:00 EST 14:30 ² ٣ – ' ( ["
)
pieces = st.sampled_from([*PIECES.split(), " ", "\xa0"])
anything = st.text(max_size=60) | st.lists(pieces, max_size=12).map("".join)


@given(days)
def test_every_date_is_read_in_every_unambiguous_form(day):
    english = f"{day:%B} {day.day}, {day.year}"
    for form in (
        day.isoformat(),
        f"{day:%Y%m%d}",
        f"{day:%d-%b-%Y}",
        english,
        f"{day:%A}, {english}",
    ):
        assert read_date(form) == (day.isoformat(), "")


@given(days)
def test_a_date_in_numbers_is_read_rightly_or_not_at_all(day):
    for form in (f"{day:%d/%m/%Y}", f"{day:%m/%d/%Y}"):
        assert read_date(form) in [(day.isoformat(), ""), ("", "ambiguous_date")]


@given(moments, st.integers(-14 * 60, 14 * 60))
def test_every_iso_instant_is_read_as_it_is(at, minutes):
    aware = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert read_instant(aware.isoformat()) == Instant(aware)
    assert read_instant(at.isoformat()) == Instant(at, cause="no_time_zone")


@given(anything)
def test_reading_never_fails_and_gives_the_reason_it_read_nothing(text):
    day, cause = read_date(text)
    assert bool(day) != bool(cause) or not text.strip() or not (day or cause)
    assert cause in ("", *CAUSES)
    read = read_instant(text)
    assert read.cause in ("", *CAUSES)
    assert not (read.at and read.date)
    if read.cause not in ("", "no_time_zone"):
        assert read.text == ""


@given(anything)
def test_what_is_read_is_read_again_from_its_iso_form(text):
    day, _ = read_date(text)
    assert read_date(day) == (day, "")
    read = read_instant(text)
    assert read_instant(read.text).at == read.at
    assert read_instant(read.text).date == read.date


@pytest.mark.parametrize("piece", ["1", " ", "a", "1:", "1 h ", "jan ", "\u0301", "1-", "(", "½"])
def test_a_long_text_takes_no_time(piece):
    assert read_date(piece * 1_000_000)[0] == ""
    assert read_instant(piece * 1_000_000).text == ""
