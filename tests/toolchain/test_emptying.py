"""The tables are emptied after each test, even while a program still writes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.db import OperationalError, connection, connections, transaction

from referrals.delivering import claiming
from referrals.models import Attempt, Delivery, Version
from tests.flow.portal import eventually
from tests.world import make_world, plain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.scaled_out]


def test_a_delivery_that_is_claimed_meanwhile_is_deleted_with_its_attempt():
    world = make_world()
    world.send(plain())
    with ThreadPoolExecutor(1) as beside:
        # Each waits for the other when the claim is committed and its keys are checked. PostgreSQL
        # ends one of them: the emptying begins again, a program would claim again.
        with suppress(OperationalError), transaction.atomic():
            claiming.claim(world.delivery.pk)
            emptying = beside.submit(_empty)
            eventually(_something_waits, "the emptying waits for the claim")
        emptying.result()
    assert not Attempt.objects.exists()
    assert not Delivery.objects.exists()


def _empty() -> None:
    # Of all orders, that in which a row can come between.
    tables = [model._meta.db_table for model in (Attempt, Version, Delivery)]
    connection.ops.execute_sql_flush([f"DELETE FROM {table}" for table in tables])
    connections.close_all()


def _something_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None
