"""Many imports sent again: the oldest first, paced, each at most once."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON, SUPPORT
from core import audit
from core.database import clock
from core.models import AuditEvent
from integrations.models import Destination, Organization
from referrals import delivering, sentences
from referrals.delivering.decisions import bulk
from referrals.models import BulkRetry, BulkRetryItem, Delivery, Referral
from referrals.record import versions
from referrals.running.dispatcher import Dispatcher
from tests.people import client_of, person
from tests.world import World, make_world, options

pytestmark = pytest.mark.postgres  # turns are claimed

State, ItemState = BulkRetry.State, BulkRetryItem.State
DELIVERIES = "admin:referrals_delivery_changelist"
PAUSE = timedelta(seconds=60)


@pytest.fixture
def world(db: None, settings: Any) -> World:
    settings.BULK_RETRY_PAUSE = timedelta(0)
    return make_world()


@pytest.fixture
def ana(world: World) -> User:
    return person(SUPPORT, world.organization, name="ana")


def failed(
    world: World, count: int = 1, *, destination: Destination | None = None, **fields: Any
) -> list[Delivery]:
    """Return imports that need attention, the oldest first."""
    now = clock.now()
    referrals = Referral.objects.bulk_create(
        Referral(
            reference=uuid4().hex[:10],
            organization=world.organization,
            created_at=now,
            changed_at=now,
        )
        for _ in range(count)
    )
    given = {"state": "needs_attention", "reason": "gave_up", "error_at": now, **fields}
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            referral=referral,
            destination=destination or world.destination,
            trigger_config=world.config,
            opened_at=now - timedelta(minutes=count - number),
            **given,
        )
        for number, referral in enumerate(referrals)
    )
    for delivery in deliveries:
        versions.begin(delivery)
    return deliveries


def ask(by: User, **where: Any) -> BulkRetry:
    selection = bulk.ask(Delivery.objects.filter(**where), by)
    return BulkRetry.objects.get(selection=selection)


def begin(by: User, **where: Any) -> BulkRetry:
    bulk_retry = ask(by, **where)
    assert bulk.start([bulk_retry], by) == 1
    return bulk_retry


def states(bulk_retry: BulkRetry) -> list[str]:
    return list(bulk_retry.items.values_list("state", flat=True))


def choose(client: Client, *keys: Any, **more: str) -> Any:
    data = {"action": "retry", "_selected_action": [str(key) for key in keys], "index": "0"}
    return client.post(reverse(DELIVERIES), data | more, follow=True)


# -- Which, and in which order ---------------------------------------------------------------------


def test_nothing_is_sent_before_it_is_confirmed(world: World, ana: User):
    failed(world)
    ask(ana)
    assert bulk.tick() == 0
    assert Delivery.objects.get().resends == 0


def test_the_oldest_go_first_with_a_pause_after_each(world: World, ana: User, settings: Any):
    settings.BULK_RETRY_PAUSE = PAUSE
    deliveries = failed(world, 3)
    bulk_retry = begin(ana)
    bulk.tick()
    bulk.tick()
    assert states(bulk_retry) == ["sent", "waiting", "waiting"]
    assert Delivery.objects.get(state="queued").pk == deliveries[0].pk
    BulkRetry.objects.update(next_at=clock.now())
    bulk.tick()
    assert states(bulk_retry) == ["sent", "sent", "waiting"]


def test_what_must_not_be_sent_again_gives_the_reason(world: World, ana: User):
    failed(world)
    failed(world, reason="unconfirmed")
    failed(world, state="queued", reason="", due_at=clock.now())
    failed(world, state="imported", reason="", external_id="RF-1")
    whys = dict(ask(ana).items.values_list("delivery__state", "why"))
    assert "already queued" in whys["queued"]
    assert "in the destination already" in whys["imported"]
    assert set(BulkRetryItem.objects.values_list("state")) == {("waiting",), ("refused",)}
    assert "Search there first" in BulkRetryItem.objects.get(delivery__reason="unconfirmed").why


def test_a_selection_that_spans_organizations_belongs_to_each_of_them(world: World, ana: User):
    other = Organization.objects.create(caredove_id="9", name="Other")
    away = Destination.objects.create(
        organization=other, name="Away", kind="demo", options=options("demo")
    )
    failed(world, 2)
    failed(world, destination=away)
    bulk.ask(Delivery.objects.all(), ana)
    owners = BulkRetry.objects.order_by("organization__name").values_list(
        "organization__name", flat=True
    )
    assert list(owners) == [world.organization.name, "Other"]


def test_bulk_retries_of_one_organization_go_one_after_the_other(
    world: World, ana: User, settings: Any
):
    settings.BULK_RETRY_PAUSE = PAUSE
    older, newer = failed(world, 2)
    first, second = begin(ana, pk=newer.pk), begin(ana, pk=older.pk)
    bulk.tick()
    assert (states(first), states(second)) == (["sent"], ["waiting"])


def test_what_nobody_confirms_is_forgotten(world: World, ana: User):
    failed(world)
    forgotten = ask(ana)
    BulkRetry.objects.update(asked_at=clock.now() - 2 * bulk.FORGOTTEN)
    ask(ana)
    assert not BulkRetry.objects.filter(pk=forgotten.pk).exists()


# -- At most once ----------------------------------------------------------------------------------


def test_two_people_send_it_again_once(world: World, ana: User):
    (delivery,) = failed(world)
    theirs, mine = ask(ana), ask(ana)
    bulk.start([theirs, mine], ana)
    bulk.tick()
    Delivery.objects.update(state="needs_attention", reason="gave_up", due_at=None)  # and fails
    while BulkRetry.objects.exclude(state=State.DONE).exists():
        bulk.tick()
    delivery.refresh_from_db()
    assert delivery.resends == 1
    assert mine.items.get().why == sentences.SENT_AGAIN_MEANWHILE()


def test_who_confirms_twice_begins_once(world: World, ana: User):
    failed(world)
    bulk_retry = begin(ana)
    assert bulk.start([bulk_retry], ana) == 0


def test_a_turn_that_dies_has_not_happened(
    world: World, ana: User, monkeypatch: pytest.MonkeyPatch
):
    (delivery,) = failed(world)
    bulk_retry = begin(ana)
    with monkeypatch.context() as dying:
        dying.setattr(bulk, "_settle", _die)
        with pytest.raises(KeyboardInterrupt):
            bulk.tick()
    delivery.refresh_from_db()
    assert (delivery.resends, states(bulk_retry)) == (0, ["waiting"])
    bulk.tick()
    delivery.refresh_from_db()
    assert (delivery.resends, states(bulk_retry)) == (1, ["sent"])


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_turn_that_breaks_is_named_and_the_others_go_on(
    world: World, ana: User, monkeypatch: pytest.MonkeyPatch
):
    deliveries = failed(world, 2)
    bulk_retry = begin(ana)
    record = audit.record

    def breaks_once(who: Any, what: str, target: Any = None, **detail: Any) -> Any:
        if target == deliveries[0] and what == "retry":
            raise RuntimeError
        return record(who, what, target, **detail)

    monkeypatch.setattr(audit, "record", breaks_once)
    bulk.tick()
    assert list(bulk_retry.items.values_list("state", "why")) == [
        ("refused", sentences.BUG_AT_ITS_TURN()),
        ("sent", ""),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_send_each_once(transactional_db: None, settings: Any):
    settings.BULK_RETRY_PAUSE = timedelta(0)
    world = make_world()
    by = person(SUPPORT, world.organization, name="bo")
    failed(world, 12)
    bulk_retry = begin(by)
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        while not BulkRetry.objects.filter(state=State.DONE).exists():
            bulk.tick()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states(bulk_retry) == ["sent"] * 12
    assert set(Delivery.objects.values_list("resends", flat=True)) == {1}
    assert AuditEvent.objects.filter(action="retry").count() == 12
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_the_dispatcher_works_it_off(transactional_db: None, settings: Any):
    settings.BULK_RETRY_PAUSE = timedelta(0)
    settings.CELERY_BROKER_URL = ""
    world = make_world()
    failed(world, 3)
    bulk_retry = begin(person(SUPPORT, world.organization, name="bo"))
    dispatcher = Dispatcher(threads=1)
    dispatcher.round()
    dispatcher.close()
    assert states(bulk_retry) == ["sent"] * 3
    assert Delivery.objects.filter(attempts__isnull=False).exists()


# -- Pause, resume, cancel -------------------------------------------------------------------------


def test_while_it_is_paused_nobody_has_a_turn(world: World, ana: User):
    failed(world, 2)
    bulk_retry = begin(ana)
    assert bulk.pause(bulk_retry, ana)
    assert bulk.tick() == 0
    assert bulk.resume(bulk_retry, ana)
    assert bulk.tick() == 2
    assert BulkRetry.objects.get().state == State.DONE


def test_what_is_cancelled_is_not_sent_any_more(world: World, ana: User, settings: Any):
    settings.BULK_RETRY_PAUSE = PAUSE
    failed(world, 2)
    bulk_retry = begin(ana)
    bulk.tick()
    assert bulk.cancel(bulk_retry, ana)
    assert not bulk.cancel(bulk_retry, ana)
    assert bulk.tick() == 0
    assert states(bulk_retry) == ["sent", "cancelled"]


def test_how_far_it_is(world: World, ana: User):
    failed(world, 3)
    failed(world, state="imported", reason="", external_id="RF-1")
    bulk_retry = begin(ana)
    bulk.tick()
    sent = [item.delivery for item in bulk_retry.items.filter(state="sent")]
    Delivery.objects.filter(pk=sent[0].pk).update(state="imported", external_id="RF-2")
    Delivery.objects.filter(pk=sent[1].pk).update(state="needs_attention", reason="gave_up")
    found = bulk.standing(bulk_retry)
    assert (found.total, found.done, found.sent, found.refused) == (4, 4, 3, 1)
    assert (found.imported, found.failed, found.under_way) == (1, 1, 1)


# -- Cooling off -----------------------------------------------------------------------------------


def test_after_two_resends_it_rests_and_support_is_named(world: World):
    (delivery,) = failed(world, resends=2, resent_at=clock.now())
    why = delivering.why_not_retry(delivery)
    assert "Call the support of Birchwood CRMS" in why
    with pytest.raises(delivering.RetryRefused):
        delivering.retry(delivery)
    delivery.resent_at -= delivering.decisions.deciding.COOLING_OFF
    assert delivering.why_not_retry(delivery) == ""


def test_the_first_two_resends_need_no_rest(world: World):
    (delivery,) = failed(world, resends=1, resent_at=clock.now())
    assert delivering.why_not_retry(delivery) == ""


# -- On screen -------------------------------------------------------------------------------------


@pytest.fixture
def support(world: World) -> Client:
    return client_of(SUPPORT, world.organization)


def test_a_selection_is_counted_before_it_is_sent(world: World, support: Client):
    deliveries = failed(world, 2) + failed(world, reason="unconfirmed")
    page = choose(support, *(delivery.pk for delivery in deliveries))
    text = page.content.decode()
    assert "2 imports can be sent again. 1 import cannot." in text
    assert "whether the destination received it" in text
    support.post(page.redirect_chain[-1][0])
    bulk.tick()
    assert Delivery.objects.filter(state="queued").count() == 2


def test_everything_that_matches_the_filter_can_be_chosen(world: World, support: Client):
    deliveries = failed(world, 3)
    choose(support, deliveries[0].pk, select_across="1")
    assert BulkRetryItem.objects.count() == 3


def test_over_fifty_are_confirmed_by_typing_their_number(world: World, support: Client):
    failed(world, 51)
    page = choose(support, Delivery.objects.first().pk, select_across="1")
    url = page.redirect_chain[-1][0]
    refused = support.post(url, {"number": "50"})
    assert "Type the number 51." in refused.content.decode()
    assert BulkRetry.objects.get().state == State.ASKED
    support.post(url, {"number": "51"})
    assert BulkRetry.objects.get().state == State.RUNNING


def test_a_second_click_leads_to_the_same_progress(world: World, support: Client):
    deliveries = failed(world, 2)
    url = choose(support, *(delivery.pk for delivery in deliveries)).redirect_chain[-1][0]
    first, second = support.post(url), support.post(url)
    assert first.url == second.url
    assert "0 of 2 had their turn" in support.get(first.url).content.decode()


def test_progress_is_reported_as_numbers(world: World, support: Client, ana: User):
    failed(world, 2)
    bulk_retry = begin(ana)
    bulk.tick()
    url = reverse("admin:referrals_bulkretry_progress", args=[bulk_retry.pk])
    assert support.get(url).json() == {
        "state": "done",
        "total": 2,
        "done": 2,
        "under_way": 2,
        "sentence": "2 of 2 had their turn. Sent again: 2. Still on their way: 2.",
    }


@pytest.mark.parametrize("deed", ["pause", "cancel"])
def test_anybody_who_decides_there_can_stop_it(world: World, support: Client, ana: User, deed: str):
    failed(world)
    bulk_retry = begin(ana)
    support.post(reverse(f"admin:referrals_bulkretry_{deed}", args=[bulk_retry.pk]))
    assert BulkRetry.objects.get().state in (State.PAUSED, State.CANCELLED)
    assert AuditEvent.objects.filter(action=f"{deed} bulk retry", username="support").exists()


@pytest.mark.parametrize("role", [LIAISON, SUPPORT])
def test_nobody_of_elsewhere_sees_or_stops_it(world: World, ana: User, role: str):
    failed(world)
    bulk_retry = ask(ana)
    stranger = client_of(role, Organization.objects.create(caredove_id="9", name="Other"))
    names = {"confirm": bulk_retry.selection, "progress": bulk_retry.pk}
    for name, key in names.items():
        answer = stranger.get(reverse(f"admin:referrals_bulkretry_{name}", args=[key]))
        assert answer.status_code == (404 if role == SUPPORT else 403)
    stop = reverse("admin:referrals_bulkretry_cancel", args=[bulk_retry.pk])
    assert stranger.post(stop).status_code == (404 if role == SUPPORT else 403)


def test_what_cannot_be_an_id_chooses_nothing(world: World, support: Client):
    (delivery,) = failed(world)
    assert choose(support, "nonsense").status_code == 200
    assert "1 import was sent again." in choose(support, "nonsense", delivery.pk).content.decode()
