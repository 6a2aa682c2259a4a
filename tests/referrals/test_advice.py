"""Whose turn it is: every way in which an import can stand has one answer."""

import pytest

from core.database import clock
from referrals import delivering
from referrals.advice import Actor, advice
from referrals.models import Delivery
from tests.world import World, plain


@pytest.fixture
def world(world: World) -> World:
    world.send(plain())
    return world


@pytest.mark.parametrize(
    ("reason", "actor", "says"),
    [
        ("rejected", Actor.REFERRAL_STAFF, "Correct the referral in Caredove"),
        ("unconfirmed", Actor.SUPPORT, "Search the destination"),
        ("gave_up", Actor.SUPPORT, "fails a second time"),
        ("quarantined", Actor.DEVELOPERS, "whoever maintains Dovetail"),
        ("bug", Actor.DEVELOPERS, "whoever maintains Dovetail"),
        ("connection", Actor.ADMINISTRATOR, "Test connection"),
        ("mapping", Actor.LIAISON, "Fix the mapping"),
        ("disconnected", Actor.LIAISON, "Connect the listing"),
        ("withdrawn", Actor.SUPPORT, "Press Retry to import it anyway"),
    ],
)
def test_each_reason_has_its_actor(world: World, reason: str, actor: Actor, says: str):
    Delivery.objects.update(state="needs_attention", reason=reason, due_at=None)
    given = advice(world.delivery)
    assert given.actor is actor
    assert says in given.what


def test_every_reason_and_state_has_advice(world: World):
    for reason in Delivery.Reason.values:
        Delivery.objects.update(state="needs_attention", reason=reason, due_at=None)
        assert advice(world.delivery).what
    for state in ("waiting", "queued", "running", "imported", "dismissed"):
        delivery = world.delivery
        delivery.state, delivery.reason = state, ""
        assert advice(delivery).actor is Actor.NOBODY


@pytest.mark.parametrize("change", [{"state": "needs_attention", "reason": "connection"}, {}])
def test_a_paused_connection_is_the_administrators_turn(world: World, change: dict[str, str]):
    if change:
        Delivery.objects.update(due_at=None, **change)
    world.destination.pause("The token is wrong.", clock.now())
    given = advice(world.delivery)
    assert given.actor is Actor.ADMINISTRATOR
    assert "Test connection" in given.what


def test_an_error_that_nobody_has_seen_stays_somebodys_turn(world: World):
    Delivery.objects.update(error_at=clock.now())
    delivery = world.run()
    assert (delivery.state, advice(delivery).actor) == ("imported", Actor.SUPPORT)
    assert "Clear the error" in advice(delivery).what
    delivering.clear_error(delivery)
    assert advice(world.delivery).actor is Actor.NOBODY


def test_a_revoked_referral_that_is_in_the_destination_is_supports_turn(world: World):
    world.run()
    world.send(plain("referral.revoked", number=2))
    assert "Delete it in the destination" in advice(world.delivery).what
