"""The real ledger, with a real settle time, keeps what `integrations.transport.Ledger` promises."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from config import settings as configured
from core import outbound
from core.database import clock
from integrations.destinations.demo.transport import DemoTransport
from integrations.transport import Misconfigured, Rejected, TryAgain, Unconfirmed
from referrals import delivering
from referrals.delivering.claiming import claim, release_lost
from referrals.delivering.ledger import DeliveryLedger
from referrals.models import Delivery, Step
from tests.world import World, plain

pytestmark = pytest.mark.postgres  # conditional updates and constraints

SETTLE = timedelta(seconds=20)
MOMENT = timedelta(seconds=2)  # more than passes while a test runs


@pytest.fixture(autouse=True)
def _settle_time(settings: Any) -> None:
    settings.SETTLE_TIME = SETTLE


@pytest.fixture
def ledger(world: World) -> DeliveryLedger:
    world.send(plain())
    lease = claim(world.delivery.pk)
    assert lease
    return DeliveryLedger(lease)


class Effect:
    """One remote effect: what it does when it is asked to, and what a look-up finds."""

    def __init__(self, ledger: DeliveryLedger, step: str = "referral") -> None:
        self.ledger, self.step = ledger, step
        self.sent = self.looked = 0
        self.becomes: str | Exception = "RF-1"
        self.found: str | None = None

    def once(self, *, searchable: bool = True) -> str:
        return self.ledger.once(self.step, self._do, self._find if searchable else None)

    def _do(self) -> str:
        self.sent += 1
        if isinstance(self.becomes, Exception):
            raise self.becomes
        return self.becomes

    def _find(self) -> str | None:
        self.looked += 1
        return self.found

    def later(self) -> timedelta:
        """Ask for the effect, which has to wait; return for how long."""
        with pytest.raises(Unconfirmed) as waits:
            self.once()
        assert waits.value.after is not None
        return waits.value.after

    def goes_unanswered(self) -> None:
        self.becomes = TryAgain("No answer came.", maybe_done=True)
        with pytest.raises(TryAgain):
            self.once()
        self.becomes = "RF-2"


@pytest.fixture
def effect(ledger: DeliveryLedger) -> Effect:
    return Effect(ledger)


def let_pass(time: timedelta) -> None:
    """Let everything that the ledger remembers be longer ago."""
    Step.objects.update(intended_at=F("intended_at") - time, searched_at=F("searched_at") - time)


def is_about(time: timedelta, wanted: timedelta) -> bool:
    return wanted - MOMENT < time <= wanted


# -- Looking before sending again ------------------------------------------------------------------


def test_it_is_looked_for_twice_with_a_settle_time_before_each(effect: Effect):
    effect.goes_unanswered()
    assert is_about(effect.later(), SETTLE)
    assert effect.looked == 0
    let_pass(SETTLE)
    assert is_about(effect.later(), SETTLE)
    assert effect.looked == 1
    assert is_about(effect.later(), SETTLE)
    assert effect.looked == 1
    let_pass(SETTLE)
    assert effect.once() == "RF-2"
    assert (effect.looked, effect.sent) == (2, 2)


@pytest.mark.parametrize("rest", [timedelta(seconds=5), timedelta(seconds=15)])
def test_each_wait_is_only_what_is_left_of_a_settle_time(effect: Effect, rest: timedelta):
    effect.goes_unanswered()
    let_pass(SETTLE - rest)
    assert is_about(effect.later(), rest)
    let_pass(SETTLE)
    effect.later()
    let_pass(SETTLE - rest)
    assert is_about(effect.later(), rest)
    assert effect.looked == 1


@pytest.mark.parametrize("looks", [1, 2])
def test_what_a_look_finds_is_not_sent_again(effect: Effect, looks: int):
    effect.goes_unanswered()
    for _ in range(looks - 1):
        let_pass(SETTLE)
        effect.later()
    let_pass(SETTLE)
    effect.found = "RF-FOUND"
    assert effect.once() == "RF-FOUND"
    assert effect.once() == "RF-FOUND"
    assert (effect.looked, effect.sent) == (looks, 1)


def test_what_cannot_be_looked_for_is_a_persons_turn(effect: Effect):
    effect.goes_unanswered()
    let_pass(SETTLE)
    with pytest.raises(Unconfirmed) as asked:
        effect.once(searchable=False)
    assert asked.value.after is None
    assert effect.sent == 1


@pytest.mark.parametrize("error", [TryAgain("Busy."), Misconfigured("401"), Rejected("No.")])
def test_a_look_that_fails_does_not_count(effect: Effect, error: Exception):
    effect.goes_unanswered()
    let_pass(SETTLE)

    def fails() -> str | None:
        raise error

    with pytest.raises(type(error)):
        effect.ledger.once("referral", effect._do, fails)
    effect.later()
    assert (effect.looked, effect.sent) == (1, 1)


@pytest.mark.parametrize("error", [TryAgain("Busy."), Misconfigured("401"), Rejected("No.")])
def test_what_was_surely_not_taken_is_sent_again_without_a_look(effect: Effect, error: Exception):
    effect.becomes = error
    with pytest.raises(type(error)):
        effect.once()
    effect.becomes = "RF-1"
    assert effect.once() == "RF-1"
    assert (effect.looked, effect.sent) == (0, 2)


def test_a_crash_leaves_an_intent_that_is_looked_for(effect: Effect):
    effect.becomes = RuntimeError()
    with pytest.raises(RuntimeError):
        effect.once()
    effect.later()
    assert effect.sent == 1


# -- Counting anew ---------------------------------------------------------------------------------


def looked_for_twice_again(effect: Effect) -> bool:
    """Whether the effect is sent only after two looks, each after a settle time."""
    looked, sent = effect.looked, effect.sent
    effect.later()
    let_pass(SETTLE)
    effect.later()
    let_pass(SETTLE)
    unsent = (effect.looked - looked, effect.sent) == (1, sent)
    effect.once()
    return unsent and (effect.looked - looked, effect.sent) == (2, sent + 1)


def never_looked_for() -> bool:
    step = Step.objects.get()
    return (step.searches, step.searched_at, step.done_at) == (0, None, None)


def another_worker(world: World) -> DeliveryLedger:
    """Let the lease run out, and another worker take the delivery over."""
    Delivery.objects.update(lease_until=F("lease_until") - timedelta(days=1))
    release_lost()
    Delivery.objects.update(due_at=clock.now())
    lease = claim(world.delivery.pk)
    assert lease
    return DeliveryLedger(lease)


def test_who_was_frozen_takes_no_intent_of_another_worker_back(effect: Effect, world: World):
    """It learned that nobody took what it sent, was frozen, and the delivery was taken over."""

    def frozen() -> str:
        other = Effect(another_worker(world))
        other.later()
        for _ in range(2):
            let_pass(SETTLE)
            if other.looked == 0:
                other.later()
        other.goes_unanswered()
        raise Rejected("Nobody took it.")

    with pytest.raises(Rejected):
        effect.ledger.once("referral", frozen)
    assert Step.objects.get().done_at is None


def test_who_was_frozen_counts_no_look_for_the_intent_of_another_worker(
    effect: Effect, world: World
):
    effect.goes_unanswered()
    let_pass(SETTLE)

    def frozen() -> None:
        other = Effect(another_worker(world))
        other.later()
        let_pass(SETTLE)
        other.goes_unanswered()

    with pytest.raises(Unconfirmed):
        effect.ledger.once("referral", lambda: "RF-3", frozen)
    assert Step.objects.get().searches == 0


def test_a_new_sending_is_looked_for_as_often_as_the_first(effect: Effect):
    effect.goes_unanswered()
    for _ in range(2):
        let_pass(SETTLE)
        if effect.looked == 0:
            effect.later()
    effect.becomes = TryAgain("No answer came again.", maybe_done=True)
    with pytest.raises(TryAgain):
        effect.once()
    assert never_looked_for()
    effect.becomes = "RF-3"
    assert looked_for_twice_again(effect)


def test_after_a_persons_no_it_is_looked_for_as_often_as_before(effect: Effect, world: World):
    effect.goes_unanswered()
    let_pass(SETTLE)
    effect.later()
    in_persons_hands(world)
    assert delivering.confirm_absent(world.delivery)
    take_up_again(effect, world)
    effect.goes_unanswered()
    assert looked_for_twice_again(effect)


def test_after_a_persons_no_all_that_followed_is_done_again(effect: Effect, world: World):
    summary = Effect(effect.ledger, "summary")
    effect.once()
    summary.once()
    effect.ledger.forget("referral")
    in_persons_hands(world)
    assert delivering.confirm_absent(world.delivery)
    take_up_again(effect, world)
    summary.ledger = effect.ledger
    effect.once()
    summary.once()
    assert (effect.sent, summary.sent) == (2, 2)


@pytest.mark.parametrize("looks", [0, 1])
def test_what_is_forgotten_is_looked_for_as_often_as_a_new_one(effect: Effect, looks: int):
    effect.goes_unanswered()
    for _ in range(looks):
        let_pass(SETTLE)
        effect.later()
    let_pass(SETTLE)
    effect.found = "RF-FOUND"
    effect.once()
    effect.ledger.forget("referral")
    assert never_looked_for()
    effect.found = None
    let_pass(SETTLE)
    effect.later()
    let_pass(SETTLE)
    sent = effect.sent
    effect.once()
    assert (effect.looked, effect.sent) == (looks + 3, sent + 1)


def in_persons_hands(world: World) -> None:
    Delivery.objects.update(
        state="needs_attention", reason="unconfirmed", lease_token=None, lease_until=None
    )


def take_up_again(effect: Effect, world: World) -> None:
    lease = claim(world.delivery.pk)
    assert lease
    effect.ledger = DeliveryLedger(lease)


# -- No longer than the lease ----------------------------------------------------------------------


def test_neither_a_sending_nor_a_look_may_outlast_the_lease(effect: Effect):
    """Or another worker could look while it is still under way."""
    left: list[float] = []

    def watched(end: str | Exception | None) -> Callable[[], Any]:
        def call() -> Any:
            left.append(outbound.calls._end.get() - time.monotonic())
            if isinstance(end, Exception):
                raise end
            return end

        return call

    unanswered = watched(TryAgain("No answer came.", maybe_done=True))
    with pytest.raises(TryAgain):
        effect.ledger.once("referral", unanswered, watched(None))
    let_pass(SETTLE)
    effect.ledger.once("referral", unanswered, watched("RF-1"))
    assert len(left) == 2
    assert max(left) < configured.LEASE_TIME.total_seconds()


def test_each_remote_effect_prolongs_the_lease(effect: Effect, world: World):
    soon = clock.now() + timedelta(seconds=30)
    for act in (effect.goes_unanswered, effect.later):
        Delivery.objects.update(lease_until=soon)
        let_pass(SETTLE)
        act()
        assert world.delivery.lease_until > soon + timedelta(seconds=60)


# -- Over several attempts -------------------------------------------------------------------------


@pytest.mark.parametrize("then", [lambda effect: effect.once(), Effect.goes_unanswered])
def test_the_next_worker_knows_what_was_done_and_what_was_begun(
    effect: Effect, world: World, then: Callable[[Effect], Any]
):
    then(effect)
    lose_the_worker()
    take_up_again(effect, world)
    sent = effect.sent
    if Step.objects.get().done_at:
        assert effect.once() == "RF-1"
    else:
        effect.later()
    assert effect.sent == sent


def test_a_step_has_the_same_key_in_every_attempt_and_another_in_every_delivery(
    effect: Effect, world: World
):
    first = effect.ledger
    lose_the_worker()
    take_up_again(effect, world)
    world.send(plain(number=2, reference="3502768697"))
    other = claim(Delivery.objects.get(reference="3502768697").pk)
    assert other
    again = effect.ledger
    assert first.key("referral") == again.key("referral") != again.key("summary")
    assert DeliveryLedger(other).key("referral") != again.key("referral")
    assert first.request_id != again.request_id


def lose_the_worker() -> None:
    Delivery.objects.update(lease_until=F("lease_until") - timedelta(days=1))
    assert release_lost() == 1


# -- The settle time on the way --------------------------------------------------------------------


def test_a_crash_in_the_middle_comes_back_after_a_settle_time(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def crashes(self: Any, parcel: Any) -> Any:
        parcel.ledger.once("referral", lambda: 1 / 0)

    world.send(plain())
    monkeypatch.setattr(DemoTransport, "deliver", crashes)
    delivery = world.run()
    assert delivery.state == "queued"
    assert delivery.due_at - delivery.attempts.get().ended_at == SETTLE


def test_an_import_that_has_to_look_first_comes_back_when_it_may(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def goes_unanswered(self: Any, parcel: Any) -> Any:
        error = TryAgain("No answer came.", maybe_done=True, after=timedelta(0))
        parcel.ledger.once("referral", lambda: (_ for _ in ()).throw(error), lambda: None)

    world.send(plain())
    monkeypatch.setattr(DemoTransport, "deliver", goes_unanswered)
    world.run()
    ready = Step.objects.get().intended_at + SETTLE
    assert abs(world.run().due_at - ready) < MOMENT
    assert world.delivery.attempts.count() == 2
    let_pass(SETTLE)
    Delivery.objects.update(due_at=F("due_at") - SETTLE)
    delivery = world.run()
    assert delivery.due_at - delivery.attempts.last().ended_at == SETTLE


def test_the_settle_time_is_twenty_seconds_unless_it_is_set():
    assert configured.SETTLE_TIME == SETTLE
