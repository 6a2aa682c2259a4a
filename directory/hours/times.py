"""The times of a schedule row: `HH:MM±HH:MM`, and what they mean on a clock on the wall."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"\s*(?P<offset>[Zz]|[+\-\u2212]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_DAY = 24 * 60
_LAST_MINUTE = _DAY - 1  # 23:59 is how HSDS writes the end of a day
_MAX_OFFSET = 14 * 60


@dataclass(frozen=True, slots=True)
class RowTime:
    """A time as a schedule row holds it: minutes since midnight, and its offset if it has one.

    `offset` is in minutes east of UTC. Seconds are not kept: no format that we write has them.
    """

    minutes: int
    offset: int | None = None

    def to_json(self, winter: int) -> str:
        """Return `HH:MM±HH:MM`; `winter` (minutes) is the offset of a time without one."""
        return f"{self._clock()}{format_offset(self._offset_or(winter))}"

    def to_csv(self, winter: int) -> str:
        """Return `HH:MM:SS±HH:MM`; `winter` (minutes) is the offset of a time without one."""
        return f"{self._clock()}:00{format_offset(self._offset_or(winter))}"

    def __str__(self) -> str:
        """Return the time as it came: without an offset, if it has none."""
        return self._clock() + ("" if self.offset is None else format_offset(self.offset))

    def _clock(self) -> str:
        return f"{self.minutes // 60:02}:{self.minutes % 60:02}"

    def _offset_or(self, winter: int) -> int:
        return winter if self.offset is None else self.offset


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours in local wall time.

    `opens` is in minutes since midnight, from 0 to 1439. `closes` is later, up to a day after it:
    above 1440 the hours end on the next day. `shift` is the number of days from the day that the
    rule names to the day on which they begin: other than 0 only for an offset from elsewhere.
    """

    opens: int
    closes: int
    shift: int = 0

    @property
    def opens_at(self) -> time:
        return _time(self.opens)

    @property
    def closes_at(self) -> time:
        return _time(self.closes)

    @property
    def is_whole_day(self) -> bool:
        return self.closes - self.opens == _DAY


def parse_time(text: str) -> RowTime | None:
    """Return the time that a row's text holds, or None.

    Read are `9:00`, `09:00:00`, `09:00-05:00`, `09:00:00-0500`, `13:00Z`; 24:00 is midnight.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour == 24 and minute == 0:
        hour = 0
    offset = _offset(found["offset"])
    if hour > 23 or minute > 59 or int(found["second"] or 0) > 59:
        return None
    if offset is not None and abs(offset) > _MAX_OFFSET:
        return None
    return RowTime(hour * 60 + minute, offset)


def format_offset(offset: int) -> str:
    """Return an offset in minutes as `±HH:MM`."""
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


def winter_offset(zone: ZoneInfo, year: int) -> int:
    """Return the offset of standard time, in minutes."""
    return min(zone_offsets(zone, year))


@lru_cache(maxsize=64)
def zone_offsets(zone: ZoneInfo, year: int) -> frozenset[int]:
    """Return the offsets, in minutes, that the zone has in the winter and summer of a year."""
    days = (datetime(year, 1, 1, 12, tzinfo=zone), datetime(year, 7, 1, 12, tzinfo=zone))
    return frozenset(round((day.utcoffset() or timedelta()).total_seconds() / 60) for day in days)


def local_hours(opens: RowTime, closes: RowTime, zone: ZoneInfo, year: int) -> Hours:
    """Return the hours between two times of a row, on a clock on the wall in the zone.

    An offset that the zone has in winter or summer says nothing more than "local": nine is nine
    all year. A time with another offset is converted with the winter offset. Equal times are 24
    hours; 23:59 lasts until midnight.
    """
    start = _local(opens.minutes, opens.offset, zone, year)
    shift, opens_minute = divmod(start, _DAY)
    if opens == closes:
        return Hours(opens_minute, opens_minute + _DAY, shift)
    end = _local(_until_midnight(closes.minutes), closes.offset, zone, year)
    closes_minute = _until_midnight(end % _DAY)
    if closes_minute <= opens_minute:
        closes_minute += _DAY
    return Hours(opens_minute, closes_minute, shift)


def _local(minutes: int, offset: int | None, zone: ZoneInfo, year: int) -> int:
    offsets = zone_offsets(zone, year)
    return minutes if offset is None or offset in offsets else minutes - offset + min(offsets)


def _until_midnight(minutes: int) -> int:
    return _DAY if minutes == _LAST_MINUTE else minutes


def _offset(text: str | None) -> int | None:
    if not text:
        return None
    if text in "Zz":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return minutes if text[0] == "+" else -minutes


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)
