"""Support works as a team: errors are taken, assigned, and snoozed, and what was done is undone."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.models import Membership
from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.database import clock
from core.models import AuditEvent
from integrations.models import Destination, Organization
from referrals import delivering
from referrals.answers import dashboard
from referrals.delivering.decisions import team, undoing
from referrals.models import Attempt, ClearedError, Deed, Delivery, Version
from tests.people import client_of, person
from tests.referrals.delivering.test_bulk import failed
from tests.rows import write
from tests.world import World, make_world, plain

State = Delivery.State
DELIVERIES = reverse("admin:referrals_delivery_changelist")


@pytest.fixture
def ana(world: World) -> User:
    return person(SUPPORT, world.organization, name="ana")


@pytest.fixture
def ben(world: World) -> User:
    return person(SUPPORT, world.organization, name="ben")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, action: str, *deliveries: Delivery, **answer: Any) -> str:
    """Do it from the list, and return the page that says so."""
    chosen = {"action": action, "_selected_action": [str(one.pk) for one in deliveries]}
    given = {"confirmed": "yes", **answer} if answer else {}
    response = client.post(DELIVERIES, chosen | given, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def undo(client: Client, page: str) -> str:
    """Press the button that undoes what the page says was done."""
    (url,) = re.findall(r'<button form="undo" formaction="([^"]+)"', page)
    return client.post(url, follow=True).content.decode()


def listed(client: Client, **params: Any) -> set[Any]:
    rows = client.get(DELIVERIES, params).context["cl"].result_list
    return {row.pk for row in rows}


def tomorrow(days: int = 1) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


# -- Whose it is -----------------------------------------------------------------------------------


@pytest.mark.postgres
def test_an_error_is_taken_found_under_mine_and_given_back(world: World, ana: User, ben: User):
    mine, other = failed(world, 2)
    client = signed_in(ana)

    page = act(client, "take", mine)

    assert "1 import is yours now." in page
    assert listed(client, work="mine") == {mine.pk}
    assert listed(client, work="unassigned") == {other.pk}
    assert listed(signed_in(ben), work="mine") == set()
    assert AuditEvent.objects.get(action="assign").detail == {"to": "ana"}
    undo(client, page)
    assert listed(client, work="mine") == set()


@pytest.mark.postgres
def test_many_are_assigned_to_a_colleague_at_once(world: World, ana: User, ben: User):
    deliveries = failed(world, 3)
    page = act(signed_in(ana), "assign", *deliveries, to=str(ben.pk))
    assert "3 imports were assigned to ben." in page
    assert listed(signed_in(ben), work="mine") == {one.pk for one in deliveries}
    assert "Assigned to ben" in signed_in(ana).get(DELIVERIES).content.decode()


def test_nobody_who_may_not_see_it_is_offered_or_assigned(world: World, ana: User):
    (delivery,) = failed(world)
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    strangers = [
        person(SUPPORT, elsewhere, name="foreign"),
        person(LIAISON, world.organization, name="liaison"),
        person("", world.organization, name="temp"),
        User.objects.create_user("gone", is_staff=True, is_active=False),
    ]
    strangers[-1].groups.add(Group.objects.get(name=SUPPORT))
    Membership.objects.create(user=strangers[-1], organization=world.organization)
    boss = person(ADMINISTRATOR, name="boss")

    asked = signed_in(ana).post(
        DELIVERIES, {"action": "assign", "_selected_action": [str(delivery.pk)]}
    )
    offered = [key for key, _ in asked.context["form"].fields["to"].choices]
    assert offered == [str(ana.pk), str(boss.pk), "nobody"]
    for stranger in strangers:
        act(signed_in(ana), "assign", delivery, to=str(stranger.pk))
        with pytest.raises(team.NotAColleague):
            team.assign(delivery, stranger, ana)
    delivery.refresh_from_db()
    assert delivery.assigned_to is None


def test_of_several_organizations_only_who_sees_them_all_is_offered(world: World, ana: User):
    elsewhere = Organization.objects.create(caredove_id="9", name="Elsewhere")
    there = Destination.objects.create(organization=elsewhere, name="CRMS", kind="demo")
    both = person(SUPPORT, world.organization, elsewhere, name="both")
    here, foreign = failed(world)[0], failed(world, destination=there)[0]
    assert list(team.colleagues([world.organization.pk, elsewhere.pk])) == [both]
    page = act(signed_in(both), "assign", here, foreign, to=str(both.pk))
    assert "2 imports were assigned" in page
    # A stranger to one of them reaches only the other.
    act(signed_in(ana), "assign", here, foreign, to=str(ana.pk))
    foreign.refresh_from_db()
    assert foreign.assigned_to == both


@pytest.mark.postgres
def test_the_later_of_two_who_take_the_same_is_reported(world: World, ana: User, ben: User):
    (seen,) = failed(world)
    assert team.assign(seen, ben, ben)
    assert not team.assign(seen, ana, ana)
    seen.refresh_from_db()
    assert seen.assigned_to == ben


def test_what_is_assigned_to_somebody_who_left_is_nobodys(world: World, ana: User, ben: User):
    (delivery,) = failed(world)
    team.assign(delivery, ben, ana)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert listed(signed_in(ana), work="unassigned") == {delivery.pk}


# -- When it is looked at again --------------------------------------------------------------------


@pytest.mark.postgres
def test_a_snoozed_error_is_shown_again_at_its_time(world: World, ana: User):
    later, now = failed(world, 2)
    client = signed_in(ana)

    page = act(client, "snooze", later, until=tomorrow(3))

    assert "1 import was snoozed until" in page
    assert listed(client) == {now.pk}
    assert listed(client, error="all", reason="gave_up") == {now.pk}
    assert listed(client, work="snoozed") == {later.pk}
    assert listed(client, error="all") == {later.pk, now.pk}
    (need,) = dashboard.needs([world.destination])
    assert need.count == 1
    Delivery.objects.filter(pk=later.pk).update(snoozed_until=clock.now() - timedelta(seconds=1))
    assert listed(client) == {later.pk, now.pk}


def test_a_new_failure_ends_the_snooze(world: World, ana: User):
    (delivery,) = failed(world)
    team.snooze(delivery, clock.now() + timedelta(days=3), ana)
    Delivery.objects.update(error_at=clock.now() + timedelta(seconds=1))
    assert listed(signed_in(ana)) == {delivery.pk}
    assert not Delivery.objects.get().is_snoozed


def test_a_snooze_is_ended_and_undone(world: World, ana: User):
    (delivery,) = failed(world)
    client = signed_in(ana)
    page = act(client, "snooze", delivery, until=tomorrow())
    assert "Undone for 1 import." in undo(client, page)
    assert listed(client) == {delivery.pk}
    act(client, "snooze", delivery, until=tomorrow(2))
    assert "1 import is shown again." in act(client, "wake", delivery)
    assert listed(client) == {delivery.pk}


@pytest.mark.parametrize("days", [-1, 0, 91, 400])
def test_nothing_is_snoozed_for_good_or_into_the_past(world: World, ana: User, days: int):
    (delivery,) = failed(world)
    page = act(signed_in(ana), "snooze", delivery, until=tomorrow(days))
    assert "Choose a day from tomorrow on" in page
    assert not Delivery.objects.get().is_snoozed


def test_what_is_cleared_is_neither_assigned_nor_snoozed(world: World, ana: User):
    (delivery,) = failed(world)
    delivering.clear_error(delivery, ana)
    assert not team.assign(delivery, ana, ana)
    assert not team.snooze(delivery, clock.now() + timedelta(days=1), ana)


# -- Undo ------------------------------------------------------------------------------------------


def test_a_clearing_is_undone_with_what_was_to_be_corrected(world: World, ana: User):
    (delivery,) = failed(world)
    write(Delivery.objects.all(), corrections=["Remove Mireille"], needs_correction=True)
    client = signed_in(ana)
    page = act(client, "clear_errors", delivery, note="Done", seen_at=clock.now().isoformat())
    undo(client, page)
    delivery.refresh_from_db()
    assert delivery.has_uncleared_error
    assert (delivery.corrections, delivery.needs_correction) == (["Remove Mireille"], True)
    assert not ClearedError.objects.exists()
    assert "Mireille" not in str(list(Deed.objects.values()))


def test_a_clearing_is_not_undone_over_a_newer_error(world: World, ana: User):
    (delivery,) = failed(world)
    client = signed_in(ana)
    page = act(client, "clear_errors", delivery, note="", seen_at=clock.now().isoformat())
    newer = clock.now() + timedelta(seconds=5)
    Delivery.objects.update(error_at=newer, error_cleared_at=None)
    assert "is not undone" in undo(client, page)
    assert ClearedError.objects.count() == 1


def dismissed(client: Client, delivery: Delivery) -> str:
    page = act(client, "dismiss", delivery, why="Not ours")
    assert Delivery.objects.get(pk=delivery.pk).state == State.DISMISSED
    return page


def test_a_dismissal_is_undone(world: World, ana: User):
    (delivery,) = failed(world)
    client = signed_in(ana)
    undo(client, dismissed(client, delivery))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason, delivery.closed_why) == (
        State.NEEDS_ATTENTION,
        "gave_up",
        "",
    )
    assert delivery.has_uncleared_error
    assert Version.objects.get().state == Version.State.OPEN
    delivering.retry(delivery, ana)


def test_an_edit_that_came_to_what_was_dismissed_is_heeded_when_it_is_undone(db: None):
    world = make_world(behaviour="reject")
    client = client_of(SUPPORT, world.organization)
    world.send(plain())
    page = dismissed(client, world.run())
    world.send(plain("referral.edited", number=2))
    undo(client, page)
    assert world.delivery.state == State.QUEUED


def test_a_dismissal_stays_when_the_referral_is_revoked(world: World, ana: User):
    world.send(plain())
    client = signed_in(ana)
    page = dismissed(client, world.delivery)
    world.send(plain("referral.revoked", number=2))
    assert "is not undone" in undo(client, page)
    assert world.delivery.state == State.DISMISSED


def test_a_dismissal_stays_once_something_has_gone_out_because_of_it(world: World, ana: User):
    (delivery,) = failed(world)
    client = signed_in(ana)
    page = dismissed(client, delivery)
    now = clock.now()
    Delivery.objects.update(state=State.QUEUED, due_at=now)  # for the version behind it
    Attempt.objects.create(
        delivery=delivery,
        version=Version.objects.get(),
        number=1,
        lease_token=delivery.pk,
        started_at=now,
    )
    assert "is not undone" in undo(client, page)
    assert Version.objects.get().state == Version.State.DISMISSED


@pytest.mark.postgres
def test_only_who_did_it_undoes_it_once_and_within_the_hour(world: World, ana: User, ben: User):
    (delivery,) = failed(world)
    page = act(signed_in(ana), "take", delivery)
    assert "is not undone" in undo(signed_in(ben), page)
    assert "Undone" in undo(signed_in(ana), page)
    assert "is not undone" in undo(signed_in(ana), page)
    late = act(signed_in(ana), "take", delivery)
    Deed.objects.update(at=clock.now() - undoing.UNDOABLE)
    assert "is not undone" in undo(signed_in(ana), late)
    assert Delivery.objects.get().assigned_to == ana


@pytest.mark.postgres
def test_what_a_colleague_has_changed_since_is_not_undone(world: World, ana: User, ben: User):
    (delivery,) = failed(world)
    client = signed_in(ana)
    page = act(client, "take", delivery)
    act(signed_in(ben), "take", delivery)
    undo(client, page)
    assert Delivery.objects.get().assigned_to == ben


def test_who_may_no_longer_see_it_undoes_nothing(world: World, ana: User):
    (delivery,) = failed(world)
    client = signed_in(ana)
    page = act(client, "take", delivery)
    Membership.objects.filter(user=ana).delete()
    undo(client, page)
    assert Delivery.objects.get().assigned_to == ana


# -- What it costs ---------------------------------------------------------------------------------


@pytest.mark.postgres
def test_the_work_list_takes_few_queries_whoever_it_is_shared_with(
    world: World, ana: User, ben: User
):
    for delivery, to in zip(failed(world, 4), (ana, ben, None, ana), strict=True):
        team.assign(delivery, to, ana)
    client = signed_in(ana)
    for params in ({}, {"work": "mine"}, {"work": "unassigned"}, {"work": "snoozed"}):
        with CaptureQueriesContext(connection) as queries:
            client.get(DELIVERIES, params)
        assert len(queries) <= 15, params
