"""Every answer is what the standard demands, in each shape and language."""

import json

import pytest

from directory import changes
from directory.models import Directory, Entry
from tests.directory import make, standard

pytestmark = pytest.mark.usefixtures("directory")
BASE = "/hsds/3.1"
PAGE = {
    "total_items",
    "total_pages",
    "page_number",
    "size",
    "first_page",
    "last_page",
    "empty",
    "contents",
}


@pytest.fixture
def place():
    """A service with a bit of everything, at a location."""
    agency = make.agency(
        {"en": "Helping Hands", "fr": "Mains tendues"}, email="info@help.example.org"
    )
    service = make.service({"en": "Food bank", "fr": "Banque alimentaire"}, organization=agency)
    location = make.location(organization=agency, latitude=45.4, longitude=-75.7)
    make.address(location)
    at = make.at(service, location)
    make.phone(service=service)
    at.schedules.create(freq="WEEKLY", byday="MO", opens_at="09:00", closes_at="17:00")
    make.attribute(service, make.term(synonyms={"en": ["Groceries"]}))
    return at


def get(client, path, **parameters):
    response = client.get(f"{BASE}{path}", parameters)
    assert response.status_code == 200, response.content
    return response.json()


def listed(client, path, **parameters):
    found = get(client, path, **parameters)
    assert set(found) == PAGE
    assert found["size"] == len(found["contents"])
    return found["contents"]


def id_of(row):
    return str(row.entry.hsds_id)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_details(client, place, lang):
    service = place.service
    term = make_term(service)
    for path, schema in [
        (f"/services/{id_of(service)}", "service"),
        (f"/organizations/{id_of(service.organization)}", "organization"),
        (f"/service_at_locations/{id_of(place)}", "service_at_location"),
        (f"/taxonomy_terms/{id_of(term)}", "taxonomy_term"),
        (f"/taxonomies/{id_of(term.taxonomy)}", "taxonomy"),
    ]:
        for extras in ("false", "true"):
            standard.check(schema, get(client, path, lang=lang, extras=extras))


def make_term(service):
    from directory.models import Attribute

    return Attribute.objects.get(link_entity="service", link=service.pk).taxonomy_term


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(
    ("path", "flat", "full"),
    [
        ("/services", "compiled/service_list", "service"),
        ("/organizations", "compiled/organization_list", "organization"),
        ("/service_at_locations", "compiled/service_at_location_list", "service_at_location"),
        ("/taxonomies", "taxonomy", None),
        ("/taxonomy_terms", "taxonomy_term", None),
    ],
)
def test_lists(client, place, lang, path, flat, full):
    (item,) = listed(client, path, lang=lang)
    standard.check(flat, item)
    for line in client.get(f"{BASE}{path}", {"format": "ndjson", "lang": lang}):
        standard.check(full or flat, json.loads(line))
    if full:
        (item,) = listed(client, path, lang=lang, full="true")
        standard.check(full, item)
        assert item == get(client, f"{path}/{item['id']}", lang=lang)


def test_flat_items_have_no_lists_and_nest_flat_ones(client, place):
    (service,) = listed(client, "/services")
    assert service["organization"]["name"] == "Helping Hands"
    (at,) = listed(client, "/service_at_locations")
    assert at["location"]["latitude"] == 45.4
    assert at["service"]["organization"]["name"] == "Helping Hands"
    for item in (service, at, at["service"], at["location"], *listed(client, "/organizations")):
        assert not any(isinstance(value, list) for value in item.values())


def test_an_organization_has_services_even_if_it_has_none(client):
    agency = make.agency()
    assert get(client, f"/organizations/{id_of(agency)}")["services"] == []


def test_full_service_has_the_services_of_organizations_whole(client, place):
    agency = place.service.organization
    for found in (
        get(client, f"/organizations/{id_of(agency)}", full_service="true"),
        *listed(client, "/organizations", full_service="true"),
    ):
        standard.check("organization", found)
        (service,) = found["services"]
        assert service["service_at_locations"][0]["id"] == id_of(place)
        assert "organization" not in service
        standard.check("service", service)


def test_extras_are_ours_alone_and_are_nowhere_else(client, place):
    path = f"/services/{id_of(place.service)}"
    plain, extra = get(client, path), get(client, path, extras="true")
    assert "x_" not in json.dumps(plain)
    place.service.entry.refresh_from_db()
    assert extra["x_number"] == place.service.entry.number
    assert extra["x_time_zone"] == "America/Toronto"
    assert extra["organization"]["x_number"] > 0
    assert extra["service_at_locations"][0]["x_time_zone"] == "America/Toronto"
    assert extra["attributes"][0]["taxonomy_term"]["x_synonyms"] == ["Groceries"]
    assert without_extras(extra) == plain
    assert [one["x_number"] for one in listed(client, "/services", extras="true")] == [
        extra["x_number"]
    ]


def without_extras(value):
    if isinstance(value, dict):
        return {
            name: without_extras(inner)
            for name, inner in value.items()
            if not name.startswith("x_")
        }
    return [without_extras(inner) for inner in value] if isinstance(value, list) else value


def test_every_nested_id_answers_at_its_own_path(client, place):
    paths = {
        "organization": "organizations",
        "service_at_locations": "service_at_locations",
        "taxonomy_term": "taxonomy_terms",
        "taxonomy_detail": "taxonomies",
    }

    def nested(value):
        for name, inner in value.items():
            for one in inner if isinstance(inner, list) else [inner]:
                if isinstance(one, dict):
                    if name in paths:
                        yield f"/{paths[name]}/{one['id']}"
                    yield from nested(one)

    found = list(nested(get(client, f"/services/{id_of(place.service)}")))
    assert len(found) == 4
    for path in found:
        get(client, path)


def test_the_root_leads_to_its_description(client, directory):
    for path in (BASE, f"{BASE}/"):
        found = client.get(path)
        assert (found.status_code, found.json()["version"]) == (200, "3.1")
        for name in ("profile", "openapi_url"):
            assert found.json()[name].startswith("http://testserver/hsds/3.1/")
            assert client.get(found.json()[name]).status_code == 200


def test_a_change_is_seen_by_the_next_request(client, place):
    path = f"/services/{id_of(place.service)}"
    before = get(client, path)
    place.service.name = {"en": "Pantry"}
    place.service.save()
    changes.changed([place.service.pk])
    after = get(client, path)
    assert after["name"] == "Pantry"
    assert after["last_modified"] > before["last_modified"]
    Entry.objects.filter(pk=place.service.pk).update(secrecy="yes")
    changes.changed([place.service.pk])
    assert client.get(f"{BASE}{path}").status_code == 404
    assert listed(client, "/services") == []


class TestWithoutADirectory:
    @pytest.mark.parametrize("path", ["", "/", "/services", "/openapi.json", "/nothing"])
    def test_nothing_answers(self, client, directory, path):
        Directory.objects.all().delete()
        assert client.get(f"{BASE}{path}").status_code == 404
