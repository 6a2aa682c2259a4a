"""Times as Canadian French and English write them."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone, translation
from django.utils.formats import date_format

AFTERNOON = datetime(2026, 11, 5, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "form", "expected"),
    [
        ("fr-ca", "TIME_FORMAT", "14 h 05"),
        ("fr-ca", "DATETIME_FORMAT", "5 novembre 2026, 14 h 05"),
        ("fr-ca", "SHORT_DATETIME_FORMAT", "2026-11-05 14 h 05"),
        ("en-ca", "TIME_FORMAT", "14:05"),
        ("en-ca", "SHORT_DATETIME_FORMAT", "2026-11-05 14:05"),
    ],
)
def test_a_time_is_written_with_24_hours(language: str, form: str, expected: str) -> None:
    with translation.override(language), timezone.override(UTC):
        assert date_format(AFTERNOON, form).replace("\xa0", " ") == expected
