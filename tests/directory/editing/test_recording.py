"""What is written down when staff change an entry."""

from datetime import date

import pytest
from django.contrib.auth.models import User

from directory.editing import recording, versions
from directory.editing.recording import edit
from directory.models import Phone, Revision, Service, StaffChange, Supplier
from tests.directory import make
from tests.directory.stored import answer, seen

pytestmark = pytest.mark.usefixtures("directory")


@pytest.fixture
def jo(db):
    return User.objects.create(username="jo")


def of_supplier(name="Food bank", **fields):
    supplier, _ = Supplier.objects.get_or_create(name="North")
    return make.service(name, supplier=supplier, **fields)


def kept(row):
    found = StaffChange.objects.filter(entry=row.pk).values_list("path", "language")
    return sorted(found)


def test_what_was_before_is_kept_with_who_changed_it(jo):
    service = make.service("Food bank")
    with edit([service.pk], jo, "edited"):
        Service.objects.filter(pk=service.pk).update(name={"en": "Pantry"})
    revision = Revision.objects.get(entry=service.pk)
    assert (revision.user, revision.by, revision.reason) == (jo, "jo", "edited")
    (before,) = [one for one in revision.before if one["model"] == "directory.service"]
    assert before["fields"]["name"] == {"en": "Food bank"}


def test_readers_see_the_change_at_once(jo, client):
    service = make.service("Food bank")
    client.get("/directory/")
    with edit([service.pk], jo, "edited"):
        service.phones.create(number="613-555-0142")
    page = client.get(f"/directory/services/{service.entry.hsds_id}")
    assert "613-555-0142" in page.content.decode()


def test_nothing_changed_is_nothing_written(jo):
    service = of_supplier()
    with edit([service.pk], jo, "edited"):
        Service.objects.filter(pk=service.pk).update(name={"en": "Food bank"})
    assert not Revision.objects.exists()
    assert kept(service) == []


def test_what_fails_changes_nothing(jo):
    service = make.service("Food bank")

    @edit([service.pk], jo, "edited")
    def fail() -> None:
        Service.objects.filter(pk=service.pk).update(name={"en": "Pantry"})
        raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert Service.objects.get().name == {"en": "Food bank"}
    assert not Revision.objects.exists()


def test_fields_of_a_supplier_s_entry_are_kept_by_staff(jo):
    service = of_supplier({"en": "Food bank", "fr": "Banque"})
    phone = service.phones.create(number="613-555-0100")
    gone = service.phones.create(number="613-555-0101")
    hours = service.schedules.create(freq="WEEKLY", byday="MO")
    with edit([service.pk], jo, "edited"):
        Service.objects.filter(pk=service.pk).update(
            name={"en": "Pantry", "fr": "Banque"},
            email="x@example.org",
            organization=make.agency(),
        )
        Phone.objects.filter(pk=phone.pk).update(number="613-555-0142")
        gone.delete()
        added = service.languages.create(code="fr")
        hours.closings.create(first_day=date(2026, 12, 25), last_day=date(2026, 12, 25))
        service.closings.create(first_day=date(2026, 12, 26), last_day=date(2026, 12, 26))
    assert kept(service) == sorted(
        [
            ("name", "en"),
            ("email", ""),
            ("organization_id", ""),
            (f"phones/{phone.hsds_id}/number", ""),
            (f"phones/{gone.hsds_id}", ""),
            (f"languages/{added.hsds_id}", ""),
            (f"schedules/{hours.hsds_id}/closings", ""),
            ("closings", ""),
        ]
    )


def test_what_staff_made_needs_no_keeping(jo):
    service = make.service()
    with edit([service.pk], jo, "edited"):
        Service.objects.filter(pk=service.pk).update(email="x@example.org")
    assert kept(service) == []


class TestTranslations:
    @pytest.mark.parametrize(
        ("before", "after", "stale_before", "stale_after"),
        [
            ({"en": "A", "fr": "B"}, {"en": "C", "fr": "B"}, [], ["name:fr"]),
            ({"en": "A", "fr": "B"}, {"en": "C", "fr": "D"}, [], []),
            ({"en": "A", "fr": "B"}, {"en": "A", "fr": "D"}, ["name:fr"], ["name:en"]),
            ({"en": "A"}, {"en": "A", "fr": "B"}, [], []),
            ({"en": "A", "fr": "B"}, {"en": "A"}, ["name:fr"], []),
            ({"en": "A", "fr": "B"}, {"en": "C"}, [], []),
        ],
    )
    def test_a_text_that_changes_makes_the_others_older(
        self, jo, before, after, stale_before, stale_after
    ):
        service = make.service(before, stale_texts=stale_before)
        with edit([service.pk], jo, "edited"):
            Service.objects.filter(pk=service.pk).update(name=after)
        assert Service.objects.get().stale_texts == stale_after

    def test_a_translation_can_be_right_as_it_is(self, jo):
        service = make.service({"en": "A", "fr": "B"}, stale_texts=["description:fr", "name:fr"])
        recording.checked(service.pk, service, "name", "fr", jo)
        assert Service.objects.get().stale_texts == ["description:fr"]


class TestEarlierVersions:
    def test_one_is_put_back_with_its_rows(self, jo):
        service = make.service("Food bank")
        phone = service.phones.create(number="613-555-0100")
        with edit([service.pk], jo, "edited"):
            Service.objects.filter(pk=service.pk).update(name={"en": "Pantry"})
            phone.delete()
            service.phones.create(number="613-555-0142")
        versions.put_back(Revision.objects.get(), jo)
        assert Service.objects.get().name == {"en": "Food bank"}
        assert [one.number for one in Phone.objects.all()] == ["613-555-0100"]
        assert Revision.objects.count() == 2
        versions.put_back(Revision.objects.first(), jo)  # and that is put back, too
        assert Service.objects.get().name == {"en": "Pantry"}

    def test_what_is_confidential_since_stays_confidential(self, jo):
        service = make.service()
        phone = service.phones.create(number="613-555-0100")
        with edit([service.pk], jo, "edited"):
            Service.objects.filter(pk=service.pk).update(name={"en": "Pantry"})
        Phone.objects.filter(pk=phone.pk).update(secrecy="yes")
        versions.put_back(Revision.objects.get(), jo)
        from directory.taking_in import take_in

        take_in()
        assert answer(service)["name"] == "Food bank"
        assert "phones" not in seen(service)

    def test_before_the_first_version_there_is_none(self, jo):
        service = make.service()
        made = Revision.objects.create(
            entry=service.entry, at="2026-01-01T00:00:00Z", by="North", reason="import"
        )
        with pytest.raises(ValueError, match="no version before"):
            versions.put_back(made, jo)
