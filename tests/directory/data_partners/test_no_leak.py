"""Nothing that an agreement excludes, and nothing confidential, is in what a data partner reads.

Each marker stands in an excluded place of its own. First a partner without exclusions sees all of
them, so that this test can fail; then the agreement changes, and the partner itself takes it in.
"""

import json
import random
import zipfile
from pathlib import Path

import pytest
from django.utils import timezone

from directory import models as rows
from directory.data_partners import feed
from directory.exporting.writing import FORMATS, write
from directory.listing.parameters import PATHS
from directory.models import Entry, View
from directory.tables import TABLES
from directory.taking_in import take_in
from directory.views.excluding import why_not
from tests.directory import agreed, make
from tests.directory.api.oracle import Oracle
from tests.directory.api.world import World

pytestmark = pytest.mark.usefixtures("directory")
BASE = "/hsds/3.1"
EXCLUDED = [
    *("contact", "schedule", "funding", "cost_option", "service_area.name", "language.code"),
    *("phone.description", "address.attention", "accessibility", "required_document"),
    *("service.email", "service.alert", "service.minimum_age", "service.fees_description"),
    *("service.wait_time", "organization.email", "organization.tax_id", "location.description"),
    *("location.name", "service_at_location.description", "attribute.value", "url"),
]


OF_HOURS = ("schedule.", "service.alert")


def text(number):
    return {"en": f"marker{number:02}x", "fr": f"marker{number:02}x"}


MARKERS = [f"marker{number:02}x" for number in range(1, 22)]


@pytest.fixture
def service():
    """A service with a marker in each excluded place."""
    agency = make.agency("Region", email="marker01x@example.org", tax_id="marker02x")
    service = make.service(
        "Meals", organization=agency, email="marker03x@example.org", alert=text(4),
        fees_description=text(5), wait_time=text(6), minimum_age=141.5,
    )  # fmt: skip
    place = make.location(text(7), description=text(8), organization=agency)
    make.address(place, attention=text(9))
    rows.Accessibility.objects.create(location=place, description=text(10))
    make.at(service, place, description=text(11))
    contact = service.contacts.create(name=text(12), email="marker13x@example.org")
    make.phone("613-555-0199", contact=contact, description=text(14))
    make.phone("613-555-0100", service=service, description=text(15))
    service.schedules.create(description=text(16), freq="WEEKLY", byday="MO")
    service.funding.create(source=text(17))
    service.cost_options.create(option=text(18))
    service.service_areas.create(name=text(19))
    service.required_documents.create(document=text(20))
    service.languages.create(name={"en": "Cree"}, code="cr")
    make.attribute(service, make.term("Food"), value=text(21))
    return service


def read_everything(client):
    """Return all that the paths say: HSDS in each shape and language, iCarol, the feed."""
    asked = [f"{BASE}/", f"{BASE}/openapi.json", f"{BASE}/profile", "/api/v1/directory/changes"]
    for name, kind in PATHS.items():
        asked += [f"{BASE}/{name}?extras=true", f"{BASE}/{name}?format=ndjson"]
        ids = Entry.objects.filter(kind=kind).values_list("hsds_id", flat=True)
        asked += [f"{BASE}/{name}/{hsds_id}?extras=true" for hsds_id in ids]
    places = Entry.objects.filter(kind="location").values_list("hsds_id", flat=True)
    asked += [f"/api/v1/directory/locations/{hsds_id}" for hsds_id in places]
    asked += [f"{BASE}/organizations?full_service=true", f"{BASE}/services?minimal=true"]
    numbers = Entry.objects.exclude(number=None).values_list("number", flat=True)
    asked += ["/icarol/v1/Resource?" + "&".join(f"id={number}" for number in numbers)]
    asked += ["/icarol/v1/Resource/Taxonomy"]
    found = []
    for language in ("en", "fr"):
        for path in asked:
            answer = client.get(path, headers={"Accept-Language": language})
            body = b"".join(answer) if answer.streaming else answer.content
            found.append(f"{body.decode()} {answer.headers}")
    body = json.dumps({"takeALL": True})
    answer = client.post("/icarol/v1/Resource/Search", body, "application/json")
    return "\n".join([*found, b"".join(answer).decode()])


def markers_in(found):
    return {marker for marker in [*MARKERS, "555-0199", "141.5"] if marker in found}


def total(client, **query):
    return client.get(f"{BASE}/services", query).json()["total_items"]


def test_nothing_excluded_is_read_or_asked_from_the_moment_it_is_excluded(service, caplog):
    rows.Place.objects.create(postcode="K1A0B1", latitude=45, longitude=-75, areas=["marker19x"])
    partner = agreed.partner()
    reader = agreed.client(partner)
    take_in()
    assert markers_in(read_everything(reader)) == {*MARKERS, "555-0199", "141.5"}
    assert (total(reader, age=10), total(reader, spoken_language="cr")) == (0, 1)
    assert total(reader, postcode="K1A 0B1") == 1
    agreed.change(partner, exclude_fields=EXCLUDED)
    caplog.clear()
    assert markers_in(read_everything(reader)) == set()
    assert (total(reader, age=10), total(reader, spoken_language="cr")) == (1, 0)
    assert total(reader, postcode="K1A 0B1") == 0
    assert total(reader, open_at="now") == 0
    for marker in MARKERS:
        for path in PATHS:
            assert reader.get(f"{BASE}/{path}", {"search": marker}).json()["total_items"] == 0
    search = {"term": "marker07x"}
    found = reader.post("/icarol/v1/Resource/Search", json.dumps(search), "application/json")
    assert found.json()["totalResultCount"] == 0
    assert markers_in(caplog.text) == set()


def test_a_file_states_and_counts_nothing_excluded(service, tmp_path):
    service.email = "no address"
    service.save()
    service.contacts.create(email="marker13x, no address")
    service.additional_urls.create(url={"en": "marker01x, no address"})
    partner = agreed.partner()
    written = write(FORMATS["hsds-3.1-tabular"], partner.view, "en", tmp_path)
    assert written.not_carried == {"service.email": 1, "contact.email": 1, "url.url": 1}
    agreed.change(partner, exclude_fields=[*EXCLUDED, "url.service_id"])
    view = View.objects.get(pk=partner.view_id)
    for format in FORMATS.values():
        written = write(format, view, "en", tmp_path)
        # What a format itself cannot carry is counted, and nothing that is excluded is.
        assert not set(written.not_carried) & {*EXCLUDED, "url.url", "contact.email"}
        found = Path(written.path).read_bytes().decode(errors="replace")
        if zipfile.is_zipfile(written.path):
            with zipfile.ZipFile(written.path) as packed:
                found = "".join(packed.read(name).decode() for name in packed.namelist())
        assert markers_in(found) == set()


def test_outside_a_view_nothing_exists(service):
    other = make.service("Legal clinic")
    include = {"organizations": [str(service.organization.entry.hsds_id)]}
    reader = agreed.reader(include=include)
    take_in()
    assert "Legal clinic" not in read_everything(reader)
    for row in (other, other.organization):
        assert str(row.entry.hsds_id) not in read_everything(reader)
    assert total(reader) == 1
    assert total(reader, organization_id=str(other.organization.entry.hsds_id)) == 0


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.whole) for seed in range(2, 8))]
)
def test_each_filter_finds_what_a_reader_finds_in_what_it_sees(seed):
    """Generated agreements: filters against an oracle that reads only what the partner is sent."""
    dice = random.Random(seed)
    World(seed, size=12)
    columns = [f"{table}.{name}" for table, found in TABLES.items() for name in found.columns]
    allowed = [name for name in [*TABLES, *columns] if not why_not(name)]
    partner = agreed.partner()
    reader = agreed.client(partner)
    for _ in range(4):
        excluded = dice.sample(allowed, 12)
        agreed.change(partner, exclude_fields=excluded)
        oracle = Oracle(reader)
        for query in ({"age": "30"}, {"spoken_language": "fr"}, {"open_at": "now"}):
            if "open_at" in query:
                query = {"open_at": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")}
            page = reader.get(f"{BASE}/services", {"per_page": 500} | query).json()
            if "open_at" in query and any(one.startswith(OF_HOURS) for one in excluded):
                continue  # the oracle reads whole rules
            found = {one["id"] for one in page["contents"]}
            assert found == oracle_finds(oracle, query), (excluded, query)


def oracle_finds(oracle, query):
    """Return what the answers alone say."""
    ((name, value),) = query.items()
    services = oracle.services.items()
    if name == "age":
        limits = {key: answers[0] for key, answers in services}
        return {
            key
            for key, one in limits.items()
            if one.get("minimum_age", 0) <= float(value) <= one.get("maximum_age", 1000)
        }
    if name == "spoken_language":
        return {
            key
            for key, answers in services
            if value in [one.get("code") for one in answers[0].get("languages", [])]
        }
    return oracle.find("services", **query)


def test_a_change_feed_names_nothing_outside(service):
    other = make.service("Legal clinic")
    partner = agreed.partner(include={"organizations": [str(other.organization.entry.hsds_id)]})
    take_in()
    found = {change.hsds_id for change in feed.read(partner.view, "", 100).changes}
    assert str(service.entry.hsds_id) not in found
    assert str(other.entry.hsds_id) in found
