"""Schedules for formats that hold plain weekly hours, and everything else in words."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from core.database import clock
from directory.exporting.content.carried import Values
from directory.hours import closings as closing_days
from directory.hours.icarol import is_plain
from directory.hours.opening import Schedule, parse_schedule
from directory.hours.wording import in_words
from directory.models import Directory

_PLAIN = ("freq", "byday", "opens_at", "closes_at")
_RULE = (
    *_PLAIN,
    *("interval", "dtstart", "valid_from", "valid_to", "until", "count", "wkst"),
    *("byweekno", "bymonthday", "byyearday"),
)


@dataclass(slots=True)
class Hours:
    """The hours of an entry: plain weekly ones, and the text that says the rest."""

    weekly: list[Schedule] = field(default_factory=list)
    words: str = ""


@dataclass(frozen=True, slots=True)
class Wording:
    """How hours are read and worded in one file."""

    zone: ZoneInfo
    year: int
    language: str

    def take(self, schedules: Iterable[Values]) -> Hours:
        """Return the hours of schedules, and note which of their columns these carry."""
        hours = Hours()
        closings: list[closing_days.Closing] = []
        words: list[str] = []
        for one in schedules:
            parsed = parse_schedule(one.value, self.zone, self.year)
            _, notes = closing_days.split(one.get("notes") or "")
            if is_plain(replace(parsed, closings=())):
                hours.weekly.append(parsed)
                one.take_all((*_PLAIN, *(["interval"] if one.get("interval") == 1 else [])))
            elif text := self._in_words(one, parsed):
                words.append(text)
            else:
                continue
            closings += [closing for closing in parsed.closings if closing not in closings]
            if not notes:
                one.take("notes")
        text = "; ".join(dict.fromkeys(words))
        hours.words = closing_days.join(sorted(closings), text, self.language)
        return hours

    def _in_words(self, one: Values, parsed: Schedule) -> str:
        if parsed.rule is None or parsed.hours is None:
            return one.text("description")
        one.take_all(_RULE)
        return in_words(parsed, self.language)


def wording(directory: Directory, language: str) -> Wording:
    """Return how hours are worded in a file that is written today."""
    today: date = clock.now().astimezone(directory.zone).date()
    return Wording(directory.zone, today.year, language)
