"""An event is merged, matched, and opens at most one import for each destination."""

import re
from unittest import mock

import pytest
from django.db import IntegrityError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from core.database import clock
from integrations.destinations.demo.transport import DemoTransport
from integrations.models import Destination, Organization, ServiceListing, TriggerConfig
from integrations.transport import TryAgain
from referrals import delivering, sentences
from referrals.intake import opening
from referrals.models import Delivery, InboundEvent, Referral, ReferralFile
from referrals.record import snapshot
from tests.world import FIXTURES, REFERENCE, World, make_world, options, plain

UUID = "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10"
Outcome = InboundEvent.Outcome


def test_a_matching_event_opens_one_import(world: World):
    event = world.send(plain())
    assert (event.state, event.outcome, event.triggers) == (
        "opened",
        Outcome.IMPORT_OPENED,
        ["received"],
    )
    assert event.reason == "Import into Birchwood CRMS started."
    assert (world.delivery.state, world.delivery.triggers) == ("queued", ["received"])
    assert world.delivery.due_at is not None


def test_an_event_is_opened_once(world: World):
    received = world.receive(plain())
    assert opening.open_deliveries(received.event_id)
    assert not opening.open_deliveries(received.event_id)
    assert Delivery.objects.count() == 1


def test_an_event_that_somebody_is_opening_is_left_alone_until_it_is_late(world: World):
    event = world.receive(plain()).event_id
    assert opening.EVENTS.claim(event, clock.now(), opening.OPENING_TIME)
    assert not opening.open_deliveries(event)
    assert InboundEvent.objects.get().openings == 1
    InboundEvent.objects.update(due_at=F("due_at") - opening.OPENING_TIME)
    assert opening.open_deliveries(event)
    assert InboundEvent.objects.get().openings == 2


def test_one_event_that_matches_several_triggers_opens_one_import(world: World):
    event = world.send(plain(substatus={"label": "Ready", "classification": "ready"}))
    assert event.triggers == ["received", "status_ready"]
    assert world.delivery.triggers == ["received", "status_ready"]


def test_each_destination_of_a_listing_gets_its_own_import(world: World):
    other = Destination.objects.create(
        organization=world.organization, name="Second", kind="demo", options=options("demo")
    )
    TriggerConfig.objects.create(
        listing=world.listing, destination=other, on=["received"], mapping=world.config.mapping
    )
    world.send(plain())
    assert {delivery.destination.name for delivery in Delivery.objects.all()} == {
        "Birchwood CRMS",
        "Second",
    }


def test_no_trigger_states_what_happened_and_what_was_chosen(world: World):
    event = world.send(plain("message.from_provider"))
    assert event.outcome == Outcome.NO_TRIGGER
    assert event.reason == (
        "The event means Message from Provider; listing Adult Counselling - Milltown is imported "
        "on Received, Edited Status - Ready."
    )
    assert not Delivery.objects.exists()


def test_a_routed_request_needs_the_option(world: World):
    event = world.send(plain(routed=True))
    assert event.outcome == Outcome.ROUTED
    world.config.include_routed = True
    world.config.save()
    event = world.send(plain(number=2, reference="3502768697", parent_reference="3502768600"))
    assert event.outcome == Outcome.IMPORT_OPENED


def test_a_suspended_organization_imports_nothing(world: World):
    Organization.objects.update(active=False)
    event = world.send(plain())
    assert event.outcome == Outcome.SUSPENDED
    assert event.reason == "Birchwood Community Mental Health is suspended in Dovetail."


def test_a_plan_that_is_too_low_imports_nothing_and_shows_it(world: World):
    Organization.objects.update(plan="essential")
    event = world.send(plain())
    assert event.outcome == Outcome.PLAN_TOO_LOW
    assert "importing needs Advanced CBO or higher" in event.reason


def test_an_unknown_listing_is_not_integrated(world: World):
    event = world.send(plain() | {"service_listing": {"id": "9999"}})
    assert event.outcome == Outcome.UNKNOWN_LISTING
    assert "Listing 9999" in event.reason


def test_an_unknown_organization_is_named(world: World):
    event = world.send(plain() | {"organization": {"id": "1"}, "service_listing": {"id": "9999"}})
    assert event.outcome == Outcome.UNKNOWN_ORGANIZATION
    assert "1" in event.reason


def test_a_listing_without_a_trigger_config_is_not_integrated(world: World):
    ServiceListing.objects.create(
        organization=world.organization, caredove_id="4418", name="Youth Wellness Hub"
    )
    event = world.send(plain() | {"service_listing": {"id": "4418"}})
    assert event.outcome == Outcome.NOT_INTEGRATED


def test_a_trigger_config_that_is_off_imports_nothing(world: World):
    TriggerConfig.objects.update(enabled=False)
    assert world.send(plain()).outcome == Outcome.TRIGGER_OFF


def test_an_unknown_event_code_is_kept_and_shown(world: World):
    event = world.send(plain("referral.sneezed"))
    assert (event.outcome, event.code) == (Outcome.UNKNOWN_CODE, "referral.sneezed")
    assert event.body
    assert world.referral.reference == REFERENCE


def test_an_import_waits_for_details_and_goes_when_they_come(world: World):
    TriggerConfig.objects.update(on=["booked"])
    booked = world.send(
        plain("appointment.booked", registrant=None, appointment={"id": "1", "status": "booked"})
    )
    assert booked.outcome == Outcome.WAITING
    assert (world.delivery.state, world.delivery.due_at) == ("waiting", None)
    details = world.send(plain(number=2))
    assert details.outcome == Outcome.IMPORT_OPENED
    assert world.delivery.state == "queued"


def test_an_event_without_a_listing_belongs_to_the_one_the_referral_has(world: World):
    world.send(plain("referral.edited"))
    later = plain(number=2, substatus={"classification": "ready"}) | {
        "organization": None,
        "service_listing": None,
    }
    assert world.send(later).outcome == Outcome.IMPORT_OPENED


def test_a_referral_can_move_to_another_listing(world: World):
    other = ServiceListing.objects.create(
        organization=world.organization, caredove_id="4418", name="Youth Wellness Hub"
    )
    world.send(plain("referral.edited"))
    world.send(plain("referral.edited", number=2) | {"service_listing": {"id": "4418"}})
    assert world.referral.listing == other


def test_an_older_message_does_not_move_it_back(world: World):
    other = ServiceListing.objects.create(
        organization=world.organization, caredove_id="4418", name="Youth Wellness Hub"
    )
    world.send(plain("referral.edited", number=9) | {"service_listing": {"id": "4418"}})
    world.send(plain("referral.edited", number=1))
    assert world.referral.listing == other


def test_an_imported_referral_is_not_imported_again(world: World):
    world.send(plain())
    assert world.run().state == "imported"
    event = world.send(plain(number=2, substatus={"classification": "ready"}))
    assert event.outcome == Outcome.ALREADY_IMPORTED
    assert event.reason == "It is in Birchwood CRMS already."
    assert world.delivery.state == "imported"


@pytest.mark.parametrize("reason", ["rejected", "gave_up", "bug"])
def test_an_edit_sends_a_failed_import_again_even_where_edited_is_not_chosen(
    world: World, reason: str
):
    world.send(plain())
    Delivery.objects.update(state="needs_attention", reason=reason, due_at=None)
    event = world.send(plain("referral.edited", number=2))
    assert event.outcome == Outcome.IMPORT_REVIVED
    assert (world.delivery.state, world.delivery.reason, world.delivery.tries) == ("queued", "", 0)


@pytest.mark.parametrize("reason", ["unconfirmed", "quarantined", "connection"])
def test_an_edit_does_not_send_what_a_person_must_decide(world: World, reason: str):
    world.send(plain())
    Delivery.objects.update(state="needs_attention", reason=reason, due_at=None)
    event = world.send(plain("referral.edited", number=2))
    assert event.outcome == Outcome.IMPORT_OPEN
    assert world.delivery.state == "needs_attention"


def test_another_event_than_an_edit_does_not_revive(world: World):
    world.send(plain())
    Delivery.objects.update(state="needs_attention", reason="rejected", due_at=None)
    assert world.send(plain("message.from_provider", number=2)).outcome == Outcome.NO_TRIGGER
    assert world.delivery.state == "needs_attention"


def test_two_ids_of_one_referral_lead_to_one(world: World):
    TriggerConfig.objects.update(on=["archived"])
    world.send(plain("referral.edited", reference=UUID))
    world.send(plain("referral.edited", number=2))
    assert Referral.objects.filter(merged_into=None).count() == 2
    opening_of_both = plain("referral.archived", number=3)
    with mock.patch("integrations.sources.caredove.plain.parse", _with_both_ids):
        event = world.send(opening_of_both)
    assert event.outcome == Outcome.IMPORT_OPENED
    assert world.referral.reference == REFERENCE
    assert set(world.referral.aliases.values_list("value", flat=True)) == {REFERENCE, UUID}
    assert world.referral.events.count() == 3


def test_two_ids_found_to_be_one_after_both_were_tried_are_still_sent_once(world: World):
    world.send(plain(reference=UUID))
    world.send(plain(number=2))
    for delivery in Delivery.objects.all():
        with mock.patch.object(DemoTransport, "deliver", side_effect=TryAgain("Busy.")):
            delivering.run(delivery.pk)
    with mock.patch("integrations.sources.caredove.plain.parse", _with_both_ids):
        world.send(plain("referral.edited", number=3))
    Delivery.objects.filter(state="queued").update(due_at=opening.clock.now())
    for delivery in Delivery.objects.all():
        delivering.run(delivery.pk)
    assert [delivery.state for delivery in Delivery.objects.order_by("state")] == [
        "dismissed",
        "imported",
    ]


def _with_both_ids(body: bytes):
    import dataclasses

    from integrations.sources.caredove import plain as endpoint

    parsed = _PARSE(body)
    assert endpoint
    return dataclasses.replace(parsed, references=(REFERENCE, UUID))


from integrations.sources.caredove.plain import parse as _PARSE  # noqa: E402


def test_a_revoked_referral_leaves_a_tombstone_and_nothing_of_the_person(
    world: World, django_capture_on_commit_callbacks
):
    world.send(plain(attachments=[{"id": "a1", "filename": "a.txt", "data": "aGVsbG8="}]))
    world.run()
    with django_capture_on_commit_callbacks(execute=True):
        event = world.send(plain("referral.revoked", number=2))
    referral = world.referral
    assert event.outcome == Outcome.REVOKED
    assert (referral.reference, referral.snapshot) == (REFERENCE, {})
    assert (referral.purged_why, referral.purged_at is not None) == ("revoked", True)
    assert not InboundEvent.objects.filter(body__isnull=False).exists()
    assert not ReferralFile.objects.exists()
    assert not referral.summaries.exists()
    assert world.delivery.external_id == f"DEMO-{REFERENCE}-referral"
    assert world.delivery.has_uncleared_error
    assert world.delivery.message == sentences.IS_THERE()


def test_a_late_message_does_not_bring_a_revoked_person_back(world: World):
    world.send(plain("referral.revoked"))
    event = world.send(plain(number=2))
    assert event.outcome == Outcome.REVOKED
    assert world.referral.snapshot == {}
    assert not Delivery.objects.exists()
    assert not InboundEvent.objects.filter(body__isnull=False).exists()


def test_a_revoked_import_that_has_not_begun_is_dismissed(world: World):
    world.send(plain())
    world.send(plain("referral.revoked", number=2))
    assert world.delivery.state == "dismissed"
    assert not delivering.run(world.delivery.pk)


def test_an_event_that_stops_its_worker_again_and_again_is_set_aside(world: World):
    received = world.receive(plain())
    for _ in range(opening.MAX_OPENINGS):
        InboundEvent.objects.update(due_at=opening.clock.now())
        with (
            mock.patch.object(opening, "_open", side_effect=MemoryError),
            pytest.raises(MemoryError),
        ):
            opening.open_deliveries(received.event_id)
    InboundEvent.objects.update(due_at=opening.clock.now())
    assert not opening.open_deliveries(received.event_id)
    assert opening.quarantine_events() == 1
    event = InboundEvent.objects.get()
    assert (event.state, bool(event.body)) == ("quarantined", True)
    assert opening.reopen(event)
    assert opening.open_deliveries(event.pk)


def test_an_event_that_meets_another_of_the_same_new_referral_begins_again(world: World):
    received = world.receive(plain())
    with mock.patch.object(opening.identity, "resolve", side_effect=IntegrityError):
        opening.open_deliveries(received.event_id)
    assert InboundEvent.objects.get().state == "received"
    assert opening.open_deliveries(received.event_id)
    assert world.delivery.state == "queued"


def test_the_snapshot_is_merged_by_the_time_of_the_messages(world: World):
    world.send(plain("referral.edited", number=9, priority="urgent"))
    world.send(plain("referral.edited", number=1, priority="routine", sent_method="Fax"))
    document = snapshot.view(world.referral.snapshot)
    assert (document["priority"], document["sent_method"]) == ("urgent", "Fax")


def test_a_clock_that_runs_ahead_does_not_win_for_good(world: World):
    world.send(
        plain("referral.edited", priority="urgent") | {"occurred_at": "2199-01-01T00:00:00Z"}
    )
    world.send(plain("referral.edited", number=2, priority="routine") | {"occurred_at": None})
    assert snapshot.view(world.referral.snapshot)["priority"] == "routine"


def test_make_world_is_usable_for_crms(db: None):
    assert make_world("crms", base_url="http://127.0.0.1:1", token="t").destination.transport()


def test_a_body_is_read_while_others_can_write(world: World):
    received = world.receive(plain())
    open_transactions: list[int] = []

    def parse(body: bytes) -> object:
        open_transactions.append(len(connection.savepoint_ids))
        return _PARSE(body)

    outside = len(connection.savepoint_ids)
    with mock.patch("integrations.sources.caredove.plain.parse", parse):
        opening.open_deliveries(received.event_id)
    assert open_transactions == [outside]


@pytest.mark.parametrize(
    ("place", "lookups"),
    [
        ({}, 1),
        ({"service_listing": {"id": "9999"}}, 1),
        ({"organization": {"id": "1"}, "service_listing": {"id": "9999"}}, 1),
        ({"organization": {"id": "1"}}, 1),
        ({"service_listing": None}, 0),
        ({"organization": None, "service_listing": None}, 0),
    ],
)
def test_an_event_is_parsed_once_and_its_listing_looked_up_once(
    world: World, place: dict, lookups: int
):
    received = [world.receive(plain() | place), world.receive(plain("referral.edited", 2) | place)]
    for one in received:
        with (
            mock.patch("integrations.sources.caredove.plain.parse", side_effect=_PARSE) as parse,
            CaptureQueriesContext(connection) as queries,
        ):
            opening.open_deliveries(one.event_id)
        looked_up = [
            query["sql"]
            for query in queries
            if re.search(r'FROM "integrations_servicelisting".*"caredove_id" = ', query["sql"])
        ]
        assert (parse.call_count, len(looked_up)) == (1, lookups)


def nowhere(event: dict) -> dict:
    """The event as a sender writes it that names neither listing nor organization."""
    return event | {"organization": None, "service_listing": None}


def test_what_fired_before_the_listing_was_known_counts_when_it_is(world: World):
    TriggerConfig.objects.update(on=["booked"])
    booked = {"id": "1", "status": "booked"}
    first = world.send(nowhere(plain("appointment.booked", registrant=None, appointment=booked)))
    assert first.outcome == Outcome.NO_LISTING
    details = world.send(plain(number=2))
    assert details.outcome == Outcome.IMPORT_OPENED
    assert (world.delivery.state, world.delivery.triggers) == ("queued", ["booked"])
    first.refresh_from_db()
    assert first.outcome == Outcome.IMPORT_OPENED


def test_what_fired_before_the_listing_was_known_counts_once(world: World):
    TriggerConfig.objects.update(on=["archived"])
    first = world.send(nowhere(plain("message.from_provider")))
    world.send(plain("referral.edited", number=2))
    first.refresh_from_db()
    assert first.outcome == Outcome.NO_TRIGGER
    assert not Delivery.objects.exists()


def test_the_contracts_partial_appointment_and_its_details_lead_to_one_import(world: World):
    TriggerConfig.objects.update(on=["booked"])
    appointment = (FIXTURES / "examples/fhir-partial-appointment.json").read_bytes()
    details = (FIXTURES / "examples/fhir-full-referral.json").read_bytes()
    assert world.send(appointment, "fhir").outcome == Outcome.NO_LISTING
    assert world.send(details, "fhir").outcome == Outcome.IMPORT_OPENED
    assert world.run().state == "imported"
