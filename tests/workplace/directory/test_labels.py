"""Formats, languages, tables and fields of the directory, by the names that people give them."""

import pytest
from django.utils.translation import override

from directory.editing.recording import _ACCOUNT, _column
from directory.exporting.formats import FORMATS as WRITTEN
from directory.importing.comparing.here import row_path
from directory.importing.formats import FORMATS as READ
from directory.models import Phone
from directory.tables import TABLES
from tests.directory import agreed, make
from tests.keys import raw_keys_in
from workplace.directory import labels
from workplace.directory.sheets import SHEETS


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("email", "E-mail"),
        ("phones", "Phones"),
        ("phones/1/number", "Phones: Number"),
        ("phones/1", "Phones"),
        ("schedules/1/byday", "Hours"),
        ("attributes/1", "Terms"),
    ],
)
def test_a_field_has_a_name(path: str, label: str):
    assert labels.field_label("service", path) == label


def test_no_field_that_staff_may_change_is_shown_by_its_key():
    columns = {
        kind: [
            _column(TABLES[kind].model, field.attname) for field in TABLES[kind].model._meta.fields
        ]
        for kind in SHEETS
    }
    shown = {
        (kind, column): labels.field_label(kind, column)
        for kind, names in columns.items()
        for column in names
        if column not in (*_ACCOUNT, "entry_id", "row_key")
    }
    as_they_are = {key: label for key, label in shown.items() if label.lower() == key[1]}
    words = {"name", "description", "email", "status", "alert", "latitude", "longitude"}
    words |= {"accreditations", "licenses", "logo"}
    assert {key for key in as_they_are if key[1] not in words} == set()
    assert [label for label in shown.values() if "_" in label] == []


def test_a_row_is_named_after_its_list():
    assert labels.field_label("service", row_path("phone", "1")) == "Phones"


@pytest.mark.parametrize("name", [*WRITTEN, *READ])
def test_a_format_has_a_name(name: str):
    assert labels.format_label(name) not in ("", name)


def test_a_format_that_is_gone_keeps_its_key():
    assert labels.format_label("hsds-0.1") == "hsds-0.1"


def test_a_language_is_named_in_the_reader_s_own():
    assert labels.language_label("fr") == "French"
    assert labels.language_label("xx") == "xx"
    with override("fr-ca"):
        assert labels.language_label("fr-CA") == "Français"


@pytest.mark.django_db
def test_the_page_of_files_names_formats_and_languages(editor):
    page = editor.get("/admin/directory/files/").content.decode()
    assert list(raw_keys_in(page)) == []
    assert '<option value="hsds-3.1-json">HSDS 3.1 (JSON)</option>' in page
    assert '<option value="fr">French</option>' in page


@pytest.mark.django_db
def test_two_entries_are_compared_by_names_of_fields(editor):
    one, other = make.agency(email="a@example.org"), make.agency(email="b@example.org")
    Phone.objects.create(organization=other, number="705-555-0142")
    page = editor.get(f"/admin/directory/duplicates/{one.pk}/{other.pk}/").content.decode()
    assert '<th scope="row">E-mail</th>' in page
    assert '<th scope="row">Phones</th>' in page


@pytest.mark.django_db
def test_an_agreement_is_shown_as_its_form_has_it(editor):
    partner = agreed.partner(include={"statuses": ["temporarily closed"], "not_public": True})
    page = editor.get(f"/admin/directory/data-partners/{partner.pk}/").content.decode()
    assert "<dt>Only services with these statuses</dt><dd>temporarily closed</dd>" in page
    assert "<dt>With entries that are not public</dt><dd>Yes</dd>" in page


@pytest.mark.django_db
def test_the_letter_to_a_data_partner_is_in_each_language(editor):
    partner = agreed.partner(valid_until="2099-12-31")
    page = editor.get(f"/admin/directory/data-partners/{partner.pk}/letter/").content.decode()
    assert "Your agreement to use data" in page
    assert "Votre entente" in page
