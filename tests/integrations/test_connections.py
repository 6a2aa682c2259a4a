"""Connecting many listings in the same way: nothing is overwritten that nobody agreed to."""

import pytest

from core.compare import Difference, Effect
from integrations import connections
from integrations.models import ServiceListing, TriggerConfig
from integrations.triggers import TRIGGERS, early_and_late
from mapping.models import Mapping
from tests.world import World, make_world


@pytest.fixture
def world(db: None) -> World:
    return make_world(on=["received", "status_ready"])


@pytest.fixture
def fresh(world: World) -> ServiceListing:
    return ServiceListing.objects.create(
        organization=world.organization, caredove_id="4418", name="Youth Wellness Hub"
    )


@pytest.fixture
def connected(world: World) -> TriggerConfig:
    """Another listing, connected to the same destination in another way."""
    listing = ServiceListing.objects.create(
        organization=world.organization, caredove_id="4419", name="Psychiatric Consultation"
    )
    own = Mapping.objects.create(name="own", destination_kind="demo")
    return TriggerConfig.objects.create(
        listing=listing,
        destination=world.destination,
        on=["booked"],
        mapping=own,
        enabled=False,
    )


def agreed(world: World, *listings: ServiceListing) -> list[str]:
    return [change.digest() for change in connections.plan(world.config, listings)]


def test_the_plan_states_what_would_become_of_each_listing(
    world: World, fresh: ServiceListing, connected: TriggerConfig
) -> None:
    new, other, same = connections.plan(world.config, [fresh, connected.listing, world.listing])

    assert [new.effect, other.effect, same.effect] == [
        Effect.CREATED,
        Effect.CHANGED,
        Effect.UNCHANGED,
    ]
    assert other.differences == (
        Difference("Triggers", "Booked", "Received, Edited Status - Ready"),
        Difference("Mapping", "own · Demo (delivers nothing)", str(world.config.mapping)),
        Difference("Switch", "off", "on"),
    )


def test_what_was_agreed_to_is_done(
    world: World, fresh: ServiceListing, connected: TriggerConfig
) -> None:
    both = [fresh, connected.listing]

    applied = connections.apply(world.config, both, agreed(world, *both))

    assert (len(applied.done), applied.missed) == (2, ())
    for config in TriggerConfig.objects.filter(listing__in=both):
        assert config.on == ["received", "status_ready"]
        assert config.mapping == world.config.mapping
        assert config.enabled
    connected.refresh_from_db()
    assert connected.on == ["received", "status_ready"]


def test_what_somebody_has_changed_since_the_plan_is_left_alone(
    world: World, connected: TriggerConfig
) -> None:
    stamps = agreed(world, connected.listing)
    TriggerConfig.objects.filter(pk=connected.pk).update(on=["archived"])

    applied = connections.apply(world.config, [connected.listing], stamps)

    assert (applied.done, applied.missed) == ((), (connected.listing,))
    connected.refresh_from_db()
    assert connected.on == ["archived"]


def test_what_the_pattern_has_become_since_the_plan_is_not_spread(
    world: World, fresh: ServiceListing
) -> None:
    stamps = agreed(world, fresh)
    world.config.on = ["archived"]

    assert connections.apply(world.config, [fresh], stamps).missed == (fresh,)
    assert not TriggerConfig.objects.filter(listing=fresh).exists()


@pytest.mark.parametrize(
    ("on", "mixed"),
    [
        (["received", "closed_completed"], True),
        (["status_ready", "archived"], True),
        (["received", "status_ready", "booked"], False),
        (["closed_any", "message_from_provider"], False),
        ([], False),
    ],
)
def test_early_and_late_moments_together_are_noticed(on: list[str], mixed: bool) -> None:
    assert early_and_late(on) is mixed


def test_whoever_chooses_the_refused_the_cancelled_or_the_mistaken_is_cautioned() -> None:
    cautioned = {trigger.key for trigger in TRIGGERS if trigger.caution}

    assert cautioned == {"closed_rejected", "closed_cancelled", "closed_error", "closed_any"}
