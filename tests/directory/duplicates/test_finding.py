"""Pairs that may be one thing, with their reasons."""

import json

import pytest
from django.core.management import call_command
from django.utils import timezone

from directory.duplicates.finding import find
from directory.models import Apart, Entry
from directory.taking_in import take_in
from tests.directory import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("directory")]


def pairs():
    take_in()
    return {(pair.kind, pair.a, pair.b): pair.why for pair in find()}


def test_agencies_by_name_or_by_what_they_share():
    one = make.agency("The Food Bank of Milltown", tax_id="12 345")
    two = make.agency("Food Bank, Milltown", tax_id="12-345")
    other = make.agency("Something else")
    found = pairs()
    assert found == {("organization", one.pk, two.pk): ("same_name", "same_tax_id")}
    assert other.pk not in {key for _, a, b in found for key in (a, b)}


def test_a_spelling_of_a_name_with_the_same_phone():
    one, two = make.agency("Helping Hands Centre"), make.agency("Helping Hands Center")
    make.phone("(613) 555-0100", organization=one)
    make.phone("1-613-555-0100", organization=two)
    assert pairs() == {("organization", one.pk, two.pk): ("similar_name", "same_phone")}


def test_services_of_one_agency_are_two_unless_their_names_are_alike():
    agency = make.agency()
    one, two = (make.service(name, organization=agency) for name in ("Food bank", "Shelter"))
    for service in (one, two):
        make.phone(service=service)
    assert pairs() == {}
    three = make.service("Food Bank", organization=agency)
    assert ("service", one.pk, three.pk) in pairs()


def test_places_by_address_and_name():
    one, two, three = (make.location(name) for name in ("Hall", "hall", "Library"))
    for place in (one, two, three):
        make.address(place)
    assert pairs() == {("location", one.pk, two.pk): ("same_name", "same_address")}


def test_places_within_50_metres_with_a_name_alike():
    one = make.location("Hall", latitude=45.42151, longitude=-75.69721)
    make.location("Hall", latitude=45.43, longitude=-75.7)
    two = make.location("Hall", latitude=45.42160, longitude=-75.69720)
    assert list(pairs()) == [("location", one.pk, two.pk)]


@pytest.mark.parametrize("fields", [{"withdrawn_by": "staff", "withdrawn_at": timezone.now()}])
def test_what_is_withdrawn_is_no_duplicate(fields):
    make.agency("Food bank")
    make.agency("Food bank", **fields)
    assert pairs() == {}


def test_two_that_staff_keep_apart_are_not_shown_again():
    one, two = make.agency("Food bank"), make.agency("Food bank")
    Apart.objects.create(one=one.entry, other=two.entry, by="jo", at=timezone.now())
    assert pairs() == {}


def test_many_that_share_a_phone_are_no_pairs():
    for number in range(30):
        make.phone(organization=make.agency(f"Agency {number}"))
    assert pairs() == {}


def test_the_command_prints_pairs(capsys):
    one, two = make.agency("Food bank"), make.agency("Food bank")
    ids = [str(Entry.objects.get(pk=row.pk).hsds_id) for row in (one, two)]
    call_command("find_duplicates", json=True)
    assert json.loads(capsys.readouterr().out) == {
        "pairs": [
            {
                "type": "organization",
                "a": ids[0],
                "b": ids[1],
                "score": 0.65,
                "why": ["same_name"],
            }
        ]
    }
