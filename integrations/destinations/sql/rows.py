"""A parcel as rows of the tables, and rows as one canonical text. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.destinations.sql.database.tables import (
    MAPPED,
    OF_A_REFERRAL,
    REFERRAL,
    SHAPES,
    as_key,
)
from integrations.transport import Action, Parcel, Sum
from mapping.source import labels
from mapping.source.times import parse_date, parse_instant

Row = Mapping[str, Any]
BEGINNING = datetime.fromtimestamp(0, UTC)
# What stands beside the referral changes without a change of it.
BESIDE = ("event", "delivery", "partner_update")
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")  # what no database can hold as text


class Unfit(ValueError):
    """A value does not fit its column: `column` names that, and the value is nowhere."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


@dataclass(frozen=True)
class Content:
    """What a version has to write: plain rows by table, or nothing where it removes."""

    parcel: Parcel = field(repr=False)
    rows: Mapping[str, list[Row]] = field(repr=False)

    @property
    def reference(self) -> str:
        return as_key(self.parcel.reference)

    @property
    def removes(self) -> bool:
        return self.parcel.action is Action.REMOVE

    @property
    def changed_at(self) -> datetime:
        return self.parcel.made_at or BEGINNING


def content_of(parcel: Parcel) -> Content:
    """Return what a parcel writes; raises Unfit."""
    if parcel.action is Action.REMOVE:
        return Content(parcel, {})
    makers = {
        "referral": _referral,
        "event": _events,
        "answer": _answers,
        "file": _files,
        "delivery": _deliveries,
        "partner_update": _partner_updates,
    }
    rows: dict[str, list[Row]] = {
        name: [fitted(name, row) for row in make(parcel)] for name, make in makers.items()
    }
    return Content(parcel, rows)


def _referral(parcel: Parcel) -> Iterator[dict[str, Any]]:
    shown, status = parcel.shown, parcel.shown.get("substatus", {})
    yield {
        "reference": parcel.reference,
        "version": parcel.number,
        "changed_at": parcel.made_at or BEGINNING,
        "organization_id": shown.get("organization", {}).get("id"),
        "listing_id": shown.get("listing", {}).get("id"),
        "parent_reference": shown.get("parent_reference"),
        "status": shown.get("status"),
        "classification": status.get("classification"),
        "status_label": status.get("label"),
        "received_at": parcel.received_at,
    } | {column: parcel.record.get(key) for key, column in MAPPED.items()}


def _answers(parcel: Parcel) -> Iterator[dict[str, Any]]:
    titles = labels.form_titles(parcel.shown)
    for number, answer in enumerate(parcel.shown.get("form_answers", []), start=1):
        if value := answer.get("value"):
            yield {
                "reference": parcel.reference,
                "position": number,
                "form": titles.get(answer.get("form", "")),
                "link_id": answer.get("key"),
                "question": labels.answer_label(answer, number),
                "value": value,
            }


def _files(parcel: Parcel) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(parcel.documents, start=1):
        yield {
            "reference": parcel.reference,
            "position": number,
            "name": one.name,
            "content_type": one.content_type,
            "size": one.size,
            "sha256": one.sha256,
            "category": one.category,
        }


def _events(parcel: Parcel) -> Iterator[dict[str, Any]]:
    for one in parcel.beside.get("events", ()):
        yield {"reference": parcel.reference, **one}


def _deliveries(parcel: Parcel) -> Iterator[dict[str, Any]]:
    for one in parcel.beside.get("deliveries", ()):
        yield {"reference": parcel.reference, **one}


def _partner_updates(parcel: Parcel) -> Iterator[dict[str, Any]]:
    for one in parcel.beside.get("partner_updates", ()):
        yield {"reference": parcel.reference, **one}


# -- values --------------------------------------------------------------------------------------


def fitted(table: str, row: Row) -> dict[str, Any]:
    """Return a row with all of its columns, each of its type; raises Unfit."""
    columns = SHAPES[table][1]
    made = {}
    for column, kind in columns.items():
        value = row.get(column)
        try:
            made[column] = None if value in (None, "") else _CASTS[kind.__name__](value)
        except (TypeError, ValueError, OverflowError):
            raise Unfit(f"{table}.{column}") from None
    return made


def _text(value: Any) -> str:
    """Return a value as text; what no database holds as text becomes U+FFFD."""
    return _NOT_TEXT.sub("\ufffd", value if isinstance(value, str) else json.dumps(value))


def _key(value: Any) -> str:
    return as_key(_text(value))


def _whole(value: Any) -> int:
    number = int(str(value))
    if abs(number) >= 2**63:
        raise OverflowError
    return number


def _small(value: Any) -> int:
    number = _whole(value)
    if abs(number) >= 2**31:
        raise OverflowError
    return number


def _day(value: Any) -> date:
    found = value if isinstance(value, date) else parse_date(str(value))
    if found is None:
        raise ValueError
    return found


def _moment(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else parse_instant(str(value), ZoneInfo("UTC"))
    if found is None:
        raise ValueError
    return found.astimezone(UTC)


_CASTS: Mapping[str, Any] = {
    "Key": _key,
    "Text": _text,
    "Instant": _moment,
    "Date": _day,
    "Integer": _small,
    "BigInteger": _whole,
    "Boolean": bool,
}


def plain(value: Any) -> str:
    """Return a value as the one text that stands for it, in every dialect and when encrypted."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


# -- telling rows apart --------------------------------------------------------------------------


def line(table: str, row: Row) -> bytes:
    """Return a row as canonical JSON: its table, then its columns in their order."""
    values = [row[column] for column in SHAPES[table][1]]
    texts = [None if value is None else plain(value) for value in values]
    return json.dumps([table, *texts], ensure_ascii=False, separators=(",", ":")).encode()


def same(one: Mapping[str, Iterable[Row]], other: Mapping[str, Iterable[Row]]) -> bool:
    """Return whether two contents of a referral say the same, but for number and time."""
    return _lines(one) == _lines(other)


def _lines(content: Mapping[str, Iterable[Row]]) -> set[bytes]:
    numbers = {"version": 0, "changed_at": BEGINNING}
    return {
        line(name, {**row, **numbers} if name == REFERRAL else row)
        for name in OF_A_REFERRAL
        if name not in BESIDE
        for row in content.get(name, ())
    }


class Checksum:
    """Counts rows and sums their hashes, whatever their order: tables of any size in no memory."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, table: str, row: Row) -> None:
        self.rows += 1
        digest = hashlib.sha256(line(table, row)).digest()
        self._sum = (self._sum + int.from_bytes(digest)) % 2**256

    @property
    def sum(self) -> Sum:
        return Sum(self.rows, f"{self._sum:064x}")
