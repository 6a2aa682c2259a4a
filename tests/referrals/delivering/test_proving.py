"""What imports, tests of the connection, and test events prove; and what is done until then."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integrations.capabilities import Capability, How
from integrations.models import Destination
from referrals import delivering
from referrals.answers.explain import explain
from referrals.intake import opening
from referrals.models import Delivery, InboundEvent
from referrals.running import test_events
from sandbox import Sandbox, running_sandbox
from tests.world import REFERENCE, World, make_world, plain

TOKEN = "token-of-the-tests"
KEYS, LISTS, FINDS, FILTERS = (
    Capability.RECOGNIZES_KEYS,
    Capability.LISTS_FILES,
    Capability.SEARCH_FINDS,
    Capability.SEARCH_FILTERS,
)
NOTHING_DECLARED = {"look_up": None, "repeat_files": None}
OTHER = "3502768697"


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> None:
    settings.SETTLE_TIME = settings.SETTLE_TIME * 0
    settings.RETRY_SCHEDULE = [settings.SETTLE_TIME] * 6


@contextmanager
def crms_of(
    declared: dict[str, Any] | None = None, **sandbox: Any
) -> Iterator[tuple[World, Sandbox]]:
    with running_sandbox(token=TOKEN, allow_duplicates=True, **sandbox) as crms:
        yield (
            make_world(
                "crms", base_url=crms.url, token=TOKEN, **{**NOTHING_DECLARED, **(declared or {})}
            ),
            crms,
        )


def known() -> dict[Capability, How]:
    return {one.capability: one.how for one in Destination.objects.get().standings()}


def send_test(world: World) -> Delivery:
    test_events.send(world.source, world.listing)
    for event in InboundEvent.objects.filter(state="received").order_by("dedup_key"):
        opening.open_deliveries(event.pk)
    delivery = Delivery.objects.get(reference__startswith="TEST-")
    delivering.run(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def go(reference: str = REFERENCE) -> Delivery:
    """Run the delivery until nothing is due."""
    for _ in range(10):
        delivery = Delivery.objects.get(reference=reference)
        if delivery.due_at is None:
            break
        delivering.run(delivery.pk)
    return delivery


def steps(crms: Sandbox) -> list[str]:
    return [seen.step for seen in crms.calls]


def files_of(crms: Sandbox, reference: str = REFERENCE) -> list[str]:
    there = [one for one in crms.referrals if one.external_reference == reference]
    return [file.sha256 for referral in there for file in referral.attachments]


LETTER = {"id": "a1", "filename": "letter.txt", "content_type": "text/plain", "data": "aGVsbG8="}


# -- Test events -----------------------------------------------------------------------------------


def test_a_test_event_proves_all_that_a_good_crms_can_do(db: None):
    with crms_of() as (world, crms):
        assert send_test(world).state == "imported"
        assert known() == dict.fromkeys((KEYS, LISTS, FINDS, FILTERS), How.PROVED)
        (referral,) = crms.referrals
        assert referral.external_reference.startswith("TEST-")
        assert steps(crms).count("summary") == 2
        assert len({call.idempotency_key for call in crms.calls if call.step == "summary"}) == 1
        assert len(referral.attachments) == 2


@pytest.mark.parametrize("listing", [True, False])
def test_a_test_event_disproves_that_a_crms_keeps_one_copy(db: None, listing: bool):
    with crms_of(idempotency=False, attachment_listing=listing) as (world, _):
        assert send_test(world).state == "imported"
        assert known()[KEYS] is How.DISPROVED
        assert known()[LISTS] is (How.PROVED if listing else How.DISPROVED)


def test_an_upload_without_an_id_shows_nothing(db: None):
    with crms_of() as (world, crms):
        crms.answer("summary", times=None, status=204, applied=True)
        assert send_test(world).state == "imported"
        assert known()[KEYS] is How.UNPROVEN


@pytest.mark.parametrize("answer", ["500", "reset", "reset-after", "413", "401", "404"])
def test_what_goes_wrong_with_the_second_copy_shows_nothing_and_harms_nothing(
    db: None, answer: str
):
    with crms_of() as (world, crms):
        crms.fail("summary", answer, skip=1)
        assert send_test(world).state == "imported"
        assert known()[KEYS] is How.UNPROVEN
        assert Destination.objects.get().paused_at is None


def test_a_declared_no_is_not_tried(db: None):
    with crms_of({"repeat_files": False}) as (world, crms):
        send_test(world)
        assert steps(crms).count("summary") == 1


@pytest.mark.parametrize("reference", [REFERENCE, "TEST-4711"])
def test_no_referral_of_a_sender_is_sent_twice(db: None, reference: str):
    with crms_of() as (world, crms):
        world.send(plain(reference=reference))
        assert go(reference).state == "imported"
        assert steps(crms).count("summary") == 1
        assert known()[KEYS] is How.UNPROVEN


def test_it_states_what_to_delete_in_a_destination_that_is_no_stand_in(
    db: None, monkeypatch: pytest.MonkeyPatch
):
    with crms_of() as (world, _):
        delivery = send_test(world)
        events = list(InboundEvent.objects.order_by("dedup_key"))
        (progress,) = test_events.progress_of(events)
        assert progress.remove == ""
        crms_kind = type(world.destination.transport())
        monkeypatch.setattr(crms_kind, "is_stand_in", False)
        (progress,) = test_events.progress_of(events)
        assert delivery.reference in progress.remove
        assert str(delivery.external_id) in progress.remove
        assert "summary was sent twice" in progress.remove


# -- Reading ---------------------------------------------------------------------------------------


def test_the_connection_test_writes_nothing_and_proves_the_search_alone(db: None):
    with crms_of() as (world, crms):
        world.send(plain(attachments=[LETTER]))
        go()
        Destination.objects.update(capabilities={})
        before = len(crms.calls)
        Destination.objects.get().test_connection()
        assert set(steps(crms)[before:]) == {"ping", "look-up"}
        assert known() == {
            KEYS: How.UNPROVEN,
            LISTS: How.UNPROVEN,
            FINDS: How.PROVED,
            FILTERS: How.PROVED,
        }


def test_a_test_referral_that_was_deleted_there_disproves_nothing(db: None):
    with crms_of() as (world, crms):
        send_test(world)
        crms.clear()
        Destination.objects.get().test_connection()
        assert known()[FINDS] is How.PROVED
        world.send(plain())
        go()
        crms.clear()
        Destination.objects.get().test_connection()
        assert known()[FINDS] is How.UNPROVEN


@pytest.mark.parametrize(
    "files",
    [
        [],
        [{"id": "AT-1"}],
        [{"id": "AT-1", "filename": "summary.pdf", "category": "referral_summary"}],
        [{"id": "AT-1", "category": "referral_summary", "sha256": "f" * 64}],
    ],
)
def test_a_list_without_our_hashes_proves_nothing(db: None, files: list[dict[str, str]]):
    with crms_of() as (world, crms):
        ours = {"id": "RF-1", "external_reference": REFERENCE, "attachments": files}
        crms.answer("create", status=201, json={"id": "RF-1"})
        crms.answer("summary", status=201, json={"id": "AT-1"})
        crms.answer("look-up", times=1, status=200, json={"results": [ours]})
        world.send(plain())
        go()
        assert known()[FINDS] is How.PROVED
        assert known()[LISTS] is How.UNPROVEN


# -- Until it is proved: look, else ask a person ---------------------------------------------------


@pytest.mark.parametrize("mode", ["reset", "reset-after", "500-after", "timeout-after"])
@pytest.mark.parametrize("step", ["summary", "attachment"])
def test_where_nothing_is_known_and_no_list_is_a_file_that_was_cut_waits_for_a_person(
    db: None, step: str, mode: str
):
    with crms_of({"read_seconds": 1, "file_seconds": 1}, attachment_listing=False) as (world, crms):
        crms.fail(step, mode)
        world.send(plain(attachments=[LETTER]))
        delivery = go()
        assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
        assert "neither that CRMS lists its files" in delivery.message
        found = explain(REFERENCE)
        assert found.cause == "unproven"
        assert steps(crms).count(step) == 1


@pytest.mark.parametrize("mode", ["reset", "reset-after"])
def test_an_unproven_list_that_is_empty_is_no_word_for_sending_again(db: None, mode: str):
    with crms_of(idempotency=False) as (world, crms):
        crms.fail("summary", mode)
        world.send(plain())
        delivery = go()
        if mode == "reset-after":  # the list shows it
            assert (delivery.state, len(files_of(crms))) == ("imported", 1)
        else:
            assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")


def test_a_list_that_shows_another_file_of_the_referral_settles_it(db: None):
    with crms_of(idempotency=False) as (world, crms):
        crms.fail("attachment", "reset")
        world.send(plain(attachments=[LETTER]))
        assert go().state == "imported"
        assert len(files_of(crms)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["reset", "reset-after"])
@pytest.mark.parametrize("step", ["summary", "attachment"])
@pytest.mark.parametrize("listing", [True, False])
def test_after_a_test_event_a_good_crms_needs_no_person(
    db: None, step: str, mode: str, listing: bool
):
    with crms_of(attachment_listing=listing) as (world, crms):
        send_test(world)
        crms.fail(step, mode)
        world.send(plain(attachments=[LETTER]))
        assert go().state == "imported"
        assert len(files_of(crms)) == 2


@pytest.mark.parametrize("mode", ["reset", "reset-after"])
def test_a_search_that_is_not_proved_is_looked_at_and_its_nothing_is_not_believed(
    db: None, mode: str
):
    with crms_of() as (world, crms):
        crms.fail("create", mode)
        world.send(plain())
        delivery = go()
        if mode == "reset-after":
            assert delivery.state == "imported"
        else:
            assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
            assert "is not proved yet" in delivery.message
            assert explain(REFERENCE).cause == "unproven"
        assert steps(crms).count("create") == 1


def test_a_search_that_an_earlier_import_has_proved_is_believed(db: None):
    with crms_of() as (world, crms):
        world.send(plain(reference=OTHER))
        go(OTHER)
        crms.fail("create", "reset")
        world.send(plain(number=2))
        assert go().state == "imported"
        assert len(crms.referrals) == 2


@pytest.mark.parametrize("mode", ["reset", "reset-after"])
def test_what_is_declared_at_upgrade_goes_on_as_before(db: None, mode: str):
    """Keys are recognized and nothing is listed: an upload that was cut is one file."""
    with crms_of({"look_up": True, "repeat_files": True}, attachment_listing=False) as (
        world,
        crms,
    ):
        crms.fail("summary", mode)
        world.send(plain())
        assert go().state == "imported"
        assert len(files_of(crms)) == 1


@pytest.mark.parametrize("mode", ["reset", "reset-after"])
def test_a_yes_that_a_test_event_disproves_is_believed_no_more(db: None, mode: str):
    declared = {"look_up": True, "repeat_files": True}
    with crms_of(declared, idempotency=False, attachment_listing=False) as (world, crms):
        send_test(world)
        crms.fail("summary", mode)
        world.send(plain())
        assert go().reason == "unconfirmed"
        assert len(files_of(crms)) == (mode == "reset-after")
