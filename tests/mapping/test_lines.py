"""A document as lines for people: complete, in reading order, each with its paths."""

from typing import Any

from hypothesis import given

from mapping import parts
from mapping.lines import lines
from tests.mapping.rules import TORONTO
from tests.strategies import documents


def told(document: Any) -> list[str]:
    return [str(line) for line in lines(document, TORONTO)]


@given(documents(typed=False))
def test_each_leaf_is_told_by_exactly_one_line(document: Any) -> None:
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
    assert told(document) == [
        "Reason for referral: Low mood",
        "Living situation: Alone",
        "May text main phone: no",
        "Caredove status: Closed (No Show, failed)",
        "Priority: routine",
        "Alternate contact: Daniel Okafor (Sibling), 705-555-0190",
        "Other name: Mimi",
        "Main phone: 705-555-0142",
        "Provincial health number: 0000000000 (Ontario)",
        "Submitted: 2026-03-09 11:21 EDT",
        "Parent reference #: 3502768600",
        "Note, 2026-03-09 11:21 EDT: Ground floor please",
        "Message from provider (Noor), 2026-03-10 09:05 EDT: Hi",
    ]


def test_a_reason_that_an_answer_repeats_is_told_once() -> None:
    answer = {"key": "reason", "label": "Why now?", "value": "Low mood"}
    assert told({"reason": "Low mood", "form_answers": [answer]}) == ["Why now?: Low mood"]


def test_a_question_without_an_answer_is_left_out() -> None:
    assert told({"form_answers": [{"key": "a", "label": "Living situation", "value": " "}]}) == []


def test_a_part_that_nobody_thought_of_is_told_all_the_same() -> None:
    assert told({"registrant": {"shoe_sizes": [{"left_foot": 38}]}}) == [
        "Registrant: Left foot: 38"
    ]


def test_a_line_does_not_show_its_text_in_logs() -> None:
    assert "Mimi" not in repr(lines({"registrant": {"other_names": ["Mimi"]}}, TORONTO))
