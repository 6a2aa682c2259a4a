"""Shapes that people and other systems produce: read as a person would read them."""

import json
import time
import tracemalloc
from collections.abc import Callable

import pytest

from core.text import lenient_json
from integrations.sources.caredove import fhir, plain
from integrations.sources.values.names import parse_name
from tests.integrations.sources.caredove.messages import (
    REFERENCE,
    bundle,
    parse,
    plain_event,
    refusals,
    request,
)

FOREIGN = "4445556667"
TYPED = {"type": {"text": "Caredove Reference #"}, "value": REFERENCE}


def asked(*identifiers: dict, focus: dict | None = None, **members) -> dict:
    about = {
        "resourceType": "ServiceRequest",
        "id": "sr-1",
        "identifier": list(identifiers),
        **members,
    }
    return bundle(about, focus=[focus or {"reference": "ServiceRequest/sr-1"}])


# -- The Reference # (rule 15) -------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        asked({"type": {"text": "Parent Caredove Reference #"}, "value": FOREIGN}, TYPED),
        asked({"type": {"text": "Caredove parent reference #"}, "value": FOREIGN}, TYPED),
        asked(
            {"type": {"text": "Parent Caredove Reference #"}, "value": FOREIGN},
            {"value": REFERENCE},
        ),
        asked({**TYPED, "value": FOREIGN, "period": {"end": "2020-01-01"}}, TYPED),
        asked({**TYPED, "value": FOREIGN, "use": "old"}, TYPED),
        asked({"value": FOREIGN, "assigner": {"display": "Ocean"}}, {"value": REFERENCE}),
        asked(
            {"value": FOREIGN, "assigner": {"reference": "Organization/9"}}, {"value": REFERENCE}
        ),
        asked({"value": FOREIGN, "assigner": "Some hospital"}, {"value": REFERENCE}),
        asked(
            {"value": REFERENCE},
            focus={
                "reference": "ServiceRequest/sr-1",
                "identifier": {"type": {"text": "Ocean referral id"}, "value": FOREIGN},
            },
        ),
        asked(
            {"value": REFERENCE, "assigner": {"display": "Caredove"}},
            {"value": FOREIGN, "type": {"coding": [{"code": "PLAC"}]}},
        ),
        asked(TYPED, basedOn=[{"reference": f"ServiceRequest/{FOREIGN}"}]),
        asked({"value": REFERENCE}, requisition={"value": FOREIGN}),
    ],
)
def test_a_foreign_number_is_never_the_reference(message):
    assert parse(message).references[0] == REFERENCE


@pytest.mark.parametrize(
    "identifier",
    [
        {"value": FOREIGN, "assigner": {"display": "Ocean"}},
        {"value": FOREIGN, "type": {"text": "OHIP"}},
        {"value": FOREIGN, "system": "https://other.example/id"},
    ],
)
def test_a_referral_with_only_a_foreign_number_is_refused(identifier):
    assert "MessageHeader.focus" in refusals(asked(identifier), fhir)


@pytest.mark.parametrize("kind", ["Referral ID", "reference number", "Caredove Inc.", ""])
def test_an_identifier_of_the_focus_that_is_nobody_elses_counts(kind):
    identifier = {"value": REFERENCE, **({"type": {"text": kind}} if kind else {})}
    assert parse(bundle(focus=[{"identifier": identifier}])).references == (REFERENCE,)


# -- One value in a list -------------------------------------------------------------------------


def test_a_value_alone_in_a_list_is_that_value():
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "birthDate": ["1990-01-01"],
        "gender": ["female"],
        "address": {"line": "1 X St", "city": ["Milltown"]},
    }
    event = parse(bundle(request(status=["revoked"], priority=["urgent"]), patient))
    registrant = event.document["registrant"]
    assert registrant["date_of_birth"] == "1990-01-01"
    assert registrant["gender"] == "female"
    assert registrant["addresses"][0]["city"] == "Milltown"
    assert event.document["priority"] == "urgent"
    assert event.document["request_status"] == "revoked"
    assert event.warnings == ()


def test_several_values_where_one_is_expected_are_reported():
    event = parse(plain_event(priority=["urgent", "today"]))
    assert event.document["also_sent"][0]["text"] == "urgent; today"
    assert [warning.cause for warning in event.warnings] == ["not_text"]


# -- People --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["CareTeam", "Device", "HealthcareService", "Organization"])
def test_what_is_no_person_is_never_read_as_one(kind):
    named = {"resourceType": kind, "id": "x-1", "name": "Blue Team"}
    for message in (
        bundle(request(requester={"display": "Blue Team", "type": kind})),
        bundle(request(requester={"reference": f"{kind}/x-1", "display": "Blue Team"})),
        bundle(request(requester={"reference": f"{kind}/x-1"}), named),
    ):
        assert parse(message).document["requester"] == {"organization": "Blue Team"}


@pytest.mark.parametrize("remark", ["(she/her)", "[they/them]", "(MD)", "(née Roy)"])
def test_a_remark_in_brackets_leaves_the_first_name(remark):
    name = parse_name(f"Doe, Jane {remark}")
    assert (name.first, name.last) == ("Jane", "Doe")


def test_a_contained_person_belongs_to_the_requester():
    role = {
        "resourceType": "PractitionerRole",
        "id": "role",
        "practitioner": {"reference": "#doc"},
        "organization": {"reference": "#org"},
    }
    person = {"resourceType": "Practitioner", "id": "doc", "name": [{"text": "Dr. Zoë Ng, MD"}]}
    place = {"resourceType": "Organization", "id": "org", "name": "Hill Clinic"}
    condition = {"resourceType": "Condition", "id": "c", "code": {"text": "Epilepsy"}}
    about = request(requester={"reference": "#role"}, contained=[role, person, place, condition])
    document = parse(bundle(about)).document
    assert document["requester"]["organization"] == "Hill Clinic"
    also_sent = {(p["group"], p.get("label", "")): p["text"] for p in document["also_sent"]}
    assert also_sent == {("Requester", "Name"): "Dr. Zoë Ng, MD", ("Condition", ""): "Epilepsy"}


def test_what_was_measured_is_reported_with_a_value_beside_its_value():
    measured = {"code": {"text": "Systolic"}, "valueString": "120 mmHg", "value": "high"}
    seen = {"resourceType": "Observation", "id": "obs-11111", "component": [measured]}
    document = parse(bundle(request(), seen)).document
    also_sent = document["also_sent"][0]["text"]
    assert "Systolic: 120 mmHg" in also_sent
    assert "high" in also_sent


# -- Large messages ------------------------------------------------------------------------------


def many(kind: str, count: int) -> dict:
    """Return a message with so many resources of a kind, or with so many parts."""
    patient = {"resourceType": "Patient", "id": "p1"}
    if kind == "extension":
        parts = [{"url": "https://x.example/same", "valueString": f"V{i}"} for i in range(count)]
        return bundle(request(extension=parts), patient)
    if kind == "contained":
        parts = [
            {"resourceType": "Condition", "id": f"c{i:05}", "code": {"text": f"C {i}"}}
            for i in range(count)
        ]
        named = [{"reference": f"#c{i:05}"} for i in range(count)]
        return bundle(request(contained=parts, reasonReference=named), patient)
    texts = {
        "Condition": {"code": {"text": "C"}},
        "QuestionnaireResponse": {
            "item": [{"linkId": "1", "text": "Q", "answer": [{"valueString": "A"}]}]
        },
    }
    resources = [
        {"resourceType": kind, "id": f"{kind}-{i:05}x", **texts.get(kind, {})} for i in range(count)
    ]
    about = request(subject={"reference": "Patient/p1"})
    return bundle(about, patient, *resources)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["Patient", "Condition", "QuestionnaireResponse", "extension", "contained"]
)
def test_reading_takes_time_in_proportion_to_the_message(kind):
    def seconds(count: int) -> float:
        message = many(kind, count)
        started = time.process_time()
        parse(message)
        return time.process_time() - started

    seconds(50)
    few, many_more = (min(seconds(count), seconds(count)) for count in (300, 1200))
    assert many_more < 9 * max(few, 0.01)  # the square would be 16 times as much


def answered(count: int) -> dict[str, dict]:
    """Return a message of each endpoint with so many answers."""
    answers = [{"key": f"q{i}", "label": f"Q {i}", "value": f"A {i}"} for i in range(count)]
    items = [
        {"linkId": f"q{i}", "text": f"Q {i}", "answer": [{"valueString": f"A {i}"}]}
        for i in range(count)
    ]
    form = {"resourceType": "QuestionnaireResponse", "id": "qr-11111", "item": items}
    return {"plain": plain_event(form_answers=answers), "fhir": bundle(request(), form)}


@pytest.mark.parametrize("endpoint", ["plain", "fhir"])
def test_reading_many_answers_takes_little_memory_beside_the_body(endpoint):
    body = json.dumps(answered(2000)[endpoint]).encode()
    endpoint = fhir if endpoint == "fhir" else plain
    endpoint.parse(body)

    def peak(read: Callable[[bytes], object]) -> int:
        tracemalloc.start()
        read(body)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    # The answers stand in the body and in the document; marks of each leaf were thrice as much.
    assert peak(endpoint.parse) < 2 * peak(lenient_json.read)


# -- What is withdrawn without saying which (rule 16) ---------------------------------------------


@pytest.mark.parametrize(
    "resource",
    [
        {"id": "doc-1", "status": "entered-in-error"},
        {
            "id": "doc-2",
            "status": "current",
            "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/d-1"}}],
        },
    ],
    ids=["withdrawn", "replaced"],
)
def test_staff_are_warned_of_a_withdrawn_file_that_cannot_be_distinguished(resource):
    event = parse(bundle(request(), {"resourceType": "DocumentReference", **resource}))
    assert "withdrawn_unknown" in [warning.cause for warning in event.warnings]


def test_a_file_under_a_local_id_is_withdrawn_by_its_name_and_content():
    attachment = {"title": "letter.pdf", "data": "JVBERi0xLjQKJSVFT0YK"}
    letter = {
        "resourceType": "DocumentReference",
        "id": "doc-1",
        "content": [{"attachment": attachment}],
    }
    sent = parse(bundle(request(), letter)).document["attachments"]
    taken_back = parse(bundle(request(), {**letter, "status": "entered-in-error"}))
    assert {"part": "attachments", "key": sent[0]["key"]} in taken_back.document["withdrawn"]
    assert taken_back.warnings == ()
