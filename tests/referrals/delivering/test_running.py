"""One delivery from claim to settlement, with the demo destination in each of its moods."""

import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, connection, transaction

from core import outbound
from core.database import clock
from core.encryption import EncryptionError
from integrations.destinations.demo import transport as demo
from integrations.models import Destination, Organization, TriggerConfig
from referrals import delivering, sentences
from referrals.delivering import claiming
from referrals.delivering.claiming import (
    LeaseLost,
    claim,
    due_deliveries,
    mark_woken,
    release_lost,
)
from referrals.delivering.ledger import DeliveryLedger
from referrals.models import Attempt, Delivery, Referral, Step
from tests.core.outbound.servers import answering, in_chunks, serving
from tests.integrations.sources.real_files import pdf, picture
from tests.world import REFERENCE, World, make_world, options, plain

AT = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)
SCHEDULE = [timedelta(seconds=1), timedelta(seconds=2)]


@pytest.fixture(autouse=True)
def _short_times(settings: django_settings) -> None:
    settings.RETRY_SCHEDULE = SCHEDULE
    settings.SETTLE_TIME = timedelta(0)
    demo.delivered.clear()
    demo.misbehaved.clear()


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    world.send(plain())
    return world


def behave(world: World, behaviour: str, **more: object) -> None:
    world.destination.options = options("demo", behaviour=behaviour, **more)
    world.destination.save()


def make_due() -> None:
    Delivery.objects.filter(due_at__isnull=False).update(due_at=clock.now())


def run_until_settled(world: World, rounds: int = 10) -> Delivery:
    for _ in range(rounds):
        make_due()
        delivering.run(world.delivery.pk)
    return world.delivery


# -- what an outcome makes of a delivery ---------------------------------------------------------


@pytest.mark.postgres
def test_a_receipt_makes_it_imported(world: World):
    delivery = world.run()
    assert (delivery.state, delivery.external_id) == ("imported", f"DEMO-{REFERENCE}-referral")
    assert delivery.imported_at is not None
    assert delivery.missing_files == {}
    assert [step.name for step in delivery.steps.all()] == ["referral", "summary"]
    (attempt,) = delivery.attempts.all()
    assert (attempt.outcome, attempt.ended_at is not None) == ("imported", True)


def test_a_refusal_needs_attention_and_raises_the_flag(world: World):
    behave(world, "reject")
    delivery = world.run()
    assert (delivery.state, delivery.reason, delivery.has_uncleared_error) == (
        "needs_attention",
        "rejected",
        True,
    )
    assert "“Name is required”" in delivery.message
    assert not delivery.steps.exists()


def test_try_again_follows_the_schedule_and_then_gives_up(world: World):
    behave(world, "try_again")
    before = clock.now()
    delivery = world.run()
    assert (delivery.state, delivery.tries) == ("queued", 1)
    assert timedelta(seconds=0.8) < delivery.due_at - before < timedelta(seconds=8)
    delivery = run_until_settled(world)
    assert (delivery.state, delivery.reason) == ("needs_attention", "gave_up")
    assert delivery.attempts.count() == 1 + len(SCHEDULE)


@pytest.mark.postgres
def test_a_connection_that_is_wrong_is_paused_and_costs_no_try(world: World):
    behave(world, "misconfigured")
    delivery = world.run()
    assert (delivery.state, delivery.reason, delivery.tries) == (
        "needs_attention",
        "connection",
        0,
    )
    assert Destination.objects.get().paused_at is not None
    world.send(plain(number=2, reference="3502768697"))
    other = Delivery.objects.exclude(pk=delivery.pk).get()
    assert not delivering.run(other.pk)
    assert not other.attempts.exists()


def test_a_good_test_of_the_connection_lets_everything_go(world: World):
    behave(world, "misconfigured")
    world.run()
    behave(world, "succeed")
    Destination.objects.get().test_connection()
    assert Destination.objects.get().paused_at is None
    assert world.run().state == "imported"


@pytest.mark.postgres
def test_a_lost_answer_is_looked_up_twice_before_it_is_sent_again(world: World):
    behave(world, "no_answer", times=1)
    world.run()
    delivery = run_until_settled(world)
    assert delivery.state == "imported"
    assert [effect.step for effect in demo.delivered] == ["referral", "summary"]


def test_an_effect_that_never_arrived_is_sent_after_two_look_ups(world: World):
    behave(world, "no_answer", times=1)
    world.run()
    demo.delivered.clear()
    delivery = run_until_settled(world)
    assert delivery.state == "imported"
    assert [effect.step for effect in demo.delivered] == ["referral", "summary"]


def test_without_a_look_up_a_person_is_asked_and_nothing_is_sent_again(world: World):
    behave(world, "no_answer", times=1, look_up=False)
    delivery = run_until_settled(world)
    assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
    assert [effect.step for effect in demo.delivered] == ["referral"]


def test_it_is_there_goes_on_after_the_step(world: World):
    behave(world, "no_answer", times=1, look_up=False)
    delivery = run_until_settled(world)
    assert delivering.confirm_present(delivery, "RF-1")
    delivery = run_until_settled(world)
    assert (delivery.state, delivery.external_id) == ("imported", "RF-1")
    assert [effect.step for effect in demo.delivered] == ["referral", "summary"]


def test_it_is_not_there_sends_again(world: World):
    behave(world, "no_answer", times=1, look_up=False)
    delivery = run_until_settled(world)
    demo.delivered.clear()
    assert delivering.confirm_absent(delivery)
    assert run_until_settled(world).state == "imported"
    assert [effect.step for effect in demo.delivered] == ["referral", "summary"]


@pytest.mark.postgres
def test_a_verdict_is_taken_once(world: World):
    behave(world, "no_answer", times=1, look_up=False)
    delivery = run_until_settled(world)
    assert delivering.confirm_absent(delivery)
    assert not delivering.confirm_present(delivery, "RF-1")


def test_unconfirmed_goes_to_a_person_at_once(world: World):
    behave(world, "unconfirmed")
    delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")


def test_a_crash_before_anything_was_intended_is_a_bug(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(demo.DemoTransport, "deliver", lambda *_: 1 / 0)
    delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "bug")


@pytest.mark.postgres
def test_a_crash_in_the_middle_is_searched_for(world: World):
    behave(world, "crash_after", times=1)
    delivery = world.run()
    assert (delivery.state, delivery.tries) == ("queued", 1)
    assert run_until_settled(world).state == "imported"
    assert [effect.step for effect in demo.delivered] == ["referral", "summary"]


def test_a_crash_that_goes_on_ends_with_a_person(world: World):
    behave(world, "crash")
    delivery = run_until_settled(world)
    assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")


def test_refused_files_do_not_hold_the_referral_back(world: World):
    behave(world, "refuse_files")
    delivery = world.run()
    assert (delivery.state, delivery.has_uncleared_error) == ("imported", True)
    assert delivery.missing_files == {
        f"referral-{REFERENCE}-summary.pdf": "The demo destination takes no files."
    }


def test_a_mapping_that_does_not_work_stops_its_own_imports_only(world: World):
    world.config.mapping.rules.all().delete()
    world.config.mapping.rules.create(position=1, target="nowhere", sources=["reference"])
    delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "mapping")
    assert "nowhere" in delivery.message
    assert Destination.objects.get().paused_at is None


@pytest.mark.postgres
def test_a_mapping_that_is_fixed_lets_its_imports_go(
    world: World, django_capture_on_commit_callbacks
):
    world.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    assert world.run().reason == "mapping"
    with django_capture_on_commit_callbacks(execute=True):
        world.renew_mapping()
    assert world.run().state == "imported"


def test_a_mapping_that_is_fixed_while_the_connection_is_paused_waits_for_the_connection_alone(
    world: World, django_capture_on_commit_callbacks
):
    world.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    world.run()
    world.destination.pause("The token is wrong.", clock.now())
    with django_capture_on_commit_callbacks(execute=True):
        world.renew_mapping()
    assert (world.delivery.state, world.delivery.reason) == ("queued", "")
    assert not delivering.run(world.delivery.pk)
    Destination.objects.get().release()
    assert world.run().state == "imported"


def test_a_connection_that_opens_again_does_not_send_what_its_mapping_has_stopped(world: World):
    world.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    world.run()
    world.destination.pause("The token is wrong.", clock.now())
    Destination.objects.get().release()
    assert (world.delivery.state, world.delivery.reason) == ("needs_attention", "mapping")


def test_a_listing_that_is_no_longer_connected_is_a_reason_of_its_own(world: World):
    world.config.delete()
    delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "disconnected")
    assert Destination.objects.get().paused_at is None
    world.connect_again()
    assert world.run().state == "imported"


def test_what_its_mapping_has_stopped_needs_a_connection_once_that_one_is_deleted(world: World):
    world.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    assert world.run().reason == "mapping"
    TriggerConfig.objects.get().delete()
    assert world.delivery.reason == "disconnected"


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("succeed", ""),
        ("reject", "refused"),
        ("misconfigured", "credentials"),
        ("try_again", "failing"),
        ("no_answer", "silent"),
        ("unconfirmed", "silent"),
        ("crash", "bug"),
    ],
)
def test_an_attempt_keeps_what_went_wrong(world: World, behaviour: str, kind: str):
    behave(world, behaviour)
    delivery = world.run()
    attempt = delivery.attempts.get()
    assert (attempt.kind, delivery.last_kind) == (kind, kind)
    assert (attempt.code, delivery.last_code) == ("", "")


def test_a_mapping_error_is_no_failure_of_the_connection(world: World):
    world.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    delivery = world.run()
    assert delivery.attempts.get().kind == "bad_mapping"
    assert delivery.connection_failed_at is None


@pytest.mark.postgres
def test_an_edit_that_came_while_it_was_refused_sends_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    behave(world, "reject", times=1)
    original = demo.DemoTransport.deliver

    def deliver(self, parcel):
        world.send(plain("referral.edited", number=2))
        return original(self, parcel)

    monkeypatch.setattr(demo.DemoTransport, "deliver", deliver)
    assert world.run().state == "queued"
    assert world.run().state == "imported"


# -- leases --------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_delivery_is_won_by_one(world: World):
    assert claim(world.delivery.pk) is not None
    assert claim(world.delivery.pk) is None


def test_what_cannot_be_decrypted_fails_its_attempt_and_not_the_claim(world: World):
    pk = world.delivery.pk
    with connection.cursor() as cursor:
        cursor.execute("UPDATE referrals_referral SET snapshot = %s", [b"no value of ours"])
    with pytest.raises(EncryptionError):
        delivering.run(pk)
    state = Delivery.objects.values_list("state", flat=True).get()
    assert state == "running", "its lease ends, and in the end it is quarantined"


@pytest.mark.postgres
def test_a_delivery_that_is_not_due_is_not_won(world: World):
    Delivery.objects.update(due_at=clock.now() + timedelta(hours=1))
    assert claim(world.delivery.pk) is None


@pytest.mark.postgres
def test_a_suspended_organization_is_not_sent_for(world: World):
    Organization.objects.update(active=False)
    assert claim(world.delivery.pk) is None
    assert due_deliveries(10) == []


@pytest.mark.postgres
def test_a_lost_worker_gives_its_delivery_back(world: World):
    claim(world.delivery.pk)
    assert release_lost() == 0
    Delivery.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    assert release_lost() == 1
    assert (world.delivery.state, world.delivery.lost_workers) == ("queued", 1)
    assert world.delivery.attempts.get().outcome == "lost"
    assert world.run().state == "imported"
    assert world.delivery.lost_workers == 0


@pytest.mark.postgres
@pytest.mark.parametrize("lost_workers", [0, claiming.MAX_LOST_WORKERS - 1])
@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda now: {"lease_until": now + timedelta(minutes=1)},
        lambda now: {"lease_token": uuid4()},
        lambda now: {"state": "imported", "external_id": "RF-1", "lease_token": None},
    ],
    ids=["extended", "won by another one", "settled"],
)
def test_a_lease_that_is_not_lost_after_all_is_left_alone(
    world: World, lost_workers: int, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
):
    """Its worker was slow, not gone: it wrote between the look at the leases and the release."""
    claim(world.delivery.pk)
    Delivery.objects.update(
        lease_until=clock.now() - timedelta(seconds=1), lost_workers=lost_workers
    )
    release = claiming._release

    def just_before(delivery_id: UUID, *seen: Any) -> int:
        Delivery.objects.update(**meanwhile(clock.now()))
        return release(delivery_id, *seen)

    monkeypatch.setattr(claiming, "_release", just_before)
    before = world.delivery.state
    assert release_lost() == 0
    assert world.delivery.state in (before, "imported")
    assert world.delivery.lost_workers == lost_workers
    assert world.delivery.attempts.get().ended_at is None


@pytest.mark.postgres
def test_a_delivery_that_kills_its_workers_is_quarantined(world: World):
    for _ in range(claiming.MAX_LOST_WORKERS):
        make_due()
        assert claim(world.delivery.pk)
        Delivery.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        release_lost()
    assert (world.delivery.state, world.delivery.reason) == ("needs_attention", "quarantined")
    assert world.delivery.has_uncleared_error


@pytest.mark.postgres
def test_a_worker_that_lost_its_lease_does_nothing_more(world: World):
    lease = claim(world.delivery.pk)
    assert lease is not None
    Delivery.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    done: list[str] = []
    with pytest.raises(LeaseLost):
        DeliveryLedger(lease).once("referral", lambda: done.append("sent") or "RF-1")
    assert done == []
    assert not Step.objects.exists()


@pytest.mark.postgres
def test_the_outcome_of_a_lost_lease_does_not_overwrite_the_winners(world: World):
    delivery = world.delivery
    first = claim(delivery.pk)
    Delivery.objects.update(lease_token=uuid4())
    from referrals.delivering.settling import settle

    with pytest.raises(LeaseLost):
        settle(first, delivery, RuntimeError(), None)
    assert world.delivery.state == "running"


@pytest.mark.postgres
def test_due_deliveries_take_the_organizations_in_turn(world: World):
    for number in range(2, 5):
        world.send(plain(number=number, reference=f"350276869{number}"))
    other = Organization.objects.create(caredove_id="900", name="Elsewhere")
    destination = Destination.objects.create(
        organization=other, name="Theirs", kind="demo", options=options("demo")
    )
    theirs = Delivery.objects.create(
        referral=world.referral_of("3502768694"),
        destination=destination,
        state="queued",
        opened_at=clock.now(),
        due_at=clock.now(),
    )
    assert list(due_deliveries(2))[1] == theirs.pk


@pytest.mark.postgres
def test_an_organization_with_running_deliveries_has_had_these_turns(world: World):
    for number in range(2, 5):
        world.send(plain(number=number, reference=f"350276869{number}"))
    other = Organization.objects.create(caredove_id="900", name="Elsewhere")
    destination = Destination.objects.create(
        organization=other, name="Theirs", kind="demo", options=options("demo")
    )
    theirs = Delivery.objects.create(
        referral=world.referral_of("3502768694"),
        destination=destination,
        state="queued",
        opened_at=clock.now(),
        due_at=clock.now(),
    )
    assert due_deliveries(1) != [theirs.pk]
    assert claim(due_deliveries(1)[0])
    assert due_deliveries(1) == [theirs.pk]


@pytest.mark.postgres
def test_a_wake_up_is_given_once_in_a_while(world: World):
    due = [world.delivery.pk]
    assert mark_woken(due) == due
    assert mark_woken(due) == []
    Delivery.objects.update(woken_at=clock.now() - timedelta(minutes=1))
    assert mark_woken(due) == due


# -- the database keeps the promises too -----------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "queued", "due_at": None},
        {"state": "needs_attention", "reason": "", "due_at": None},
        {"state": "imported", "external_id": None, "due_at": None},
        {"state": "running", "lease_token": None},
        {"state": "queued", "reason": "bug"},
    ],
)
def test_the_database_refuses_a_state_that_is_not_whole(world: World, wrong: dict[str, object]):
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.update(**wrong)


@pytest.mark.postgres
def test_the_database_refuses_a_second_delivery_for_the_same_destination(world: World):
    delivery = world.delivery
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(
            referral=delivery.referral,
            destination=delivery.destination,
            state="waiting",
            opened_at=clock.now(),
        )


# -- what people do --------------------------------------------------------------------------------


def test_a_retry_gives_all_tries_again(world: World):
    behave(world, "try_again")
    run_until_settled(world)
    delivering.retry(world.delivery)
    delivery = world.delivery
    assert (delivery.state, delivery.tries, delivery.resends) == ("queued", 0, 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "needs_attention", "reason": "unconfirmed"}, sentences.LOOK_FIRST()),
        ({"state": "imported", "external_id": "RF-1"}, sentences.IS_IMPORTED()),
        ({"state": "dismissed"}, sentences.IS_DISMISSED()),
        ({"state": "waiting"}, sentences.WAITS_FOR_DETAILS()),
    ],
)
def test_a_retry_is_refused_with_the_reason(world: World, change: dict[str, str], why: str):
    Delivery.objects.update(due_at=None, **change)
    with pytest.raises(delivering.RetryRefused) as refused:
        delivering.retry(world.delivery)
    assert refused.value.why == why


def test_a_refused_referral_is_not_resent_until_something_changed(world: World):
    behave(world, "reject")
    world.run()
    with pytest.raises(delivering.RetryRefused) as refused:
        delivering.retry(world.delivery)
    assert refused.value.why == sentences.EDIT_FIRST()
    world.config.mapping.save()
    delivering.retry(world.delivery)
    assert world.delivery.state == "queued"


@pytest.mark.postgres
def test_two_people_retry_once(world: World):
    behave(world, "try_again")
    run_until_settled(world)
    seen_by_both = world.delivery
    delivering.retry(seen_by_both)
    with pytest.raises(delivering.RetryRefused):
        delivering.retry(seen_by_both)
    assert world.delivery.resends == 1


@pytest.mark.postgres
def test_a_retry_from_an_old_page_is_refused_when_it_has_failed_again_since(world: World):
    behave(world, "try_again")
    seen = run_until_settled(world)
    delivering.retry(world.delivery)
    assert run_until_settled(world).reason == seen.reason
    with pytest.raises(delivering.RetryRefused) as refused:
        delivering.retry(seen)
    assert refused.value.why == sentences.ACTED()
    assert (world.delivery.state, world.delivery.resends) == ("needs_attention", 1)


@pytest.mark.postgres
@pytest.mark.parametrize("seen_at", [None, timedelta(0), timedelta(days=1)])
def test_an_error_that_is_newer_than_what_was_seen_is_not_cleared(
    world: World, seen_at: timedelta | None
):
    behave(world, "reject")
    seen = world.run()
    newer = seen.error_at + timedelta(seconds=1)
    Delivery.objects.update(error_at=newer)
    at = None if seen_at is None else seen.error_at + seen_at
    assert not delivering.clear_error(seen, seen_at=at)
    assert world.delivery.has_uncleared_error
    assert not world.delivery.cleared_errors.exists()


def test_a_dismissed_import_gives_the_reason_and_stays_away(world: World):
    assert delivering.dismiss(world.delivery, "A duplicate")
    assert (world.delivery.state, world.delivery.closed_why) == ("dismissed", "A duplicate")
    assert world.send(plain(number=2)).outcome == "dismissed"
    assert not delivering.dismiss(world.delivery, "again")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "queued", "due_at": AT},
        {"state": "needs_attention", "reason": "unconfirmed", "due_at": None},
    ],
    ids=["queued for its files", "unconfirmed"],
)
def test_what_is_in_the_destination_is_not_dismissed(world: World, change: dict[str, Any]):
    world.run()
    Delivery.objects.update(**change)
    assert not delivering.dismiss(world.delivery, "Entered by hand")
    assert (world.delivery.state, world.delivery.closed_why) == (change["state"], "")


def test_a_later_success_does_not_lower_the_flag(world: World):
    behave(world, "reject")
    world.run()
    behave(world, "succeed")
    world.send(plain("referral.edited", number=2))
    delivery = world.run()
    assert (delivery.state, delivery.has_uncleared_error) == ("imported", True)
    assert delivering.clear_error(delivery)
    assert not delivering.clear_error(delivery)
    assert not world.delivery.has_uncleared_error


def test_history_is_never_overwritten(world: World):
    behave(world, "reject")
    world.run()
    behave(world, "succeed")
    world.send(plain("referral.edited", number=2))
    world.run()
    outcomes = Attempt.objects.order_by("number").values_list("outcome", flat=True)
    assert list(outcomes) == ["rejected", "imported"]


def test_the_same_summary_is_rendered_once(world: World, monkeypatch: pytest.MonkeyPatch):
    behave(world, "try_again")
    world.run()
    monkeypatch.setattr("referrals.summary.pdf.begin", lambda *_: pytest.fail("rendered again"))
    behave(world, "succeed")
    assert run_until_settled(world).state == "imported"


def test_many_slow_files_together_do_not_use_up_the_lease(world: World):
    host = "https://files.example.org"
    world.send(
        plain(number=2, attachments=[{"id": f"a{n}", "url": f"{host}/{n}.pdf"} for n in range(9)])
    )
    left: list[float] = []

    def download(*_: object, **__: object) -> None:
        left.append(outbound.calls._end.get() - time.monotonic())
        raise outbound.NoAnswer("files.example.org gave no whole answer: the time was up.")

    with mock.patch.object(outbound, "download", download):
        delivery = world.run()
    assert len(left) == 9
    assert max(left) < django_settings.LEASE_TIME.total_seconds()
    assert (delivery.state, len(delivery.missing_files)) == ("imported", 9)


@pytest.mark.parametrize(
    "serve", [in_chunks(b"x" * 10), answering(body=b"x" * 101)], ids=["without an end", "too long"]
)
def test_a_file_over_the_limit_is_not_fetched(world: World, settings: django_settings, serve: Any):
    settings.MAX_ATTACHMENT_BYTES = 100
    world.source.attachment_hosts = ["127.0.0.1"]
    world.source.save()
    with serving(serve) as server:
        world.send(plain(number=2, attachments=[{"id": "a1", "url": server.url("/a.pdf")}]))
        (why,) = world.run().missing_files.values()
    assert "sent a file of more than 100 bytes" in why
    assert world.referral.files.get().stored_as == ""


def test_a_missing_file_is_listed_by_its_own_name(world: World):
    world.send(
        plain(
            number=2,
            attachments=[
                {"id": "a1", "filename": "letter.pdf", "data": "JVBERi0xLjQKJSVFT0YK"},
                {"id": "a2", "filename": "letter.pdf", "url": "https://files.example.org/a.pdf"},
                {"id": "a3", "filename": "broken.pdf"},
            ],
        )
    )
    behave(world, "refuse_files")
    missing = world.run().missing_files
    assert missing.pop(f"referral-{REFERENCE}-summary.pdf")
    assert list(missing) == ["letter.pdf (2)", "broken.pdf", "letter.pdf"]
    assert "not on the list of allowed hosts" in missing["letter.pdf (2)"]


def test_files_are_sent_under_neutral_names_in_the_order_of_the_summary(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    sent: list[str] = []
    deliver = demo.DemoTransport.deliver

    def watched(self, parcel):
        sent.extend(document.name for document in parcel.documents)
        return deliver(self, parcel)

    monkeypatch.setattr(demo.DemoTransport, "deliver", watched)
    contents = {"Mireille Tremblay.pdf": pdf(), "phq9.png": picture("PNG")}
    world.send(
        plain(
            number=2,
            attachments=[
                {"filename": name, "data": b64encode(content).decode()}
                for name, content in contents.items()
            ],
        )
    )
    world.run()
    assert sent == [
        f"referral-{REFERENCE}-summary.pdf",
        f"referral-{REFERENCE}-attachment-1.pdf",
        f"referral-{REFERENCE}-attachment-2.png",
    ]


def test_a_referral_that_became_part_of_another_while_it_was_built_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    other = Referral.objects.create(reference="1", created_at=clock.now(), changed_at=clock.now())
    deliver = demo.DemoTransport.deliver

    def merged_meanwhile(self, parcel):
        Referral.objects.exclude(pk=other.pk).update(merged_into=other)
        return deliver(self, parcel)

    monkeypatch.setattr(demo.DemoTransport, "deliver", merged_meanwhile)
    delivery = world.run()
    assert (delivery.state, delivery.closed_why) == ("dismissed", sentences.MERGED())
    assert demo.delivered == []
