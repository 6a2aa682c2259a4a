"""Events about an invented person, to try a listing with. Everything in them says "test"."""

import json
from base64 import b64encode
from typing import Any

NOTE = (
    "This is a test that was sent from Dovetail. The person does not exist. "
    "It can be deleted wherever it arrives."
)

ENDPOINT = "plain"

# What Caredove would send, and with which status, when a trigger fires; Received comes first.
AFTERWARDS: dict[str, tuple[str, dict[str, Any]]] = {
    "edited": ("referral.edited", {}),
    "status_ready": ("referral.status_changed", {"classification": "ready"}),
    "status_received": ("referral.status_changed", {"classification": "received"}),
    "closed_completed": ("referral.closed", {"classification": "completed"}),
    "closed_rejected": ("referral.closed", {"classification": "rejected"}),
    "closed_cancelled": ("referral.closed", {"classification": "cancelled"}),
    "closed_failed": ("referral.closed", {"classification": "failed"}),
    "closed_error": ("referral.closed", {"classification": "entered-in-error"}),
    "closed_any": ("referral.closed", {"classification": "completed"}),
    "booked": ("appointment.booked", {}),
    "rescheduled_unbooked": ("appointment.rescheduled", {}),
    "archived": ("referral.archived", {}),
    "message_from_provider": ("message.from_provider", {}),
    "message_from_requester": ("message.from_requester", {}),
}


def bodies(trigger: str, listing: dict[str, str], reference: str, event_id: str) -> list[bytes]:
    """Return the plain events, in their order, of which the last one fires the trigger.

    `listing` has Caredove's `id` and the `name`; `event_id` begins the id of each event.
    """
    wanted = [("referral.received", {}), *([AFTERWARDS[trigger]] if trigger in AFTERWARDS else [])]
    return [
        json.dumps(
            _event(event_type, substatus, listing, reference, f"{event_id}-{number}")
        ).encode()
        for number, (event_type, substatus) in enumerate(wanted, start=1)
    ]


def _event(
    event_type: str, substatus: dict[str, Any], listing: dict[str, str], reference: str, id_: str
) -> dict[str, Any]:
    return {
        "event_id": id_,
        "event_type": event_type,
        "service_listing": listing,
        "referral": {
            "reference": reference,
            "sent_method": "Test from Dovetail",
            "service": "Test",
            "reason": NOTE,
            "substatus": substatus,
            "registrant": _REGISTRANT,
            "requester": {"first_name": "Test", "last_name": "Requester", "organization": "Test"},
            "attachments": [_ATTACHMENT],
            **({"appointment": _APPOINTMENT} if event_type.startswith("appointment") else {}),
        },
    }


_REGISTRANT = {
    "first_name": "Test",
    "last_name": "Nobody-Dovetail",
    "date_of_birth": "1970-01-01",
    "gender": "unknown",
    "preferred_language": "en",
    "phone_main": {"number": "416-555-0100"},
    "email": {"address": "test@example.org"},
    "address": {
        "line1": "1 Test Street",
        "city": "Toronto",
        "province": "ON",
        "country": "CA",
        "postal_code": "M5V 0A1",
    },
}
_APPOINTMENT = {
    "id": "test",
    "status": "booked",
    "start": "2035-01-02T15:00:00Z",
    "duration_minutes": 30,
    "location": "Test",
    "provider_full_name": "Test Provider",
}
_ATTACHMENT = {
    "id": "test",
    "filename": "test.txt",
    "content_type": "text/plain",
    "description": "Test",
    "data": b64encode(NOTE.encode()).decode(),
}
