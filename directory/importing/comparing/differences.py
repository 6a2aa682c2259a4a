"""What a part of a file would change: nothing is written here."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from directory.importing.comparing.fields import Fields, Values
from directory.importing.comparing.here import ROW_TABLES, Here, Row, row_path
from directory.importing.reports import Problem, Report, Severity
from directory.importing.rows import Batch, Sent
from directory.models import Entry, StaffChange, Supplier, SupplierImport
from directory.tables import TABLES, Column, Sort

NEW = -1  # the key of what is not there yet
# What is kept in the table of all entries; the number is only given to new ones.
ENTRY_FIELDS = ("secrecy", "not_public", "number")
_NOTHING: tuple[Any, ...] = ("", None, {})
_BACK = {"withdrawn_by": Entry.WithdrawnBy.NOBODY, "withdrawn_at": None}


@dataclass(slots=True)
class Import:
    """What holds for all of an import. Without `row` it is a dry run: nothing is written."""

    batch: Batch
    supplier: Supplier
    first_language: str  # of the supplier: a file in another one adds translations
    report: Report
    digests: dict[tuple[str, UUID], str] = field(default_factory=dict)  # of what was sent
    winter: int | None = None  # the offset, in minutes, of times without one
    row: SupplierImport | None = None
    # The keys of what is here: of entries by kind and id, of rows of the file by their identity,
    # of programs and units by id.
    keys: dict[tuple[str, UUID], int] = field(default_factory=dict)
    row_keys: dict[int, int] = field(default_factory=dict)
    survivors: dict[int, int] = field(default_factory=dict)  # of merged entries, by their keys
    filled: set[int] = field(default_factory=set)  # merged rows that their survivor's has taken in


@dataclass(slots=True)
class Change:
    """What becomes of one row. `here` is None for a new one.

    `entry` is for the table of all entries.
    """

    sent: Sent
    here: Row | None
    fields: Values = field(default_factory=dict)
    entry: Values = field(default_factory=dict)
    closings: bool = False  # differ

    @property
    def is_any(self) -> bool:
        return self.here is None or bool(self.fields or self.entry or self.closings)


@dataclass(slots=True)
class Differences:
    """All that a part changes."""

    entries: list[Change] = field(default_factory=list)
    rows: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    gone: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    left: dict[str, list[tuple[int, Values]]] = field(default_factory=lambda: defaultdict(list))
    touched: set[int] = field(default_factory=set)  # entries that are here and change
    lost: set[int] = field(default_factory=set)  # entries that something is taken away from
    unchanged: list[Sent] = field(default_factory=list)
    staff: list[StaffChange] = field(default_factory=list)  # with what the supplier sends now
    merged: list[tuple[int, Sent]] = field(default_factory=list)  # with the survivor's key
    late: list[tuple[Sent, Column]] = field(default_factory=list)  # references to later parts
    problems: list[Problem] = field(default_factory=list)


class Comparing:
    """Compares entries and their rows with what is here."""

    def __init__(
        self, work: Import, entries: list[Sent], rows: Mapping[str, list[Sent]], here: Here
    ) -> None:
        self._work = work
        self._here = here
        self._sent = entries
        self._rows = rows
        self._own: dict[int, Sent] = {}  # entries of this part that are here, by key
        self._new: set[tuple[str, UUID]] = set()  # and those that are not
        self._translated: set[int] = set()  # entries that only get texts
        self._owners: dict[tuple[str, int], set[int]] = {}  # entries of rows that are here
        self._found = Differences()

    def compare(self) -> Differences:
        order = ("organization", "location", "service", "service_at_location")
        entries = sorted(self._sent, key=lambda sent: sent.table.name == order[-1])
        taken = [sent for sent in entries if self._is_taken(sent)]
        for sent in taken:
            self._note(sent)
        self._find_owners()
        self._table("program")  # services refer to them
        changes = [self._entry(sent) for sent in taken]
        for name in (*ROW_TABLES, "attribute"):
            if name != "program":
                self._table(name)
        kept = self._kept_of_rows()
        for change in changes:
            self._account(change, {**change.sent.kept, **kept.get(id(change.sent), {})})
        return self._found

    # -- Entries -----------------------------------------------------------------------------

    def _is_taken(self, sent: Sent) -> bool:
        """Return whether an entry may change: not if staff withdrew it, or if it was merged."""
        row = self._here.entries.get((sent.table.name, sent.id))
        if row is None:
            return True
        message = ""
        if row["merged_into_id"] is not None:
            message = "The entry was merged into another one, which it fills the gaps of."
            if id(sent) not in self._work.filled:
                self._found.merged.append((row["merged_into_id"], sent))
        elif row["withdrawn_by"] == Entry.WithdrawnBy.STAFF:
            message = "Staff withdrew the entry, so it stays withdrawn."
        if message:
            self._found.problems.append(sent.problem(message, "id", Severity.INFO))
        if message or sent.is_stub:
            self._found.unchanged.append(sent)
            return False
        return True

    def _note(self, sent: Sent) -> None:
        """Note whether an entry is here, and whether it only gets texts of another language."""
        row = self._here.entries.get((sent.table.name, sent.id))
        if row is None:
            self._new.add((sent.table.name, sent.id))
            self._work.keys[sent.table.name, sent.id] = NEW
            return
        self._own[row["id"]] = sent
        columns = self._here.columns[row["id"]]
        if "name" in columns:
            is_named = self._work.first_language in columns["name"]
        else:  # a service at a location goes by its service
            is_named = columns["service_id"] in self._translated
        if sent.language != self._work.first_language and is_named:
            self._translated.add(row["id"])

    def _entry(self, sent: Sent) -> Change:
        row = self._here.entries.get((sent.table.name, sent.id))
        if row is None:
            fields = self._fields(translates=False).changes(sent, None)
            return Change(sent, None, fields | self._references(sent, None))
        key, columns = row["id"], self._here.columns[row["id"]]
        is_translated = key in self._translated
        fields = self._fields(translates=is_translated).changes(sent, columns)
        for name in ENTRY_FIELDS:
            fields.pop(name, None)
        if key in self._here.survivors:
            # What it lacks here, it has from an entry that was merged into it.
            fields = {name: value for name, value in fields.items() if value not in _NOTHING}
        change = Change(sent, columns, fields)
        if not is_translated:
            change.fields |= self._references(sent, columns)
            change.closings = self._closings_differ(sent, key)
            change.entry = self._of_all_entries(sent, row)
        self._keep_staff_changes(key, "", change)
        return change

    def _of_all_entries(self, sent: Sent, row: Row) -> Values:
        """Return what changes in the table of all entries."""
        wanted: Values = {"supplier_id": self._work.supplier.pk}
        # A file of ours comes back with our ids and times: what its supplier sent stays.
        if sent.key.casefold() != str(sent.id) or not row["supplier_key"]:
            wanted["supplier_key"] = sent.key
        if (modified := sent.values.get("last_modified")) != row["last_modified"]:
            wanted["supplier_modified"] = modified
        wanted |= _BACK if row["withdrawn_by"] else {}
        if sent.beside.get("secrecy") and row["secrecy"] in ("", "matches"):
            wanted["secrecy"] = sent.beside["secrecy"]
        if sent.beside.get("not_public"):
            wanted["not_public"] = True
        return {name: value for name, value in wanted.items() if row[name] != value}

    def _account(self, change: Change, kept: dict[str, Any]) -> None:
        """Note whether an entry is created, changes, or stays as it is."""
        sent = change.sent
        key = self._work.keys[sent.table.name, sent.id]
        row = self._here.entries.get((sent.table.name, sent.id))
        if row is None:
            change.entry = {"kept": kept}
        elif key not in self._translated and row["kept"] != kept:
            change.entry["kept"] = kept
        if change.is_any:
            self._found.entries.append(change)
            self._found.touched |= {key} - {NEW}
        elif key not in self._found.touched:
            self._found.unchanged.append(sent)

    # -- References ----------------------------------------------------------------------------

    def key(self, column: Column, reference: "UUID | Sent") -> int | None:
        """Return the key of what is referred to: NEW if it is to be created, None if unknown."""
        work = self._work
        if isinstance(reference, Sent) and not reference.table.is_entry:
            if column.reference == "unit":
                return work.keys.get(("unit", reference.id))
            return work.row_keys.get(id(reference))
        sent_id = reference.id if isinstance(reference, Sent) else reference
        for program in work.batch.rows.get("program", {}).get(sent_id, ()):
            if column.reference == "program" and id(program) in work.row_keys:
                return work.row_keys[id(program)]
        key = work.keys.get((column.reference, sent_id))
        # What names a merged entry belongs to its survivor.
        return work.survivors.get(key, key) if key is not None else None

    def _references(self, sent: Sent, here: Row | None) -> Values:
        """Return the keys that a row refers to, where they differ; of a new row, all.

        What comes in a later part is not known yet, and is added at the end.
        """
        found: Values = {}
        for column in sent.table.columns.values():
            if column.sort is not Sort.REFERENCE:
                continue
            reference = sent.references.get(column.name)
            key = None if reference is None else self.key(column, reference)
            name = f"{column.field}_id"
            if reference is not None and key is None:
                self._found.late.append((sent, column))
            elif here is None:
                found |= {name: key} if key is not None else {}
            elif here[name] != key:
                found[name] = key
                if here[name] is not None and column.reference in self._work.batch.entries:
                    self._found.lost.add(here[name])
        return found

    # -- Rows ----------------------------------------------------------------------------------

    def _find_owners(self) -> None:
        """Note to which entries each row belongs that is here: by way of a contact, too."""
        for name, row in self._here.all_rows():
            if name == "attribute":
                parents = [(row["link_entity"], row["link"])]
            else:
                columns = TABLES[name].parents
                parents = [(c.reference, row[f"{c.field}_id"]) for c in columns]
            owners: set[int] = set()
            for of, key in parents:
                owners |= self._owners.get((of, key), {key}) if key is not None else set()
            self._owners[name, row["id"]] = owners

    def _table(self, name: str) -> None:
        used: set[int] = set()
        for sent in self._rows.get(name, ()):
            self._row(name, sent, used)
        for same in self._here.rows[name].values():
            for row in same:
                if row["id"] not in used:
                    self._gone(name, row)

    def _row(self, name: str, sent: Sent, used: set[int]) -> None:
        entries = set(sent.belongs_to())
        owners = {key for entry in entries if (key := self._work.keys.get(entry)) in self._own}
        translated = owners & self._translated
        if not owners and not entries & self._new:
            return  # of an entry that stays as it is
        here = self._match(name, sent, used)
        if here is None:
            if not translated:
                self._new_row(name, sent, owners)
            return
        used.add(here["id"])
        self._work.row_keys[id(sent)] = here["id"]
        fields = self._fields(translates=bool(translated)).changes(sent, here)
        change = Change(sent, here, fields)
        if not translated:
            change.fields |= self._references(sent, here)
            change.closings = self._closings_differ(sent, here["id"])
        for owner in owners:
            self._keep_staff_changes(owner, f"{row_path(name, sent.id)}/", change)
        if change.is_any:
            self._found.rows[name].append(change)
            self._found.touched |= owners

    def _new_row(self, name: str, sent: Sent, owners: set[int]) -> None:
        path = row_path(name, sent.id)
        if any((path, "") in self._here.staff.get(owner, {}) for owner in owners):
            message = "Staff removed the row, so it stays removed."
            self._found.problems.append(sent.problem(message, "id", Severity.INFO))
            return
        self._work.row_keys[id(sent)] = NEW
        fields = self._fields(translates=False).changes(sent, None)
        fields |= self._references(sent, None)
        self._found.rows[name].append(Change(sent, None, fields, closings=bool(sent.closings)))
        self._found.touched |= owners

    def _match(self, name: str, sent: Sent, used: set[int]) -> Row | None:
        """Return the row that is here with this id, under one of these parents."""
        same = self._here.rows[name].get(sent.id, ())
        candidates = [row for row in same if row["id"] not in used]
        if name == "attribute":
            of, key = self.link(sent)
            matches = (r for r in candidates if (r["link_entity"], r["link"]) == (of, key))
            return next(matches, None)
        parents = {}
        for column in sent.table.parents:
            if column.name in sent.references:
                parents[f"{column.field}_id"] = self.key(column, sent.references[column.name])
        for row in candidates:
            if any(row[attribute] == key for attribute, key in parents.items() if key):
                return row
        return None

    def link(self, attribute: Sent) -> tuple[str, int | None]:
        """Return table and key of the row that an attribute describes."""
        parent = attribute.references["link_id"]
        if not isinstance(parent, Sent):
            return "", None
        if parent.table.is_entry:
            return parent.table.name, self._work.keys.get((parent.table.name, parent.id))
        return parent.table.name, self._work.row_keys.get(id(parent))

    def _gone(self, name: str, row: Row) -> None:
        """Delete a row that did not come, or take it from the entries that came without it."""
        owners = self._owners[name, row["id"]]
        losing = {key for key in owners if key in self._own} - self._translated
        path = (row_path(name, row["hsds_id"]), "")
        if not losing or any(path in self._here.staff.get(owner, {}) for owner in owners):
            return
        self._found.touched |= losing
        if name == "attribute" or not owners - losing:
            self._found.gone[name].append(row["id"])
            return
        columns = [c for c in TABLES[name].parents if row[f"{c.field}_id"] in losing]
        own = {f"{c.field}_id": None for c in columns if TABLES[c.reference].is_entry}
        if own:
            self._found.left[name].append((row["id"], own))

    # -- Closings, staff's changes, what is kept -------------------------------------------------

    def _fields(self, *, translates: bool) -> Fields:
        work = self._work
        return Fields(translates=translates, first=work.first_language, winter=work.winter)

    def _closings_differ(self, sent: Sent, key: int) -> bool:
        if sent.table.name not in ("schedule", "service"):
            return False
        here = self._here.closings.get((sent.table.name, key), ())
        days = sorted((row["first_day"], row["last_day"]) for row in here)
        return days != sorted((closing.first, closing.last) for closing in sent.closings)

    def _keep_staff_changes(self, owner: int, prefix: str, change: Change) -> None:
        """Leave what staff changed as it is, and say so when the supplier sends something new."""
        sent = change.sent
        for (path, language), staff in self._here.staff.get(owner, {}).items():
            name = path.removeprefix(prefix)
            column = sent.table.columns.get(name)
            if not path.startswith(prefix) or "/" in name or language not in ("", sent.language):
                continue
            field = column.field if column else name
            attribute = f"{field}_id" if column and column.sort is Sort.REFERENCE else field
            if name == "closings":
                change.closings = False
                continue
            change.fields.pop(attribute, None)
            change.entry.pop(attribute, None)
            new = _plain(
                sent.references.get(name) or sent.values.get(name) or sent.beside.get(name)
            )
            if new != staff.sent:
                staff.sent = new
                self._found.staff.append(staff)
                message = "Staff changed this field, so it stays; the supplier sends a new value."
                self._found.problems.append(sent.problem(message, name))

    def _kept_of_rows(self) -> dict[int, dict[str, Any]]:
        """Return what is kept of rows, by the identity of the entry that they belong to."""
        by_id = {(sent.table.name, sent.id): sent for sent in self._sent}
        found: dict[int, dict[str, Any]] = defaultdict(dict)
        for rows in self._rows.values():
            for row in rows:
                for entry in row.belongs_to() if row.kept else ():
                    if entry in by_id:
                        found[id(by_id[entry])][f"{row.table.name}/{row.id}"] = row.kept
        return found


def _plain(value: Any) -> Any:
    """Return a value as it is kept beside a change by staff: as JSON has it."""
    if isinstance(value, Sent):
        return str(value.id)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
