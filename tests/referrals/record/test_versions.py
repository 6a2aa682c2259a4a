"""What a delivery has to bring, and by which keys it goes."""

import hashlib

import pytest

from referrals.delivering.claiming import claim
from referrals.delivering.ledger import DeliveryLedger
from referrals.models import Version
from tests.world import World, plain

pytestmark = pytest.mark.postgres  # claims and conditional updates


def test_a_delivery_has_one_version_that_states_what_opened_it(world: World) -> None:
    event = world.send(plain())
    version = world.delivery.versions.get()
    assert (version.number, version.action, version.state) == (1, "put", "open")
    assert (version.why, version.triggers, version.opened_by) == ("trigger", ["received"], event)
    assert (world.delivery.wanted, world.delivery.done) == (1, 0)


def test_a_version_that_arrived_is_accepted_with_what_was_sent(world: World) -> None:
    world.send(plain())
    delivery = world.run()
    version = delivery.versions.get()
    assert (version.state, delivery.wanted, delivery.done) == ("accepted", 1, 1)
    assert version.document["registrant"]["first_name"] == "Mireille"
    assert set(version.steps.all()) == set(delivery.steps.all())
    assert set(version.attempts.all()) == set(delivery.attempts.all())


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [("reject", "refused"), ("try_again", "open"), ("misconfigured", "open")],
)
def test_a_version_that_did_not_arrive_is_still_to_be_brought(
    world: World, behaviour: str, state: str
) -> None:
    world.destination.options = {"behaviour": behaviour}
    world.destination.save()
    world.send(plain())
    world.run()
    version = Version.objects.get()
    assert (version.state, version.document) == (state, None)
    assert version.state in Version.PENDING


@pytest.mark.parametrize("step", ["referral", "summary", "attachment:a1"])
def test_the_first_version_keeps_the_keys_that_were_made_from_its_delivery(
    world: World, step: str
) -> None:
    world.send(plain())
    lease = claim(world.delivery.pk)
    assert lease
    earlier = hashlib.sha256(f"{world.delivery.pk}/{step}".encode()).hexdigest()[:32]
    assert DeliveryLedger(lease).key(step) == earlier
