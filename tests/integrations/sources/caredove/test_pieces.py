"""The parts of a message: named as their fields are, few, and found where a repair was made."""

import pytest

from integrations.sources.caredove import plain
from tests.integrations.sources.caredove.messages import bundle, parse, plain_event, request


def test_parts_of_a_plain_event_are_its_objects_its_values_and_its_items():
    notes = [{"at": "2026-03-11", "text": "Prefers mornings."}, {"text": "Hello."}]
    parts = parse(
        plain_event(registrant={"first_name": "Mireille", "gender": ""}, notes=notes)
    ).parts
    assert {"referral", "referral.registrant", "referral.registrant.first_name"} <= {*parts}
    assert {"referral.notes#2026-03-11", "referral.notes#2"} <= {*parts}
    assert "referral.registrant.gender" not in parts


def test_parts_of_a_fhir_message_are_its_resources():
    documents = [{"resourceType": "DocumentReference", "id": f"doc-{n}"} for n in (1, 2)]
    event = parse(bundle(request(), *documents))
    assert {"ServiceRequest", "DocumentReference#doc-1", "DocumentReference#doc-2"} <= {
        *event.parts
    }


LARGE = {
    "many answers": plain_event(form_answers=[{"key": str(n), "value": "x"} for n in range(5000)]),
    "many members": plain_event(registrant={f"k{n}": {"a": "x"} for n in range(5000)}),
    "a tree": plain_event(
        a={
            f"k{n}": {f"k{m}": {f"k{o}": "x" for o in range(9)} for m in range(9)}
            for n in range(40)
        }
    ),
    "long names": plain_event(notes=[{"name": "x" * 100_000, "text": "x"} for _ in range(9)]),
    "many kinds": bundle(request(), *({"resourceType": f"Kind{n}", "id": "x"} for n in range(900))),
    "many of a kind": bundle(
        request(), *({"resourceType": "Observation", "id": f"o-{n}"} for n in range(900))
    ),
}


@pytest.mark.parametrize("message", LARGE.values(), ids=LARGE)
def test_a_large_message_has_few_parts_with_short_names(message):
    parts = parse(message).parts
    assert len(parts) <= 500
    assert sum(map(len, parts)) < 50_000


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b'{"reason": "Low \\ud800 mood", "priority": "urgent"}', {"referral.reason"}),
        (
            b'{"notes": [{"at": "2026-03-11", "text": "\\ud800"}], "reason": "x"}',
            {"referral.notes#2026-03-11"},
        ),
        (b'{"reason": "x", "reason": "y", "priority": "urgent"}', {"referral.reason"}),
        ('{"reason": "Déprimée", "priority": "urgent"}'.encode("cp1252"), {"referral.reason"}),
    ],
    ids=["characters", "in a list", "a key", "an encoding"],
)
def test_a_repair_is_known_to_be_where_it_was_made(body, parts):

    whole = b'{"event_type": "referral.received", "referral": ' + body[:-1]
    event = plain.parse(whole + b', "reference": "3502768696"}}')
    (warning,) = event.warnings
    assert {*warning.parts} == parts
