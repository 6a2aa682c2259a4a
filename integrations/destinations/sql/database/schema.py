"""Our tables are made, compared and upgraded by us, and by nobody else.

`meta` is made first and says whose the tables are, so that making them can be cut at any moment
where a database makes one table after another for good.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, inspect, select
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from integrations.destinations.sql import sentences
from integrations.destinations.sql.database.tables import SCHEMA_VERSION, Tables
from integrations.transport import Misconfigured

VERSION, WRITER, SYNCED_AT = "schema_version", "writer", "synced_at"
UNFINISHED = "0"  # the version of tables that are being made
# What makes the tables of a version those of the next.
UPGRADES: Mapping[int, Callable[[Connection, Tables], None]] = {}
_NOISE = re.compile(r'\s+(COLLATE|CHARACTER SET)\s+("[^"]+"|\S+)', re.IGNORECASE)
_WIDTH = re.compile(r"\b(INTEGER|INT|BIGINT)\(\d+\)")
_SAME = {"BOOL": "TINYINT(1)", "INT": "INTEGER", "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}


def prepare(connection: Connection, tables: Tables, writer: str) -> None:
    """Make the tables where there are none; raises Misconfigured where they are not ours as made.

    In the caller's transaction, which holds the tables for this writer from then on.
    """
    there = _names_there(connection, tables)
    if not there:
        _begin(connection, tables, writer)
        there = {tables["meta"].name}
    elif tables["meta"].name not in there:
        raise Misconfigured(sentences.OTHERS_TABLES(names=", ".join(sorted(there))))
    meta = lock(connection, tables)
    if not meta:  # cut after it was made
        _write_meta(connection, tables, writer)
        meta = lock(connection, tables)
    if meta.get(WRITER) != writer:
        raise Misconfigured(sentences.OTHER_WRITER(writer=meta.get(WRITER, "")))
    _bring_up_to_date(connection, tables, _version(meta))
    _check_unchanged(connection, tables)


def _check_unchanged(connection: Connection, tables: Tables) -> None:
    if differences := list(differing(connection, tables)):
        raise Misconfigured(sentences.CHANGED(differences="; ".join(differences)))


def read(connection: Connection, tables: Tables) -> dict[str, str]:
    """Return what `meta` says."""
    meta = tables["meta"]
    found = connection.execute(select(meta.c.name, meta.c.value))
    return {row.name: row.value for row in found}


def lock(connection: Connection, tables: Tables) -> dict[str, str]:
    """Return what `meta` says, and hold it: of several writers, one writes at a time."""
    found = connection.execute(locking(tables["meta"]))
    return {row.name: row.value for row in found}


def locking(meta: Table) -> Select[str, str]:
    """Return the statement that reads `meta` and locks it, in each dialect."""
    statement = select(meta.c.name, meta.c.value).with_for_update()
    return statement.with_hint(meta, "WITH (UPDLOCK, HOLDLOCK)", "mssql")


def inspect_ours(connection: Connection, tables: Tables, writer: str) -> None:
    """Raise Misconfigured where the tables that are there are not ours, as we made them."""
    there = _names_there(connection, tables)
    if tables["meta"].name not in there:
        raise Misconfigured(sentences.OTHERS_TABLES(names=", ".join(sorted(there))))
    meta = read(connection, tables)
    if meta and meta.get(WRITER) != writer:
        raise Misconfigured(sentences.OTHER_WRITER(writer=meta.get(WRITER, "")))
    if _version(meta) == SCHEMA_VERSION:
        _check_unchanged(connection, tables)


def take_over(connection: Connection, tables: Tables, writer: str) -> None:
    """Make this writer theirs, whoever wrote them before."""
    meta = tables["meta"]
    if meta.name in _names_there(connection, tables) and lock(connection, tables):
        connection.execute(meta.update().where(meta.c.name == WRITER).values(value=writer))
    prepare(connection, tables, writer)


def note_written(connection: Connection, tables: Tables) -> None:
    """Note when the tables were last brought up to date."""
    meta, now = tables["meta"], datetime.now(UTC).isoformat(timespec="microseconds")
    at = now.replace("+00:00", "Z")
    connection.execute(meta.update().where(meta.c.name == SYNCED_AT).values(value=at))


def exist(connection: Connection, tables: Tables) -> bool:
    """Return whether tables with our names are there."""
    return bool(_names_there(connection, tables))


def _names_there(connection: Connection, tables: Tables) -> set[str]:
    inspector = inspect(connection)
    ours = {table.name for table in tables.by_name.values()}
    return ours & set(inspector.get_table_names(schema=tables.metadata.schema))


def _begin(connection: Connection, tables: Tables, writer: str) -> None:
    connection.execute(CreateTable(tables["meta"], if_not_exists=_can_skip(connection)))
    _write_meta(connection, tables, writer)


def _write_meta(connection: Connection, tables: Tables, writer: str) -> None:
    values = {VERSION: UNFINISHED, WRITER: writer, SYNCED_AT: ""}
    rows = [{"name": name, "value": value} for name, value in values.items()]
    connection.execute(tables["meta"].insert(), rows)


def _version(meta: Mapping[str, str]) -> int:
    """Return the version of the tables, 0 while they are being made; raises Misconfigured."""
    version = meta.get(VERSION, "")
    there = int(version) if version.isdigit() else 0
    if there > SCHEMA_VERSION:
        raise Misconfigured(sentences.NEWER(theirs=there, ours=SCHEMA_VERSION))
    return there


def _bring_up_to_date(connection: Connection, tables: Tables, there: int) -> None:
    if there == SCHEMA_VERSION:
        return
    if there == 0:
        _make(connection, tables)
        there = SCHEMA_VERSION
    while there < SCHEMA_VERSION:
        UPGRADES[there](connection, tables)
        there += 1
    meta = tables["meta"]
    update = meta.update().where(meta.c.name == VERSION)
    connection.execute(update.values(value=str(SCHEMA_VERSION)))


def _make(connection: Connection, tables: Tables) -> None:
    """Make what is missing of the tables: they may have been cut."""
    there = _names_there(connection, tables)
    for table in tables.by_name.values():
        if table.name not in there:
            connection.execute(CreateTable(table))
            for index in table.indexes:
                connection.execute(CreateIndex(index))


def _can_skip(connection: Connection) -> bool:
    return connection.dialect.name != "mssql"


# -- what differs --------------------------------------------------------------------------------


def differing(connection: Connection, tables: Tables) -> Iterator[str]:
    """Yield what somebody changed, as a clause for each."""
    inspector = inspect(connection)
    schema = tables.metadata.schema
    names = [table.name for table in tables.by_name.values()]
    columns = inspector.get_multi_columns(schema=schema, filter_names=names)
    keys = inspector.get_multi_pk_constraint(schema=schema, filter_names=names)
    for table in tables.by_name.values():
        place = (schema, table.name)
        if place not in columns:
            yield sentences.MISSING_TABLE(table=table.name)
            continue
        there = {str(one["name"]): dict(one) for one in columns[place]}
        yield from _differing_columns(connection, table, there)
        if set(keys[place]["constrained_columns"]) != set(table.primary_key.columns.keys()):
            yield sentences.OTHER_KEY(table=table.name)


def _differing_columns(
    connection: Connection, table: Table, there: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for column in table.columns:
        name = f"{table.name}.{column.name}"
        if column.name not in there:
            yield sentences.MISSING_COLUMN(column=name)
            continue
        theirs = there[column.name]
        ours_type, their_type = (_type(connection, one) for one in (column.type, theirs["type"]))
        if ours_type != their_type:
            yield sentences.OTHER_TYPE(column=name, there=their_type, ours=ours_type)
        elif bool(theirs["nullable"]) != bool(column.nullable):
            yield sentences.OTHER_NULL(column=name)
    for added in sorted(set(there) - set(table.columns.keys())):
        yield sentences.ADDED_COLUMN(column=f"{table.name}.{added}")


def _type(connection: Connection, kind: TypeEngine[Any]) -> str:
    """Return a type as its dialect writes it, without what dialects say only one way round."""
    dialect = connection.dialect
    written = kind.compile(dialect)
    written = _WIDTH.sub(r"\1", _NOISE.sub("", str(written)).strip().upper())
    return _SAME.get(written, written)
