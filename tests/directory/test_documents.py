"""An entry's own document is read, compared, and put back."""

from datetime import date, time

import pytest
from django.utils import timezone

from directory import documents
from directory.models import (
    Address,
    Attribute,
    Closing,
    Contact,
    Entry,
    Language,
    Phone,
    Revision,
    Schedule,
    Secrecy,
    Service,
)
from tests.directory import make

pytestmark = pytest.mark.django_db


def read(row):
    return documents.read([row.pk])[row.pk]


def filled():
    """A service with rows of every depth."""
    service = make.service("Food bank", minimum_age=12)
    contact = Contact.objects.create(service=service, name=make.texts("Jo"))
    phone = make.phone(contact=contact)
    Language.objects.create(phone=phone, code="fr")
    make.attribute(phone, make.term("Evening"))
    make.attribute(service, make.term("Food"))
    schedule = Schedule.objects.create(service=service, freq="WEEKLY", opens_at=time(9))
    Closing.objects.create(
        schedule=schedule, first_day=date(2026, 12, 25), last_day=date(2026, 12, 25)
    )
    Closing.objects.create(service=service, first_day=date(2026, 1, 1), last_day=date(2026, 1, 1))
    return service


def test_a_document_names_all_rows():
    models = sorted(item["model"] for item in read(filled()))
    assert models == [
        "directory.attribute",
        "directory.attribute",
        "directory.closing",
        "directory.closing",
        "directory.contact",
        "directory.entry",
        "directory.language",
        "directory.phone",
        "directory.schedule",
        "directory.service",
    ]


def test_what_was_changed_deleted_and_added_is_put_back():
    service = filled()
    before = read(service)
    Service.objects.filter(pk=service.pk).update(name={"en": "Other"}, minimum_age=None)
    Contact.objects.all().delete()
    Attribute.objects.all().delete()
    Schedule.objects.all().delete()
    make.phone("613-555-0199", service=service)
    Entry.objects.filter(pk=service.pk).update(withdrawn_by="staff", withdrawn_at=timezone.now())
    assert not documents.equal(read(service), before)
    documents.put_back(service.pk, before)
    assert documents.equal(read(service), before)
    assert Phone.objects.count() == 1


def test_putting_back_the_same_changes_nothing():
    service = filled()
    documents.put_back(service.pk, read(service))
    assert documents.equal(read(service), read(service))


def test_a_row_of_two_entries_stays_with_the_other():
    service = make.service()
    before = read(service)
    phone = make.phone(service=service, organization=service.organization)
    documents.put_back(service.pk, before)
    phone.refresh_from_db()
    assert phone.service is None
    assert phone.organization == service.organization


def test_a_row_that_hangs_on_a_row_of_its_own_goes_with_it():
    service = make.service()
    before = read(service)
    contact = Contact.objects.create(service=service)
    make.phone(contact=contact)
    shared = make.phone(contact=contact, organization=service.organization)
    documents.put_back(service.pk, before)
    assert not Contact.objects.exists()
    assert list(Phone.objects.all()) == [shared]


def test_what_has_become_confidential_stays_so():
    service = make.service()
    phone = make.phone(service=service)
    before = read(service)
    Entry.objects.filter(pk=service.pk).update(secrecy=Secrecy.YES)
    Phone.objects.filter(pk=phone.pk).update(secrecy=Secrecy.MATCHES, number="613-555-0111")
    documents.put_back(service.pk, before)
    phone.refresh_from_db()
    assert Entry.objects.get(pk=service.pk).secrecy == Secrecy.YES
    assert (phone.secrecy, phone.number) == (Secrecy.MATCHES, "613-555-0100")


def test_what_was_hidden_and_then_deleted_comes_back_hidden():
    place = make.location()
    phone, mail = make.phone(location=place), make.address(place, address_type="postal")
    first = read(place)
    Phone.objects.filter(pk=phone.pk).update(secrecy=Secrecy.YES)
    Address.objects.filter(pk=mail.pk).update(private=True)
    for before in (first, read(place)):
        Revision.objects.create(entry=place.entry, at=timezone.now(), before=before)
    phone.delete()
    mail.delete()
    documents.put_back(place.pk, first)
    assert Phone.objects.get().secrecy == Secrecy.YES
    assert Address.objects.get().private


def test_what_the_directory_keeps_account_of_is_not_put_back():
    service = make.service(number=7)
    before = read(service)
    Entry.objects.filter(pk=service.pk).update(marks=9, built=8, number=12)
    documents.put_back(service.pk, before)
    entry = Entry.objects.get(pk=service.pk)
    assert (entry.marks, entry.built, entry.number) == (9, 8, 12)
