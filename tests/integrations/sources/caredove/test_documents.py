"""Every message of the repository, against what it is expected to say."""

import json
import re

import msgspec
import pytest

from integrations.sources.parsed import ParsedEvent
from mapping.source.document import Document
from tests.integrations.sources.caredove.messages import FILES, GOLDEN, load, parse


def seen(event: ParsedEvent) -> dict:
    """Return the event as JSON shows it; of each file's bytes, only how many they are."""
    return {
        "code": event.code,
        "kind": event.kind.value,
        "references": list(event.references),
        "occurred_at": event.occurred_at and event.occurred_at.isoformat(),
        "local_time": event.local_time and event.local_time.isoformat(),
        "organization": [event.organization_id, event.organization_name],
        "listing": [event.listing_id, event.listing_name],
        "document": event.document,
        "files": [
            {
                "key": f.key,
                "bytes": f.content and len(f.content),
                "url": f.url,
                "problem": f.problem,
            }
            for f in event.files
        ],
        "warnings": [[warning.field, warning.cause] for warning in event.warnings],
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_message_states_what_is_expected_of_it(file):
    expected = json.loads((GOLDEN / file.name).read_text())
    assert seen(parse(json.loads(file.read_bytes()))) == expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_document_has_the_keys_and_types_of_the_contract_and_nothing_empty(file):
    document = parse(json.loads(file.read_bytes())).document
    assert msgspec.convert(document, Document) == document
    assert not re.search(r'(""|\[\]|\{\}|null)[,}\]]', json.dumps(document))


def test_no_expectation_is_left_of_a_message_that_is_gone():
    assert {file.name for file in GOLDEN.iterdir()} == {file.name for file in FILES}


def test_both_endpoints_state_the_same_of_the_same_referral():
    plain = parse(load("event-plain")).document
    fhir = parse(load("fhir-full-referral")).document
    for key in ("reference", "listing", "submitted_at"):
        assert plain[key] == fhir[key]
    for key in ("first_name", "middle_name", "last_name", "date_of_birth", "gender"):
        assert plain["registrant"][key] == fhir["registrant"][key]
    for key in ("first_name", "last_name", "organization", "phone"):
        assert plain["requester"][key] == fhir["requester"][key]
    assert plain["organization"]["name"] == fhir["organization"]["name"]


def test_both_endpoints_state_the_same_of_how_to_reach_the_registrant():
    plain = parse(load("event-plain")).document["registrant"]
    fhir = parse(load("fhir-full-referral")).document["registrant"]
    assert _reach(plain) == _reach(fhir)


def _reach(registrant):
    (address,) = registrant["addresses"]
    return (
        [(re.sub(r"\D", "", p["number"]), p.get("may_text")) for p in registrant["phones"]],
        [(e["address"], e["may_email"]) for e in registrant["emails"]],
        {key: value for key, value in address.items() if key not in ("slot", "use")},
        [(spoken["code"], spoken["preferred"]) for spoken in registrant["languages"]],
    )


def test_both_endpoints_hold_the_same_files():
    plain, fhir = parse(load("event-plain")).files, parse(load("fhir-full-referral")).files
    for one, other in zip(plain, fhir, strict=True):
        assert (one.filename, one.content_type, one.size) == (
            other.filename,
            other.content_type,
            other.size,
        )
        assert (one.content, one.url) == (other.content, other.url)
    assert plain[0].content == b"%PDF-1.4\n%%EOF\n"
