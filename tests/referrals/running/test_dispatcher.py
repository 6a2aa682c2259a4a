"""The dispatcher: without a broker it works, with one it wake-ups, with a dead one it works."""

import threading
import time
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core.database import clock
from referrals.delivering import claiming
from referrals.models import Delivery, InboundEvent
from referrals.running import tasks
from referrals.running.dispatcher import Dispatcher, due_events
from tests.flow.portal import eventually
from tests.world import World, make_world, plain

DEAD_BROKER = "redis://127.0.0.1:1/0"


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


def rounds_until(dispatcher: Dispatcher, done: Any, limit: int = 400) -> None:
    """Let the dispatcher look until `done()`; its threads work meanwhile."""
    with closing(dispatcher):
        for _ in range(limit):
            dispatcher.round()
            if done():
                return
            time.sleep(0.05)
    pytest.fail("the dispatcher did not do it")


def imported() -> bool:
    return Delivery.objects.filter(state="imported").exists()


@pytest.mark.postgres
def test_without_a_broker_it_does_the_work_itself(world: World, settings: Any):
    settings.CELERY_BROKER_URL = ""
    world.receive(plain())
    rounds_until(Dispatcher(threads=2), imported)


def test_a_round_with_nothing_due_does_nothing(world: World):
    with closing(Dispatcher()) as dispatcher:
        assert dispatcher.round() == 0


def test_with_a_dead_broker_it_does_the_work_itself(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.CELERY_BROKER_URL = DEAD_BROKER
    monkeypatch.setattr(current_app.conf, "broker_url", DEAD_BROKER)
    monkeypatch.setattr(current_app.conf, "broker_write_url", DEAD_BROKER)
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)  # to a broker that lives
    world.receive(plain())
    rounds_until(Dispatcher(threads=2), imported)


def test_with_a_broker_each_row_is_woken_once_in_a_while(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.CELERY_BROKER_URL = DEAD_BROKER
    published: list[tuple[str, str]] = []
    monkeypatch.setattr(
        tasks, "publish", lambda task, row_id: published.append((task.name, str(row_id)))
    )
    world.send(plain())
    with closing(Dispatcher()) as dispatcher:
        dispatcher.round()
        dispatcher.round()
    assert published == [("referrals.tasks.run_delivery", str(world.delivery.pk))]
    assert world.delivery.state == "queued"


def test_events_are_opened_even_where_all_workers_are_busy(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.CELERY_BROKER_URL = DEAD_BROKER
    monkeypatch.setattr(tasks, "publish", lambda *_: None)
    world.receive(plain())
    rounds_until(Dispatcher(), InboundEvent.objects.filter(state="opened").exists)


def test_a_lost_wake_up_is_given_again(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.CELERY_BROKER_URL = DEAD_BROKER
    published: list[Any] = []
    monkeypatch.setattr(tasks, "publish", lambda task, row_id: published.append(row_id))
    world.send(plain())
    with closing(Dispatcher()) as dispatcher:
        dispatcher.round()
        Delivery.objects.update(woken_at=clock.now() - 2 * claiming.WAKE_AGAIN)
        dispatcher.round()
    assert len(published) == 2


def test_a_dead_broker_neither_fails_nor_delays_a_wake_up(world: World, settings: Any):
    settings.CELERY_BROKER_URL = DEAD_BROKER
    received = world.receive(plain())
    waiting = threading.Event()
    publisher = tasks.Publisher()
    publisher.put(tasks.open_event, received.event_id)  # returns, whatever becomes of it
    waiting.wait(0.01)
    assert due_events(1) == [received.event_id]


def test_the_dispatcher_stops_when_asked(world: World, settings: Any):
    settings.CELERY_BROKER_URL = ""
    settings.DISPATCH_SECONDS = 3600
    dispatcher = Dispatcher(threads=1)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    dispatcher.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_an_event_is_imported_at_once_however_long_the_dispatcher_rests(
    world: World, settings: Any
):
    settings.CELERY_BROKER_URL, settings.DISPATCH_SECONDS = "", 3600
    dispatcher = Dispatcher(threads=1)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    for number in (1, 2):  # at the second one it rests for certain
        received = world.receive(plain(number=number, reference=f"3502768{number:03}"))
        tasks.wake_event(received.event_id)
        eventually(lambda n=number: Delivery.objects.filter(state="imported").count() == n)
    dispatcher.stop()
    thread.join()


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[BaseDatabaseWrapper]:
    """The connections that were opened, one entry for each time."""
    opened: list[BaseDatabaseWrapper] = []
    connect = BaseDatabaseWrapper.connect

    def known(wrapper: BaseDatabaseWrapper) -> None:
        connect(wrapper)
        opened.append(wrapper)

    monkeypatch.setattr(BaseDatabaseWrapper, "connect", known)
    return opened


@pytest.mark.postgres
def test_threads_of_the_dispatcher_keep_their_connections_until_it_ends(
    world: World, settings: Any, connected: list[BaseDatabaseWrapper]
):
    settings.CELERY_BROKER_URL, settings.BESIDE_SECONDS = "", 3600
    dispatcher = Dispatcher(threads=1)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    for number in (1, 2, 3):
        world.receive(plain(number=number, reference=f"3502768{number:03}"))
        eventually(lambda n=number: Delivery.objects.filter(state="imported").count() == n)
    own = connections["default"]
    in_use = [wrapper for wrapper in connected if wrapper is not own]
    dispatcher.stop()
    thread.join()
    assert len(in_use) == 3  # it looks, opens and imports
    assert [wrapper for wrapper in connected if wrapper is not own and wrapper.connection] == []


def test_a_message_of_the_broker_carries_one_id(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        tasks.open_event, "apply_async", lambda args, **options: sent.append((args, options))
    )
    received = world.receive(plain())
    tasks.publish(tasks.open_event, received.event_id)
    assert sent == [((str(received.event_id),), {"retry": False, "ignore_result": True})]


def test_events_that_come_together_share_a_message_and_imports_do_not():
    publisher = tasks.Publisher()
    events, deliveries = [uuid4() for _ in range(tasks.SHARED)], [uuid4(), uuid4()]
    for event_id in events:
        publisher._waiting.put((tasks.open_event, event_id))
    assert list(publisher._next()) == [(tasks.open_event, events)]
    publisher._waiting.put((tasks.run_delivery, deliveries[0]))
    publisher._waiting.put((tasks.open_event, events[0]))
    publisher._waiting.put((tasks.run_delivery, deliveries[1]))
    assert list(publisher._next()) == [
        (tasks.open_event, [events[0]]),
        (tasks.run_delivery, [deliveries[0]]),
        (tasks.run_delivery, [deliveries[1]]),
    ]


def test_a_message_for_several_events_opens_all_of_them(world: World):
    received = [world.receive(plain(number=n, reference=f"35027{n:05}")) for n in (1, 2, 3)]
    tasks.open_event(*(str(one.event_id) for one in received))
    assert Delivery.objects.count() == 3


def test_a_task_opens_its_event_and_a_task_runs_its_delivery(world: World):
    received = world.receive(plain())
    tasks.open_event(str(received.event_id))
    tasks.run_delivery(str(world.delivery.pk))
    assert world.delivery.state == "imported"
