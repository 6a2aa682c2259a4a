"""A document in which every part that a document can have says something."""

import re
from typing import Any, get_args, get_type_hints, is_typeddict

from mapping.source.document import Document

EVERYTHING: Document = {
    "reference": "3502768696",
    "identifiers": [
        {
            "type": "Source system referral ID",
            "system": "https://emr.example.org/referral",
            "value": "7654321",
            "former": True,
        },
        {
            "type": "Caredove Inc.",
            "system": "https://caredove.com/fhir/NamingSystem/id-referral",
            "value": "b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10",
        },
    ],
    "parent_reference": "3502768600",
    "routed": True,
    "sent_method": "Online Submission",
    "submitted_at": "2026-03-09T15:21:51Z",
    "priority": "stat",
    "service": "Adult counselling intake",
    "reason": "Anxiety since January",
    "request_status": "entered-in-error",
    "status": "closed",
    "substatus": {"label": "Entered in Error", "classification": "entered-in-error"},
    "organization": {"id": "812", "name": "Birchwood Community Mental Health"},
    "listing": {"id": "4417", "name": "Adult Counselling - Milltown"},
    "registrant": {
        "first_name": "Mireille",
        "middle_name": "Ann",
        "last_name": "Tremblay-Okafor",
        "other_names": ["Mimi"],
        "date_of_birth": "1991-06-29",
        "gender": "female",
        "languages": [
            {"code": "fr", "name": "French", "preferred": True},
            {"code": "fr-CA"},
            {"name": "Oneida"},
        ],
        "addresses": [
            {
                "slot": "main",
                "use": "home",
                "lines": ["118 Birch St"],
                "city": "Milltown",
                "province": "ON",
                "country": "CA",
                "postal_code": "P0A 1B0",
            },
            {"use": "home", "lines": ["9 Pine Rd"], "city": "Hearst", "former": True},
        ],
        "phones": [
            {"slot": "main", "number": "705-555-0142", "use": "home", "rank": 1, "may_text": True},
            {"slot": "alt", "number": "705-555-0177", "rank": 2, "may_text": False},
            {"number": "705-555-0100", "use": "work", "former": True},
        ],
        "emails": [
            {"slot": "main", "address": "mireille@example.org", "rank": 1, "may_email": False},
            {"address": "old@example.org", "former": True},
        ],
        "identifiers": [
            {
                "type": "JHN",
                "system": "https://fhir.infoway-inforoute.ca/NamingSystem/ca-on-patient-hcn",
                "value": "0000000000",
            }
        ],
        "contacts": [
            {
                "relationship": "Sibling",
                "name": "Daniel Okafor",
                "phones": ["705-555-0190"],
                "emails": ["daniel@example.org"],
            }
        ],
    },
    "requester": {
        "first_name": "Harleen",
        "last_name": "Singh",
        "organization": "Milltown Family Health Team",
        "phone": "705-555-0110",
        "email": "harleen@example.org",
        "is_caredove_user": True,
    },
    "appointment": {
        "id": "1076646",
        "status": "booked",
        "start": "2026-03-19T18:30:00Z",
        "end": "2026-03-19T19:15:00Z",
        "duration_minutes": 30,
        "location": "40 Main St",
        "provider_full_name": "Noor Haddad",
        "description": "Bring the health card",
    },
    "form_answers": [
        {
            "form": "https://x.example/Questionnaire/intake|1.0",
            "form_name": "Intake",
            "key": "1",
            "label": "Allergies",
            "value": "Penicillin",
        },
        {"form": "qr-7", "form_name": "Call", "key": "1", "label": "Allergies", "value": "none"},
        {"form": "qr-7", "form_name": "Call", "key": "risk_level", "value": "high"},
    ],
    "notes": [{"at": "2026-03-09T15:21:51Z", "author": "Harleen", "text": "Ground floor please"}],
    "messages": [
        {
            "id": "Communication/m-1",
            "at": "2026-03-10T13:05:00Z",
            "side": "provider",
            "sender": "Noor Haddad",
            "text": "Would Thursday suit?",
        }
    ],
    "attachments": [
        {
            "key": "sha256-9f86d081",
            "filename": "letter.pdf",
            "content_type": "application/pdf",
            "size": 15,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "description": "Intake letter",
        }
    ],
    "also_sent": [
        {
            "key": "Patient/p1/generalPractitioner",
            "group": "Registrant",
            "label": "General practitioner",
            "text": "Dr. A. Osei",
        },
        {
            "key": "AllergyIntolerance/s1",
            "group": "Allergy",
            "label": "",
            "text": "Penicillin, severe rash (2019)",
        },
    ],
    "unreadable": [
        {
            "field": "Patient.contact[0].birthDate",
            "path": "registrant.date_of_birth",
            "cause": "ambiguous_date",
            "text": "03/04/1991",
        }
    ],
}
# What a message says of itself is no part of a referral.
OF_MESSAGES = frozenset({"withdrawn", "aliases", "parts", "warned"})


def names_of(part: Any) -> dict[str, Any]:
    """Return the name and the type of every part of a document, at any depth."""
    names: dict[str, Any] = {}
    for name, kind in get_type_hints(part).items():
        if name not in OF_MESSAGES:
            names[name] = kind
            inner = next((one for one in (kind, *get_args(kind)) if is_typeddict(one)), None)
            names |= names_of(inner) if inner else {}
    return names


def names_in(part: Any) -> set[str]:
    """Return every name that is used in a part of a document."""
    if isinstance(part, dict):
        return set(part).union(*map(names_in, part.values()))
    return set().union(*map(names_in, part)) if isinstance(part, list) else set()


def internal_texts(part: Any, name: str = "") -> set[str]:
    """Return what is in a document for machines: keys, paths, addresses and places."""
    if isinstance(part, dict):
        found: set[str] = set()
        return found.union(*(internal_texts(value, key) for key, value in part.items()))
    if isinstance(part, list):
        return set[str]().union(*(internal_texts(one, name) for one in part))
    if name in ("key", "form", "field", "path", "sha256") and len(part) > 1:
        return {part}
    return {part} if isinstance(part, str) and re.search("zz|://", part) else set()


OUR_NAMES = frozenset(name for name in names_of(Document) if "_" in name) | {"slot"}
