"""A body at the endpoint is stored once, whatever the sender repeats."""

import json

import pytest

from integrations.models import Organization
from integrations.sources.parsed import Unusable
from referrals.intake.receiving import Forbidden
from referrals.models import InboundEvent, Referral
from tests.world import World, plain

pytestmark = pytest.mark.postgres  # a constraint keeps an event from being stored twice


def test_a_new_body_is_stored_as_it_came(world: World):
    body = json.dumps(plain()).encode()
    received = world.receive(body)
    event = InboundEvent.objects.get(pk=received.event_id)
    assert (received.duplicate, received.conflict) == (False, False)
    assert event.body == body
    assert (event.code, event.state, event.size) == ("referral.received", "received", len(body))


def test_the_same_event_again_names_the_first(world: World):
    first = world.receive(plain())
    again = world.receive(plain())
    assert (again.event_id, again.duplicate) == (first.event_id, True)
    assert InboundEvent.objects.count() == 1


def test_the_same_id_with_another_body_is_kept_as_a_conflict(world: World):
    first = world.receive(plain())
    other = world.receive(plain(priority="urgent"))
    world.receive(plain(priority="urgent"))
    assert (other.event_id, other.conflict) == (first.event_id, True)
    (conflict,) = InboundEvent.objects.filter(state="conflict")
    assert str(conflict.conflict_with_id) == str(first.event_id)
    assert b"urgent" in conflict.body
    assert conflict.due_at is None


def test_events_without_an_id_are_distinguished_by_their_bodies(world: World):
    one, other = plain(), plain(priority="urgent")
    del one["event_id"], other["event_id"]
    assert not world.receive(one).duplicate
    assert not world.receive(other).duplicate
    assert world.receive(one).duplicate


def test_an_id_that_looks_like_a_hash_is_no_hash(world: World):
    nameless = plain()
    del nameless["event_id"]
    received = world.receive(nameless)
    digest = InboundEvent.objects.get(pk=received.event_id).body_sha256
    assert not world.receive(plain() | {"event_id": digest}).duplicate


def test_two_sources_may_use_the_same_event_id(world: World):
    first = world.receive(plain())
    world.source.pk = None
    world.source.name = "another"
    world.source.save()
    second = world.receive(plain())
    assert (second.duplicate, second.event_id != first.event_id) == (False, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"event_type": "referral.received"}'])
def test_a_body_that_names_no_referral_is_refused_with_the_field(world: World, body: bytes):
    with pytest.raises(Unusable) as refused:
        world.receive(body)
    assert all(error.message for error in refused.value.errors)
    assert not InboundEvent.objects.exists()


def test_a_source_may_send_for_its_own_organizations_only(world: World):
    other = Organization.objects.create(caredove_id="900", name="Elsewhere")
    world.source.organizations.add(other)
    with pytest.raises(Forbidden):
        world.receive(plain())
    world.source.organizations.add(world.organization)
    assert not world.receive(plain()).conflict


def test_a_listing_of_another_organization_is_forbidden_even_when_it_is_not_named(world: World):
    other = Organization.objects.create(caredove_id="900", name="Elsewhere")
    world.source.organizations.add(other)
    event = plain()
    del event["organization"]
    with pytest.raises(Forbidden):
        world.receive(event)


def test_a_referral_of_another_organization_is_forbidden_even_when_nothing_is_named(world: World):
    world.send(plain())
    assert Referral.objects.get().organization == world.organization
    world.source.organizations.add(Organization.objects.create(caredove_id="900", name="Elsewhere"))
    event = plain(number=2)
    del event["organization"], event["service_listing"]
    with pytest.raises(Forbidden):
        world.receive(event)


def test_conflicts_of_one_event_are_kept_up_to_a_limit(world: World, monkeypatch):
    monkeypatch.setattr("referrals.intake.receiving.MAX_CONFLICTS", 2)
    world.receive(plain())
    for number in range(4):
        assert world.receive(plain(priority=f"p{number}")).conflict
    assert InboundEvent.objects.filter(state="conflict").count() == 2
