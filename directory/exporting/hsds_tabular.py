"""HSDS 3.1 as CSV: a zip with a file for each table of the standard, and its data package."""

import csv
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

from django.db.models import Case, Count, ExpressionWrapper, IntegerField, Value, When

from directory.exporting import datapackage
from directory.exporting.carried import Tally
from directory.exporting.reading import objects
from directory.files.tables import cell
from directory.models import Directory, Kind, View
from directory.reading.coordinates import DECIMALS
from directory.tables import LISTS, TABLES, WITHOUT_ATTRIBUTES

Row = dict[str, Any]
# Each kind's own answers give its rows; what they nest of other kinds comes with those.
_KINDS = (
    Kind.ORGANIZATION,
    Kind.LOCATION,
    Kind.SERVICE,
    Kind.SERVICE_AT_LOCATION,
    Kind.TAXONOMY,
    Kind.TAXONOMY_TERM,
)
# What an answer nests as one object, by table and key: the column that names it.
_REFERENCES = {
    ("service", "organization"): "organization_id",
    ("service", "program"): "program_id",
    ("service_at_location", "service"): "service_id",
    ("service_at_location", "location"): "location_id",
    ("attribute", "taxonomy_term"): "taxonomy_term_id",
    ("taxonomy_term", "taxonomy_detail"): "taxonomy_id",
    ("service_capacity", "unit"): "unit_id",
}


def write(file: IO[bytes], view: View, language: str, tally: Tally) -> None:
    """Write the zip, and count its rows."""
    with ExitStack() as stack:
        tables = _Tables(stack, tally)
        for kind in _KINDS:
            for value in objects(view, kind, language):
                tables.add(kind.value, value)
        tables.add_repeated()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            license = Directory.objects.get().license
            packed.writestr("datapackage.json", datapackage.describe(license))
            for name, table in tables.files():
                table.seek(0)
                with packed.open(datapackage.path(name), "w", force_zip64=True) as member:
                    while chunk := table.read(1 << 16):
                        member.write(chunk.encode())


class _Tables:
    """The CSV files of all tables, written row by row.

    One row may be nested in several answers: a phone of a service *and* of a contact. It becomes
    one row with all its parents, so it waits for the end. An id that several rows have, as two
    services of a JSON file may, stays with the first; another gets an id made from its parent's.
    """

    def __init__(self, stack: ExitStack, tally: Tally) -> None:
        self._tally = tally
        self._files: dict[str, IO[str]] = {}
        self._writers: dict[str, Any] = {}
        for name, columns in datapackage.columns().items():
            file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115
            self._files[name] = stack.enter_context(file)
            self._writers[name] = csv.writer(file, lineterminator="\r\n")
            self._writers[name].writerow(columns)
        self._repeated = {name: set(_repeated(name)) for name in TABLES}
        self._waiting: dict[tuple[str, str], list[Row]] = {}

    def files(self) -> Iterator[tuple[str, IO[str]]]:
        yield from self._files.items()

    def add(
        self, table: str, value: Row, parent: tuple[str, str] | None = None, *, waits: bool = False
    ) -> None:
        """Add an object with what it nests, but for other entries."""
        row = {name: value[name] for name in TABLES[table].column_names if name in value}
        for (of, name), column in _REFERENCES.items():
            if of == table and name in value:
                row[column] = value[name]["id"]
        if parent is not None:
            row |= _to_parent(table, *parent)
        waits = waits or table == "unit" or value["id"] in self._repeated[table]
        if waits:
            row = self._wait(table, row)
        else:
            self._write(table, row)
        if "unit" in value:
            self.add("unit", value["unit"])
        lists = {} if table in WITHOUT_ATTRIBUTES else {"attributes": "attribute"}
        for name, nested in (lists | dict(LISTS.get(table, {}))).items():
            for one in value.get(name, ()) if not TABLES[nested].is_entry else ():
                self.add(nested, one, (table, row["id"]), waits=waits)

    def add_repeated(self) -> None:
        """Write the rows that waited for all their parents."""
        for (table, _), rows in self._waiting.items():
            for row in rows:
                self._write(table, row)

    def _wait(self, table: str, row: Row) -> Row:
        """Return the row that has this one's parents besides its own; a new one if it cannot."""
        same = self._waiting.setdefault((table, row["id"]), [])
        for other in same:
            if all(other.get(name, value) == value for name, value in row.items() if name != "id"):
                other.update(row | {"id": other["id"]})
                return other
        if same:
            parents = sorted(f"{name}:{value}" for name, value in row.items() if name[-3:] == "_id")
            row["id"] = str(uuid.uuid5(uuid.UUID(row["id"]), "|".join(parents)))
        same.append(row)
        return row

    def _write(self, table: str, row: Row) -> None:
        self._tally.rows[table] += 1
        columns = datapackage.columns()[table]
        self._writers[table].writerow([_cell(table, name, row.get(name)) for name in columns])


def _to_parent(table: str, parent: str, id: str) -> Row:
    if table == "attribute":
        return {"link_id": id, "link_entity": parent}
    return {f"{parent}_id": id}


def _cell(table: str, column: str, value: Any) -> str:
    if table == "schedule" and column in ("opens_at", "closes_at") and value:
        return f"{value[:5]}:00{value[5:]}"
    if column in ("latitude", "longitude") and value is not None:
        return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return cell(value)


def _repeated(name: str) -> Iterator[str]:
    """Yield ids that several answers have: of rows with several parents, or of several rows."""
    table = TABLES[name]
    if not table.parents:
        return
    rows: Any = table.model._default_manager.order_by()
    counted = [
        Case(When(**{f"{c.field}__isnull": False}, then=Value(1)), default=Value(0))
        for c in table.parents
    ]
    total: Any = sum(counted[1:], counted[0])
    several = rows.annotate(parents=ExpressionWrapper(total, IntegerField()))
    found = several.filter(parents__gt=1).values_list("hsds_id", flat=True)
    yield from map(str, found.iterator())
    twice = rows.values("hsds_id").annotate(rows=Count("pk")).filter(rows__gt=1)
    yield from map(str, twice.values_list("hsds_id", flat=True).iterator())
