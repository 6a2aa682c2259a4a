"""The directory's screens: who opens them, and what people do there."""

from datetime import date

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from access import roles
from directory.models import Contact, Correction, Directory, Entry, Phone, Revision, Service, View
from directory.taking_in import take_in
from tests.directory import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory():
    for name in View.Name.values:
        View.objects.create(name=name)
    roles.install_role(roles.DIRECTORY_EDITOR)
    return make.directory()


@pytest.fixture
def editor(directory) -> Client:
    user = User.objects.create_user("jo", is_staff=True)
    user.groups.add(Group.objects.get(name=roles.DIRECTORY_EDITOR))
    client = Client()
    client.force_login(user)
    return client


def address(name, row=None):
    return reverse(f"admin:{name}", args=[row.entry.hsds_id] if row else [])


def form_of(client, service):
    """Return what the page's forms would send as they stand."""
    context = client.get(address("directory_service", service)).context
    forms = [context["texts"], context["facts"], context["hours"], *context["phones"]]
    forms.append(context["phones"].management_form)
    found = {}
    for form in forms:
        for field in form:
            value = field.value()
            found[field.html_name] = "" if value is None else value
    return found


class TestRole:
    def test_it_edits_the_directory_and_sees_no_referral(self, editor):
        service = make.service()
        for name, row in (
            ("directory_services", None),
            ("directory_corrections", None),
            ("directory_service", service),
            ("directory_service_history", service),
            ("directory_service_confidential", service),
        ):
            assert editor.get(address(name, row)).status_code == 200, name
        for name in (
            "referrals_referral_changelist",
            "referrals_delivery_changelist",
            "referrals_inboundevent_changelist",
            "integrations_servicelisting_changelist",
            "auth_user_changelist",
        ):
            assert editor.get(address(name)).status_code == 403, name
        home = editor.get("/admin/").content.decode()
        assert address("directory_services") in home
        assert "/admin/referrals/" not in home

    def test_others_see_nothing_of_it(self, directory):
        user = User.objects.create_user("liaison", is_staff=True)
        user.groups.add(Group.objects.get(name=roles.LIAISON))
        client = Client()
        client.force_login(user)
        assert client.get(address("directory_services")).status_code == 403
        assert address("directory_services") not in client.get("/admin/").content.decode()

    def test_without_a_directory_there_is_nothing(self, editor):
        Directory.objects.all().delete()
        assert editor.get(address("directory_services")).status_code == 404
        assert address("directory_services") not in editor.get("/admin/").content.decode()
        boss = Client()
        boss.force_login(User.objects.create_superuser("boss"))
        assert address("directory_services") not in boss.get("/admin/").content.decode()


class TestList:
    def test_services_are_found_by_words_and_by_state(self, editor):
        make.service("Food bank")
        make.service("Shelter", secrecy="yes")
        make.service("Clinic", stale_texts=["name:fr"], description={"en": "Care."})
        take_in()

        def names(**query):
            rows = editor.get(address("directory_services"), query).context["rows"]
            return sorted(row["name"] for row in rows)

        assert names() == ["Clinic", "Food bank", "Shelter"]
        assert names(q="foo") == ["Food bank"]
        assert names(state="confidential") == ["Shelter"]
        assert names(state="stale") == ["Clinic"]
        assert names(state="none", page="x") == ["Clinic", "Food bank", "Shelter"]

    def test_the_status_of_many_is_set_at_once(self, editor):
        one, other, third = make.service(), make.service(), make.service()
        form = {"chosen": [one.pk, other.pk, "x", "9" * 30], "status": "temporarily closed"}
        editor.post(address("directory_services"), form)
        closed = Service.objects.filter(status="temporarily closed")
        assert set(closed.values_list("pk", flat=True)) == {one.pk, other.pk}
        assert Revision.objects.count() == 2
        editor.post(address("directory_services"), {"chosen": [third.pk], "status": "none"})
        assert closed.count() == 2


class TestService:
    def test_nothing_changed_is_nothing_written(self, editor):
        service = make.service({"en": "Food bank", "fr": "Banque"}, minimum_age=12)
        phone = service.phones.create(number="613-555-0100")
        week = service.schedules.create(
            freq="WEEKLY", byday="MO,TU", opens_at="09:00", closes_at="17:00"
        )
        for day in (24, 31):
            week.closings.create(first_day=date(2026, 12, day), last_day=date(2026, 12, day))
        response = editor.post(address("directory_service", service), form_of(editor, service))
        assert response.status_code == 302
        assert not Revision.objects.exists()
        assert list(service.phones.all()) == [phone]
        assert list(service.schedules.all()) == [week]

    def test_texts_phones_and_hours_are_saved_with_who_did_it(self, editor):
        service = make.service({"en": "Food bank", "fr": "Banque"})
        gone = service.phones.create(number="613-555-0100")
        form = form_of(editor, service)
        form |= {
            "texts-name:en": "Pantry",
            "facts-status": "temporarily closed",
            "phones-0-number": "",
            "phones-1-number": "613-555-0142",
            "hours-MO": "9-4:30",
            "hours-nth": "2",
            "hours-nth_day": "TU",
            "hours-nth_hours": "1-3pm",
            "hours-closings": "2026-12-25",
        }
        assert editor.post(address("directory_service", service), form).status_code == 302
        saved = Service.objects.get(pk=service.pk)
        assert (saved.name, saved.status) == (
            {"en": "Pantry", "fr": "Banque"},
            "temporarily closed",
        )
        assert saved.stale_texts == ["name:fr"]
        assert not Phone.objects.filter(pk=gone.pk).exists()
        assert [one.number for one in saved.phones.all()] == ["613-555-0142"]
        assert sorted(one.byday for one in saved.schedules.all()) == ["2TU", "MO"]
        assert all(one.closings.count() == 1 for one in saved.schedules.all())
        assert Revision.objects.get().by == "jo"

    def test_what_is_wrong_is_stated_and_nothing_is_saved(self, editor):
        service = make.service()
        for wrong in (
            {"hours-MO": "by appointment"},
            {"hours-closings": "Christmas"},
            {"texts-name:en": "", "texts-name:fr": ""},
            {"facts-minimum_age": "20", "facts-maximum_age": "10"},
            {"hours-nth": "2"},
        ):
            form = form_of(editor, service) | {"texts-description:en": "New."} | wrong
            response = editor.post(address("directory_service", service), form)
            assert response.status_code == 200, wrong
            assert "errorlist" in response.content.decode(), wrong
        assert not Revision.objects.exists()

    def test_a_phone_of_another_service_is_out_of_reach(self, editor):
        service, other = make.service(), make.service()
        phone = other.phones.create(number="613-555-0100")
        form = form_of(editor, service)
        form |= {"phones-0-key": str(phone.pk), "phones-0-number": ""}
        editor.post(address("directory_service", service), form)
        assert Phone.objects.filter(pk=phone.pk).exists()

    def test_a_translation_is_marked_as_checked(self, editor):
        service = make.service({"en": "A", "fr": "B"}, stale_texts=["name:fr"])
        editor.post(address("directory_service", service), {"checked": "name:fr"})
        assert Service.objects.get().stale_texts == []


def test_an_earlier_version_is_put_back(editor):
    service = make.service("Food bank")
    form = form_of(editor, service) | {"texts-name:en": "Pantry"}
    editor.post(address("directory_service", service), form)
    page = editor.get(address("directory_service_history", service))
    ((revision, changed),) = page.context["rows"]
    assert changed == ["name"]
    editor.post(address("directory_service_history", service), {"revision": revision.pk})
    assert Service.objects.get().name == {"en": "Food bank"}
    other = make.service()
    response = editor.post(address("directory_service_history", other), {"revision": revision.pk})
    assert response.status_code == 404


class TestConfidential:
    def test_it_states_first_what_disappears(self, editor):
        service = make.service("Shelter")
        take_in()
        where = address("directory_service_confidential", service)
        page = editor.post(where, {"target": "service"})
        assert "These disappear" in page.content.decode()
        assert Entry.objects.get(pk=service.pk).secrecy == ""
        editor.post(where, {"target": "service", "deed": "press"})
        assert Entry.objects.get(pk=service.pk).secrecy == "yes"
        editor.post(where, {"target": "service", "deed": "lift"})
        assert Entry.objects.get(pk=service.pk).secrecy == "cleared"

    def test_a_contact_is_erased(self, editor):
        service = make.service()
        contact = service.contacts.create(name={"en": "Ann Marker"})
        where = address("directory_service_confidential", service)
        editor.post(where, {"target": f"contact-{contact.pk}", "deed": "erase"})
        assert not Contact.objects.exists()
        assert editor.post(where, {"target": "service", "deed": "erase"}).status_code == 404
        assert editor.post(where, {"target": "phone-1"}).status_code == 404


def test_a_correction_is_accepted(editor):
    service = make.service("Food bank")
    correction = Correction.objects.create(
        entry=service.entry,
        field="name",
        language="en",
        text="Pantry",
        at="2026-12-01T00:00:00Z",
    )
    where = address("directory_corrections")
    assert "Pantry" in editor.get(where).content.decode()
    editor.post(where, {"correction": correction.pk, "deed": "accept"})
    assert Service.objects.get().name == {"en": "Pantry"}
    assert editor.post(where, {"correction": "x", "deed": "accept"}).status_code == 404
