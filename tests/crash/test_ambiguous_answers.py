"""Every way in which CRMS can answer badly, on every step: one of everything at the end.

Where the portal cannot know, a person is asked, and does what the message says. CRMS recognises no
idempotency key and refuses no duplicate: whatever is sent twice is there twice.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from core.database import clock
from integrations.models import Destination
from referrals import delivering
from referrals.models import Delivery
from sandbox.rules.faults import MODES
from tests.clocks import set_clock
from tests.crash.laboratory import (
    BY_URL,
    STATED,
    assert_exactly_one_of_everything,
    event,
    look_and_answer,
    nothing_doubled,
    set_up,
)
from tests.flow.crms import TOKEN, Crms
from tests.flow.fileserver import FileServer
from tests.world import World, options, plain

STEPS = ("create", "summary", "attachment", "look-up")
FILE_REFUSED = ("400", "413", "415", "422", "says-failed")
HOURS = 400  # far more than the schedule of tries lasts
PERSONS_TURNS = 3
# Every answer at every step; for a sample, each answer at one of the steps.
ANSWERS = [
    pytest.param(step, mode, marks=() if (number + at) % len(STEPS) == 0 else pytest.mark.whole)
    for number, mode in enumerate(MODES)
    for at, step in enumerate(STEPS)
]

PassTime = Callable[[timedelta], None]


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> PassTime:
    """Move the portal's clock, which is the database's, forward."""
    database_time, ahead = clock.now, timedelta()

    def go(time: timedelta) -> None:
        nonlocal ahead
        ahead += time

    set_clock(monkeypatch, lambda: database_time() + ahead)
    return go


@pytest.fixture
def world(db: None, crms: Crms, files: FileServer, renderer: None) -> Iterator[World]:
    crms.clear()
    yield set_up(crms, files)
    crms.clear()


def impatient(world: World, crms: Crms, **given: object) -> None:
    """Wait a second for an answer, no longer."""
    limits = {"connect_seconds": 1, "read_seconds": 1, "file_seconds": 1}
    declared = {**STATED, **given}
    world.destination.options = options(
        "crms", base_url=crms.url, token=TOKEN, **limits, **declared
    )
    world.destination.save()


def until_it_rests(pass_time: PassTime) -> Delivery:
    """Run the delivery whenever it is due, until it is imported or a person's turn."""
    for _ in range(HOURS):
        delivery = Delivery.objects.get()
        if delivery.due_at is None:
            return delivery
        pass_time(timedelta(hours=1))
        delivering.release_lost()
        delivering.run(delivery.pk)
    raise AssertionError("It never rests.")


def act(delivery: Delivery, world: World, crms: Crms) -> None:
    """Do what a person is told to do."""
    match delivery.reason:
        case "connection":
            Destination.objects.get().test_connection()
        case "rejected":
            world.send(plain("referral.edited", number=2))
        case "unconfirmed":
            look_and_answer(crms.referrals())
        case _:
            delivering.retry(delivery)


def send(world: World, files: FileServer) -> None:
    world.send(event(files.put("/files/phq9.png", BY_URL)))


@pytest.mark.parametrize(("step", "mode"), ANSWERS)
def test_one_of_everything_whatever_crms_answers(
    world: World, crms: Crms, files: FileServer, pass_time: PassTime, step: str, mode: str
):
    impatient(world, crms)
    if step == "look-up":
        crms.fail("create", "timeout-after" if mode == "drip" else "reset-after")
    crms.fail(step, mode)
    send(world, files)
    delivery = until_it_rests(pass_time)
    for _ in range(PERSONS_TURNS):
        assert nothing_doubled(crms.referrals())
        if delivery.state != "needs_attention":
            break
        act(delivery, world, crms)
        delivery = until_it_rests(pass_time)
    assert delivery.state == "imported"
    if mode.startswith(FILE_REFUSED) and step in ("summary", "attachment"):
        assert_the_refused_file_is_named(delivery, crms)
    else:
        assert delivery.external_id == assert_exactly_one_of_everything(crms)
        assert not delivery.missing_files


def assert_the_refused_file_is_named(delivery: Delivery, crms: Crms) -> None:
    (referral,) = crms.referrals()
    assert len(delivery.missing_files) == 1
    assert len(referral["attachments"]) == 2
    assert delivery.has_uncleared_error
