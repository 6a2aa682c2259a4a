"""What matches something confidential is held back until staff decide."""

import pytest

from directory.models import Agency, Contact, Entry, Phone, Service
from directory.secrecy import house_numbers
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.stored import change, seen

pytestmark = pytest.mark.usefixtures("directory")


def secrecy(row):
    return Entry.objects.get(pk=row.pk).secrecy


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("12 King Street", {"12"}),
        ("12A King Street", {"12"}),
        ("Unit 4, 12 King St", {"12"}),
        ("12 King St, Suite 300", {"12"}),
        ("4-12 King St", {"4", "12"}),
        ("12, rue King, app. 4", {"12"}),
        ("#4 12 King St", {"12"}),
        ("012 King", {"12"}),
        ("King Street", set()),
    ],
)
def test_house_numbers(text, numbers):
    assert house_numbers(text) == numbers


@pytest.mark.parametrize(
    ("ours", "theirs", "is_held"),
    [
        ({}, {}, True),
        ({}, {"address_1": {"en": "12 King St W"}, "postal_code": "k1a0b1"}, True),
        ({}, {"address_1": {"fr": "12, rue King"}}, True),
        ({}, {"address_1": {"en": "14 King Street"}}, False),
        ({}, {"postal_code": "K1A 0B2"}, False),
        ({"postal_code": ""}, {"postal_code": ""}, True),
        ({"postal_code": ""}, {"postal_code": "", "city": {"en": "OTTAWA"}}, True),
        ({"postal_code": ""}, {"postal_code": "", "city": {"en": "Toronto"}}, False),
        ({}, {"address_type": "postal"}, False),
    ],
)
def test_a_location_matches_by_house_number_and_postcode(ours, theirs, is_held):
    shelter, other = make.location(secrecy="yes"), make.location("Church hall")
    make.address(shelter, **ours)
    make.address(other, **theirs)
    take_in()
    assert secrecy(other) == ("matches" if is_held else "")
    assert seen_name(other) == ("Confidential location" if is_held else "Church hall")


def seen_name(location):
    at = make.at(make.service(), location)
    take_in()
    return seen(at)["location"]["name"]


@pytest.mark.parametrize(
    ("north", "east", "is_held"),
    [(0.0004, 0, True), (0.0005, 0, False), (0, 0.0006, True), (0, 0.0007, False)],
)
@pytest.mark.parametrize("secret_first", [True, False])
def test_a_location_matches_within_50_metres(north, east, is_held, secret_first):
    places = {"latitude": 45.4215, "longitude": -75.6972}
    near = {"latitude": 45.4215 + north, "longitude": -75.6972 + east}
    if secret_first:
        make.location(secrecy="yes", **places)
        take_in()
    other = make.location(**near)
    take_in()
    if not secret_first:
        make.location(secrecy="yes", **places)
        take_in()
    assert secrecy(other) == ("matches" if is_held else "")


def test_places_that_are_none_match_nothing():
    make.location(secrecy="yes", latitude=0, longitude=0)
    make.location(secrecy="yes", latitude=100, longitude=101)
    others = [make.location(latitude=0, longitude=0), make.location(latitude=100, longitude=101)]
    take_in()
    assert [secrecy(other) for other in others] == ["", ""]


def test_what_is_pressed_confidential_hides_matches_of_before():
    shelter, other = make.location(), make.location()
    make.address(shelter)
    make.address(other)
    take_in()
    assert secrecy(other) == ""
    change(shelter, secrecy="yes")
    assert secrecy(other) == "matches"


def test_what_staff_have_cleared_is_not_withheld_again():
    shelter, other = make.location(secrecy="yes"), make.location(secrecy="cleared")
    make.address(shelter)
    make.address(other)
    take_in()
    assert secrecy(other) == "cleared"


def test_what_is_withheld_withholds_nothing_further():
    shelter, other, third = make.location(secrecy="yes"), make.location(), make.location()
    make.address(shelter)
    make.address(other)
    make.address(other, address_1={"en": "99 Elm"}, postal_code="K2B 1C1")
    make.address(third, address_1={"en": "99 Elm"}, postal_code="K2B 1C1")
    take_in()
    assert (secrecy(other), secrecy(third)) == ("matches", "")


def test_a_phone_matches_in_any_spelling_wherever_it_stands():
    make.phone("613-555-0100", service=make.service(), secrecy="yes")
    contact = make.service().contacts.create(name={"en": "Ann"})
    held = [
        make.phone("(613) 555 0100", service=make.service()),
        make.phone("+1 613 555 0100", contact=contact),
        make.phone("1.613.555.0100 ", location=make.location()),
    ]
    free = make.phone("613-555-0101", service=make.service())
    take_in()
    found = dict(Phone.objects.values_list("pk", "secrecy"))
    assert [found[phone.pk] for phone in held] == ["matches"] * 3
    assert found[free.pk] == ""


def test_an_email_matches_in_any_column():
    make.agency(email="Safe@Shelter.example.org", email_secrecy="yes")
    email = "safe@shelter.example.org"
    agency, service = make.agency(email=email), make.service(email=email)
    service.contacts.create(name={"en": "Ann"}, email=email)
    take_in()
    for model in (Agency, Service, Contact):
        found = model.objects.filter(email=email).values_list("email_secrecy", flat=True)
        assert set(found) == {"matches"}
    assert "email" not in seen(service)
    assert "email" not in seen(agency)
    assert "email" not in seen(service)["contacts"][0]


def test_hidden_phones_contacts_and_addresses_are_left_out():
    service = make.service()
    at = make.at(service, make.location())
    make.phone("613-555-0100", service=service, secrecy="yes")
    shown = make.phone("613-555-0101", service=service)
    contact = service.contacts.create(name={"en": "Ann"}, secrecy="yes")
    make.phone("613-555-0102", contact=contact)
    shared = make.phone("613-555-0103", contact=contact, service=service)
    make.address(at.location, address_type="postal", private=True)
    take_in()
    found = seen(service)
    assert [one["number"] for one in found["phones"]] == [shown.number, shared.number]
    assert "contacts" not in found
    assert "addresses" not in seen(at.location)


def test_matching_takes_as_many_statements_for_many_as_for_one(django_assert_max_num_queries):
    for _ in range(30):
        make.address(make.location())
    take_in()
    shelter = make.location()
    make.address(shelter)
    take_in()
    from directory import secrecy as module

    Entry.objects.filter(pk=shelter.pk).update(secrecy="yes")
    with django_assert_max_num_queries(15):
        assert module.hold_back([shelter.pk])
    assert Entry.objects.filter(secrecy="matches").count() == 30
