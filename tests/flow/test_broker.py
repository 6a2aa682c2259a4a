"""The broker: what it is told, and what it costs when it dies, hangs or comes back."""

import base64
import itertools
import json
import re
import sys
import time
from collections.abc import Sequence

import pytest
from django.db import connection
from redis import Redis

from integrations.models import Source
from referrals.intake import receiving
from tests.flow.broker import Broker, silent_broker
from tests.flow.crms import Crms
from tests.flow.portal import COMMANDS, Portal, eventually
from tests.flow.test_main_job import body_of
from tests.flow.test_privacy import assert_nothing_personal
from tests.flow.test_processes import assert_once_each, reference, referral
from tests.services import prints, spawn
from tests.world import REFERENCE

pytestmark = pytest.mark.scaled_out

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def portal(portal: Portal, broker: Broker) -> Portal:
    """The portal at a broker that may be killed, with nothing started yet."""
    portal.env["CELERY_BROKER_URL"] = broker.url
    return portal


@pytest.mark.whole  # in the end, the next test has the same
def test_wake_ups_alone_do_all_the_work(portal: Portal, crms: Crms):
    portal.start("web", "worker")
    portal.post(body_of("event-plain.json"))
    portal.settled(REFERENCE)
    assert len(crms.referrals()) == 1


def test_a_broker_that_dies_costs_nothing_and_has_its_workers_work_again_when_it_is_back(
    portal: Portal, crms: Crms, broker: Broker
):
    crms.fail("create", "503", times=10)
    portal.start("web", "dispatcher", "worker")
    for number in range(10):
        assert portal.post(referral(number)).status_code == 202
    broker.kill()
    for number in range(10, 20):
        assert portal.post(referral(number)).status_code == 202
    for number in range(20):
        portal.settled(reference(number))

    broker.start()
    portal.program("dispatcher").kill()
    posted = itertools.count(20)

    def the_worker_works_again() -> bool:
        # A wake-up may be lost while connections are made anew: not each of these arrives.
        last = next(posted)
        portal.post(referral(last))
        time.sleep(1)
        return any(portal.import_of(reference(n)).get("external_id") for n in range(20, last + 1))

    eventually(the_worker_works_again, "an import without a dispatcher")
    portal.start("dispatcher")
    count = next(posted)
    for number in range(20, count):
        portal.settled(reference(number))
    assert_once_each(crms, range(count))


def test_a_worker_outlives_its_broker_while_tasks_wait_in_it(
    portal: Portal, crms: Crms, broker: Broker
):
    crms.fail("create", "timeout")
    portal.start("web")
    command = [sys.executable, "-m", *COMMANDS["worker"].split()]
    # One thread, which is held up, and room for more tasks: the worker goes on asking for them.
    command += ["--concurrency", "1", "--prefetch-multiplier", "4"]
    with spawn(command, portal.env, prints("ready."), name="worker") as worker:
        assert portal.post(referral(0)).status_code == 202
        creating = lambda: any(one["step"] == "create" for one in crms.calls())  # noqa: E731
        eventually(creating, "a call that is not answered")
        assert portal.post(referral(1)).status_code == 202
        redis = Redis.from_url(broker.url)
        eventually(lambda: redis.hlen("unacked") > 0, "a task that waits in the worker")
        # The connection for broadcasts first: the one for tasks breaks while the worker gives up.
        redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        broker.kill()
        eventually(lambda: "Connection to broker lost" in worker.output(), "noticed")
        broker.start()
        eventually(lambda: worker.output().count("Connected to redis") == 2, "connected anew")
        assert "Unrecoverable error" not in worker.output()
        worker.kill()  # it would wait for its call


def test_a_broker_that_hangs_holds_up_neither_the_api_nor_the_work(portal: Portal, crms: Crms):
    with silent_broker() as url:
        portal.env["CELERY_BROKER_URL"] = url
        portal.start("web", "dispatcher")
        for number in range(5):
            assert portal.post(referral(number)).status_code == 202
        for number in range(5):
            portal.settled(reference(number))
    assert_once_each(crms, range(5))


def test_a_message_in_the_broker_holds_ids_and_nothing_else(
    portal: Portal, broker: Broker, crms: Crms
):
    portal.start("web", "dispatcher")
    portal.post(body_of("event-plain.json"))
    redis = Redis.from_url(broker.url)
    eventually(lambda: redis.llen("dovetail") >= 2, "the wake-ups for the event and its import")
    for message in redis.lrange("dovetail", 0, -1):
        content = json.loads(message)
        (args, kwargs, _) = json.loads(base64.b64decode(content["body"]))
        (only,) = args
        assert UUID.fullmatch(only)
        assert kwargs == {}
        assert_nothing_personal(message.decode())
        assert_nothing_personal(base64.b64decode(content["body"]).decode())
    assert_nothing_personal("".join(str(redis.dump(key)) for key in redis.scan_iter()))


def test_a_row_is_woken_once_in_a_while_however_often_it_is_looked_at(
    portal: Portal, broker: Broker
):
    for number in range(5):
        receiving.receive(Source.objects.get(), "plain", json.dumps(referral(number)).encode())
    dispatcher = portal.begin("dispatcher", DISPATCH_SECONDS="0.02")
    redis = Redis.from_url(broker.url)
    eventually(lambda: redis.llen("dovetail") >= 5, "five wake-ups")
    time.sleep(2)
    assert dispatcher.is_running()
    assert redis.llen("dovetail") == 5


def test_a_referral_costs_no_new_connection_to_the_database(portal: Portal, crms: Crms):
    def receive(numbers: Sequence[int]) -> None:
        for number in numbers:
            receiving.receive(Source.objects.get(), "plain", json.dumps(referral(number)).encode())
        eventually(lambda: len(crms.referrals()) > max(numbers), "the imports")

    def opened_by(name: str) -> set[int]:
        with connection.cursor() as cursor:
            find = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
            cursor.execute(find, [name])
            return {pid for (pid,) in cursor.fetchall()}

    for name in ("worker", "dispatcher"):
        portal.begin(name, PGAPPNAME=name)
    receive(range(8))
    workers, dispatchers = opened_by("worker"), opened_by("dispatcher")
    receive(range(8, 16))
    assert workers
    assert workers <= opened_by("worker")
    assert dispatchers
    assert dispatchers <= opened_by("dispatcher")
