"""When something that repeats is due: five cron fields, by the clock on the wall of a zone. Pure.

    minute hour day-of-month month day-of-week

`*`, lists, ranges, steps, and English names of months and days. Where days of the month and of the
week are both given, either will do, as cron has it.

When clocks go forward, a time that does not exist comes as much later as they went forward. When
they go back, a time that comes twice counts once; where every hour is meant, each real hour counts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.text.sentences import Cause

NAMED = {
    "hourly": "0 * * * *",
    "daily": "0 6 * * *",
    "weekdays": "0 6 * * 1-5",
    "weekly": "0 6 * * 1",
}
NOT_FIVE = Cause(
    "schedule_not_five",
    "A schedule is one of {names}, or has five fields, such as “30 6 * * 1-5”.",
)
NO_MINUTE = Cause("schedule_no_minute", "“{part}” is not a minute: 0 to 59.")
NO_HOUR = Cause("schedule_no_hour", "“{part}” is not an hour: 0 to 23.")
NO_DAY = Cause("schedule_no_day", "“{part}” is not a day of the month: 1 to 31.")
NO_MONTH = Cause("schedule_no_month", "“{part}” is not a month: 1 to 12, or jan to dec.")
NO_WEEKDAY = Cause(
    "schedule_no_weekday", "“{part}” is not a day of the week: 0 to 7, or sun to sat."
)
NEVER = Cause("schedule_never", "There is no such day.")


def _names(first: int, *names: str) -> dict[str, int]:
    """Return the number of each name; three letters of it are enough."""
    numbered = list(enumerate(names, start=first))
    return {name[:3]: number for number, name in numbered} | {
        name: number for number, name in numbered
    }


@dataclass(frozen=True, slots=True)
class _Field:
    """What one of the five fields takes."""

    low: int
    high: int
    bad: Cause
    names: Mapping[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        """Return the number that a text means; raises ValueError."""
        is_number = text.isascii() and text.isdecimal()
        number = int(text) if is_number else self.names.get(text, -1)
        if not self.low <= number <= self.high:
            raise ValueError
        return number


_MONTHS = _names(
    1,
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_DAYS = _names(0, "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_FIELDS = (
    _Field(0, 59, NO_MINUTE),
    _Field(0, 23, NO_HOUR),
    _Field(1, 31, NO_DAY),
    _Field(1, 12, NO_MONTH, _MONTHS),
    _Field(0, 7, NO_WEEKDAY, _DAYS),
)
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?")
_LOOK_AHEAD = 8 * 366 + 2  # days: between two 29ths of February may be eight years


class BadSchedule(ValueError):
    """This is no schedule. `str()` is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times that repeat. Made by `read`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    any_hour: bool
    any_day: bool
    any_weekday: bool

    def after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the first time after `at`, in UTC."""
        first = at.astimezone(zone).date() - timedelta(days=1)
        for number in range(_LOOK_AHEAD):
            day = first + timedelta(days=number)
            if self._is_on(day):
                for found in sorted(self._times(day, zone)):
                    if found > at:
                        return found
        raise BadSchedule(NEVER())

    def _is_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return of_month and of_week
        return of_month or of_week

    def _times(self, day: date, zone: ZoneInfo) -> set[datetime]:
        found = set()
        for hour in self.hours:
            for minute in self.minutes:
                first = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                second = first.replace(fold=1)
                exists = _is_real(first)
                if exists or not self.any_hour:  # of every hour, the next one comes anyway
                    found.add(first.astimezone(UTC))
                if exists and self.any_hour:
                    found.add(second.astimezone(UTC))
        return found


def read(text: str) -> Schedule:
    """Return the schedule that a text means; raises BadSchedule."""
    fields = NAMED.get(text.strip().lower(), text).split()
    if len(fields) != len(_FIELDS):
        raise BadSchedule(NOT_FIVE(names=", ".join(NAMED)))
    read_ = [_read(part, kind) for part, kind in zip(fields, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = read_
    schedule = Schedule(
        minutes,
        hours,
        days,
        months,
        frozenset(day % 7 for day in weekdays),
        any_hour=fields[1].startswith("*"),
        any_day=fields[2].startswith("*"),
        any_weekday=fields[4].startswith("*"),
    )
    schedule.after(datetime(2000, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))  # or it never comes
    return schedule


def _read(text: str, kind: _Field) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        try:
            found.update(_part(part, kind))
        except ValueError:
            raise BadSchedule(kind.bad(part=part)) from None
    return frozenset(found)


def _part(part: str, kind: _Field) -> range:
    """Return the numbers that a part of a list means; raises ValueError."""
    matched = _PART.fullmatch(part)
    if not matched:
        raise ValueError
    star, first, last, step = matched.groups()
    start = kind.low if star else kind.number(first)
    # `5/15` goes on as far as there is something.
    end = kind.number(last) if last else kind.high if star or step else start
    if end == 0 and kind.names is _DAYS:
        end = start and kind.high  # Sunday ends a week, too: `sat-sun`
    if end < start or step == "0":
        raise ValueError
    return range(start, end + 1, int(step or 1))


def _is_real(local: datetime) -> bool:
    """Return whether clocks show this time at all."""
    there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
    return there_and_back.replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0)
