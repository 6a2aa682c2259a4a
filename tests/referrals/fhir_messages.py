"""Messages of one referral over FHIR, each with a time of its own."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integrations.sources.caredove.messages import bundle, request

START = datetime(2026, 3, 11, 10, tzinfo=UTC)


def message(number: int, *resources: dict[str, Any], code: str = "") -> dict[str, Any]:
    """Return the message of this number: later numbers are later."""
    event = code or ("add-service-request" if number == 1 else "update-service-request")
    at = (START + timedelta(minutes=number)).isoformat()
    people = {
        "resourceType": "Patient",
        "id": "p-77001",
        "name": [{"family": "Okafor", "given": ["Mireille"]}],
        "birthDate": "1991-06-29",
    }
    listing = {
        "resourceType": "HealthcareService",
        "id": "svc-4417",
        "identifier": [
            {"system": "https://caredove.com/fhir/NamingSystem/id-service", "value": "4417"}
        ],
    }
    asked = request(subject={"reference": "Patient/p-77001"})
    given = {resource["resourceType"] for resource in resources}
    whole = [part for part in (asked, people, listing) if part["resourceType"] not in given]
    found = bundle(*whole, *resources, id=f"m-{number:06}", eventCoding={"code": f"notify-{event}"})
    return {**found, "timestamp": at}


def document(text: str = "", id_: str = "doc-1", title: str = "", **members: Any) -> dict[str, Any]:
    """Return a document; without a text it has neither a name nor content."""
    held = {"title": title or f"{text}.txt", "contentType": "text/plain"}
    data = b64encode(f"This is the {text}.".encode()).decode()
    content = {"content": [{"attachment": {**held, "data": data}}]} if text else {}
    own = {"id": id_} if id_ else {}
    return {"resourceType": "DocumentReference", "status": "current", **own, **content, **members}


def taken_back(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource as one that was entered in error."""
    return {**resource, "status": "entered-in-error"}


def replacing(resource: dict[str, Any], target: Any) -> dict[str, Any]:
    """Return the resource as one that replaces another."""
    named = target if isinstance(target, dict) else {"reference": f"DocumentReference/{target}"}
    return {**resource, "relatesTo": [{"code": "replaces", "target": named}]}


def form(number: str, id_: str = "qr-1", **members: Any) -> dict[str, Any]:
    """Return a form with one answer, `number`; without one it is empty."""
    items = [{"linkId": "1", "text": "Allergies", "answer": [{"valueString": number}]}]
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        **({"id": id_} if id_ else {}),
        **({"item": items} if number else {}),
        **members,
    }
