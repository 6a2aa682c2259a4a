"""The rows of a file, as every format's reader gives them: HSDS 3.1 tables and columns."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from directory.hours.closings import Closing, split
from directory.hours.reading import read_pair, read_time
from directory.hours.times import RowTime
from directory.importing.ids import identify
from directory.importing.reports import Problem, Severity
from directory.importing.values import BadCell, TooLong, as_text, read_cell
from directory.reading import coordinates, phones
from directory.tables import TABLES, Column, Sort, Table

_STUB = frozenset(["id", "name", "status"])  # of a service in an organization that is not whole
# What stands beside HSDS in our tables; formats that know of it give it, the others do not.
Beside = Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Sent:
    """One row as it was sent. `values` and `references` are by HSDS column.

    A reference is the id of an entry, or a row of the same file. `beside` is by the model's field.
    `rejected` says why it is not taken.
    """

    table: Table
    id: UUID
    key: str  # the id as it came
    file: str
    line: int | None
    language: str
    values: dict[str, Any] = field(default_factory=dict)
    references: dict[str, "UUID | Sent"] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    closings: tuple[Closing, ...] = ()
    rejected: str = ""
    is_stub: bool = False  # only its id and name came: the rest of it stands elsewhere, or stays
    is_foreign: bool = False  # another supplier's, or staff's: it stays as it is

    @property
    def parents(self) -> dict[str, "UUID | Sent"]:
        """Return the references to what a row belongs to."""
        names = [column.name for column in self.table.parents]
        names += ["link_id"] if self.table.name == "attribute" else []
        return {name: self.references[name] for name in names if name in self.references}

    def belongs_to(self) -> Iterator[tuple[str, UUID]]:
        """Yield table and id of each entry that the row belongs to, also by way of a row."""
        for name, parent in self.parents.items():
            if not isinstance(parent, Sent):
                yield self.table.columns[name].reference, parent
            elif parent.table.is_entry:
                yield parent.table.name, parent.id
            else:
                yield from parent.belongs_to()

    def problem(
        self, message: str, column: str = "", severity: Severity = Severity.WARNING
    ) -> Problem:
        field = f"{self.table.name}.{column}" if column else self.table.name
        return Problem(message, severity, self.file, self.line, self.key, field)


@dataclass(slots=True)
class Batch:
    """All rows of a file. `listed` has the ids of entries that it names, also of unusable ones.

    `unlisted` are kinds of which a row could not be read at all, not even its id: which entries
    are no longer listed cannot be known for them.
    """

    source: str
    language: str
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # parents, by the format
    entries: dict[str, dict[UUID, Sent]] = field(default_factory=lambda: defaultdict(dict))
    rows: dict[str, dict[UUID, list[Sent]]] = field(default_factory=lambda: defaultdict(dict))
    listed: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    unlisted: set[str] = field(default_factory=set)
    languages: tuple[str, ...] = ()  # of the directory
    other_languages: set[str] = field(default_factory=set)  # of rows that were left for later
    problems: list[Problem] = field(default_factory=list)
    also_sent: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)

    def id_of(self, table: str, sent: str) -> UUID:
        return identify(self.source, table, sent)

    def all(self) -> Iterator[Sent]:
        for entries in self.entries.values():
            yield from entries.values()
        for rows in self.rows.values():
            for same in rows.values():
                yield from same

    def add(
        self,
        name: str,
        cells: Mapping[str, Any],
        *,
        file: str,
        line: int | None = None,
        parents: Mapping[str, "UUID | Sent"] | None = None,
        key: str = "",
        language: str = "",
        beside: Beside | None = None,
        keep: Mapping[str, Any] | None = None,
    ) -> Sent | None:
        """Add a row, and return it, or the equal one that is here already; None without an id.

        `cells` are by HSDS column; others are kept with the row and counted. `parents` are
        references that the place of the row gives, such as the service that a phone is nested in.
        `key` is the id of a row that came without one.
        """
        table = TABLES[name]
        key = as_text(cells.get("id") or "").strip() or key
        if not key or len(key) > 300:
            self._without_id(table, file, line)
            return None
        row = Sent(table, self.id_of(name, key), key, file, line, language or self.language)
        row.beside.update(beside or {})
        row.kept.update(keep or {})
        reader = _Cells(self, row)
        reader.read(cells, parents or {})
        return self._added(row)

    def report(self, problem: Problem) -> None:
        self.problems.append(problem)

    # -- One id, once or several times -----------------------------------------------------------

    def _added(self, row: Sent) -> Sent:
        if row.table.is_entry:
            self.listed[row.table.name].add(row.id)
            return self._added_entry(row)
        same = self.rows[row.table.name].setdefault(row.id, [])
        for other in same:
            if not _conflict(other, row):
                _merge(other, row)
                return other
            if _share_a_parent(other, row):
                message = "The id comes twice, with different values: the first is taken."
                self.report(row.problem(message, "id", Severity.ERROR))
                return other
        same.append(row)
        return row

    def _added_entry(self, row: Sent) -> Sent:
        entries = self.entries[row.table.name]
        other = entries.setdefault(row.id, row)
        if other is row:
            self.read[row.table.name] += 1
            return row
        if _conflict(other, row):
            other.rejected = "The id comes twice, with different values."
            self.report(row.problem(other.rejected, "id", Severity.ERROR))
        else:
            _merge(other, row)
        return other

    def _without_id(self, table: Table, file: str, line: int | None) -> None:
        if table.is_entry:
            self.unlisted.add(table.name)
            self.read[table.name] += 1
        message = "The row has no id that can be used, so it is not taken."
        self.report(Problem(message, Severity.ERROR, file, line, "", f"{table.name}.id"))


def _conflict(one: Sent, other: Sent) -> bool:
    """Return whether two rows of one id contradict each other.

    What only one of them says is no contradiction.
    """
    pairs = [(one.values, other.values), (one.references, other.references)]
    return any(a[name] != b[name] for a, b in pairs for name in a.keys() & b.keys() if name != "id")


def _share_a_parent(one: Sent, other: Sent) -> bool:
    """Return whether two rows are of one parent: else, one id in two of them makes two rows."""
    mine, theirs = one.parents, other.parents
    return any(mine.get(name) == parent for name, parent in theirs.items()) or mine == theirs


def _merge(one: Sent, other: Sent) -> None:
    one.values = other.values | one.values
    one.references = other.references | one.references
    one.beside = other.beside | one.beside
    one.kept = other.kept | one.kept
    one.closings = one.closings or other.closings
    one.rejected = one.rejected or other.rejected
    one.is_stub = one.is_stub and other.is_stub


class _Cells:
    """Reads the cells of one row into it, and reports those that cannot be read."""

    def __init__(self, batch: Batch, row: Sent) -> None:
        self._batch = batch
        self._row = row

    def read(self, cells: Mapping[str, Any], parents: Mapping[str, "UUID | Sent"]) -> None:
        row = self._row
        for name, raw in cells.items():
            column = row.table.columns.get(name)
            if name == "id" or name in parents:
                continue
            if column is None:
                self._keep(name, raw)
            else:
                self._read(column, raw)
        row.references.update(parents)
        _FIXES.get(row.table.name, _nothing)(self, cells)

    def _read(self, column: Column, raw: Any) -> None:
        row = self._row
        try:
            value = read_cell(row.table, column, raw)
        except TooLong as bad:
            self.warn(bad.message, column.name, Severity.ERROR)
            row.rejected = row.rejected or bad.message
            return
        except BadCell as bad:
            if column.sort is not Sort.TIME:  # hours in words: `_hours`
                self.warn(bad.message, column.name)
                self._keep(column.name, raw, counted=False)
            return
        if value is None:
            return
        if column.sort is Sort.REFERENCE:
            row.references[column.name] = self._batch.id_of(column.reference, value)
        else:
            row.values[column.name] = value

    def warn(self, message: str, column: str, severity: Severity = Severity.WARNING) -> None:
        self._batch.report(self._row.problem(message, column, severity))

    def _keep(self, name: str, raw: Any, *, counted: bool = True) -> None:
        """Keep what has no column, or does not fit it, with the entry."""
        if raw is None or raw in ("", [], {}):
            return
        if counted:
            self._batch.also_sent[name] += 1
        self._row.kept[name] = raw if isinstance(raw, str | int | float | bool) else str(raw)

    # -- What concerns several columns ---------------------------------------------------------

    def hours(self, cells: Mapping[str, Any]) -> None:
        """Read hours as people type them, where they are not times; words go to the description."""
        row = self._row
        sent = [as_text(cells.get(name) or "").strip() for name in ("opens_at", "closes_at")]
        is_read = [name in row.values for name in ("opens_at", "closes_at")]
        if any(text and not read for text, read in zip(sent, is_read, strict=True)):
            self._typed_hours(*sent)
        self._take_closings("notes")

    def alert(self, cells: Mapping[str, Any]) -> None:
        """Take the closings of a service without schedules from the head of its alert."""
        self._take_closings("alert")
        self._row.is_stub = cells.keys() <= _STUB

    def link(self, cells: Mapping[str, Any]) -> None:
        """Say of an attribute in JSON that it belongs to what it stands in."""
        row = self._row
        if "link_id" not in row.references:
            return
        row.values.pop("link_id", None)
        named = row.values.pop("link_entity", "")
        parent = row.references["link_id"]
        if named and isinstance(parent, Sent) and named != parent.table.name:
            message = "The attribute belongs to what it stands in, and not to what it names."
            self.warn(message, "link_entity", Severity.INFO)

    def _take_closings(self, column: str) -> None:
        row = self._row
        row.closings, rest = split(row.values.get(column, ""))
        if row.closings:
            row.values[column] = rest
            if not rest:
                del row.values[column]

    def _typed_hours(self, opens: str, closes: str) -> None:
        row = self._row
        pair = read_pair(opens, closes)
        if pair is None and opens and closes:
            times = read_time(opens), read_time(closes)
            pair = (times[0], times[1]) if None not in times else None  # type: ignore[assignment]
        if pair is None:
            words = " – ".join(filter(None, [opens, closes]))
            row.values.pop("opens_at", None)
            row.values.pop("closes_at", None)
            before = row.values.get("description", "")
            if words not in before:
                row.values["description"] = f"{before} ({words})" if before else words
            self.warn("The hours cannot be read, so they are shown in words.", "opens_at")
            return
        row.values["opens_at"], row.values["closes_at"] = map(RowTime, pair)
        self.warn("The hours were read from words. Please check them.", "opens_at", Severity.INFO)

    def place(self, cells: Mapping[str, Any]) -> None:
        """Take coordinates as a pair; a place that is none is kept and reported."""
        row = self._row
        given = {name: cells.get(name) for name in ("latitude", "longitude")}
        place = coordinates.read(*given.values())
        if not place.problem:
            if place.latitude is not None and place.longitude is not None:
                row.values |= {"latitude": float(place.latitude)}
                row.values |= {"longitude": float(place.longitude)}
            return
        self.warn(place.problem, "latitude")
        for name, value in (("latitude", place.latitude), ("longitude", place.longitude)):
            row.values.pop(name, None)
            if value is not None:
                row.values[name] = float(value)
        if place.latitude is None:
            row.kept |= {name: str(value) for name, value in given.items() if value is not None}

    def phone(self, cells: Mapping[str, Any]) -> None:
        """Read back an extension that stands in the description, as it is no number."""
        values = self._row.values
        if "extension" in values or "description" not in values:
            return
        values["description"], values["extension"] = phones.extension_in_words(
            values["description"]
        )
        for name in ("description", "extension"):
            if not values[name]:
                del values[name]

    def loop(self, cells: Mapping[str, Any]) -> None:
        """Leave out a parent that is the row itself."""
        for name in ("parent_id", "parent_organization_id"):
            if self._row.references.get(name) == self._row.id:
                del self._row.references[name]
                self.warn("The row is its own parent: that was left out.", name)


def _nothing(cells_reader: _Cells, cells: Mapping[str, Any]) -> None:
    pass


_FIXES = {
    "schedule": _Cells.hours,
    "location": _Cells.place,
    "phone": _Cells.phone,
    "organization": _Cells.loop,
    "taxonomy_term": _Cells.loop,
    "service": _Cells.alert,
    "attribute": _Cells.link,
}
