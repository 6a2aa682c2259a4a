"""What an allow-list leaves out of a document leaves in no form."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from mapping.editing.preview import preview
from mapping.engine import engine
from mapping.engine.engine import Context, Rule
from mapping.engine.targets import TargetField
from mapping.source import catalogue, parts
from mapping.source.allowing import ALL, GROUPS, PARTS, TABLES, AllowList, unknown
from mapping.source.document import Document
from referrals.summary import layout

ZONE = ZoneInfo("America/Toronto")
ANSWER_KEYS = ("reason", "history", "once")


def full_document() -> Document:
    """Return a document whose every text is its own, so that it is recognized wherever it is."""
    return cast(
        Document,
        {
            "reference": "3502768696",
            "parent_reference": "canary-parent",
            "identifiers": [{"type": "MR", "value": "canary-identifier"}],
            "priority": "canary-priority",
            "service": "canary-service",
            "reason": "canary-reason",
            "status": "canary-status",
            "substatus": {"label": "canary-label", "classification": "canary-classification"},
            "listing": {"id": "canary-listing-id", "name": "canary-listing-name"},
            "organization": {"id": "canary-organization-id", "name": "canary-organization-name"},
            "registrant": {
                "first_name": "canary-first",
                "last_name": "canary-last",
                "other_names": ["canary-other"],
                "date_of_birth": "1991-06-29",
                "gender": "canary-gender",
                "languages": [{"name": "canary-language", "code": "iu", "preferred": True}],
                "addresses": [
                    {"use": "old", "lines": ["canary-old-street"], "city": "canary-old-city"},
                    {"use": "home", "lines": ["canary-street"], "province": "ON"},
                ],
                "phones": [
                    {"number": "807-555-0102", "rank": 2, "may_text": True},
                    {"number": "807-555-0101", "rank": 1, "use": "mobile"},
                ],
                "emails": [{"address": "canary@example.org", "may_email": False}],
                "identifiers": [{"type": "JHN", "value": "canary-health-number"}],
                "contacts": [{"name": "canary-contact", "phones": ["807-555-0103"]}],
            },
            "requester": {"first_name": "canary-requester", "email": "asks@example.org"},
            "appointment": {
                "status": "booked",
                "start": "2026-03-19T18:30:00Z",
                "end": "2026-03-19T19:15:00Z",
                "location": "canary-location",
            },
            "form_answers": [
                {
                    "form": "one",
                    "form_name": "canary-form-1",
                    "key": "reason",
                    "value": "canary-yes-1",
                },
                {
                    "form": "two",
                    "form_name": "canary-form-2",
                    "key": "reason",
                    "value": "canary-yes-2",
                },
                {"form": "two", "key": "history", "label": "canary-asked", "value": "canary-yes-3"},
                {"form": "three", "key": "once", "value": "canary-yes-4"},
            ],
            "notes": [{"author": "canary-author", "text": "canary-note"}],
            "messages": [{"sender": "canary-sender", "text": "canary-message"}],
            "attachments": [
                {"key": "a", "filename": "canary-file.pdf", "description": "canary-scan"}
            ],
            "also_sent": [{"group": "canary-group", "label": "canary-tag", "text": "canary-also"}],
            "unreadable": [{"field": "canary-field", "text": "canary-unreadable", "cause": "date"}],
        },
    )


def hostile_rules() -> list[Rule]:
    """Return rules that read everything there is, alone and joined, into one field each."""
    keys = [one.key for one in catalogue.fields()]
    keys += [one.key for one in catalogue.answers_in(full_document())]
    alone = [Rule(f"t{n}", (key,), (), n) for n, key in enumerate(keys, start=1)]
    everything = Rule("joined", tuple(keys), (("join", {"separator": " "}),), 0)
    by_turns = [Rule(f"u{n}", tuple(keys[n:]), (), 500 + n) for n in range(len(keys))]
    return [everything, *alone, *by_turns]


RULES = hostile_rules()
TARGETS = (
    *(TargetField(rule.target, rule.target) for rule in RULES),
    TargetField("note", "Note", takes_rest=True),
)
NAMES = sorted(
    {*GROUPS, *PARTS, *TABLES, "answers.two", "answers.three", *(f.key for f in catalogue.fields())}
    | {f"answer:{key}" for key in ANSWER_KEYS}
    | {"form:one|reason", "form:two|history"}
)


def outputs(document: Document, allowed: AllowList) -> Iterator[str]:
    """Yield everything that is made of a document for a destination, and for its preview."""
    context = Context(ZONE, {}, TARGETS, allowed=allowed)
    outcome = engine.apply(RULES, document, context)
    yield json.dumps(dict(outcome.record))
    shown = preview(RULES, document, context)
    yield json.dumps(dict(shown.record))
    yield "\n".join(f"{row.shown} {[one.text for one in row.remarks]}" for row in shown.rows)
    yield "\n".join(map(str, (*outcome.note, *shown.note)))
    yield "\n".join(f"{one.source.label}: {one.value}" for one in shown.unread)
    part = allowed.part(document)
    yield json.dumps(part)
    yield repr(layout.sheet(part, ZONE))


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str) and len(value) > 4:
        yield value


def test_whatever_a_mapping_reads_nothing_leaves_that_is_not_allowed() -> None:
    document = full_document()
    every = {text for text in texts(document) if re.match(r"canary|\d", text)}
    chance = random.Random(16)
    for number in range(60):
        names = tuple(chance.sample(NAMES, number % 12))
        allowed = AllowList(names, attachments=bool(number % 2))
        hidden = every - set(texts(allowed.part(document)))
        assert hidden
        for made in outputs(document, allowed):
            assert not [text for text in hidden if text in made], names


def test_each_name_lets_out_what_it_names_and_no_more() -> None:
    document = full_document()
    for names, left in {
        (): {"3502768696"},
        ("registrant.phone_2",): {"3502768696", "807-555-0102"},
        ("registrant.phone_1",): {"3502768696", "807-555-0101"},
        ("registrant.address.street",): {"3502768696", "canary-street"},
        ("reason",): {"3502768696", "canary-reason"},
        ("appointment.duration_minutes",): {"3502768696"},
        ("form:two|history",): {"3502768696", "history", "canary-asked", "canary-yes-3"},
        ("answers.three",): {"3502768696", "three", "canary-yes-4"},
        ("status",): {"3502768696", "canary-status", "canary-label", "canary-classification"},
        ("events", "deliveries", "no such field"): {"3502768696"},
    }.items():
        assert set(texts(AllowList(names).part(document))) == left, names


def test_a_phone_is_read_by_its_place_among_all_phones() -> None:
    context = Context(ZONE, {}, TARGETS, allowed=AllowList(("registrant.phone_2",)))
    rules = [Rule("t1", ("registrant.phone_1",)), Rule("t2", ("registrant.phone_2",), (), 1)]
    record = engine.apply(rules, full_document(), context).record
    assert record == {"t2": "807-555-0102", "note": "Reference #: 3502768696"}


def test_an_answer_that_several_forms_have_is_not_allowed_by_its_key_alone() -> None:
    document = full_document()
    allowed = AllowList(("answer:reason", "answer:once"))
    assert allowed.ambiguous(document) == ["answer:reason"]
    assert set(texts(allowed.part(document))) == {"3502768696", "three", "canary-yes-4"}


def test_that_an_appointment_is_cancelled_is_not_left_out_while_its_time_is_shown() -> None:
    document = full_document()
    document["appointment"]["status"] = "cancelled"
    allowed = AllowList(("appointment.start",))
    assert "appointment" not in allowed.part(document)
    with_status = AllowList(("appointment.start", "appointment.status")).part(document)
    assert set(with_status["appointment"]) == {"start", "status"}


def test_all_is_the_document_itself_but_for_files_that_may_not_leave() -> None:
    document = full_document()
    assert AllowList().part(document) is document
    without = AllowList((ALL,), attachments=False).part(document)
    assert set(document) - set(without) == {"attachments"}


def test_what_stays_keeps_the_path_that_it_had() -> None:
    document = full_document()
    there = dict(parts.leaves(document))
    for name in NAMES:
        for path, value in parts.leaves(AllowList((name,)).part(document)):
            assert there[path] == value


@pytest.mark.parametrize("name", ["registrant.phone_3", "answer:", "form:one", "answers.", "ALL"])
def test_a_name_that_nothing_has_is_unknown(name: str) -> None:
    assert unknown([*NAMES, ALL, name]) == [name]
