"""The events of the demonstration, and what is expected to become of each.

They are the fixtures that ship with the Caredove source, with the changes that a scene needs.
"""

import json
import re
import secrets
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from scripts.env_file import ROOT

FIXTURES = ROOT / "integrations" / "sources" / "caredove" / "fixtures"
FILES = "https://sandbox.caredove.example/files"  # in the fixtures; here our own host has them

_REFERENCE = re.compile(r"41000000\d\d")
_EVENT_ID = re.compile(r"evt_demo")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class End(StrEnum):
    """What can become of an event, in words."""

    IN_CRMS = "in CRMS"
    FILE_MISSING = "in CRMS, a file missing"
    ALREADY = "in CRMS already"
    REFUSED = "refused by CRMS"
    WAITS = "waits for details"
    NO_TRIGGER = "no trigger"
    ROUTED = "routed, left out"
    NOT_INTEGRATED = "listing not integrated"
    PLAN_TOO_LOW = "plan too low"
    PURGED = "data deleted"
    STORED_BEFORE = "stored before"
    CONFLICT = "kept as a conflict"
    NO_EVENT = "not an event"


@dataclass(frozen=True)
class Event:
    """One event: a fixture, about one of the story's referrals, with texts replaced.

    It is sent when the event named by `after` has come to its end. `fault` is the mode in which
    the sandbox CRMS has to have failed meanwhile.
    """

    key: str
    title: str
    fixture: str
    referral: int
    expected: End
    changes: Mapping[str, str] = field(default_factory=dict, repr=False)
    after: str = ""
    fault: str = ""

    @property
    def endpoint(self) -> str:
        return self.fixture.partition("-")[0]


def plain_person(first: str, last: str, email: str) -> dict[str, str]:
    """Return the changes that put another person into plain-received-with-attachments."""
    return {
        "Oluwaseun": first,
        '"James"': "null",
        "Adeyemi-Clarke": last,
        "seun@example.org": email,
    }


def fhir_person(first: str, last: str, email: str) -> dict[str, str]:
    """Return the changes that put another person into fhir-add-service-request."""
    return {
        "Élodie": first,
        "Beauséjour-Kilabuk": last,
        "elodie@example.org": email,
        '"Anaana",': "",
        "Thérèse": "",
        "ᐊᓈᓇ": "",
    }


FULL_PLAIN = "plain-received-with-attachments"
FULL_FHIR = "fhir-add-service-request"

EVENTS = (
    Event("full", "Complete, with a letter and a picture", FULL_PLAIN, 1, End.IN_CRMS),
    Event("french", "French and Inuktitut; a file by URL", FULL_FHIR, 6, End.IN_CRMS),
    Event(
        "down",
        "CRMS is down, and comes back",
        FULL_PLAIN,
        20,
        End.IN_CRMS,
        plain_person("Amélie", "Charbonneau", "fail-503-twice@example.org"),
        fault="503",
    ),
    Event(
        "unheard",
        "CRMS took it, its answer is lost",
        FULL_FHIR,
        21,
        End.IN_CRMS,
        fhir_person("Siobhán", "O’Neill", "fail-reset-after-once@example.org"),
        fault="reset-after",
    ),
    Event(
        "no-birth-date",
        "No date of birth",
        "plain-received-without-date-of-birth",
        2,
        End.REFUSED,
    ),
    Event(
        "fixed",
        "  the edit that adds it",
        "plain-edited-with-date-of-birth",
        2,
        End.IN_CRMS,
        after="no-birth-date",
    ),
    Event(
        "not-fixed",
        "No date of birth; nobody fixes it",
        FULL_FHIR,
        22,
        End.REFUSED,
        {
            '"birthDate": "1979-08-03",': "",
            **fhir_person("Maïka", "Ottawa-Petiquay", "maika@example.org"),
        },
    ),
    Event(
        "booked",
        "Booked before its details came",
        "plain-booked-before-details",
        4,
        End.WAITS,
        {'"service_listing": null': '"service_listing": {"id": "4418"}'},
    ),
    Event(
        "details",
        "  the details",
        "plain-received-after-booking",
        4,
        End.IN_CRMS,
        after="booked",
    ),
    Event(
        "not-ready",
        "Imported once its status is Ready",
        FULL_PLAIN,
        23,
        End.NO_TRIGGER,
        {
            **plain_person("Jean-Luc", "Desrosiers", "jl@example.org"),
            '"id": "4417"': '"id": "4419"',
            "Adult Counselling": "Psychiatric Consultation",
        },
    ),
    Event(
        "ready",
        "  the status becomes Ready",
        "fhir-update-process-request-ready",
        23,
        End.IN_CRMS,
        after="not-ready",
    ),
    Event(
        "refused-file",
        "CRMS refuses one of its two files",
        FULL_PLAIN,
        24,
        End.FILE_MISSING,
        plain_person("Wei", "Zhang-Lindqvist", "fail-attachment-415-once@example.org"),
        fault="415",
    ),
    Event(
        "foreign-file",
        "A file on a host that is not allowed",
        FULL_FHIR,
        25,
        End.FILE_MISSING,
        {
            FILES: "https://files.example.org",
            **fhir_person("Naomi", "Whiskeyjack", "naomi@example.org"),
        },
    ),
    Event(
        "unconnected",
        "Its listing is not connected",
        "plain-listing-not-integrated",
        5,
        End.NOT_INTEGRATED,
    ),
    Event(
        "essential",
        "Its organization has too low a plan",
        "plain-listing-not-integrated",
        26,
        End.PLAN_TOO_LOW,
        {
            '"id": "812"': '"id": "831"',
            "Birchwood Community Mental Health": "Lakeshore Seniors Support",
            '"id": "4999"': '"id": "5210"',
            "Meals and Rides - Milltown": "Friendly Visiting - Lakeshore",
            "Giuseppe": "Hjördís",
        },
    ),
    Event("routed", "Routed here by others", "fhir-add-process-request-routed", 7, End.ROUTED),
    Event(
        "revocable",
        "Imported, and revoked later",
        FULL_PLAIN,
        27,
        End.IN_CRMS,
        plain_person("Farid", "Haidari", "farid@example.org"),
    ),
    Event("revoked", "  the revocation", "plain-revoked", 27, End.PURGED, after="revocable"),
    Event(
        "message",
        "The provider writes about the second one",
        "fhir-communication-from-provider",
        6,
        End.NO_TRIGGER,
        after="french",
    ),
    Event(
        "edited",
        "An edit of the second one",
        "fhir-data-correction",
        6,
        End.ALREADY,
        after="french",
    ),
    Event("again", "The first event again", FULL_PLAIN, 1, End.STORED_BEFORE, after="full"),
    Event(
        "conflict",
        "  its id with another content",
        FULL_PLAIN,
        1,
        End.CONFLICT,
        {"Low mood": "Very low mood"},
        after="full",
    ),
    Event(
        "nameless",
        "An event without a Reference #",
        FULL_PLAIN,
        28,
        End.NO_EVENT,
        {'"reference": "4100000001"': '"reference": ""'},
    ),
)


def picture() -> bytes:
    """Return the picture of the first event, which our host of files gives under any name."""
    event = json.loads((FIXTURES / f"{FULL_PLAIN}.json").read_bytes())
    data = next(a["data"] for a in event["referral"]["attachments"] if a["filename"] == "phq9.png")
    return b64decode(data)


@dataclass(frozen=True)
class Run:
    """One run of the story: no other has the same references and ids."""

    files_url: str  # where the host of files is
    prefix: str = field(default_factory=lambda: str(10**7 + secrets.randbelow(9 * 10**7)))

    @cached_property
    def _seed(self) -> str:
        return f"dovetail demonstration {self.prefix}"

    def reference(self, event: Event) -> str:
        """Return the 10-digit Reference # of the event's referral."""
        return f"{self.prefix}{event.referral:02}"

    def body(self, event: Event) -> bytes:
        """Return what is sent; raises ValueError when a change does not fit the fixture."""
        text = Path(FIXTURES, f"{event.fixture}.json").read_text()
        for old, new in event.changes.items():
            if old not in text:
                raise ValueError(f"{event.fixture}.json does not hold {old!r}.")
            text = text.replace(old, new)
        reference = self.reference(event)
        text = _REFERENCE.sub(reference, text)
        text = _EVENT_ID.sub(f"evt_{reference}", text)
        text = _UUID.sub(lambda id_: str(uuid5(NAMESPACE_OID, f"{reference} {id_[0]}")), text)
        return text.replace(FILES, self.files_url).encode()
