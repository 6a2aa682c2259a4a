"""Cells of a file as values of columns: texts, numbers, days, times."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from django.db import models

from directory.hours.times import RowTime, parse_time
from directory.reading import texts
from directory.reading.days import parse_day, parse_moment
from directory.tables import Column, Sort, Table

# As spreadsheets write it in French. Three digits behind it may be thousands: 1,000.
_DECIMAL_COMMA = re.compile(r"[+-]?\d{1,3},(?!\d{3}$)\d+", re.ASCII)


class BadCell(ValueError):
    """A cell does not fit its column. `message` is a sentence for people, without its content."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TooLong(BadCell):
    """A text that is too long for the directory: its entry cannot be taken."""


def read_cell(table: Table, column: Column, raw: object) -> Any:
    """Return the value of a cell, or None where it is absent; raises BadCell.

    Texts are cleaned of control characters and kept as they are otherwise.
    """
    if raw is None or (isinstance(raw, str) and not raw.strip()) or raw in ([], {}):
        return None
    if isinstance(raw, dict | list):
        raise BadCell("One value is expected here, not a list or an object.")
    return _READERS[column.sort](table, column, raw)


def as_text(raw: object) -> str:
    """Return a value as the text that a CSV file would have for it."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return str(raw)


def _text(table: Table, column: Column, raw: object) -> str:
    text = texts.clean(as_text(raw))
    if len(text) > texts.MAX_LENGTH:
        raise TooLong(f"The text is longer than {texts.MAX_LENGTH:,} characters.")
    return text


def _word(table: Table, column: Column, raw: object) -> str:
    text = _text(table, column, raw)
    if not column.choices:
        return _fitting(table, column, text)
    for choice in column.choices:
        if text.strip().casefold() == choice:
            return choice
    raise BadCell(f"The value is none of: {', '.join(column.choices)}.")


def _fitting(table: Table, column: Column, text: str) -> str:
    longest = getattr(table.model._meta.get_field(column.field), "max_length", None)
    if longest and len(text) > longest:
        raise BadCell(f"The value is longer than {longest} characters.")
    return text


def _number(table: Table, column: Column, raw: object) -> float | int:
    text = as_text(raw).strip()
    if _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        number = float(text.replace("_", "?"))  # which Python would take between digits
    except ValueError:
        raise BadCell("The value is not a number.") from None
    if not math.isfinite(number) or abs(number) > 2**31:
        raise BadCell("The value is not a number that can be kept.")
    if isinstance(table.model._meta.get_field(column.field), models.IntegerField):
        if number != int(number):
            raise BadCell("The value is not a whole number.")
        return int(number)
    return number


def _day(table: Table, column: Column, raw: object) -> date:
    day = parse_day(raw)
    if day is None:
        raise BadCell("The value is not a day such as 2026-11-30.")
    return day


def _moment(table: Table, column: Column, raw: object) -> datetime:
    moment = parse_moment(raw)
    if moment is None:
        raise BadCell("The value is not a time such as 2026-11-30T14:05:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time(table: Table, column: Column, raw: object) -> RowTime:
    time = parse_time(as_text(raw))
    if time is None:
        raise BadCell("The value is not a time such as 09:00-05:00.")
    return time


def _id(table: Table, column: Column, raw: object) -> str:
    text = _text(table, column, raw).strip()
    if len(text) > 300:
        raise BadCell("The id is longer than 300 characters.")
    return text


_READERS: dict[Sort, Callable[[Table, Column, object], Any]] = {
    Sort.ID: _id,
    Sort.REFERENCE: _id,
    Sort.LINKED: _id,
    Sort.TEXT: _text,
    Sort.LINK: _text,
    Sort.WORD: _word,
    Sort.NUMBER: _number,
    Sort.DATE: _day,
    Sort.MOMENT: _moment,
    Sort.TIME: _time,
}
