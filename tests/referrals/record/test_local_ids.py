"""What a sender takes back by an id that may be the message's own: only what it can only mean."""

from itertools import permutations
from typing import Any

import pytest

from integrations.models import Source
from referrals.models import InboundEvent, ReferralFile
from referrals.record import snapshot, warned
from tests.referrals.fhir_messages import document, form, message, replacing, taken_back
from tests.world import World

LETTER, RESULTS = document("letter"), document("results", "doc-2")


def shown(world: World, part: str = "attachments") -> list[str]:
    names = {"attachments": "filename", "form_answers": "value", "messages": "text"}
    items: list[Any] = snapshot.view(world.referral.snapshot).get(part, [])  # type: ignore[assignment]
    return sorted(item[names.get(part, "text")] for item in items)


def standing(world: World) -> list[str]:
    rows = world.referral.files.exclude(state=ReferralFile.State.WITHDRAWN)
    return sorted(row.filename for row in rows)


def causes(world: World) -> list[str]:
    return [one.cause for one in warned.of_referral(world.referral)]


def send(world: World, *messages: dict[str, Any]) -> InboundEvent:
    return [world.send(one, "fhir") for one in messages][-1]


NAMED = {"system": "urn:x", "value": "letter-88231"}
OWN = document("letter", identifier=[NAMED])
WITHDRAWALS = {
    "withdrawn": (LETTER, taken_back(document())),
    "withdrawn by docStatus": (LETTER, document(docStatus="entered-in-error")),
    "replaced": (LETTER, replacing(document("new letter", "doc-2"), "doc-1")),
    "replaced under its own id": (LETTER, replacing(document("new letter"), "doc-1")),
    "replaced without a name": (LETTER, replacing(document("new letter", ""), "doc-1")),
    "a UUID": (
        {**document("letter", ""), "fullUrl": "urn:uuid:9d0e1e5c-4c0e-4b0c-9a52-3f8f5b6a7c10"},
        replacing(
            document("new letter", "doc-7"),
            {"reference": "urn:uuid:9D0E1E5C-4c0e-4b0c-9a52-3f8f5b6a7c10".lower()},
        ),
    ),
    "known by an identifier, withdrawn by its id": (OWN, taken_back(document())),
    "known by an identifier, replaced by its id": (
        OWN,
        replacing(document("new letter", "doc-2"), "doc-1"),
    ),
    "replaced by its identifier": (
        OWN,
        replacing(document("new letter", "doc-2"), {"identifier": NAMED}),
    ),
    "a stable id, replaced under itself": (
        document("letter", "letter-4711"),
        replacing(document("new letter", "letter-4711"), "letter-4711"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "gone"), WITHDRAWALS.values(), ids=WITHDRAWALS)
@pytest.mark.parametrize("order", [1, -1], ids=["in order", "the file last"])
def test_the_one_file_that_it_can_mean_goes(
    world: World, sent: dict[str, Any], gone: dict[str, Any], order: int
) -> None:
    send(world, *[message(1, sent, RESULTS), message(2, gone)][::order])
    left = ["new letter.txt", "results.txt"] if "relatesTo" in gone else ["results.txt"]
    assert shown(world) == standing(world) == left
    assert causes(world) == []


def test_the_page_of_the_event_does_not_warn_of_what_is_known(world: World) -> None:
    event = send(world, message(1, LETTER), message(2, taken_back(document())))
    assert event.warnings == []


def test_a_document_of_two_files_goes_whole(world: World) -> None:
    both = {**LETTER, "content": [*LETTER["content"], *RESULTS["content"]]}
    send(world, message(1, both), message(2, LETTER), message(3, taken_back(document())))
    assert shown(world) == standing(world) == []


# -- where it may mean several, or none ------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_two_files_under_one_id_none_goes_and_staff_are_warned(
    world: World, order: tuple[int, ...]
) -> None:
    other = document("results")
    messages = [message(1, LETTER), message(2, other), message(3, taken_back(document()))]
    send(world, *(messages[place] for place in order))
    assert shown(world) == ["letter.txt", "results.txt"]
    assert "withdrawn_unknown" in causes(world)


def test_a_file_that_turns_out_not_to_be_intended_alone_is_missing_and_not_lost(
    world: World,
) -> None:
    """The withdrawal had taken its bytes when an older message showed that it was ambiguous."""
    send(world, message(1, LETTER), message(3, taken_back(document())))
    assert standing(world) == []
    send(world, message(2, document("results")))
    assert standing(world) == ["letter.txt", "results.txt"]
    assert ReferralFile.objects.get(state="unavailable").problem
    assert "withdrawn_unknown" in causes(world)


def test_a_file_that_comes_later_under_the_same_id_brings_nothing_back(world: World) -> None:
    messages = [message(1, LETTER), message(2, taken_back(document())), message(3, RESULTS)]
    later = message(4, document("consent"))
    send(world, *messages, later)
    assert shown(world) == standing(world) == ["consent.txt", "results.txt"]
    assert causes(world) == []


def test_another_id_means_nothing_and_staff_are_warned(world: World) -> None:
    event = send(world, message(1, LETTER), message(2, taken_back(document(id_="doc-9"))))
    assert shown(world) == standing(world) == ["letter.txt"]
    assert causes(world) == ["withdrawn_unknown"]
    assert [one["cause"] for one in event.warnings] == ["withdrawn_unknown"]


@pytest.mark.parametrize(
    "target",
    [{"display": "The old letter"}, {"reference": "#gone"}, {"reference": "Binary/b-1"}],
    ids=str,
)
def test_a_replacement_that_states_nothing_usable_is_warned_of(world: World, target: Any) -> None:
    send(world, message(1, LETTER), message(2, replacing(document("new", "doc-2"), target)))
    assert shown(world) == ["letter.txt", "new.txt"]
    assert causes(world) == ["withdrawn_unknown"]


def test_nobody_withdraws_what_another_sender_sent_under_that_id(world: World) -> None:
    send(world, message(1, LETTER))
    world.source = Source.objects.create(name="another")
    send(world, message(2, taken_back(document())))
    assert shown(world) == standing(world) == ["letter.txt"]
    assert causes(world) == ["withdrawn_unknown"]


def test_a_withdrawn_document_that_states_which_it_is_does_not_go_by_its_id(world: World) -> None:
    other = taken_back(document("consent"))
    send(world, message(1, LETTER), message(2, other))
    assert shown(world) == standing(world) == ["letter.txt"]
    assert causes(world) == []


def test_steps_and_keys_of_what_was_sent_stay(world: World) -> None:
    send(world, message(1, LETTER, RESULTS))
    before = set(world.referral.files.values_list("key", "sha256"))
    send(world, message(2, taken_back(document())), message(3, LETTER))
    assert set(world.referral.files.values_list("key", "sha256")) == before
    assert standing(world) == ["letter.txt", "results.txt"]


# -- forms, messages, what is also sent ------------------------------------------------------------


def test_a_form_goes_by_its_id_before_its_place(world: World) -> None:
    first, second = form("Penicillin", "qr-1"), form("Latex", "qr-2")
    send(world, message(1, first, second), message(2, taken_back(form("", "qr-2"))))
    assert shown(world, "form_answers") == ["Penicillin"]
    assert causes(world) == []


def test_a_form_goes_by_its_place_where_nobody_knows_its_id(world: World) -> None:
    send(world, message(1, form("Penicillin", "")), message(2, taken_back(form("", "qr-4"))))
    assert shown(world, "form_answers") == []


def test_a_form_of_an_id_that_two_had_stays_and_staff_are_warned(world: World) -> None:
    asked = {"questionnaire": "https://x.example/Questionnaire/phq"}
    send(world, message(1, form("Penicillin", "qr-1")), message(2, form("None", "qr-1", **asked)))
    send(world, message(3, taken_back(form("", "qr-1"))))
    assert shown(world, "form_answers") == ["None", "Penicillin"]
    assert causes(world) == ["withdrawn_unknown"]


def test_a_form_that_is_sent_again_empty_goes_by_its_id(world: World) -> None:
    send(world, message(1, form("Penicillin", "qr-1"), form("Latex", "qr-2")))
    send(world, message(2, form("", "qr-2")))
    assert shown(world, "form_answers") == ["Penicillin"]
    send(world, message(3, form("", "qr-9")))
    assert shown(world, "form_answers") == ["Penicillin"]
    assert causes(world) == []


def communication(text: str, id_: str = "comm-1") -> dict[str, Any]:
    return {
        "resourceType": "Communication",
        "id": id_,
        "status": "completed",
        "sent": "2026-03-11T09:00:00Z",
        "payload": [{"contentString": text}] if text else [],
    }


@pytest.mark.parametrize("again", ["Please call.", ""], ids=["with its text", "by its id"])
def test_a_message_under_an_id_of_the_moment_is_withdrawn(world: World, again: str) -> None:
    send(world, message(1, communication("Please call."), communication("Hello.", "comm-2")))
    send(world, message(2, taken_back(communication(again))))
    assert shown(world, "messages") == ["Hello."]
    assert causes(world) == []


def test_what_is_also_sent_is_withdrawn_by_its_id_alone(world: World) -> None:
    def allergy(id_: str, text: str = "") -> dict[str, Any]:
        code = {"code": {"text": text}} if text else {}
        return {"resourceType": "AllergyIntolerance", "id": id_, **code}

    wrong = {"coding": [{"code": "entered-in-error"}]}
    send(world, message(1, allergy("al-1", "Penicillin"), allergy("al-2", "Latex")))
    send(world, message(2, {**allergy("al-1"), "verificationStatus": wrong}))
    assert shown(world, "also_sent") == ["Latex"]
    assert causes(world) == []
    send(world, message(3, {**allergy("al-7"), "verificationStatus": wrong}))
    assert causes(world) == ["withdrawn_unknown"]
