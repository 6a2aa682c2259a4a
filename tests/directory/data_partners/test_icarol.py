"""The API shaped like iCarol's, and two clients that change only the address and the token."""

import json

import pytest

from directory import changes
from directory.models import Entry, Secrecy
from directory.taking_in import take_in
from tests.directory import agreed, make

pytestmark = pytest.mark.usefixtures("directory")
BASE = "/icarol/v1"
LEVELS = ["Agency", "Program", "Site", "ProgramAtSite"]


def search(client, **body):
    answer = client.post(f"{BASE}/Resource/Search", json.dumps(body), "application/json")
    assert answer.status_code == 200, answer.content
    return json.loads(b"".join(answer) if answer.streaming else answer.content)


def types(found):
    return [one["resource"]["type"] for one in found["results"]]


def refused(client, **body):
    answer = client.post(f"{BASE}/Resource/Search", json.dumps(body), "application/json")
    assert answer.status_code == 400, answer.content
    return [error["field"] for error in answer.json()["errors"]]


@pytest.fixture
def at():
    """A service at a location, with what a record can hold."""
    agency = make.agency({"en": "Helping Hands", "fr": "Coup de main"}, email="a@b.example.org")
    service = make.service(
        {"en": "Food bank", "fr": "Banque alimentaire"},
        organization=agency,
        description={"en": "Food & <more>"},
        fees_description={"en": "Free"},
        supplier_key="77",
    )
    service.service_areas.create(name={"en": "Ottawa"})
    service.contacts.create(name={"en": "Ann"}, email="ann@b.example.org")
    place = make.location("Hall", latitude=45.4321, longitude=-75.7, organization=agency)
    make.address(place)
    made = make.at(service, place)
    made.schedules.create(freq="WEEKLY", byday="MO,TU", opens_at="09:00", closes_at="16:00")
    made.schedules.create(freq="MONTHLY", byday="2TH", opens_at="18:00", closes_at="20:00")
    make.phone("613-555-0100", service=service, extension="12")
    top = make.term("Basic needs", code="B")
    make.attribute(service, make.term("Food", code="BD", parent=top, taxonomy=top.taxonomy))
    return made


class MirrorClient:
    """It asks for everything at once, and reads a bare array that says `ServiceSite`."""

    def __init__(self, client):
        self.records = {}
        self.client = client

    def pull(self):
        body = {"takeALL": True, "term": "*", "resourceType": ["Agency", "ServiceSite"]}
        wanted = [one["id"] for one in search(self.client, **body)]
        for start in range(0, len(wanted), 100):
            query = {"id": wanted[start : start + 100]}
            for record in self.client.get(f"{BASE}/Resource/", query).json():
                self.records[record["id"]] = record


class TaxonomyClient:
    """It fetches the codes of a record ten at a time."""

    def __init__(self, client):
        self.client = client

    def names(self, codes):
        found = []
        for start in range(0, len(codes), 10):
            query = "&".join(f"id={code}" for code in codes[start : start + 10])
            found += self.client.get(f"{BASE}/Resource/Taxonomy?{query}&db=1").json()
        return [one["name"] for one in found]


@pytest.mark.postgres
def test_a_search_finds_stubs_by_number(at):
    reader = agreed.reader()
    found = search(reader, term="*")
    assert found["totalResultCount"] == 4
    assert sorted(types(found)) == sorted(LEVELS)
    numbers = [one["resource"]["id"] for one in found["results"]]
    assert numbers == sorted(numbers)
    stub = next(one["resource"] for one in found["results"] if one["resource"]["type"] == "Program")
    assert stub.keys() == {
        *("id", "uniquePriorID", "databaseID", "type", "status", "names", "modified", "cultureCode")
    }
    assert (stub["names"], stub["status"]) == (
        [{"value": "Food bank", "purpose": "Primary"}],
        "Active",
    )
    assert types(search(reader, term="food", namesOnly=True, resourceType="Program")) == ["Program"]
    assert types(search(reader, term="hall")) == ["Site"]
    assert types(search(reader, term="*", take=1, skip=1, resourceType=LEVELS)) == types(found)[1:2]
    assert search(reader, database=[2])["totalResultCount"] == 0
    assert search(reader, status=["Inactive"])["totalResultCount"] == 0
    assert search(reader, status="Active", modifiedSince="")["totalResultCount"] == 4
    assert search(reader, modifiedSince="2099-01-01")["totalResultCount"] == 0
    assert search(reader, modifiedSince=stub["modified"], resourceType=["Program", "ServiceSite"])[
        "totalResultCount"
    ]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"colour": "red"}, "colour"),
        ({"take": 0}, "take"),
        ({"take": 1001}, "take"),
        ({"take": "10"}, "take"),
        ({"skip": -1}, "skip"),
        ({"takeALL": "true"}, "takeALL"),
        ({"namesOnly": 1}, "namesOnly"),
        ({"resourceType": "Person"}, "resourceType"),
        ({"resourceType": []}, "resourceType"),
        ({"status": "Open"}, "status"),
        ({"status": [["Active"]]}, "status"),
        ({"modifiedSince": "yesterday"}, "modifiedSince"),
        ({"modifiedSince": 5}, "modifiedSince"),
        ({"database": 1}, "database"),
        ({"database": ["1"]}, "database"),
        ({"term": None}, "term"),
        ({"term": " ".join(f"w{number}" for number in range(101))}, "term"),
    ],
)
def test_a_search_with_an_unknown_or_malformed_key_is_refused(body, key):
    assert refused(agreed.reader(), **body) == [key]


def test_a_record_has_everything_that_its_view_shows(at, directory):
    reader = agreed.reader()
    take_in()
    keys = [at.service.organization_id, at.service_id, at.location_id, at.pk]
    numbers = dict(Entry.objects.values_list("pk", "number"))
    query = "&".join(f"id={numbers[key]}" for key in [*keys[::-1], keys[0]]) + "&id=999999"
    found = reader.get(f"{BASE}/Resource?{query}").json()
    assert [one["type"] for one in found] == LEVELS[::-1]
    by_type = {one["type"]: one for one in found}
    program, placed = by_type["Program"], by_type["ProgramAtSite"]
    assert program["hsdsID"] == str(at.service.entry.hsds_id)
    assert (program["description"], program["descriptionText"]) == (
        "Food &amp; &lt;more&gt;",
        "Food & <more>",
    )
    assert (program["taxonomy"], program["coverage"]) == (["BD"], ["Ottawa"])
    assert (program["fees"], program["uniquePriorID"]) == ("Free", "77")
    contacts = [one["contact"] for one in program["contactDetails"]]
    assert contacts[0] == {"type": "PhoneNumber", "number": "613-555-0100 ext. 12"}
    assert contacts[1] == {"type": "Person", "name": "Ann", "emailAddress": "ann@b.example.org"}
    assert not any(one["isConfidential"] for one in program["contactDetails"])
    assert [one["type"] for one in placed["related"]] == ["Agency", "Program", "Site"]
    assert [one["id"] for one in placed["related"]] == [numbers[key] for key in keys[:3]]
    monday = {"dayOfWeek": "Mon", "opens": "09:00", "closes": "16:00"}
    assert placed["hours"]["days"][0] == monday
    assert placed["hours"]["note"]
    site = by_type["Site"]["contactDetails"][0]["contact"]
    assert (site["type"], site["line1"], site["latitude"]) == (
        "PhysicalLocation",
        "12 King Street",
        45.4321,
    )
    french = reader.get(f"{BASE}/Resource/?id={numbers[at.service_id]}&lang=fr").json()
    assert french[0]["names"][0]["value"] == "Banque alimentaire"
    assert french[0]["cultureCode"] == "fr"
    hsds = reader.get(f"/hsds/3.1/services/{program['hsdsID']}?extras=true").json()
    assert hsds["x_number"] == program["id"]


def test_status_tells_what_may_be_referred_to():
    services = {
        "Active": make.service("A"),
        "Active but do not refer": make.service("B", status="temporarily closed"),
        "Inactive": make.service("C", status="defunct"),
    }
    marked = make.service("D", not_public=True)
    include = {"statuses": ["active", "temporarily closed", "defunct"], "not_public": True}
    reader = agreed.reader(include=include)
    for status, service in services.items():
        found = search(reader, status=status, resourceType="Program")["results"]
        names = [one["resource"]["names"][0]["value"] for one in found]
        expected = [service.name["en"]] + (["D"] if status == "Active but do not refer" else [])
        assert names == expected
        assert {one["resource"]["status"] for one in found} == {status}
    assert marked.pk


@pytest.mark.postgres
def test_a_client_that_mirrors_everything(at):
    mirror = MirrorClient(agreed.reader())
    mirror.pull()
    assert len(mirror.records) == 2
    stubs = search(mirror.client, takeALL=True)
    assert sorted(one["type"] for one in stubs) == ["Agency", "Program", "ServiceSite", "Site"]


def test_a_client_that_fetches_codes_in_tens(at):
    client = TaxonomyClient(agreed.reader())
    assert client.names(["BD", *[f"X{number}" for number in range(11)], "B"]) == [
        "Food",
        "Basic needs",
    ]
    (food,) = client.client.get(f"{BASE}/Resource/Taxonomy/?id=BD").json()
    assert food == {
        "code": "BD",
        "name": "Food",
        "path": "Basic needs > Food",
        "definition": "A need.",
        "synonyms": [],
    }
    assert [one["code"] for one in client.client.get(f"{BASE}/Resource/Taxonomy").json()] == ["B"]
    assert client.client.get(f"{BASE}/Resource/Taxonomy?db=9").json() == []


def test_what_is_confidential_or_excluded_is_in_no_record(at):
    reader = agreed.reader(exclude_fields=["contact", "phone", "service.fees_description"])
    Entry.objects.filter(pk=at.location_id).update(secrecy=Secrecy.YES, supplier_key="secret-key")
    changes.changed([at.location_id])
    take_in()
    numbers = Entry.objects.exclude(number=None).values_list("number", flat=True)
    query = "&".join(f"id={number}" for number in numbers)
    answer = reader.get(f"{BASE}/Resource?{query}")
    text = answer.content.decode()
    for word in ("Ann", "555-0100", "Free", "King Street", "Hall", "45.4321", "secret-key"):
        assert word not in text
    assert search(reader, term="hall")["totalResultCount"] == 0
    assert "secret-key" not in json.dumps(search(reader))


def test_who_may_ask_is_as_everywhere(client, directory):
    directory.public = "false"
    directory.save()
    assert client.get(f"{BASE}/Resource?id=1").status_code == 401
    reader = agreed.reader()
    for query in ("", "?id=", "?id=x", "?id=1&colour=red", "?id=-1", "?" + "id=1&" * 3 + "x=1"):
        assert reader.get(f"{BASE}/Resource{query}").status_code == 400, query
    many = "&".join(f"id={number}" for number in range(101))
    assert reader.get(f"{BASE}/Resource?{many}").status_code == 400
    assert reader.get(f"{BASE}/Nothing").status_code == 404
    assert reader.get(f"{BASE}/Resource/Search").status_code == 405
    directory.delete()
    assert reader.get(f"{BASE}/Resource?id=1").status_code == 404
