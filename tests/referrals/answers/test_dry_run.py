"""What a choice would have done: the very things that opening and the mapping do, and no trace."""

from datetime import timedelta
from typing import Any

import pytest

from core.database import clock
from integrations.models import ServiceListing, TriggerConfig
from mapping.models import FieldRule
from referrals.answers import dry_run
from referrals.answers.dry_run import Fate, Tally
from referrals.models import Delivery, InboundEvent, Referral
from tests.world import World, make_world, plain

EVENTS: dict[str, list[dict[str, Any]]] = {
    # reference -> the events of a referral
    "4100000001": [{}],
    "4100000002": [{}, {"event_type": "appointment.booked"}],
    "4100000003": [{"routed": True}],
    "4100000004": [{"event_type": "appointment.booked", "registrant": None}],
    "4100000005": [{"registrant": {"first_name": "", "last_name": ""}}],
    "4100000006": [{}, {"event_type": "referral.closed"}],
}


@pytest.fixture
def world(db: None) -> World:
    world = make_world(on=["received"])
    number = 0
    for reference, events in EVENTS.items():
        for event in events:
            number += 1
            kind = event.get("event_type", "referral.received")
            parts = {key: value for key, value in event.items() if key != "event_type"}
            world.send(plain(kind, number, reference=reference, **parts))
    return world


def choice(world: World, **given: Any) -> TriggerConfig:
    """Return a trigger config that nobody has saved."""
    return TriggerConfig(
        **{
            "listing": world.listing,
            "destination": world.destination,
            "on": ["received"],
            "mapping": world.config.mapping,
            **given,
        }
    )


def run_dry(choice: TriggerConfig, saved: TriggerConfig | None = None) -> Tally:
    tally = dry_run.begin(choice.listing, clock.now() + timedelta(seconds=1))
    while not tally.done:
        dry_run.go_on(tally, choice, saved)
    return tally


def fates(tally: Tally) -> dict[str, Fate]:
    return {row.reference: row.then.fate for row in tally.rows}


def test_a_dry_run_states_the_same_as_what_happened(world: World) -> None:
    imported = set(Delivery.objects.values_list("referral__reference", "state"))

    by_dry_run = {
        (reference, "queued" if fate is Fate.IMPORTED else "waiting")
        for reference, fate in fates(run_dry(world.config)).items()
        if fate in (Fate.IMPORTED, Fate.WAITING)
    }

    assert by_dry_run == imported != set()


def test_it_counts_and_gives_reasons(world: World) -> None:
    tally = run_dry(choice(world, on=["booked", "closed_any"]))

    assert (tally.events, tally.referrals) == (8, 6)
    assert tally.then == {Fate.IMPORTED: 2, Fate.WAITING: 1, Fate.NOT_MATCHED: 3}
    assert [
        count
        for fate, why, count in tally.reasons
        if fate is Fate.NOT_MATCHED and "What happened so far: Received." in why
    ] == [3]


def test_routed_requests_count_only_where_they_are_included(world: World) -> None:
    without = run_dry(choice(world))
    included = run_dry(choice(world, include_routed=True))

    assert fates(without)["4100000003"] is Fate.NOT_MATCHED
    assert fates(included)["4100000003"] is Fate.IMPORTED
    assert any("routed this request here" in why for _, why, _ in without.reasons)


def test_a_required_field_that_stays_empty_is_named(world: World) -> None:
    FieldRule.objects.filter(mapping=world.config.mapping, target="name").update(
        sources=["requester.last_name"], transforms=[]
    )

    tally = run_dry(choice(world))

    refused = [why for fate, why, _ in tally.reasons if fate is Fate.REFUSED]
    assert refused == ["These fields are required and stay empty: Full name."]
    assert tally.then.get(Fate.IMPORTED, 0) == 0


def test_a_mapping_that_cannot_run_stops_everything(world: World) -> None:
    FieldRule.objects.filter(mapping=world.config.mapping, target="name").update(
        sources=["no.such.field"]
    )

    assert run_dry(choice(world)).then.get(Fate.BROKEN) == 3


def test_the_effect_of_a_change_is_shown_beside_what_is_saved(world: World) -> None:
    tally = run_dry(choice(world, on=["booked"]), saved=world.config)

    differing = {row.reference for row in tally.rows if row.differs}
    assert differing == {"4100000001", "4100000004", "4100000005", "4100000006"}
    assert tally.differences == 4
    assert [row.differs for row in tally.rows] == [True] * 4 + [False] * 2


def test_what_is_saved_and_off_imports_nothing_now(world: World) -> None:
    world.config.enabled = False

    tally = run_dry(choice(world), saved=world.config)

    assert tally.now == {Fate.NOT_MATCHED: 6}


def test_referrals_count_that_came_before_the_listing_was_set_up(world: World) -> None:
    world.send(plain(number=40, reference="4100000040") | {"service_listing": {"id": "4999"}})
    late = ServiceListing.objects.create(
        organization=world.organization, caredove_id="4999", name="Meals and Rides"
    )

    assert fates(run_dry(choice(world, listing=late))) == {"4100000040": Fate.IMPORTED}


def test_older_events_do_not_count(world: World) -> None:
    InboundEvent.objects.update(received_at=clock.now() - timedelta(days=31))

    tally = run_dry(choice(world))

    assert (tally.events, tally.referrals, tally.done) == (0, 0, True)


def test_it_goes_step_by_step_and_comes_to_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_dry(choice(world))
    monkeypatch.setattr(dry_run, "AT_ONCE", 2)

    stepped = run_dry(choice(world))

    assert stepped.then == whole.then
    assert fates(stepped) == fates(whole)
    assert stepped.looked_at == whole.looked_at == 6


def test_nothing_is_changed(world: World) -> None:
    before = list(Referral.objects.values()), list(Delivery.objects.values())

    run_dry(choice(world, on=["booked"]), saved=world.config)

    assert (list(Referral.objects.values()), list(Delivery.objects.values())) == before
    world.config.refresh_from_db()
    assert world.config.on == ["received"]
