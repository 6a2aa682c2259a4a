"""Merging: partial messages, in any order, become one view of a referral."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.source.document import Document
from referrals.record import snapshot
from tests.strategies import documents, keyed

NOON = datetime(2026, 3, 11, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def merged(*messages: tuple[Document, datetime] | tuple[Document, datetime, str]) -> Document:
    state: snapshot.Snapshot = {}
    for message in messages:
        state = snapshot.merge(state, *message)
    return snapshot.view(state)


def after(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


anything = st.one_of(documents(), keyed())
senders = st.sampled_from(["1", "2"])


@pytest.mark.slow
@given(st.lists(st.tuples(anything, senders), max_size=5), st.randoms(use_true_random=False))
def test_messages_that_carry_their_time_converge_in_any_order(messages: list[Any], random: Any):
    timed = [(document, after(n), sender) for n, (document, sender) in enumerate(messages)]
    shuffled = random.sample(timed, len(timed))
    assert merged(*timed) == merged(*shuffled)


@given(
    st.lists(st.tuples(keyed(), st.integers(0, 1).map(after), senders), max_size=5),
    st.randoms(use_true_random=False),
)
def test_messages_of_few_instants_converge_whoever_sent_them(messages: list[Any], random: Any):
    assert merged(*messages) == merged(*random.sample(messages, len(messages)))


@given(st.lists(st.tuples(keyed(), st.integers(0, 3).map(after), senders), max_size=4))
def test_all_messages_sent_again_change_nothing(messages: list[Any]):
    assert merged(*messages, *messages) == merged(*messages)


@given(st.lists(st.tuples(keyed(), st.integers(0, 3).map(after), senders), max_size=5))
def test_a_referral_in_two_halves_joins_to_what_it_would_have_been(messages: list[Any]):
    halves: list[snapshot.Snapshot] = [{}, {}]
    for number, message in enumerate(messages):
        halves[number % 2] = snapshot.merge(halves[number % 2], *message)
    assert snapshot.view(snapshot.combine(*halves)) == merged(*messages)


@given(documents(), documents())
def test_messages_of_the_same_instant_converge_too(one: Document, other: Document):
    assert merged((one, NOON), (other, NOON)) == merged((other, NOON), (one, NOON))


@given(documents(), documents())
def test_the_same_message_again_changes_nothing(one: Document, other: Document):
    assert merged((one, NOON), (other, LATER), (one, NOON)) == merged((one, NOON), (other, LATER))


@given(documents(), documents())
def test_merging_leaves_its_inputs_alone(one: Document, other: Document):
    state = snapshot.merge({}, one, NOON)
    before = dict(state)
    snapshot.merge(state, other, LATER)
    assert state == before


@given(documents(), documents())
def test_uniting_two_halves_equals_merging_all(one: Document, other: Document):
    halves = snapshot.combine(snapshot.merge({}, one, NOON), snapshot.merge({}, other, LATER))
    assert snapshot.view(halves) == merged((one, NOON), (other, LATER))


def test_a_partial_message_keeps_what_was_known():
    full: Document = {"registrant": {"first_name": "Mireille", "last_name": "Tremblay"}}
    partial: Document = {"registrant": {"last_name": "Okafor", "first_name": ""}}
    assert merged((full, NOON), (partial, LATER)) == {
        "registrant": {"first_name": "Mireille", "last_name": "Okafor"}
    }


def test_an_older_message_fills_only_what_is_empty():
    newer: Document = {"registrant": {"last_name": "Okafor"}, "priority": "urgent"}
    older: Document = {"registrant": {"last_name": "Tremblay", "gender": "female"}}
    assert merged((newer, LATER), (older, NOON)) == {
        "registrant": {"last_name": "Okafor", "gender": "female"},
        "priority": "urgent",
    }


def test_a_sub_status_is_never_mixed_from_two_messages():
    booked: Document = {"substatus": {"label": "In Progress", "classification": "in-progress"}}
    ready: Document = {"substatus": {"classification": "ready"}}
    assert merged((booked, NOON), (ready, LATER))["substatus"] == {"classification": "ready"}


def test_form_answers_are_kept_one_by_one_in_the_order_of_the_latest_form():
    first: Document = {"form_answers": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]}
    second: Document = {"form_answers": [{"key": "c", "value": "3"}, {"key": "b", "value": "4"}]}
    answers = merged((first, NOON), (second, LATER))["form_answers"]
    assert [(answer["key"], answer["value"]) for answer in answers] == [
        ("c", "3"),
        ("b", "4"),
        ("a", "1"),
    ]


def values(document: Document) -> list[str]:
    return [answer["value"] for answer in document.get("form_answers", [])]


def form(name: str, **answers: str) -> Document:
    given = [{"form": name, "key": key, "value": value} for key, value in answers.items()]
    return {"form_answers": given}  # type: ignore[typeddict-item]


def test_two_forms_keep_their_answers_to_questions_of_one_key():
    intake, call = form("intake", q1="Penicillin"), form("call", q1="No answer")
    assert values(merged((intake, NOON), (call, LATER))) == ["No answer", "Penicillin"]


@pytest.mark.parametrize("again", [{"q2": "b"}, {"q2": "b", "q3": "c"}, {"q3": "x", "q1": "y"}])
def test_a_form_that_is_sent_again_replaces_itself_whole(again: dict[str, str]):
    first = form("meds", q1="Sertraline", q2="Ramipril")
    for messages in (
        [(first, NOON), (form("meds", **again), LATER)],
        [(form("meds", **again), LATER), (first, NOON)],
    ):
        assert values(merged(*messages)) == list(again.values())


def test_answers_without_a_form_are_distinguished_by_key_and_label():
    def answer(key: str, label: str, value: str) -> Document:
        return {"form_answers": [{"key": key, "label": label, "value": value}]}

    shown = merged(
        (answer("1", "Allergies", "Penicillin"), NOON),
        (answer("1", "Outcome of call", "Booked"), after(1)),
        (answer("", "Allergies", "None"), after(2)),
        (answer("1", "Outcome of call", "Cancelled"), after(3)),
    )
    assert values(shown) == ["Cancelled", "None", "Penicillin"]


@pytest.mark.parametrize("before", ["", "place-1"])
def test_answers_whose_form_is_named_later_are_reported_once(before: str):
    first = form(before, q1="Penicillin", q2="Parents") if before else form("", q1="Penicillin")
    named = form("intake", q1="Penicillin", q2="Parents")
    changed = form("intake", q1="None", q2="Parents")
    sent = (first, NOON, "1")
    assert values(merged(sent, (named, LATER, "1"))) == ["Penicillin", "Parents"]
    assert "Penicillin" in values(merged(sent, (changed, LATER, "1")))
    assert values(merged(sent, (named, LATER, "2"))).count("Penicillin") == 2


def test_two_forms_that_state_the_same_are_both_reported():
    one, other = form("monday", q1="Yes"), form("friday", q1="Yes")
    assert values(merged((one, NOON), (other, LATER))) == ["Yes", "Yes"]


def test_forms_by_place_of_two_senders_are_both_reported():
    one, other = form("place-1", q1="Penicillin"), form("place-1", q1="None")
    shown = merged((one, NOON, "1"), (other, LATER, "2"))
    assert values(shown) == ["None", "Penicillin"]


def also(key: str, text: str) -> Document:
    return {"also_sent": [{"key": key, "group": "Registrant", "label": "Allergy", "text": text}]}


def test_what_is_also_sent_yields_by_its_key():
    shown = merged((also("a", "Penicillin"), NOON), (also("b", "Latex"), LATER))
    assert [line["text"] for line in shown["also_sent"]] == ["Latex", "Penicillin"]
    shown = merged((also("a", "Penicillin"), NOON), (also("a", "None known"), LATER))
    assert [line["text"] for line in shown["also_sent"]] == ["None known"]


def letter(sha256: str = "", key: str = "doc-1", filename: str = "letter.pdf") -> Document:
    held = {"sha256": sha256} if sha256 else {}
    return {"attachments": [{"key": key, "filename": filename, **held}]}  # type: ignore[typeddict-item]


def test_two_files_under_one_key_are_both_kept_and_one_file_is_once():
    shown = merged((letter("1f"), NOON), (letter("2f"), after(1)), (letter("1f"), after(2)))
    assert [file["sha256"] for file in shown["attachments"]] == ["1f", "2f"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_that_is_named_again_without_its_bytes_is_the_same_file(order: int):
    messages = [(letter("1f", filename="old.pdf"), NOON), (letter(filename="new.pdf"), LATER)]
    shown = merged(*messages[::order])
    assert shown["attachments"] == [{"key": "doc-1", "filename": "new.pdf", "sha256": "1f"}]


BOOKED: Document = {"appointment": {"id": "a1", "status": "booked", "location": "Room 4"}}
TOLD: Document = {"messages": [{"id": "m1", "text": "Please call."}]}
WITHDRAWABLE = [
    (form("intake", q1="Penicillin"), "form_answers", "intake"),
    (TOLD, "messages", "m1"),
    (letter(), "attachments", "doc-1"),
    (letter("1f"), "attachments", "doc-1"),
    (BOOKED, "appointment", "a1"),
    (also("a", "Penicillin"), "also_sent", "a"),
]


def withdrawal(part: str, key: str) -> Document:
    return {"withdrawn": [{"part": part, "key": key}]}


@pytest.mark.parametrize(("sent_first", "part", "key"), WITHDRAWABLE)
def test_what_a_sender_withdraws_goes_away_in_whatever_order_it_comes(
    sent_first: Document, part: str, key: str
):
    sent, gone = (sent_first, NOON, "1"), (withdrawal(part, key), LATER, "1")
    assert merged(sent, gone) == merged(gone, sent) == {}


@pytest.mark.parametrize(("sent_first", "part", "key"), WITHDRAWABLE)
def test_what_was_withdrawn_comes_back_with_a_later_message(
    sent_first: Document, part: str, key: str
):
    gone = (withdrawal(part, key), after(1), "1")
    sent, again = (sent_first, NOON, "1"), (sent_first, after(2), "1")
    assert merged(sent, gone, again) == merged(again, gone, sent) == sent_first


@pytest.mark.parametrize(("sent_first", "part", "key"), WITHDRAWABLE)
def test_nobody_withdraws_what_another_sender_sent(sent_first: Document, part: str, key: str):
    gone = (withdrawal(part, key), after(2), "2")
    assert merged((sent_first, NOON, "1"), gone) == sent_first
    assert merged((sent_first, NOON, "1"), (sent_first, after(1), "2"), gone) == sent_first


def test_another_thing_with_the_same_key_stays():
    both = merged(
        (form("a", q1="x"), NOON), (also("a", "y"), NOON), (withdrawal("also_sent", "a"), LATER)
    )
    assert values(both) == ["x"]
    assert "also_sent" not in both


def unreadable(path: str) -> Document:
    return {
        "unreadable": [
            {"field": "born", "path": path, "cause": "ambiguous_date", "text": "03/04/1991"}
        ]
    }


@pytest.mark.parametrize(
    ("path", "settled_by"),
    [
        ("registrant.date_of_birth", {"registrant": {"date_of_birth": "1991-04-03"}}),
        ("appointment.start", {"appointment": {"id": "1", "start": "2026-03-20T10:00:00Z"}}),
        ("substatus.classification", {"substatus": {"classification": "ready"}}),
        ("registrant.addresses", {"registrant": {"addresses": [{"slot": "main", "city": "X"}]}}),
    ],
)
def test_what_could_not_be_read_is_settled_by_a_later_value_only(path: str, settled_by: Document):
    assert "unreadable" not in merged((unreadable(path), NOON), (settled_by, LATER))
    assert "unreadable" not in merged((settled_by, LATER), (unreadable(path), NOON))
    assert "unreadable" in merged((settled_by, NOON), (unreadable(path), LATER))
    assert "unreadable" in merged((unreadable(path), NOON), ({"reason": "Low mood"}, LATER))
    assert "unreadable" in merged((unreadable(""), NOON), (settled_by, LATER))


# -- what was merged before version 1 of reading -------------------------------------------------

AT = snapshot.stamp(NOON)
EARLIER: snapshot.Snapshot = {
    "reason": [AT, 0, "Low mood"],
    "form_answers/1": [AT, 0, {"key": "1", "label": "Allergies", "value": "Penicillin"}],
    "form_answers/2": [AT, 1, {"key": "2", "label": "Lives with", "value": "Parents"}],
    "messages/m1": [AT, 0, {"id": "m1", "text": "Please call."}],
    "notes/0123": [AT, 0, {"text": "Prefers mornings."}],
    "attachments/doc-1": [AT, 0, {"key": "doc-1", "filename": "letter.pdf"}],
    "appointment/id/a1": [AT, 0, "a1"],
    "appointment/location/a1": [AT, 0, "Room 4"],
}
SHOWN: Document = {
    "reason": "Low mood",
    "form_answers": [
        {"key": "1", "label": "Allergies", "value": "Penicillin"},
        {"key": "2", "label": "Lives with", "value": "Parents"},
    ],
    "messages": [{"id": "m1", "text": "Please call."}],
    "notes": [{"text": "Prefers mornings."}],
    "attachments": [{"key": "doc-1", "filename": "letter.pdf"}],
    "appointment": {"id": "a1", "location": "Room 4"},
}


def test_an_earlier_snapshot_is_shown_as_it_was():
    assert snapshot.view(EARLIER) == SHOWN


def test_the_same_again_is_shown_once_beside_an_earlier_snapshot():
    assert snapshot.view(snapshot.merge(EARLIER, SHOWN, LATER, "1")) == SHOWN
    named = [{"form": "intake", **answer} for answer in SHOWN["form_answers"]]
    again: Document = {"form_answers": named}  # type: ignore[typeddict-item]
    shown = snapshot.view(snapshot.merge(EARLIER, again, LATER, "1"))
    assert shown == {**SHOWN, "form_answers": named}


def test_what_an_earlier_snapshot_holds_can_be_withdrawn():
    gone = snapshot.merge(EARLIER, withdrawal("attachments", "doc-1"), LATER, "1")
    assert "attachments" not in snapshot.view(gone)


# -- shown in order ------------------------------------------------------------------------------


def test_messages_are_ordered_as_instants_whatever_their_offsets():
    document: Document = {
        "messages": [
            {"id": "1", "at": "2026-03-11T09:30:00-05:00", "text": "late"},
            {"id": "2", "at": "2026-03-11T14:00:00Z", "text": "early"},
        ]
    }
    shown = merged((document, NOON))["messages"]
    assert [message["text"] for message in shown] == ["early", "late"]


def test_messages_exchanged_are_shown_by_their_time():
    late: Document = {"messages": [{"id": "2", "at": "2026-03-11T10:00:00Z", "text": "late"}]}
    early: Document = {"messages": [{"id": "1", "at": "2026-03-11T09:00:00Z", "text": "early"}]}
    shown = merged((late, NOON), (early, LATER))["messages"]
    assert [message["text"] for message in shown] == ["early", "late"]


def test_a_new_appointment_takes_nothing_from_the_old_one():
    old: Document = {"appointment": {"id": "1", "location": "40 Main St", "status": "booked"}}
    new: Document = {"appointment": {"id": "2", "start": "2026-03-20T10:00:00Z"}}
    assert merged((old, NOON), (new, LATER))["appointment"] == {
        "id": "2",
        "start": "2026-03-20T10:00:00Z",
    }


def test_an_unbooking_that_names_no_appointment_speaks_of_the_current_one():
    booked: Document = {"appointment": {"id": "1", "location": "40 Main St", "status": "booked"}}
    unbooked: Document = {"appointment": {"status": "cancelled"}}
    assert merged((booked, NOON), (unbooked, LATER))["appointment"] == {
        "id": "1",
        "location": "40 Main St",
        "status": "cancelled",
    }


def test_an_appointment_booked_after_an_unbooking_is_not_cancelled():
    unbooked: Document = {"appointment": {"status": "cancelled"}}
    booked: Document = {"appointment": {"id": "2", "status": "booked"}}
    assert merged((unbooked, NOON), (booked, LATER))["appointment"]["status"] == "booked"


def test_a_phone_with_a_named_place_yields_alone():
    both: Document = {
        "registrant": {
            "phones": [
                {"slot": "main", "number": "705-555-0142", "rank": 1, "may_text": True},
                {"slot": "alt", "number": "705-555-0177", "rank": 2},
            ]
        }
    }
    main: Document = {
        "registrant": {"phones": [{"slot": "main", "number": "705-555-0111", "rank": 1}]}
    }
    phones = merged((both, NOON), (main, LATER))["registrant"]["phones"]
    assert [(p["number"], p.get("may_text")) for p in phones] == [
        ("705-555-0111", None),  # the permission was for the old number
        ("705-555-0177", None),
    ]


def test_a_complete_list_of_phones_replaces_the_named_places():
    plain: Document = {"registrant": {"phones": [{"slot": "main", "number": "705-555-0142"}]}}
    fhir: Document = {"registrant": {"phones": [{"number": "705-555-0111", "use": "home"}]}}
    assert merged((plain, NOON), (fhir, LATER))["registrant"]["phones"] == [
        {"number": "705-555-0111", "use": "home"}
    ]


def test_parts_of_an_address_that_are_not_sent_again_stay():
    full: Document = {
        "registrant": {
            "addresses": [{"slot": "main", "lines": ["118 Birch St"], "city": "Milltown"}]
        }
    }
    moved: Document = {"registrant": {"addresses": [{"slot": "main", "lines": ["9 Elm St"]}]}}
    (address,) = merged((full, NOON), (moved, LATER))["registrant"]["addresses"]
    assert (address["lines"], address["city"]) == (["9 Elm St"], "Milltown")


@pytest.mark.parametrize(
    ("document", "complete"),
    [
        ({}, False),
        ({"appointment": {"id": "1"}}, False),
        ({"registrant": {"phones": [{"number": "705-555-0142"}]}}, False),
        ({"registrant": {"last_name": "Okafor"}}, True),
    ],
)
def test_details_are_there_once_the_referral_states_whom_it_is_about(
    document: Document, complete: bool
):
    assert snapshot.has_details(document) is complete
