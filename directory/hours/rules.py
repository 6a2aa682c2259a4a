"""On which days a rule of RFC 5545 falls, as the columns of an HSDS schedule row give it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MINYEAR, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday

from directory.reading.days import parse_day

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NAMES = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_FREQUENCIES: dict[str, Literal[1, 2]] = {"WEEKLY": WEEKLY, "MONTHLY": MONTHLY}
_BY_DAY = re.compile(r"([+-]?\d{1,2})?\s*([A-Z]{2,9})", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_WHOLE = re.compile(r"(\d{1,6})(?:\.0*)?", re.ASCII)
_WEEK = timedelta(days=7)


class Incomputable(ValueError):
    """The days of a rule cannot be known. `reason` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of RFC 5545, by day. Hashable, so that equal rules are computed once.

    `start` is the day that intervals and counts are reckoned from, and that stands for a missing
    weekday or day of the month; None where the rule says all by itself.
    """

    freq: str
    interval: int = 1
    start: date | None = None
    count: int | None = None
    week_start: str = "MO"
    by_day: tuple[tuple[int, str], ...] = ()  # (2, "TU"): the second Tuesday; (0, "TU"): each
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week: tuple[int, ...] = ()

    def days(self, first: date, last: date) -> tuple[date, ...]:
        """Return the days of the rule from `first` to `last`, both included."""
        return _days(self, first, last)


def parse_rule(row: Mapping[str, Any]) -> Rule:
    """Return the rule in the columns of a schedule row; raises Incomputable.

    Read are `freq interval dtstart valid_from count wkst byday bymonthday byyearday byweekno`.
    What only bounds the days (`valid_from valid_to until`, `dtstart` as the first day) does not
    belong to the rule.
    """
    freq = _text(row, "freq").upper()
    if freq not in _FREQUENCIES:
        raise Incomputable(f"The frequency “{freq}” is not WEEKLY or MONTHLY." if freq else _NONE)
    interval = _positive(row, "interval") or 1
    count = _positive(row, "count")
    by_day = _by_day(_text(row, "byday"))
    if freq == "WEEKLY" and any(ordinal for ordinal, _ in by_day):
        raise Incomputable("A weekly rule cannot name the second or last weekday of a month.")
    by_month_day = _numbers(row, "bymonthday", 31)
    by_year_day = _numbers(row, "byyearday", 366)
    by_week = _numbers(row, "byweekno", 53)
    names_days = bool(by_day or by_month_day or by_year_day or by_week)
    start = parse_day(row.get("dtstart")) or parse_day(row.get("valid_from"))
    needs_start = interval > 1 or count is not None or not names_days
    if needs_start and start is None:
        raise Incomputable("The rule has no first day to count from.")
    return Rule(
        freq,
        interval,
        start if needs_start else None,
        count,
        _week_start(_text(row, "wkst")),
        by_day,
        by_month_day,
        by_year_day,
        by_week,
    )


_NONE = "The hours have no rule that says on which days they hold."


@lru_cache(maxsize=4096)
def _days(rule: Rule, first: date, last: date) -> tuple[date, ...]:
    if first > last:
        return ()
    found = rrule(
        _FREQUENCIES[rule.freq],
        dtstart=datetime.combine(_start(rule, first), time()),
        until=datetime.combine(last, time()),
        interval=rule.interval,
        wkst=weekday(DAYS.index(rule.week_start)),
        byweekday=[weekday(DAYS.index(day), nth or None) for nth, day in _by_day_of(rule)] or None,
        bymonthday=rule.by_month_day or _month_day_of(rule),
        byyearday=rule.by_year_day or None,
        byweekno=rule.by_week or None,
    )
    # Counted here: dateutil takes a count or an end, and one without an end may find nothing.
    counted = islice(found, rule.count)
    return tuple(moment.date() for moment in counted if moment.date() >= first)


def _start(rule: Rule, first: date) -> date:
    """Return a day to compute from: a turn of the rule at or shortly before `first`.

    Counts have to be reckoned from the rule's own start. Otherwise a rule of long ago would be
    walked through for years.
    """
    if rule.start is None:
        return first.replace(day=1) if rule.freq == "MONTHLY" else _week_of(first, rule)
    if rule.count is not None or first <= rule.start:
        return rule.start
    if rule.freq == "WEEKLY":
        weeks = (first - _week_of(rule.start, rule)).days // 7
        turns = weeks // rule.interval * rule.interval
        return max(rule.start, _week_of(rule.start, rule) + turns * _WEEK)
    months = (first.year - rule.start.year) * 12 + first.month - rule.start.month
    turns = months // rule.interval * rule.interval
    year, month = divmod(rule.start.year * 12 + rule.start.month - 1 + turns, 12)
    return max(rule.start, date(year, month + 1, 1))


def _by_day_of(rule: Rule) -> tuple[tuple[int, str], ...]:
    is_bare = not (rule.by_day or rule.by_month_day or rule.by_year_day or rule.by_week)
    if is_bare and rule.freq == "WEEKLY" and rule.start:
        return ((0, DAYS[rule.start.weekday()]),)
    return rule.by_day


def _month_day_of(rule: Rule) -> int | None:
    is_bare = not (rule.by_day or rule.by_year_day or rule.by_week)
    return rule.start.day if is_bare and rule.freq == "MONTHLY" and rule.start else None


def _week_of(day: date, rule: Rule) -> date:
    """Return the first day of the week that a day is in."""
    days = (day.weekday() - DAYS.index(rule.week_start)) % 7
    return day - timedelta(days=days) if day.toordinal() > days else date(MINYEAR, 1, 1)


def _by_day(text: str) -> tuple[tuple[int, str], ...]:
    days = []
    for part in filter(None, re.split(r"[,;\s]+", text.upper())):
        found = _BY_DAY.fullmatch(part)
        day = _day_code(found[2]) if found else None
        ordinal = int(found[1] or 0) if found else 0
        if day is None or abs(ordinal) > 5 or (found and found[1] and ordinal == 0):
            raise Incomputable("The weekdays cannot be read.")
        days.append((ordinal, day))
    return tuple(days)


def _day_code(word: str) -> str | None:
    """Return the code of a weekday: `TU`, `TUE` and `TUESDAY` are one."""
    code = word[:2]
    is_name = any(name.startswith(word) for name in _NAMES)
    return code if code in DAYS and (len(word) == 2 or is_name) else None


def _week_start(text: str) -> str:
    return _day_code(text.upper()) or "MO"


def _numbers(row: Mapping[str, Any], column: str, most: int) -> tuple[int, ...]:
    numbers = []
    for part in filter(None, re.split(r"[,;\s]+", _text(row, column))):
        number = int(part) if _NUMBER.fullmatch(part) else 0
        if not 0 < abs(number) <= most:
            raise Incomputable(f"The column {column} cannot be read.")
        numbers.append(number)
    return tuple(numbers)


def _positive(row: Mapping[str, Any], column: str) -> int | None:
    text = _text(row, column)
    if not text:
        return None
    found = _WHOLE.fullmatch(text)
    if found is None or int(found[1]) < 1:
        raise Incomputable(f"The column {column} is not a whole number above 0.")
    return int(found[1])


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    return "" if value is None else str(value).strip()
