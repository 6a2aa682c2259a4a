"""Whether due work is done shows itself to those who run the portal."""

from datetime import timedelta

import pytest
from django.test import Client

from core.database import clock
from referrals.models import Delivery, InboundEvent
from tests.world import World, plain

pytestmark = pytest.mark.postgres  # counts and ages by the database's clock


def checks() -> dict[str, str]:
    return Client().get("/readyz").json()["checks"]


def test_nothing_due_is_ok(world: World):
    assert checks()["backlog"] == "ok"


def test_a_row_that_has_been_due_for_long_points_at_the_dispatcher(world: World):
    world.receive(plain())
    InboundEvent.objects.update(due_at=clock.now() - timedelta(minutes=7))
    assert checks()["backlog"] == "due for 7 minutes: is the dispatcher running?"
    assert Client().get("/readyz").status_code == 200


def test_a_paused_destination_is_no_backlog(world: World):
    world.send(plain())
    Delivery.objects.update(due_at=clock.now() - timedelta(minutes=7))
    world.destination.pause("The token is wrong.", clock.now())
    assert checks()["backlog"] == "ok"


def test_the_figures_count_deliveries_by_state(world: World):
    world.send(plain())
    page = Client().get("/metrics").content.decode()
    assert 'dovetail_import_jobs{state="queued"} 1.0' in page
    assert "dovetail_uncleared_errors 0.0" in page
