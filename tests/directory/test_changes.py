"""A change marks what holds the changed entry, by one UPDATE, and nothing else."""

import pytest
from django.db.models import F

from directory import changes
from directory.models import Entry, Holding, Language, Phone
from tests.directory import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def current():
    """Let every entry be current; return a function that gives the stale ones."""

    def settle():
        Entry.objects.update(built=F("marks"))

    def stale():
        return set(Entry.objects.filter(marks__gt=F("built")).values_list("pk", flat=True))

    return settle, stale


def test_a_new_entry_is_stale():
    service = make.service()
    assert service.entry.marks > service.entry.built


def test_a_change_marks_the_entry_and_those_that_hold_it(current):
    settle, stale = current
    term, service, other = make.term(), make.service(), make.service()
    Holding.objects.create(holder=service.entry, held=term.entry, direct=True)
    settle()
    changes.changed([term.pk])
    assert stale() == {term.pk, service.pk}
    assert other.pk not in stale()


def test_a_new_service_at_a_location_marks_its_service(current):
    settle, stale = current
    service, location = make.service(), make.location()
    settle()
    made = make.at(service, location)
    changes.changed([made.pk])
    assert stale() == {made.pk, service.pk}


def test_a_new_service_and_a_new_location_mark_their_agency(current):
    settle, stale = current
    agency = make.agency()
    settle()
    service = make.service(organization=agency)
    changes.changed([service.pk])
    assert stale() == {service.pk, agency.pk}
    settle()
    location = make.location(organization=agency)
    changes.changed([location.pk])
    assert stale() == {location.pk, agency.pk}


def test_a_change_is_one_statement_however_many_hold_it(django_assert_num_queries):
    location = make.location()
    for _ in range(20):
        service = make.service()
        Holding.objects.create(holder=service.entry, held=location.entry, direct=True)
    with django_assert_num_queries(1):
        changes.changed([location.pk])


def test_more_entries_than_one_statement_takes_are_marked(current, monkeypatch):
    settle, stale = current
    monkeypatch.setattr(changes, "MANY", 2)
    keys = [make.agency().pk for _ in range(5)]
    settle()
    changes.changed(keys)
    assert stale() == set(keys)


def test_a_deleted_contact_leaves_the_phone_that_a_service_has_too():
    service = make.service()
    contact = service.contacts.create(name={"en": "Ann"})
    own = make.phone(contact=contact)
    shared = make.phone(contact=contact, service=service)
    Language.objects.create(phone=own, code="fr")
    language = Language.objects.create(phone=shared, code="fr")
    for of in (contact, own, shared):
        make.attribute(of, make.term())
    changes.delete_rows("contact", [contact.pk])
    assert list(Phone.objects.values_list("pk", "contact")) == [(shared.pk, None)]
    assert list(Language.objects.all()) == [language]
    from directory.models import Attribute

    assert list(Attribute.objects.values_list("link_entity", "link")) == [("phone", shared.pk)]
