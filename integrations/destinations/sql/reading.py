"""What is there: the versions of referrals, their rows, and all rows of a table."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from integrations.destinations.sql.database.tables import OF_A_REFERRAL, REFERRAL, SHAPES, Tables
from integrations.destinations.sql.rows import Row, fitted
from integrations.destinations.sql.sealing import MARK, Seal

ROWS_AT_ONCE = 500


class Reader:
    """Reads the tables over one connection; encrypted columns come decrypted."""

    def __init__(self, connection: Connection, tables: Tables, seal: Seal | None) -> None:
        self._connection = connection
        self._tables = tables
        self._seal = seal

    def versions(self, references: Sequence[str]) -> dict[str, tuple[int, datetime]]:
        """Return which version of each referral is there, and when that was made."""
        table = self._tables[REFERRAL]
        asked = select(table.c.reference, table.c.version, table.c.changed_at)
        found = self._connection.execute(asked.where(table.c.reference.in_(references)))
        return {row.reference: (row.version, row.changed_at) for row in found}

    def removed(self, references: Sequence[str]) -> dict[str, datetime]:
        """Return which referrals were removed, and when."""
        table = self._tables["removed"]
        asked = select(table.c.reference, table.c.removed_at)
        found = self._connection.execute(asked.where(table.c.reference.in_(references)))
        return {row.reference: row.removed_at for row in found}

    def content(self, reference: str) -> Mapping[str, list[Row]]:
        """Return the rows of one referral."""
        found: dict[str, list[Row]] = {}
        for name in OF_A_REFERRAL:
            table = self._tables[name]
            rows = self._connection.execute(select(table).where(table.c.reference == reference))
            found[name] = [self._opened(name, row) for row in rows.mappings()]
        return found

    def all(self, name: str) -> Iterator[Row]:
        """Yield the rows of a table, a few at a time, in the order of its key."""
        table = self._tables[name]
        result = self._connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
            select(table).order_by(*table.primary_key)
        )
        for row in result.mappings():
            yield self._opened(name, row)

    def page(self, after: str) -> list[tuple[str, int]]:
        """Return the next referrals that are there, with their versions."""
        table = self._tables[REFERRAL]
        asked = select(table.c.reference, table.c.version).where(table.c.reference > after)
        page = asked.order_by(table.c.reference).limit(ROWS_AT_ONCE)
        return [(row.reference, row.version) for row in self._connection.execute(page)]

    def _opened(self, name: str, row: Mapping[Any, Any]) -> Row:
        """Return a row as it was before it was encrypted; raises Unreadable."""
        plain = {column: row[column] for column in SHAPES[name][1]}
        sealed = [column for column in plain if f"{name}.{column}" in self._tables.encrypted]
        if not sealed or self._seal is None:
            return plain
        for column in sealed:
            text = plain[column]
            if isinstance(text, str) and text.startswith(MARK):
                plain[column] = self._seal.open(text, f"{name}.{column}", plain["reference"])
        return fitted(name, plain)
