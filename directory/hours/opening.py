"""Opening hours computed: open at a moment, open until, next opening, a week at a glance.

Every moment here is a naive `datetime` in local wall time of the directory's time zone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from directory.hours.closings import Closing, split
from directory.hours.rules import DAYS, Incomputable, Rule, parse_rule
from directory.hours.times import Hours, local_hours, parse_time
from directory.reading.days import parse_day

_DAY = timedelta(days=1)
LOOK_AHEAD = timedelta(days=62)  # “the first Monday of every second month” opens within it
ALWAYS = timedelta(days=8)  # what does not close for so long is open around the clock


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """A time during which something is open: `start` counts, `end` does not."""

    start: datetime
    end: datetime

    def covers(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule row, as far as it can be computed.

    `reason` is a sentence for people where it cannot: then `openings` finds none, and the row has
    to be shown in words.
    """

    rule: Rule | None = None
    hours: Hours | None = None
    first: date = date.min
    last: date = date.max
    closings: tuple[Closing, ...] = ()
    reason: str = ""

    @property
    def is_bounded(self) -> bool:
        return (self.first, self.last) != (date.min, date.max)

    @property
    def is_one_day(self) -> bool:
        return self.first == self.last

    def openings(self, first: date, last: date, *, closed: bool = True) -> Iterator[Opening]:
        """Yield the openings that begin from `first` to `last`, in order.

        With `closed=False`, also those of days on which it is closed: the usual hours.
        """
        if self.rule is None or self.hours is None:
            return
        shift = timedelta(days=self.hours.shift)
        for day in self.rule.days(max(self.first, first - shift), min(self.last, last - shift)):
            begins = day + shift
            if not (closed and any(closing.covers(begins) for closing in self.closings)):
                yield _opening(begins, self.hours)


@dataclass(frozen=True, slots=True)
class State:
    """What holds at a moment: open or not, and until when.

    `until` is None for what is open around the clock; `opens` is None where no opening is near.
    """

    is_open: bool
    until: datetime | None = None
    opens: datetime | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a week: the openings that begin on it, and those that usually would."""

    day: date
    openings: tuple[Opening, ...]
    usual: tuple[Opening, ...]

    @property
    def is_exception(self) -> bool:
        return self.openings != self.usual


def parse_schedule(row: Mapping[str, Any], zone: ZoneInfo, year: int) -> Schedule:
    """Return what can be computed of an HSDS schedule row, whose values are text, dates, numbers.

    `year` is that of the moment asked for: it says which offsets the time zone has.
    """
    firsts = [day for name in ("valid_from", "dtstart") if (day := parse_day(row.get(name)))]
    lasts = [day for name in ("valid_to", "until") if (day := parse_day(row.get(name)))]
    bounds = max(firsts, default=date.min), min(lasts, default=date.max)
    closings, _ = split(str(row.get("notes") or ""))
    try:
        opens, closes = (parse_time(str(row.get(name) or "")) for name in ("opens_at", "closes_at"))
        if opens is None or closes is None:
            raise Incomputable("There are no hours.")
        hours = local_hours(opens, closes, zone, year)
        rule = _rule(row, *bounds)
    except Incomputable as incomputable:
        return Schedule(closings=closings, reason=incomputable.reason)
    return Schedule(rule, hours, *bounds, closings)


def openings(
    schedules: Iterable[Schedule], first: date, last: date, closed: Iterable[Closing] = ()
) -> list[Opening]:
    """Return the openings that begin from `first` to `last`, in order; what touches is one.

    `closed` are closings of the whole service, beside those of each schedule.
    """
    shut = tuple(closed)
    found = sorted(
        opening
        for schedule in schedules
        for opening in schedule.openings(first, last)
        if not any(closing.covers(opening.start.date()) for closing in shut)
    )
    return _merged(found)


def is_open(
    schedules: Sequence[Schedule], moment: datetime, closed: Iterable[Closing] = ()
) -> bool:
    """Return whether one of the schedules is open.

    Hours past midnight belong to the day they began: a closing of the next day does not cut them.
    """
    near = openings(schedules, moment.date() - _DAY, moment.date(), closed)
    return any(opening.covers(moment) for opening in near)


def state_at(
    schedules: Sequence[Schedule], moment: datetime, closed: Iterable[Closing] = ()
) -> State:
    """Return whether it is open, and until when; else when it opens, in the next two months."""
    last = (moment + LOOK_AHEAD).date()
    for opening in openings(schedules, moment.date() - _DAY, last, closed):
        if opening.covers(moment):
            is_always = opening.end - moment > ALWAYS
            return State(True, None if is_always else opening.end)
        if opening.start > moment:
            return State(False, opens=opening.start)
    return State(False)


def week(schedules: Sequence[Schedule], first: date, closed: Iterable[Closing] = ()) -> list[Day]:
    """Return seven days from `first`, each with its hours and its usual hours."""
    shut = tuple(closed)
    days = [first + number * _DAY for number in range(7)]
    return [
        Day(day, tuple(openings(schedules, day, day, shut)), tuple(_usual(schedules, day)))
        for day in days
    ]


def _usual(schedules: Iterable[Schedule], day: date) -> list[Opening]:
    """Return the day's hours without closings, and without rows for this day alone."""
    regular = [schedule for schedule in schedules if not schedule.is_one_day]
    return _merged(
        sorted(
            opening for schedule in regular for opening in schedule.openings(day, day, closed=False)
        )
    )


def _merged(found: Iterable[Opening]) -> list[Opening]:
    merged: list[Opening] = []
    for opening in found:
        if merged and opening.start <= merged[-1].end:
            merged[-1] = Opening(merged[-1].start, max(merged[-1].end, opening.end))
        else:
            merged.append(opening)
    return merged


def _opening(day: date, hours: Hours) -> Opening:
    midnight = datetime.combine(day, time())
    return Opening(
        midnight + timedelta(minutes=hours.opens), midnight + timedelta(minutes=hours.closes)
    )


def _rule(row: Mapping[str, Any], first: date, last: date) -> Rule:
    """Return the row's rule; each day, where it has none but says from when until when."""
    is_span = not row.get("freq") and first != date.min and last != date.max
    if is_span and not any(row.get(name) for name in ("byday", "bymonthday", "byyearday")):
        return Rule("WEEKLY", by_day=tuple((0, day) for day in DAYS))
    return parse_rule(row)
