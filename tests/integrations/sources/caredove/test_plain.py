import json
from datetime import UTC, datetime

import pytest

from integrations.sources.caredove import plain
from integrations.sources.parsed import EventKind
from integrations.sources.warnings import Warning, sentence
from tests.integrations.sources.caredove.messages import (
    REFERENCE,
    load,
    parse,
    plain_event,
    refusals,
)


def document(event_type="referral.received", **referral):
    return parse(plain_event(event_type, **referral)).document


def registrant(**members):
    return document(registrant=members).get("registrant", {})


# -- What is refused -----------------------------------------------------------------------------


def test_a_body_that_is_not_json_states_where():
    assert "line 1, column 2" in refusals(b"{oops", plain)["body"]


@pytest.mark.parametrize("body", [[], "text", 1, None])
def test_a_body_that_is_no_object_is_refused(body):
    assert refusals(body, plain) == {"body": "The body is not a JSON object. Send one event."}


def test_all_that_is_missing_is_stated_at_once():
    assert set(refusals({}, plain)) == {"event_type", "referral.reference"}
    assert "referral.received" in refusals({}, plain)["event_type"]


@pytest.mark.parametrize("event_type", [None, "", "  ", [], {}, False])
def test_an_event_needs_a_type(event_type):
    assert set(refusals({**plain_event(), "event_type": event_type}, plain)) == {"event_type"}


@pytest.mark.parametrize("referral", [None, "3502768696", [], {}, {"reference": None}])
def test_an_event_needs_a_reference(referral):
    assert set(refusals({**plain_event(), "referral": referral}, plain)) == {"referral.reference"}


@pytest.mark.parametrize(
    "reference", ["a" * 65, "35 02", "35/02", "../x", "<b>1</b>", "é1", "-1", "1\n2", "?", "%2F"]
)
def test_a_reference_that_cannot_stand_in_an_address_is_refused(reference):
    assert "1 to 64" in refusals(plain_event(reference=reference), plain)["referral.reference"]


# -- What is accepted all the same ----------------------------------------------------------------


def test_the_least_event_is_enough():
    event = parse(plain_event())
    assert (event.kind, event.references) == (EventKind.RECEIVED, (REFERENCE,))
    assert event.document == {"reference": REFERENCE}


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_empty_null_and_absent_are_the_same(empty):
    full = load("event-plain")
    emptied = {**dict.fromkeys(full, empty), "event_type": "referral.received"}
    emptied["referral"] = {**dict.fromkeys(full["referral"], empty), "reference": REFERENCE}
    event = parse(emptied)
    assert event.document == {"reference": REFERENCE}
    assert event.warnings == ()


def test_ids_may_be_numbers():
    content = plain_event(reference=3502768696)
    event = parse({**content, "organization": {"id": 812}, "service_listing": {"id": 4417}})
    assert event.references == (REFERENCE,)
    assert (event.organization_id, event.listing_id) == ("812", "4417")
    assert plain.read_envelope(json.dumps({**content, "event_id": 17}).encode()).event_id == "17"


def test_an_unknown_event_type_is_kept_with_its_code():
    event = parse(plain_event("referral.<b>teleported</b>" + "x" * 200))
    assert event.kind is EventKind.UNKNOWN
    assert event.code.startswith("referral.teleportedxx")
    assert len(event.code) == 100


def test_wrong_types_are_warned_about_and_reported_as_they_came():
    event = parse(
        plain_event(
            registrant={"first_name": {"x": 1}, "last_name": "Roy", "address": "12 Mill Rd"},
            routed="perhaps",
            requester=["Singh"],
            submitted_at="yesterday",
            appointment={"id": 7, "duration_minutes": "half an hour"},
        )
    )
    read = event.document
    assert read["registrant"] == {
        "last_name": "Roy",
        "addresses": [{"slot": "main", "lines": ["12 Mill Rd"]}],
    }
    assert read["appointment"] == {"id": "7"}
    assert [(part["group"], part["label"], part["text"]) for part in read["also_sent"]] == [
        ("Registrant", "First name", "X: 1"),
        ("Referral", "Requester", "Singh"),
    ]
    assert [(part["field"], part["text"]) for part in read["unreadable"]] == [
        ("referral.routed", "perhaps"),
        ("referral.submitted_at", "yesterday"),
        ("referral.appointment.duration_minutes", "half an hour"),
    ]
    assert len(event.warnings) == 5
    assert ("referral.registrant.first_name", "not_text") in [
        (warning.field, warning.cause) for warning in event.warnings
    ]


def test_warnings_state_which_field_but_not_what_stood_there():
    event = parse(
        plain_event(registrant={"date_of_birth": "Mireille, 29 June", "address": "Secret St"})
    )
    stored = " ".join(f"{w.field} {w.cause}" for w in event.warnings)
    shown = " ".join(sentence(w.field, w.cause) for w in event.warnings)
    assert "Date of birth" in shown
    assert not any(
        word in text
        for word in ("Mireille", "29", "Secret")
        for text in (stored, shown, repr(event.warnings))
    )


def test_a_flood_of_problems_gives_a_handful_of_warnings():
    people = [{f"k{n}": n} for n in range(9)]
    answers = [{"label": f"q{n}", "value": {"nested": {}}} for n in range(500)]
    contacts = [{"name": person, "relationship": person} for person in people] * 100
    event = parse(plain_event(registrant={"contacts": contacts}, form_answers=answers))
    assert 0 < len(event.warnings) <= 51


# -- What it says --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1991-06-29", "1991-06-29"),
        ("1991-06", "1991-06"),
        ("1991", "1991"),
        ("1991-06-29T00:00:00Z", "1991-06-29"),
        ("29/06/1991", "1991-06-29"),
        ("03/04/1991", None),
        ("1991-02-30", None),
        ("0001-01-01", None),
        ("June", None),
    ],
)
def test_a_date_of_birth_is_kept_as_exact_as_it_was_sent(sent, kept):
    assert registrant(date_of_birth=sent).get("date_of_birth") == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-03-19T18:30:00Z", "2026-03-19T18:30:00+00:00"),
        ("2026-03-19T14:30:00-04:00", "2026-03-19T14:30:00-04:00"),
        ("2026-03-19 14:30", "2026-03-19T14:30:00"),
        ("2026-03-19", "2026-03-19"),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("noon", None),
    ],
)
def test_a_time_is_kept_with_its_offset_or_as_it_was_sent(sent, kept):
    assert document(appointment={"start": sent}).get("appointment", {}).get("start") == kept


def test_a_time_without_offset_is_kept_and_warned_about():
    event = parse(plain_event(appointment={"start": "2026-03-19T14:30:00"}))
    assert event.warnings == (
        Warning("referral.appointment.start", "no_time_zone", path="appointment.start"),
    )
    assert event.document["appointment"]["start"] == "2026-03-19T14:30:00"


@pytest.mark.parametrize(
    ("occurred_at", "aware", "local"),
    [
        ("2026-03-11T19:52:56Z", datetime(2026, 3, 11, 19, 52, 56, tzinfo=UTC), None),
        ("2026-03-11 07:52:56pm", None, datetime.fromisoformat("2026-03-11T19:52:56")),
        ("2026-03-11T19:52:56", None, datetime.fromisoformat("2026-03-11T19:52:56")),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_time_of_an_event_is_aware_or_local_or_unknown(occurred_at, aware, local):
    event = parse({**plain_event(), "occurred_at": occurred_at})
    assert (event.occurred_at, event.local_time) == (aware, local)
    assert bool(event.warnings) is (occurred_at == "soon")


def test_phones_and_address_come_in_named_places():
    person = registrant(
        phone_main={"number": "705-555-0142", "may_text": True},
        phone_alt="705-555-0177",
        email="a@example.org",
        address={"line1": "12 Mill Rd", "line2": None, "city": "Milltown"},
    )
    assert person["phones"] == [
        {"slot": "main", "number": "705-555-0142", "rank": 1, "may_text": True},
        {"slot": "alt", "number": "705-555-0177", "rank": 2},
    ]
    assert person["emails"] == [{"slot": "main", "address": "a@example.org"}]
    assert person["addresses"] == [{"slot": "main", "lines": ["12 Mill Rd"], "city": "Milltown"}]


@pytest.mark.parametrize(
    ("sent", "language"),
    [
        ("fr", {"code": "fr"}),
        ("fr-CA", {"code": "fr-CA"}),
        ("Anishinaabemowin", {"name": "Anishinaabemowin"}),
    ],
)
def test_a_language_is_a_code_or_a_name(sent, language):
    assert registrant(preferred_language=sent)["languages"] == [{**language, "preferred": True}]


def test_a_permission_that_is_refused_is_kept_and_one_not_given_is_absent():
    person = registrant(
        phone_main={"number": "1", "may_text": False}, email={"address": "a@b", "may_email": None}
    )
    assert person["phones"][0]["may_text"] is False
    assert "may_email" not in person["emails"][0]


def test_answers_of_every_kind_become_text_in_form_order():
    answers = [
        {"key": "a", "label": "A", "value": ["x", True, None, {"label": "y"}]},
        {"key": "b", "label": "B", "value": False},
        {"key": "c", "label": "C", "value": 12.5},
        {"key": "d", "label": "D", "value": ""},
        {"key": "a", "label": "A again", "value": "z"},
        {"label": "No key", "value": 0},
    ]
    assert document(form_answers=answers)["form_answers"] == [
        {"key": "a", "label": "A", "value": "x, yes, y"},
        {"key": "b", "label": "B", "value": "no"},
        {"key": "c", "label": "C", "value": "12.5"},
        {"key": "a#2", "label": "A again", "value": "z"},
        {"key": "No key", "label": "No key", "value": "0"},
    ]


NOTHING = [{"value": ""}, {"value": None}, {}, {"value": []}, {"value": {"text": " "}}]


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize(
    ("form", "key"),
    [("intake", "intake"), ({"id": "f1", "name": "Intake"}, "f1"), ({"name": "Intake"}, "Intake")],
)
def test_a_form_without_an_answer_replaces_itself_whole(form, key, nothing):
    asked = [{"form": form, "key": key, "label": key, **nothing} for key in ("a", "b")]
    assert document(form_answers=asked) == {
        "reference": REFERENCE,
        "withdrawn": [{"part": "form_answers", "key": key}],
    }
    answered = document(form_answers=[*asked, {"form": form, "key": "c", "value": "x"}])
    assert "withdrawn" not in answered
    assert [answer["value"] for answer in answered["form_answers"]] == ["x"]


@pytest.mark.parametrize("nothing", NOTHING)
def test_answers_without_a_form_that_come_empty_take_nothing_back(nothing):
    """What a later message leaves out stays."""
    assert "withdrawn" not in document(form_answers=[{"key": "a", "label": "A", **nothing}])


def test_what_staff_wrote_for_themselves_is_never_passed_on():
    secret = {
        "text": "SECRET",
        "value": "SECRET",
        "label": "x",
        "filename": "SECRET.pdf",
        "data": "QUJD",
    }
    marks = [{"internal": True}, {"visibility": "internal"}, {"type": "internal_note"}]
    items = [{**secret, **mark} for mark in marks]
    content = plain_event(
        internal_notes=items,
        internal_note="SECRET",
        notes=items,
        messages=items,
        form_answers=items,
        attachments=items,
    )
    event = parse(content)
    assert event.document == {"reference": REFERENCE}
    assert event.files == ()


def test_internal_medicine_is_no_internal_note():
    answers = [{"key": "s", "label": "Specialty", "type": "Internal Medicine", "value": "yes"}]
    assert document(form_answers=answers)["form_answers"]


def test_a_lone_message_takes_its_side_from_the_event():
    message = {"id": "1", "text": "Hello"}
    one = document("message.from_provider", messages=[message])
    two = document("message.from_provider", messages=[message, {"id": "2", "text": "Hi"}])
    assert [m.get("side") for m in one["messages"]] == ["provider"]
    assert [m.get("side") for m in two["messages"]] == [None, None]


def test_a_closing_without_status_states_closed():
    assert document("referral.closed")["status"] == "closed"
    assert document("referral.closed", status="booked")["status"] == "booked"


def test_a_file_with_a_broken_content_is_announced_with_its_problem():
    event = parse(plain_event(attachments=[{"id": "a1", "filename": "x.pdf", "data": "%%%"}]))
    (file,) = event.files
    assert file.problem == "Its content in the message is not valid base64."
    assert event.document["attachments"] == [{"key": file.key, "filename": "x.pdf"}]


@pytest.mark.parametrize(
    "data", ["QSBub3RlLg==", "QSBub3RlLg", "QSBu\r\nb3RlLg==", " QSBub3RlLg== "]
)
def test_base64_is_read_with_or_without_padding_and_line_ends(data):
    assert parse(plain_event(attachments=[{"data": data}])).files[0].content == b"A note."


def test_two_files_with_the_same_id_are_both_kept():
    files = [
        {"id": "a", "filename": "1.txt", "data": "QQ=="},
        {"id": "a", "filename": "2.txt", "data": "Qg=="},
    ]
    event = parse(plain_event(attachments=files))
    assert [file.filename for file in event.files] == ["1.txt", "2.txt"]
    assert len({file.key for file in event.files}) == 2


def test_what_a_parsed_event_holds_stays_out_of_its_repr():
    shown = repr(parse(load("event-plain")))
    assert not any(word in shown for word in ("Mireille", "1991-06", "Anxiety", "sandbox.caredove"))
