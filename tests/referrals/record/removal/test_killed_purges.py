"""A purge that is killed anywhere: what its time is over for is gone after the next one."""

import os
import random
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import F

from core.database import clock
from core.storage import EncryptedFileStorage
from referrals.models import InboundEvent, Referral, ReferralFile, RetentionPeriod
from referrals.record.removal import retention
from referrals.running import dispatcher
from tests.world import make_world, plain

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgres,
    pytest.mark.slow,
]
storage = EncryptedFileStorage()
REFERRALS, AGE = 3, timedelta(days=60)
FILE = {"id": "a1", "filename": "a.txt", "data": "aGVsbG8="}


@pytest.fixture
def due(settings: Any, tmp_path: Any) -> Callable[[], None]:
    """Return what lets some referrals with files be there whose time is over."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    world = make_world()
    RetentionPeriod.objects.create(organization=world.organization, days=30)
    numbers = iter(range(10_000))

    def more() -> None:
        for number in (next(numbers) for _ in range(REFERRALS)):
            world.send(plain(number=number, reference=f"36{number:08}", attachments=[FILE]))
        world.destination.deliveries.filter(state="queued").update(
            state="imported", due_at=None, external_id=F("reference")
        )
        Referral.objects.filter(purged_at=None).update(changed_at=F("changed_at") - AGE)
        for name in storage.names():
            os.utime(storage._path(name), (0, 0))

    return more


def purge_until(point: int | None) -> int:
    """Purge, and kill the process at its nth statement or deletion of a file; return how many."""
    done = 0

    def reach() -> None:
        nonlocal done
        done += 1
        if done == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(execute: Any, *given: Any) -> Any:
        reach()
        return execute(*given)

    delete = EncryptedFileStorage.delete

    def delete_counted(self: Any, name: str) -> None:
        reach()
        delete(self, name)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(counted):
        patch.setattr(EncryptedFileStorage, "delete", delete_counted)
        retention.purge_expired()
        retention.sweep(clock.now() - retention.SETTLED)
    return done


def in_a_process_of_its_own(point: int) -> None:
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            purge_until(point)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def left() -> list[str]:
    """Return what is still there of anybody."""
    return [
        *map(str, Referral.objects.filter(purged_at=None)),
        *map(str, InboundEvent.objects.filter(body__isnull=False)),
        *map(str, ReferralFile.objects.all()),
        *storage.names(),
    ]


def kill_at_random(due: Callable[[], None], seed: int, times: int) -> None:
    chance = random.Random(seed)
    due()
    assert left()
    points = purge_until(None)
    assert left() == []
    for number in range(times):
        due()
        point = chance.randint(1, points)
        in_a_process_of_its_own(point)
        purge_until(None)
        assert left() == [], f"kill {number} of seed {seed}, at {point} of {points}"


def test_a_killed_purge_leaves_nothing_after_the_next_one(due: Callable[[], None]):
    kill_at_random(due, seed=19, times=4)


@pytest.mark.whole
def test_a_purge_killed_100_times_leaves_nothing_after_the_next_one(due: Callable[[], None]):
    kill_at_random(due, seed=random.SystemRandom().randrange(10**6), times=100)


def test_the_dispatcher_does_both():
    does = dispatcher._beside
    assert {retention.purge_expired, retention.sweep_regularly} <= set(does)
