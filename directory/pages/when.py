"""When a service of a stored answer is open: now, and on each day of this week, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from directory.hours import opening
from directory.hours.closings import Closing, split
from directory.hours.opening import Opening, Schedule
from directory.hours.times import Hours
from directory.hours.wording import (
    date_in_words,
    day_name,
    hours_in_words,
    in_words,
    time_in_words,
)

Json = Mapping[str, Any]
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_COMING = timedelta(days=60)  # closings that are named ahead


@dataclass(frozen=True)
class Now:
    """The moment of a page, on a clock on the wall of the directory, and the page's language."""

    local: datetime
    zone: ZoneInfo
    language: str
    phrases: Mapping[str, str]


@dataclass(frozen=True)
class Badge:
    """Whether something is open, in words. `tone`: good, wait, calm. The least `rank` counts."""

    text: str
    tone: str
    rank: tuple[int, float]


@dataclass(frozen=True)
class Line:
    """One day of the week."""

    day: str
    hours: str  # empty: closed
    usual: str  # where it is another one today
    is_today: bool


@dataclass(frozen=True)
class When:
    """The hours of a service at one place."""

    badge: Badge | None
    week: Sequence[Line]
    others: Sequence[str]
    closings: Sequence[str]


def when(service: Json, place: Json | None, now: Now) -> When:
    """Return the hours of a service at one of its places, or of one that has none."""
    rows = _rows(service, place)
    schedules = [opening.parse_schedule(row, now.zone, now.local.year) for row in rows]
    closed, _ = split(service.get("alert", ""))
    return When(
        badge=_badge(service, schedules, closed, now),
        week=_week(schedules, closed, now),
        others=_others(rows, schedules, now),
        closings=_closings(schedules, closed, now),
    )


def badge(service: Json, places: Sequence[Json], now: Now) -> Badge | None:
    """Return the badge of a service: that of the place that is open longest, or opens first."""
    everywhere: Sequence[Json | None] = places or [None]
    found = [when(service, place, now).badge for place in everywhere]
    return min((one for one in found if one), key=lambda one: one.rank, default=None)


def _rows(service: Json, place: Json | None) -> Sequence[Json]:
    """Return the schedules that hold: the place's own, else the service's, else the location's."""
    if place is None:
        return list(service.get("schedules", ()))
    location = place.get("location", {})
    for holder in (place, service, location):
        if found := holder.get("schedules"):
            return list(found)
    return []


# -- now ------------------------------------------------------------------------------------------


def _badge(
    service: Json, schedules: Sequence[Schedule], closed: Sequence[Closing], now: Now
) -> Badge | None:
    if service["status"] == "temporarily closed":
        return Badge(now.phrases["temporarily_closed"], "calm", (2, 0.0))
    state = opening.state_at(schedules, now.local, closed)
    if state.is_open:
        left = _seconds(state.until, now) if state.until else inf
        return Badge(_until(state.until, now), "good", (0, -left))
    if state.opens:
        return Badge(_opens(state.opens, now), "wait", (1, _seconds(state.opens, now)))
    return None


def _seconds(moment: datetime, now: Now) -> float:
    return (moment - now.local).total_seconds()


def _until(until: datetime | None, now: Now) -> str:
    if until is None:
        return now.phrases["open_always"]
    time = _time(until, now)
    if until - now.local <= _DAY:
        return now.phrases["open_until"].format(time)
    return now.phrases["open_until_day"].format(day_name(until, now.language), time)


def _opens(opens: datetime, now: Now) -> str:
    time, days = _time(opens, now), (opens.date() - now.local.date()).days
    if days == 0:
        return now.phrases["opens_at"].format(time)
    if days == 1:
        return now.phrases["opens_tomorrow"].format(time)
    is_near = opens.date() - now.local.date() < _WEEK
    day = day_name(opens, now.language) if is_near else _date(opens.date(), now)
    return now.phrases["opens_on"].format(day, time)


def _time(moment: datetime, now: Now) -> str:
    # An end at midnight is that of the day before.
    minutes = moment.hour * 60 + moment.minute or 24 * 60
    return time_in_words(minutes, now.language)


def _date(day: date, now: Now) -> str:
    text = date_in_words(day, now.language)
    return f"le {text}" if now.language.split("-")[0] == "fr" else text


# -- this week ------------------------------------------------------------------------------------


def _week(schedules: Sequence[Schedule], closed: Sequence[Closing], now: Now) -> list[Line]:
    """Return the seven days from Monday; none, where nothing is ever computed to be open."""
    today = now.local.date()
    days = opening.week(schedules, today - _DAY * today.weekday(), closed)
    if not any(day.openings or day.usual for day in days):
        return []
    return [
        Line(
            day=day_name(day.day, now.language),
            hours=_hours(day.openings, now),
            usual=_hours(day.usual, now) if day.is_exception else "",
            is_today=day.day == today,
        )
        for day in days
    ]


def _hours(openings: Sequence[Opening], now: Now) -> str:
    return ", ".join(_one(opening, now) for opening in openings)


def _one(one: Opening, now: Now) -> str:
    opens = one.start.hour * 60 + one.start.minute
    closes = opens + int((one.end - one.start).total_seconds() // 60)
    return hours_in_words(Hours(opens, closes), now.language)


# -- what a week does not show --------------------------------------------------------------------


def _others(rows: Sequence[Json], schedules: Sequence[Schedule], now: Now) -> list[str]:
    """Return rules that are no plain week, rows that cannot be computed, and notes, in words."""
    lines = []
    for row, schedule in zip(rows, schedules, strict=True):
        description = row.get("description", "")
        if schedule.last < now.local.date() - _DAY:
            continue
        if not _is_plain(schedule, now):
            lines.append(in_words(schedule, now.language, description))
        elif description:
            lines.append(description)
        lines.append(split(row.get("notes", ""))[1])
    return list(dict.fromkeys(filter(None, lines)))


def _is_plain(schedule: Schedule, now: Now) -> bool:
    """Return whether the week at a glance says all of it."""
    rule = schedule.rule
    is_weekly = bool(rule and rule.freq == "WEEKLY" and rule.interval == 1 and not rule.count)
    return is_weekly and schedule.first <= now.local.date() and schedule.last == date.max


def _closings(schedules: Sequence[Schedule], closed: Sequence[Closing], now: Now) -> list[str]:
    today = now.local.date()
    found = {*closed, *(one for schedule in schedules for one in schedule.closings)}
    near = sorted(one for one in found if one.last >= today and one.first <= today + _COMING)
    return [_closing(one, now) for one in near]


def _closing(one: Closing, now: Now) -> str:
    first, last = (date_in_words(day, now.language) for day in (one.first, one.last))
    if first == last:
        return now.phrases["closed_on"].format(first)
    return now.phrases["closed_from_to"].format(first, last)
