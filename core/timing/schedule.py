"""When something that repeats is due: five cron fields, by the clock on the wall of a zone. Pure.

    minute hour day-of-month month day-of-week

`*`, lists, ranges, steps, and English names of months and days. Where days of the month and of the
week are both given, either will do, as cron has it.

When clocks go forward, a time that does not exist comes as much later as they went forward. When
they go back, a time that comes twice counts once; where every hour is meant, each real hour counts.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NAMED = {
    "hourly": "0 * * * *",
    "daily": "0 6 * * *",
    "weekdays": "0 6 * * 1-5",
    "weekly": "0 6 * * 1",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
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
        raise BadSchedule("There is no such day.")

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
        raise BadSchedule(
            f"A schedule is one of {', '.join(NAMED)}, or has five fields, such as “30 6 * * 1-5”."
        )
    read_ = [_read(part, *field) for part, field in zip(fields, _FIELDS, strict=True)]
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


def _read(field: str, name: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in field.lower().split(","):
        matched = _PART.fullmatch(part)
        if not matched:
            raise BadSchedule(f"“{part}” is not a {name}.")
        star, first, last, step = matched.groups()
        start = low if star else _number(first, name, low, high, names)
        end = _end(star, last, step, start, name, low, high, names)
        if end < start or step == "0":
            raise BadSchedule(f"“{part}” is not a {name}.")
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def _end(
    star: str | None,
    last: str | None,
    step: str | None,
    start: int,
    name: str,
    low: int,
    high: int,
    names: dict[str, int],
) -> int:
    """Return where a range ends; `5/15` goes on as far as there is something."""
    if last:
        return _number(last, name, low, high, names)
    return high if star or step else start


def _number(text: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    number = names.get(text[:3], -1) if text.isalpha() else int(text) if text.isdecimal() else -1
    if not low <= number <= high:
        raise BadSchedule(f"“{text}” is not a {name}.")
    return number


def _is_real(local: datetime) -> bool:
    """Return whether clocks show this time at all."""
    there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
    return there_and_back.replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0)
