"""Writing what differs: whole organizations in short transactions, so that nobody waits."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from directory import changes, documents
from directory.importing.comparing import digests, here
from directory.importing.comparing.differences import (
    NEW,
    Change,
    Comparing,
    Differences,
    Import,
)
from directory.importing.comparing.fields import Fields, Values, gaps
from directory.importing.comparing.here import ROW_TABLES
from directory.importing.comparing.parts import Rows, parts
from directory.importing.rows import Sent
from directory.models import NUMBERED, ROWS, Closing, Entry, Program, Revision, Supplier, Unit
from directory.tables import TABLES, Column

REASON = "import"
# Each after those that it refers to; programs stand between organizations and services.
_KINDS = ("taxonomy", "taxonomy_term", "organization", "location", "service", "service_at_location")


def apply(work: Import) -> None:
    """Compare the batch with what is here, and write what differs, part by part."""
    _units(work)
    _load_keys(work)
    _fill_gaps(work)
    rows = Rows(work.batch)
    digests.make(work, rows)
    late: list[tuple[Sent, Column]] = []
    for entries in parts(work.batch):
        part = _Part(work, entries, rows)
        if work.row is None:
            part.compare()
            part.count()
            continue
        with changes.writing():
            # Two imports of one supplier take turns, part by part, and see what the other wrote.
            Supplier.objects.select_for_update(no_key=True).get(pk=work.supplier.pk)
            part.compare()
            part.write()
        part.count()
        late += part.found.late
    if work.row is not None and late:
        # Only now is everything here that a row may refer to: agencies that name each other, or
        # a child that comes before its parent, need no order in the file.
        with changes.writing():
            _add_late(work, late)


def _units(work: Import) -> None:
    """Bring in units, which suppliers share: the first to send one says what it is."""
    for unit_id, same in work.batch.rows.get("unit", {}).items():
        if same[0].rejected:
            continue
        # Never updated: a later supplier's spelling would change what the first one shows.
        key = Unit.objects.filter(hsds_id=unit_id).values_list("pk", flat=True).first()
        if key is None and work.row is not None:
            fields = Fields(translates=False, first=same[0].language).changes(same[0], None)
            key = Unit.objects.create(hsds_id=unit_id, **fields).pk
        work.keys["unit", unit_id] = key or NEW


def _load_keys(work: Import) -> None:
    """Note the keys of the entries of the file, and of what it refers to, that are here."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for kind, entries in work.batch.entries.items():
        wanted[kind] |= entries.keys()
    for row in work.batch.all():
        for name, reference in row.references.items():
            if isinstance(reference, UUID):
                wanted[row.table.columns[name].reference].add(reference)
    for kind, ids in wanted.items():
        for some in _id_parts(ids):
            model: Any = Program if kind == "program" else Entry
            of_kind = {} if kind == "program" else {"kind": kind}
            rows = model.objects.filter(hsds_id__in=some, **of_kind)
            found = rows.values_list("hsds_id", "pk")
            work.keys.update({(kind, hsds_id): key for hsds_id, key in found})
            if kind != "program":
                merged = rows.exclude(merged_into=None).values_list("pk", "merged_into")
                work.survivors.update(merged)


def _fill_gaps(work: Import) -> None:
    """Give entries of the file what is sent of those that were merged into them, and they lack."""
    for kind, entries in work.batch.entries.items():
        for some in _id_parts(entries):
            merged = Entry.objects.filter(kind=kind, hsds_id__in=some, merged_into__isnull=False)
            for sent_id, survivor_id in merged.values_list("hsds_id", "merged_into__hsds_id"):
                survivor = entries.get(survivor_id)
                if survivor is not None and not survivor.rejected and not survivor.is_foreign:
                    survivor.values = entries[sent_id].values | survivor.values
                    work.filled.add(id(entries[sent_id]))


def _id_parts(ids: Iterable[UUID]) -> Iterable[list[UUID]]:
    every = list(ids)
    return (every[start : start + changes.MANY] for start in range(0, len(every), changes.MANY))


def _add_late(work: Import, late: Iterable[tuple[Sent, Column]]) -> None:
    """Add the references to what came in a later part."""
    touched: set[int] = set()
    for sent, column in late:
        reference = sent.references[column.name]
        key = work.keys.get((sent.table.name, sent.id), work.row_keys.get(id(sent), NEW))
        entry = (column.reference, reference.id if isinstance(reference, Sent) else reference)
        other = work.keys.get(entry, NEW)
        if NEW in (key, other):
            continue
        rows = sent.table.model._default_manager.filter(pk=key)
        if rows.exclude(**{column.field: other}).update(**{f"{column.field}_id": other}):
            owners = {key} if sent.table.is_entry else map(work.keys.get, sent.belongs_to())
            touched |= {other, *(owner for owner in owners if owner)}
    changes.changed(touched)


class _Part:
    """Some entries with their rows: compared with what is here, and written where they differ."""

    def __init__(self, work: Import, entries: list[Sent], rows: Rows) -> None:
        self.work = work
        self.found = Differences()
        self._entries = entries
        self._compared: list[Sent] = []  # those that did not come as they came last
        self._all_rows = rows
        self._now: datetime = timezone.now()
        self._comparing = Comparing(work, [], {}, here.Here())

    def compare(self) -> None:
        # Where this import writes, the supplier's lock is taken: it sees what another has written.
        same = digests.unchanged(self.work, self._entries)
        self._compared = [sent for sent in self._entries if id(sent) not in same]
        if self._compared:
            rows = self._all_rows.of(self._compared)
            loaded = here.load(self._compared, rows)
            self._comparing = Comparing(self.work, self._compared, rows, loaded)
            self.found = self._comparing.compare()
        self.found.unchanged += [sent for sent in self._entries if id(sent) in same]

    def count(self) -> None:
        """Add to the report what becomes of the entries."""
        report, unchanged = self.work.report, {id(sent) for sent in self.found.unchanged}
        new = {id(change.sent) for change in self.found.entries if change.here is None}
        for sent in self._entries:
            fate = "unchanged" if id(sent) in unchanged else "updated"
            report.count(sent.table.name, "created" if id(sent) in new else fate)
        report.extend(self.found.problems)

    def write(self) -> None:
        if not self._compared:
            return
        found = self.found
        filled = self._gaps()
        found.touched |= filled.keys()
        before = documents.read(found.touched)  # for history and undo: read before any write
        for key, (model, fields) in filled.items():
            model._default_manager.filter(pk=key).update(**fields)
        created = self._create_entries([c for c in found.entries if c.here is None])
        for kind in _KINDS:
            self._write_entries([c for c in found.entries if c.sent.table.name == kind], kind)
            if kind == "organization":
                self._write_rows("program")
        for name in (*ROW_TABLES, "attribute"):
            if name != "program":
                self._write_rows(name)
        self._write_closings()
        for staff in found.staff:
            staff.save(update_fields=["sent"])
        revisions = [
            revision(self.work, key, self._now, document) for key, document in before.items()
        ]
        revisions += [revision(self.work, key, self._now, None) for key in created]
        Revision.objects.bulk_create(revisions, batch_size=500)
        digests.keep(self.work, self._compared)
        # Last: a marked row stays locked until the commit, and readers would wait for the rest.
        changes.changed(found.touched | found.lost | set(created))

    def _gaps(self) -> dict[int, tuple[Any, Values]]:
        """Return what merged entries give their survivors, by the survivors' keys."""
        found: dict[int, tuple[Any, Values]] = {}
        for key, sent in self.found.merged:
            model: Any = ROWS[sent.table.name]
            for row in model._default_manager.filter(pk=key).values():
                if fields := gaps(sent, row):
                    found[key] = (model, fields)
        return found

    # -- Entries -----------------------------------------------------------------------------

    def _create_entries(self, new: list[Change]) -> list[int]:
        """Create the rows of the table of all entries; return their keys."""
        numbers = self._free_numbers(new)
        entries = [
            Entry(
                kind=change.sent.table.name,
                hsds_id=change.sent.id,
                supplier=self.work.supplier,
                supplier_key=change.sent.key,
                supplier_modified=change.sent.values.get("last_modified"),
                sent_digest=self.work.digests.get((change.sent.table.name, change.sent.id), ""),
                last_import=self.work.row,
                number=numbers.get(id(change.sent)),
                secrecy=change.fields.pop("secrecy", ""),
                not_public=change.fields.pop("not_public", False),
                **change.entry,
            )
            for change in new
        ]
        Entry.objects.bulk_create(entries, batch_size=500)
        for change, entry in zip(new, entries, strict=True):
            change.fields.pop("number", None)
            self.work.keys[change.sent.table.name, change.sent.id] = entry.pk
        return [entry.pk for entry in entries]

    def _free_numbers(self, new: list[Change]) -> dict[int, int]:
        """Return the numbers that entries came with and may have, by the identity of their rows."""
        sent = [change.sent for change in new if change.sent.beside.get("number")]
        wanted = [row.beside["number"] for row in sent]
        taken = set(Entry.objects.filter(number__in=wanted).values_list("number", flat=True))
        found: dict[int, int] = {}
        for row in sent:
            number = row.beside["number"]
            if number in taken or row.table.name not in NUMBERED:
                message = "The number belongs to another entry, so this one gets a new number."
                self.found.problems.append(row.problem(message, "id"))
                continue
            taken.add(number)  # two entries of one file may come with the same number
            found[id(row)] = number
        return found

    def _write_entries(self, entries: list[Change], kind: str) -> None:
        model = ROWS[kind]
        rows = []
        for change in entries:
            key = self.work.keys[kind, change.sent.id]
            fields = self._resolved(change)
            if change.here is None:
                rows.append(model(entry_id=key, **fields))
                continue
            if fields:
                model._default_manager.filter(pk=key).update(**fields)
            Entry.objects.filter(pk=key).update(last_import=self.work.row, **change.entry)
        model._default_manager.bulk_create(rows, batch_size=500)

    def _resolved(self, change: Change) -> Values:
        """Return the fields with the keys of what has been created since they were compared."""
        fields = dict(change.fields)
        for column in change.sent.table.columns.values():
            name = f"{column.field}_id"
            if fields.get(name) == NEW:
                fields[name] = self._comparing.key(column, change.sent.references[column.name])
        return fields

    # -- Rows ----------------------------------------------------------------------------------

    def _write_rows(self, name: str) -> None:
        model: Any = TABLES[name].model
        if self.found.gone.get(name):
            changes.delete_rows(name, self.found.gone[name])
        for key, fields in self.found.left.get(name, ()):
            model._default_manager.filter(pk=key).update(**fields)
        new, positions = [], Counter[Any]()
        for change in self.found.rows.get(name, ()):
            fields = self._resolved(change)
            if change.here is not None:
                if fields:
                    model._default_manager.filter(pk=change.here["id"]).update(**fields)
                continue
            if name == "attribute":
                fields["link_entity"], fields["link"] = self._comparing.link(change.sent)
            parent = next(iter(change.sent.belongs_to()))
            positions[parent] += 1
            position = positions[parent] - 1
            new.append((change, model(hsds_id=change.sent.id, position=position, **fields)))
        model._default_manager.bulk_create([row for _, row in new], batch_size=500)
        for change, row in new:
            self.work.row_keys[id(change.sent)] = row.pk

    def _write_closings(self) -> None:
        changed = [c for c in self.found.rows.get("schedule", ()) if c.closings]
        changed += [c for c in self.found.entries if c.sent.table.name == "service"]
        rows = []
        for change in changed:
            sent = change.sent
            if not change.closings and not (change.here is None and sent.closings):
                continue
            is_service = sent.table.name == "service"
            key = self.work.keys["service", sent.id] if is_service else self.work.row_keys[id(sent)]
            of = {f"{sent.table.name}_id": key}
            if change.here is not None:  # closings have no ids to be compared by: all are new
                Closing.objects.filter(**of).delete()
            rows += [Closing(first_day=c.first, last_day=c.last, **of) for c in sent.closings]
        Closing.objects.bulk_create(rows, batch_size=500)


def revision(work: Import, key: int, at: datetime, before: documents.Document | None) -> Revision:
    """Return the revision of an entry that an import changes, or creates."""
    name = work.supplier.name
    return Revision(entry_id=key, at=at, by=name, reason=REASON, brought_by=work.row, before=before)
