"""The directory's refusals follow Accept-Language, English by default; names and codes stay."""

import json

import pytest

from tests.directory import make
from tests.french import english_in

pytestmark = pytest.mark.usefixtures("directory")
SOME_ID = "ac148810-d857-441c-9679-408f346de14b"
HSDS, ICAROL = "/hsds/3.1", "/icarol/v1"
SERVICES = f"{HSDS}/services"

ASKED = [
    f"{SERVICES}?colour=red",
    f"{SERVICES}?minimal=true&minimal=true",
    f"{SERVICES}?page=0",
    f"{SERVICES}?per_page=501",
    f"{SERVICES}?full=1",
    f"{SERVICES}?full=",
    f"{SERVICES}?format=xml",
    f"{SERVICES}?lang=de",
    f"{SERVICES}?organization_id=food",
    f"{SERVICES}?taxonomy_code=%00",
    f"{SERVICES}?modified_after=yesterday",
    f"{SERVICES}?open_at=2020-01-01T10:00:00Z",
    f"{SERVICES}?spoken_language=french",
    f"{SERVICES}?age=old",
    f"{SERVICES}?postcode=nowhere",
    f"{SERVICES}?postcode=K9Z9Z9",
    f"{SERVICES}?proximity=100",
    f"{SERVICES}?proximity=100&postcode=K1A0B1&latitude=1&longitude=1",
    f"{SERVICES}?latitude=45&longitude=-75",
    f"{SERVICES}?proximity=100&latitude=45",
    f"{SERVICES}?minimal=true&full=true",
    f"{SERVICES}?minimal=true&format=ndjson",
    f"{SERVICES}?minimal=true&page=1",
    f"{SERVICES}?token=x",
    f"{SERVICES}?page=9",
    f"{SERVICES}/{SOME_ID}",
    f"{HSDS}/nothing",
    "/api/v1/directory/changes?after=x",
    "/api/v1/directory/exports/pdf",
    f"{ICAROL}/Resource",
    f"{ICAROL}/Resource?id=x",
    f"{ICAROL}/nothing",
]
SEARCHED = [
    "{",
    "[]",
    {"colour": "red"},
    {"term": 7},
    {"resourceType": []},
    {"resourceType": "House"},
    {"status": "Open"},
    {"modifiedSince": "yesterday"},
    {"database": "1"},
    {"namesOnly": 1},
    {"take": 0},
]
FRENCH = {"Accept-Language": "fr-CA,fr;q=0.9"}


def assert_is_french(english, french, where):
    assert english.status_code == french.status_code >= 400, where
    english, french = english.json(), french.json()
    assert [e["field"] for e in english.get("errors", [])] == [
        e["field"] for e in french.get("errors", [])
    ]
    for key in ("title", "detail"):
        assert english[key] != french[key], where
    texts = [french["title"], french["detail"], *(e["message"] for e in french.get("errors", []))]
    # What a client has to send is quoted as it is.
    names = ("full", "format=ndjson", "proximity", "now")
    assert not [*english_in("\n".join(f"<p>{text}</p>" for text in texts), names=names)], where
    for one, other in zip(english.get("errors", []), french.get("errors", []), strict=True):
        assert one["message"] != other["message"], where


def test_refusals_follow_the_language(client):
    make.service("Food bank")
    for path in ASKED:
        assert_is_french(client.get(path), client.get(path, headers=FRENCH), path)
    for wrong in SEARCHED:
        body = wrong if isinstance(wrong, str) else json.dumps(wrong)
        address = f"{ICAROL}/Search"
        english, french = (
            client.post(address, body, content_type="application/json", headers=headers)
            for headers in ({}, FRENCH)
        )
        assert_is_french(english, french, body)


def test_a_token_that_is_not_known_is_refused_in_the_language(client):
    headers = {"Authorization": "Bearer nothing"}
    asked = (client.get(SERVICES, headers={**headers, **more}) for more in ({}, FRENCH))
    assert_is_french(*asked, "a token")
