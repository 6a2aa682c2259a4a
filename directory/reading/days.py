"""Days and moments as files write them."""

import re
from datetime import date, datetime

_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\b", re.ASCII)
_NO_DAY = date(1900, 1, 1)  # what iCarol and Excel write for a day that is not known


def parse_day(value: object) -> date | None:
    """Return the day of a date, a date-time, or a text that begins with an ISO date; else None.

    1900-01-01 is no day.
    """
    day = value.date() if isinstance(value, datetime) else value
    if not isinstance(day, date):
        day = _from_text(str(value or "").strip())
    return None if day == _NO_DAY else day


def parse_moment(value: object) -> datetime | None:
    """Return the moment of an ISO date-time, or of a date at midnight; else None.

    It is naive where the text has no offset.
    """
    if isinstance(value, datetime):
        return value
    text = str(value or "").strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        day = parse_day(text)
        return datetime(day.year, day.month, day.day) if day else None  # noqa: DTZ001 naive by intent
    return None if moment.date() == _NO_DAY else moment


def _from_text(text: str) -> date | None:
    try:
        if found := _SLASHES.match(text):  # month first, as North American programs export it
            return date(int(found[3]), int(found[1]), int(found[2]))
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
