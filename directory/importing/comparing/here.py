"""What is here already of the entries in a part of a file: their columns, rows, staff's changes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q

from directory.changes import in_parts
from directory.importing.rows import Sent
from directory.models import ROWS, Attribute, Closing, Entry, StaffChange
from directory.tables import LISTS, TABLES, Table

Row = dict[str, Any]
_ROW_TABLES = [name for name, table in TABLES.items() if table.parents and name != "attribute"]
# Rows that others hang on come first.
ROW_TABLES = sorted(
    _ROW_TABLES, key=lambda name: (name not in ("program", "contact"), name == "language")
)
LIST_NAMES = {table: name for lists in LISTS.values() for name, table in lists.items()}


def row_path(table: str, row_id: UUID | str) -> str:
    """Return how a change by staff names a row of an entry."""
    return f"{LIST_NAMES.get(table, 'attributes')}/{row_id}"


@dataclass(slots=True)
class Here:
    """What the database holds for a part. Rows are dictionaries by the model's column (`…_id`)."""

    entries: dict[tuple[str, UUID], Row] = field(default_factory=dict)
    columns: dict[int, Row] = field(default_factory=dict)  # of the kind's own table, by entry
    rows: dict[str, dict[UUID, list[Row]]] = field(
        default_factory=lambda: {name: defaultdict(list) for name in (*ROW_TABLES, "attribute")}
    )
    survivors: set[int] = field(default_factory=set)  # entries that others were merged into
    closings: dict[tuple[str, int], list[Row]] = field(default_factory=lambda: defaultdict(list))
    staff: dict[int, dict[tuple[str, str], StaffChange]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def all_rows(self) -> Iterator[tuple[str, Row]]:
        for name, by_id in self.rows.items():
            for same in by_id.values():
                yield from ((name, row) for row in same)


def load(entries: Iterable[Sent], rows: Mapping[str, Iterable[Sent]]) -> Here:
    """Return what is here of entries, with their rows and those that have an id of `rows`."""
    here = Here()
    by_kind: dict[str, list[UUID]] = defaultdict(list)
    for entry in entries:
        by_kind[entry.table.name].append(entry.id)
    for kind, ids in by_kind.items():
        for some in _parts(ids):
            found: Any = Entry.objects.filter(kind=kind, hsds_id__in=some).values()
            here.entries.update({(kind, row["hsds_id"]): row for row in found})
    for kind in by_kind:
        own = [row["id"] for row in here.entries.values() if row["kind"] == kind]
        for keys in in_parts(own):
            found = ROWS[kind]._default_manager.filter(pk__in=keys).values()
            here.columns.update({row["entry_id"]: row for row in found})
    _load_rows(here, rows)
    if here.columns:
        for keys in in_parts(here.columns):
            for change in StaffChange.objects.filter(entry__in=keys):
                here.staff[change.entry_id][change.path, change.language] = change
            merged = Entry.objects.filter(merged_into__in=keys)
            here.survivors |= {key for one in merged if (key := one.merged_into_id)}
    return here


def _load_rows(here: Here, sent: Mapping[str, Iterable[Sent]]) -> None:
    keys: dict[str, list[int]] = defaultdict(list)
    for row in here.entries.values():
        keys[row["kind"]].append(row["id"])
    for name in ROW_TABLES:
        table = TABLES[name]
        ids = [row.id for row in sent.get(name, ())]
        for row in _rows_with(table, keys, ids):
            here.rows[name][row["hsds_id"]].append(row)
            keys[name].append(row["id"])
    for name, pks in keys.items():
        for some in in_parts(pks):
            links: Any = Attribute.objects.filter(link_entity=name, link__in=some)
            for row in links.values():
                here.rows["attribute"][row["hsds_id"]].append(row)
    for parent in ("schedule", "service"):
        for some in in_parts(keys[parent]):
            closings: Any = Closing.objects.filter(**{f"{parent}__in": some})
            for row in closings.values():
                here.closings[parent, row[f"{parent}_id"]].append(row)


def _rows_with(table: Table, keys: Mapping[str, list[int]], ids: Collection[UUID]) -> Iterator[Row]:
    """Yield the rows with one of these parents, or with one of these ids; each once."""
    seen: set[int] = set()
    conditions = [
        Q(**{f"{column.field}__in": some})
        for column in table.parents
        for some in in_parts(keys.get(column.reference, ()))
    ]
    conditions += [Q(hsds_id__in=some) for some in _parts(ids)]
    for condition in conditions:
        for row in table.model._default_manager.filter(condition).order_by("pk").values():
            if row["id"] not in seen:
                seen.add(row["id"])
                yield row


def _parts(ids: Collection[UUID], size: int = 5000) -> Iterator[list[UUID]]:
    every = list(ids)
    for start in range(0, len(every), size):
        yield every[start : start + size]
