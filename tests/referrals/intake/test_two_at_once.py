"""Two programs reach for the same referral at the same moment: one waits, and sees what is new.

Only PostgreSQL lets two of them write at once; on SQLite they follow each other anyway.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from typing import Any
from unittest import mock

import pytest
from django.db import connection, connections

from core.database import clock
from integrations.destinations.demo.transport import DemoTransport
from integrations.transport import Rejected
from referrals import delivering
from referrals.delivering import settling
from referrals.intake import opening, receiving
from referrals.models import Delivery, InboundEvent, Referral, RetentionPeriod
from referrals.record import files, snapshot
from referrals.record.removal import retention
from tests.flow.portal import eventually
from tests.services import PATIENCE
from tests.world import World, make_world, plain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.scaled_out]


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


class Paused:
    """Work in a thread of its own, which stops right after a function that it calls."""

    def __init__(self, pool: ThreadPoolExecutor, module: Any, function: str) -> None:
        self.pool = pool
        self.module, self.function = module, function
        self.reached, self.may_go_on = Event(), Event()

    @contextmanager
    def during(self, work: Callable[[], Any]) -> Iterator[None]:
        """Let the block run while the work stands still in the middle; then let the work end."""
        original = getattr(self.module, self.function)
        stops = [True]  # the first who comes by: it is the work

        def and_stop(*args: Any, **kwargs: Any) -> Any:
            found = original(*args, **kwargs)
            if stops and stops.pop():
                self.reached.set()
                assert self.may_go_on.wait(PATIENCE)
            return found

        with mock.patch.object(self.module, self.function, and_stop):
            going = beside(self.pool, work)
            assert self.reached.wait(PATIENCE)
            try:
                yield
            finally:
                self.may_go_on.set()
            going.result(PATIENCE)


def beside(pool: ThreadPoolExecutor, work: Callable[[], Any]) -> "Future[Any]":
    def with_its_own_connection() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return pool.submit(with_its_own_connection)


def waits_or_ends(going: "Future[Any]") -> None:
    """Return when the work waits for a lock that another one has, or has not waited and ended."""
    eventually(lambda: going.done() or _something_waits(), "it waits, or ends")


def _something_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None


# -- An edit, and the outcome of an attempt --------------------------------------------------------


def refused_while(world: World, meanwhile: Callable[[], None]) -> None:
    """Run the import; while CRMS refuses it, something else happens."""

    def deliver(*_: Any) -> None:
        meanwhile()
        raise Rejected("No.")

    with mock.patch.object(DemoTransport, "deliver", deliver):
        delivering.run(world.delivery.pk)


def test_a_refusal_waits_for_an_edit_that_is_being_opened(world: World, pool: ThreadPoolExecutor):
    world.send(plain())
    edit = world.receive(plain("referral.edited", number=2)).event_id
    paused = Paused(pool, files, "keep")

    def edited_meanwhile() -> None:
        refusal_goes_on.set()
        assert paused.reached.wait(PATIENCE)

    refusal_goes_on = Event()
    refusal = beside(pool, lambda: refused_while(world, edited_meanwhile))
    assert refusal_goes_on.wait(PATIENCE)
    with paused.during(lambda: opening.open_deliveries(edit)):
        waits_or_ends(refusal)
    refusal.result(PATIENCE)
    assert (world.delivery.state, world.delivery.reason) == ("queued", "")


def test_an_edit_waits_for_a_refusal_that_is_being_written(world: World, pool: ThreadPoolExecutor):
    world.send(plain())
    edit = world.receive(plain("referral.edited", number=2)).event_id
    paused = Paused(pool, settling, "_move")
    with paused.during(lambda: refused_while(world, lambda: None)):
        opened = beside(pool, lambda: opening.open_deliveries(edit))
        waits_or_ends(opened)
    opened.result(PATIENCE)
    assert InboundEvent.objects.get(pk=edit).outcome == "import_revived"
    assert world.delivery.state == "queued"


# -- Two messages of one referral ------------------------------------------------------------------


def test_of_two_messages_that_are_opened_at_once_nothing_is_lost(
    world: World, pool: ThreadPoolExecutor
):
    world.send(plain("referral.edited"))
    first, second = (
        world.receive(plain("referral.edited", number=number, **changed)).event_id
        for number, changed in ((2, {"reason": "Sleeps badly."}), (3, {"sent_method": "Fax"}))
    )
    with Paused(pool, files, "keep").during(lambda: opening.open_deliveries(first)):
        other = beside(pool, lambda: opening.open_deliveries(second))
        waits_or_ends(other)
    other.result(PATIENCE)
    document = snapshot.view(world.referral.snapshot)
    assert (document["reason"], document["sent_method"]) == ("Sleeps badly.", "Fax")
    assert world.referral.version == 3


# -- A purge, and what comes meanwhile -------------------------------------------------------------


def test_a_purge_waits_for_a_message_that_is_being_opened_and_then_keeps_the_referral(
    world: World, pool: ThreadPoolExecutor
):
    world.send(plain("message.from_provider"))
    RetentionPeriod.objects.create(organization=world.organization, days=30)
    Referral.objects.update(changed_at=clock.now() - timedelta(days=31))
    edit = world.receive(plain("referral.edited", number=2)).event_id
    with Paused(pool, files, "keep").during(lambda: opening.open_deliveries(edit)):
        purge = beside(pool, retention.purge_expired)
        waits_or_ends(purge)
    assert purge.result(PATIENCE) == 0
    assert world.referral.purged_at is None
    assert snapshot.view(world.referral.snapshot)["registrant"]["first_name"] == "Mireille"


def test_a_conflict_waits_for_a_purge_and_then_keeps_nothing_of_the_person(
    world: World, pool: ThreadPoolExecutor
):
    world.send(plain())
    revocation = world.receive(plain("referral.revoked", number=2)).event_id
    with Paused(pool, retention, "purge").during(lambda: opening.open_deliveries(revocation)):
        conflict = beside(pool, lambda: world.receive(plain(reason="Late.")))
        waits_or_ends(conflict)
    assert conflict.result(PATIENCE).conflict
    assert InboundEvent.objects.filter(state="conflict").exists()
    assert not InboundEvent.objects.filter(body__isnull=False).exists()


def test_a_conflict_of_a_revocation_that_is_being_opened_keeps_nothing_either(
    world: World, pool: ThreadPoolExecutor
):
    revocation = world.receive(plain("referral.revoked")).event_id
    with Paused(pool, retention, "purge").during(lambda: opening.open_deliveries(revocation)):
        conflict = beside(pool, lambda: world.receive(plain("referral.revoked", reason="Late.")))
        waits_or_ends(conflict)
    conflict.result(PATIENCE)
    assert not InboundEvent.objects.filter(body__isnull=False).exists()


def test_a_purge_waits_for_a_conflict_that_is_being_kept_and_deletes_its_body(
    world: World, pool: ThreadPoolExecutor
):
    world.send(plain())
    revocation = world.receive(plain("referral.revoked", number=2)).event_id
    keeping = Paused(pool, receiving, "_names_somebody_deleted")
    with keeping.during(lambda: world.receive(plain(reference="9999999999"))):
        purge = beside(pool, lambda: opening.open_deliveries(revocation))
        waits_or_ends(purge)
    purge.result(PATIENCE)
    assert InboundEvent.objects.filter(state="conflict").exists()
    assert not InboundEvent.objects.filter(body__isnull=False).exists()


# -- One delivery, and two who want it -----------------------------------------------------------


def test_of_two_workers_that_claim_at_once_one_has_the_delivery(
    world: World, pool: ThreadPoolExecutor
):
    world.send(plain())
    key = world.delivery.pk
    with Paused(pool, delivering.claiming, "RawSQL").during(lambda: delivering.claiming.claim(key)):
        other = beside(pool, lambda: delivering.claiming.claim(key))
        waits_or_ends(other)
    assert other.result(PATIENCE) is None
    assert Delivery.objects.get().attempts.count() == 1
