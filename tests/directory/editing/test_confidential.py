"""*Confidential* and *Erase*: what is said first, what happens, what is left."""

import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from core.models import AuditEvent
from directory.editing import confidential, erasing
from directory.editing.confidential import Target, effect, lift, press
from directory.editing.recording import edit
from directory.models import Contact, Entry, Phone, Revision, Service, Supplier, SupplierImport
from directory.taking_in import take_in
from tests.directory import make
from tests.directory.stored import members

pytestmark = pytest.mark.usefixtures("directory")


@pytest.fixture
def jo(db):
    return User.objects.create(username="jo")


def keys(*rows):
    return tuple(sorted(row.pk for row in rows))


class TestEffect:
    def test_an_agency_takes_its_services_along(self):
        agency = make.agency()
        service, other = make.service(organization=agency), make.service()
        location = make.location()
        at, elsewhere = make.at(service, location), make.at(other, location)
        found = effect(Target(agency.entry))
        assert found.gone == keys(agency, service, at)
        assert elsewhere.pk not in found.without

    def test_a_location_stays_without_its_place(self):
        service, location = make.service(), make.location()
        at = make.at(service, location)
        found = effect(Target(location.entry))
        assert found.gone == ()
        assert {at.pk, service.pk, location.pk} <= set(found.without)

    def test_a_phone_of_a_contact_is_where_the_contact_is(self):
        service, location = make.service(), make.location()
        at = make.at(service, location)
        contact = service.contacts.create(name={"en": "Ann"})
        phone = contact.phones.create(number="613-555-0100")
        found = effect(Target(phone))
        assert (found.gone, found.without) == ((), keys(service, at))

    def test_only_what_somebody_sees_is_named(self):
        agency = make.agency()
        make.service(organization=agency, withdrawn_by="staff")
        make.service(organization=agency, status="inactive")
        assert effect(Target(agency.entry)).gone == ()  # with such services alone, it is in no view

    def test_what_matches_elsewhere_is_named(self):
        shelter, other, cleared = make.service("Shelter"), make.service(), make.service()
        phone = shelter.phones.create(number="613-555-0100")
        other.phones.create(number="(613) 555-0100")
        cleared.phones.create(number="613.555.0100", secrecy="cleared")
        assert effect(Target(phone)).matching == keys(other)
        house = make.location("House", latitude=45.4, longitude=-75.7)
        make.address(house)
        same = make.location("Same house")
        make.address(same)
        make.at(other, same)
        assert effect(Target(house.entry)).matching == keys(same)


class TestPressing:
    def test_it_holds_with_the_next_reading_and_a_person_can_lift_it(self, jo):
        service = make.service()
        take_in()
        press(Target(service.entry), jo)
        take_in()
        assert service.pk not in members()
        lift(Target(Entry.objects.get(pk=service.pk)), jo)
        take_in()
        assert service.pk in members()
        reasons = [one.reason for one in Revision.objects.order_by("pk")]
        assert reasons == [confidential.HIDDEN_BY, confidential.SHOWN_BY]

    def test_what_matches_waits_for_a_decision(self, jo):
        shelter, other = make.service("Shelter"), make.service()
        phone = shelter.phones.create(number="613-555-0100")
        same = other.phones.create(number="613-555-0100")
        take_in()
        press(Target(phone), jo)
        take_in()
        (waiting,) = confidential.undecided()
        assert waiting.row == same
        lift(waiting, jo)
        take_in()
        assert confidential.undecided() == []
        assert Phone.objects.get(pk=same.pk).secrecy == "cleared"
        assert Phone.objects.get(pk=phone.pk).secrecy == "yes"

    def test_an_e_mail_is_hidden_alone(self, jo):
        service = make.service(email="safe@example.org")
        press(Target(service, "email_secrecy"), jo)
        take_in()
        assert service.pk in members()
        assert Service.objects.get(pk=service.pk).email_secrecy == "yes"


class TestErase:
    def test_nothing_of_the_person_is_left_but_who_erased_it(self, jo):
        supplier = Supplier.objects.create(name="North")
        report = {"problems": [{"message": "Ann Marker has no number."}, {"message": "Fine."}]}
        SupplierImport.objects.create(
            supplier=supplier,
            format="x",
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            report=report,
        )
        service = make.service(
            supplier=supplier, kept={"Extra": "Ask for ann marker", "Other": "Annual report"}
        )
        contact = service.contacts.create(name={"en": "Ann Marker"}, email="ann@marker.example.org")
        contact.phones.create(number="613-555-0155")
        with edit([service.pk], jo, "edited"):
            Contact.objects.filter(pk=contact.pk).update(title={"en": "Head"})
        contact.refresh_from_db()
        erasing.erase(contact, "jo", jo)

        stored = json.dumps(
            [
                list(Revision.objects.values_list("before", flat=True)),
                list(Entry.objects.values_list("kept", flat=True)),
                list(SupplierImport.objects.values_list("report", flat=True)),
                list(Contact.objects.values_list("name", "email")),
                list(Phone.objects.values_list("number", flat=True)),
            ]
        ).casefold()
        for trace in ("marker", "0155", "ann@"):
            assert trace not in stored, trace
        assert Entry.objects.get(pk=service.pk).kept == {"Extra": "", "Other": "Annual report"}
        assert "Fine." in str(SupplierImport.objects.get().report)
        last = Revision.objects.first()
        assert (last.by, last.reason) == ("jo", erasing.REASON)
        assert AuditEvent.objects.filter(action="erase", object_id=str(service.pk)).exists()

    def test_an_earlier_version_does_not_bring_it_back(self, jo):
        from directory.editing import versions

        service = make.service("Food bank")
        contact = service.contacts.create(name={"en": "Ann Marker"})
        with edit([service.pk], jo, "edited"):
            Service.objects.filter(pk=service.pk).update(name={"en": "Pantry"})
        erasing.erase(contact, "jo", jo)
        versions.put_back(Revision.objects.last(), jo)
        assert Service.objects.get().name == {"en": "Food bank"}
        assert not Contact.objects.exists()
