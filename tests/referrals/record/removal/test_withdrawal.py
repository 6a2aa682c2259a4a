"""What a sender takes back is not sent; where it has been sent, staff are told."""

from contextlib import AbstractContextManager
from itertools import permutations
from typing import Any
from unittest import mock

import pytest
from django.core.files.storage import default_storage

from integrations.models import TriggerConfig
from integrations.sources.warnings import Warning
from integrations.transport import Receipt, TryAgain
from referrals import delivering
from referrals.models import Delivery, InboundEvent, Referral, ReferralFile
from referrals.record import snapshot
from tests.reading import saying
from tests.world import World, plain

Outcome = InboundEvent.Outcome
LETTER = {"id": "letter-4711", "filename": "letter.txt", "data": "aGVsbG8="}
RESULTS = {"id": "results-4712", "filename": "results.txt", "data": "d29ybGQ="}
DELIVER = "integrations.destinations.demo.transport.DemoTransport.deliver"


def withdrawing(part: str, key: str) -> AbstractContextManager[None]:
    return saying(withdrawn=[{"part": part, "key": key}])


def sent_names(world: World) -> list[str]:
    """Run the import; return the names of the files that it sends."""
    names: list[str] = []

    def deliver(_: Any, parcel: Any) -> Receipt:
        names.extend(document.key for document in parcel.documents)
        return Receipt("X-1")

    with mock.patch(DELIVER, deliver):
        world.run()
    return names[1:]


# -- files -----------------------------------------------------------------------------------------


def test_a_withdrawn_file_is_not_sent_and_its_bytes_are_gone(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    world.send(plain(attachments=[LETTER, RESULTS]))
    stored = ReferralFile.objects.get(key="letter-4711").stored_as
    with (
        withdrawing("attachments", "letter-4711"),
        django_capture_on_commit_callbacks(execute=True),
    ):
        world.send(plain("referral.edited", number=2))
    assert sent_names(world) == ["results-4712"]
    assert not default_storage.exists(stored)
    assert ReferralFile.objects.get(key="letter-4711").state == "withdrawn"
    assert not world.delivery.has_uncleared_error


def test_a_withdrawal_that_comes_before_the_file_keeps_it_away(world: World) -> None:
    with withdrawing("attachments", "letter-4711"):
        world.send(plain("referral.edited", number=2))
    world.send(plain(number=1, attachments=[LETTER, RESULTS]))
    assert sent_names(world) == ["results-4712"]
    letter = ReferralFile.objects.get(identity="letter-4711")
    assert (letter.state, letter.stored_as) == ("withdrawn", "")


def test_a_file_that_comes_again_after_its_withdrawal_is_sent_once(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    with withdrawing("attachments", "letter-4711"):
        world.send(plain("referral.edited", number=2))
    world.send(plain("referral.edited", number=3, attachments=[LETTER]))
    assert sent_names(world) == ["letter-4711"]
    assert ReferralFile.objects.get().state == "stored"


NAMED = {"id": "letter-4711", "filename": "letter.txt"}
ADDRESSED = {**NAMED, "url": "https://files.example/letter.txt"}


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
@pytest.mark.parametrize(("since", "state"), [(NAMED, "unavailable"), (ADDRESSED, "wanted")])
def test_withdrawn_bytes_are_not_those_of_a_file_that_is_named_since(
    world: World, order: tuple[int, ...], since: dict[str, str], state: str
) -> None:
    """Bytes, their withdrawal, and the same id without bytes, in any order of arrival."""
    files = {1: [LETTER], 3: [since]}
    for number in order:
        gone = [{"part": "attachments", "key": "letter-4711"}] if number == 2 else []
        with saying(withdrawn=gone):
            world.send(plain("referral.edited", number, attachments=files.get(number, [])))
    rows = list(ReferralFile.objects.values_list("state", "stored_as", "url"))
    assert sorted(rows, key=str) == sorted(
        [("withdrawn", "", None), (state, "", since.get("url"))], key=str
    )


def test_staff_hear_of_a_withdrawn_file_that_was_sent(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    assert world.run().state == "imported"
    with withdrawing("attachments", "letter-4711"):
        world.send(plain("referral.edited", number=2))
    assert world.delivery.corrections == [
        "Caredove withdrew the file “letter.txt”. It was sent before: remove it there."
    ]
    assert (world.delivery.has_uncleared_error, world.delivery.needs_correction) == (True, True)


def test_they_hear_of_it_once_and_clearing_keeps_the_words(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    world.run()
    for number in (2, 3):
        with withdrawing("attachments", "letter-4711"):
            world.send(plain("referral.edited", number=number))
        delivering.clear_error(world.delivery)
    assert not world.delivery.has_uncleared_error
    (cleared,) = world.delivery.cleared_errors.all()
    assert "letter.txt" in cleared.message
    assert (world.delivery.corrections, world.delivery.needs_correction) == ([], False)


def test_a_file_withdrawn_while_the_import_runs_is_reported_when_it_has_ended(world: World) -> None:
    world.send(plain(attachments=[LETTER]))

    def deliver(_: Any, parcel: Any) -> Receipt:
        parcel.ledger.once("attachment:letter-4711", lambda: "A-1")
        with withdrawing("attachments", "letter-4711"):
            world.send(plain("referral.edited", number=2))
        return Receipt("X-1")

    with mock.patch(DELIVER, deliver):
        assert world.run().state == "imported"
    assert world.delivery.corrections == [
        "Caredove withdrew the file “letter.txt”. It was sent before: remove it there."
    ]


def test_the_same_bytes_under_two_keys_are_sent_once(world: World) -> None:
    copy = {**LETTER, "id": "copy-4713", "filename": "copy.txt"}
    world.send(plain(attachments=[LETTER, copy, RESULTS]))
    assert sent_names(world) == ["letter-4711", "results-4712"]
    assert world.delivery.missing_files == {}


def test_of_the_same_bytes_the_one_that_was_sent_stays_the_one(world: World) -> None:
    copy = {**LETTER, "id": "copy-4713", "filename": "copy.txt"}
    world.send(plain(attachments=[LETTER]))

    def deliver(_: Any, parcel: Any) -> Receipt:
        parcel.ledger.once("attachment:letter-4711", lambda: "A-1")
        raise TryAgain("Busy.")

    with mock.patch(DELIVER, deliver):
        world.run()
    world.send(plain("referral.edited", number=2, attachments=[copy, LETTER]))
    Delivery.objects.update(due_at=Delivery.objects.get().opened_at)
    assert sent_names(world) == ["letter-4711"]


def test_two_files_under_one_key_are_both_sent(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    world.send(plain("referral.edited", number=2, attachments=[{**RESULTS, "id": LETTER["id"]}]))
    assert len(set(sent_names(world))) == 2
    shown = snapshot.view(world.referral.snapshot)["attachments"]
    assert [file["filename"] for file in shown] == ["results.txt", "letter.txt"]


def test_a_file_is_sent_under_its_number_in_the_summary(world: World) -> None:
    copy = {**LETTER, "id": "copy-4713", "filename": "copy.txt"}
    world.send(plain(attachments=[LETTER, copy, RESULTS]))
    names: list[str] = []

    def deliver(_: Any, parcel: Any) -> Receipt:
        names.extend(document.name for document in parcel.documents[1:])
        return Receipt("X-1")

    with mock.patch(DELIVER, deliver):
        world.run()
    assert [name[-5] for name in names] == ["1", "3"]


# -- what is not a file ----------------------------------------------------------------------------


TOLD = {"messages": [{"id": "message-4711", "text": "Please call."}]}


@pytest.mark.parametrize(
    ("sent", "part", "key", "word"),
    [
        (TOLD, "messages", "message-4711", "a message"),
        (
            {"form_answers": [{"form": "intake", "key": "1", "label": "Allergies", "value": "x"}]},
            "form_answers",
            "intake",
            "answers of a form (“Allergies”)",
        ),
        ({"appointment": {"id": "a-1", "status": "booked"}}, "appointment", "a-1", "appointment"),
        ({"also_sent": [{"key": "k", "label": "GP", "text": "x"}]}, "also_sent", "k", "“GP”"),
    ],
)
def test_staff_hear_of_what_was_withdrawn_after_it_was_sent(
    world: World, sent: dict[str, Any], part: str, key: str, word: str
) -> None:
    with saying(**sent):
        world.send(plain())
    world.run()
    with withdrawing(part, key):
        world.send(plain("referral.edited", number=2))
    (sentence,) = world.delivery.corrections
    assert word in sentence
    assert part not in snapshot.view(world.referral.snapshot)


def test_nobody_is_notified_of_what_was_never_sent(world: World) -> None:
    world.send(plain())
    world.run()
    with saying(**TOLD):
        world.send(plain("referral.edited", number=2))
    with withdrawing("messages", "message-4711"):
        world.send(plain("referral.edited", number=3))
    assert world.delivery.corrections == []


def test_a_purge_takes_the_words_along(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    world.run()
    with withdrawing("attachments", "letter-4711"):
        world.send(plain("referral.edited", number=2))
    world.send(plain("referral.revoked", number=3))
    assert world.delivery.corrections == []


# -- the request itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["entered-in-error", "revoked"])
def test_a_withdrawn_request_starts_no_import_and_waits_for_a_person(
    world: World, status: str
) -> None:
    with saying(request_status=status):
        event = world.send(plain())
    assert event.outcome == Outcome.WITHDRAWN
    delivery = world.delivery
    assert (delivery.state, delivery.reason, delivery.due_at) == (
        "needs_attention",
        "withdrawn",
        None,
    )
    assert delivery.message == f"Caredove marked the referral as {status}."
    assert not delivering.run(delivery.pk)


@pytest.mark.parametrize("status", ["active", "draft", "on-hold", ""])
def test_another_status_of_the_request_stops_nothing(world: World, status: str) -> None:
    with saying(request_status=status):
        assert world.send(plain()).outcome == Outcome.IMPORT_OPENED


def test_an_import_that_has_sent_nothing_is_stopped(world: World) -> None:
    world.send(plain())
    with saying(request_status="revoked"):
        event = world.send(plain("message.from_provider", number=2))
    assert event.outcome == Outcome.WITHDRAWN
    assert (world.delivery.state, world.delivery.reason) == ("needs_attention", "withdrawn")


def test_an_import_that_waits_for_details_is_stopped_too(world: World) -> None:
    world.send(plain(registrant=None))
    with saying(request_status="revoked"):
        world.send(plain(number=2))
    assert (world.delivery.state, world.delivery.reason) == ("needs_attention", "withdrawn")


def test_staff_hear_that_an_imported_request_was_withdrawn(world: World) -> None:
    world.send(plain())
    world.run()
    with saying(request_status="entered-in-error"):
        assert world.send(plain("referral.edited", number=2)).outcome == Outcome.ALREADY_IMPORTED
        world.send(plain("referral.edited", number=3))
    assert world.delivery.state == "imported"
    (sentence,) = world.delivery.corrections
    assert sentence.startswith("Caredove marked the referral as entered-in-error")


def test_a_later_message_without_the_status_lets_it_go(world: World) -> None:
    with saying(request_status="entered-in-error"):
        world.send(plain())
    with saying(request_status="active"):
        event = world.send(plain("message.from_provider", number=2))
    assert event.outcome == Outcome.IMPORT_REVIVED
    assert world.run().state == "imported"


def test_an_older_message_without_the_status_does_not(world: World) -> None:
    with saying(request_status="entered-in-error"):
        world.send(plain(number=2))
    with saying(request_status="active"):
        world.send(plain("referral.edited", number=1))
    assert (world.delivery.state, world.delivery.reason) == ("needs_attention", "withdrawn")


def test_a_restored_request_without_details_waits_for_them(world: World) -> None:
    with saying(request_status="revoked"):
        world.send(plain(registrant=None))
    with saying(request_status="active"):
        world.send(plain("referral.edited", number=2, registrant=None))
    assert world.delivery.state == "waiting"


def test_a_person_may_import_a_withdrawn_request_anyway(world: World) -> None:
    with saying(request_status="revoked"):
        world.send(plain())
    delivering.retry(world.delivery)
    with saying(request_status="revoked"):
        world.send(plain("referral.edited", number=2))
    assert world.run().state == "imported"


def test_a_stopped_import_waits_whatever_else_comes(world: World) -> None:
    with saying(request_status="revoked"):
        world.send(plain())
        assert world.send(plain("referral.edited", number=2)).outcome == Outcome.WITHDRAWN
    assert world.send(plain("referral.edited", number=3)).outcome == Outcome.WITHDRAWN
    assert (world.delivery.state, world.delivery.reason) == ("needs_attention", "withdrawn")


def test_a_person_may_dismiss_it(world: World) -> None:
    with saying(request_status="revoked"):
        world.send(plain())
    assert delivering.dismiss(world.delivery, "Entered twice.")
    with saying(request_status="revoked"):
        assert world.send(plain("referral.edited", number=2)).outcome == Outcome.DISMISSED
    assert world.delivery.state == "dismissed"


def test_a_request_withdrawn_while_its_import_runs_is_not_tried_again(world: World) -> None:
    world.send(plain())

    def deliver(*_: Any) -> Receipt:
        with saying(request_status="revoked"):
            world.send(plain("referral.edited", number=2))
        raise TryAgain("Busy.")

    with mock.patch(DELIVER, deliver):
        delivery = world.run()
    assert (delivery.state, delivery.reason) == ("needs_attention", "withdrawn")


def test_a_request_withdrawn_while_it_arrives_is_reported(world: World) -> None:
    world.send(plain())

    def deliver(_: Any, parcel: Any) -> Receipt:
        parcel.ledger.once("referral", lambda: "X-1")
        with saying(request_status="revoked"):
            world.send(plain("referral.edited", number=2))
        return Receipt("X-1")

    with mock.patch(DELIVER, deliver):
        assert world.run().state == "imported"
    assert len(world.delivery.corrections) == 1


def test_a_task_entered_in_error_stays_a_trigger(world: World) -> None:
    TriggerConfig.objects.update(on=["closed_error"])
    event = world.send(plain("referral.closed", substatus={"classification": "entered-in-error"}))
    assert event.outcome == Outcome.IMPORT_OPENED


# -- another person's details ----------------------------------------------------------------------


def test_a_message_with_another_persons_details_waits_and_shows_it(world: World) -> None:
    with saying(warnings=(Warning("ServiceRequest.subject", "subject_missing"),)):
        event = world.send(plain(registrant=None))
    assert event.outcome == Outcome.WAITING
    assert "another person's details" in event.reason
    assert world.delivery.state == "waiting"
    assert Referral.objects.get().names.count() == 0
