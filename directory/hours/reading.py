"""Hours as people type them: `9-5`, `12noon`, `700`, `8pm` to `4:45am`, `Mon-Fri 9 to 4:30`.

A text is read as a whole or not at all: half of “Mon-Fri 9-5, except the first Monday” would send
somebody to a closed door. What cannot be read stays as words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from directory.hours.rules import DAYS

_NOON, _DAY = 12 * 60, 24 * 60

_CLOCK = re.compile(
    r"(?:12(?::?00)?\s*)?(?P<word>noon|midi|midnight|minuit)"
    r"|(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2})(?::\d{2})?|\s*h\s*(?P<past>\d{2})?)?"
    r"\s*(?P<half>[ap]\.?\s?m\.?|[ap])?(?![a-z\d])"
    r"|(?P<military>\d{3,4})\s*(?:h|hrs)?\s*(?P<military_half>[ap]\.?\s?m\.?|[ap])?(?![a-z\d])",
    re.ASCII,
)
_WORDS = {"noon": _NOON, "midi": _NOON, "midnight": 0, "minuit": 0}

_WHOLE_DAY = re.compile(
    r"24\s*/\s*7|24\s*h(?:ou)?rs?(?:(?:\s*(?:a|per)\s*|\s*/\s*)day)?"
    r"(?:,?\s*(?:(?:and\s*)?(?:7|seven)\s*days(?:\s*(?:a|per)\s*|\s*/\s*)week))?"
    r"|24\s*h(?:eures)?(?:\s*(?:sur|/)\s*24)?(?:,?\s*(?:et\s*)?7\s*j(?:ours)?\s*(?:sur|/)\s*7)?"
    r"|24\s*heures\s*par\s*jour(?:,?\s*7\s*jours\s*(?:sur\s*7|par\s*semaine))?"
)
_SPELLINGS = {
    "MO": "m mo mon monday mondays lu lun lundi lundis",
    "TU": "t tu tue tues tuesday tuesdays ma mar mardi mardis",
    "WE": "w we wed weds wednesday wednesdays me mer mercredi mercredis",
    "TH": "th thu thur thurs thursday thursdays je jeu jeudi jeudis",
    "FR": "f fr fri friday fridays ve ven vendredi vendredis",
    "SA": "sa sat saturday saturdays sam samedi samedis",
    "SU": "su sun sunday sundays di dim dimanche dimanches",
}
_DAY_CODES = {word: code for code, words in _SPELLINGS.items() for word in words.split()}
_GROUPS = {
    **dict.fromkeys(["daily", "everyday", "every day", "7 days a week", "tous les jours"], DAYS),
    **dict.fromkeys(["weekdays", "en semaine", "jours de semaine"], DAYS[:5]),
    **dict.fromkeys(["weekends", "weekend", "fin de semaine", "fins de semaine"], DAYS[5:]),
}
_CLOSED = re.compile(r"(?:closed|fermé|ferme)(?![a-zé])")
_GROUP = re.compile("|".join(sorted(_GROUPS, key=len, reverse=True)) + r"(?![a-z])")
_WORD = re.compile(r"([a-z]+)\.?")
_TO = re.compile(r"-|(?:to|until|till|til|through|thru|au|jusqu'à|à|a)(?![a-zà])")
_AND = re.compile(r"[,&/:+]|(?:and|et)(?![a-z])")
_SILENT = re.compile(r"(?:from|de|du|le|les|open|ouvert|hours|heures)(?![a-zé])")
_SEGMENT = re.compile(r"[;\n]|\.\s+(?=[A-Za-zÀ-ÿ])")


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Plain hours on days of each week, in minutes since midnight.

    `closes` is at most `opens` for hours that end on the next day; equal to it, a whole day.
    """

    days: tuple[str, ...]
    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class _Clock:
    """A time in a text: `sure` if no doubt is left between morning and afternoon.

    `is_24` is for one written on the 24-hour clock, which says something of the other time, too.
    """

    minutes: int
    sure: bool
    is_24: bool = False

    def readings(self) -> tuple[int, ...]:
        return (
            (self.minutes,) if self.sure else (self.minutes % _NOON, self.minutes % _NOON + _NOON)
        )


def read_time(text: str) -> int | None:
    """Return the minutes since midnight of one time, such as `12noon`, `700`, `4:45am`, or None.

    Seven to eleven without more are in the morning, twelve is noon, one to six in the afternoon.
    """
    clock = _whole(_tidy(text))
    if clock is None:
        return None
    return clock.minutes if clock.sure else _office_hour(clock.minutes)


def read_pair(opens: str, closes: str) -> tuple[int, int] | None:
    """Return opening and closing time of two texts; of `9-5` and nothing, too; else None."""
    if not closes.strip():
        parts = [part for part in _TO.split(_tidy(opens)) if part.strip()]
        if len(parts) != 2:
            return None
        opens, closes = parts
    first, second = _whole(_tidy(opens)), _whole(_tidy(closes))
    return _resolved(first, second) if first and second else None


def read_weekly(text: str) -> list[WeeklyHours] | None:
    """Return the weekly hours that a text says, in its order; None if a part cannot be read."""
    found: list[WeeklyHours] = []
    for segment in _SEGMENT.split(text):
        if not segment.strip():
            continue
        hours = _segment_hours(_tidy(segment))
        if hours is None:
            return None
        found += hours
    return found or None


# -- One time ----------------------------------------------------------------------------------


def _tidy(text: str) -> str:
    text = text.casefold().replace("\xa0", " ").replace("\u202f", " ").replace("’", "'")
    return re.sub(r"\s*[\u2010-\u2015\u2212]\s*", "-", text).strip(" .")


def _whole(text: str) -> _Clock | None:
    found = _CLOCK.match(text)
    return _clock(found) if found and not text[found.end() :].strip(" .") else None


def _clock(found: re.Match[str]) -> _Clock | None:
    if found["word"]:
        return _Clock(_WORDS[found["word"]], sure=True)
    digits = found["military"]
    hour_text = digits[:-2] if digits else found["hour"]
    hour = int(hour_text)
    minute = int(digits[-2:] if digits else found["minute"] or found["past"] or 0)
    half = (found["half"] or found["military_half"] or "")[:1]
    if minute > 59 or hour > 24 or (hour == 24 and minute) or (half and not 1 <= hour <= 12):
        return None
    if half:
        return _Clock((hour % 12 + (12 if half == "p" else 0)) * 60 + minute, sure=True)
    is_24 = hour > 12 or hour_text.startswith("0") or re.search(r"\d\s*h", found[0]) is not None
    return _Clock(hour % 24 * 60 + minute, sure=is_24, is_24=is_24)


def _office_hour(minutes: int) -> int:
    """Return the likelier half of the day for an opening time: from 7:00 until 18:59."""
    return minutes if minutes >= 7 * 60 else minutes + _NOON


def _resolved(opens: _Clock, closes: _Clock) -> tuple[int, int]:
    """Return both times with morning and afternoon settled, each by the other."""
    if opens.sure:
        start = opens.minutes
    elif closes.is_24:
        start = opens.minutes  # `9-17`
    elif closes.sure:
        earlier = [minutes for minutes in opens.readings() if minutes < closes.minutes]
        start = max(earlier, default=opens.readings()[-1])  # `1-4pm`; `8-4am` is overnight
    elif closes.minutes <= opens.minutes < _NOON:
        start = opens.minutes  # `6-2`: the afternoon is reached on the way
    else:
        start = _office_hour(opens.minutes)
    later = [minutes for minutes in closes.readings() if minutes > start]
    return start, min(later, default=closes.readings()[0])


# -- A week ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    kind: str  # day, days, time, whole, closed, to, and
    code: str = ""
    clock: _Clock | None = None
    days: tuple[str, ...] = ()


def _segment_hours(text: str) -> list[WeeklyHours] | None:
    """Return the hours of `days hours` or `hours days`, once or several times; None if unread."""
    words = list(_words(text))
    if not words or any(word.kind == "unread" for word in words):
        return None
    items = _items(words)
    if items is None:
        return None
    if items == [(_WHOLE,)]:
        return [WeeklyHours(DAYS, 0, 0)]
    return _grouped(items)


_Range = tuple[int, int] | None  # None: closed
_WHOLE: tuple[int, int] = (0, 0)
_CLOSED_DAY: tuple[_Range] = (None,)
_Item = tuple[str, ...] | tuple[_Range]


def _words(text: str) -> Iterator[_Word]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word, length = _word(text, at)
        if word.kind != "silent":
            yield word
        at += length


def _word(text: str, at: int) -> tuple[_Word, int]:
    if found := _WHOLE_DAY.match(text, at):
        return _Word("whole"), found.end() - at
    if found := _GROUP.match(text, at):
        return _Word("days", days=_GROUPS[found[0]]), found.end() - at
    if (found := _CLOCK.match(text, at)) and (clock := _clock(found)):
        return _Word("time", clock=clock), found.end() - at
    for kind, pattern in (("closed", _CLOSED), ("to", _TO), ("and", _AND), ("silent", _SILENT)):
        if found := pattern.match(text, at):
            return _Word(kind), found.end() - at
    if (found := _WORD.match(text, at)) and (code := _DAY_CODES.get(found[1])):
        return _Word("day", code), found.end() - at
    return _Word("unread"), 1


def _items(words: list[_Word]) -> list[_Item] | None:
    """Return days and hours, with their ranges made out of first and last; None if one is open."""
    items: list[_Item] = []
    at = 0
    while at < len(words):
        word = words[at]
        following = words[at + 1 : at + 3]
        last = following[1] if len(following) == 2 and following[0].kind == "to" else None
        if word.kind == "and":
            at += 1
            continue
        item = _item(word, last)
        if item is None:
            return None
        items.append(item)
        at += 3 if last and word.kind in ("day", "time") else 1
    return items


def _item(word: _Word, last: _Word | None) -> _Item | None:
    if word.kind == "whole":
        return (_WHOLE,)
    if word.kind == "closed":
        return (None,)
    if word.kind == "days":
        return word.days
    if word.kind == "day" and last is None:
        return (word.code,)
    if word.kind == "day" and last and last.kind == "day":
        return _days_between(word.code, last.code)
    if word.clock and last and last.clock:
        return (_resolved(word.clock, last.clock),)
    return None


def _days_between(first: str, last: str) -> tuple[str, ...]:
    start, end = DAYS.index(first), DAYS.index(last)
    return (*DAYS[start : end + 1],) if start <= end else (*DAYS[start:], *DAYS[: end + 1])


def _grouped(items: list[_Item]) -> list[WeeklyHours] | None:
    """Return the hours of each group of days and ranges; None where one of the two is missing."""
    runs: list[tuple[bool, list[_Item]]] = []
    for item in items:
        is_day = isinstance(item[0], str)
        if runs and runs[-1][0] == is_day:
            runs[-1][1].append(item)
        else:
            runs.append((is_day, [item]))
    if len(runs) % 2:
        return None
    found = []
    for one, other in zip(runs[::2], runs[1::2], strict=True):
        days, ranges = (one[1], other[1]) if one[0] else (other[1], one[1])
        codes = tuple(dict.fromkeys(str(code) for item in days for code in item))
        if ranges == [_CLOSED_DAY]:
            continue
        if _CLOSED_DAY in ranges:  # `Mon 9-5, closed 12-1`
            return None
        found += [WeeklyHours(codes, *hours) for (hours,) in ranges if isinstance(hours, tuple)]
    return found
