"""Looking for work costs next to nothing, however many deliveries are finished."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.database import clock
from integrations.models import Destination
from referrals import delivering
from referrals.models import Delivery, Referral
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]  # the plan of a query
FINISHED = 2_000


@pytest.fixture
def many_finished(world: World) -> None:
    """Finished deliveries, known to the planner: it reads small or unknown tables as it pleases."""
    now = clock.now()
    referrals = Referral.objects.bulk_create(
        Referral(reference=str(number), created_at=now, changed_at=now)
        for number in range(FINISHED)
    )
    destination = Destination.objects.get()
    Delivery.objects.bulk_create(
        Delivery(
            referral=referral,
            destination=destination,
            state=Delivery.State.IMPORTED,
            external_id="1",
            opened_at=now,
        )
        for referral in referrals
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def test_the_due_deliveries_are_found_by_their_index(many_finished: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        delivering.due_deliveries(100)
    (sql,) = (query["sql"] for query in asked if "ROW_NUMBER" in query["sql"])
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert "deliveries_due" in plan
