"""The field cases: shapes that senders and people really produce, over HTTP into a CRMS.

Everything is sent to one portal first; then each case is compared with what a careful person would
expect to find in CRMS, in the Referral Summary and in the answer to “why”.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.urls import reverse

from integrations.models import Organization, ServiceListing, TriggerConfig
from referrals.models import Referral
from tests.flow.crms import Crms
from tests.flow.fileserver import FileServer
from tests.flow.portal import FHIR, PLAIN, Portal
from tests.flow.test_main_job import text_of
from tests.people import client_of
from tests.world import FIXTURES, example

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
LETTER = b"%PDF-1.4\n%%EOF\n"
SIGN_IN_PAGE = b"<html><title>Sign in</title><body><form>Password</form></body></html>"
MISSING_ADVICE = "Add them to the destination yourself"

SAGA = {
    "first_name": "Saga",
    "last_name": "Lindqvist",
    "date_of_birth": "1988-02-03",
    "gender": "female",
    "address": "9 Pine Rd",
    "city": "Milltown",
    "province": "ON",
    "country": "CA",
    "postal_code": "P0A 1B0",
    "phone_home": "705-555-0142",
}
IFE = {
    "first_name": "Ife",
    "last_name": "Abara",
    "organization": "Milltown Family Health Team",
    "phone": "705-555-0110",
}
EXAMPLE = example("crms-create-referral.json")
SAGA_ANN = EXAMPLE["client"] | {"first_name": "Saga", "last_name": "Lindqvist"}
REASON = "Reason for referral: Low mood"
# What no note and no summary says: paths, ids and addresses of machines, and internal words. The
# page of a person is there for people.
RAW = re.compile(
    r"https?://(?!social\.example)|urn:|data:|\b[A-Z][A-Za-z]+/[a-z0-9]|resourceType|linkId|\bvalue[A-Z]|_code\b"
    r"|\bslot:|\b(?:None|null|undefined)\b|[{}\[\]<>]|&\w+;"
)


@dataclass(frozen=True)
class Right:
    """What is right for a case.

    `client` and `requester` are the whole groups of fields. `note` are whole lines of it, `says`
    what the summary says, `never` what neither of them does. `files` are the attachments, in no
    order; `why` are pieces of the sentence and the warnings of the answer.
    """

    client: Mapping[str, str] = field(default_factory=lambda: SAGA)
    requester: Mapping[str, str] = field(default_factory=lambda: IFE)
    appointment: Mapping[str, Any] | None = None
    note: tuple[str, ...] = (REASON,)
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()
    missing: str = ""
    why: tuple[str, ...] = ("It is in Birchwood CRMS",)


def plain(**right: Any) -> Right:
    """Return what is right for a plain event: its usual people and answers."""
    usual = {
        "client": SAGA_ANN,
        "requester": EXAMPLE["requester"],
        "note": ("Reason for referral: Anxiety and low mood since January",),
    }
    return Right(**usual | right)


def named(first: str, last: str) -> dict[str, str]:
    return {"first_name": first, "last_name": last}


RIGHT = {
    "01": Right(says=("Name Ife Abara", "Milltown Family Health Team", "705-555-0110")),
    "02": Right(requester=named("Ife", "Abara"), says=("Dr. Ife Abara, MD",)),
    "04": Right(
        requester={"organization": "Milltown Family Health Team"},
        says=("Requester Organization Milltown Family Health Team",),
    ),
    "06": Right(
        requester=IFE | named("Maria", "Quiroga"),
        note=(REASON, "Requester: Name: Dr. Maria Dolores Quiroga"),
        says=("Dr. Maria Dolores Quiroga",),
    ),
    "08": Right(
        client=SAGA | named("Otto", "Varga"),
        note=(REASON, "Registrant: Name: Otto Varga, Jr."),
        says=("Otto Varga, Jr.",),
    ),
    "10": Right(
        client=SAGA | {"address": "14 Alder Lane", "city": "Hearst", "postal_code": "P0L 1N0"},
        says=("14 Alder Lane Hearst ON P0L 1N0",),
    ),
    "11": Right(
        appointment={
            "start": "2026-04-01T10:00:00-04:00",
            "duration_minutes": 30,
            "location": "Room 4, 40 Main St",
            "provider_full_name": "Noor Haddad",
        },
        says=("Location Room 4, 40 Main St", "Provider Noor Haddad"),
    ),
    "13": Right(
        appointment={
            "start": "2026-04-01T10:00:00-04:00",
            "duration_minutes": 30,
            "provider_full_name": "Noor Haddad",
        },
        note=(REASON, "Appointment: Participant: Boris Kahn (declined)"),
        says=("Provider Noor Haddad", "Boris Kahn (declined)"),
    ),
    "15": Right(
        note=(
            REASON,
            "Caredove status: Hold, on hold",
            "Referral: Status reason: Waiting for guardian consent form",
        ),
        says=("Waiting for guardian consent form",),
    ),
    "16": Right(note=(REASON, "Family doctor: Ife Abara"), says=("Family doctor Ife Abara",)),
    "18": Right(
        note=(
            REASON,
            "Registrant: General practitioner: Dr Ama Boateng",
            "Registrant: Deceased: 2026-03-01",
            "Registrant: Marital status: Widowed",
        ),
        says=("General practitioner Dr Ama Boateng", "Deceased 2026-03-01", "Widowed"),
    ),
    "20": Right(
        note=(
            REASON,
            "Referral: Occurrence: 2026-05-01 to 2026-06-30",
            "Referral: Patient instruction: Bring the blue folder",
            "Referral: Category: Mental health",
            "Referral: Order detail: Female counsellor requested",
        ),
        says=("2026-05-01 to 2026-06-30", "Bring the blue folder", "Female counsellor requested"),
    ),
    "21": Right(files=(PDF,), says=("letter.pdf",)),
    "22": Right(
        files=(PDF + b"A", PDF + b"B", PDF + b"C", PDF + b"D"),
        says=(
            "Consult note 2026.03.09.pdf",
            "Assessment v1.2.pdf",
            "Lettre Dr.Roy.pdf",
            "plain title.pdf",
        ),
    ),
    "27": Right(
        note=(
            REASON,
            "Condition: Epilepsy",
            "Allergy: Penicillin, criticality high",
            "Medication: Lithium 300 mg, active",
            "Observation: Suicide risk, High, final",
        ),
        says=(
            "Condition Epilepsy",
            "Allergy Penicillin, criticality high",
            "Medication Lithium 300 mg, active",
            "Observation Suicide risk, High, final",
        ),
    ),
    "29": Right(client=SAGA | {"date_of_birth": "1972-03-23"}, says=("Born March 23, 1972",)),
    "33": Right(
        note=(
            REASON,
            "Other name: Saga Before",
            "Registrant: Phone: 705-555-0101 (until 2019-05-05)",
            "Registrant: Address: 1 Former Way, Oldtown, ON (2010-01-01 to 2020-01-01)",
        ),
        says=("Address 9 Pine Rd", "Saga Before", "705-555-0101", "1 Former Way"),
    ),
    "34": Right(
        note=(REASON, "Registrant: Pager: 705-555-0156", "Requester: Fax: 705-555-0111"),
        says=(
            "TTY 705-555-0155",
            "Pager 705-555-0156",
            "Fax 705-555-0111",
            "https://social.example/saga",
        ),
    ),
    "41": plain(
        note=(
            "Mailing address: 77 Elm St, Timmins",
            "Away: 2026-07-01 to 2026-07-31",
            "How often: Sleep: often, Appetite: never",
            "Score: 0",
            "Smoker: no",
            "Nested list: A, B, C",
            "Amount: 12.5",
        ),
        says=("77 Elm St, Timmins", "Sleep: often, Appetite: never", "Score 0", "Smoker no"),
    ),
    "44": plain(
        missing="It is shorter than announced: 45 of 5000 bytes came.",
        why=("files are missing: letter.pdf", "45 of 5000 bytes", MISSING_ADVICE),
    ),
    "52": Right(
        appointment={"start": "2026-03-19T14:30:00-04:00", "duration_minutes": 45},
        says=("March 19, 2026, 2:30 p.m. EDT",),
        why=("It is in Birchwood CRMS", "Start has no time zone; the organization's is assumed."),
    ),
    "53": Right(
        appointment={"start": "2026-04-02T10:00:00-04:00", "duration_minutes": 30},
        says=("April 2, 2026, 10 a.m.", "Group session", "Intake visit", "April 1, 2026, 10 a.m."),
    ),
    "59": Right(
        note=(
            REASON,
            "Registrant: Pronouns: they/them",
            "Registrant: Gender identity: Non-binary",
        ),
        says=("Gender Female", "Pronouns they/them", "Gender identity Non-binary"),
    ),
    "65": Right(
        note=("Reason for referral: since January", "Generalized anxiety disorder"),
        says=("since January", "Generalized anxiety disorder"),
    ),
    "110": plain(
        client=EXAMPLE["client"],
        appointment=EXAMPLE["appointment"],
        note=tuple(EXAMPLE["referral_note"].splitlines()),
        files=(LETTER,),
    ),
    "113": Right(),
    "114": Right(),
    "150": Right(
        note=(
            REASON,
            "Intake: Allergies: Penicillin",
            "Intake: Lives with: Parents",
            "Workflow: Outcome of call: Reached",
        ),
        says=("Intake Allergies Penicillin Lives with Parents", "Workflow Outcome of call Reached"),
    ),
    "151": Right(files=(PDF + b"A", PDF + b"B"), says=("letter.pdf", "bloodwork.pdf")),
    "172": plain(
        missing="The address answered with a web page.",
        why=("files are missing: letter.pdf", "answered with a web page", MISSING_ADVICE),
    ),
    "173": plain(
        missing="It came empty.",
        why=("files are missing: letter.pdf", "It came empty", MISSING_ADVICE),
    ),
    "182": plain(
        note=("May text main phone: yes", "May text alternate phone: no", "May e-mail: no"),
        says=("705-555-0142 main · may be texted", "Do not text", "Do not e-mail"),
    ),
    "194": plain(
        client=SAGA_ANN | {"email": "saga@example.org"},
        note=("May e-mail: yes",),
        says=("E-mail saga@example.org main · may be e-mailed",),
    ),
    "205": Right(
        note=(REASON, "Medication – Name: Iron", "Medication – Dose: 300 mg"),
        never=("Sertraline", "50 mg"),
    ),
    "206": Right(never=("wrong-person",)),
    "209": Right(never=("Methadone", "90 mg")),
    "212": Right(files=(PDF + b"2",), says=("a-corrected.pdf",), never=("a.pdf",)),
    "221": Right(note=(REASON, "Identifier: 9000818800"), says=("Reference 8069818800",)),
    "230": Right(says=("Name Ife Abara",)),
    "234": plain(
        note=(
            "Risk of self-harm: HIGH, see plan",
            "May text main phone: no",
            "May e-mail: no",
            "Caredove status: Submitted",
            "Priority: stat",
            "… continued in the Referral Summary PDF",
        ),
        says=("Risk of self-harm HIGH, see plan", "Priority Stat", "first seen in spring."),
    ),
}
# What stays out of CRMS, in which state and why.
KEPT_OUT = {
    "36": ("needs_attention", "Caredove marked the referral as entered-in-error."),
    "62": ("waiting", "The message holds another person's details, not the registrant's"),
}
# The last message came when CRMS had the referral already: what CRMS keeps, what staff read,
# and what the referral's page shows beside it.
LATE = {
    "150": (
        Right(note=(REASON, "Allergies: Penicillin", "Lives with: Parents")),
        ("Edited since it was imported", "Outcome of call", "Reached"),
    ),
    "151": (
        Right(files=(PDF + b"A",)),
        ("Edited since it was imported", "bloodwork.pdf"),
    ),
    "205": (
        Right(note=(REASON, "Medication – Name: Sertraline", "Medication – Name: Iron")),
        ("Edited since it was imported", "Sertraline"),
    ),
    "206": (
        Right(
            files=(PDF,),
            why=("Caredove withdrew the file “wrong-person.pdf”", "remove it there"),
        ),
        ("Edited since it was imported", "wrong-person.pdf"),
    ),
    "209": (
        Right(
            note=(REASON, "Medication – Name: Methadone", "Medication – Dose: 90 mg"),
            why=("Caredove withdrew answers of a form", "“Medication – Name”", "Remove it there"),
        ),
        ("Edited since it was imported", "Methadone"),
    ),
    "212": (
        Right(files=(PDF,), why=("Caredove withdrew the file “a.pdf”", "remove it there")),
        ("Edited since it was imported", "a-corrected.pdf"),
    ),
}


# -- Sending ---------------------------------------------------------------------------------------

Message = dict[str, Any]


def cases() -> dict[str, list[Message]]:
    """Return the messages of each case, by its number."""
    found = {}
    for path in sorted((FIXTURES / "cases").glob("*.json")):
        sent = json.loads(path.read_text())
        found[path.name.split("-")[0]] = sent if isinstance(sent, list) else [sent]
    return found


def reference_of(message: Message) -> str:
    """Return the Reference # of a case."""
    if "referral" in message:
        return str(message["referral"]["reference"])
    return str(message["entry"][0]["resource"]["focus"][0]["reference"]).rpartition("/")[2]


def another_time(messages: list[Message], number: int) -> list[Message]:
    """Return the messages about another referral; the first of them says at once whom it is of."""
    text = json.dumps(messages)
    text = text.replace(reference_of(messages[0]), f"{7_000_000_000 + number}")
    first, *others = json.loads(text)
    for at, message in enumerate([first, *others]):
        message["entry"][0]["resource"]["id"] = f"another-time-{number}-{at}"
    known = {entry["resource"]["resourceType"] for entry in first["entry"]}
    first["entry"] += [
        entry
        for entry in others[-1]["entry"]
        if entry["resource"]["resourceType"] == "Patient" and "Patient" not in known
    ]
    return [first, *others]


def send(portal: Portal, message: Message) -> None:
    """Post one message and wait until it is opened."""
    answer = portal.post(message, FHIR if "resourceType" in message else PLAIN)
    assert answer.status_code in (200, 202), answer.text
    content = answer.json()
    portal.event(content["id"] if "id" in content else content["issue"][0]["diagnostics"])


@pytest.fixture
def served(files: FileServer) -> Mapping[str, str]:
    """The addresses that two cases name, and those of a server that answers as they say."""
    return {
        "http://127.0.0.1:9000/login.pdf": files.put("/login.pdf", SIGN_IN_PAGE, "text/html"),
        "http://127.0.0.1:9000/empty.pdf": files.put("/empty.pdf", b"", "application/pdf"),
    }


@pytest.fixture
def connected(configured: None) -> None:
    """Both listings are imported as the cases say; routed referrals of the second are not."""
    config = TriggerConfig.objects.get()
    other = ServiceListing.objects.get(caredove_id="4418")
    for listing, include_routed in ((config.listing, True), (other, False)):
        TriggerConfig.objects.update_or_create(
            listing=listing,
            destination=config.destination,
            defaults={
                "on": ["received", "edited", "booked"],
                "include_routed": include_routed,
                "mapping": config.mapping,
            },
        )


# -- Looking ---------------------------------------------------------------------------------------


def check(portal: Portal, crms: Crms, reference: str, right: Right) -> None:
    """Compare what is in CRMS, and what is said about it, with what is right."""
    done = portal.settled(reference)
    found = crms.referral(reference)
    body = found["body"]
    assert body["client"] == right.client
    assert body["requester"] == right.requester
    assert body.get("appointment") == right.appointment
    lines = body["referral_note"].splitlines()
    assert set(right.note) <= set(lines)
    assert len(lines) == len(set(lines)), "a line stands there twice"

    sent = {file["filename"]: crms.content(file["id"]) for file in found["attachments"]}
    summary = text_of(sent.pop(f"referral-{reference}-summary.pdf"))
    assert sorted(sent.values()) == sorted(right.files)
    assert all(name.endswith(".pdf") for name in sent)
    assert not [text for text in right.says if text not in summary], summary
    for text in (body["referral_note"], summary):
        assert not [word for word in right.never if word in text]
        assert not RAW.findall(text)

    missing = [file["problem"] for file in done["missing_files"]]
    assert missing == ([right.missing] if right.missing else [])
    assert_answer(portal, reference, right.why)


def assert_answer(portal: Portal, reference: str, pieces: tuple[str, ...]) -> None:
    why = portal.get(f"/api/v1/referrals/{reference}")
    answer = " ".join([why["sentence"], *(warning["message"] for warning in why["warnings"])])
    assert not [piece for piece in pieces if piece not in answer], answer


def text_of_page(client: Any, reference: str) -> str:
    """Return the page of a referral as staff see it."""
    referral = Referral.objects.get(reference=reference)
    address = reverse("admin:referrals_referral_change", args=[referral.pk])
    page: str = client.get(address).content.decode()
    return page


def test_every_case_of_the_field_comes_out_right(
    everything: Portal,
    connected: None,
    crms: Crms,
    served: Mapping[str, str],
    subtests: pytest.Subtests,
):
    numbers = count(1)
    late: dict[str, list[Message]] = {}
    for case in LATE:
        first, *others = another_time(cases()[case], next(numbers))
        send(everything, first)
        late[case] = [first, *others]
    sent: dict[str, str] = {}
    for case, messages in cases().items():
        for message in messages:
            text = json.dumps(message)
            for named_address, address in served.items():
                text = text.replace(named_address, address)
            send(everything, json.loads(text))
        sent[case] = reference_of(messages[0])
    for first, *others in late.values():
        everything.settled(reference_of(first))
        for message in others:
            send(everything, message)

    assert {*RIGHT, *KEPT_OUT} == {*sent}
    for case, right in RIGHT.items():
        with subtests.test(case=case):
            check(everything, crms, sent[case], right)
    for case, (state, why) in KEPT_OUT.items():
        with subtests.test(case=case):
            everything.settled(sent[case], state)
            assert_answer(everything, sent[case], (why,))
    staff = client_of("Support", Organization.objects.get())
    for case, (right, shown) in LATE.items():
        with subtests.test(late=case):
            reference = reference_of(late[case][0])
            check(everything, crms, reference, right)
            page = text_of_page(staff, reference)
            assert not [words for words in shown if words not in page]
    with subtests.test("nothing else is in CRMS, and nothing twice"):
        inbox = sorted(referral["external_reference"] for referral in crms.referrals())
        there = [sent[case] for case in RIGHT] + [reference_of(m[0]) for m in late.values()]
        assert inbox == sorted(there)
