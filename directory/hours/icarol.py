"""Plain weekly hours as iCarol writes them: `Mon 08:00 - 16:00; Tue 08:00 - 16:00; `."""

import re
from collections.abc import Iterable

from directory.hours.opening import Schedule
from directory.hours.reading import WeeklyHours
from directory.hours.rules import DAYS, Rule

DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CODES = {name.casefold(): code for name, code in zip(DAY_NAMES, DAYS, strict=True)}
_PART = re.compile(
    r"([A-Za-z]{3})\w*\s+(\d{1,2}):(\d{2})(?::\d{2})?\s*[-\u2013]\s*(\d{1,2}):(\d{2})(?::\d{2})?",
    re.ASCII,
)
_DAY = 24 * 60


def is_plain(schedule: Schedule) -> bool:
    """Return whether the schedule is weekly hours and nothing more, as `Hours` can hold them."""
    rule = schedule.rule
    if rule is None or schedule.hours is None or schedule.closings:
        return False
    # On which day a week begins says nothing of hours that hold every week.
    weekly = Rule("WEEKLY", by_day=rule.by_day, week_start=rule.week_start)
    return not schedule.is_bounded and bool(rule.by_day) and rule == weekly


def day_hours(schedules: Iterable[Schedule]) -> list[tuple[int, int, int]]:
    """Return (weekday, opens, closes) of plain schedules, in minutes, in the order of the week.

    `closes` is from 0 to 1439: 23:59 where the hours last until midnight.
    """
    found: set[tuple[int, int, int]] = set()
    for schedule in schedules:
        if schedule.rule and schedule.hours:
            hours = schedule.hours
            closes = _DAY - 1 if hours.closes == _DAY else hours.closes % _DAY
            shift = hours.shift
            days = [(DAYS.index(code) + shift) % 7 for _, code in schedule.rule.by_day]
            found.update((day, hours.opens, closes) for day in days)
    return sorted(found)


def format_hours(schedules: Iterable[Schedule]) -> str:
    """Return plain schedules as the text of the column `Hours`, each part with its semicolon."""
    return "".join(
        f"{DAY_NAMES[day]} {_clock(opens)} - {_clock(closes)}; "
        for day, opens, closes in day_hours(schedules)
    )


def parse_hours(text: str) -> list[WeeklyHours] | None:
    """Return the hours in the column `Hours`, days with the same hours as one; None if unread."""
    days: dict[tuple[int, int], list[str]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        found = _PART.fullmatch(part)
        code = _CODES.get(found[1].casefold()) if found else None
        if found is None or code is None:
            return None
        opens, closes = (_minutes(found[at], found[at + 1]) for at in (2, 4))
        if opens is None or closes is None:
            return None
        days.setdefault((opens, closes), []).append(code)
    return [WeeklyHours(tuple(codes), *hours) for hours, codes in days.items()] or None


def _minutes(hour: str, minute: str) -> int | None:
    minutes = int(hour) * 60 + int(minute)
    return minutes % _DAY if int(minute) < 60 and minutes <= _DAY else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
