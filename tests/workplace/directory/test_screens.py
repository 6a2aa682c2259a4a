"""The directory's screens: who opens them, and what people do there."""

from datetime import date

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from access import roles
from directory.editing import terms
from directory.models import (
    Agency,
    Contact,
    Correction,
    Directory,
    Entry,
    Phone,
    Revision,
    Service,
    StaffChange,
    Supplier,
    View,
)
from directory.quality.checks import CHECKS
from directory.taking_in import take_in
from tests.directory import make
from workplace.directory.quality import WORDS

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


def form_of(client, row, name="directory_service"):
    """Return what the page's forms would send as they stand."""
    context = client.get(address(name, row)).context
    forms = [context["texts"], context["facts"], context["entry"]]
    forms += [context[one] for one in ("hours", "terms") if context[one]]
    for formset in context["rows"]:
        forms += [*formset, formset.management_form]
    found = {}
    for form in forms:
        for field in form:
            value = field.value()
            if value is not False and field.name != "gone":  # no box is ticked
                found[field.html_name] = "" if value is None else value
    return found


class TestRole:
    def test_it_edits_the_directory_and_sees_no_referral(self, editor):
        service, location = make.service(), make.location()
        rows = {
            "service": service,
            "agency": service.organization,
            "location": location,
            "place": make.at(service, location),
        }
        lists = ["services", "agencies", "locations", "corrections", "undecided", "quality"]
        pages = [(f"directory_{name}", None) for name in lists]
        for name, row in rows.items():
            pages += [(f"directory_{name}{of}", row) for of in ("", "_history", "_confidential")]
        for name, row in [*pages, ("directory_service_preview", service)]:
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
        service = Service.objects.get(name__en="Clinic")
        assert names(q=f" {service.entry.hsds_id} ") == ["Clinic"]
        assert names(q=str(service.entry.number)) == ["Clinic"]

    def test_the_status_of_many_is_set_at_once(self, editor):
        one, other, third = make.service(), make.service(), make.service()
        form = {"chosen": [one.pk, other.pk, "x", "9" * 30], "status": "temporarily closed"}
        editor.post(address("directory_services"), form)
        closed = Service.objects.filter(status="temporarily closed")
        assert set(closed.values_list("pk", flat=True)) == {one.pk, other.pk}
        assert Revision.objects.count() == 2
        editor.post(address("directory_services"), {"chosen": [third.pk], "status": "none"})
        assert closed.count() == 2
        Directory.objects.update(mailbox="desk@example.org")
        editor.post(address("directory_services"), {"chosen": [third.pk], "status": "verified"})
        (verified,) = Service.objects.exclude(assured_date=None)
        assert (verified, verified.assurer_email) == (third, "desk@example.org")


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
            {"hours-nth": "second", "hours-nth_day": "TH", "hours-nth_hours": "1-3pm"},
            {"texts-url:en": "javascript:alert(1)"},
            {"contacts-0-name:en": "Ann", "contacts-0-email": "nobody"},
            {"phones-0-number": "", "phones-0-description:en": "Front desk"},
            {"languages-0-code": "français"},
            {"terms-add": "no such term"},
        ):
            form = form_of(editor, service) | {"texts-description:en": "New."} | wrong
            response = editor.post(address("directory_service", service), form)
            assert response.status_code == 200, wrong
            assert "error-summary" in response.content.decode(), wrong
        assert not Revision.objects.exists()

    def test_a_phone_of_another_service_is_out_of_reach(self, editor):
        service, other = make.service(), make.service()
        phone = other.phones.create(number="613-555-0100")
        form = form_of(editor, service)
        form |= {"phones-0-key": str(phone.pk), "phones-0-number": ""}
        form |= {"phones-TOTAL_FORMS": "3", "phones-INITIAL_FORMS": "1"}
        editor.post(address("directory_service", service), form)
        assert Phone.objects.filter(pk=phone.pk).exists()

    def test_a_translation_is_marked_as_checked(self, editor):
        service = make.service({"en": "A", "fr": "B"}, stale_texts=["name:fr"])
        editor.post(address("directory_service", service), {"checked": "name:fr"})
        assert Service.objects.get().stale_texts == []

    def test_rules_terms_rows_and_notes_are_saved(self, editor):
        service, term = make.service(), make.term({"en": "Food", "fr": "Aliments"}, code="F-1")
        other = make.attribute(service, make.term("Old"))
        form = form_of(editor, service) | {
            "hours-nth": "second",
            "hours-nth_day": "TH",
            "hours-nth_hours": "1-3pm",
            "hours-nth_from": "2026-12-03",
            "terms-add": "aliments",
            "terms-gone": [str(other.pk)],
            "texts-url:fr": "example.org/fr",
            "languages-0-code": "fr",
            "service_areas-0-name:en": "Ottawa",
            "entry-not_public": "on",
            "entry-internal_notes": "Call Jo first.",
        }
        assert editor.post(address("directory_service", service), form).status_code == 302
        (rule,) = service.schedules.all()
        assert (rule.freq, rule.interval, rule.byday) == ("WEEKLY", 2, "TH")
        assert rule.dtstart == date(2026, 12, 3)
        assert [one.taxonomy_term for one in terms.of(service)] == [term]
        assert service.languages.get().code == "fr"
        assert service.service_areas.get().name == {"en": "Ottawa"}
        saved = Service.objects.select_related("entry").get(pk=service.pk)
        assert saved.url == {"fr": "example.org/fr"}
        assert (saved.entry.not_public, saved.entry.internal_notes) == (True, "Call Jo first.")

    def test_what_a_supplier_sent_can_be_odd_and_stays(self, editor):
        service = make.service(url={"en": "javascript:void(0)"}, email="none")
        service.contacts.create(email="ann (at) example.org")
        form = form_of(editor, service) | {"texts-name:en": "Pantry"}
        assert editor.post(address("directory_service", service), form).status_code == 302
        saved = Service.objects.get(pk=service.pk)
        assert (saved.name, saved.url["en"]) == ({"en": "Pantry"}, "javascript:void(0)")
        assert service.contacts.get().email == "ann (at) example.org"


class TestOtherEntries:
    def test_nothing_changed_is_nothing_written(self, editor):
        service, location = make.service(), make.location(latitude=45.4, longitude=-75.7)
        make.address(location)
        location.accessibility.create(description={"en": "A ramp"})
        place = make.at(service, location, description={"en": "Side door"})
        place.schedules.create(freq="WEEKLY", byday="MO", opens_at="09:00", closes_at="12:00")
        service.organization.programs.create(name={"en": "Meals"})
        for name, row in (
            ("directory_agency", service.organization),
            ("directory_location", location),
            ("directory_place", place),
        ):
            response = editor.post(address(name, row), form_of(editor, row, name))
            assert response.status_code == 302, name
        assert not Revision.objects.exists()

    def test_an_agency_and_its_verification_address(self, editor):
        agency = make.agency()
        form = form_of(editor, agency, "directory_agency") | {
            "texts-website:en": "https://help.example.org/",
            "facts-verification_email": "desk@example.org",
            "phones-0-number": "613-555-0142",
        }
        assert editor.post(address("directory_agency", agency), form).status_code == 302
        saved = Agency.objects.get()
        assert saved.verification_email == "desk@example.org"
        assert saved.website == {"en": "https://help.example.org/"}
        assert saved.phones.get().number == "613-555-0142"

    def test_a_location_with_its_address(self, editor):
        location = make.location()
        form = form_of(editor, location, "directory_location") | {
            "facts-latitude": "45.42",
            "facts-longitude": "-75.69",
            "addresses-0-address_1:en": "12 King Street",
            "addresses-0-city:en": "Ottawa",
            "addresses-0-postal_code": "K1A 0B1",
            "accessibility-0-description:fr": "Rampe",
            "hours-TU": "9-5",
        }
        where = address("directory_location", location)
        assert editor.post(where, form).status_code == 302
        assert location.addresses.get().city == {"en": "Ottawa"}
        assert location.accessibility.get().description == {"fr": "Rampe"}
        assert location.schedules.get().byday == "TU"
        for wrong in (
            {"facts-latitude": "95"},
            {"facts-longitude": ""},
            {"facts-latitude": "0", "facts-longitude": "0"},
            {"addresses-0-address_1:en": "", "addresses-0-city:en": "Ottawa"},
        ):
            form = form_of(editor, location, "directory_location") | wrong
            assert "errorlist" in editor.post(where, form).content.decode(), wrong

    def test_days_that_close_nothing_are_refused(self, editor):
        place = make.at(make.service(), make.location())
        form = form_of(editor, place, "directory_place") | {"hours-closings": "2026-12-25"}
        response = editor.post(address("directory_place", place), form)
        assert "errorlist" in response.content.decode()

    def test_new_entries_are_made_and_joined(self, editor):
        response = editor.post(address("directory_agencies"), {"name": "Helping Hands"})
        agency = Agency.objects.get(name__en="Helping Hands")
        here = address("directory_agency", agency)
        assert response.url == here
        editor.post(here, {"deed": "add_service", "add_service": "Food bank"})
        editor.post(here, {"deed": "add_location", "add_location": "Main Street"})
        service, location = agency.services.get(), agency.locations.get()
        take_in()
        service.entry.refresh_from_db()
        assert service.entry.number is not None
        there = address("directory_service", service)
        for text in ("main street", str(location.entry.hsds_id)):
            editor.post(there, {"deed": "add_place", "add_place": text})
        assert service.service_at_locations.get().location == location
        for text in ("", "nowhere"):
            editor.post(there, {"deed": "add_place", "add_place": text})
        assert service.service_at_locations.count() == 1
        assert Revision.objects.filter(reason="created", by="jo").count() == 4

    def test_an_entry_is_withdrawn_and_brought_back(self, editor):
        service, location = make.service(), make.location()
        place = make.at(service, location)
        editor.post(address("directory_place", place), {"deed": "withdraw"})
        assert Entry.objects.get(pk=place.pk).withdrawn_by == "staff"
        editor.post(address("directory_place", place), {"deed": "bring_back"})
        assert Entry.objects.get(pk=place.pk).withdrawn_by == ""
        editor.post(address("directory_place", place), {"deed": "withdraw"})
        joined = {"deed": "add_place", "add_place": str(location.entry.hsds_id)}
        editor.post(address("directory_service", service), joined)
        assert Entry.objects.get(pk=place.pk).withdrawn_by == ""

    def test_a_field_that_staff_keep_is_released(self, editor):
        supplier = Supplier.objects.create(name="county")
        service = make.service("Food bank", supplier=supplier)
        form = form_of(editor, service) | {"texts-name:en": "Pantry"}
        editor.post(address("directory_service", service), form)
        (kept,) = editor.get(address("directory_service", service)).context["kept"]
        assert (kept.path, kept.language) == ("name", "en")
        other = make.service()
        for row in (other, service):
            editor.post(address("directory_service", row), {"deed": "release", "kept": [kept.pk]})
            assert StaffChange.objects.exists() == (row is other)


class TestDeciding:
    def test_what_matches_is_shown_with_its_reason_and_decided(self, editor):
        shelter, other = make.location("Birch House", secrecy="yes"), make.location("Annex")
        for location in (shelter, other):
            make.address(location)
        secret, same = make.service("Shelter"), make.service("Advice", email="ann@example.org")
        make.phone(service=secret, secrecy="yes")
        phone = make.phone("(613) 555-0100", service=same)
        secret.contacts.create(email="ANN@example.org", email_secrecy="yes")
        take_in()
        rows = editor.get(address("directory_undecided")).context["rows"]
        found = {row["what"]: [name for _kind, name, _url in row["matches"]] for row in rows}
        assert found == {
            "Annex, 12 King Street": ["Birch House"],
            "(613) 555-0100": ["Shelter"],
            "ann@example.org": ["Shelter"],
        }
        where = address("directory_undecided")
        key = {row["what"]: row["key"] for row in rows}
        editor.post(where, {"target": key["(613) 555-0100"], "deed": "lift"})
        assert Phone.objects.get(pk=phone.pk).secrecy == "cleared"
        editor.post(where, {"target": key["Annex, 12 King Street"], "deed": "press"})
        assert Entry.objects.get(pk=other.pk).secrecy == "yes"
        editor.post(where, {"target": "phone-1-x", "deed": "lift"})
        assert editor.post(where, {"target": "x", "deed": "erase"}).status_code == 404
        assert len(editor.get(where).context["rows"]) == 1


class TestQuality:
    def test_every_check_is_in_words_and_leads_to_what_it_finds(self, editor):
        service = make.service({"en": "Food bank"}, description={})
        make.at(service, make.location())
        assert {check.key for check in CHECKS} <= set(WORDS)
        page = editor.get(address("directory_quality"))
        counts = {str(row["label"]): row["count"] for row in page.context["rows"]}
        assert counts["No description"] == 1
        for check in CHECKS:
            url = reverse("admin:directory_quality_check", args=[check.key])
            assert editor.get(url).status_code == 200, check.key
        found = reverse("admin:directory_quality_check", args=["missing_description"])
        (row,) = editor.get(found).context["rows"]
        assert row["url"] == address("directory_service", service) + "#texts"
        assert 'id="texts"' in editor.get(row["url"]).content.decode()
        missing = reverse("admin:directory_quality_check", args=["no-such-check"])
        assert editor.get(missing).status_code == 404

    def test_each_part_that_a_check_leads_to_is_on_the_page(self, editor):
        service, location = make.service(), make.location()
        rows = {"service": service, "agency": service.organization, "location": location}
        html = "".join(
            editor.get(address(f"directory_{name}", row)).content.decode()
            for name, row in rows.items()
        )
        parts = {words.part for words in WORDS.values()} - {"confidential"}
        assert [part for part in parts if f'id="{part}"' not in html] == []


def test_an_earlier_version_is_put_back(editor):
    service = make.service("Food bank")
    form = form_of(editor, service) | {"texts-name:en": "Pantry"}
    editor.post(address("directory_service", service), form)
    page = editor.get(address("directory_service_history", service))
    ((revision, reason, changed),) = page.context["rows"]
    assert (reason, changed) == ("edited", ["Name"])
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

    def test_a_mailing_address_and_an_agency_can_be_hidden(self, editor):
        location, service = make.location(), make.service()
        mail = make.address(location, address_type="postal")
        where = address("directory_location_confidential", location)
        for deed, is_private in (("press", True), ("lift", False)):
            editor.post(where, {"target": f"address-{mail.pk}", "deed": deed})
            mail.refresh_from_db()
            assert mail.private == is_private
        agency = service.organization
        where = address("directory_agency_confidential", agency)
        take_in()
        page = editor.post(where, {"target": "agency"}).content.decode()
        assert "Food bank (service)" in page
        editor.post(where, {"target": "agency", "deed": "press"})
        assert Entry.objects.get(pk=agency.pk).secrecy == "yes"


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
