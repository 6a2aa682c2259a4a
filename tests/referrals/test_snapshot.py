"""Merging: partial messages, in any order, become one view of a referral."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.document import Document
from referrals import snapshot
from tests.strategies import documents

NOON = datetime(2026, 3, 11, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def merged(*messages: tuple[Document, datetime]) -> Document:
    state: snapshot.Snapshot = {}
    for document, at in messages:
        state = snapshot.merge(state, document, at)
    return snapshot.view(state)


@given(st.lists(documents(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_messages_that_carry_their_time_converge_in_any_order(messages: list[Any], random: Any):
    timed = [(document, NOON + timedelta(minutes=n)) for n, document in enumerate(messages)]
    shuffled = random.sample(timed, len(timed))
    assert merged(*timed) == merged(*shuffled)


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
    halves = snapshot.unite(snapshot.merge({}, one, NOON), snapshot.merge({}, other, LATER))
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


def test_a_phone_with_a_named_place_gives_way_alone():
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
def test_details_are_there_once_the_referral_says_whom_it_is_about(
    document: Document, complete: bool
):
    assert snapshot.has_details(document) is complete
