"""Whether due work is done shows itself to those who run the portal."""

from datetime import timedelta

import pytest
from django.test import Client

from core.database import clock
from core.web import health
from referrals.models import Attempt, Delivery, InboundEvent
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


def delivery() -> tuple[int, str]:
    answer = Client().get("/health/delivery")
    return answer.status_code, answer.json()["checks"]["dispatching"]


@pytest.fixture
def _no_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.not_delivering, "begin", lambda: None)


@pytest.mark.usefixtures("_no_alert")
def test_events_that_nobody_opens_make_delivery_red(world: World):
    world.receive(plain())
    assert delivery() == (200, "ok")
    InboundEvent.objects.update(due_at=clock.now() - timedelta(seconds=31))
    status, shown = delivery()
    assert (status, shown[:28]) == (503, "1 due, and none begun for 30")
    assert Client().get("/health/ready").status_code == 200
    # One that is being opened shows that somebody is at work.
    world.receive(plain(number=2, reference="4200000999"))
    opened = InboundEvent.objects.order_by("-received_at").first()
    assert opened
    InboundEvent.objects.filter(pk=opened.pk).update(due_at=clock.now() + timedelta(seconds=50))
    assert delivery() == (200, "ok")


@pytest.mark.usefixtures("_no_alert")
def test_deliveries_that_nobody_claims_make_delivery_red(world: World):
    world.send(plain())
    assert delivery() == (200, "ok")
    Delivery.objects.update(due_at=clock.now() - timedelta(seconds=31))
    assert delivery()[0] == 503
    later = clock.now() + timedelta(hours=1)
    Delivery.objects.update(due_at=later)  # a retry that waits for its time
    assert delivery() == (200, "ok")
    # Another one was begun: whoever did it comes to this one, too.
    Delivery.objects.update(due_at=clock.now() - timedelta(seconds=1))
    world.run()
    Delivery.objects.update(state="queued", due_at=clock.now() - timedelta(minutes=9))
    assert delivery() == (200, "ok")
    Attempt.objects.update(started_at=clock.now() - timedelta(seconds=31))
    assert delivery()[0] == 503
    world.destination.pause("The token is wrong.", clock.now())
    assert delivery() == (200, "ok")


def test_the_figures_count_deliveries_by_state(world: World):
    world.send(plain())
    page = Client().get("/metrics").content.decode()
    assert 'dovetail_import_jobs{state="queued"} 1.0' in page
    assert "dovetail_uncleared_errors 0.0" in page
