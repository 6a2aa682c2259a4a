"""HSDS 3.x as JSON: full services and organizations, taxonomies and terms, nested or flat."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from directory.files.archives import Archive
from directory.files.documents import Item, items
from directory.importing.reports import Problem, Severity
from directory.importing.rows import Batch, Sent
from directory.importing.values import as_text
from directory.reading import texts
from directory.tables import LISTS, TABLES, WITHOUT_ATTRIBUTES

_DEEPEST = 12  # of what nests: service, location, contact, phone, language, attribute, term, …
# What nests as one object, by the table and the key: the table there, and the column that it fills.
_ONE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("service", "organization"): ("organization", "organization_id"),
    ("service", "program"): ("program", "program_id"),
    ("service_at_location", "location"): ("location", "location_id"),
    ("service_at_location", "service"): ("service", "service_id"),
    ("attribute", "taxonomy_term"): ("taxonomy_term", "taxonomy_term_id"),
    ("taxonomy_term", "taxonomy_detail"): ("taxonomy", "taxonomy_id"),
    ("service_capacity", "unit"): ("unit", "unit_id"),
}
_MORE_LISTS = {"organization": {"services": "service"}}
# A file of our zip says by its name what it lists.
_BY_NAME = {
    "services.json": "service",
    "organizations.json": "organization",
    "taxonomies.json": "taxonomy",
    "taxonomy_terms.json": "taxonomy_term",
    "service_at_locations.json": "service_at_location",
    "locations.json": "location",
}


def is_json(archive: Archive) -> bool:
    """Return whether an archive has a file that begins as JSON does."""
    for name in _names(archive):
        with archive.open(name) as file:
            start = texts.decode(file.read(1000)).lstrip()
        if start[:1] in ("[", "{"):
            return True
    return False


def _names(archive: Archive) -> list[str]:
    return sorted(n for n in archive if not n.endswith(".csv") and n != "datapackage.json")


def read(archive: Archive, batch: Batch) -> None:
    """Read all JSON files into the batch; raises Unreadable."""
    for name in _names(archive):
        with archive.open(name) as file:
            for item in items(file):
                _read_item(batch, name, item)


def _read_item(batch: Batch, name: str, item: Item) -> None:
    table = _BY_NAME.get(name) or (_table_of(item.value) if isinstance(item.value, dict) else "")
    if not isinstance(item.value, dict) or not table:
        batch.unlisted |= {"organization", "service", "service_at_location", "location"}
        message = "This is no entry of HSDS, so it is not taken."
        batch.report(Problem(message, Severity.ERROR, name, item.line))
        batch.read[table or "service"] += 1
        return
    _Reader(batch, name, item.line).read(table, item.value)


def _table_of(value: Mapping[str, Any]) -> str:
    """Return the table of an object in a file of any name, by the keys that only this one has."""
    for table, keys in (
        ("service", ("status", "organization", "organization_id", "service_at_locations")),
        ("service_at_location", ("location", "location_id", "service_id")),
        ("location", ("location_type", "addresses", "latitude")),
        ("taxonomy_term", ("taxonomy_id", "taxonomy_detail", "taxonomy", "term_uri", "parent_id")),
        ("taxonomy", ("version",)),
        ("organization", ("services", "legal_status", "organization_identifiers", "locations")),
        ("organization", ("website", "programs", "parent_organization_id", "tax_id")),
    ):
        if any(key in value for key in keys):
            return table
    return "organization" if "name" in value and "id" in value else ""


class _Reader:
    """Flattens one item of a file into rows."""

    def __init__(self, batch: Batch, file: str, line: int) -> None:
        self._batch = batch
        self._file = file
        self._line = line

    def read(
        self,
        table: str,
        value: Mapping[str, Any],
        parents: Mapping[str, UUID | Sent] | None = None,
        *,
        key: str = "",
        depth: int = 0,
    ) -> Sent | None:
        """Add an object with all that nests in it; return its row, or None without an id."""
        lists = self._lists(table)
        ones = {name: one for (of, name), one in _ONE.items() if of == table}
        nested = {
            name: value[name]
            for name in (*lists, *ones, "metadata")
            if isinstance(value.get(name), list | dict) and name in (*lists, *ones, "metadata")
        }
        cells = {name: cell for name, cell in value.items() if name not in nested}
        filled = dict(parents or {})
        if depth < _DEEPEST:
            filled |= self._ones(ones, nested, filled, depth)
        row = self._batch.add(
            table, cells, file=self._file, line=self._line, parents=filled, key=key
        )
        if row is None:
            return None
        if nested:
            row.is_stub = False  # what has rows of its own is whole, however little it says
        self._batch.also_sent["metadata"] += len(nested.get("metadata") or ())
        if depth < _DEEPEST:
            for name, of in lists.items():
                self._list(row, name, of, nested.get(name), depth)
            self._back(row, ones, nested, depth)
        return row

    def _lists(self, table: str) -> Mapping[str, str]:
        attributes = {} if table in WITHOUT_ATTRIBUTES else {"attributes": "attribute"}
        return {**LISTS.get(table, {}), **_MORE_LISTS.get(table, {}), **attributes}

    def _ones(
        self,
        ones: Mapping[str, tuple[str, str]],
        nested: Mapping[str, Any],
        parents: Mapping[str, UUID | Sent],
        depth: int,
    ) -> dict[str, UUID | Sent]:
        """Return the references to the objects in a row, which are read before it."""
        found: dict[str, UUID | Sent] = {}
        for name, (table, column) in ones.items():
            one = nested.get(name)
            if not isinstance(one, dict) or column in parents or name == "program":
                continue
            row = self.read(table, one, depth=depth + 1)
            if row is not None:
                found[column] = row if table == "unit" else row.id
        return found

    def _back(
        self,
        row: Sent,
        ones: Mapping[str, tuple[str, str]],
        nested: Mapping[str, Any],
        depth: int,
    ) -> None:
        """Read the program of a service: it belongs to the organization of the service."""
        program = nested.get("program")
        if "program" not in ones or not isinstance(program, dict):
            return
        parents = {}
        if "organization_id" not in program and "organization_id" in row.references:
            parents["organization_id"] = row.references["organization_id"]
        found = self.read("program", program, parents, depth=depth + 1)
        if found is not None:
            row.references["program_id"] = found.id

    def _list(self, row: Sent, name: str, table: str, values: Any, depth: int) -> None:
        if not isinstance(values, list):
            return
        parents: dict[str, UUID | Sent]
        if table == "attribute":
            parents = {"link_id": row}
        else:
            is_entry = row.table.is_entry
            parents = {f"{row.table.name}_id": row.id if is_entry else row}
        for number, value in enumerate(values):
            if not isinstance(value, dict):
                self._batch.report(row.problem("A row is expected here, not a value.", name))
                continue
            # A row without an id has one by its place.
            key = "" if TABLES[table].is_entry else f"{row.key}/{name}/{number}"
            if as_text(value.get("id") or "").strip():
                key = ""
            self.read(table, value, parents, key=key, depth=depth + 1)
