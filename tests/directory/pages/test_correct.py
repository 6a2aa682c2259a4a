"""Suggesting a correction, and what staff decide on it."""

import pytest
from django.contrib.auth.models import User

from directory.editing import corrections
from directory.models import Correction, Directory, Entry, Revision, Service, StaffChange, Supplier
from tests.directory import make
from tests.directory.pages.test_search import text_of

pytestmark = pytest.mark.usefixtures("directory")


@pytest.fixture
def service():
    return make.service(
        {"en": "Food bank", "fr": "Banque alimentaire"},
        description={"en": "Food.", "fr": "Nourriture."},
    )


@pytest.fixture
def jo(db):
    return User.objects.create(username="jo")


def path(row, lang="en"):
    return f"/directory/services/{row.entry.hsds_id}/correct?lang={lang}"


def stored():
    return list(Correction.objects.values_list("field", "language", "text", "was"))


class TestForm:
    def test_it_shows_what_is_published_and_sends_what_differs(self, client, service):
        page = client.get(path(service, "fr"))
        assert "Banque alimentaire</textarea>" in page.content.decode()
        form = {"name": "Banque alimentaire", "description": "De la nourriture.\r\nGratuite."}
        page = client.post(path(service, "fr"), {**form, "note": "Fermé le lundi"})
        assert "Le personnel vérifiera votre correction." in text_of(page)
        assert not page.cookies
        assert stored() == [
            ("description", "fr", "De la nourriture.\nGratuite.", "Nourriture."),
            ("", "fr", "Fermé le lundi", ""),
        ]
        assert Service.objects.get().description["fr"] == "Nourriture."

    def test_nothing_changed_is_nothing_sent(self, client, service):
        page = client.post(path(service), {"name": "Food bank", "description": " Food. "})
        assert "Thank you" not in text_of(page)
        assert stored() == []

    def test_a_program_that_fills_in_every_field_is_not_heard(self, client, service):
        client.post(path(service), {"note": "Buy now", "website": "https://spam.example.org"})
        assert stored() == []

    def test_a_flood_ends(self, client, service):
        for number in range(corrections.MOST_OPEN + 5):
            page = client.post(path(service), {"note": f"Note {number}"})
        assert Correction.objects.count() == corrections.MOST_OPEN
        assert "many corrections" in text_of(page)

    def test_an_id_outside_the_view_has_no_form(self, client, service):
        hidden = make.service(secrecy="yes")
        for row in (hidden, make.agency()):
            assert client.get(path(row)).status_code == 404
            assert client.post(path(row), {"note": "x"}).status_code == 404
        Directory.objects.update(public="false")
        assert client.post(path(service), {"note": "x"}).status_code == 401
        assert stored() == []

    def test_a_text_is_never_markup_and_has_no_control_characters(self, client, service):
        client.post(path(service), {"note": "<b>Closed</b>\0\x1b"})
        assert stored()[0][2] == "<b>Closed</b>"


class TestDeciding:
    def correction(self, service, **fields):
        found = {"field": "description", "language": "en", "text": "Groceries."} | fields
        return Correction.objects.create(entry=service.entry, at="2026-12-01T00:00:00Z", **found)

    def test_an_accepted_one_is_a_change_like_any_other(self, client, service, jo):
        supplier = Supplier.objects.create(name="North")
        Entry.objects.filter(pk=service.pk).update(supplier=supplier)
        corrections.accept(self.correction(service), jo)
        changed = Service.objects.get()
        assert changed.description == {"en": "Groceries.", "fr": "Nourriture."}
        assert changed.stale_texts == ["description:fr"]
        assert Revision.objects.get().by == "jo"
        assert StaffChange.objects.get().path == "description"
        assert Correction.objects.get().state == "accepted"
        page = client.get(f"/directory/services/{service.entry.hsds_id}")
        assert "Groceries." in text_of(page)

    def test_a_refused_one_changes_nothing(self, service, jo):
        corrections.refuse(self.correction(service), jo)
        assert Service.objects.get().description["en"] == "Food."
        assert (Correction.objects.get().state, Correction.objects.get().decided_by) == (
            "refused",
            "jo",
        )

    def test_a_note_is_closed_alone(self, service, jo):
        corrections.accept(self.correction(service, field="", text="Closed on Monday"), jo)
        assert not Revision.objects.exists()
        assert Correction.objects.get().state == "accepted"

    def test_of_two_people_one_decides(self, service, jo):
        correction = self.correction(service)
        corrections.refuse(correction, jo)
        with pytest.raises(corrections.NotOpen):
            corrections.accept(correction, jo)
        assert Service.objects.get().description["en"] == "Food."
        assert not Revision.objects.exists()
