"""Whose turn it is: every way in which an import can stand has one answer."""

import pytest

from core import clock
from referrals import importing
from referrals.advice import Actor, advice
from referrals.models import ImportJob
from tests.world import World, plain


@pytest.fixture
def world(world: World) -> World:
    world.send(plain())
    return world


@pytest.mark.parametrize(
    ("reason", "actor", "says"),
    [
        ("rejected", Actor.REFERRAL_STAFF, "Edit the referral in Caredove"),
        ("unconfirmed", Actor.SUPPORT, "Look in the destination"),
        ("gave_up", Actor.SUPPORT, "once more at most"),
        ("quarantined", Actor.DEVELOPERS, "Tell the developers"),
        ("bug", Actor.DEVELOPERS, "Tell the developers"),
        ("misconfigured", Actor.LIAISON, "Mend the mapping"),
        ("withdrawn", Actor.SUPPORT, "Press Retry to import it anyway"),
    ],
)
def test_each_reason_has_its_actor(world: World, reason: str, actor: Actor, says: str):
    ImportJob.objects.update(state="needs_attention", reason=reason, due_at=None)
    told = advice(world.job)
    assert told.actor is actor
    assert says in told.what


def test_every_reason_and_state_has_advice(world: World):
    for reason in ImportJob.Reason.values:
        ImportJob.objects.update(state="needs_attention", reason=reason, due_at=None)
        assert advice(world.job).what
    for state in ("waiting", "queued", "running", "imported", "dismissed"):
        job = world.job
        job.state, job.reason = state, ""
        assert advice(job).actor is Actor.NOBODY


@pytest.mark.parametrize("change", [{"state": "needs_attention", "reason": "misconfigured"}, {}])
def test_a_held_connection_is_the_administrators_turn(world: World, change: dict[str, str]):
    if change:
        ImportJob.objects.update(due_at=None, **change)
    world.destination.hold("The token is wrong.", clock.now())
    told = advice(world.job)
    assert told.actor is Actor.ADMINISTRATOR
    assert "Test connection" in told.what


def test_an_error_that_nobody_has_seen_stays_somebodys_turn(world: World):
    ImportJob.objects.update(error_at=clock.now())
    job = world.run()
    assert (job.state, advice(job).actor) == ("imported", Actor.SUPPORT)
    assert "Clear the error" in advice(job).what
    importing.clear_error(job)
    assert advice(world.job).actor is Actor.NOBODY


def test_a_revoked_referral_that_is_in_the_destination_is_supports_turn(world: World):
    world.run()
    world.send(plain("referral.revoked", number=2))
    assert "remove the referral there" in advice(world.job).what
