"""Values of parameters, read strictly: what cannot be read is refused with a sentence."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from directory.reading import postcodes
from directory.reading.words import words

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_MOMENT = re.compile(
    rf"({_DATE})[Tt ]({_CLOCK})(?:([Zz])|([+ -][0-9]{{2}}):?([0-9]{{2}}))?", re.ASCII
)
_DAY = re.compile(_DATE, re.ASCII)
_MOST_PER_PAGE = 500
_MOST_CHANGES = 1000
_MOST_WORDS = 100
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(_("Use true or false."))
    return text == "true"


def id_of_entry(text: str) -> UUID:
    if not _ID.fullmatch(text):
        raise ValueError(_("This is not an ID. Send a UUID."))
    return UUID(text)


def page(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(_("Use a whole number from 1 on, of up to nine digits."))
    return int(text)


def per_page(text: str) -> int:
    return _whole(text, _MOST_PER_PAGE)


def limit(text: str) -> int:
    return _whole(text, _MOST_CHANGES)


def _whole(text: str, most: int) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > most:
        raise ValueError(_("Use a whole number from {least} to {most}.").format(least=1, most=most))
    return int(text)


def format_of_list(text: str) -> str:
    if text not in ("json", "ndjson"):
        raise ValueError(_("Use json or ndjson."))
    return text


def text(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ValueError(_("It contains a character that cannot be stored."))
    return text


def search(text_of_words: str) -> str:
    """Return a text whose words are looked for: a few, as each is a part of the statement."""
    if len(words(text(text_of_words))) > _MOST_WORDS:
        raise ValueError(f"Use up to {_MOST_WORDS} words.")
    return text_of_words


def spoken_language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise ValueError(_("Use a code of ISO 639, such as fr."))
    return text.casefold()


def postcode(text: str) -> str:
    if not postcodes.lookups(text):
        raise ValueError(_("This is not a postcode. Send one such as K1A 0B1, K1A, or 12345."))
    return text


def between(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a number from `least` to `most`."""

    def read(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not least <= float(text) <= most:
            limits = {"least": f"{least:g}", "most": f"{most:g}"}
            raise ValueError(_("Use a number from {least} to {most}.").format(**limits))
        return float(text)

    return read


@dataclass(frozen=True)
class Moment:
    """A moment as it was asked for; without an offset, `zone` says where."""

    local: datetime

    def in_zone(self, zone: ZoneInfo) -> datetime:
        if self.local.tzinfo is None:
            return self.local.replace(tzinfo=zone)
        return self.local.astimezone(zone)


NOW = "now"


def moment_or_now(text: str) -> Any:
    """Return NOW, or a Moment."""
    return NOW if text == NOW else Moment(_moment(text))


def since(text: str) -> datetime:
    """Return the moment from a date or a date-time; without an offset, it is UTC."""
    if _DAY.fullmatch(text):
        return datetime.combine(_valid(date.fromisoformat, text), time(), UTC)
    moment = _moment(text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(_(_NO_MOMENT)) from None


def _moment(text: str) -> datetime:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(_(_NO_MOMENT))
    day, clock, zulu, hours, minutes = found.groups()
    # A plus that nobody escaped arrives as a blank.
    offset = "+00:00" if zulu else f"{hours.replace(' ', '+')}:{minutes}" if hours else ""
    moment: datetime = _valid(datetime.fromisoformat, f"{day}T{clock}{offset}")
    return moment


_NO_MOMENT = gettext_noop("This is not a date-time. Send one such as 2026-11-30T14:00:00-05:00.")


def _valid(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        raise ValueError(_(_NO_MOMENT)) from None
