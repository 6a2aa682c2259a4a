"""Looking for work costs next to nothing, however many deliveries are finished or paused."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.database import clock
from integrations.models import Destination
from referrals import delivering
from referrals.models import BulkRetry, Delivery, Referral
from referrals.running.dispatcher import WORK, Dispatcher
from tests.world import World, plain

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


def to_do() -> frozenset[str] | None:
    """Return what a round would do."""
    assert delivering.look()
    return delivering.found(**{name: rows() for name, rows in WORK.items()})


def test_a_round_without_work_is_one_statement(world: World) -> None:
    world.send(plain())
    world.run()
    with closing(Dispatcher(threads=1)) as dispatcher:
        dispatcher.round()
        with CaptureQueriesContext(connection) as asked:
            assert dispatcher.round() == 0
    assert len(asked) == 1


def is_due(world: World) -> None:
    world.send(plain())


def is_not_opened(world: World) -> None:
    world.receive(plain())


def is_lost(world: World) -> None:
    world.send(plain())
    long_ago = clock.now() - timedelta(hours=1)
    Delivery.objects.update(state="running", due_at=None, lease_token=uuid4(), lease_until=long_ago)


def has_its_turn(world: World) -> None:
    now = clock.now()
    BulkRetry.objects.create(
        selection=uuid4(),
        organization=world.organization,
        asked_at=now,
        next_at=now,
        state=BulkRetry.State.RUNNING,
    )


def is_to_be_probed(world: World) -> None:
    world.destination.go_down("It refused the connection.", clock.now())
    Destination.objects.update(probe_at=clock.now())


def goes_in_a_run(world: World) -> None:
    Destination.objects.update(batches=True)
    world.send(plain())


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (is_due, "deliveries"),
        (is_not_opened, "events"),
        (is_lost, "lost"),
        (has_its_turn, "turns"),
        (is_to_be_probed, "probes"),
        (goes_in_a_run, "runs"),
    ],
)
def test_each_kind_of_work_is_seen(world: World, work: Callable[[World], None], name: str) -> None:
    assert to_do() == frozenset()
    work(world)
    assert to_do() == {name}


def test_what_may_not_go_is_no_work(world: World) -> None:
    world.send(plain())
    world.destination.pause("A person stopped it.", clock.now())
    assert to_do() == frozenset()


def test_what_is_due_later_is_no_work(world: World) -> None:
    world.send(plain())
    Delivery.objects.update(due_at=clock.now() + timedelta(hours=1))
    assert to_do() == frozenset()
