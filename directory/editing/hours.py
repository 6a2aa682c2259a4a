"""Hours as staff edit them: a text for each weekday, rules such as “second Tuesday”, closings."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

from django.utils.translation import gettext

from directory import changes
from directory.hours.closings import Closing
from directory.hours.reading import read_pair
from directory.hours.rules import DAYS
from directory.models import Closing as ClosingRow
from directory.models import Location, Schedule, Service, ServiceAtLocation

_DAY = 24 * 60
Pair = tuple[int, int]  # opens and closes, in minutes since midnight
Holder = Service | ServiceAtLocation | Location  # what may have hours


class Unreadable(ValueError):
    """A text that says no hours; `str()` is a sentence for people."""


# -- the week -------------------------------------------------------------------------------------


def read_day(text: str) -> list[Pair]:
    """Return the hours of one day, from `9-12, 1-4:30`; none from an empty text.

    Raises Unreadable for a text that cannot be read as a whole.
    """
    found = []
    for part in re.split(r"[,;]", text):
        if not part.strip():
            continue
        pair = read_pair(part, "")
        if pair is None:
            problem = gettext("“{part}” cannot be read as hours. Examples: 9-4:30, 8pm-6am.")
            raise Unreadable(problem.format(part=part.strip()))
        found.append(pair)
    return sorted(found)


def write_day(pairs: Iterable[Pair]) -> str:
    """Return hours as `read_day` reads them back: `09:00-12:00, 13:00-16:30`."""
    return ", ".join(f"{_clock(opens)}-{_clock(closes)}" for opens, closes in sorted(pairs))


def _clock(minutes: int) -> str:
    return f"{minutes % _DAY // 60:02}:{minutes % 60:02}"


def is_plain(schedule: Schedule, local: Collection[int] = ()) -> bool:
    """Return whether the grid shows all that a schedule says.

    `local` has the offsets, in minutes, that mean a clock on the wall (`times.zone_offsets`).
    """
    is_weekly = schedule.freq == "WEEKLY" and schedule.interval in (None, 1)
    days = _days(schedule)
    others = (
        schedule.valid_from,
        schedule.valid_to,
        schedule.dtstart,
        schedule.until,
        schedule.count,
        schedule.byweekno,
        schedule.bymonthday,
        schedule.byyearday,
        schedule.description,
        schedule.notes,
        schedule.schedule_link,
        schedule.attending_type,
    )
    has_times = schedule.opens_at is not None and schedule.closes_at is not None
    offsets = {schedule.opens_at_offset, schedule.closes_at_offset}
    is_local = offsets <= {None, *local}
    return is_weekly and bool(days) and has_times and is_local and not any(others)


def _days(schedule: Schedule) -> list[str]:
    """Return the weekdays of a schedule; none, where it names something else."""
    days = [day.strip().upper() for day in schedule.byday.split(",") if day.strip()]
    return days if all(day in DAYS for day in days) else []


def grid(schedules: Iterable[Schedule], local: Collection[int] = ()) -> dict[str, str]:
    """Return the text of each weekday."""
    found: dict[str, list[Pair]] = {day: [] for day in DAYS}
    for schedule in schedules:
        if is_plain(schedule, local):
            pair = _minutes(schedule.opens_at), _minutes(schedule.closes_at)
            for day in _days(schedule):
                found[day].append(pair)
    return {day: write_day(pairs) for day, pairs in found.items()}


def _minutes(clock: time | None) -> int:
    return clock.hour * 60 + clock.minute if clock else 0


def set_grid(
    holder: Holder, week: Mapping[str, Sequence[Pair]], local: Collection[int] = ()
) -> None:
    """Give a service or a place these weekly hours, in `recording.edit`; other rules stay.

    Days with equal hours share a schedule. The closings of those that go pass to those that come.
    """
    plain = [one for one in holder.schedules.all() if is_plain(one, local)]
    closings = {(one.first_day, one.last_day) for row in plain for one in row.closings.all()}
    wanted: dict[Pair, list[str]] = defaultdict(list)
    for day in DAYS:
        for pair in week.get(day, ()):
            wanted[pair].append(day)
    gone = []
    for row in plain:
        pair = _minutes(row.opens_at), _minutes(row.closes_at)
        if wanted.get(pair) == sorted(_days(row), key=DAYS.index):
            del wanted[pair]
        else:
            gone.append(row.pk)
    changes.delete_rows("schedule", gone)
    for (opens, closes), days in sorted(wanted.items()):
        row = holder.schedules.create(
            freq="WEEKLY", byday=",".join(days), opens_at=_time(opens), closes_at=_time(closes)
        )
        for first, last in sorted(closings):
            row.closings.create(first_day=first, last_day=last)


def _time(minutes: int) -> time:
    return time(minutes % _DAY // 60, minutes % 60)


# -- rules ----------------------------------------------------------------------------------------


EVERY, EVERY_SECOND = "every", "second"  # week; else the number of the week in its month


def add_rule(
    holder: Holder,
    week: str,
    day: str,
    pair: Pair,
    first: date | None = None,
    last: date | None = None,
) -> None:
    """Add hours on a weekday, such as `TU`, of each week, each second one, or one of each month.

    `week` is EVERY, EVERY_SECOND, or a number: "2" is the second such day of a month, "-1" the last
    one. `first` and `last` bound it; each second week counts from `first`, without which no one can
    say which weeks these are.
    """
    rule: dict[str, Any]
    if week == EVERY:
        rule = {"freq": "WEEKLY", "byday": day}
    elif week == EVERY_SECOND:
        rule = {"freq": "WEEKLY", "byday": day, "interval": 2, "dtstart": first}
    else:
        rule = {"freq": "MONTHLY", "byday": f"{week}{day}"}
    times = {"opens_at": _time(pair[0]), "closes_at": _time(pair[1])}
    holder.schedules.create(**rule, **times, valid_from=first, valid_to=last)


# -- closings -------------------------------------------------------------------------------------

_DATE = r"(\d{4}-\d{2}-\d{2})"
_SPAN = re.compile(rf"{_DATE}(?:\s*(?:to|au|-|–)\s*{_DATE})?", re.ASCII | re.IGNORECASE)


def read_closings(text: str) -> list[Closing]:
    """Return the closings of lines such as `2026-12-24 to 2026-12-26`; raises Unreadable."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _SPAN.fullmatch(line)
        try:
            days = [date.fromisoformat(day) for day in match.groups() if day] if match else []
        except ValueError:
            days = []
        if not days or days[0] > days[-1]:
            problem = gettext("“{line}” is not a closing. An example: 2026-12-24 to 2026-12-26.")
            raise Unreadable(problem.format(line=line))
        found.append(Closing(days[0], days[-1]))
    return sorted(set(found))


def write_closings(holder: Holder) -> str:
    """Return the closings of a service or a place and its schedules, one a line."""
    spans = {(one.first_day, one.last_day) for one in _closings(holder)}
    return "\n".join(
        str(first) if first == last else f"{first} to {last}" for first, last in sorted(spans)
    )


def set_closings(holder: Holder, closings: Collection[Closing]) -> None:
    """Close every schedule on these days; a service, where it has no schedule, as a whole."""
    for row in _closings(holder):
        row.delete()
    own: list[Any] = [holder] if isinstance(holder, Service) else []
    holders: list[Any] = list(holder.schedules.all()) or own
    for closing in closings:
        for one in holders:
            one.closings.create(first_day=closing.first, last_day=closing.last)


def _closings(holder: Holder) -> list[ClosingRow]:
    of_schedules = ClosingRow.objects.filter(schedule__in=holder.schedules.all())
    own = list(holder.closings.all()) if isinstance(holder, Service) else []
    return [*own, *of_schedules]
