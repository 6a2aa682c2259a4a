"""One referral under several ids: joined later, it is neither doubled nor less than it was."""

import dataclasses
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import pytest

from integrations.models import Destination, TriggerConfig
from integrations.sources.parsed import ParsedEvent
from integrations.transport import Receipt, TryAgain
from referrals import delivering
from referrals.answers.explain import explain
from referrals.models import Delivery, Referral, ReferralFile
from referrals.record import snapshot
from tests.reading import reading, saying
from tests.world import REFERENCE, World, make_world, options, plain

UUID = "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10"
OTHER = "3502768777"
DELIVER = "integrations.destinations.demo.transport.DemoTransport.deliver"
LETTER = {"id": "letter-4711", "filename": "letter.txt", "data": "aGVsbG8="}


def naming(*references: str) -> AbstractContextManager[None]:
    """Let a message name all of these ids."""

    def change(parsed: ParsedEvent) -> ParsedEvent:
        return dataclasses.replace(parsed, references=references)

    return reading(change)


def run_all() -> None:
    for delivery in Delivery.objects.filter(state="queued"):
        delivering.run(delivery.pk)


def joined(world: World, **referral: Any) -> Referral:
    """Let a message say that the two referrals are one; return that one."""
    with naming(REFERENCE, OTHER):
        world.send(plain("referral.edited", number=9, **referral))
    return Referral.objects.get(merged_into=None)


def two_referrals(world: World, one: Any = (), other: Any = ()) -> None:
    world.send(plain(attachments=list(one)))
    world.send(plain(number=2, reference=OTHER, attachments=list(other)))


# -- what staff are told ---------------------------------------------------------------------------


def test_two_parts_that_are_both_in_the_destination_are_reported(world: World) -> None:
    two_referrals(world)
    run_all()
    joined(world)
    run_all()
    assert Delivery.objects.filter(state="imported").count() == 2
    (delivery,) = Delivery.objects.filter(referral__merged_into=None)
    assert any(
        "Birchwood CRMS has this referral a second time" in sentence and OTHER in sentence
        for sentence in delivery.corrections
    )
    assert delivery.has_uncleared_error


def test_one_that_may_have_arrived_twice_is_reported(world: World) -> None:
    two_referrals(world)
    for delivery in Delivery.objects.all():

        def deliver(_: Any, parcel: Any) -> Receipt:
            parcel.ledger.once("referral", lambda: "X-1")
            raise TryAgain("Busy.")

        with mock.patch(DELIVER, deliver):
            delivering.run(delivery.pk)
    joined(world)
    (delivery,) = Delivery.objects.filter(referral__merged_into=None)
    assert any("a second time, perhaps" in sentence for sentence in delivery.corrections)


def test_two_parts_of_which_one_was_sent_become_one_import(world: World) -> None:
    two_referrals(world)
    delivering.run(Delivery.objects.get(reference=REFERENCE).pk)
    referral = joined(world)
    run_all()
    (delivery,) = referral.deliveries.all()
    assert delivery.state == "imported"
    assert not any("a second time" in sentence for sentence in delivery.corrections)
    assert Delivery.objects.get(reference=OTHER).state == "dismissed"


def test_two_reference_numbers_of_one_imported_referral_are_reported_once(world: World) -> None:
    with naming(OTHER, UUID):
        world.send(plain())
    run_all()
    for number in (2, 3):
        with naming(REFERENCE, UUID):
            world.send(plain("referral.edited", number=number))
    (sentence,) = world.delivery.corrections
    assert sentence.startswith(f"Messages with the Reference # {REFERENCE} were taken")
    check = explain(OTHER).checks[0]
    assert f"also name it by the number {REFERENCE}" in check.sentence


def test_the_numbers_of_a_referral_that_was_not_sent_flag_nothing(world: World) -> None:
    with naming(OTHER, UUID):
        world.send(plain())
    with naming(REFERENCE, UUID):
        world.send(plain("referral.edited", number=2))
    assert world.delivery.corrections == []
    assert f"by the number {REFERENCE}" in explain(OTHER).checks[0].sentence


def test_an_import_under_a_number_that_is_not_the_reference_is_reported(world: World) -> None:
    with naming(OTHER):
        world.send(plain())
    run_all()
    Referral.objects.update(reading=0)  # an earlier version took a foreign number for it
    with naming(REFERENCE, OTHER):
        world.send(plain("referral.edited", number=2))
    assert world.referral.reference == REFERENCE
    assert world.delivery.corrections == [
        f"It was sent to Birchwood CRMS with the reference {OTHER}; its Reference # is "
        f"{REFERENCE}. Correct it there."
    ]


def test_a_better_id_than_before_is_nothing_to_correct(world: World) -> None:
    with naming(UUID):
        world.send(plain())
    run_all()
    with naming(REFERENCE, UUID):
        world.send(plain("referral.edited", number=2))
    assert world.referral.reference == REFERENCE
    assert world.delivery.corrections == []


def test_the_reference_that_is_known_stays(world: World) -> None:
    with naming(OTHER, UUID):
        world.send(plain())
    with naming(REFERENCE, UUID):
        world.send(plain("referral.edited", number=2))
    assert world.referral.reference == OTHER


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [b"d29ybGQ=", b"bm8="])
def test_files_of_one_key_in_two_parts_are_both_sent(world: World, words: bytes) -> None:
    two_referrals(world, [LETTER], [{**LETTER, "data": words.decode()}])
    referral = joined(world)
    assert referral.files.filter(state="stored").count() == 2
    assert len(set(referral.files.values_list("key", flat=True))) == 2
    assert {file.identity for file in referral.files.all()} == {"letter-4711"}
    assert len(snapshot.view(referral.snapshot)["attachments"]) == 2


def test_the_same_file_in_two_parts_is_kept_once(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    two_referrals(world, [LETTER], [LETTER])
    with django_capture_on_commit_callbacks(execute=True):
        referral = joined(world)
    assert ReferralFile.objects.count() == 1
    assert referral.files.get().state == "stored"


OTHERS = {**LETTER, "data": "bm8="}


@pytest.mark.parametrize("others", [[OTHERS], [OTHERS, LETTER], [LETTER, OTHERS]])
def test_a_step_that_was_done_stays_done_when_its_file_gets_another_key(
    world: World, others: list[Any]
) -> None:
    second = Destination.objects.create(
        organization=world.organization, name="Second", kind="demo", options=options("demo")
    )
    two_referrals(world, [LETTER])
    for number, file in enumerate(others, start=3):  # of one key in messages of their own
        world.send(plain("referral.edited", number, reference=OTHER, attachments=[file]))
    other = Delivery.objects.get(reference=OTHER)
    other.destination = second
    other.save()
    sent: dict[str, dict[str, str]] = {}

    def deliver(_: Any, parcel: Any) -> Receipt:
        for document in parcel.documents[1:]:
            with document.open() as content:
                sent.setdefault(parcel.reference, {})[document.key] = content.read().decode()
            parcel.ledger.once(f"attachment:{document.key}", lambda: "A-1")
        return Receipt(f"X-{parcel.reference}")

    with mock.patch(DELIVER, deliver):
        run_all()
    TriggerConfig.objects.update(enabled=False)
    referral = joined(world)
    assert referral.files.count() == 2
    for delivery in referral.deliveries.all():
        done = {step.name for step in delivery.steps.all()}
        there = [file for file in referral.files.all() if f"attachment:{file.key}" in done]
        assert sorted(file.size or 0 for file in there) == sorted(
            len(words) for words in sent[delivery.reference].values()
        )


# -- what one part takes back of the other ---------------------------------------------------------


FORM = {"form_answers": [{"form": "intake", "key": "1", "label": "Allergies", "value": "x"}]}
TOLD = {"messages": [{"id": "message-1", "text": "Please call."}]}
TAKEN_BACK = [
    (FORM, "form_answers", "intake", "answers of a form (“Allergies”)"),
    (TOLD, "messages", "message-1", "a message"),
    ({"appointment": {"id": "a-1", "status": "booked"}}, "appointment", "a-1", "an appointment"),
    ({"also_sent": [{"key": "k", "label": "GP", "text": "x"}]}, "also_sent", "k", "“GP”"),
]


@pytest.mark.parametrize(("statement", "part", "key", "word"), TAKEN_BACK)
@pytest.mark.parametrize(("one", "other"), [(REFERENCE, OTHER), (OTHER, REFERENCE)])
def test_staff_hear_of_what_the_other_part_had_taken_back_of_what_was_sent(
    world: World, statement: dict[str, Any], part: str, key: str, word: str, one: str, other: str
) -> None:
    world.send(plain(reference=REFERENCE, registrant=None))
    with saying(**statement):
        world.send(plain(number=2, reference=one))
    run_all()
    with saying(withdrawn=[{"part": part, "key": key}]):
        world.send(plain("referral.edited", number=3, reference=other))
    referral = joined(world)
    sentences = referral.deliveries.get(state="imported").corrections
    assert any(word in one and "Remove it there" in one for one in sentences)
    assert part not in snapshot.view(referral.snapshot)


@pytest.mark.parametrize("code", ["referral.edited", "referral.of_tomorrow"])
def test_files_that_the_other_part_had_taken_back_go_with_whatever_joins_them(
    world: World, code: str
) -> None:
    world.send(plain(attachments=[LETTER]))
    with saying(withdrawn=[{"part": "attachments", "key": "letter-4711"}]):
        world.send(plain("referral.edited", number=2, reference=OTHER))
    with naming(REFERENCE, OTHER):
        world.send(plain(code, number=3))
    (file,) = ReferralFile.objects.all()
    assert (file.state, file.stored_as) == ("withdrawn", "")


def of_both(world: World, *statuses: str) -> None:
    """Send two referrals, each with a status of the request."""
    for number, (reference, status) in enumerate(zip((REFERENCE, OTHER), statuses, strict=True), 1):
        with saying(request_status=status):
            world.send(plain(number=number, reference=reference))


@pytest.mark.parametrize("status", ["revoked", "entered-in-error"])
@pytest.mark.parametrize("code", ["referral.edited", "referral.of_tomorrow"])
def test_a_request_that_the_other_part_had_withdrawn_is_not_sent(
    world: World, status: str, code: str
) -> None:
    of_both(world, "", status)
    with naming(REFERENCE, OTHER):
        world.send(plain(code, number=3))
    run_all()
    states = Delivery.objects.exclude(state="dismissed").values_list("state", "reason")
    assert list(states) == [("needs_attention", "withdrawn")]


def test_staff_hear_of_a_request_that_the_other_part_had_withdrawn_after_it_was_sent(
    world: World,
) -> None:
    world.send(plain())
    run_all()
    of_both(world, "", "revoked")
    sentences = joined(world).deliveries.get(state="imported").corrections
    assert any("marked the referral as revoked" in one for one in sentences)


def test_a_request_that_the_other_part_has_restored_goes(world: World) -> None:
    of_both(world, "revoked", "active")
    joined(world)
    run_all()
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["dismissed", "imported"]


@pytest.mark.parametrize(
    ("given", "statement"),
    [
        ({"updates": "latest", "repeatable": True}, {"reason": "Low mood"}),
        (
            {"updates": "latest", "repeatable": True},
            {"withdrawn": [{"part": "messages", "key": "message-1"}]},
        ),
        ({"updates": "each"}, {"withdrawn": [{"part": "messages", "key": "message-1"}]}),
    ],
)
def test_what_takes_updates_gets_what_the_other_part_stated(
    db: None, given: dict[str, Any], statement: dict[str, Any]
) -> None:
    world = make_world(on=["received"], **given)
    with saying(**TOLD):
        world.send(plain())
    run_all()
    with saying(**statement):
        world.send(plain("referral.edited", number=2, reference=OTHER))
    assert joined(world).deliveries.get().wanted == 2


@pytest.mark.parametrize("code", ["referral.edited", "referral.of_tomorrow"])
def test_an_import_goes_when_the_other_part_has_the_details_it_waits_for(
    world: World, code: str
) -> None:
    world.send(plain(registrant=None))
    assert world.delivery.state == "waiting"
    world.send(plain("referral.edited", number=2, reference=OTHER))
    with naming(REFERENCE, OTHER):
        world.send(plain(code, number=3, registrant=None))
    assert world.delivery.state == "queued"


# -- files of two that are one ---------------------------------------------------------------------


def test_a_file_that_one_part_withdrew_and_the_other_sent_later_keeps_its_bytes(
    world: World,
) -> None:
    world.send(plain(attachments=[LETTER]))
    with saying(withdrawn=[{"part": "attachments", "key": "letter-4711"}]):
        world.send(plain("referral.edited", number=2))
    world.send(plain(number=3, reference=OTHER, attachments=[LETTER]))
    referral = joined(world)
    assert [file.state for file in referral.files.all()] == ["stored"]
    assert snapshot.view(referral.snapshot)["attachments"][0]["filename"] == "letter.txt"


NAMED = {"id": "letter-4711", "filename": "letter.txt"}
ADDRESSED = {**NAMED, "url": "https://files.example/letter.txt"}


@pytest.mark.parametrize("without", [NAMED, ADDRESSED])
@pytest.mark.parametrize("order", [1, -1])
def test_a_file_whose_bytes_only_one_part_has_is_one_file(
    world: World, without: dict[str, str], order: int
) -> None:
    two_referrals(world, *[[LETTER], [without]][::order])
    referral = joined(world)
    (file,) = referral.files.all()
    assert (file.state, file.size, file.problem) == ("stored", len("hello"), "")
    assert len(snapshot.view(referral.snapshot)["attachments"]) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_whose_address_only_one_part_has_is_fetched(world: World, order: int) -> None:
    two_referrals(world, *[[NAMED], [ADDRESSED]][::order])
    (file,) = joined(world).files.all()
    assert (file.state, file.url, file.problem) == ("wanted", ADDRESSED["url"], "")


def test_a_file_that_one_part_withdrew_and_the_other_addressed_later_is_fetched(
    world: World,
) -> None:
    world.send(plain(attachments=[ADDRESSED]))
    with saying(withdrawn=[{"part": "attachments", "key": "letter-4711"}]):
        world.send(plain("referral.edited", number=2))
    world.send(plain(number=3, reference=OTHER, attachments=[ADDRESSED]))
    (file,) = joined(world).files.all()
    assert (file.state, file.url) == ("wanted", ADDRESSED["url"])


def test_files_of_the_other_part_are_reported_where_one_is_in_the_destination(world: World) -> None:
    results = {"id": "results-4712", "filename": "results.txt", "data": "d29ybGQ="}
    two_referrals(world, [LETTER])
    delivering.run(Delivery.objects.get(reference=REFERENCE).pk)
    world.send(plain("referral.edited", number=3, reference=OTHER, attachments=[results]))
    joined(world)
    (delivery,) = Delivery.objects.filter(state="imported")
    assert any("results.txt" in one and "by hand" in one for one in delivery.corrections)
