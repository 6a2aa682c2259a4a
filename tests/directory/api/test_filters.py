"""Each parameter, alone and in pairs, finds what a plain-Python oracle finds."""

from datetime import UTC, datetime, timedelta
from itertools import chain, combinations

import pytest

from directory.models import Place
from directory.taking_in import take_in
from tests.clocks import set_clock
from tests.directory.api.oracle import BASE, ZONE, Oracle
from tests.directory.api.world import PLACES, POSTCODES, World

pytestmark = [pytest.mark.postgres, pytest.mark.long]
SEEDS = (1, *(pytest.param(seed, marks=pytest.mark.whole) for seed in (3, 4, 5)))


@pytest.fixture(params=SEEDS)
def oracle(request, client, directory):
    world = World(request.param)
    take_in()
    world.change_some()
    found = Oracle(client)
    for place, text in zip(Place.objects.order_by("id"), POSTCODES, strict=True):
        found.postcodes[text] = (place.latitude, place.longitude, place.areas)
    assert len(found.services) > 5
    return found


def questions(oracle):
    """Values for each parameter, some of which find much, some little, some nothing."""
    services = [answers[0] for answers in oracle.services.values()]
    changed = sorted(service["last_modified"] for service in services)
    terms = [answers[0] for answers in oracle.terms.values()]
    return {
        "taxonomy_term_id": [{"taxonomy_term_id": term["id"]} for term in terms[:4]],
        "taxonomy_id": [
            {"taxonomy_id": one} for one in {term["taxonomy_detail"]["id"] for term in terms}
        ],
        "taxonomy_code": [{"taxonomy_code": code} for code in ("T0", "T1", "T5", "none")],
        "organization_id": [{"organization_id": id} for id in list(oracle.organizations)[:2]],
        "modified_after": [
            {"modified_after": moment}
            for moment in (changed[0], changed[-1], "2000-01-01T00:00:00Z")
        ],
        "spoken_language": [{"spoken_language": code} for code in ("fr", "ar", "zu")],
        "age": [{"age": age} for age in (0, 12.5, 17, 18, 70)],
        "search": [
            {"search": text}
            for text in (
                "food", "bank food", "HÉBERG", "d'hébergement", "coeur", "city", "montreal",
                "centre 3", "s", "clinic ottawa", "zzz", "program",
            )
        ],
        "open_at": [{"open_at": moment} for moment in moments()],
        "postcode": [{"postcode": code} for code in POSTCODES],
        "proximity": [
            {"proximity": 3000, "postcode": POSTCODES[0]},
            {"proximity": 5000.5, "latitude": PLACES[1][0], "longitude": PLACES[1][1]},
            {"proximity": 400_000, "latitude": 45.0, "longitude": -75.0},
        ],
    }  # fmt: skip


def moments(now=None, hours=(1, 30, 77, 150, 290)):
    now = now or datetime.now(UTC)
    for ahead in hours:
        moment = now + timedelta(hours=ahead)
        yield moment.replace(minute=0, second=0, microsecond=0).isoformat()
        yield moment.astimezone(ZONE).replace(tzinfo=None, microsecond=0).isoformat()


def ids(client, path, **parameters):
    response = client.get(f"{BASE}/{path}", parameters | {"per_page": 500})
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["contents"]]


def test_the_api_finds_what_the_oracle_finds(client, oracle, whole):
    for path in ("services", "service_at_locations"):
        assert_each_parameter_finds_the_same(client, oracle, path, 1 if whole else 2)
        assert_pairs_of_parameters_are_anded(client, oracle, path, 1 if whole else 4)
    assert_questions_find_some_and_not_all(oracle)
    assert_organizations_and_terms_are_the_same(client, oracle)
    assert_relevance_then_id(client, oracle)
    assert_distance_then_id(client, oracle)
    for question in ({}, {"search": "food"}, {"proximity": 400_000}):
        assert_pages_of_any_size_are_the_same(client, question)


# Noon in each, and the day before each change of clocks.
SEASONS = {
    "winter": datetime(2027, 1, 20, 17, tzinfo=UTC),
    "summer": datetime(2027, 7, 20, 16, tzinfo=UTC),
    "clocks go forward": datetime(2027, 3, 13, 17, tzinfo=UTC),
    "clocks go back": datetime(2027, 11, 6, 16, tzinfo=UTC),
}


@pytest.mark.parametrize("now", SEASONS.values(), ids=SEASONS)
def test_what_is_open_is_what_the_oracle_finds(client, oracle, monkeypatch, now):
    set_clock(monkeypatch, lambda: now)
    take_in()
    asked = list(moments(now, hours=(1, 9, 13, 14, 15, 38, 77, 150, 290)))
    for path in ("services", "service_at_locations"):
        found = {moment: set(ids(client, path, open_at=moment)) for moment in asked}
        assert found == {moment: oracle.find(path, open_at=moment) for moment in asked}
        assert any(found.values())


def assert_each_parameter_finds_the_same(client, oracle, path, step):
    """Ask for every `step`th value of each parameter."""
    for asked in questions(oracle).values():
        for question in asked[::step]:
            found = ids(client, path, **question)
            assert len(found) == len(set(found))
            assert set(found) == oracle.find(path, **question), question


def assert_questions_find_some_and_not_all(oracle):
    """The oracle's test could not fail on questions that find nothing, or everything."""
    for name, asked in questions(oracle).items():
        sizes = {len(oracle.find("services", **question)) for question in asked}
        assert sizes - {0, len(oracle.services)}, name


def assert_pairs_of_parameters_are_anded(client, oracle, path, step):
    """Ask by every `step`th pair; each parameter stands in some of them."""
    asked = questions(oracle)
    pairs = [pair for pair in combinations(asked, 2) if set(pair) != {"postcode", "proximity"}]
    assert set(chain(*pairs[::step])) == set(asked)
    for one, other in pairs[::step]:
        question = asked[one][0] | asked[other][-1]
        assert set(ids(client, path, **question)) == oracle.find(path, **question), question


def assert_organizations_and_terms_are_the_same(client, oracle):
    asked = questions(oracle)
    for name in ("taxonomy_term_id", "taxonomy_id", "search"):
        for question in asked[name]:
            found = set(ids(client, "organizations", **question))
            assert found == oracle.find("organizations", **question), question
    parents = {answers[0].get("parent_id") for answers in oracle.terms.values()} - {None}
    for question in (
        *asked["search"], *asked["taxonomy_id"], {"top_only": "true"}, {"top_only": "false"},
        *({"parent_id": parent} for parent in parents),
    ):  # fmt: skip
        found = set(ids(client, "taxonomy_terms", **question))
        assert found == oracle.find("taxonomy_terms", **question), question


def assert_relevance_then_id(client, oracle):
    for path, entries in (("services", oracle.services), ("service_at_locations", oracle.places)):
        for question in questions(oracle)["search"]:
            found = ids(client, path, **question)
            by = [(oracle.rank(path, entries[id], question["search"]), id) for id in found]
            assert by == sorted(by), question


def assert_distance_then_id(client, oracle):
    for path, entries in (("services", oracle.services), ("service_at_locations", oracle.places)):
        for question in questions(oracle)["proximity"]:
            query = question | {"extras": "true", "per_page": 500, "search": ""}
            items = client.get(f"{BASE}/{path}", query).json()["contents"]
            by = [(item["x_distance_m"], item["id"]) for item in items]
            assert by == sorted(by)
            for item in items:
                expected = oracle.distance(path, entries[item["id"]][0], **question)
                assert item["x_distance_m"] == pytest.approx(expected, rel=0.005, abs=0.1)


def assert_pages_of_any_size_are_the_same(client, question):
    if "proximity" in question:
        question = question | {"latitude": 45, "longitude": -75}

    def walked(per_page):
        found, number, last = [], 0, False
        while not last:
            number += 1
            query = question | {"page": number, "per_page": per_page}
            page = client.get(f"{BASE}/services", query).json()
            found += [item["id"] for item in page["contents"]]
            last = page["last_page"]
        return found

    assert walked(7) == walked(100)
    minimal = client.get(f"{BASE}/services", question | {"minimal": "true"}).json()["contents"]
    assert [item["id"] for item in minimal] == walked(100)
    lines = client.get(f"{BASE}/services", question | {"format": "ndjson"})
    assert b"".join(lines).count(b"\n") == len(minimal)
