"""Times as Canadian French and English write them, in one style."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format

from tests.dates import other_dates_in

AFTERNOON = datetime(2026, 11, 5, 14, 5, 9, tzinfo=UTC)
DAYS = {"en-ca": "Nov 5", "fr-ca": "5 nov."}
DATES = {"en-ca": "Nov 5, 2026", "fr-ca": "5 nov. 2026"}
TIMES = {"en-ca": "14:05", "fr-ca": "14 h 05"}
SECONDS = {"en-ca": ":09", "fr-ca": " min 09 s"}


@pytest.mark.parametrize("language", DATES)
def test_every_format_of_a_language_has_the_same_style(language: str) -> None:
    day, date, time = DAYS[language], DATES[language], TIMES[language]
    expected = {
        "DATE_FORMAT": date,
        "SHORT_DATE_FORMAT": date,
        "DATETIME_FORMAT": f"{date}, {time}",
        "SHORT_DATETIME_FORMAT": f"{date}, {time}",
        "TIME_FORMAT": time,
        "MONTH_DAY_FORMAT": day,
        "DAY_AND_TIME": f"{day}, {time}",
        "TO_THE_SECOND": f"{date}, {time}{SECONDS[language]}",
    }
    with translation.override(language), timezone.override(UTC):
        written = {form: date_format(AFTERNOON, form) for form in expected}
    assert {form: text.replace("\xa0", " ") for form, text in written.items()} == expected
    for text in written.values():
        assert not list(other_dates_in(f"<p>{text}</p>", language[:2])), text


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            "2026-11-05|5 Nov 2026|5 November|Nov. 5|November 5, 2026|11/05/2026|2:05 p.m.|2 pm",
        ),
        ("fr", "2026-11-05|Nov 5|5 novembre 2026|05/11/2026|14:05|14h05|2:05 p.m.|1er nov. 2026"),
    ],
)
def test_another_style_is_found(language: str, texts: str) -> None:
    for text in texts.split("|"):
        assert list(other_dates_in(f"<p>Since {text} or so</p>", language)), text


def test_templates_name_formats_and_write_none_themselves() -> None:
    templates = [*Path(settings.BASE_DIR, "templates").rglob("*.html")]
    assert templates
    found = {
        f"{path.name}: {form}"
        for path in templates
        for form in re.findall(r"""\|(?:date|time):["']([^"']*)""", path.read_text())
        if form != "c" and not re.fullmatch("[A-Z_]{4,}", form)
    }
    assert not found
