"""Rows of HSDS 3.1 as rows of 1.1."""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from directory.exporting.content.carried import Tally
from directory.exporting.packing import Package
from directory.formats import hsds_1_1
from directory.hours import closings as closing_days
from directory.hours.icarol import day_hours, is_plain
from directory.hours.opening import Opening, Schedule, parse_schedule
from directory.reading.coordinates import as_text

Row = Mapping[str, Any]
_PARENTS = (
    *("organization_id", "service_id", "location_id", "service_at_location_id"),
    *("contact_id", "phone_id"),
)
# A row goes without one of these.
_NEEDED = {
    "service": ("organization_id",),
    "service_at_location": ("service_id", "location_id"),
    "program": ("organization_id",),
}
_WITHOUT_PARENT = ("organization", "location", "taxonomy", "taxonomy_term", "unit", "attribute")
_RULE = ("freq", "byday", "opens_at", "closes_at")
_ONE_DAY = (*_RULE, "valid_from", "valid_to", "dtstart", "until", "count", "bymonthday")
_MINUTES = 60
_NEAR = timedelta(days=2)  # an offset from elsewhere may move hours to another day


class Writer:
    """Writes rows of 3.1 as those of 1.1, and counts the values that have no place there."""

    def __init__(self, package: Package, tally: Tally, zone: ZoneInfo, year: int) -> None:
        self._package = package
        self._tally = tally
        self._zone = zone
        self._year = year
        self._gone: set[str] = set()  # rows that were left out: others that name them do not
        self._vocabularies: dict[str, str] = {}
        self._holidays: set[str] = set()  # of the parent whose schedules were written last
        self._of = ""
        self._makers: dict[str, Callable[[Row], Collection[str]]] = {
            "accessibility": self._accessibility,
            "address": self._address,
            "attribute": self._attribute,
            "language": self._language,
            "phone": self._phone,
            "schedule": self._schedule,
            "service": self._service,
            "taxonomy": self._taxonomy,
            "taxonomy_term": self._term,
        }

    def add(self, table: str, row: Row) -> None:
        """Write a row of a table of 3.1."""
        kept = {
            name: value
            for name, value in row.items()
            if not (name in _PARENTS and value in self._gone)
        }
        carried: Collection[str] = ()
        if self._has_place(table, kept):
            carried = self._makers.get(table, self._plain(table))(kept)
        else:
            self._gone.add(str(row["id"]))
        self._tally.leave_out_rest(table, kept, carried)

    def _has_place(self, table: str, row: Row) -> bool:
        if any(name not in row for name in _NEEDED.get(table, ())):
            return False
        columns = _own_parents(table)
        return table in _WITHOUT_PARENT or not columns or any(name in row for name in columns)

    def _plain(self, table: str) -> Callable[[Row], Collection[str]]:
        """Return what writes rows of a table that has the same one in 1.1."""
        return lambda row: self._write(table, row) if table in hsds_1_1.TABLES else ()

    def _write(self, name: str, row: Row, **more: Any) -> Collection[str]:
        """Write a row of a table of 1.1, and return the columns of 3.1 that it carries."""
        columns = hsds_1_1.TABLES[name].columns
        written, carried = {}, set()
        for column, of in columns.items():
            value = row.get(of)
            allowed = hsds_1_1.LISTS.get((name, column))
            if value is None or (allowed and value not in allowed):
                continue
            is_coordinate = column in ("latitude", "longitude")
            written[column] = as_text(value) if is_coordinate else value
            carried.add(of)
        self._package.add(name, written | more)
        return carried

    # -- tables that differ -----------------------------------------------------------------------

    def _service(self, row: Row) -> Collection[str]:
        carried = {*self._write("service", row)}
        eligibility = row.get("eligibility_description")
        if eligibility in hsds_1_1.LISTS["eligibility", "eligibility"]:
            named = {"service_id": row["id"], "eligibility": eligibility}
            self._package.add("eligibility", {"id": _made(row["id"], "eligibility"), **named})
            carried.add("eligibility_description")
        if "fees" in row and row["fees"] == row.get("fees_description"):
            carried.add("fees")
        closings, rest = closing_days.split(row.get("alert", ""))
        self._close({"service_id": row["id"]}, closings)
        return carried if rest else {*carried, "alert"}

    def _attribute(self, row: Row) -> Collection[str]:
        is_of_service = row["link_entity"] == "service" and row["link_id"] not in self._gone
        has_term = "taxonomy_term_id" in row
        return self._write("service_taxonomy", row) if is_of_service and has_term else ()

    def _address(self, row: Row) -> Collection[str]:
        name = hsds_1_1.ADDRESSES.get(row.get("address_type", ""))
        return {*self._write(name, row), "address_type"} if name else ()

    def _phone(self, row: Row) -> Collection[str]:
        spoken = [one.get("code") or one.get("name") or "" for one in row.get("languages", ())]
        more = {"language": ",".join(filter(None, spoken))} if any(spoken) else {}
        return self._write("phone", row, **more)

    def _language(self, row: Row) -> Collection[str]:
        """Write a language by its code, else by its name; that of a phone stands in the phone."""
        column = "code" if row.get("code") else "name"
        if {"service_id", "location_id"} & row.keys() and row.get(column):
            self._write("language", {**row, "code": row[column]})
        return (column,)

    def _accessibility(self, row: Row) -> Collection[str]:
        allowed = hsds_1_1.LISTS["accessibility_for_disabilities", "accessibility"]
        has_place = row.get("description") in allowed or "details" in row
        return self._write("accessibility_for_disabilities", row) if has_place else ()

    def _taxonomy(self, row: Row) -> Collection[str]:
        self._vocabularies[row["id"]] = row["name"]  # it stands in its terms
        return ("name",)

    def _term(self, row: Row) -> Collection[str]:
        named = self._vocabularies.get(row.get("taxonomy_id", ""))
        vocabulary = named or row.get("taxonomy")
        carried = self._write("taxonomy", row, **({"vocabulary": vocabulary} if vocabulary else {}))
        is_same = row.get("taxonomy") == vocabulary
        return {*carried, "taxonomy_id", *(["taxonomy"] if is_same else [])}

    # -- hours ------------------------------------------------------------------------------------

    def _schedule(self, row: Row) -> Collection[str]:
        """Write plain weekly hours, and those of one day; 1.1 has no other rules."""
        parsed = parse_schedule(row, self._zone, self._year)
        if is_plain(replace(parsed, closings=())):
            for weekday, opens, closes in day_hours([parsed]):
                made = {
                    "id": _made(row["id"], f"{weekday}"),
                    "weekday": weekday + 1,
                    "opens_at": _clock(opens),
                    "closes_at": _clock(closes),
                }
                self._package.add("regular_schedule", made | _parents(row))
            carried = {*_RULE, *(["interval"] if row.get("interval") == 1 else [])}
        elif parsed.is_one_day and (found := _openings(parsed)):
            self._one_day(row, found[0])
            carried = {*_ONE_DAY}
        else:
            return ()
        closings, rest = closing_days.split(row.get("notes", ""))
        self._close(_parents(row), closings)
        return carried if rest else {*carried, "notes"}

    def _one_day(self, row: Row, opening: Opening) -> None:
        closes = f"{opening.end:%H:%M:%S}"
        made = {
            "id": _made(row["id"], "holiday"),
            "closed": False,
            "opens_at": f"{opening.start:%H:%M:%S}",
            "closes_at": "23:59:00" if closes == "00:00:00" else closes,
            "start_date": opening.start.date(),
            "end_date": opening.start.date(),
        }
        self._package.add("holiday_schedule", made | _parents(row))

    def _close(self, parents: Row, closings: Collection[closing_days.Closing]) -> None:
        """Write the days on which an entry is closed, each once for all of its schedules."""
        of = "/".join(map(str, parents.values()))
        if of != self._of:
            self._of, self._holidays = of, set()
        for closing in closings:
            made = _made(str(next(iter(parents.values()))), f"{of}/{closing.first}/{closing.last}")
            if made not in self._holidays:
                self._holidays.add(made)
                days = {"start_date": closing.first, "end_date": closing.last}
                row = {"id": made, "closed": True, **days, **parents}
                self._package.add("holiday_schedule", row)


def _openings(one_day: Schedule) -> list[Opening]:
    return list(one_day.openings(one_day.first - _NEAR, one_day.last + _NEAR))


def _own_parents(table: str) -> tuple[str, ...]:
    """Return the columns of a row of 1.1 that say what it belongs to."""
    names = {"schedule": "service_id location_id service_at_location_id".split()}  # noqa: SIM905
    columns = hsds_1_1.TABLES[table].columns if table in hsds_1_1.TABLES else {}
    found = names.get(table, columns)
    # A row of 1.1 that only a phone names stands in the phone.
    more = ("phone_id",) if table == "language" else ()
    return (*(name for name in _PARENTS if name in found), *more)


def _parents(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in _own_parents("schedule") if name in row}


def _made(id: str, name: str) -> str:
    """Return the id of a row that 3.1 does not have: the same each time."""
    return str(uuid.uuid5(uuid.UUID(id), name))


def _clock(minutes: int) -> str:
    return f"{minutes // _MINUTES:02}:{minutes % _MINUTES:02}:00"
