"""The time, by the database's clock: the one that every machine of an installation shares."""

from datetime import UTC, datetime

from django.db import connection

# PostgreSQL's now() stands still during a transaction; its clock does not.
_QUERIES = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
}


def now() -> datetime:
    """Return the database's time, in UTC, by one query. SQLite's is exact to the millisecond."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES[connection.vendor])
        (found,) = cursor.fetchone()
    moment = datetime.fromisoformat(found) if isinstance(found, str) else found
    return moment.astimezone(UTC)
