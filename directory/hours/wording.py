"""Schedules in words, in English and French: “Second Tuesday of the month, 9 a.m. – noon”.

Any language but French is worded in English.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from directory.hours.opening import Schedule
from directory.hours.rules import DAYS, Rule
from directory.hours.times import Hours

_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one language."""

    days: tuple[str, ...]
    months: tuple[str, ...]
    nth: dict[int, str]
    each_day: str
    and_: str
    always: str


_ENGLISH = _Words(
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
    | {-2: "second-to-last", -3: "third-to-last", -4: "fourth-to-last", -5: "fifth-to-last"},
    "every day",
    "and",
    "24 hours",
)
_FRENCH = _Words(
    ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    (
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ),
    {1: "premier", 2: "deuxième", 3: "troisième", 4: "quatrième", 5: "cinquième", -1: "dernier"}
    | {-2: "avant-dernier", -3: "antépénultième", -4: "4e dernier", -5: "5e dernier"},
    "tous les jours",
    "et",
    "24 heures sur 24",
)


def in_words(schedule: Schedule, language: str, description: str = "") -> str:
    """Return when the schedule holds; its description, where that cannot be computed."""
    if schedule.rule is None or schedule.hours is None:
        return description
    hours = hours_in_words(schedule.hours, language)
    if schedule.is_one_day:
        day = date_in_words(schedule.first, language)
        return f"{'Le' if _words(language)[1] else 'On'} {day}, {hours}"
    parts = [days_in_words(schedule.rule, language), hours, _bounds(schedule, language)]
    text = ", ".join(filter(None, parts))
    return text[:1].upper() + text[1:]


def days_in_words(rule: Rule, language: str) -> str:
    """Return the days of a rule, such as “every second Thursday” or “le 15 du mois”."""
    words, is_french = _words(language)
    days = rule.by_day or _day_of_start(rule)
    found = []
    if days and rule.freq == "MONTHLY" and any(nth for nth, _ in days):
        found.append(_monthly_days(days, words, is_french, rule.interval))
    elif days:
        found.append(_weekly_days([code for _, code in days], words, is_french, rule.interval))
    month_days = rule.by_month_day or _month_day_of_start(rule)
    if month_days:
        found.append(_month_days(month_days, words, is_french, rule.interval))
    found += _unusual(rule, words, is_french)
    return ", ".join(found)


def hours_in_words(hours: Hours, language: str) -> str:
    """Return hours such as “9 a.m. – 4:30 p.m.” or “de 9 h à 16 h 30”."""
    words, is_french = _words(language)
    if hours.is_whole_day:
        return words.always
    opens, closes = (time_in_words(minutes, language) for minutes in (hours.opens, hours.closes))
    return f"de {opens} à {closes}" if is_french else f"{opens} – {closes}"


def time_in_words(minutes: int, language: str) -> str:
    """Return the time so many minutes after midnight: “4:30 p.m.”, “16 h 30”."""
    hour, minute = divmod(minutes % _DAY, 60)
    if _words(language)[1]:
        if minutes and (hour, minute) == (0, 0):
            return "minuit"
        return f"{hour}\xa0h\xa0{minute:02}" if minute else f"{hour}\xa0h"
    if not minute and hour in (0, 12):
        return "midnight" if hour == 0 else "noon"
    clock = f"{hour % 12 or 12}:{minute:02}" if minute else f"{hour % 12 or 12}"
    return f"{clock}\xa0{'a.m.' if hour < 12 else 'p.m.'}"


def date_in_words(day: date, language: str) -> str:
    """Return the day as “January 8, 2026” or “8 janvier 2026”."""
    words, is_french = _words(language)
    month = words.months[day.month - 1]
    if is_french:
        return f"{'1er' if day.day == 1 else day.day} {month} {day.year}"
    return f"{month} {day.day}, {day.year}"


def month_in_words(day: date, language: str) -> str:
    """Return the month as “October 2026” or “octobre 2026”."""
    return f"{_words(language)[0].months[day.month - 1]} {day.year}"


def day_name(day: date, language: str) -> str:
    """Return the name of the day in the week: “Monday”, “lundi”."""
    return _words(language)[0].days[day.weekday()]


# -- Parts of a rule ---------------------------------------------------------------------------


def _words(language: str) -> tuple[_Words, bool]:
    is_french = language.split("-")[0] == "fr"
    return (_FRENCH if is_french else _ENGLISH), is_french


def _day_of_start(rule: Rule) -> tuple[tuple[int, str], ...]:
    is_bare = not (rule.by_month_day or rule.by_year_day or rule.by_week)
    if rule.freq == "WEEKLY" and rule.start and is_bare:
        return ((0, DAYS[rule.start.weekday()]),)
    return ()


def _month_day_of_start(rule: Rule) -> tuple[int, ...]:
    is_bare = not (rule.by_day or rule.by_year_day or rule.by_week)
    return (rule.start.day,) if rule.freq == "MONTHLY" and rule.start and is_bare else ()


def _weekly_days(codes: Sequence[str], words: _Words, is_french: bool, interval: int) -> str:
    numbers = sorted({DAYS.index(code) for code in codes})
    names = [words.days[number] for number in numbers]
    is_run = len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1
    if len(numbers) == 7:
        days = words.each_day
    elif is_run:
        days = f"du {names[0]} au {names[-1]}" if is_french else f"{names[0]} to {names[-1]}"
    else:
        days = _list([f"le {name}" for name in names] if is_french else names, words)
    if interval == 1:
        return days
    if interval == 2 and len(names) == 1:
        return f"un {names[0]} sur deux" if is_french else f"every second {names[0]}"
    every = f"toutes les {interval} semaines" if is_french else f"every {interval} weeks"
    return f"{every}, {days}"


def _monthly_days(
    days: Sequence[tuple[int, str]], words: _Words, is_french: bool, interval: int
) -> str:
    named = []
    for nth, code in days:
        name = words.days[DAYS.index(code)]
        each = f"chaque {name}" if is_french else f"every {name}"
        one = f"{words.nth[nth]} {name}" if nth else each
        named.append(f"le {one}" if is_french and nth else one)
    return f"{_list(named, words)} {_of_the_month(is_french, interval)}"


def _month_days(days: Sequence[int], words: _Words, is_french: bool, interval: int) -> str:
    named = []
    for day in days:
        if day > 0:
            named.append(("1er" if day == 1 else str(day)) if is_french else f"day {day}")
        elif day == -1:
            named.append("dernier jour" if is_french else "last day")
        else:
            before = f"{-day}e jour avant la fin" if is_french else f"day {-day} before the end"
            named.append(before)
    if is_french:
        named = [f"le {name}" for name in named]
    return f"{_list(named, words)} {_of_the_month(is_french, interval)}"


def _of_the_month(is_french: bool, interval: int) -> str:
    if interval == 1:
        return "du mois" if is_french else "of the month"
    return f"tous les {interval} mois" if is_french else f"of every {interval} months"


def _unusual(rule: Rule, words: _Words, is_french: bool) -> list[str]:
    found = []
    if rule.by_week:
        numbers = _list([str(week) for week in rule.by_week], words)
        found.append(
            f"semaines {numbers} de l’année" if is_french else f"weeks {numbers} of the year"
        )
    if rule.by_year_day:
        numbers = _list([str(day) for day in rule.by_year_day], words)
        found.append(f"jours {numbers} de l’année" if is_french else f"days {numbers} of the year")
    return found


def _bounds(schedule: Schedule, language: str) -> str:
    _, is_french = _words(language)
    parts = []
    if schedule.first != date.min:
        first = date_in_words(schedule.first, language)
        parts.append(f"à partir du {first}" if is_french else f"from {first}")
    if schedule.last != date.max:
        last = date_in_words(schedule.last, language)
        parts.append(f"jusqu’au {last}" if is_french else f"until {last}")
    if schedule.rule and schedule.rule.count:
        times = schedule.rule.count
        parts.append(f"{times} fois" if is_french else f"{times} times")
    return " ".join(parts)


def _list(items: Sequence[str], words: _Words) -> str:
    *most, last = items
    return f"{', '.join(most)} {words.and_} {last}" if most else last
