"""Errors are cleared by people: who, when and why is kept, and a later success clears nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import SUPPORT
from core.database import clock
from core.models import AuditEvent
from referrals import delivering
from referrals.models import ClearedError, Delivery
from tests.people import client_of, person
from tests.referrals.delivering.test_bulk import failed
from tests.rows import write
from tests.world import World, make_world, options, plain

DELIVERIES = "admin:referrals_delivery_changelist"


@pytest.fixture
def support(world: World) -> Client:
    return client_of(SUPPORT, world.organization, name="ana")


def clear(client: Client, *deliveries: Delivery, **answer: str) -> Any:
    chosen = {
        "action": "clear_errors",
        "_selected_action": [str(delivery.pk) for delivery in deliveries],
    }
    asked = client.post(reverse(DELIVERIES), chosen)
    seen_at = asked.context["form"].initial["seen_at"]
    given = {"confirmed": "yes", "note": "", "seen_at": seen_at, **answer}
    return client.post(reverse(DELIVERIES), chosen | given, follow=True)


def test_who_cleared_an_error_when_and_why_is_kept(world: World, support: Client):
    (delivery,) = failed(world, message="Date of birth is required")
    page = clear(support, delivery, note="Asked the clinic")
    assert "1 import was cleared." in page.content.decode()
    kept = ClearedError.objects.get()
    assert (kept.cleared_by.username, kept.note) == ("ana", "Asked the clinic")
    assert kept.message == "Date of birth is required"
    shown = support.get(reverse("admin:referrals_delivery_change", args=[delivery.pk]))
    assert "Asked the clinic" in shown.content.decode()
    assert "Asked" not in str(AuditEvent.objects.get(action="clear error").detail)


def test_every_clearing_of_one_import_stays(world: World):
    (delivery,) = failed(world)
    ana = person(SUPPORT, world.organization, name="ana")
    assert delivering.clear_error(delivery, ana, note="first")
    assert not delivering.clear_error(delivery, ana, note="again")
    Delivery.objects.update(error_at=clock.now(), error_cleared_at=None)
    delivery.refresh_from_db()
    assert delivering.clear_error(delivery, ana, note="second")
    assert [kept.note for kept in delivery.cleared_errors.all()] == ["first", "second"]


def test_an_error_that_came_after_the_question_stays(world: World, support: Client):
    old, new = failed(world, 2)
    seen_at = clock.now()
    later = seen_at + timedelta(seconds=1)
    Delivery.objects.filter(pk=new.pk).update(error_at=later)
    chosen = {"action": "clear_errors", "_selected_action": [str(old.pk), str(new.pk)]}
    answer = {"confirmed": "yes", "note": "", "seen_at": seen_at.isoformat()}
    page = support.post(reverse(DELIVERIES), chosen | answer, follow=True)
    assert "1 not cleared" in page.content.decode()
    assert Delivery.objects.get(error_cleared_at=None).pk == new.pk


def test_all_that_match_are_cleared_in_one_go(world: World, support: Client):
    deliveries = failed(world, 60)
    chosen = {
        "action": "clear_errors",
        "_selected_action": [str(deliveries[0].pk)],
        "select_across": "1",
    }
    asked = support.post(reverse(DELIVERIES), chosen | {"index": "0"})
    assert "… and 10 more" in asked.content.decode()
    assert 'name="select_across" value="1"' in asked.content.decode()
    seen_at = asked.context["form"].initial["seen_at"]
    support.post(reverse(DELIVERIES), chosen | {"confirmed": "yes", "seen_at": seen_at})
    assert ClearedError.objects.count() == 60


def test_a_later_success_is_shown_and_clears_nothing(db: None):
    world = make_world(behaviour="reject")
    support = client_of(SUPPORT, world.organization)
    world.send(plain())
    world.run()
    world.destination.options = options("demo")
    world.destination.save()
    world.send(plain("referral.edited", number=2))
    delivery = world.run()
    assert (delivery.state, delivery.has_uncleared_error, delivery.later_succeeded) == (
        "imported",
        True,
        True,
    )
    page = support.get(reverse("admin:referrals_delivery_change", args=[delivery.pk]))
    assert "later succeeded" in page.content.decode().lower()


def test_notes_go_when_the_referral_is_revoked(world: World):
    world.send(plain())
    delivery = world.run()
    write(Delivery.objects.all(), error_at=clock.now(), message="Mireille")
    delivery.refresh_from_db()
    delivering.clear_error(delivery, note="Called Mireille")
    world.send(plain("referral.revoked", number=2))
    kept = ClearedError.objects.get()
    assert (kept.note, kept.message) == ("", "")
