"""What a file carries, and what its format has no place for."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from directory.tables import LISTS, TABLES, WITHOUT_ATTRIBUTES

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


@dataclass(slots=True)
class Tally:
    """Counts of a file: rows by table; values that were left out, by HSDS 3.1 table and column."""

    rows: Counter[str] = field(default_factory=Counter)
    not_carried: Counter[str] = field(default_factory=Counter)

    def leave_out(self, table: str, column: str) -> None:
        self.not_carried[f"{table}.{column}"] += 1

    def leave_out_rest(self, table: str, row: Mapping[str, Any], carried: Collection[str]) -> None:
        """Count the values of a row but those in the columns that are carried."""
        for column in row:
            if column not in carried and _is_value(table, column, row):
                self.leave_out(table, column)


def _is_value(table: str, column: str, row: Mapping[str, Any]) -> bool:
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

    def leave_out_rest(self, tally: Tally) -> None:
        """Count what was not taken, also in the lists."""
        row = dict(self._value)
        for (table, name), column in _REFERENCES.items():
            if table == self.table and name in row:
                row[column] = row[name]["id"]
        tally.leave_out_rest(self.table, row, self._taken)
        for name, table in self._lists().items():
            if not TABLES[table].is_entry:
                for one in self.rows(name):
                    one.leave_out_rest(tally)

    def _lists(self) -> dict[str, str]:
        attributes = {} if self.table in WITHOUT_ATTRIBUTES else {"attributes": "attribute"}
        return attributes | dict(LISTS.get(self.table, {}))
