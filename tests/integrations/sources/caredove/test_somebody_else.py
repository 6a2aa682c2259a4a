"""What is another patient's is none of the referral's (rule 21), whatever it is."""

import pytest

from integrations.sources.account import texts_of
from tests.integrations.sources.caredove.messages import bundle, parse, request

FILE = {"title": "SECRET.txt", "contentType": "text/plain", "data": "aGVsbG8="}
# Resources that say whose they are, and by which member.
RESOURCES = {
    "QuestionnaireResponse": {
        "item": [{"linkId": "1", "text": "SECRET", "answer": [{"valueString": "SECRET"}]}]
    },
    "DocumentReference": {"description": "SECRET", "content": [{"attachment": FILE}]},
    "DiagnosticReport": {"code": {"text": "SECRET"}, "presentedForm": [FILE]},
    "Media": {"content": FILE},
    "Communication": {"payload": [{"contentString": "SECRET"}]},
    "Condition": {"code": {"text": "SECRET"}},
    "Flag": {"code": {"text": "SECRET"}},
    "Task": {"status": "completed", "note": [{"text": "SECRET"}]},
    "RelatedPerson": {"name": [{"text": "SECRET"}]},
    "Coverage": {"type": {"text": "SECRET"}},
    "Appointment": {"status": "booked", "description": "SECRET", "start": "2026-05-01T10:00:00Z"},
}
MEMBERS = {"Task": "for", "RelatedPerson": "patient", "Coverage": "beneficiary"}
SAGA = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Lindqvist"}]}
BOB = {"resourceType": "Patient", "id": "p2", "name": [{"family": "SECRET"}]}


def about(kind: str, *patients: str) -> dict:
    """Return a resource of a kind about these patients."""
    references = [{"reference": patient} for patient in patients]
    if kind == "Appointment":
        whose = {"participant": [{"actor": reference} for reference in references]}
    else:
        whose = {MEMBERS.get(kind, "subject"): references[0]}
    return {"resourceType": kind, "id": "x-123456", **RESOURCES[kind], **whose}


def asked(resource: dict) -> dict:
    reference = {"reference": f"{resource['resourceType']}/x-123456", "display": "SECRET"}
    return request(subject={"reference": "Patient/p1"}, supportingInfo=[reference])


def shown(event) -> str:
    return " ".join(texts_of(event.document))


@pytest.mark.parametrize("kind", RESOURCES)
def test_what_is_about_another_patient_of_the_message_is_left_out(kind):
    resource = about(kind, "Patient/p2")
    event = parse(bundle(asked(resource), SAGA, BOB, resource))
    assert "SECRET" not in shown(event)
    assert event.document["registrant"]["last_name"] == "Lindqvist"
    assert event.files == ()


@pytest.mark.parametrize("patient", ["Patient/p9", "https://x.example/fhir/Patient/p9/_history/2"])
@pytest.mark.parametrize("kind", RESOURCES)
def test_what_is_about_a_patient_who_did_not_come_is_left_out_and_staff_are_warned(kind, patient):
    resource = about(kind, patient)
    event = parse(bundle(request(subject={"reference": "Patient/p1"}), SAGA, resource))
    assert "SECRET" not in shown(event)
    assert [warning.cause for warning in event.warnings] == ["somebody_else"]


@pytest.mark.parametrize(
    "patient", ["Patient/p1", "#p1", "urn:uuid:1f0c52d9-0000-4d6f-8a27-5c0e", ""]
)
@pytest.mark.parametrize("kind", RESOURCES)
def test_what_may_be_about_the_registrant_is_reported(kind, patient):
    resource = about(kind, patient)
    event = parse(bundle(request(subject={"reference": "Patient/p1"}), SAGA, resource))
    assert "SECRET" in shown(event) or kind == "Media"
    assert event.warnings == ()


def test_an_appointment_of_several_people_is_reported_without_the_others():
    resource = about("Appointment", "Patient/p2", "Patient/p1")
    resource["participant"][0]["actor"]["display"] = "Bob Hidden"
    resource["description"] = "Group session"
    event = parse(bundle(asked(resource), SAGA, BOB, resource))
    assert event.document["appointment"]["description"] == "Group session"
    assert "Hidden" not in shown(event)
    assert "SECRET" not in shown(event)


def test_what_a_file_of_another_patient_withdraws_is_withdrawn():
    resource = {**about("DocumentReference", "Patient/p2"), "status": "entered-in-error"}
    event = parse(bundle(request(subject={"reference": "Patient/p1"}), SAGA, BOB, resource))
    assert {"part": "attachments", "key": "x-123456"} in event.document["withdrawn"]
