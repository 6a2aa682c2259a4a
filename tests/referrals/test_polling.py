"""Looking for work costs next to nothing, however many jobs are finished."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from referrals import importing

pytestmark = pytest.mark.django_db


def test_the_due_jobs_are_found_by_their_index():
    with CaptureQueriesContext(connection) as asked:
        importing.due_jobs(100)
    (sql,) = (query["sql"] for query in asked if "ROW_NUMBER" in query["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # small tables are read whole
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert "jobs_due" in plan
