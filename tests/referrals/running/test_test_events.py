"""A test event goes the way of every referral, fires whatever is chosen, and can be followed."""

import pytest

from core.database import clock
from integrations.models import Organization
from integrations.triggers import SENDER_TRIGGER_KEYS
from referrals import delivering
from referrals.answers.explain import Light
from referrals.intake import opening
from referrals.models import Delivery, InboundEvent
from referrals.running import test_events
from referrals.running.test_events import Progress
from tests.world import World, make_world

GREEN, AMBER, RED, NOT_REACHED = Light.GREEN, Light.AMBER, Light.RED, Light.NOT_REACHED


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def open_all() -> None:
    for event in InboundEvent.objects.filter(state="received").order_by("dedup_key"):
        opening.open_deliveries(event.pk)


def progress(world: World, token: str) -> Progress:
    (found,) = test_events.progress_of(list(test_events.events_of(world.organization, token)))
    return found


def lights(progress: Progress) -> list[Light]:
    return [stage.light for stage in progress.stages]


@pytest.mark.parametrize("trigger", SENDER_TRIGGER_KEYS)
def test_whatever_trigger_is_chosen_a_test_fires_it(world: World, trigger: str) -> None:
    world.config.on = [trigger]
    world.config.save()

    test_events.send(world.source, world.listing)
    open_all()

    assert Delivery.objects.get().triggers == [trigger]


def test_it_is_followed_stage_by_stage(world: World) -> None:
    token = test_events.send(world.source, world.listing)
    assert lights(progress(world, token)) == [GREEN, AMBER, *[NOT_REACHED] * 4]

    open_all()
    assert lights(progress(world, token)) == [GREEN, GREEN, GREEN, AMBER, NOT_REACHED, NOT_REACHED]
    assert not progress(world, token).ended

    delivering.run(world.delivery.pk)
    arrived = progress(world, token)
    assert lights(arrived) == [GREEN] * 6
    assert arrived.ended
    assert f"DEMO-TEST-{token}" in arrived.stages[-1].sentence


def test_everything_in_it_states_that_it_is_a_test(world: World) -> None:
    test_events.send(world.source, world.listing)
    open_all()

    document = world.referral.snapshot
    assert world.referral.reference.startswith("TEST-")
    assert document["registrant.first_name"][2] == "Test"
    assert "does not exist" in document["reason"][2]


def test_a_listing_that_goes_nowhere_shows_it(world: World) -> None:
    world.config.delete()
    token = test_events.send(world.source, world.listing)
    open_all()

    stopped = progress(world, token)

    assert lights(stopped) == [GREEN, GREEN, RED, *[NOT_REACHED] * 3]
    assert "not connected" in stopped.stages[2].sentence
    assert stopped.ended


def test_a_mapping_that_does_not_work_stops_it(world: World) -> None:
    world.config.mapping.rules.update(sources=["no.such.field"])
    token = test_events.send(world.source, world.listing)
    open_all()
    delivering.run(world.delivery.pk)

    assert lights(progress(world, token))[3] is RED


def test_what_the_destination_refuses_is_quoted(db: None) -> None:
    world = make_world(behaviour="reject")
    token = test_events.send(world.source, world.listing)
    open_all()
    delivering.run(world.delivery.pk)

    stopped = progress(world, token)
    assert lights(stopped) == [GREEN, GREEN, GREEN, GREEN, RED, NOT_REACHED]
    assert "Name is required" in stopped.stages[4].sentence


def test_a_paused_destination_is_named(world: World) -> None:
    world.destination.pause("The token has expired.", clock.now())
    token = test_events.send(world.source, world.listing)
    open_all()

    assert "The token has expired." in progress(world, token).stages[3].sentence


def test_nobody_follows_the_test_of_another_organization(world: World) -> None:
    token = test_events.send(world.source, world.listing)
    stranger = Organization.objects.create(caredove_id="900", name="Elsewhere")

    assert not test_events.events_of(stranger, token).exists()
    assert not test_events.events_of(world.organization, token[:-1]).exists()
