"""What of a file can be taken: required values, references, one supplier for an entry.

All or nothing for each organization: where one of its own entries cannot be taken, none is.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db.models import QuerySet

from directory.importing.reports import Severity
from directory.importing.rows import Batch, Sent
from directory.models import Entry, Kind, Program, Supplier

# Without these there is no row. HSDS requires more, which is made up for when it is shown.
_NEEDED = {
    "organization": ("name",),
    "service": ("name", "status"),
    "taxonomy": ("name",),
    "taxonomy_term": ("name",),
    "program": ("name",),
    "phone": ("number",),
    "url": ("url",),
    "unit": ("name",),
}
# A row cannot be without these parents; of the others it needs one.
_NEEDED_PARENTS = {
    "service_at_location": ("service_id", "location_id"),
    "program": ("organization_id",),
    "organization_identifier": ("organization_id",),
    "attribute": ("link_id", "taxonomy_term_id"),
    "service_capacity": ("service_id", "unit_id"),
    "cost_option": ("service_id",),
}
# Each table after those that its rows refer to.
_FIRST = (
    *("organization", "taxonomy", "location", "taxonomy_term", "program", "unit", "service"),
    *("service_at_location", "contact", "phone"),
)
_ALONE = ("unit",)  # tables whose rows belong to nothing
_MANY = 2000  # ids in one query
_SHARED = (Kind.TAXONOMY, Kind.TAXONOMY_TERM)


def check(batch: Batch, supplier: Supplier | None) -> None:
    """Mark in the batch what cannot be taken, and leave out references that name nothing.

    `supplier` is None for one that is new: then no entry is its own yet.
    """
    _need_values(batch)
    _keep_suppliers_apart(batch, supplier)
    _reject_whole_organizations(batch)
    known = _Known(batch)
    # In this order: a row that is rejected takes along those that need it as their parent.
    for table in (*_FIRST, *(table for table in batch.rows if table not in _FIRST)):
        _resolve(batch, table, known)
    _break_loops(batch, "organization", "parent_organization_id")
    _break_loops(batch, "taxonomy_term", "parent_id")


def owner(batch: Batch, entry: Sent) -> UUID | None:
    """Return the organization that an entry belongs to; None for one that stands alone."""
    kind = entry.table.name
    if kind == "organization":
        return entry.id
    if kind == "service_at_location":
        service_id = _id(entry.references.get("service_id"))
        service = batch.entries["service"].get(service_id) if service_id else None
        return owner(batch, service) if service else None
    if kind in ("service", "location"):
        return _id(entry.references.get("organization_id"))
    return None


def _id(reference: "UUID | Sent | None") -> UUID | None:
    return reference.id if isinstance(reference, Sent) else reference


# -- Each entry by itself -----------------------------------------------------------------------


def _need_values(batch: Batch) -> None:
    for row in batch.all():
        for column in _NEEDED.get(row.table.name, ()):
            if not row.rejected and column not in row.values:
                row.rejected = f"The column {column} is required."
                batch.report(row.problem(row.rejected, column, Severity.ERROR))


def _keep_suppliers_apart(batch: Batch, supplier: Supplier | None) -> None:
    """Leave entries of other suppliers as they are, unless this one outranks them."""
    for kind, entries in batch.entries.items():
        for entry in _existing(kind, entries):
            if entry.supplier_id == (supplier.pk if supplier else None) and supplier:
                continue
            # What its supplier has let go may be taken over; what staff withdrew stays as it is.
            is_open = entry.supplier and entry.withdrawn_by not in ("", Entry.WithdrawnBy.STAFF)
            if is_open or (supplier and supplier.outranks(entry.supplier)):
                continue
            row = entries[entry.hsds_id]
            row.is_foreign = True
            if kind not in _SHARED:
                whose = "another supplier's" if entry.supplier else "staff's own"
                message = f"The entry is {whose}, so it stays as it is."
                batch.report(row.problem(message, "id", Severity.ERROR))


def _existing(kind: str, ids: Iterable[UUID]) -> Iterator[Entry]:
    for some in _parts(ids):
        yield from _entries(kind, some).select_related("supplier")


def _entries(kind: str, ids: Iterable[UUID]) -> "QuerySet[Entry]":
    return Entry.objects.filter(kind=kind, hsds_id__in=list(ids))


def _parts(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    every = list(ids)
    for start in range(0, len(every), _MANY):
        yield every[start : start + _MANY]


def _reject_whole_organizations(batch: Batch) -> None:
    own: dict[UUID, list[Sent]] = defaultdict(list)
    for entries in batch.entries.values():
        for entry in entries.values():
            organization = owner(batch, entry)
            if organization is not None:
                own[organization].append(entry)
    for together in own.values():
        if any(entry.rejected for entry in together):
            for entry in together:
                if not entry.rejected and not entry.is_foreign:
                    entry.rejected = "Something of the same organization cannot be taken."
                    batch.report(entry.problem(entry.rejected, "", Severity.ERROR))


# -- References ---------------------------------------------------------------------------------


class _Known:
    """What a reference may name: what is in the file and can be taken, and what is here already."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._here: dict[str, set[UUID]] = {}
        wanted: dict[str, set[UUID]] = defaultdict(set)
        for row in batch.all():
            for name, reference in row.references.items():
                table = self._table(row, name)
                if isinstance(reference, UUID) and table:
                    sent = batch.entries.get(table, {}).get(reference)
                    if sent is None or sent.rejected:
                        wanted[table].add(reference)
        for table, ids in wanted.items():
            self._here[table] = set(self._found(table, ids))

    def has(self, row: Sent, name: str) -> bool:
        reference = row.references[name]
        if isinstance(reference, Sent):
            return not reference.rejected and not reference.is_foreign
        table = self._table(row, name)
        entry = self._batch.entries.get(table, {}).get(reference)
        is_parent = not row.table.is_entry and any(name == c.name for c in row.table.parents)
        if is_parent and table in self._batch.entries:
            # Rows come with their entry: to one that is not in the file, or not its own, none is
            # added.
            return entry is not None and not entry.rejected and not entry.is_foreign
        if entry is not None and not entry.rejected:
            return True
        same = self._batch.rows.get(table, {}).get(reference, ())
        return any(not one.rejected for one in same) or reference in self._here.get(table, ())

    def is_in_file(self, row: Sent, name: str) -> bool:
        """Return whether a reference names something of the file, even if that is rejected."""
        reference = row.references[name]
        if isinstance(reference, Sent):
            return True
        table = self._table(row, name)
        return reference in self._batch.entries.get(table, {})

    def _table(self, row: Sent, name: str) -> str:
        return row.table.columns[name].reference if name in row.table.columns else ""

    def _found(self, table: str, ids: set[UUID]) -> Iterator[UUID]:
        for some in _parts(ids):
            if table == "program":
                found = Program.objects.filter(hsds_id__in=some)
                yield from found.values_list("hsds_id", flat=True)
            else:
                yield from _entries(table, some).values_list("hsds_id", flat=True)


def _resolve(batch: Batch, table: str, known: _Known) -> None:
    """Leave out what a row of the table refers to in vain; reject it without a needed parent."""
    rows = [row for same in batch.rows.get(table, {}).values() for row in same]
    rows += batch.entries.get(table, {}).values()
    needed = (*_NEEDED_PARENTS.get(table, ()), *batch.needs.get(table, ()))
    for row in rows:
        had_parents = bool(row.parents)
        is_silent = False
        for name in list(row.references):
            if not known.has(row, name):
                # What belongs to something rejected is reported with it.
                is_silent = is_silent or known.is_in_file(row, name)
                _leave_out(batch, row, name, silent=known.is_in_file(row, name))
        if not row.rejected and _lacks_parent(row, needed):
            row.rejected = "The row belongs to nothing that can be taken."
            if row.table.is_entry or not (is_silent and had_parents):
                batch.report(row.problem(row.rejected, "", Severity.ERROR))


def _leave_out(batch: Batch, row: Sent, name: str, *, silent: bool) -> None:
    del row.references[name]
    if not silent:
        message = "The id names nothing, so it was left out."
        batch.report(row.problem(message, name))


def _lacks_parent(row: Sent, needed: Iterable[str]) -> bool:
    if any(name not in row.references for name in needed):
        return True
    if row.table.is_entry or row.table.name in _ALONE or row.table.name == "attribute":
        return False
    return not row.parents


def _break_loops(batch: Batch, table: str, column: str) -> None:
    """Leave out the parents of entries that are, in the end, their own parents."""
    entries = batch.entries.get(table, {})
    safe: set[UUID] = set()
    for start in entries:
        path: dict[UUID, None] = {}
        at: UUID | None = start
        while at is not None and at in entries and at not in path and at not in safe:
            path[at] = None
            at = _id(entries[at].references.get(column))
        if at in path:
            loop = list(path)[list(path).index(at) :]
            for id in loop:
                del entries[id].references[column]
                message = "The parents form a loop, so this one was left out."
                batch.report(entries[id].problem(message, column))
        safe.update(path)
