"""Dates and instants in the forms that people and systems write, English and French.

A form is read when it has one meaning. "03/04/1991" has two, and so does a year of two digits:
those are ambiguous, and a person has to correct them.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

NOT_A_DATE = "not_a_date"
AMBIGUOUS = "ambiguous_date"
NOT_AN_INSTANT = "not_an_instant"
NO_TIME_ZONE = "no_time_zone"

_YEARS = range(1850, 2200)
_FARTHEST_OFFSET = timedelta(hours=14)
_LONGEST = 100  # of a date in words, with its weekday, its time and the name of its zone


@dataclass(frozen=True, slots=True)
class Instant:
    """What a text says of when: `at`, aware or not; else `date`, where it names only a date.

    `cause` is empty where all is well, else a key of integrations.sources.warnings.CAUSES. With
    "no_time_zone" the instant was read (`at` is naive); with every other cause nothing was.
    """

    at: datetime | None = None
    date: str = ""
    cause: str = ""

    @property
    def text(self) -> str:
        """The instant or the date in ISO 8601; empty where nothing was read."""
        return self.at.isoformat() if self.at else self.date


def read_date(text: str) -> tuple[str, str]:
    """Return the date as YYYY-MM-DD, YYYY-MM or YYYY, and why it was not read.

    The cause is empty, "ambiguous_date" or "not_a_date". A time behind the date is left out.
    """
    iso = _ISO_DATE.fullmatch(text)
    if iso and _is_date(iso[1]):
        return iso[1], ""
    cleaned = _cleaned(text)
    if not cleaned:
        return "", ""
    if compact := _COMPACT_INSTANT.fullmatch(cleaned):
        cleaned = compact[1]
    elif zoned := _DATE_WITH_ZONE.fullmatch(cleaned):
        cleaned = zoned[1]
    elif clock := _CLOCK.search(cleaned):
        cleaned = _around(cleaned, clock)
    return _date_of(cleaned)


def read_instant(text: str) -> Instant:
    """Return the instant that the text says, or the date alone, or why there is neither."""
    text = text.strip()
    if _ISO_INSTANT.match(text) and (at := _from_iso(text)):
        return _instant(at)
    cleaned = _cleaned(text)
    if not cleaned:
        return Instant()
    if compact := _COMPACT_INSTANT.fullmatch(cleaned):
        at = _from_iso(f"{compact[1]}T{compact[2].replace(' ', '').upper()}")
        return _instant(at) if at else Instant(cause=NOT_AN_INSTANT)
    if zoned := _DATE_WITH_ZONE.fullmatch(cleaned):
        return Instant(cause=AMBIGUOUS) if zoned[2] else _date_alone(zoned[1])
    clock = _CLOCK.search(cleaned)
    found = _with_clock(cleaned, clock) if clock else _date_alone(cleaned)
    if found.cause == NOT_AN_INSTANT and _ISO_RARE.match(text) and (at := _from_iso(text)):
        return _instant(at)
    return found


def _instant(at: datetime) -> Instant:
    return Instant(at, cause="" if at.tzinfo else NO_TIME_ZONE)


def _date_alone(text: str) -> Instant:
    day, cause = _date_of(text)
    return Instant(date=day, cause=NOT_AN_INSTANT if cause == NOT_A_DATE else cause)


# -- ISO 8601 ------------------------------------------------------------------------------------

_ISO_DATE = re.compile(r"(\d{4}(?:-\d{2}(?:-\d{2})?)?)(?:[T ]\d{2}:\d{2}.*)?", re.ASCII | re.DOTALL)
_ISO_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", re.ASCII)
# Hours alone, weeks, other separators. A digit is no separator: "2026031910430" has a typing error.
_ISO_RARE = re.compile(r"\d{4}-?\d{2}-?\d{2}[^\d+-]\d|\d{4}-?W\d{2}", re.ASCII)
# As HL7 v2 writes it: 20260319143000.123-0500.
_COMPACT_INSTANT = re.compile(
    r"(\d{8})(\d{4}(?:\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:z|[+-]\d{2}:?\d{2}))?)", re.ASCII
)
# As XML and HL7 write it; "2026-03-19-09:30" may be that, or half past nine.
_DATE_WITH_ZONE = re.compile(
    r"(\d{4}-?\d{2}-?\d{2})(?:z|\+\d{2}:?\d{2}|(-)(?:0\d|1[0-2]):?\d{2})", re.ASCII
)


def _from_iso(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if _is_sensible(at) else None


def _is_sensible(at: datetime) -> bool:
    if abs(at.utcoffset() or timedelta()) > _FARTHEST_OFFSET:  # “14:30-15:30” is from, to
        return False
    try:
        return (at.astimezone(UTC) if at.tzinfo else at).year in _YEARS
    except OverflowError:
        return False


def _is_date(iso: str) -> bool:
    try:
        return date.fromisoformat(f"{iso}-01-01"[:10]).year in _YEARS
    except ValueError:
        return False


# -- Letters, digits, dashes, spaces -------------------------------------------------------------


def _cleaned(text: str) -> str:
    """Return the text in small plain letters, with one kind of dash, space and digit.

    Empty where there is nothing; of a text that is too long for a date, its beginning.
    """
    folded = unicodedata.normalize("NFD", text[: 4 * _LONGEST].casefold())
    return " ".join("".join(map(_plain, folded)).split())[: _LONGEST + 1]


def _plain(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Lm":  # “1ᵉʳ mars”
        return unicodedata.normalize("NFKC", character)
    if category == "Pd" or character == "−":
        return "-"
    if character in "’ʼ":
        return "'"
    return {"Zs": " ", "Mn": "", "Cf": ""}.get(category, character)


# -- Dates ---------------------------------------------------------------------------------------

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier janv",
            "february feb fevrier fevr fev",
            "march mar mars",
            "april apr avril avr",
            "may mai",
            "june jun juin",
            "july jul juillet juill juil",
            "august aug aout",
            "september sept sep septembre",
            "october oct octobre",
            "november nov novembre",
            "december dec decembre",
        ),
        start=1,
    )
    for name in names.split()
}
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon lundi lun",
            "tuesday tues tue mardi mar",
            "wednesday wed mercredi mer",
            "thursday thurs thur thu jeudi jeu",
            "friday fri vendredi ven",
            "saturday sat samedi sam",
            "sunday sun dimanche dim",
        )
    )
    for name in names.split()
}


def _any_of(names: dict[str, int]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er)?"
_MONTH = rf"(?:of |de )?(?P<name>{_any_of(_MONTHS)})\.?"
_YEAR = r"(?P<year>\d{4})"
_GAP = r"(?: ?[-/.,] ?| )"
_NUMBERS = r"(?P<one>\d{1,2})(?P<gap> ?[-/.] ?| )(?P<other>\d{1,2})(?P=gap)"
_FORMS = [
    re.compile(form, re.ASCII)
    for form in (
        _YEAR,
        rf"{_YEAR}(?P<gap> ?[-/.] ?| )(?P<month>\d{{1,2}})(?:(?P=gap)(?P<day>\d{{1,2}}))?",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        rf"{_NUMBERS}{_YEAR}",
        r"(?P<one>\d{2})(?P<other>\d{2})(?P<year>\d{4})",
        r"(?P<month>\d{1,2}) ?[-/.] ?(?P<year>\d{4})",
        rf"{_DAY}{_GAP}?{_MONTH}{_GAP}?{_YEAR}",
        rf"{_MONTH}{_GAP}?{_DAY}{_GAP}{_YEAR}",
        rf"{_YEAR}{_GAP}?{_MONTH}{_GAP}?{_DAY}",
        rf"{_MONTH}{_GAP}?{_YEAR}",
    )
]
# With a year of two digits: which century, and often which number is the year?
_SHORT_YEAR = [
    re.compile(form, re.ASCII)
    for form in (
        rf"{_NUMBERS}'?(?P<year>\d{{2}})",
        r"(?P<one>\d{2})(?P<other>\d{2})(?P<year>\d{2})",
        rf"{_DAY}{_GAP}?{_MONTH}{_GAP}?'?(?P<year>\d{{2}})",
        rf"{_MONTH}{_GAP}?{_DAY}{_GAP}'?(?P<year>\d{{2}})",
    )
]
_BEFORE = re.compile(
    rf"(?:le |the |on )?(?:(?P<weekday>{_any_of(_WEEKDAYS)})(?:\.,|[.,])? ?(?![a-z]*\d{{3}}))?"
    r"(?:le |the |on )?"
)


def _date_of(text: str) -> tuple[str, str]:
    """Return date and cause for cleaned text without a time."""
    if len(text) > _LONGEST:
        return "", NOT_A_DATE
    found = _without_weekday(text)
    if found[1] != NOT_A_DATE:
        return found
    before = _BEFORE.match(text)
    if not before or not before[0]:
        return found
    day, cause = _without_weekday(text[before.end() :])
    if before["weekday"] and day and not _falls_on(day, _WEEKDAYS[before["weekday"]]):
        return "", AMBIGUOUS if len(day) == len("YYYY-MM-DD") else NOT_A_DATE
    return day, cause


def _without_weekday(text: str) -> tuple[str, str]:
    for form in _FORMS:
        if found := form.fullmatch(text):
            day, cause = _one_date(found.groupdict())
            if cause != NOT_A_DATE:
                return day, cause
    if any(map(_may_be_dates, filter(None, (form.fullmatch(text) for form in _SHORT_YEAR)))):
        return "", AMBIGUOUS
    return "", NOT_A_DATE


def _one_date(parts: dict[str, str | None]) -> tuple[str, str]:
    year, month, day = parts["year"] or "", _month(parts), parts.get("day") or ""
    if parts.get("one"):
        one, other = int(parts["one"] or ""), int(parts["other"] or "")
        if max(one, other) <= 12 and one != other:
            return "", AMBIGUOUS
        number, day = (other, str(one)) if one > 12 else (one, str(other))
        month = str(number)
    iso = "-".join([year, *(f"{int(part):02}" for part in (month, day) if part)])
    return (iso, "") if _is_date(iso) else ("", NOT_A_DATE)


def _month(parts: dict[str, str | None]) -> str:
    name = parts.get("name")
    return str(_MONTHS[name]) if name else parts.get("month") or ""


def _may_be_dates(found: re.Match[str]) -> bool:
    parts = found.groupdict()
    if "name" in parts:
        days = (parts["day"], parts["year"])
        return any(0 < int(day) <= 31 for day in days)
    one, other, last = int(parts["one"]), int(parts["other"]), int(parts["year"])
    return any(
        0 < month <= 12 and 0 < day <= 31
        for month, day in ((one, other), (other, one), (other, last))
    )


def _falls_on(day: str, weekday: int) -> bool:
    return len(day) == len("YYYY-MM-DD") and date.fromisoformat(day).weekday() == weekday


# -- Clocks --------------------------------------------------------------------------------------

# Canada's zones: standard time, daylight time, either; standard and daylight time in French.
_REGIONS = {
    "America/St_Johns": ("nst", "ndt", "nt", "hnt", "hat"),
    "America/Halifax": ("ast", "adt", "", "hna", "haa"),
    "America/Toronto": ("est", "edt", "et", "hne", "hae"),
    "America/Winnipeg": ("cst", "cdt", "ct", "hnc", "hac"),
    "America/Edmonton": ("mst", "mdt", "mt", "hnr", "har"),
    "America/Vancouver": ("pst", "pdt", "pt", "hnp", "hap"),
}
_ABBREVIATIONS: dict[str, tuple[str, bool | None]] = {
    name: (zone, daylight)
    for zone, names in _REGIONS.items()
    for name, daylight in zip(names, (False, True, None, False, True), strict=True)
    if name
}
_HALF = r"(?P<half{}>[ap])\.? ?m\b\.?"
_CLOCK = re.compile(
    r"(?<![\d:])(?P<hour>\d{1,2})"
    r"(?: ?: ?(?P<minute>\d{2})(?: ?: ?(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?(?!\d)"
    rf"(?: ?{_HALF.format('')})?"
    rf"| ?{_HALF.format('_alone')}"
    r"| ?h(?![a-z])(?: ?(?P<minute_h>\d{2})(?!\d)(?: ?min\b)?)?)"
    r"(?: ?(?P<utc>z|utc|gmt|tu)(?![a-z]))?"
    r"(?: ?(?P<offset>[+-]\d{1,2}(?::?\d{2})?)(?!\d))?"
    rf"(?: ?\(?(?P<zone>{'|'.join(_ABBREVIATIONS)}|utc|gmt)\b\)?)?"
    r"(?P<remark> ?\([a-z' -]*\)| ?\[[a-z_/-]*\])?",
    re.ASCII,
)
_JOINT = re.compile(r"(?:(?<=\d)t|,? ?(?:\b(?:at|a)\b|@|-)?)$")


def _around(text: str, clock: re.Match[str]) -> str:
    """Return the date that stands before and behind the clock: “Thu Mar 19 14:30:00 EDT 2026”."""
    before = _JOINT.sub("", text[: clock.start()].rstrip()).strip()
    behind = text[clock.end() :].strip(" ,")
    return f"{before} {behind}".strip()


def _with_clock(text: str, clock: re.Match[str]) -> Instant:
    found = _date_alone(_around(text, clock))
    time = _time(clock.groupdict())
    if found.cause == AMBIGUOUS:
        return found
    if len(found.date) != len("YYYY-MM-DD") or time is None:
        return Instant(cause=NOT_AN_INSTANT)
    at = datetime.combine(date.fromisoformat(found.date), datetime.min.time()) + time
    return _in_zone(at, clock)


def _time(clock: dict[str, str | None]) -> timedelta | None:
    """Return the time of day; None where there is none such."""
    hour, minute = int(clock["hour"] or ""), int(clock["minute"] or clock["minute_h"] or 0)
    second = int(clock["second"] or 0)
    half = clock["half"] or clock["half_alone"]
    if half == "p" and hour < 12:
        hour = hour + 12 if hour else 99
    elif half == "a" and hour >= 12:
        hour = 0 if hour == 12 else 99
    is_midnight = hour == 24 and not minute and not second
    if minute > 59 or second > 60 or (hour > 23 and not is_midnight):
        return None
    fraction = int(f"{clock['fraction'] or '0':0<6}"[:6])
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=fraction)


def _in_zone(at: datetime, clock: re.Match[str]) -> Instant:
    if clock["offset"]:
        return _with_offset(at, clock["offset"])
    zone = clock["zone"]
    if clock["utc"] or zone in ("utc", "gmt"):
        return _sensible(at.replace(tzinfo=UTC))
    if clock["remark"]:  # a zone that is not known here
        return Instant(cause=NOT_AN_INSTANT)
    return _at_local_time(at, *_ABBREVIATIONS[zone]) if zone else _sensible(at)


def _with_offset(at: datetime, offset: str) -> Instant:
    digits = offset[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    if hours > 23 or minutes > 59:
        return Instant(cause=NOT_AN_INSTANT)
    distance = timedelta(hours=hours, minutes=minutes)
    return _sensible(at.replace(tzinfo=timezone(-distance if offset[0] == "-" else distance)))


def _at_local_time(at: datetime, name: str, daylight: bool | None) -> Instant:
    """Return the instant in a zone of Canada's.

    Many people write EST in July and look at a clock that shows EDT: an hour apart, so ambiguous.
    So is the hour that comes twice in fall.
    """
    local = at.replace(tzinfo=ZoneInfo(name))
    is_twice = local.utcoffset() != local.replace(fold=1).utcoffset()
    if daylight is None and is_twice:
        return Instant(cause=AMBIGUOUS)
    if is_twice:
        local = local.replace(fold=0 if daylight else 1)
    if daylight is not None and bool(local.dst()) != daylight:
        return Instant(cause=AMBIGUOUS)
    return _sensible(at.replace(tzinfo=timezone(local.utcoffset() or timedelta())))


def _sensible(at: datetime) -> Instant:
    return _instant(at) if _is_sensible(at) else Instant(cause=NOT_AN_INSTANT)
