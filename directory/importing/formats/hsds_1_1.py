"""HSDS 1.1 as CSV: a file for each table, in a zip or a folder, or one file alone."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from directory.files.archives import Archive
from directory.files.tables import Row
from directory.files.tables import read as read_table
from directory.formats import hsds_1_1
from directory.formats.hsds_1_1 import DAYS
from directory.hours.closings import Closing
from directory.importing.formats import hsds_tabular
from directory.importing.formats.vocabularies import Vocabularies
from directory.importing.ids import is_uuid
from directory.importing.reports import Problem, Severity
from directory.importing.rows import Batch, Sent
from directory.reading.days import parse_day

_BY_FILE = {table.file: table for table in hsds_1_1.TABLES.values()}
_HOURS = ("regular_schedules.csv", "holiday_schedules.csv")
# What stands in a column of the service in 3.1, or is kept with it.
_OF_SERVICES = {
    "eligibility.csv": ("eligibility", "eligibility_description"),
    "payments_accepted.csv": ("payment", "payment_accepted"),
}
_NOT_KEPT = {"metadata.csv": "metadata", "meta_table_descriptions.csv": "meta_table_descriptions"}
_PARENTS = ("service_id", "location_id", "service_at_location_id")
_YES = ("true", "yes", "y", "1", "t")
_WEEK = 7

Cells = dict[str, Any]


def is_this(archive: Archive) -> bool:
    """Return whether an archive has a table that 3.x has not."""
    return any(name.casefold() in hsds_1_1.OWN_FILES for name in archive)


def read(archive: Archive, batch: Batch) -> None:
    """Read all CSV files into the batch; raises Unreadable."""
    _Reader(archive, batch).read()


class _Reader:
    """Reads the tables of an archive as rows of 3.1."""

    def __init__(self, archive: Archive, batch: Batch) -> None:
        self._archive = archive
        self._batch = batch
        self._names = {name.casefold(): name for name in archive}
        self._vocabularies = Vocabularies(batch)
        self._beside: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._schedules: dict[tuple[str, str], list[Sent]] = defaultdict(list)
        self._makers: dict[str, Callable[[str, Row, Cells], None]] = {
            "language": self._language,
            "location": self._location,
            "phone": self._phone,
            "physical_address": self._address,
            "postal_address": self._address,
            "service": self._service,
            "service_taxonomy": self._attribute,
            "taxonomy": self._term,
        }

    def read(self) -> None:
        for file, (column, _) in _OF_SERVICES.items():
            for _name, row in self._rows(file):
                self._beside[file][row.cells.get("service_id", "")].append(
                    row.cells.get(column, "")
                )
        for file, table in _BY_FILE.items():
            for name, row in self._rows(file):
                self._read_row(table, name, row)
        for name, row in self._rows("regular_schedules.csv"):
            self._regular(name, row)
        for name, row in self._rows("holiday_schedules.csv"):
            self._holiday(name, row)
        self._note_the_rest()
        hsds_tabular.link(self._batch)

    def _rows(self, file: str) -> Iterator[tuple[str, Row]]:
        """Yield the rows of a table with the name of its file as it is written."""
        if name := self._names.get(file):
            with self._archive.open(name) as opened:
                for row in read_table(opened).rows:
                    yield name, row

    def _note_the_rest(self) -> None:
        known = {*_BY_FILE, *_HOURS, *_OF_SERVICES}
        for file, name in self._names.items():
            if table := _NOT_KEPT.get(file):
                self._batch.also_sent[table] += sum(1 for _ in self._rows(file))
            elif file.endswith(".csv") and file not in known:
                self._batch.also_sent[name] += 1

    # -- tables ------------------------------------------------------------------------------------

    def _read_row(self, table: hsds_1_1.Table, name: str, row: Row) -> None:
        cells = {table.columns.get(heading, heading): cell for heading, cell in row.cells.items()}
        if table.name in self._makers:
            self._makers[table.name](name, row, cells)
        else:
            self._add(table.of, name, row, cells)

    def _add(self, table: str, name: str, row: Row, cells: Cells, **more: Any) -> Sent | None:
        return self._batch.add(table, cells, file=name, line=row.line, **more)

    def _service(self, name: str, row: Row, cells: Cells) -> None:
        """Add a service, with what 1.1 has in tables beside it."""
        keep = {}
        for file, (_, column) in _OF_SERVICES.items():
            texts = "; ".join(filter(None, self._beside[file].get(cells.get("id", ""), ())))
            if texts and file == "eligibility.csv":
                cells[column] = texts
            elif texts:
                keep[column] = texts
                self._batch.also_sent[column] += 1
        self._add("service", name, row, cells, keep=keep)

    def _location(self, name: str, row: Row, cells: Cells) -> None:
        self._add("location", name, row, {"location_type": "physical"} | cells)

    def _address(self, name: str, row: Row, cells: Cells) -> None:
        """Add an address. Physical and postal ones are numbered apart, so their ids are, too."""
        is_postal = "postal" in name.casefold()
        kind = "postal" if is_postal else "physical"
        id = cells.get("id", "").strip()
        if id and not is_uuid(id):
            cells["id"] = f"{kind}/{id}"
        self._add("address", name, row, {**cells, "address_type": kind})

    def _phone(self, name: str, row: Row, cells: Cells) -> None:
        spoken = cells.pop("language", "").replace(";", ",").split(",")
        phone = self._add("phone", name, row, cells)
        for number, one in enumerate(filter(None, map(str.strip, spoken))):
            if phone is not None:
                key = f"{phone.key}/language/{number}"
                parents = {"phone_id": phone}
                self._add("language", name, row, _spoken(one), key=key, parents=parents)

    def _language(self, name: str, row: Row, cells: Cells) -> None:
        self._add("language", name, row, cells | _spoken(cells.pop("code", "")))

    def _attribute(self, name: str, row: Row, cells: Cells) -> None:
        self._add("attribute", name, row, {**cells, "link_entity": "service"})

    def _term(self, name: str, row: Row, cells: Cells) -> None:
        cells.pop("parent_name", None)  # the parent's own
        parents = {}
        if vocabulary := cells.pop("vocabulary", "").strip():
            parents["taxonomy_id"] = self._vocabularies.id_of(vocabulary, name, row.line)
        self._add("taxonomy_term", name, row, cells, parents=parents)

    # -- hours -------------------------------------------------------------------------------------

    def _regular(self, name: str, row: Row) -> None:
        cells: Cells = dict(row.cells)
        weekday = _weekday(cells.pop("weekday", ""))
        if weekday is None:
            message = "The day of the week is none from 1 (Monday) to 7, so the row is not taken."
            place = (name, row.line, cells.get("id", ""), "schedule.byday")
            self._batch.report(Problem(message, Severity.WARNING, *place))
            return
        added = self._add("schedule", name, row, cells | {"freq": "WEEKLY", "byday": weekday})
        for parent in _parents_of(cells):
            if added is not None:
                self._schedules[parent].append(added)

    def _holiday(self, name: str, row: Row) -> None:
        """Close the hours of a parent on these days; other hours on them are a row of their own."""
        cells: Cells = dict(row.cells)
        first, last = (parse_day(cells.pop(column, "")) for column in ("start_date", "end_date"))
        last = last or first
        if first is None or last is None or last < first:
            message = "The days of the holiday cannot be read, so the row is not taken."
            place = (name, row.line, cells.get("id", ""), "schedule.valid_from")
            self._batch.report(Problem(message, Severity.WARNING, *place))
            return
        is_closed = cells.pop("closed", "").strip().casefold() in _YES
        for table, key in _parents_of(cells):
            self._close(table, key, Closing(first, last))
        if not is_closed and cells.get("opens_at"):
            days = {"valid_from": f"{first}", "valid_to": f"{last}", "freq": "WEEKLY"}
            self._add("schedule", name, row, cells | days | {"byday": _days(first, last)})

    def _close(self, table: str, key: str, closing: Closing) -> None:
        """Close the usual hours of an entry; a service without any is closed itself."""
        closed: list[Sent] = self._schedules.get((table, key), [])
        service = self._batch.entries[table].get(self._batch.id_of(table, key))
        if not closed and table == "service" and service is not None:
            closed = [service]
        for row in closed:
            if closing not in row.closings:
                row.closings = (*row.closings, closing)


def _parents_of(cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column in _PARENTS:
        if key := cells.get(column, "").strip():
            yield column.removesuffix("_id"), key


def _spoken(text: str) -> Cells:
    """Return a language by its code, or by its name."""
    is_code = text.isascii() and text.isalpha() and len(text) in (2, 3)
    return {"code": text.casefold()} if is_code else {"name": text}


def _weekday(text: str) -> str | None:
    """Return the day of 1 (Monday) to 7, of its name; 0 is Sunday, too."""
    text = text.strip().removesuffix(".0")
    if text in "01234567" and len(text) == 1:
        return DAYS[int(text) - 1]
    return text[:2].upper() if text[:2].upper() in DAYS and text.isalpha() else None


def _days(first: date, last: date) -> str:
    number = min((last - first).days + 1, _WEEK)
    return ",".join(DAYS[(first + timedelta(days=day)).weekday()] for day in range(number))
