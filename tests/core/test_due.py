"""A row that is due is claimed by one, for a while, and settled only by whoever still has it."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import Q

from core.database import clock
from core.database.due import Due, pause
from core.database.rows import update_one
from referrals.models import InboundEvent
from tests.world import World, make_world, plain

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]  # claims

LEASE = timedelta(minutes=1)
RECEIVED = InboundEvent.State.RECEIVED
DUE = Due(InboundEvent, rows=Q(state=RECEIVED), tries="openings")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move the portal's clock on."""
    real = clock.now

    def move(by: timedelta) -> None:
        monkeypatch.setattr(clock, "now", lambda: real() + by)

    return move


def event(world: World, number: int = 1) -> InboundEvent:
    received = world.receive(plain(number=number))
    return InboundEvent.objects.get(pk=received.event_id)


def test_what_waits_longest_comes_first(world: World):
    first, second, third = (event(world, number) for number in (1, 2, 3))
    now = clock.now()
    for row, minutes in ((second, 3), (first, 2), (third, -5)):
        InboundEvent.objects.filter(pk=row.pk).update(due_at=now - timedelta(minutes=minutes))
    assert DUE.keys(now) == [second.pk, first.pk]
    assert DUE.keys(now, 1) == [second.pk]


def test_a_claim_counts_and_keeps_others_away_until_it_ends(
    world: World, later: Callable[[timedelta], None]
):
    row = event(world)
    assert DUE.claim(row.pk, clock.now(), LEASE)
    assert DUE.claim(row.pk, clock.now(), LEASE) is None
    assert DUE.keys(clock.now()) == []
    later(LEASE)
    assert DUE.claim(row.pk, clock.now(), LEASE)
    row.refresh_from_db()
    assert row.openings == 2


def test_what_is_not_among_the_rows_is_not_claimed(world: World):
    row = event(world)
    InboundEvent.objects.update(state=InboundEvent.State.OPENED)
    assert DUE.keys(clock.now()) == []
    assert DUE.claim(row.pk, clock.now(), LEASE) is None


def test_what_has_no_time_is_never_due(world: World):
    row = event(world)
    InboundEvent.objects.update(state=InboundEvent.State.OPENED, due_at=None)
    anything = Due(InboundEvent)
    assert anything.keys(clock.now()) == []
    assert anything.claim(row.pk, clock.now(), LEASE) is None


def test_whoever_has_the_row_settles_it_encrypted_columns_too(world: World):
    row = event(world)
    until = DUE.claim(row.pk, clock.now(), LEASE)
    assert until
    assert DUE.settle(row, until, state=InboundEvent.State.OPENED, due_at=None, body=b"kept")
    row.refresh_from_db()
    assert (row.state, row.due_at, bytes(row.body)) == (InboundEvent.State.OPENED, None, b"kept")


def test_whoever_was_too_slow_settles_nothing(world: World, later: Callable[[timedelta], None]):
    row = event(world)
    mine = DUE.claim(row.pk, clock.now(), LEASE)
    later(LEASE)
    theirs = DUE.claim(row.pk, clock.now(), LEASE)
    assert mine
    assert theirs
    assert not DUE.settle(row, mine, reason="mine", due_at=None)
    assert DUE.settle(row, theirs, reason="theirs")
    row.refresh_from_db()
    assert row.reason == "theirs"


def test_nobody_settles_what_somebody_has_ended_meanwhile(world: World):
    row = event(world)
    until = DUE.claim(row.pk, clock.now(), LEASE)
    assert until
    update_one(InboundEvent.objects.all(), row, state=InboundEvent.State.OPENED, due_at=None)
    assert not DUE.settle(row, until, reason="late")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_wins(transactional_db: None):
    row = event(make_world())
    won: list[object] = []
    everybody = threading.Barrier(6)

    def claim() -> None:
        everybody.wait()
        won.append(DUE.claim(row.pk, clock.now(), LEASE))
        connections.close_all()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(filter(None, won))) == 1
    row.refresh_from_db()
    assert row.openings == 1


def test_pauses_grow_by_the_schedule_and_end_with_it():
    schedule = [timedelta(minutes=minutes) for minutes in (1, 5)]
    assert [pause(schedule, tries) for tries in (1, 2, 3, 9)] == [*schedule, None, None]
    assert pause([], 1) is None
