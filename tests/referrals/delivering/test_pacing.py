"""Limits of a destination, turns among destinations, and the breaker."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from core.database import clock
from integrations import pacing
from integrations.destinations.demo import transport as demo
from integrations.destinations.demo.transport import DemoTransport
from integrations.models import Destination, Organization
from integrations.transport import (
    DeliveryError,
    Doubt,
    ErrorKind,
    Exchange,
    Misconfigured,
    Parcel,
    Receipt,
    Rejected,
    TryAgain,
    Unconfirmed,
)
from referrals import delivering
from referrals.advice import Actor
from referrals.answers.explain import Cause, explain
from referrals.delivering.claiming import claim, due_deliveries, release_lost
from referrals.models import Attempt, Delivery, Referral
from referrals.record import versions
from tests.clocks import set_clock
from tests.world import World, make_world, options, plain

RETRY_SCHEDULE = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
BUSY = "Busy."


@pytest.fixture(autouse=True)
def _schedule(settings: Any) -> None:
    settings.RETRY_SCHEDULE = RETRY_SCHEDULE
    demo.delivered.clear()
    demo.misbehaved.clear()


def deliveries(destination: Destination, count: int) -> list[UUID]:
    """Make due deliveries of referrals of their own; return their ids, the oldest first."""
    now = clock.now()
    made = []
    for number in range(count):
        referral = Referral.objects.create(
            reference=f"{destination.pk:03}{number:07}",
            organization=destination.organization,
            created_at=now,
            changed_at=now,
            snapshot={},
        )
        delivery = Delivery.objects.create(
            referral=referral,
            destination=destination,
            trigger_config=destination.trigger_configs.first(),
            reference=referral.reference,
            state="queued",
            opened_at=now + timedelta(microseconds=number),
            due_at=now - timedelta(minutes=1, microseconds=-number),
        )
        versions.begin(delivery)
        made.append(delivery.pk)
    return made


def place(organization: Organization, name: str, **limits: Any) -> Destination:
    return Destination.objects.create(
        organization=organization, name=name, kind="demo", options=options("demo"), **limits
    )


def at_once(world: World, limit: int | None = None, per_minute: int | None = None) -> Destination:
    Destination.objects.update(at_once=limit, per_minute=per_minute)
    return Destination.objects.get(pk=world.destination.pk)


# -- At once -------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_no_more_run_at_once_than_may(world: World) -> None:
    first, second, third = deliveries(at_once(world, 2), 3)
    assert claim(first)
    assert claim(second)
    assert claim(third) is None
    assert Delivery.objects.get(pk=third).state == "queued"


def test_a_seat_is_free_again_when_its_delivery_ends(world: World) -> None:
    first, second = deliveries(at_once(world, 1), 2)
    assert delivering.run(first)
    assert claim(second)


@pytest.mark.postgres
def test_a_lost_worker_keeps_no_seat(world: World) -> None:
    first, second = deliveries(at_once(world, 1), 2)
    assert claim(first)
    Delivery.objects.filter(pk=first).update(lease_until=clock.now() - timedelta(seconds=1))
    assert claim(second), "its lease is over, whether or not somebody has noticed"
    assert release_lost() == 1
    assert claim(first) is None


@pytest.mark.postgres
def test_only_as_many_are_offered_as_there_are_free_seats(world: World) -> None:
    made = deliveries(at_once(world, 2), 4)
    assert due_deliveries(10) == made[:2]
    claim(made[0])
    assert due_deliveries(10) == [made[1]]
    claim(made[1])
    assert due_deliveries(10) == []


# -- Per minute ----------------------------------------------------------------------------------


class Time:
    """The time that the portal sees; it passes when somebody says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = clock.now()
        set_clock(monkeypatch, lambda: self.now)

    def passes(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize(
    "limit", [1, 7, *(pytest.param(limit, marks=pytest.mark.whole) for limit in (2, 30))]
)
def test_no_minute_has_more_than_it_may_and_hardly_less(
    world: World, time: Time, limit: int
) -> None:
    deliveries(at_once(world, per_minute=limit), 3 * limit)
    begun: list[datetime] = []
    for _ in range(2 * 120):  # two minutes, as the dispatcher looks: twice a second
        for pk in due_deliveries(20):
            if claim(pk):
                begun.append(time.now)
                Delivery.objects.filter(pk=pk).update(
                    state="imported", external_id="1", lease_token=None, lease_until=None
                )
        time.passes(seconds=0.5)
    for start in begun:
        assert sum(start <= moment < start + timedelta(minutes=1) for moment in begun) <= limit
    assert len(begun) >= 1.9 * limit


@pytest.mark.postgres
def test_a_turn_that_led_to_nothing_is_given_back(world: World) -> None:
    (pk,) = deliveries(at_once(world, per_minute=1), 1)
    with mock.patch("referrals.delivering.claiming._win", return_value=False):
        assert claim(pk) is None
    assert Destination.objects.get().turn_at is None
    assert claim(pk)


def test_what_has_to_wait_spends_no_try_and_leaves_no_attempt(world: World) -> None:
    first, second = deliveries(at_once(world, per_minute=1), 2)
    assert delivering.run(first)
    assert not delivering.run(second)
    assert Attempt.objects.filter(delivery=second).count() == 0
    assert Delivery.objects.get(pk=second).tries == 0


# -- Turns ---------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_within_an_organization_the_destinations_take_turns(world: World) -> None:
    other = place(world.organization, "Other")
    many, few = deliveries(world.destination, 20), deliveries(other, 2)
    Delivery.objects.filter(destination=other).update(due_at=clock.now())  # they came last
    assert {*due_deliveries(4)} == {*many[:2], *few}


@pytest.mark.postgres
def test_an_organization_with_many_destinations_has_no_more_turns_than_others(
    world: World,
) -> None:
    for number in range(5):
        deliveries(place(world.organization, f"Further {number}"), 3)
    elsewhere = Organization.objects.create(caredove_id="900", name="Elsewhere")
    theirs = deliveries(place(elsewhere, "Theirs"), 4)
    deliveries(world.destination, 3)
    assert len({*due_deliveries(8)} & {*theirs}) == 4


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize(
    "standing",
    [
        {"at_once": 1},
        {"per_minute": 1},
        {"paused_until": timedelta(minutes=5), "failures": 5},
        {"paused_until": timedelta(minutes=-1), "failures": 5},
        {},
    ],
    ids=["limited", "slow", "paused", "recovering", "busy"],
)
def test_a_destination_delays_no_other_of_its_organization(
    world: World, standing: dict[str, Any]
) -> None:
    until = standing.get("paused_until")
    moments = {"paused_until": clock.now() + until} if until else {}
    Destination.objects.update(**{**standing, **moments})
    backlog = deliveries(Destination.objects.get(), 200)
    for pk in backlog[:3]:
        claim(pk)
    Delivery.objects.filter(state="running").update(lease_until=clock.now() + timedelta(hours=1))
    theirs = deliveries(place(world.organization, "Other"), 3)
    Delivery.objects.filter(pk__in=theirs).update(due_at=clock.now())
    offered = due_deliveries(6)
    assert {*theirs} <= {*offered}
    assert offered[0] in theirs


# -- The breaker -----------------------------------------------------------------------------------


Answer = Callable[[Parcel], Receipt]


def answering(monkeypatch: pytest.MonkeyPatch, outcome: Exception | None) -> None:
    def deliver(_: object, parcel: Parcel) -> Receipt:
        if outcome is not None:
            raise outcome
        return Receipt(f"RF-{parcel.reference}")

    monkeypatch.setattr(DemoTransport, "deliver", deliver)


FAILS = [
    TryAgain(BUSY, Exchange("HTTP 503")),
    TryAgain(BUSY, kind=ErrorKind.SILENT, maybe_done=True),
    TryAgain(BUSY, Exchange("HTTP 429"), kind=ErrorKind.THROTTLED),
]
kinds = pytest.mark.parametrize("error", FAILS, ids=lambda error: str(error.kind))


def now_there(world: World) -> Destination:
    return Destination.objects.select_related("organization").get(pk=world.destination.pk)


@kinds
def test_it_opens_after_failures_of_several_referrals_in_a_row(
    world: World, monkeypatch: pytest.MonkeyPatch, error: TryAgain
) -> None:
    answering(monkeypatch, error)
    made = deliveries(world.destination, pacing.FAILURES + 2)
    for pk in made[: pacing.FAILURES - 1]:
        delivering.run(pk)
    assert now_there(world).paused_until is None
    delivering.run(made[pacing.FAILURES - 1])
    assert now_there(world).paused_until is not None
    assert due_deliveries(10) == []
    assert not delivering.run(made[-1])
    assert Delivery.objects.get(pk=made[-1]).tries == 0


def test_one_referral_that_fails_again_and_again_stops_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.RETRY_SCHEDULE = [timedelta(0)] * 20
    answering(monkeypatch, FAILS[0])
    (pk,) = deliveries(world.destination, 1)
    for _ in range(3 * pacing.FAILURES):
        delivering.run(pk)
    assert Delivery.objects.get(pk=pk).tries >= 2 * pacing.FAILURES
    assert now_there(world).paused_until is None


@pytest.mark.parametrize(
    "between",
    [None, Rejected("No."), Unconfirmed("What?", doubt=Doubt.NO_ID)],
    ids=["a success", "a refusal", "an answer without an id"],
)
def test_an_answer_in_between_begins_the_count_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, between: DeliveryError | None
) -> None:
    made = deliveries(world.destination, 2 * pacing.FAILURES - 1)
    for number, pk in enumerate(made):
        answering(monkeypatch, between if number == pacing.FAILURES - 1 else FAILS[0])
        delivering.run(pk)
    assert now_there(world).paused_until is None


def broken(world: World, monkeypatch: pytest.MonkeyPatch, more: int = 4) -> list[UUID]:
    """Open the breaker; return the deliveries that wait."""
    answering(monkeypatch, FAILS[0])
    made = deliveries(world.destination, pacing.FAILURES + more)
    for pk in made[: pacing.FAILURES]:
        delivering.run(pk)
    return made[pacing.FAILURES :]


def when_it_is_time() -> None:
    Destination.objects.update(paused_until=clock.now() - timedelta(seconds=1))


@pytest.mark.postgres
def test_when_it_is_time_one_is_let_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = broken(world, monkeypatch)
    when_it_is_time()
    assert due_deliveries(10) == waiting[:1]
    assert claim(waiting[0])
    assert claim(waiting[1]) is None
    assert due_deliveries(10) == []


@pytest.mark.postgres
def test_a_success_closes_it_and_what_waited_goes_in_turn(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.BULK_RETRY_PAUSE = timedelta(minutes=1)
    waiting = broken(world, monkeypatch)
    when_it_is_time()
    answering(monkeypatch, None)
    assert delivering.run(waiting[0])
    assert (now_there(world).paused_until, now_there(world).failures) == (None, 0)
    assert due_deliveries(10) == waiting[1:2], "one first, then two, then four"


def test_a_refusal_closes_it_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = broken(world, monkeypatch)
    when_it_is_time()
    answering(monkeypatch, Rejected("No."))
    delivering.run(waiting[0])
    assert now_there(world).paused_until is None


def test_each_failure_pauses_for_longer_up_to_a_quarter_hour(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = broken(world, monkeypatch, more=5)
    lasts = [now_there(world).paused_until]
    begun = [clock.now()]
    for pk in waiting[:4]:
        when_it_is_time()
        delivering.run(pk)
        lasts.append(now_there(world).paused_until)
        begun.append(clock.now())
    minutes = [
        round((last - start).total_seconds() / 60)
        for last, start in zip(lasts, begun, strict=True)
        if last
    ]
    assert minutes == [1, 5, 15, 15, 15]


def test_a_retry_after_states_for_how_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hour = timedelta(hours=1)
    answering(monkeypatch, TryAgain(BUSY, kind=ErrorKind.THROTTLED, after=hour))
    for pk in deliveries(world.destination, pacing.FAILURES):
        delivering.run(pk)
    until = now_there(world).paused_until
    assert until is not None
    assert timedelta(minutes=59) < until - clock.now() <= hour


@pytest.mark.parametrize("broken_by", ["a crash", "a mapping"])
def test_where_nothing_was_learned_the_next_one_may_go(
    world: World, monkeypatch: pytest.MonkeyPatch, broken_by: str
) -> None:
    waiting = broken(world, monkeypatch)
    when_it_is_time()
    answering(monkeypatch, RuntimeError())
    if broken_by == "a mapping":
        world.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    delivering.run(waiting[0])
    assert now_there(world).failures == pacing.FAILURES
    assert claim(waiting[1])


@pytest.mark.postgres
def test_of_a_lost_worker_the_next_one_goes_when_its_lease_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    waiting = broken(world, monkeypatch)
    when_it_is_time()
    assert claim(waiting[0])
    until = now_there(world).paused_until
    assert until is not None
    assert until - clock.now() <= settings.LEASE_TIME


def test_a_wrong_connection_holds_it_and_is_no_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = broken(world, monkeypatch)
    when_it_is_time()
    answering(monkeypatch, Misconfigured("No.", kind=ErrorKind.CREDENTIALS))
    delivering.run(waiting[0])
    assert now_there(world).paused_at is not None
    assert Delivery.objects.get(pk=waiting[0]).reason == "connection"
    Destination.objects.get(pk=world.destination.pk).test_connection()
    assert (now_there(world).paused_at, now_there(world).paused_until) == (None, None)


def test_a_good_test_of_the_connection_ends_the_pause(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = broken(world, monkeypatch)
    now_there(world).test_connection()
    assert now_there(world).paused_until is None
    assert due_deliveries(10) == waiting[:1]


# -- What people are told -------------------------------------------------------------------------


def sent(world: World, count: int) -> list[UUID]:
    """Let Caredove send as many referrals; return their deliveries, the oldest first."""
    for number in range(count):
        world.send(plain(number=number + 1, reference=f"35027687{number:02}"))
    return list(Delivery.objects.order_by("opened_at").values_list("pk", flat=True))


def explained(pk: UUID) -> Any:
    return explain(Delivery.objects.get(pk=pk).reference)


def test_why_states_that_it_waits_for_its_turn(world: World) -> None:
    at_once(world, 2, per_minute=1)
    first, second = sent(world, 2)
    Delivery.objects.update(due_at=clock.now() - timedelta(hours=1))
    assert delivering.run(first)
    answer = explained(second)
    assert answer.cause is Cause.LIMITED
    assert "waits for its turn at Birchwood CRMS: at most 2 at the same time and 1 a minute." in (
        answer.sentence
    )
    assert answer.actor is Actor.NOBODY


def test_why_still_states_that_nobody_takes_anything(world: World) -> None:
    at_once(world, per_minute=30)
    (pk,) = sent(world, 1)
    Delivery.objects.update(due_at=clock.now() - timedelta(hours=1))
    assert explained(pk).cause is Cause.OVERDUE


def test_why_states_until_when_it_is_paused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, FAILS[0])
    made = sent(world, pacing.FAILURES + 1)
    for pk in made[:-1]:
        delivering.run(pk)
    answer = explained(made[-1])
    assert answer.cause is Cause.RECOVERING
    assert "Birchwood CRMS failed 5 referrals in a row, the last one with HTTP 503." in (
        answer.sentence
    )
    assert "then one referral is sent to see whether it works again" in answer.sentence
    assert answer.actor is Actor.NOBODY


# -- What it costs ---------------------------------------------------------------------------------


def statements(do: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as asked:
        do()
    return len(asked)


def test_a_destination_without_limits_costs_no_statement_more(world: World) -> None:
    first, pk = deliveries(world.destination, 2)
    assert claim(first)  # from then on it is known that this host may deliver
    # A savepoint and its release, the update, the version with its number, the attempt.
    assert statements(lambda: claim(pk)) == 5
    assert statements(lambda: due_deliveries(10)) == 1


# -- At the same time ------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [1, 3])
def test_workers_that_claim_at_the_same_moment_take_no_seat_twice(
    transactional_db: None, limit: int
) -> None:
    world = make_world()
    made = deliveries(at_once(world, limit), 24)

    def claims(pks: list[UUID]) -> int:
        try:
            return sum(claim(pk) is not None for pk in pks)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        won = sum(threads.map(claims, [made[number::8] for number in range(8)]))
    assert won == limit
    assert Delivery.objects.filter(state="running").count() == limit


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_the_same_moment_take_no_turn_twice(transactional_db: None) -> None:
    world = make_world()
    made = deliveries(at_once(world, per_minute=2), 16)

    def claims(pks: list[UUID]) -> int:
        try:
            return sum(claim(pk) is not None for pk in pks)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claims, [made[number::8] for number in range(8)])) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_a_paused_destination_one_worker_alone_gets_through(transactional_db: None) -> None:
    world = make_world()
    made = deliveries(world.destination, 16)
    Destination.objects.update(failures=5, paused_until=clock.now() - timedelta(seconds=1))

    def claims(pks: list[UUID]) -> int:
        try:
            return sum(claim(pk) is not None for pk in pks)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claims, [made[number::8] for number in range(8)])) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_work_at_a_limited_destination_goes_on_until_all_is_done(transactional_db: None) -> None:
    world = make_world()
    made = deliveries(at_once(world, 2), 12)
    most: list[int] = []

    def works(_: int) -> None:
        try:
            for _ in range(400):
                due = due_deliveries(4)
                for pk in due:
                    lease = claim(pk)
                    if lease:
                        most.append(Delivery.objects.filter(state="running").count())
                        Delivery.objects.filter(pk=pk, lease_token=lease.token).update(
                            state="imported", external_id="1", lease_token=None, lease_until=None
                        )
                if not Delivery.objects.filter(state="queued").exists():
                    return
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(works, range(6)))
    assert Delivery.objects.filter(pk__in=made, state="imported").count() == len(made)
    assert max(most) <= 2
