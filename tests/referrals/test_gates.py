"""Every gate is shut alone, in each of its users, and all of them say the same of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.text.sentences import Cause
from integrations import credentials
from integrations.models import Destination, Organization, ServiceListing, Source, TriggerConfig
from mapping.models import FieldRule, Mapping
from referrals import delivering, gates, sentences
from referrals.advice import Actor
from referrals.answers import dashboard, dry_run, explain, readiness
from referrals.answers.causes import CAUSES
from referrals.answers.explain import Light
from referrals.gates import GATES, Facts, Gate
from referrals.intake import opening
from referrals.models import Delivery, InboundEvent, Referral
from referrals.running import test_events
from tests.reading import saying
from tests.world import REFERENCE, World, make_world, plain

NOW = timezone.now


@pytest.fixture
def world(db: None) -> World:
    """A world in which every gate is open."""
    world = make_world()
    credentials.add_basic(world.source)
    world.destination.test_connection()
    world.destination.refresh_from_db()
    return world


# -- By themselves ---------------------------------------------------------------------------------


def open_facts() -> Facts:
    """Facts that shut no gate; of rows that are not in a database."""
    organization = Organization(pk=1, name="Birchwood", caredove_id="812", active=True)
    listing = ServiceListing(pk=1, organization=organization, caredove_id="4417", name="Adult")
    destination = Destination(
        pk=1, organization=organization, name="CRMS", kind="demo", checked_at=NOW()
    )
    config = TriggerConfig(
        pk=1, listing=listing, destination=destination, on=["received"], mapping=Mapping(name="M")
    )
    return Facts(
        now=NOW(),
        source=Source(name="caredove"),
        organization=organization,
        listing=listing,
        configs=[config],
        config=config,
        referral=Referral(organization=organization, listing=listing),
        fired=["received"],
        destination=destination,
    )


def changed(facts: Facts, **columns: Any) -> Facts:
    """The same facts with these columns on the organization and the destination."""
    for name, value in columns.items():
        row = facts.organization if hasattr(facts.organization, name) else facts.destination
        setattr(row, name, value)
    return facts


def delivery(facts: Facts, **columns: Any) -> Facts:
    its = Delivery(referral=facts.referral, destination=facts.destination, **columns)
    return replace(facts, delivery=its)


def later() -> Any:
    return NOW() + timedelta(days=1)  # a whole run of the tests takes long


SHUT_BY: dict[Gate, Callable[[Facts], Facts]] = {
    gates.FORBIDDEN: lambda f: replace(f, may_send=False),
    gates.REVOKED: lambda f: replace(f, referral=Referral(purged_why="revoked")),
    gates.EXPIRED: lambda f: replace(f, referral=Referral(purged_at=NOW(), purged_why="expired")),
    gates.UNKNOWN_ORGANIZATION: lambda f: replace(f, organization=None, organization_id="9"),
    gates.PLACE_UNKNOWN: lambda f: replace(f, organization=None),
    gates.LISTING_UNNAMED: lambda f: replace(f, listing=None),
    gates.SUSPENDED: lambda f: changed(f, active=False),
    gates.PLAN_TOO_LOW: lambda f: changed(f, plan="essential"),
    gates.UNKNOWN_LISTING: lambda f: replace(f, listing=None, listing_id="9"),
    gates.NO_SENDER: lambda f: replace(f, has_sender=False),
    gates.NOTHING_CAME: lambda f: replace(f, has_come=False),
    gates.NO_DESTINATION: lambda f: replace(f, has_destination=False),
    gates.NOT_CONNECTED: lambda f: replace(f, configs=[]),
    gates.SWITCHED_OFF: lambda f: replace(f, configs=[TriggerConfig(enabled=False)]),
    gates.ROUTED: lambda f: replace(f, is_routed=True),
    gates.NO_TRIGGER: lambda f: replace(f, fired=["booked"]),
    gates.MERGED: lambda f: replace(f, referral=Referral(merged_into=Referral())),
    gates.MOVED: lambda f: replace(f, has_moved=True),
    gates.WITHDRAWN: lambda f: replace(f, withdrawn="revoked"),
    gates.WAITING: lambda f: delivery(f, state="waiting"),
    gates.NOBODY_NAMED: lambda f: delivery(replace(f, names_somebody=False), state="queued"),
    gates.UNREACHABLE: lambda f: changed(f, paused_at=NOW(), paused_reason="x", probe_at=later()),
    gates.PAUSED: lambda f: changed(f, paused_at=NOW(), paused_reason="x"),
    gates.UNTESTED: lambda f: changed(f, checked_at=None),
    gates.MAY_NOT_IMPORT: lambda f: changed(f, plan="essential"),
    gates.MAPPING_ERROR: lambda f: replace(f, faults=["Rule 1 is wrong."]),
    gates.CONNECTION_REMOVED: lambda f: delivery(
        f, state="needs_attention", reason="disconnected", message="Deleted."
    ),
    gates.LEFT_EMPTY: lambda f: replace(f, empty=["Full name"]),
    gates.RECOVERING: lambda f: changed(f, paused_until=later(), failures=5),
    gates.LIMITED: lambda f: replace(f, waits_for_turn=True),
    gates.NEW_HOST: lambda f: replace(f, host_asks=True),
}
# What shuts one of these shuts others with it.
TOGETHER = {
    gates.REVOKED: {gates.REVOKED},
    gates.UNKNOWN_ORGANIZATION: {gates.UNKNOWN_ORGANIZATION},
    gates.PLACE_UNKNOWN: {gates.PLACE_UNKNOWN},
    gates.LISTING_UNNAMED: {gates.LISTING_UNNAMED, gates.UNKNOWN_LISTING},
    gates.SUSPENDED: {gates.SUSPENDED, gates.MAY_NOT_IMPORT},
    gates.PLAN_TOO_LOW: {gates.PLAN_TOO_LOW, gates.MAY_NOT_IMPORT},
    gates.MAY_NOT_IMPORT: {gates.PLAN_TOO_LOW, gates.MAY_NOT_IMPORT},
    gates.NOT_CONNECTED: {gates.NOT_CONNECTED, gates.SWITCHED_OFF},
    gates.ROUTED: {gates.ROUTED, gates.NO_TRIGGER},
    gates.WAITING: {gates.WAITING},
    gates.UNREACHABLE: {gates.UNREACHABLE, gates.PAUSED},
}
every_gate = pytest.mark.parametrize("gate", GATES, ids=[gate.key for gate in GATES])


def shut_gates(facts: Facts) -> set[str]:
    return {gate.key for gate in GATES if gate.shut(facts)}


def test_with_nothing_wrong_every_gate_is_open() -> None:
    assert shut_gates(open_facts()) == set()


@every_gate
def test_each_gate_is_shut_alone(gate: Gate) -> None:
    facts = SHUT_BY[gate](open_facts())

    assert shut_gates(facts) == {one.key for one in TOGETHER.get(gate, {gate})}
    shut = gate.shut(facts)
    assert shut
    assert shut.sentence.strip() == shut.sentence != ""
    assert shut.actor in Actor


@every_gate
def test_each_gate_has_a_question_and_a_name_in_explain_unless_it_is_of_configuration(
    gate: Gate,
) -> None:
    assert gate.question in gates.QUESTIONS
    causes = {str(cause) for cause in explain.Cause}
    assert (gate.cause or gate.key) in causes or gate.about or gate is gates.LEFT_EMPTY


def test_keys_are_unique() -> None:
    assert len({gate.key for gate in GATES}) == len(GATES)


# -- In SQL ----------------------------------------------------------------------------------------

DESTINATIONS: list[dict[str, Any]] = [
    {},
    {"paused_at": NOW(), "paused_reason": "x"},
    {"paused_at": NOW(), "paused_reason": "x", "probe_at": later()},
    {"paused_until": later(), "failures": 5},
    {"paused_until": NOW() - timedelta(minutes=1), "failures": 5},
    {"per_minute": 1, "turn_at": later()},
]
ORGANIZATIONS: list[dict[str, Any]] = [{}, {"active": False}, {"plan": "essential"}]
IN_SQL = [gate for gate in GATES if gate.is_open is not None]


@pytest.mark.slow
@pytest.mark.parametrize("gate", IN_SQL, ids=[gate.key for gate in IN_SQL])
@pytest.mark.parametrize("columns", DESTINATIONS)
@pytest.mark.parametrize("its", ORGANIZATIONS)
def test_a_gate_states_the_same_in_sql_and_of_a_row(
    world: World, gate: Gate, columns: dict[str, Any], its: dict[str, Any]
) -> None:
    for row in Destination.objects.all():
        for name, value in columns.items():
            setattr(row, name, value)
        row.save(update_fields=["row_key", *columns] if columns else None)
    Organization.objects.update(**its)
    now = NOW()
    condition = gate.is_open if not callable(gate.is_open) else gate.is_open(now)
    destination = Destination.objects.select_related("organization").get()
    waits = destination.turn_at is not None and destination.turn_at > now
    facts = Facts(now=now, destination=destination, waits_for_turn=waits)

    assert Destination.objects.filter(condition).exists() == (gate.shut(facts) is None)


@pytest.mark.parametrize("columns", DESTINATIONS[1:4] + DESTINATIONS[5:])
def test_nothing_is_claimed_while_a_gate_of_its_destination_is_shut(
    world: World, columns: dict[str, Any]
) -> None:
    world.send(plain())
    destination = Destination.objects.get()
    for name, value in columns.items():
        setattr(destination, name, value)
    destination.save(update_fields=list(columns))

    assert delivering.run(world.delivery.pk) is False
    assert not gates.open_destinations(NOW()).exists()
    assert world.delivery.state == "queued"


@pytest.mark.parametrize("its", ORGANIZATIONS[1:])
def test_nothing_is_claimed_for_an_organization_that_may_not_import(
    world: World, its: dict[str, Any]
) -> None:
    world.send(plain())
    Organization.objects.update(**its)

    assert delivering.run(world.delivery.pk) is False
    assert world.run().state == "queued"


# -- In each user ----------------------------------------------------------------------------------
# Each way to shut a gate, with the event that meets it.


def suspend(world: World) -> None:
    Organization.objects.update(active=False)


def lower_plan(world: World) -> None:
    Organization.objects.update(plan="essential")


def disconnect(world: World) -> None:
    TriggerConfig.objects.all().delete()


def switch_off(world: World) -> None:
    TriggerConfig.objects.update(enabled=False)


def nothing(world: World) -> None:
    pass


PLACES: dict[str, tuple[Gate, Callable[[World], None], dict[str, Any]]] = {
    "unknown organization": (
        gates.UNKNOWN_ORGANIZATION,
        nothing,
        plain() | {"organization": {"id": "1"}, "service_listing": {"id": "9"}},
    ),
    "unknown place": (
        gates.UNKNOWN_ORGANIZATION,
        nothing,
        plain() | {"organization": None, "service_listing": {"id": "9"}},
    ),
    "no place": (
        gates.PLACE_UNKNOWN,
        nothing,
        plain() | {"organization": None, "service_listing": None},
    ),
    "no listing": (gates.LISTING_UNNAMED, nothing, plain() | {"service_listing": None}),
    "suspended": (gates.SUSPENDED, suspend, plain()),
    "plan too low": (gates.PLAN_TOO_LOW, lower_plan, plain()),
    "unknown listing": (gates.UNKNOWN_LISTING, nothing, plain() | {"service_listing": {"id": "9"}}),
    "not connected": (gates.NOT_CONNECTED, disconnect, plain()),
    "switched off": (gates.SWITCHED_OFF, switch_off, plain()),
    "routed": (gates.ROUTED, nothing, plain(routed=True)),
}
of_each_place = pytest.mark.parametrize("name", PLACES)


def stopped_at(reference: str = REFERENCE) -> explain.Check:
    """The check at which *why* stops."""
    explained = explain.explain(reference)
    return next(check for check in explained.checks if check.light is not Light.GREEN)


@of_each_place
def test_opening_stops_at_the_gate_and_why_states_the_same(world: World, name: str) -> None:
    gate, shut, event = PLACES[name]
    shut(world)

    opened = world.send(event)

    assert opened.outcome == gate.outcome
    assert Cause.known  # the reason is a sentence that knows its cause
    assert getattr(opened.reason, "causes", None)
    explained = explain.explain(REFERENCE)
    assert explained.cause == (gate.cause or gate.key)
    assert stopped_at().question == gate.question
    assert stopped_at().sentence == opened.reason
    assert explained.actor is gate.advice.actor


def test_opening_and_why_report_a_trigger_that_was_not_chosen(world: World) -> None:
    event = world.send(plain("message.from_provider"))

    assert event.outcome == gates.NO_TRIGGER.outcome
    assert stopped_at().question == gates.NO_TRIGGER.question
    for sentence in (event.reason, stopped_at().sentence):
        assert "Message from Provider" in sentence
        assert world.config.labels() in sentence


@pytest.mark.parametrize(
    ("warnings", "says"),
    [((), "waiting for the client's details"), (("subject_missing",), "another person's")],
)
def test_opening_and_why_wait_for_the_details(
    world: World, warnings: tuple[str, ...], says: str
) -> None:
    from integrations.sources.warnings import Warning

    with saying(warnings=tuple(Warning("x", one) for one in warnings)):
        event = world.send(plain(registrant=None))

    assert event.outcome == gates.WAITING.outcome
    assert says in event.reason
    assert stopped_at().sentence == event.reason


def test_opening_leaves_a_withdrawn_request_to_a_person(world: World) -> None:
    with saying(request_status="entered-in-error"):
        event = world.send(plain())

    assert event.outcome == gates.WITHDRAWN.outcome
    assert event.reason == sentences.WITHDRAWN(
        status="entered-in-error", destination=world.destination
    )


def test_opening_keeps_what_a_source_may_not_send(world: World) -> None:
    world.receive(plain())
    world.source.organizations.add(Organization.objects.create(caredove_id="900", name="Else"))
    event = InboundEvent.objects.get()

    opening.open_deliveries(event.pk)

    event.refresh_from_db()
    assert event.outcome == gates.FORBIDDEN.outcome
    assert event.reason == stopped_at().sentence == sentences.FOREIGN(source=world.source)


# -- Readiness


def pause(world: World) -> None:
    world.destination.pause("The token has expired.", NOW())


def go_down(world: World) -> None:
    world.destination.go_down("it refused the connection. Look there.", NOW())


def never_test(world: World) -> None:
    Destination.objects.update(checked_at=None)


def revoke_credentials(world: World) -> None:
    world.source.credentials.update(active=False)


def drop_rule(world: World) -> None:
    FieldRule.objects.filter(mapping=world.config.mapping, target="name").delete()


def nothing_came(world: World) -> None:
    Referral.objects.all().delete()


CONFIGURATION: dict[Gate, Callable[[World], None]] = {
    gates.SUSPENDED: suspend,
    gates.PLAN_TOO_LOW: lower_plan,
    gates.NO_SENDER: revoke_credentials,
    gates.NOTHING_CAME: nothing_came,
    gates.NOT_CONNECTED: disconnect,
    gates.SWITCHED_OFF: switch_off,
    gates.UNREACHABLE: go_down,
    gates.PAUSED: pause,
    gates.UNTESTED: never_test,
    gates.MAPPING_ERROR: drop_rule,
}


@pytest.mark.parametrize("gate", CONFIGURATION, ids=lambda gate: gate.key)
def test_readiness_names_the_gate_of_configuration_that_is_shut(world: World, gate: Gate) -> None:
    world.send(plain())
    CONFIGURATION[gate](world)
    listing = ServiceListing.objects.get()
    config = TriggerConfig.objects.select_related("destination__organization").first()

    unmet = [need for need in readiness.needs(listing, config) if not need.met]

    assert [need.about for need in unmet] == [gate.about]
    assert [need.actor for need in unmet] == [gate.advice.actor]
    assert [getattr(need.sentence, "causes", None) for need in unmet] != [None]


def test_every_gate_of_configuration_is_in_readiness() -> None:
    asked = {gate for gate in GATES if gate.about}
    assert asked == {*CONFIGURATION, gates.NO_DESTINATION}


def test_without_a_destination_readiness_shows_it(world: World) -> None:
    Destination.objects.all().delete()

    unmet = [need for need in readiness.needs(world.listing, None) if not need.met]

    assert sentences.NO_DESTINATION(organization=world.organization) in [
        need.sentence for need in unmet
    ]


# -- The dry run


def tried(world: World, choice: TriggerConfig, saved: TriggerConfig | None = None) -> Any:
    tally = dry_run.begin(world.listing, NOW() + timedelta(seconds=1))
    dry_run.go_on(tally, choice, saved)
    (row,) = tally.rows
    return row


def choice(world: World, **given: Any) -> TriggerConfig:
    """A choice that nobody has saved."""
    return TriggerConfig(
        listing=world.listing,
        destination=world.destination,
        mapping=world.config.mapping,
        **{"on": ["received"], **given},
    )


def test_the_dry_run_tries_the_gates_on_a_choice_that_nobody_has_saved(world: World) -> None:
    event = world.send(plain(routed=True))

    row = tried(world, choice(world), saved=world.config)

    assert row.then.fate is row.now.fate is dry_run.Fate.NOT_MATCHED
    assert row.then.why == row.now.why == event.reason


def test_the_dry_run_waits_for_details_as_opening_does(world: World) -> None:
    event = world.send(plain(registrant=None))

    row = tried(world, choice(world))

    assert (row.then.fate, row.then.why) == (dry_run.Fate.WAITING, event.reason)


def test_the_dry_run_leaves_a_withdrawn_request_to_a_person_as_opening_does(world: World) -> None:
    with saying(request_status="entered-in-error"):
        event = world.send(plain())

    row = tried(world, choice(world))

    assert (row.then.fate, row.then.why) == (dry_run.Fate.WAITING, event.reason)


def test_the_dry_run_states_of_what_is_saved_why_nothing_goes(world: World) -> None:
    world.config.enabled = False
    world.send(plain())

    off = tried(world, choice(world), saved=world.config)
    nowhere = tried(world, choice(world))

    assert off.now.why == sentences.SWITCHED_OFF(listing=world.listing)
    assert nowhere.now.why == sentences.NOT_CONNECTED(listing=world.listing)


def test_the_dry_run_knows_what_was_deleted(world: World) -> None:
    world.send(plain())
    Referral.objects.update(purged_at=NOW(), purged_why="expired")

    row = tried(world, choice(world))

    assert (row.then.fate, row.then.why) == (dry_run.Fate.DELETED, sentences.EXPIRED())


# -- Test events


@pytest.mark.parametrize("name", ["suspended", "plan too low", "not connected", "switched off"])
def test_a_test_event_stops_where_a_referral_does(world: World, name: str) -> None:
    gate, shut, _ = PLACES[name]
    token = test_events.send(world.source, world.listing)
    shut(world)
    for event in InboundEvent.objects.all():
        opening.open_deliveries(event.pk)

    (progress,) = test_events.progress_of(list(test_events.events_of(world.organization, token)))

    red = next(stage for stage in progress.stages if stage.light is Light.RED)
    assert red.sentence == stopped_at(f"TEST-{token}").sentence
    assert explain.explain(f"TEST-{token}").cause == gate.key


@pytest.mark.parametrize(
    ("gate", "shut"),
    [
        (gates.PAUSED, pause),
        (gates.UNREACHABLE, go_down),
        (gates.MAY_NOT_IMPORT, suspend),
        (gates.MAY_NOT_IMPORT, lower_plan),
    ],
)
def test_a_test_event_waits_for_the_connection_as_a_referral_does(
    world: World, gate: Gate, shut: Callable[[World], None]
) -> None:
    token = test_events.send(world.source, world.listing)
    for event in InboundEvent.objects.all():
        opening.open_deliveries(event.pk)
    shut(world)

    (progress,) = test_events.progress_of(list(test_events.events_of(world.organization, token)))

    red = next(stage for stage in progress.stages if stage.light is Light.RED)
    assert red.sentence == stopped_at(f"TEST-{token}").sentence
    assert stopped_at(f"TEST-{token}").question == gate.question


# -- Home, and the work list


@pytest.mark.parametrize(
    ("shut", "health"),
    [
        (nothing, dashboard.Health.UNUSED),
        (pause, dashboard.Health.PAUSED),
        (go_down, dashboard.Health.DOWN),
        (suspend, dashboard.Health.SUSPENDED),
        (lower_plan, dashboard.Health.SUSPENDED),
    ],
)
def test_the_home_page_shows_how_a_connection_does(
    world: World, shut: Callable[[World], None], health: dashboard.Health
) -> None:
    shut(world)
    (destination,) = dashboard.destinations_with_figures(Destination.objects.all(), NOW())
    assert dashboard.health(destination) is health


@pytest.mark.parametrize(("shut", "key"), [(pause, "held"), (go_down, "down")])
def test_the_home_page_counts_what_waits_for_a_connection(
    world: World, shut: Callable[[World], None], key: str
) -> None:
    world.send(plain())
    shut(world)

    (need,) = dashboard.needs(list(Destination.objects.all()))

    assert (need.cause.key, need.count) == (key, 1)
    (cause,) = (one for one in CAUSES if one.key == key)
    assert Delivery.objects.filter(cause.condition).count() == 1


# -- What people ask for


@pytest.mark.parametrize(
    ("shut", "then"),
    [(pause, sentences.FIX_FIRST), (go_down, sentences.GOES_WHEN_REACHED)],
)
def test_nobody_sends_again_while_the_connection_is_shut(
    world: World, shut: Callable[[World], None], then: Cause
) -> None:
    world.send(plain())
    Delivery.objects.update(state="needs_attention", reason="gave_up", due_at=None)
    shut(world)

    why = delivering.why_not_retry(world.delivery)

    assert why.endswith(then())
    assert "The token has expired" not in why  # a destination's words are not everybody's


def move(world: World) -> None:
    elsewhere = Organization.objects.create(caredove_id="900", name="Elsewhere")
    Referral.objects.update(organization=elsewhere)


def merge(world: World) -> None:
    other = Referral.objects.create(reference="1", created_at=NOW(), changed_at=NOW())
    Referral.objects.filter(pk=world.delivery.referral_id).update(merged_into=other)


def expire(world: World) -> None:
    Referral.objects.update(purged_at=NOW(), purged_why="expired")


def revoke(world: World) -> None:
    Referral.objects.update(purged_at=NOW(), purged_why="revoked")


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        (move, sentences.MOVED_ELSEWHERE()),
        (merge, sentences.MERGED()),
        (expire, sentences.EXPIRED()),
        (revoke, sentences.REVOKED()),
    ],
)
def test_a_referral_that_is_elsewhere_or_gone_is_sent_by_nobody(
    world: World, gone: Callable[[World], None], says: str
) -> None:
    world.send(plain())
    gone(world)

    why = delivering.running.why_not_now(Delivery.objects.get())

    assert why == says
    assert "Elsewhere" not in why  # its first organization may not know which one has it now
