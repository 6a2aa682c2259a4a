"""Messages to test with: the files of the repository, and small ones made to measure."""

import copy
import json
from pathlib import Path
from typing import Any

from integrations.sources.caredove import fhir, plain
from integrations.sources.parsed import ParsedEvent, Unusable

TESTS = Path(__file__).parents[3] / "fixtures"
DEMO = Path(plain.__file__).parent / "fixtures"
GOLDEN = TESTS / "documents" / "caredove"

FILES = sorted(
    [
        *(file for file in (TESTS / "examples").glob("*.json") if "crms" not in file.name),
        *(TESTS / "samples").glob("*.json"),
        *DEMO.glob("*.json"),
    ],
    key=lambda file: file.name,
)

REFERENCE = "3502768696"
UUID = "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10"
REFERRAL_SYSTEM = "https://caredove.com/fhir/NamingSystem/id-referral"


def endpoint_of(content: Any):
    """Return the endpoint that a message belongs to."""
    return fhir if isinstance(content, dict) and "resourceType" in content else plain


def load(name: str) -> Any:
    """Return the content of a message file."""
    return json.loads(next(file for file in FILES if file.stem == name).read_bytes())


def parse(content: Any, endpoint: Any = None) -> ParsedEvent:
    """Parse a message through its endpoint; reading its envelope must agree."""
    body = json.dumps(content).encode()
    endpoint = endpoint or endpoint_of(content)
    event, envelope = endpoint.parse(body), endpoint.read_envelope(body)
    assert (envelope.code, envelope.references) == (event.code, event.references)
    assert envelope.organization_id == event.organization_id
    return event


def refusals(body: Any, endpoint: Any) -> dict[str, str]:
    """Return what is wrong with an unusable body: messages by field."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    errors = []
    for ask in (endpoint.read_envelope, endpoint.parse):
        try:
            ask(raw)
        except Unusable as unusable:
            errors.append({error.field: error.message for error in unusable.errors})
    assert len(errors) == 2, "the body was accepted"
    assert errors[0] == errors[1]
    return errors[0]


def plain_event(event_type: str = "referral.received", **referral: Any) -> dict[str, Any]:
    """Return a plain event with only what must be there, and what is given."""
    return {"event_type": event_type, "referral": {"reference": REFERENCE, **referral}}


def bundle(*resources: dict[str, Any], **header: Any) -> dict[str, Any]:
    """Return a message bundle; its header focuses on the referral unless told otherwise."""
    start = {
        "resourceType": "MessageHeader",
        "eventCoding": {"code": "notify-add-service-request"},
        "focus": [{"reference": f"ServiceRequest/{REFERENCE}"}],
        **header,
    }
    entries = [{"resource": copy.deepcopy(resource)} for resource in [start, *resources]]
    for entry in entries:
        if "fullUrl" in entry["resource"]:
            entry["fullUrl"] = entry["resource"].pop("fullUrl")
    return {"resourceType": "Bundle", "type": "message", "entry": entries}


def request(**members: Any) -> dict[str, Any]:
    """Return the ServiceRequest of the referral."""
    return {"resourceType": "ServiceRequest", "id": REFERENCE, **members}
