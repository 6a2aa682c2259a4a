"""What a push has shown is kept with its intent; or, where it came to none, by its attempt."""

import pytest

from core.database import clock
from integrations.destinations.webhook.transport import WebhookTransport
from referrals.models import Delivery, Version
from referrals.record import versions
from tests.integrations.sources.partner.partners import AT_LOOPBACK
from tests.world import World, make_world, plain

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world("webhook", ["received", "edited"], **AT_LOOPBACK)


def first() -> Version:
    return Version.objects.get(number=1)


def test_a_push_whose_mapping_failed_shows_later_what_it_was_to_show(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = world.config.mapping.rules.create(position=99, target="one", sources=["no.such"])
    world.send(plain(reason="as it was"))
    assert world.run().reason == Delivery.Reason.MAPPING
    document = first().document
    assert document
    world.send(plain("referral.edited", number=2, reason="edited since"))
    broken.delete()
    world.config.mapping.save()
    versions.bring_again(first(), clock.now())
    monkeypatch.setattr(WebhookTransport, "_push", lambda *_: "P-1")
    world.run()
    assert first().state == Version.State.ACCEPTED
    assert first().document == document


def test_a_push_in_whose_place_another_came_meanwhile_keeps_what_it_has_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object) -> str:
        if world.delivery.wanted == 1:
            versions.ask(world.delivery, clock.now())
            assert first().document is None
        return "P-1"

    monkeypatch.setattr(WebhookTransport, "_push", meanwhile)
    world.send(plain(reason="as it was"))
    assert world.run().state == Delivery.State.QUEUED  # for the other one
    assert (first().state, first().document["reason"]) == ("accepted", "as it was")
    assert world.run().state == Delivery.State.IMPORTED
    assert world.delivery.done == 2
