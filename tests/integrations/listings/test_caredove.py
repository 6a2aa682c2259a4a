"""Asking Caredove which listings an organization has."""

import json

import pytest

from integrations.listings import asking
from integrations.listings.offers import Offer, Unreadable
from integrations.models import Organization, Source
from integrations.sources.caredove import listings as api
from tests.integrations.listings.caredove import ListingServer, listed
from tests.world import World


def ask(world: World) -> Offer:
    world.source.refresh_from_db()
    return asking.ask(world.source, world.organization)


def refusal(world: World) -> str:
    with pytest.raises(Unreadable) as refused:
        ask(world)
    return refused.value.message


def test_the_listings_of_this_organization_are_asked_for(
    world: World, caredove: ListingServer
) -> None:
    caredove.listings["812"] = [listed(4417, "Counselling individuel – Sainte-Émélie")]

    offer = ask(world)

    assert offer.rows == [("4417", "Counselling individuel – Sainte-Émélie", "Counselling", "yes")]
    assert offer.complete
    assert caredove.asked == [{"organization_id": "812", "limit": "100", "active": "true"}]


@pytest.mark.parametrize("paging", ["offset", "next"])
def test_all_pages_are_read(world: World, caredove: ListingServer, paging: str) -> None:
    caredove.listings["812"] = [listed(number, f"Service {number}") for number in range(230)]
    caredove.paging = paging

    offer = ask(world)

    assert (len(offer.rows), offer.complete) == (230, True)
    assert len(caredove.asked) == 3


def test_exactly_a_page_is_the_whole_when_the_next_one_is_empty(
    world: World, caredove: ListingServer
) -> None:
    caredove.listings["812"] = [listed(number, f"Service {number}") for number in range(100)]

    offer = ask(world)

    assert (len(offer.rows), offer.complete, offer.notes) == (100, True, ())


def test_a_page_that_comes_again_is_not_taken_for_the_whole(
    world: World, caredove: ListingServer
) -> None:
    caredove.listings["812"] = [listed(number, f"Service {number}") for number in range(130)]
    caredove.paging = "none"

    offer = ask(world)

    assert (len(offer.rows), offer.complete) == (100, False)
    assert "there may be more than these 100 listings" in offer.notes[0]


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, b"", "does not accept the user name and password"),
        (403, b"", "does not let us read the listings of this organization"),
        (404, b"", "has no listing API at this address"),
        (500, b"<h1>Oh no</h1>", "answered 500 instead of its listings"),
        (302, b"", "answered 302 instead of its listings"),
        (200, b"<html>Sign in</html>", "did not answer in JSON"),
        (200, b'{"results": ' + b"[" * 5000, "did not answer in JSON"),
        (200, b"[]", "no list of results"),
        (200, b'{"results": [1, 2]}', "no list of results"),
        (200, b" " * (api.MAX_BYTES + 1), "sent more than 8 MB at once"),
    ],
)
def test_an_answer_that_is_none_is_explained(
    world: World, caredove: ListingServer, status: int, body: bytes, sentence: str
) -> None:
    caredove.answer = status, body

    assert sentence in refusal(world)


def test_the_password_goes_to_no_other_host(world: World, caredove: ListingServer) -> None:
    page = {"results": [listed(1, "One")], "next": "http://127.0.0.2:9/Service/?page=2"}
    caredove.answer = 200, json.dumps(page).encode()

    assert "continues at another address" in refusal(world)


def test_pages_without_an_end_are_stopped(world: World, caredove: ListingServer) -> None:
    caredove.listings["812"] = [listed(number, f"Service {number}") for number in range(2300)]

    assert "more than 2000 listings" in refusal(world)


def test_an_address_inside_is_not_asked(world: World, caredove: ListingServer) -> None:
    Source.objects.update(listings_url="https://169.254.169.254/latest")

    assert "not a public address" in refusal(world)


def test_a_listing_without_the_usual_parts_is_taken_as_it_is(
    world: World, caredove: ListingServer
) -> None:
    odd = {"id": 9, "name": ["?"], "category": None, "eReferral": None}
    caredove.answer = 200, json.dumps({"results": [odd]}).encode()

    assert ask(world).rows == [("9", "", "", "yes")]


def test_the_source_of_the_organization_alone_is_asked_before_that_of_all(
    world: World, caredove: ListingServer
) -> None:
    other = Organization.objects.create(caredove_id="900", name="Maple")
    own = Source.objects.create(name="own", listings_url=caredove.url, listings_username="own")
    own.organizations.add(world.organization)

    assert list(asking.sources_for(world.organization)) == [own]
    assert list(asking.sources_for(other)) == [world.source]
