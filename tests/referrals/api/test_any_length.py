"""Every text of both endpoints at its limit and beyond: stored, opened, and shown with a reason.

The texts are those of all messages that there are here, so a new field is tried by itself. What a
column has no room for shows on PostgreSQL only; the outcomes are the same on every database.
"""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from referrals.intake import opening
from referrals.models import InboundEvent, Referral
from referrals.record import snapshot
from tests.integrations.sources.caredove.messages import FILES
from tests.referrals.api.sender import FHIR, PLAIN, get, post
from tests.world import REFERENCE, World, plain

Place = tuple[str | int, ...]

# What no other message here has.
MORE: dict[str, Any] = {
    "event_id": "evt",
    "event_type": "referral.received",
    "organization": {"id": "812", "name": "Birchwood"},
    "service_listing": {"id": "4417", "name": "Adult Counselling"},
    "referral": {
        "reference": REFERENCE,
        "parent_reference": "3502768600",
        "identifiers": [{"type": "JHN", "system": "https://example.org", "value": "9876"}],
        "priority": "urgent",
        "service": "Counselling",
        "reason": "Anxiety",
        "registrant": {
            "first_name": "Mireille",
            "other_names": ["Miri"],
            "identifiers": [{"type": "JHN", "system": "https://example.org", "value": "9876"}],
            "contacts": [
                {
                    "relationship": "mother",
                    "name": "Ann",
                    "phones": ["1"],
                    "emails": ["a@b.example"],
                }
            ],
        },
        "appointment": {"id": "1", "status": "booked", "end": "2026-03-19T18:30:00Z"},
        "form_answers": [{"key": "k", "label": "l", "value": {"label": "x"}, "form": "f"}],
        "notes": [{"at": "2026-03-19T18:30:00Z", "author": "Noor", "text": "Call"}],
        "messages": [
            {
                "id": "m1",
                "at": "2026-03-19T18:30:00Z",
                "side": "provider",
                "sender": "Noor",
                "text": "Hello",
                "attachments": [
                    {
                        "id": "a1",
                        "filename": "a.txt",
                        "content_type": "text/plain",
                        "description": "A letter",
                        "data": "aGVsbG8=",
                    },
                    {"id": "a2", "filename": "b.txt", "url": "https://files.example/b.txt"},
                ],
            }
        ],
    },
}
# Far more than any column has, and what no column takes as it is: for every text.
BEYOND = ["7" * 301, "\ud800é😀\0 \x1b" * 100]
# The lengths that columns have, and one more: for every id in turn.
AT_LIMITS = ["x" * length for limit in (64, 100, 200, 300) for length in (limit, limit + 1)]
ODD = ["😀" * 129, "a\0b\0", "\0", "", "sha256:" + "0" * 64]
IDS = ("id", "reference", "event_id", "event_type", "code", "value", "key", "status", "system")


def places(content: Any, place: Place = ()) -> Iterator[Place]:
    """Yield where the texts of a message stand."""
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield from places(value, (*place, key))
    elif isinstance(content, str):
        yield place


def kind(content: Any, place: Place) -> str:
    """Return what a place is called in every message: by names and types, without numbers."""
    names = []
    for step in place:
        content = content[step]
        if isinstance(content, dict) and "resourceType" in content:
            names.append(content["resourceType"])
        elif not isinstance(step, int):
            names.append(step)
    return ".".join(names)


def texts() -> dict[tuple[str, str], tuple[dict[str, Any], Place]]:
    """Return each text that messages hold, by endpoint and name, with a message that has it."""
    found: dict[tuple[str, str], tuple[dict[str, Any], Place]] = {}
    for message in [MORE, *(json.loads(Path(file).read_bytes()) for file in FILES)]:
        endpoint = FHIR if "resourceType" in message else PLAIN
        for place in places(message):
            found.setdefault((endpoint, kind(message, place)), (message, place))
    return found


FOUND = texts()
SHARES = 8  # of all texts, one of which is tried each time


def put(message: Any, place: Place, text: str) -> None:
    for step in place[:-1]:
        message = message[step]
    message[place[-1]] = text


def numbered(message: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the message as one of a referral of its own, with an id of its own."""
    text = json.dumps(message).replace(REFERENCE, f"{REFERENCE[:3]}{number:07}")
    own: dict[str, Any] = json.loads(text)
    own["id" if "resourceType" in own else "event_id"] = f"evt_{number}"
    for entry in own.get("entry", []):
        if entry.get("resource", {}).get("resourceType") == "MessageHeader":
            entry["resource"]["id"] = f"msg-{number}"
    return own


def opened(answer: Any) -> InboundEvent:
    content = answer.json()
    event_id = content["id"] if "id" in content else content["issue"][0]["diagnostics"]
    opening.open_deliveries(event_id)
    return InboundEvent.objects.get(pk=event_id)


def is_shown(event: InboundEvent) -> bool:
    """Return whether the sender learns what became of the event, and why."""
    shown_event = get(f"/api/v1/events/{event.pk}").json()
    return bool(
        shown_event["status"] == "opened" and shown_event["outcome"] and shown_event["reason"]
    )


@pytest.mark.long
@pytest.mark.parametrize("endpoint", [PLAIN, FHIR])
@pytest.mark.parametrize(
    "share", [0, *(pytest.param(share, marks=pytest.mark.whole) for share in range(1, SHARES))]
)
def test_every_text_may_have_any_length(world: World, endpoint: str, share: int):
    number = share * 100_000
    mine = [item for item in FOUND.items() if item[0][0] == endpoint][share::SHARES]
    for at, ((_, name), (message, place)) in enumerate(mine):
        for text in [*BEYOND, *in_turn(name, at)]:
            number += 1
            sent = numbered(message, number)
            put(sent, place, text)
            answer = post(sent, endpoint)
            if answer.status_code == 400 and says_what_it_is(message, place):
                continue
            assert answer.status_code in (200, 202), (name, text[:20], answer.content)
            event = opened(answer)
            assert event.state == InboundEvent.State.OPENED, (name, text[:20])
            assert event.outcome, (name, text[:20])
            assert event.reason, (name, text[:20])


def in_turn(name: str, at: int) -> list[str]:
    if name.rpartition(".")[2] not in IDS:
        return [ODD[at % len(ODD)]]
    return [AT_LIMITS[at % 8], AT_LIMITS[(at + 3) % 8], ODD[at % len(ODD)]]


def says_what_it_is(message: Any, place: Place) -> bool:
    """Return whether the text says that it is a message, or which referral it is about."""
    text = message
    for step in place:
        text = text[step]
    names_referral = re.search(r"\b\d{10}\b|ServiceRequest/", text)
    return bool(names_referral) or place[-1] in ("event_type", "resourceType", "type")


def test_every_text_at_once_may_be_too_long(world: World):
    for number, message in enumerate([MORE, *(json.loads(file.read_bytes()) for file in FILES)]):
        if "resourceType" in message:
            continue
        sent = numbered(copy.deepcopy(message), number)
        reference, what = sent["referral"]["reference"], sent["event_type"]
        for place in list(places(sent)):
            put(sent, place, f"é😀\ud800\0{number}" * 100)
        sent["referral"]["reference"], sent["event_type"] = reference, what
        assert is_shown(opened(post(sent)))


LONG_IDS = ["4" * 65, "4" * 129, "é" * 100, "😀" * 3000, "a b" * 40]


@pytest.mark.parametrize("long_id", LONG_IDS, ids=lambda long_id: str(len(long_id)))
def test_a_listing_of_a_long_id_is_unknown_until_it_is_set_up(world: World, long_id: str):
    event = opened(post(plain() | {"service_listing": {"id": long_id}}))
    assert event.outcome == InboundEvent.Outcome.UNKNOWN_LISTING
    shown = Referral.objects.get().listing_caredove_id
    assert shown in event.reason
    assert shown in get(f"/api/v1/referrals/{REFERENCE}").json()["sentence"]
    world.listing.caredove_id = shown  # as the page that sets it up offers it
    world.listing.save()
    another = plain(number=2, reference="3502768697")
    again = opened(post(another | {"service_listing": {"id": long_id}}))
    assert again.outcome == InboundEvent.Outcome.IMPORT_OPENED


def test_listings_of_long_ids_that_begin_alike_are_two(world: World):
    shown = set()
    for number, last in enumerate("ab"):
        opened(post(plain(number=number) | {"service_listing": {"id": "4" * 200 + last}}))
        shown.add(Referral.objects.get().listing_caredove_id)
    assert len(shown) == 2


@pytest.mark.parametrize("long_id", LONG_IDS, ids=lambda long_id: str(len(long_id)))
def test_an_organization_of_a_long_id_is_unknown(world: World, long_id: str):
    event = opened(post(plain() | {"organization": {"id": long_id}, "service_listing": None}))
    assert event.outcome == InboundEvent.Outcome.UNKNOWN_ORGANIZATION
    assert len(event.reason) < 200


def test_a_long_id_is_kept_whole_in_the_referral(world: World):
    opened(post(plain() | {"service_listing": {"id": "4" * 129}}))
    assert snapshot.view(Referral.objects.get().snapshot)["listing"]["id"] == "4" * 129
