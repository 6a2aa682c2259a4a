"""Rows that were sent as fields of models: what differs from what is here."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from directory.hours.times import RowTime
from directory.importing.rows import Sent
from directory.models import Secrecy
from directory.tables import Column, Sort

Values = dict[str, Any]
_TEXTS = (Sort.TEXT, Sort.LINK)
_NOT_FIELDS = (Sort.ID, Sort.REFERENCE, Sort.LINKED)


class Fields:
    """The fields that rows in one language give their models.

    `translates` is for a file in another language than its supplier's first: it only adds texts.
    """

    def __init__(self, *, translates: bool, first: str, winter: int | None = None) -> None:
        """`winter` is the offset, in minutes, that a time without one is written with."""
        self._translates = translates
        self._first = first
        self._no_offset = (None, winter)

    def changes(self, row: Sent, here: Mapping[str, Any] | None) -> Values:
        """Return the fields of a row that differ from what is here; all of them for a new row."""
        new = here is None
        current: Mapping[str, Any] = here or {}
        changed: Values = {}
        for column in row.table.columns.values():
            if "." in column.field:  # of the entry: not a column of its table
                continue
            if column.sort in _TEXTS:
                self._text(row, column, current, changed)
            elif column.sort not in _NOT_FIELDS and (new or not self._translates):
                _set(changed, current, self._plain(column, row, current))
        for name, value in row.beside.items():
            if name in current or new:
                _beside(changed, current, name, value)
        return changed

    def _plain(self, column: Column, row: Sent, current: Mapping[str, Any]) -> Values:
        value = row.values.get(column.name)
        if column.sort is Sort.TIME:
            moment = value if isinstance(value, RowTime) else None
            clock = time(moment.minutes // 60, moment.minutes % 60) if moment else None
            offset, name = moment.offset if moment else None, f"{column.field}_offset"
            if offset in self._no_offset and current.get(name) in self._no_offset and current:
                offset = current.get(name)  # a file of ours writes it, where none came
            return {column.field: clock, name: offset}
        return {column.field: (value or "") if column.sort is Sort.WORD else value}

    def _text(self, row: Sent, column: Column, current: Mapping[str, Any], changed: Values) -> None:
        """Put a text into its language; mark the others as older, or its own as new."""
        before: dict[str, str] = current.get(column.field) or {}
        text = row.values.get(column.name)
        after = {**before, row.language: text} if text else _without(before, row.language)
        if self._translates and row.language not in before and text == before.get(self._first):
            return  # no translation, but the same: what is missing falls back to it
        if current and after == before:
            return
        changed[column.field] = after
        stale = set(changed.get("stale_texts", current.get("stale_texts") or []))
        marks = {language: f"{column.field}:{language}" for language in {*before, *after}}
        stale.discard(marks.get(row.language, ""))
        if not self._translates and row.language in before:
            stale |= {mark for language, mark in marks.items() if language != row.language}
        stale -= {mark for language, mark in marks.items() if language not in after}
        if sorted(stale) != sorted(current.get("stale_texts") or []):
            changed["stale_texts"] = sorted(stale)


def _without(texts: Mapping[str, str], language: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name != language}


def _set(changed: Values, current: Mapping[str, Any], values: Values) -> None:
    for name, value in values.items():
        here = current.get(name)
        if name == "assured_date" and here and (value is None or value < here):
            continue  # a verification is never put back to an earlier day
        if not current or here != value:
            changed[name] = value


def _beside(changed: Values, current: Mapping[str, Any], name: str, value: Any) -> None:
    """Set a field beside HSDS. Confidential and not public are only ever set, never lifted."""
    here = current.get(name)
    if name in ("secrecy", "email_secrecy"):
        if value and here not in (Secrecy.YES, Secrecy.CLEARED):
            changed[name] = value
    elif name in ("not_public", "private"):
        if value and not here:
            changed[name] = value
    else:
        _set(changed, current, {name: value})


def gaps(row: Sent, here: Mapping[str, Any]) -> Values:
    """Return the fields of a row that are empty here: what a merged entry gives its survivor."""
    found: Values = {}
    for column in row.table.columns.values():
        value = row.values.get(column.name)
        if value is None or "." in column.field or column.sort in (*_NOT_FIELDS, Sort.TIME):
            continue
        if column.sort in _TEXTS:
            texts = here[column.field] or {}
            if row.language not in texts:
                found[column.field] = {**texts, row.language: value}
        elif here[column.field] in ("", None):
            found[column.field] = value
    return found
