"""Which triggers an event fires: section 4 of the inbound contract, row by row."""

from datetime import UTC, datetime, timedelta

import pytest

from integrations.sources.parsed import EventKind, ParsedEvent
from mapping.source.document import Appointment, Document
from referrals.matching import Before, fired, is_routed, remember
from referrals.record.snapshot import stamp

NOON = datetime(2026, 3, 11, 12, tzinfo=UTC)
BOOKED: Appointment = {"id": "1", "status": "booked", "start": "2026-03-19T18:30:00Z"}


def triggers(
    kind: EventKind,
    document: Document | None = None,
    before: Before | None = None,
    *,
    by_code: bool = False,
    at: datetime = NOON,
) -> list[str]:
    event = ParsedEvent("code", kind, ("3502768696",), document or {})
    return fired(event, before or Before(), at, by_code=by_code)


def classified(classification: str) -> Document:
    return {"substatus": {"classification": classification}}


def known(*classifications: str) -> Before:
    pairs = [
        [stamp(NOON - timedelta(hours=len(classifications) - n)), value]
        for n, value in enumerate(classifications)
    ]
    return Before(first=False, received=True, classifications=pairs)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (EventKind.RECEIVED, "received"),
        (EventKind.EDITED, "edited"),
        (EventKind.ARCHIVED, "archived"),
        (EventKind.RESCHEDULED, "rescheduled_unbooked"),
        (EventKind.UNBOOKED, "rescheduled_unbooked"),
        (EventKind.MESSAGE_FROM_PROVIDER, "message_from_provider"),
        (EventKind.MESSAGE_FROM_REQUESTER, "message_from_requester"),
    ],
)
def test_a_kind_fires_its_trigger(kind: EventKind, key: str):
    assert triggers(kind, by_code=True) == [key]


@pytest.mark.parametrize("kind", [EventKind.MESSAGE, EventKind.IGNORED, EventKind.UNKNOWN])
def test_a_message_of_an_unknown_side_fires_nothing(kind: EventKind):
    assert triggers(kind) == []


def test_a_second_received_is_an_edit():
    assert triggers(EventKind.RECEIVED, before=Before(first=False, received=True)) == ["edited"]


def test_the_first_received_counts_even_after_other_messages():
    assert triggers(EventKind.RECEIVED, before=Before(first=False)) == ["received"]


@pytest.mark.parametrize("classification", ["ready", "received"])
def test_a_sub_status_fires_when_it_becomes(classification: str):
    before = known("in-progress")
    key = f"status_{classification}"
    assert triggers(EventKind.STATUS_CHANGED, classified(classification), before) == [key]
    before = known("in-progress", classification)
    assert triggers(EventKind.STATUS_CHANGED, classified(classification), before) == []


def test_a_sub_status_fires_again_after_another_one():
    before = known("ready", "on-hold")
    assert triggers(EventKind.STATUS_CHANGED, classified("ready"), before) == ["status_ready"]


def test_a_late_message_is_compared_with_what_was_before_it():
    before = known("in-progress", "on-hold")
    at = NOON - timedelta(minutes=90)
    assert triggers(EventKind.STATUS_CHANGED, classified("ready"), before, at=at) == [
        "status_ready"
    ]


def test_a_first_message_that_carries_received_is_received():
    assert triggers(EventKind.RECEIVED, classified("received")) == ["received"]
    assert triggers(EventKind.STATUS_CHANGED, classified("received")) == ["received"]


def test_a_first_message_that_carries_ready_is_ready_too():
    assert triggers(EventKind.RECEIVED, classified("ready")) == ["received", "status_ready"]


@pytest.mark.parametrize(
    ("classification", "key"),
    [
        ("completed", "closed_completed"),
        ("rejected", "closed_rejected"),
        ("cancelled", "closed_cancelled"),
        ("failed", "closed_failed"),
        ("entered-in-error", "closed_error"),
    ],
)
def test_closing_fires_its_own_trigger_and_any(classification: str, key: str):
    document = classified(classification)
    assert triggers(EventKind.CLOSED, document, known(classification)) == [key, "closed_any"]
    assert triggers(EventKind.STATUS_CHANGED, document, known("ready")) == [key, "closed_any"]
    assert triggers(EventKind.STATUS_CHANGED, document, known(classification)) == []


def test_closing_without_a_classification_fires_any():
    assert triggers(EventKind.CLOSED) == ["closed_any"]


def test_an_unknown_classification_matches_no_trigger():
    assert triggers(EventKind.CLOSED, classified("paused")) == []
    assert triggers(EventKind.STATUS_CHANGED, classified("paused")) == []


@pytest.mark.parametrize("status", ["booked", "pending"])
def test_an_appointment_where_none_was_known_is_booked(status: str):
    document: Document = {"appointment": {"id": "1", "status": status}}
    assert triggers(EventKind.APPOINTMENT, document) == ["booked"]


def test_an_appointment_after_a_cancelled_one_is_booked():
    before = Before(first=False, appointment={"id": "1", "status": "cancelled"})
    assert triggers(EventKind.APPOINTMENT, {"appointment": BOOKED}, before) == ["booked"]


@pytest.mark.parametrize(
    "change",
    [
        {"start": "2026-03-20T18:30:00Z"},
        {"location": "9 Elm St"},
        {"provider_full_name": "Noor Haddad"},
    ],
)
def test_a_known_appointment_that_changes_is_rescheduled(change: dict[str, str]):
    document: Document = {"appointment": {**BOOKED, **change}}  # type: ignore[typeddict-item]
    before = Before(first=False, appointment=BOOKED)
    assert triggers(EventKind.APPOINTMENT, document, before) == ["rescheduled_unbooked"]


def test_the_same_start_written_otherwise_is_no_change():
    document: Document = {"appointment": {**BOOKED, "start": "2026-03-19T14:30:00.000-04:00"}}
    before = Before(first=False, appointment=BOOKED)
    assert triggers(EventKind.APPOINTMENT, document, before) == []


def test_an_older_appointment_message_does_not_reschedule():
    document: Document = {"appointment": {**BOOKED, "start": "2026-03-18T18:30:00Z"}}
    before = Before(first=False, appointment=BOOKED, latest=NOON + timedelta(hours=1))
    assert triggers(EventKind.APPOINTMENT, document, before) == []


@pytest.mark.parametrize("kind", [EventKind.APPOINTMENT, EventKind.BOOKED, EventKind.EDITED])
@pytest.mark.parametrize("by_code", [True, False])
def test_a_cancelled_appointment_is_unbooked_whatever_the_code_states(
    kind: EventKind, by_code: bool
):
    document: Document = {"appointment": {"id": "1", "status": "cancelled"}}
    keys = triggers(kind, document, by_code=by_code)
    assert "rescheduled_unbooked" in keys
    assert "booked" not in keys


def test_plain_events_are_booked_by_their_type_alone():
    document: Document = {"appointment": BOOKED}
    assert triggers(EventKind.BOOKED, document, by_code=True) == ["booked"]
    assert triggers(EventKind.EDITED, document, by_code=True) == ["edited"]


def test_one_event_may_fire_several_triggers():
    document: Document = {**classified("ready"), "appointment": BOOKED}
    assert triggers(EventKind.BOOKED, document, by_code=True) == ["status_ready", "booked"]


@pytest.mark.parametrize(
    ("document", "routed"),
    [
        ({}, False),
        ({"routed": False}, False),
        ({"routed": True}, True),
        ({"parent_reference": "3502768600"}, True),
    ],
)
def test_a_flag_or_a_parent_makes_a_referral_routed(document: Document, routed: bool):
    assert is_routed(document) is routed


def test_a_classification_that_is_not_caredoves_is_remembered_as_another_one():
    """It may be anything that somebody has typed, and the column is not encrypted."""
    for word in ("Call Mireille first", "tremblay-okafor", "paused"):
        assert remember([], NOON, classified(word)) == [[stamp(NOON), "other"]]


def test_classifications_are_remembered_in_the_order_of_their_times():
    history = remember([], NOON, classified("ready"))
    history = remember(history, NOON - timedelta(hours=1), classified("received"))
    assert [value for _, value in history] == ["received", "ready"]
    assert remember(history, NOON, {}) == history
