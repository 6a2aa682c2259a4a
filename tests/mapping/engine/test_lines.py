"""A document as lines for people: complete, in reading order, each with its paths."""

from typing import Any

import pytest
from hypothesis import given

from mapping.engine.lines import ALSO_SENT, lines
from mapping.source import parts
from mapping.source.document import Document
from tests.everything import EVERYTHING, OUR_NAMES, internal_texts, names_in, names_of
from tests.mapping.rules import TORONTO
from tests.strategies import documents


def lines_of(document: Any) -> list[str]:
    """What a note says where no field takes anything."""
    return [str(line) for line in lines(document, TORONTO) if not line.aside]


@given(documents(typed=False))
def test_each_leaf_is_reported_by_exactly_one_line(document: Any) -> None:
    paths = [path for line in lines(document, TORONTO) for path in line.paths]
    leaves = {path for path, _ in parts.leaves(document)}
    assert leaves <= set(paths)
    assert sorted(paths, key=repr) == sorted(set(paths), key=repr)


def test_the_lines_come_in_reading_order() -> None:
    document = {
        "messages": [
            {"at": "2026-03-10T13:05:00Z", "side": "provider", "sender": "Noor", "text": "Hi"}
        ],
        "notes": [{"at": "2026-03-09T15:21:51Z", "text": "Ground floor please"}],
        "submitted_at": "2026-03-09T15:21:51Z",
        "parent_reference": "3502768600",
        "registrant": {
            "identifiers": [
                {
                    "type": "JHN",
                    "value": "0000000000",
                    "system": "https://fhir.infoway-inforoute.ca/NamingSystem/ca-on-patient-hcn",
                }
            ],
            "contacts": [
                {"name": "Daniel Okafor", "relationship": "Sibling", "phones": ["705-555-0190"]}
            ],
            "phones": [{"number": "705-555-0142", "may_text": False}],
            "other_names": ["Mimi"],
        },
        "priority": "routine",
        "status": "closed",
        "substatus": {"label": "No Show", "classification": "failed"},
        "form_answers": [{"key": "a", "label": "Living situation", "value": "Alone"}],
        "reason": "Low mood",
    }
    assert lines_of(document) == [
        "Reason for referral: Low mood",
        "Living situation: Alone",
        "May text main phone: no",
        "Caredove status: Closed (No Show, failed)",
        "Priority: routine",
        "Alternate contact: Daniel Okafor (Sibling), 705-555-0190",
        "Other name: Mimi",
        "Main phone: 705-555-0142",
        "Provincial health number: 0000000000 (Ontario)",
        "Parent reference #: 3502768600",
        "Note, 2026-03-09 11:21 EDT: Ground floor please",
        "Message from provider (Noor), 2026-03-10 09:05 EDT: Hi",
    ]


def test_a_reason_that_an_answer_repeats_is_reported_once() -> None:
    answer = {"key": "reason", "label": "Why now?", "value": "Low mood"}
    assert lines_of({"reason": "Low mood", "form_answers": [answer]}) == ["Why now?: Low mood"]


def test_a_question_without_an_answer_is_left_out() -> None:
    assert (
        lines_of({"form_answers": [{"key": "a", "label": "Living situation", "value": " "}]}) == []
    )


def test_a_part_that_nobody_thought_of_is_reported_all_the_same() -> None:
    assert lines_of({"registrant": {"shoe_sizes": [{"left_foot": 38}]}}) == [
        "Registrant: Left foot: 38"
    ]


def test_a_line_does_not_show_its_text_in_logs() -> None:
    assert "Mimi" not in repr(lines({"registrant": {"other_names": ["Mimi"]}}, TORONTO))


# -- Every part of a document ----------------------------------------------------------------------


def test_the_document_of_these_tests_has_every_part_that_there_is() -> None:
    assert names_in(EVERYTHING) == set(names_of(Document))


@given(documents(typed=False))
def test_a_section_knows_every_part(document: Any) -> None:
    for line in lines(document, TORONTO):
        if line.group == ALSO_SENT:
            assert {path[0] for path in line.paths} == {"also_sent"}


def test_everything_is_reported_in_words() -> None:
    assert lines_of(EVERYTHING) == [
        "Reason for referral: Anxiety since January",
        "Intake: Allergies: Penicillin",
        "Call: Allergies: none",
        "Call: Risk level: high",
        "May text main phone: yes",
        "May text alternate phone: no",
        "May e-mail: no",
        "Request status: entered in error",
        "Caredove status: Closed (Entered in Error)",
        "Priority: stat",
        "Service asked for: Adult counselling intake",
        "Alternate contact: Daniel Okafor (Sibling), 705-555-0190, daniel@example.org",
        "First name: Mireille",
        "Middle name: Ann",
        "Last name: Tremblay-Okafor",
        "Other name: Mimi",
        "Date of birth: 1991-06-29",
        "Gender: female",
        "Main phone: 705-555-0142",
        "Main phone type: home",
        "Alternate phone: 705-555-0177",
        "Other phone: 705-555-0100 (work, former)",
        "E-mail: mireille@example.org",
        "Other e-mail: old@example.org (former)",
        "Street: 118 Birch St",
        "City: Milltown",
        "Province: ON",
        "Postal code: P0A 1B0",
        "Country: CA",
        "Address type: home",
        "Other address: 9 Pine Rd, Hearst (home, former)",
        "Preferred language: French",
        "Other language: French, fr-CA",
        "Other language: Oneida",
        "Provincial health number: 0000000000 (Ontario)",
        "Requester's first name: Harleen",
        "Requester's last name: Singh",
        "Requester's organization: Milltown Family Health Team",
        "Requester's phone: 705-555-0110",
        "Requester's e-mail: harleen@example.org",
        "Reference #: 3502768696",
        "Parent reference #: 3502768600",
        "Routed request: yes",
        "Source system referral ID: 7654321 (former)",
        "Appointment start: 2026-03-19 14:30 EDT",
        "Appointment end: 2026-03-19 15:15 EDT",
        "Appointment minutes: 30",
        "Appointment location: 40 Main St",
        "Appointment provider: Noor Haddad",
        "Appointment description: Bring the health card",
        "Note by Harleen, 2026-03-09 11:21 EDT: Ground floor please",
        "Message from provider (Noor Haddad), 2026-03-10 09:05 EDT: Would Thursday suit?",
        "Attachment: letter.pdf (Intake letter)",
        "Service listing: Adult Counselling - Milltown",
        "Could not be read: Date of birth: 03/04/1991 "
        "(It can be read as two dates: correct it in Caredove)",
        "Registrant: General practitioner: Dr. A. Osei",
        "Allergy: Penicillin, severe rash (2019)",
    ]


def test_what_only_states_how_the_referral_came_stands_aside() -> None:
    aside = [str(line) for line in lines(EVERYTHING, TORONTO) if line.aside]
    assert aside == [
        "Requester is a Caredove user: yes",
        "Sent by: Online Submission",
        "Submitted: 2026-03-09 11:21 EDT",
        "Caredove Inc.: b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10",
        "Appointment status: booked",
        "Appointment id: 1076646",
        "Attachment's type: application/pdf (15 bytes)",
        "Service listing's Caredove id: 4417",
        "Organization: Birchwood Community Mental Health",
        "Organization's Caredove id: 812",
    ]


def test_no_line_of_everything_holds_an_internal_word() -> None:
    shown = "\n".join(lines_of(EVERYTHING))
    assert not [word for word in internal_texts(EVERYTHING) | OUR_NAMES if word in shown]


@given(documents(internal=True))
def test_no_key_id_slot_or_path_is_ever_reported(document: Any) -> None:
    shown = "\n".join(lines_of(document))
    assert not [word for word in internal_texts(document) | OUR_NAMES if word in shown]


def test_what_is_former_is_informed_where_it_is_all_there_is() -> None:
    document: Document = {
        "registrant": {
            "phones": [{"number": "705-555-0100", "former": True}],
            "emails": [{"address": "old@example.org", "former": True}],
            "addresses": [{"use": "home", "city": "Hearst", "former": True}],
        }
    }
    assert lines_of(document) == [
        "Main phone: 705-555-0100",
        "Main phone type: former",
        "E-mail: old@example.org",
        "E-mail type: former",
        "City: Hearst",
        "Address type: home, former",
    ]


def test_an_unreadable_value_without_a_text_states_what_is_wrong() -> None:
    part = {"field": "referral.requester.phone", "path": "requester.phone", "cause": "not_text"}
    document: Any = {"unreadable": [part]}
    assert lines_of(document) == [
        "Could not be read: Requester: Phone: It is not text: compare it with Caredove"
    ]


def test_what_is_also_sent_comes_last_and_by_what_it_belongs_to() -> None:
    sent = [("Registrant", "Deceased", "no"), ("Flag", "", "Dog"), ("Registrant", "", "A\nB")]
    document: Any = {
        "also_sent": [
            {"key": str(place), "group": group, "label": label, "text": text}
            for place, (group, label, text) in enumerate(sent)
        ],
        "unreadable": [{"cause": "not_text", "text": "{}", "field": "a.priority", "path": ""}],
        "reason": "Low mood",
    }
    assert lines_of(document) == [
        "Reason for referral: Low mood",
        "Could not be read: Priority: {} (It is not text: compare it with Caredove)",
        "Registrant: Deceased: no",
        "Registrant: A\nB",
        "Flag: Dog",
    ]


def test_who_wrote_a_note_without_a_text_is_reported() -> None:
    assert lines_of({"notes": [{"author": "Harleen"}]}) == ["Note by Harleen: no text"]


def test_instants_in_answers_and_in_what_was_also_sent_are_in_the_organizations_zone() -> None:
    visit = {"key": "a", "group": "Other appointment", "text": "Booked (2026-04-01T14:00:00Z)"}
    answer = {"key": "b", "label": "Best time", "value": "2026-04-01T09:30:00-04:00"}
    document: Any = {"form_answers": [answer], "also_sent": [visit]}
    assert lines_of(document) == [
        "Best time: 2026-04-01 09:30 EDT",
        "Other appointment: Booked (2026-04-01 10:00 EDT)",
    ]


@pytest.mark.parametrize("text", ["2026-04-01", "2026-04-01T14:00+0500", "v2026-04-01T14:00:00Zx"])
def test_what_is_no_instant_is_reported_as_it_came(text: str) -> None:
    assert lines_of({"form_answers": [{"label": "When", "value": text}]}) == [f"When: {text}"]
