"""The objects of a view as flat rows of HSDS 3.1: each once, with all the rows it belongs to."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Case, Count, ExpressionWrapper, IntegerField, Value, When

from directory.exporting.content.reading import objects
from directory.models import Kind, View
from directory.tables import LISTS, TABLES, WITHOUT_ATTRIBUTES

Row = dict[str, Any]
# Each kind's own answers give its rows; what they nest of other kinds comes with those.
KINDS = (
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


Emit = Callable[[str, Row], None]


def rows(view: View, language: str, emit: Emit) -> None:
    """Give `emit` the table and columns of each row of a view, once, with all its parents."""
    flat = Flattening(emit)
    for kind in KINDS:
        for value in objects(view, kind, language):
            flat.add(kind.value, value)
    flat.add_repeated()


class Flattening:
    """Makes rows of objects.

    One row may be nested in several answers: a phone of a service *and* of a contact. It becomes
    one row with all its parents, so it waits for the end. An id that several rows have, as two
    services of a JSON file may, stays with the first; another gets an id made from its parent's.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._repeated = repeated_ids()
        self._waiting: dict[tuple[str, str], list[Row]] = {}

    def add(
        self, table: str, value: Row, parent: tuple[str, str] | None = None, *, waits: bool = False
    ) -> None:
        """Add an object with what it nests, but for other entries."""
        row = {name: value[name] for name in TABLES[table].column_names if name in value}
        for (of, name), column in _REFERENCES.items():
            if of == table and name in value:
                row[column] = value[name]["id"]
        if table == "phone" and "languages" in value:
            row["languages"] = value["languages"]  # for formats that have them in one column
        if parent is not None:
            row |= _to_parent(table, *parent)
        waits = waits or table == "unit" or value["id"] in self._repeated[table]
        if waits:
            row = self._wait(table, row)
        else:
            self._emit(table, row)
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
                self._emit(table, row)

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


def _to_parent(table: str, parent: str, id: str) -> Row:
    if table == "attribute":
        return {"link_id": id, "link_entity": parent}
    return {f"{parent}_id": id}


def repeated_ids() -> dict[str, set[str]]:
    """Return, by table, the ids of rows that stand in several answers."""
    return {name: set(_repeated(name)) for name in TABLES}


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
