"""What a file carries, and what its format has no place for."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from directory.exporting.content.flattening import repeated_ids
from directory.tables import LISTS, TABLES, WITHOUT_ATTRIBUTES

Row = Mapping[str, Any]

# What says only which rows belong together is no value of its own.
_STRUCTURE = frozenset(
    [
        *("id", "organization_id", "service_id", "location_id", "service_at_location_id"),
        *("contact_id", "phone_id", "link_id", "link_entity"),
    ]
)
# What every format says of a row by having it.
_IMPLIED = {("location", "location_type"): "physical"}
# Objects that stand for a reference, by table and key: the column that they are.
_REFERENCES = {
    ("service", "program"): "program_id",
    ("attribute", "taxonomy_term"): "taxonomy_term_id",
    ("taxonomy_term", "taxonomy_detail"): "taxonomy_id",
    ("service_capacity", "unit"): "unit_id",
}


@dataclass
class Tally:
    """Counts of a file: rows by table; values that were left out, by HSDS 3.1 table and column."""

    rows: Counter[str] = field(default_factory=Counter)
    not_carried: Counter[str] = field(default_factory=Counter)
    # Rows that stand in several answers, with what was taken of each anywhere.
    _repeated: dict[tuple[str, str], tuple[Row, set[str]]] = field(default_factory=dict)

    def leave_out(self, table: str, column: str) -> None:
        self.not_carried[f"{table}.{column}"] += 1

    def leave_out_rest(self, table: str, row: Row, carried: Collection[str]) -> None:
        """Count the values of a row but those in the columns that are carried."""
        for column in row:
            if column not in carried and _is_value(table, column, row):
                self.leave_out(table, column)

    @cached_property
    def repeated(self) -> Mapping[str, Collection[str]]:
        """Return, by table, the ids of rows that stand in several answers."""
        return repeated_ids()

    def note_repeated(self, table: str, row: Row, carried: Collection[str]) -> None:
        """Note what one of several answers carries of a row: `finish` counts it once."""
        # By what it holds: two suppliers may give different rows the same id.
        content = repr(sorted((name, row[name]) for name in TABLES[table].columns if name in row))
        self._repeated.setdefault((table, content), (row, set()))[1].update(carried)

    def finish(self) -> None:
        """Count what no answer carries of the rows that stand in several of them."""
        for (table, _), (row, carried) in self._repeated.items():
            self.leave_out_rest(table, row, carried)
        self._repeated.clear()


def _is_value(table: str, column: str, row: Row) -> bool:
    if column in _STRUCTURE or column not in TABLES[table].column_names:
        return False
    if _IMPLIED.get((table, column)) == row[column]:
        return False
    # A description that HSDS requires, and that is missing, is the name.
    is_made_up = column == "description" and column in TABLES[table].required
    return not (is_made_up and row[column] == row.get("name"))


class Values:
    """An object of an answer, of which a format takes what it has a place for.

    What it has not taken at the end is counted as left out: nothing can be forgotten. Other
    entries that the object nests have objects of their own, and are not counted with it.
    """

    def __init__(self, table: str, value: Mapping[str, Any]) -> None:
        self.table = table
        self._value = value
        self._taken: set[str] = set()
        self._nested: dict[str, list[Values]] = {}

    @property
    def value(self) -> Mapping[str, Any]:
        """Return the object as it is."""
        return self._value

    @property
    def id(self) -> str:
        return str(self._value["id"])

    @property
    def number(self) -> int | None:
        """Return the entry's number; None for what has none."""
        return self._value.get("x_number")

    def get(self, column: str) -> Any:
        """Return a value without taking it; None where it is absent."""
        return self._value.get(column)

    def take(self, column: str) -> Any:
        """Return a value, which the file carries; None where it is absent."""
        self._taken.add(column)
        return self._value.get(column)

    def text(self, column: str) -> str:
        """Take a value as text; what is absent is empty."""
        value = self.take(column)
        return "" if value is None else str(value)

    def take_all(self, columns: Collection[str]) -> None:
        """Say of several values that the file carries them."""
        self._taken |= set(columns)

    def put_back(self, *columns: str) -> None:
        """Say of values that were taken that the file carries them not, or not as a whole."""
        self._taken -= set(columns)

    def rows(self, name: str) -> "list[Values]":
        """Return the rows in one of the object's lists."""
        if name not in self._nested:
            found = self._value.get(name) or ()
            self._nested[name] = [Values(self._lists()[name], one) for one in found]
        return self._nested[name]

    def leave_out_rest(self, tally: Tally, *, is_repeated: bool = False) -> None:
        """Count what was not taken, also in the lists.

        A row that stands in several answers is counted once, with what hangs on it, when the file
        is finished.
        """
        is_repeated = is_repeated or self._value.get("id") in tally.repeated.get(self.table, ())
        row = dict(self._value)
        for (table, name), column in _REFERENCES.items():
            if table == self.table and name in row:
                row[column] = row[name]["id"]
        count = tally.note_repeated if is_repeated else tally.leave_out_rest
        count(self.table, row, self._taken)
        if "unit" in self._value:
            Values("unit", self._value["unit"]).leave_out_rest(tally, is_repeated=True)
        for name, table in self._lists().items():
            if not TABLES[table].is_entry:
                for one in self.rows(name):
                    one.leave_out_rest(tally, is_repeated=is_repeated)

    def _lists(self) -> dict[str, str]:
        attributes = {} if self.table in WITHOUT_ATTRIBUTES else {"attributes": "attribute"}
        return attributes | dict(LISTS.get(self.table, {}))
