"""Dates and instants of a document, as people and records write them."""

import re
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

_INSTANT = re.compile(
    r"(?<![\w-])\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})?"
    r"(?![\w+:]|[.-]\d)",
    re.ASCII,
)
_HAS_TIME = re.compile(r"^\d{4}-?\d{2}-?\d{2}[T ]\d{2}")


def parse_instant(text: str, time_zone: ZoneInfo) -> datetime | None:
    """Return the instant in the time zone; None when `text` is not a date with a time.

    A time without an offset is taken to be local: `has_offset` tells.
    """
    if not _HAS_TIME.match(text.strip()):
        return None
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is None:
            return instant.replace(tzinfo=time_zone)
        return instant.astimezone(time_zone)
    except (ValueError, OverflowError):
        return None


def has_offset(text: str) -> bool:
    """Return whether an instant, as written, says how far from UTC it is."""
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is not None
    except ValueError:
        return False


def parse_date(text: str) -> date | None:
    """Return the date that `text` (YYYY-MM-DD) says, or None."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip(), re.ASCII):
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def for_people(text: str, time_zone: ZoneInfo) -> str:
    """Return an instant as `2026-03-19 14:30 EDT`; what is not an instant comes back as it is."""
    instant = parse_instant(text, time_zone)
    if instant is None:
        return text
    return f"{instant:%Y-%m-%d %H:%M %Z}" if instant.year > 999 else text


def with_instants(text: str, say: Callable[[str], str]) -> str:
    """Return the text with each instant in it (ISO 8601, with a "T") as `say` writes it."""
    return _INSTANT.sub(lambda found: say(found[0]), text)
