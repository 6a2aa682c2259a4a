"""Each check finds what it says, and nothing in an entry that has all."""

import json
from datetime import date, time, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from directory import changes
from directory.models import Contact, Entry, Phone, Place, Schedule, Secrecy
from directory.quality.checks import CHECKS, run
from directory.taking_in import take_in
from tests.directory import make

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.long,
    pytest.mark.usefixtures("directory"),
]

KEYS = [
    "missing_description",
    "missing_phone",
    "no_taxonomy",
    "no_schedule",
    "no_location",
    "no_coordinates",
    "outside_area",
    "incomplete_address",
    "verification_overdue",
    "no_mailbox",
    "missing_translation",
    "stale_translation",
    "invalid_phone",
    "invalid_postcode",
    "unreadable_hours",
    "expired_schedule",
    "orphan",
    "dead_link",
    "confidential_in_text",
    "confidential_twice",
    "duplicate",
]


def both(text):
    return {"en": text, "fr": f"{text} (fr)"}


class World:
    """A service that lacks nothing, and what belongs to it."""

    def __init__(self):
        self.agency = make.agency(
            both("Helping Hands"), description=both("An agency."), email="info@example.org"
        )
        self.service = make.service(
            both("Food bank"),
            organization=self.agency,
            description=both("Food."),
            assured_date=date.today(),  # noqa: DTZ011
            url={"en": "https://example.org"},
        )
        self.place = make.location(
            organization=self.agency, latitude=45.42, longitude=-75.69, location_type="physical"
        )
        self.at = make.at(self.service, self.place)
        self.address = make.address(self.place)
        self.phone = make.phone(service=self.service)
        self.schedule = Schedule.objects.create(
            service=self.service,
            freq="WEEKLY",
            byday="MO",
            opens_at=time(9),
            closes_at=time(17),
        )
        self.attribute = make.attribute(self.service, make.term())
        Place.objects.create(postcode="K1A", latitude=45.4, longitude=-75.7)

    def found(self, key):
        """Return what the check finds."""
        changes.everything_changed()
        take_in()
        (result,) = run([key])
        return set(result.records)

    @staticmethod
    def ids(*entries):
        return {str(entry.entry.hsds_id) for entry in entries}


@pytest.fixture
def world():
    return World()


def change(row, **fields):
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


def test_the_checks_are_those_of_the_contract():
    assert [check.key for check in CHECKS] == KEYS


def test_nothing_is_found_where_nothing_is_missing(world):
    assert {key: world.found(key) for key in KEYS} == {key: set() for key in KEYS}


SINCE = timedelta(days=400)


@pytest.mark.parametrize(
    ("key", "row", "fields", "owner"),
    [
        ("missing_description", "service", {"description": {}}, "service"),
        ("missing_description", "agency", {"description": {}}, "agency"),
        ("no_coordinates", "place", {"latitude": None}, "place"),
        ("outside_area", "place", {"latitude": 43.65, "longitude": -79.38}, "place"),
        ("incomplete_address", "address", {"city": {}}, "place"),
        ("incomplete_address", "address", {"postal_code": ""}, "place"),
        ("verification_overdue", "service", {"assured_date": None}, "service"),
        ("verification_overdue", "service", {"assured_date": date.today() - SINCE}, "service"),  # noqa: DTZ011
        ("no_mailbox", "agency", {"email": ""}, "agency"),
        ("no_mailbox", "agency", {"email_secrecy": Secrecy.YES}, "agency"),
        ("missing_translation", "service", {"name": {"en": "Food bank"}}, "service"),
        ("missing_translation", "service", {"description": {"fr": "Aliments"}}, "service"),
        ("stale_translation", "service", {"stale_texts": ["name:fr"]}, "service"),
        ("stale_translation", "phone", {"stale_texts": ["description:fr"]}, "service"),
        ("invalid_phone", "phone", {"number": "555-01"}, "service"),
        ("invalid_postcode", "address", {"postal_code": "K1A"}, "place"),
        ("unreadable_hours", "schedule", {"interval": 2}, "service"),
        ("unreadable_hours", "schedule", {"opens_at": None}, "service"),
        ("expired_schedule", "schedule", {"valid_to": date(2020, 1, 1)}, "service"),
        ("expired_schedule", "schedule", {"until": date(2020, 1, 1)}, "service"),
        ("orphan", "service", {"organization": None}, "service"),
        ("dead_link", "service", {"url": {"en": "javascript:alert(1)"}}, "service"),
    ],
)
def test_what_is_missing_or_wrong_is_found(world, key, row, fields, owner):
    change(getattr(world, row), **fields)
    assert world.found(key) == world.ids(getattr(world, owner))


@pytest.mark.parametrize(
    ("key", "row"),
    [("missing_phone", "phone"), ("no_schedule", "schedule"), ("no_taxonomy", "attribute")],
)
def test_a_service_without_rows_is_found(world, key, row):
    getattr(world, row).delete()
    assert world.found(key) == world.ids(world.service)


@pytest.mark.parametrize("parent", ["service_at_location", "location", "organization", "contact"])
def test_a_phone_of_what_belongs_to_a_service_is_enough(world, parent):
    contact = Contact.objects.create(service=world.service)
    owners = {
        "service_at_location": world.at,
        "location": world.place,
        "organization": world.agency,
        "contact": contact,
    }
    change(world.phone, service=None, **{parent: owners[parent]})
    assert world.found("missing_phone") == set()


def test_a_service_and_a_place_without_each_other_are_found(world):
    Entry.objects.filter(pk=world.at.pk).update(withdrawn_by="staff", withdrawn_at=timezone.now())
    assert world.found("no_location") == world.ids(world.service)
    change(world.place, organization=None)
    assert world.found("orphan") == world.ids(world.place)


def test_withdrawn_entries_and_services_that_are_not_shown_are_not_looked_at(world):
    change(world.service, description={}, status="inactive")
    assert world.found("missing_description") == set()
    change(world.service, status="active")
    assert world.found("missing_description") == world.ids(world.service)
    Entry.objects.filter(pk=world.service.pk).update(
        withdrawn_by="staff", withdrawn_at=timezone.now()
    )
    assert world.found("missing_description") == set()


@pytest.mark.parametrize(
    "text", ["Come to 7 Hidden Road.", "The hidden  road shelter", "Call (613) 555-0177 at night"]
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_text_that_reveals_something_confidential_is_found(world, text, language):
    secret = make.location("A shelter")
    make.address(secret, address_1=make.texts("7 Hidden Road"), postal_code="K9A 0B1")
    Entry.objects.filter(pk=secret.pk).update(secrecy=Secrecy.YES)
    make.phone("+1 613 555 0177", organization=world.agency, secrecy=Secrecy.YES)
    assert world.found("confidential_in_text") == set()
    change(world.service, eligibility_description={language: text})
    assert world.ids(world.service) <= world.found("confidential_in_text")


def test_what_is_withheld_is_found(world):
    Phone.objects.filter(pk=world.phone.pk).update(secrecy=Secrecy.MATCHES)
    Entry.objects.filter(pk=world.place.pk).update(secrecy=Secrecy.MATCHES)
    assert world.found("confidential_twice") == world.ids(world.service, world.place)


def test_the_command_states_what_was_found(world, capsys):
    change(world.service, description={})
    call_command("directory_quality", "--json")
    checks = {check["key"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert set(checks) == set(KEYS)
    assert checks["missing_description"] == {
        "key": "missing_description",
        "severity": "warning",
        "count": 1,
        "records": list(world.ids(world.service)),
    }


def test_two_entries_that_look_like_one_are_both_named(world):
    other = make.agency(world.agency.name, email="other@example.org")
    make.service("Elsewhere", organization=other)
    assert world.found("duplicate") == world.ids(world.agency, other)
