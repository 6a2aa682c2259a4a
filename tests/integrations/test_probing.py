"""A destination that is down is probed by one at a time, by the schedule, until it answers."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from core.database import clock
from integrations import probing
from integrations.destinations.demo.transport import DemoTransport
from integrations.models import Destination
from integrations.transport import Down, Misconfigured, TryAgain
from referrals.running.dispatcher import Dispatcher
from tests.world import World, make_world, plain

pytestmark = pytest.mark.postgres  # a probe is claimed

MINUTES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)]


@pytest.fixture
def world(db: None, settings: Any) -> World:
    settings.RETRY_SCHEDULE = MINUTES
    world = make_world()
    assert world.destination.go_down("it refused the connection. Look there.", clock.now())
    return world


def here() -> Destination:
    return Destination.objects.get()


def answer_with(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> None:
    def probe(self: DemoTransport) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(DemoTransport, "probe", probe)


def make_due() -> None:
    Destination.objects.update(probe_at=clock.now())


def test_probes_follow_the_schedule_but_come_at_least_every_quarter_of_an_hour(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    answer_with(monkeypatch, Down("No.", cause="there is no route to it", remedy="Look."))
    waits = [here().probe_at - clock.now()]
    for _ in range(5):
        make_due()
        assert probing.probe(here().pk)
        waits.append(here().probe_at - clock.now())
    rounded = [round(wait / timedelta(minutes=1)) for wait in waits]
    assert rounded == [1, 5, 15, 15, 15, 15]
    assert here().paused_reason == "there is no route to it. Look."


def test_a_probe_that_is_not_due_is_not_made(world: World, monkeypatch: pytest.MonkeyPatch):
    answer_with(monkeypatch, AssertionError("It was probed."))
    assert not probing.probe(here().pk)
    assert probing.due_probes() == []


def test_no_answer_is_no_answer_whatever_the_network_states(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    answer_with(monkeypatch, TryAgain("No whole answer: the time was up."))
    make_due()
    assert probing.probe(here().pk)
    assert here().is_down
    assert here().paused_reason == "it refused the connection. Look there."


def test_each_return_begins_the_schedule_anew(world: World, monkeypatch: pytest.MonkeyPatch):
    Destination.objects.update(probes=4)
    answer_with(monkeypatch, None)
    make_due()
    assert probing.probe(here().pk)
    assert (here().paused_at, here().probe_at) == (None, None)
    now = clock.now()
    assert here().go_down("it refused the connection. Look there.", now)
    assert (here().probes, here().probe_at - now) == (0, MINUTES[0])


def test_what_refuses_the_connection_is_probed_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    answer_with(monkeypatch, Misconfigured("CRMS does not accept the credentials."))
    since = here().paused_at
    make_due()
    assert probing.probe(here().pk)
    assert (here().is_down, here().paused_at) == (False, since)
    assert here().paused_reason == "CRMS does not accept the credentials."


def test_a_probe_whose_process_was_lost_is_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    answer_with(monkeypatch, RuntimeError("killed"))
    make_due()
    with pytest.raises(RuntimeError):
        probing.probe(here().pk)
    assert not probing.probe(here().pk)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + probing.PROBE_TIME)
    answer_with(monkeypatch, None)
    assert probing.probe(here().pk)
    assert here().paused_at is None


def test_what_waited_goes_in_turn(world: World, settings: Any):
    for number in range(1, 11):
        world.send(plain(number=number, reference=str(number)))
    before = clock.now()
    here().release()
    due = sorted(delivery.due_at for delivery in here().deliveries.all())
    turns = [round((at - before) / settings.BULK_RETRY_PAUSE) for at in due]
    assert turns == [0, 1, 1, 2, 2, 2, 2, 3, 3, 3]


@pytest.mark.django_db(transaction=True)
def test_one_probes_at_a_time(settings: Any, monkeypatch: pytest.MonkeyPatch):
    settings.RETRY_SCHEDULE = MINUTES
    make_world().destination.go_down("it refused the connection. Look there.", clock.now())
    make_due()
    made: list[int] = []
    everybody = threading.Barrier(4)
    monkeypatch.setattr(DemoTransport, "probe", lambda self: made.append(1))
    pk = here().pk

    def probe() -> None:
        everybody.wait()
        probing.probe(pk)
        connections.close_all()

    threads = [threading.Thread(target=probe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
    assert here().paused_at is None


@pytest.mark.django_db(transaction=True)
def test_the_dispatcher_probes_and_then_imports(settings: Any):
    settings.CELERY_BROKER_URL = ""
    settings.RETRY_SCHEDULE = [timedelta(0)]
    settings.BULK_RETRY_PAUSE = timedelta(0)
    world = make_world()
    world.send(plain())
    world.destination.go_down("it refused the connection. Look there.", clock.now())
    for _ in range(3):
        dispatcher = Dispatcher(threads=2)
        dispatcher.round()
        dispatcher.close()
    assert world.delivery.state == "imported"
