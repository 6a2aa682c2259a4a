"""One organization's sender can neither read, change nor delete another organization's referrals.

A referral's ids are short and can be guessed: knowing one must not be worth anything.
"""

import dataclasses
from typing import Any
from unittest import mock

import pytest

from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    TriggerConfig,
)
from integrations.sources.caredove import plain as endpoint
from referrals import delivering
from referrals.intake import opening, receiving
from referrals.models import Delivery, InboundEvent, Referral
from tests.world import REFERENCE, World, make_world, options, plain

UUID = "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10"
Outcome = InboundEvent.Outcome
read = endpoint.parse


@dataclasses.dataclass
class Stranger:
    """Another organization, connected too, whose source may send for it alone."""

    world: World
    organization: Organization
    source: Source

    def receive(self, event: dict[str, Any]) -> receiving.Received:
        world = dataclasses.replace(self.world, source=self.source)
        return world.receive(event)

    def send(self, event: dict[str, Any]) -> InboundEvent:
        return dataclasses.replace(self.world, source=self.source).send(event)


@pytest.fixture
def stranger(world: World) -> Stranger:
    organization = Organization.objects.create(caredove_id="900", name="Elsewhere")
    listing = ServiceListing.objects.create(
        organization=organization, caredove_id="9001", name="Elsewhere's listing"
    )
    destination = Destination.objects.create(
        organization=organization, name="Elsewhere's CRMS", kind="demo", options=options("demo")
    )
    TriggerConfig.objects.create(
        listing=listing,
        destination=destination,
        on=["received", "booked"],
        mapping=world.config.mapping,
    )
    source = Source.objects.create(name="stranger")
    source.organizations.add(organization)
    return Stranger(world, organization, source)


def of_nobody(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event without whom it is for."""
    return {
        key: value for key, value in event.items() if key not in ("organization", "service_listing")
    }


def elsewhere(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as one for the stranger's listing."""
    return event | {"organization": {"id": "900"}, "service_listing": {"id": "9001"}}


def booking(number: int = 1) -> dict[str, Any]:
    """Return a booking for the stranger's listing that does not say whom it is about."""
    start = {"id": "a1", "status": "booked", "start": "2026-04-01T10:00:00Z"}
    event = plain("appointment.booked", number=number, appointment=start, registrant={})
    return elsewhere(event)


def test_a_stranger_cannot_delete_a_referral_before_it_comes(world: World, stranger: Stranger):
    stranger.send(of_nobody(plain("referral.revoked", number=1)))
    event = world.send(plain(number=2))
    assert event.outcome == Outcome.IMPORT_OPENED
    assert delivering.run(world.delivery.pk)
    assert world.delivery.state == "imported"


def test_a_stranger_cannot_delete_a_referral_that_is_just_being_opened(
    world: World, stranger: Stranger
):
    revocation = stranger.receive(of_nobody(plain("referral.revoked", number=1)))
    world.send(plain(number=2))
    opening.open_deliveries(revocation.event_id)
    assert InboundEvent.objects.get(pk=revocation.event_id).outcome == Outcome.FORBIDDEN
    assert Referral.objects.get().purged_at is None


def test_a_stranger_who_claims_a_reference_first_gets_nothing_of_the_person(
    world: World, stranger: Stranger
):
    assert stranger.send(booking()).outcome == Outcome.WAITING
    assert world.send(plain(number=2)).outcome == Outcome.IMPORT_OPENED
    theirs = Delivery.objects.get(destination__organization=stranger.organization)
    ours = Delivery.objects.get(destination=world.destination)
    assert (theirs.state, ours.state) == ("waiting", "queued")
    assert theirs.referral != ours.referral


def test_a_stranger_who_claims_a_reference_first_puts_nothing_into_the_referral(
    world: World, stranger: Stranger
):
    stranger.send(elsewhere(plain(number=1, notes=[{"text": "Send the money to …"}])))
    world.send(plain(number=2))
    referral = Delivery.objects.get(destination=world.destination).referral
    assert not any(path.startswith("notes") for path in referral.snapshot)
    assert [event.source for event in referral.events.all()] == [world.source]


def test_two_ids_in_one_message_do_not_join_a_strangers_referral_to_ours(
    world: World, stranger: Stranger
):
    def with_ours(body: bytes) -> Any:
        return dataclasses.replace(read(body), references=("1000000001", UUID))

    joining = stranger.receive(elsewhere(plain(number=1, reference="1000000001")))
    stranger.send(elsewhere(plain(number=2, reference="1000000001")))
    world.send(plain(number=3, reference=UUID))
    with mock.patch("integrations.sources.caredove.plain.parse", with_ours):
        opening.open_deliveries(joining.event_id)
    assert InboundEvent.objects.get(pk=joining.event_id).outcome == Outcome.FORBIDDEN
    assert Referral.objects.filter(merged_into=None).count() == 2
    assert Referral.objects.get(aliases__value=UUID).organization == world.organization


def test_a_referral_that_has_moved_away_is_not_sent_to_where_it_was(
    world: World, stranger: Stranger
):
    world.send(plain())
    world.send(elsewhere(plain("referral.edited", number=2)))
    delivering.run(Delivery.objects.get(destination=world.destination).pk)
    delivery = Delivery.objects.get(destination=world.destination)
    assert (delivery.state, delivery.external_id) == ("needs_attention", None)
    assert delivery.message == "The referral has moved to another organization."
    assert not delivery.steps.exists()


def test_details_that_come_after_a_move_release_nothing_where_the_referral_was(
    world: World, stranger: Stranger
):
    world.send(plain(registrant={}))
    assert world.delivery.state == "waiting"
    world.send(elsewhere(plain("referral.edited", number=2)))
    assert Delivery.objects.get(destination=world.destination).state == "waiting"


def test_the_sender_of_all_may_join_what_a_sender_of_one_organization_began(
    world: World, stranger: Stranger
):
    own = Source.objects.create(name="our own")
    own.organizations.add(world.organization)
    dataclasses.replace(world, source=own).send(plain(number=1))
    assert world.send(plain("referral.edited", number=2)).outcome == Outcome.IMPORT_OPEN
    assert Referral.objects.count() == 1


def test_the_reference_stays_free_of_the_stranger_for_good(world: World, stranger: Stranger):
    stranger.send(booking())
    world.send(plain(number=2))
    with pytest.raises(receiving.Forbidden):
        stranger.receive(booking(number=3))
    assert Referral.objects.get(aliases__value=REFERENCE).organization == world.organization


@pytest.fixture
def world(db: None) -> World:
    """The portal's first organization, whose source may send for all."""
    return make_world()


# -- Claiming a listing --------------------------------------------------------------------------


def of_a_new_listing(number: int = 1) -> dict[str, Any]:
    """Return an event for a listing of the first organization that nobody has set up yet."""
    return plain(number=number) | {"service_listing": {"id": "4418"}}


def claim(stranger: Stranger) -> None:
    claimed = ServiceListing.objects.create(
        organization=stranger.organization, caredove_id="4418", name="Ours now"
    )
    theirs = TriggerConfig.objects.get(listing__organization=stranger.organization)
    theirs.pk, theirs.listing = None, claimed
    theirs.save()


def test_a_stranger_who_claims_our_listing_first_gets_none_of_its_referrals(
    world: World, stranger: Stranger
):
    claim(stranger)
    event = world.send(of_a_new_listing())
    assert event.outcome == Outcome.UNKNOWN_LISTING
    assert event.referral is not None
    assert event.referral.organization == world.organization
    assert not Delivery.objects.exists()


def test_a_stranger_who_claims_our_listing_does_not_get_our_sender_refused(
    world: World, stranger: Stranger
):
    world.source.organizations.add(world.organization)
    claim(stranger)
    assert world.send(of_a_new_listing()).outcome == Outcome.UNKNOWN_LISTING


def test_a_sender_cannot_reach_our_listing_by_naming_its_own_organization(
    world: World, stranger: Stranger
):
    event = stranger.send(plain() | {"organization": {"id": "900"}})
    assert event.outcome == Outcome.UNKNOWN_LISTING
    assert event.referral is not None
    assert event.referral.organization == stranger.organization
    assert not Delivery.objects.exists()
