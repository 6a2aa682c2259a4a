"""A file that comes, is replaced or withdrawn after the import: staff are told what to do, once."""

from typing import Any
from unittest import mock

import pytest
from django.db import transaction

from core.database import clock
from integrations.transport import Receipt, TryAgain
from referrals import delivering
from referrals.answers.causes import cause_key
from referrals.answers.explain import explain
from referrals.models import Delivery
from referrals.record.removal import retention
from tests.reading import saying
from tests.referrals.fhir_messages import document, message, replacing, taken_back
from tests.world import REFERENCE, World, plain

LETTER = {"id": "letter-4711", "filename": "letter.txt", "data": "aGVsbG8="}
RESULTS = {"id": "results-4712", "filename": "results.txt", "data": "d29ybGQ="}
COPY = {**LETTER, "id": "copy-4713", "filename": "copy.txt"}
MISSING = {"id": "scan-4714", "filename": "scan.txt", "data": ""}
DELIVER = "integrations.destinations.demo.transport.DemoTransport.deliver"
ADD_RESULTS = (
    "The file “results.txt” came after the import and was not sent: "
    "add it to Birchwood CRMS by hand."
)
REMOVE_LETTER = "Caredove withdrew the file “letter.txt”. It was sent before: remove it there."


@pytest.fixture
def imported(world: World) -> World:
    """A referral that is imported with its letter."""
    world.send(plain(attachments=[LETTER]))
    assert world.run().state == "imported"
    return world


def cause_of(delivery: Delivery) -> str:
    found: str = Delivery.objects.annotate(cause=cause_key()).get(pk=delivery.pk).cause
    return found


def edit(world: World, number: int, *files: dict[str, Any]) -> None:
    world.send(plain("referral.edited", number, attachments=list(files)))


def withdraw(world: World, number: int, key: str) -> None:
    with saying(withdrawn=[{"part": "attachments", "key": key}]):
        world.send(plain("referral.edited", number))


def test_staff_are_asked_to_add_a_file_that_came_late(imported: World) -> None:
    edit(imported, 2, LETTER, RESULTS)
    delivery = imported.delivery
    assert delivery.corrections == [ADD_RESULTS]
    assert (delivery.needs_correction, delivery.has_uncleared_error) == (True, True)
    assert cause_of(delivery) == "correct"
    explained = explain(REFERENCE)
    assert (explained.cause, ADD_RESULTS in explained.sentence) == ("to_correct", True)


def test_it_is_reported_once_and_can_be_cleared(imported: World) -> None:
    edit(imported, 2, RESULTS)
    assert delivering.clear_error(imported.delivery)
    edit(imported, 3, RESULTS, LETTER)
    assert (imported.delivery.corrections, imported.delivery.needs_correction) == ([], False)
    assert cause_of(imported.delivery) == ""


@pytest.mark.parametrize("file", [LETTER, COPY], ids=["the same", "the same bytes"])
def test_nothing_is_reported_what_is_there(imported: World, file: dict[str, Any]) -> None:
    edit(imported, 2, file)
    assert imported.delivery.corrections == []


@pytest.mark.parametrize(
    "file",
    [
        {"id": "scan-4714", "filename": "scan.txt", "url": "https://files.example.org/scan"},
        MISSING | {"size": 10},
    ],
    ids=["by address", "without its bytes"],
)
def test_a_late_file_is_reported_however_it_comes(imported: World, file: dict[str, Any]) -> None:
    edit(imported, 2, file)
    (sentence,) = imported.delivery.corrections
    assert "scan.txt" in sentence


def test_a_late_file_of_other_bytes_under_a_known_id_is_reported(imported: World) -> None:
    edit(imported, 2, {**RESULTS, "id": LETTER["id"]})
    assert imported.delivery.corrections == [ADD_RESULTS]


def test_a_file_that_is_replaced_is_to_be_removed_and_added(world: World) -> None:
    world.send(message(1, document("letter")), "fhir")
    world.run()
    world.send(message(2, replacing(document("results", "doc-2"), "doc-1")), "fhir")
    assert sorted(world.delivery.corrections) == [REMOVE_LETTER, ADD_RESULTS]


def test_a_file_that_is_withdrawn_is_to_be_removed(world: World) -> None:
    world.send(message(1, document("letter")), "fhir")
    world.run()
    world.send(message(2, taken_back(document())), "fhir")
    assert world.delivery.corrections == [REMOVE_LETTER]
    assert cause_of(world.delivery) == "correct"


def test_a_withdrawn_file_that_comes_again_is_not_removed_nor_added(imported: World) -> None:
    withdraw(imported, 2, "letter-4711")
    edit(imported, 3, LETTER)
    assert (imported.delivery.corrections, imported.delivery.needs_correction) == ([], False)


def test_one_that_was_removed_and_comes_again_is_to_be_added(imported: World) -> None:
    withdraw(imported, 2, "letter-4711")
    delivering.clear_error(imported.delivery)
    edit(imported, 3, LETTER)
    (sentence,) = imported.delivery.corrections
    assert sentence == ADD_RESULTS.replace("results", "letter")


def test_a_late_file_that_is_withdrawn_is_not_to_be_added_any_more(imported: World) -> None:
    edit(imported, 2, RESULTS)
    withdraw(imported, 3, "results-4712")
    assert imported.delivery.corrections == []


def test_a_late_file_that_was_added_and_is_withdrawn_is_to_be_removed(imported: World) -> None:
    edit(imported, 2, RESULTS)
    delivering.clear_error(imported.delivery)
    withdraw(imported, 3, "results-4712")
    (sentence,) = imported.delivery.corrections
    assert sentence.startswith("Caredove withdrew the file “results.txt”: if it was added to")


def test_a_missing_file_that_is_withdrawn_is_missing_no_more(world: World) -> None:
    world.send(plain(attachments=[LETTER, MISSING | {"size": 10}]))
    assert list(world.run().missing_files) == ["scan.txt"]
    withdraw(world, 2, "scan-4714")
    delivery = world.delivery
    assert (delivery.missing_files, delivery.lacks_files) == ({}, False)
    assert "if it was added" in delivery.corrections[0]


def test_after_a_purge_the_same_file_again_is_there_already(imported: World) -> None:
    with transaction.atomic():
        retention.purge(imported.referral, clock.now())
    edit(imported, 2, LETTER)
    assert imported.delivery.corrections == []
    edit(imported, 3, LETTER, RESULTS)
    assert imported.delivery.corrections == [ADD_RESULTS]


# -- while it is sent ------------------------------------------------------------------------------


def test_a_file_that_comes_while_the_import_runs_is_reported_when_it_has_ended(
    world: World,
) -> None:
    world.send(plain(attachments=[LETTER]))

    def deliver(*_: Any) -> Receipt:
        edit(world, 2, LETTER, RESULTS)
        return Receipt("X-1")

    with mock.patch(DELIVER, deliver):
        assert world.run().state == "imported"
    assert world.delivery.corrections == [ADD_RESULTS]


def test_a_file_that_comes_before_the_next_try_goes_along(world: World) -> None:
    world.send(plain(attachments=[LETTER]))

    def busy(*_: Any) -> Receipt:
        edit(world, 2, LETTER, RESULTS)
        raise TryAgain("Busy.")

    with mock.patch(DELIVER, busy):
        world.run()
    Delivery.objects.update(due_at=Delivery.objects.get().opened_at)
    sent: list[str] = []

    def deliver(_: Any, parcel: Any) -> Receipt:
        sent.extend(one.key for one in parcel.documents)
        return Receipt("X-1")

    with mock.patch(DELIVER, deliver):
        assert world.run().state == "imported"
    assert sent == ["summary", "letter-4711", "results-4712"]
    assert world.delivery.corrections == []


def test_a_file_that_comes_while_files_are_to_follow_goes_along(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    world.run()
    Delivery.objects.update(due_at=Delivery.objects.get().opened_at)
    edit(world, 2, LETTER, RESULTS)
    assert world.delivery.corrections == []
    world.run()
    assert world.delivery.steps.filter(
        name="attachment:results-4712", done_at__isnull=False
    ).exists()
    assert world.delivery.corrections == []


def test_one_that_did_not_get_along_is_reported_when_all_tries_are_used_up(
    world: World, settings: Any
) -> None:
    world.send(plain(attachments=[LETTER]))
    world.run()
    Delivery.objects.update(
        due_at=Delivery.objects.get().opened_at, tries=len(settings.RETRY_SCHEDULE)
    )
    edit(world, 2, LETTER, RESULTS)
    with mock.patch(DELIVER, side_effect=TryAgain("Busy.")):
        assert world.run().state == "imported"
    assert world.delivery.corrections == [ADD_RESULTS]


def test_nothing_is_reported_of_an_import_that_has_not_ended(world: World) -> None:
    world.send(plain(attachments=[LETTER]))
    edit(world, 2, RESULTS)
    assert world.delivery.corrections == []
