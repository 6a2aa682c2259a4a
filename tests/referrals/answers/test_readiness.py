"""What is missing before referrals arrive: each thing by itself, and nothing in the end."""

from collections.abc import Callable

import pytest

from core.database import clock
from integrations import credentials
from integrations.models import Destination, Organization
from mapping.models import FieldRule
from referrals.answers import readiness
from referrals.gates import About
from tests.world import World, make_world, plain


@pytest.fixture
def ready(db: None) -> World:
    world = make_world()
    credentials.add_basic(world.source)
    world.destination.test_connection()
    world.destination.refresh_from_db()
    world.send(plain())
    return world


def missing(world: World) -> dict[About, str]:
    world.config.refresh_from_db()
    needs = readiness.needs(world.config.listing, world.config)
    return {need.about: need.sentence for need in needs if not need.met}


def test_a_connection_that_works_misses_nothing(ready: World) -> None:
    assert missing(ready) == {}


def suspend(world: World) -> None:
    Organization.objects.update(active=False)


def lower_plan(world: World) -> None:
    Organization.objects.update(plan="essential")


def revoke_credential(world: World) -> None:
    world.source.credentials.update(active=False)


def switch_source_off(world: World) -> None:
    world.source.active = False
    world.source.save()


def give_source_to_another(world: World) -> None:
    world.source.organizations.add(Organization.objects.create(caredove_id="9", name="Nine"))


def forget_events(world: World) -> None:
    world.referral.delete()


def pause(world: World) -> None:
    world.destination.pause("The token has expired.", clock.now())


def never_test(world: World) -> None:
    Destination.objects.update(checked_at=None)


def drop_rule(world: World) -> None:
    FieldRule.objects.filter(mapping=world.config.mapping, target="name").delete()


def switch_off(world: World) -> None:
    world.config.enabled = False
    world.config.save()


@pytest.mark.parametrize(
    ("break_it", "about", "words"),
    [
        (suspend, About.ORGANIZATION, "is suspended"),
        (lower_plan, About.ORGANIZATION, "on the Essential plan"),
        (revoke_credential, About.SOURCE, "No source with valid credentials"),
        (switch_source_off, About.SOURCE, "No source with valid credentials"),
        (give_source_to_another, About.SOURCE, "No source with valid credentials"),
        (forget_events, About.EVENTS, "Nothing has come yet"),
        (pause, About.DESTINATION, "The token has expired."),
        (never_test, About.DESTINATION, "never tested"),
        (drop_rule, About.MAPPING, "Full name"),
        (switch_off, About.CONNECTION, "off"),
    ],
)
def test_what_is_missing_is_named(
    ready: World, break_it: Callable[[World], None], about: About, words: str
) -> None:
    break_it(ready)

    found = missing(type(ready)(**{**vars(ready), "config": type(ready.config).objects.get()}))

    assert list(found) == [about]
    assert words in found[about]


def test_without_a_destination_that_comes_first(ready: World) -> None:
    ready.config.delete()
    ready.destination.deliveries.all().delete()
    ready.destination.delete()

    needs = readiness.needs(ready.listing, None)

    assert [need.about for need in needs if not need.met] == [About.DESTINATION, About.CONNECTION]
