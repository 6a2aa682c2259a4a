"""Does the database write a commit to the disk before it says so? A 2xx answer promises that."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import Error, connections

# By setting of PostgreSQL: what it must not be.
_POSTGRESQL = {"fsync": ("off",), "synchronous_commit": ("off",), "full_page_writes": ("off",)}
_SQLITE_FULL = 2
HINT = "After a power failure, events that were answered 2xx may be gone. Set it as shipped."


@register(Tags.database)
def commits_are_on_disk(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Name each setting by which the database confirms what is not on disk yet.

    For `manage.py check --database default`, and for each `migrate`.
    """
    names = [name for alias in databases or [] for name in _unsafe(connections[alias])]
    return [Warning(f"{name}.", hint=HINT, id="core.W001") for name in names]


@register(Tags.security, deploy=True)
def commits_are_on_disk_in_production(**kwargs: Any) -> list[CheckMessage]:
    """The same, for `manage.py check --deploy`."""
    return commits_are_on_disk(list(connections))


def _unsafe(connection: Any) -> list[str]:
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                return _of_sqlite(cursor)
            return _of_postgresql(cursor)
    except Error:
        return []  # it is away, which others say


def _of_sqlite(cursor: Any) -> list[str]:
    cursor.execute("PRAGMA synchronous")
    (level,) = cursor.fetchone()
    return [f"SQLite's synchronous is {level}, below FULL"] if level < _SQLITE_FULL else []


def _of_postgresql(cursor: Any) -> list[str]:
    found = []
    for name, refused in _POSTGRESQL.items():
        cursor.execute(f"SHOW {name}")
        (value,) = cursor.fetchone()
        if value in refused:
            found.append(f"PostgreSQL's {name} is {value}")
    return found
