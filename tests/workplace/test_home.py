"""The home page: numbers that lead to exactly what they count, for those who may open it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.database import clock
from integrations.models import Destination, Organization, ServiceListing
from referrals.models import Delivery, InboundEvent, Referral
from tests.people import client_of
from tests.rows import write
from tests.world import World, make_world, plain

pytestmark = pytest.mark.postgres  # counts by cause

State, Reason = Delivery.State, Delivery.Reason
HOME = reverse("admin:index")
NOW = timezone.now()


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def support(world: World) -> Client:
    return client_of(SUPPORT, world.organization)


def delivery(destination: Destination, state: str, reason: str = "", **fields: Any) -> Delivery:
    referral = Referral.objects.create(
        reference=str(Referral.objects.count()),
        organization=destination.organization,
        created_at=NOW,
        changed_at=NOW,
    )
    opened = {"opened_at": NOW, "trigger_config": destination.trigger_configs.first()}
    return Delivery.objects.create(
        referral=referral, destination=destination, state=state, reason=reason, **opened | fields
    )


def failed(destination: Destination, reason: str = Reason.REJECTED, **fields: Any) -> Delivery:
    return delivery(destination, State.NEEDS_ATTENTION, reason, **{"error_at": NOW} | fields)


def paused(organization: Organization) -> Destination:
    return Destination.objects.create(
        organization=organization,
        name="Housing CRMS",
        kind="demo",
        paused_at=NOW,
        paused_reason="The token has expired",
    )


def test_what_waits_for_its_turn_at_a_destination_with_limits_is_counted(
    support: Client, world: World
) -> None:
    Destination.objects.update(per_minute=30)
    assert "At most 30 a minute." in shown(support.get(HOME))
    limited = Destination.objects.get()
    delivery(limited, State.QUEUED, due_at=NOW)
    assert "1 waits for its turn: at most 30 a minute." in shown(support.get(HOME))
    delivery(limited, State.QUEUED, due_at=NOW)
    assert "2 wait for their turn: at most 30 a minute." in shown(support.get(HOME))


def test_a_destination_that_is_paused_after_failures_is_failing_and_needs_nobody(
    support: Client, world: World
) -> None:
    until = clock.now() + timedelta(minutes=5)
    Destination.objects.update(failures=5, paused_code="HTTP 503", paused_until=until)
    delivery(world.destination, State.QUEUED, due_at=NOW)
    page = support.get(HOME)
    assert needs_on(page) == []
    assert "Failing" in shown(page)
    assert "the last one with HTTP 503. It is paused until" in shown(page)


def needs_on(page: Any) -> list[tuple[str, str, int]]:
    return [
        (row.cause.key, str(place.need.destination), place.need.count)
        for row in page.context["causes"]
        for place in row.places
    ]


def shown(page: Any) -> str:
    return re.sub(r"\s+", " ", page.content.decode())


# -- What needs a person ---------------------------------------------------------------------------


def test_nothing_wrong_is_stated(support: Client, world: World) -> None:
    world.send(plain())
    world.run()

    page = support.get(HOME)

    assert "<strong>Nothing.</strong>" in shown(page)
    assert "No import is unfinished." in shown(page)


def test_each_number_leads_to_exactly_the_imports_that_it_counts(
    support: Client, world: World
) -> None:
    closed = paused(world.organization)
    for _ in range(3):
        failed(world.destination)
    failed(world.destination, Reason.RETRIES_EXHAUSTED)
    failed(world.destination, error_cleared_at=NOW)
    failed(closed, Reason.CONNECTION)
    delivery(closed, State.QUEUED, due_at=NOW)
    delivery(world.destination, State.QUEUED, due_at=NOW, error_at=NOW)
    delivery(world.destination, State.IMPORTED, external_id="RF-1", error_at=NOW)

    page = support.get(HOME)

    assert needs_on(page) == [
        ("gave_up", "Birchwood CRMS", 1),  # support's own comes first
        ("held", "Housing CRMS", 2),
        ("rejected", "Birchwood CRMS", 3),
        ("succeeded", "Birchwood CRMS", 1),
    ]
    for row in page.context["causes"]:
        for place in (*row.places, row):
            listed = support.get(place.url).context["cl"]
            assert listed.result_count == (row.count if place is row else place.need.count)
            assert place.url.replace("&", "&amp;") in shown(page)


def test_the_oldest_unfinished_import_may_wait_for_a_connection(
    support: Client, world: World
) -> None:
    failed(world.destination, opened_at=NOW - timedelta(days=2))
    waiting = delivery(
        paused(world.organization), State.QUEUED, due_at=NOW, opened_at=NOW - timedelta(days=5)
    )
    delivery(world.destination, State.IMPORTED, external_id="R", opened_at=NOW - timedelta(days=9))
    failed(world.destination, opened_at=NOW - timedelta(days=9), error_cleared_at=NOW)

    page = support.get(HOME)

    assert page.context["oldest"] == waiting
    assert "5 days" in shown(page)


def test_events_that_could_not_be_opened_are_counted(support: Client, world: World) -> None:
    event = world.send(plain())
    InboundEvent.objects.filter(pk=event.pk).update(state=InboundEvent.State.QUARANTINED)

    page = support.get(HOME)

    assert page.context["unopened"] == 1
    listed = support.get(
        reverse("admin:referrals_inboundevent_changelist"), {"state__exact": "quarantined"}
    )
    assert listed.context["cl"].result_count == 1


def test_one_button_sends_all_of_a_cause_again_or_clears_what_later_succeeded(
    support: Client, world: World
) -> None:
    for _ in range(2):
        failed(world.destination, Reason.RETRIES_EXHAUSTED)
        delivery(world.destination, State.IMPORTED, external_id="RF", error_at=NOW)
    failed(world.destination)

    rows = {row.cause.key: row for row in support.get(HOME).context["causes"]}

    assert rows["rejected"].button is None
    assert (rows["gave_up"].button.label, rows["succeeded"].button.label) == ("Retry 2", "Clear 2")
    asked = support.post(rows["gave_up"].button.url, rows["gave_up"].button.data, follow=True)
    assert "2 imports can be sent again" in shown(asked)
    asked = support.post(rows["succeeded"].button.url, rows["succeeded"].button.data)
    assert "These 2 imports" in shown(asked)


def test_the_picture_shows_fourteen_days_and_states_the_same_as_a_table(
    support: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = timezone.localtime(NOW).replace(hour=12)
    monkeypatch.setattr(clock, "now", lambda: noon)
    for ago in (0, 3, 8, 13, 14):
        moment = noon - timedelta(days=ago)
        delivery(world.destination, State.IMPORTED, external_id="R", imported_at=moment)
    failed(world.destination, error_at=noon - timedelta(days=3))

    page = support.get(HOME)

    bars = page.context["bars"]
    assert [(bar.imported, bar.failed) for bar in bars if bar.imported] == [
        (1, 0),
        (1, 0),
        (1, 1),
        (1, 0),
    ]
    assert len(bars) == 14
    table = page.context["days_table"]
    assert [row[1:] for row in table] == [
        ("Birchwood CRMS", 1, 0),
        ("Birchwood CRMS", 1, 1),
        ("Birchwood CRMS", 1, 0),
        ("Birchwood CRMS", 1, 0),
    ]
    assert (page.context["imported"].count, page.context["imported"].before) == (2, 2)
    assert "In the last 14 days: 4 imported, 1 failed" in shown(page)


# -- The day and the connections -----------------------------------------------------------------


def test_the_flow_of_today_can_be_read(
    support: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send(plain())
    world.run()
    world.send(plain("referral.archived", number=2))
    failed(world.destination)
    delivery(world.destination, State.IMPORTED, external_id="R", opened_at=NOW - timedelta(days=3))
    monkeypatch.setattr(clock, "now", lambda: NOW)  # midnight may have passed since the rows' time

    words = shown(support.get(HOME))

    assert "Since midnight: received 2, matched a trigger 2, imported 1, failed 1." in words


def test_connections_state_how_they_do_the_worst_first(support: Client, world: World) -> None:
    world.send(plain())
    world.run()
    closed = paused(world.organization)
    failing = Destination.objects.create(
        organization=world.organization, name="Shaky CRMS", kind="demo"
    )
    delivery(failing, State.QUEUED, due_at=NOW, connection_failed_at=NOW)

    page = support.get(HOME)

    states = [(str(c.destination), c.health.value) for c in page.context["connections"]]
    assert states == [
        (closed.name, "Paused"),
        (failing.name, "Failing"),
        (world.destination.name, "Working"),
    ]
    assert "The token has expired" in shown(page)


def test_a_connection_that_did_not_answer_failed_and_a_refused_referral_did_not(db: None) -> None:
    world = make_world(behaviour="reject")
    world.send(plain())
    world.run()
    assert world.delivery.connection_failed_at is None

    again = {**world.destination.options, "behaviour": "try_again"}
    write(Destination.objects.all(), options=again)
    Delivery.objects.update(state=State.QUEUED, reason="", due_at=NOW)
    world.run()
    assert world.delivery.connection_failed_at is not None


# -- For whom --------------------------------------------------------------------------------------


def test_a_liaison_sees_listings_and_connections_and_no_imports(world: World) -> None:
    failed(world.destination)
    paused(world.organization)
    ServiceListing.objects.create(
        organization=world.organization, caredove_id="2", name="Food bank"
    )
    liaison = client_of(LIAISON, world.organization)

    page = liaison.get(HOME)

    words = shown(page)
    assert "1 of 2 listings</strong> are connected" in words
    assert "Food bank" in words
    assert "Nothing is lost; an administrator has to fix it." in words
    assert "Needs attention" not in words
    assert "The token has expired" not in words
    assert reverse("admin:referrals_delivery_changelist") not in words


def test_nothing_of_another_organization_is_counted_or_named(world: World) -> None:
    failed(world.destination)
    world.send(plain())
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")

    for role in (SUPPORT, LIAISON):
        page = client_of(role, elsewhere).get(HOME)
        assert world.organization.name not in shown(page)
        assert world.destination.name not in shown(page)
        if role == SUPPORT:
            assert needs_on(page) == []
            assert page.context["flow"].received == 0


def test_somebody_without_a_role_is_informed(world: World) -> None:
    assert "nothing here for your account yet" in shown(client_of().get(HOME))


@pytest.mark.parametrize("role", [SUPPORT, LIAISON, ADMINISTRATOR])
def test_home_takes_few_queries(
    world: World, role: str, django_assert_max_num_queries: Any
) -> None:
    closed = paused(world.organization)
    for number in range(12):
        failed(world.destination if number % 2 else closed)
        delivery(closed, State.QUEUED, due_at=NOW)
    client = client_of(role, world.organization)

    with django_assert_max_num_queries(15):
        assert client.get(HOME).status_code == 200
