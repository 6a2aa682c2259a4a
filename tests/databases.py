"""Fresh databases, each a copy of one that is set up once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql


def close_all() -> None:
    """Close this process's connections: no fork and no copy may find one open."""
    connections.close_all()


@contextmanager
def using(name: str) -> Iterator[None]:
    """Let this process work with another database for the length of the block."""
    settings = connections["default"].settings_dict
    before = settings["NAME"]
    close_all()
    settings["NAME"] = name
    try:
        yield
    finally:
        close_all()
        settings["NAME"] = before


def copy(name: str, new: str) -> None:
    """Copy a database that nobody is connected to, over an earlier copy."""
    if connections["default"].vendor == "sqlite":
        # By SQLite itself: a file that is put in the place of another one, or read beside its
        # back, loses the locks and the journal of whoever has it open, in this process too.
        with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(new)) as target:
            target.execute("PRAGMA synchronous = OFF")
            source.backup(target)
    else:
        drop(new)
        _execute("CREATE DATABASE {} TEMPLATE {}", new, name)


def drop(name: str) -> None:
    if connections["default"].vendor == "sqlite":
        for suffix in ("", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)
    else:
        _execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def beside(name: str, suffix: str) -> str:
    """Return the name of another database of the same server, or in the same folder."""
    return f"{name}_{suffix}"


def _execute(statement: str, *names: str) -> None:
    settings: dict[str, Any] = connections["default"].settings_dict
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"] or 5432,
        user=settings["USER"],
        password=settings["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    ) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
