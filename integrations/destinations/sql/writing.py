"""Rows of many referrals are written in one transaction, each guarded by its version.

`meta` is locked first, so of several writers (a worker that was lost and comes back) one writes at
a time, and what was read of a referral still holds when it is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from integrations.destinations.sql import rows, sentences
from integrations.destinations.sql.database import schema
from integrations.destinations.sql.database.tables import OF_A_REFERRAL, REFERRAL, Tables, family
from integrations.destinations.sql.reading import Reader
from integrations.destinations.sql.rows import Content, Row
from integrations.destinations.sql.sealing import Seal
from integrations.transport import Misconfigured

CHILDREN = tuple(name for name in OF_A_REFERRAL if name != REFERRAL)
Versions = Mapping[str, tuple[int, datetime]]


class Writer:
    """Writes into the tables over one connection, in the caller's transaction."""

    def __init__(self, connection: Connection, tables: Tables, seal: Seal | None) -> None:
        self._connection = connection
        self._tables = tables
        self._seal = seal
        self._reader = Reader(connection, tables, seal)

    def write(self, contents: Sequence[Content], writer: str) -> None:
        """Write or remove each content, one of a referral; what is older changes nothing.

        Raises Misconfigured where a version is there that this portal does not know.
        """
        self._check_writer(writer)
        references = [content.reference for content in contents]
        there, removed = self._reader.versions(references), self._reader.removed(references)
        go = [one for one in contents if self._may_go(one, there, removed)]
        puts = [one for one in go if not one.removes]
        gone = [one for one in go if one.removes]
        self._clear([one.reference for one in go], CHILDREN)
        self._clear([one.reference for one in gone], (REFERRAL,))
        self._clear([one.reference for one in go if one.reference in removed], ("removed",))
        self._put(REFERRAL, [row for one in puts for row in one.rows[REFERRAL]], there)
        for name in CHILDREN:
            self._insert(name, [row for one in puts for row in one.rows[name]])
        self._note_removed(gone, removed)
        self.write_listings(_listings(puts))
        schema.note_written(self._connection, self._tables)

    def discard(self, references: Sequence[str], writer: str) -> None:
        """Delete every row of these referrals."""
        self._check_writer(writer)
        self._clear(references, (*OF_A_REFERRAL, "removed"))

    def _check_writer(self, writer: str) -> None:
        """Lock the tables; raises Misconfigured where they are another writer's."""
        theirs = schema.lock(self._connection, self._tables).get(schema.WRITER, "")
        if theirs != writer:
            raise Misconfigured(sentences.OTHER_WRITER(writer=theirs))

    def _may_go(self, content: Content, there: Versions, removed: Mapping[str, datetime]) -> bool:
        """Return whether a content is newer than what is there, or the same once more."""
        if content.reference not in there:
            at = removed.get(content.reference)
            return content.removes or at is None or content.changed_at > at
        number, changed_at = there[content.reference]
        ours = content.parcel.number
        if ours > number or (
            not content.removes and (ours, content.changed_at) == there[content.reference]
        ):
            return True
        if ours < number and content.changed_at <= changed_at:
            return False  # of a worker that comes late
        if not content.removes and self._is_the_same(content):
            return False
        raise Misconfigured(
            sentences.RESTORED(reference=content.parcel.reference, there=number, ours=ours)
        )

    def _is_the_same(self, content: Content) -> bool:
        return rows.same(content.rows, self._reader.content(content.reference))

    def _clear(self, references: Sequence[str], names: Iterable[str]) -> None:
        for name in names if references else ():
            table = self._tables[name]
            self._connection.execute(delete(table).where(table.c.reference.in_(references)))

    def _note_removed(self, gone: Sequence[Content], removed: Mapping[str, datetime]) -> None:
        at = {
            one.reference: max(one.changed_at, removed.get(one.reference, one.changed_at))
            for one in gone
        }
        self._insert(
            "removed", [{"reference": key, "removed_at": when} for key, when in at.items()]
        )

    def write_listings(self, listings: Sequence[Row]) -> None:
        """Write what the listings are called now."""
        table = self._tables["listing"]
        keys = [one["id"] for one in listings]
        if keys:
            self._connection.execute(delete(table).where(table.c.id.in_(keys)))
            self._insert("listing", listings)

    def replace_listings(self, listings: Sequence[Row]) -> None:
        """Write what the listings are called now, and remove all others."""
        self._connection.execute(delete(self._tables["listing"]))
        self._insert("listing", listings)

    def _put(self, name: str, found: Sequence[Row], there: Versions) -> None:
        """Insert rows, or update those that are there: others may refer to them."""
        if not found:
            return
        table = self._tables[name]
        statement = _upsert(table, self._connection)
        if statement is not None:
            self._connection.execute(statement, self._sealed(name, found))
            return
        self._insert(name, [row for row in found if row["reference"] not in there])
        for row in self._sealed(name, [row for row in found if row["reference"] in there]):
            update = table.update().where(table.c.reference == row["reference"])
            self._connection.execute(update.values(**row))

    def _insert(self, name: str, found: Sequence[Row]) -> None:
        if found:
            self._connection.execute(insert(self._tables[name]), self._sealed(name, found))

    def _sealed(self, name: str, found: Sequence[Row]) -> list[dict[str, Any]]:
        """Return rows as they are written: what is to be encrypted, is."""
        columns = [
            one.partition(".")[2] for one in self._tables.encrypted if one.startswith(f"{name}.")
        ]
        if not columns or self._seal is None:
            return [dict(row) for row in found]
        return [{**row, **self._closed(name, row, columns)} for row in found]

    def _closed(self, name: str, row: Row, columns: Iterable[str]) -> dict[str, str]:
        assert self._seal  # noqa: S101 - for the types: asked before
        return {
            column: self._seal.close(rows.plain(row[column]), f"{name}.{column}", row["reference"])
            for column in columns
            if row[column] is not None
        }


def _listings(contents: Iterable[Content]) -> list[Row]:
    """Return the listings that referrals are for, each once."""
    found: dict[str, Row] = {}
    for one in contents:
        listing = one.parcel.shown.get("listing", {})
        if listing.get("id"):
            organization = one.parcel.shown.get("organization", {}).get("id")
            row = rows.fitted(
                "listing", {**listing, "organization_id": organization, "integrated": True}
            )
            found[row["id"]] = row
    return list(found.values())


def _upsert(table: Table, connection: Connection) -> Insert | None:
    """Return the insert that updates what is there; None where the dialect has none."""
    columns = [one.name for one in table.columns if not one.primary_key]
    match family(connection.dialect):
        case "postgresql":
            made = postgresql.insert(table)
            return made.on_conflict_do_update(
                index_elements=list(table.primary_key),
                set_={name: made.excluded[name] for name in columns},
            )
        case "sqlite":
            lite = sqlite.insert(table)
            return lite.on_conflict_do_update(
                index_elements=list(table.primary_key),
                set_={name: lite.excluded[name] for name in columns},
            )
        case "mysql":
            mine = mysql.insert(table)
            return mine.on_duplicate_key_update({name: mine.inserted[name] for name in columns})
        case _:
            return None
