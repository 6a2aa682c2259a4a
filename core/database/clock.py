"""The time, by the database's clock: the one that every machine of an installation shares."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Func
from django.db.models.expressions import Combinable

# PostgreSQL's now() stands still during a transaction; its clock does not.
_QUERIES = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
}
# When the statement began. Not clock_timestamp(), which may differ from row to row, so that no
# index could be used for it. SQLite compares times as texts, in the form in which Django writes
# them.
_IN_STATEMENTS = {
    "postgresql": "statement_timestamp()",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now')",
}

Time = datetime | Combinable  # or what the database makes one of


def now() -> datetime:
    """Return the database's time, in UTC, by one query. SQLite's is exact to the millisecond.

    Where a statement needs the time and Python does not, `Now` saves this query.
    """
    return _asked()


def offset() -> timedelta:
    """Return how far this host's clock is ahead of the database's; less than zero: behind."""
    before = datetime.now(UTC)
    theirs = _asked()
    return before + (datetime.now(UTC) - before) / 2 - theirs


def _asked() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES[connection.vendor])
        (found,) = cursor.fetchone()
    return read(found)


def read(found: datetime | str) -> datetime:
    """Return a time as a cursor gave it, in UTC: SQLite gives a text."""
    moment = datetime.fromisoformat(found) if isinstance(found, str) else found
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def sql() -> str:
    """Return the SQL of `Now`, for a statement with parameters."""
    return _IN_STATEMENTS[connection.vendor]


class Now(Func):
    """The database's time when the statement that it stands in began.

    It is never later than what the statement does: a lease that is counted from it ends early
    rather than late, also where the statement had to wait for a lock.
    """

    output_field = DateTimeField()

    def as_sql(
        self, compiler: Any, connection: Any, *_: Any, **__: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        return sql(), ()
