"""What belongs into an emptied database, made once and copied from then on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.core.management.sql import emit_post_migrate_signal
from django.db import connections, transaction

# Programs of a test may run meanwhile and write into other tables, such as that they are there.
MADE_BY_MIGRATING = ("django_content_type", "auth_permission", "auth_group", "mapping_")


class Emptied:
    """What belongs into an emptied database: content types, permissions, roles, shipped mappings.

    Made by `post_migrate` once, which takes a tenth of a second of CPU, and put back from then on.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Any] = {}

    def furnish(self, verbosity: int, interactive: bool, db: str, **given: Any) -> None:
        """Stand in for Django's `emit_post_migrate_signal`, after the tables were emptied."""
        if not self._rows:
            emit_post_migrate_signal(verbosity, interactive, db, **given)
            self._rows = dict(_filled(connections[db]))
            return
        with transaction.atomic(db):
            for table, rows in self._rows.items():
                _insert(connections[db], table, rows)


def _filled(connection: Any) -> Iterator[tuple[str, Any]]:
    """Yield each table that has rows, with its columns, and the rows as `_insert` takes them."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        for table in filter(lambda name: name.startswith(MADE_BY_MIGRATING), tables):
            cursor.execute(f'SELECT * FROM "{table}"')
            if cursor.fetchone():
                columns = ", ".join(f'"{column[0]}"' for column in cursor.description)
                yield f'"{table}" ({columns})', _rows(connection, columns, table)


def _rows(connection: Any, columns: str, table: str) -> Any:
    """Return all rows as the database has them, whatever Django would make of a value."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as plain:
            return plain.execute(f'SELECT {columns} FROM "{table}"').fetchall()
    command = f'COPY "{table}" ({columns}) TO STDOUT (FORMAT BINARY)'
    with connection.cursor() as cursor, cursor.copy(command) as copied:
        return b"".join(copied)


def _insert(connection: Any, table: str, rows: Any) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            places = ", ".join("?" * len(rows[0]))
            # Values as SQLite has them, so by its own cursor and not by Django's.
            connection.connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
        else:
            with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copied:
                copied.write(rows)
