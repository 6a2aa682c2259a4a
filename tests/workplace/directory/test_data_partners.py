"""The pages of data partners: agreements with a preview, tokens shown once, letters, seeing."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from core.database import clock
from core.models import AuditEvent
from directory.models import DataPartner, ScheduledExport
from tests.directory import agreed, make

pytestmark = pytest.mark.django_db
LIST = "admin:directory_data_partners"


def page(partner, name="directory_data_partner"):
    return reverse(f"admin:{name}", args=[partner.pk])


def text(response):
    assert response.status_code == 200, response
    return response.content.decode()


def test_only_those_who_edit_the_directory_see_data_partners(editor):
    stranger = Client()
    stranger.force_login(User.objects.create_user("other", is_staff=True))
    partner = agreed.partner()
    for url in (reverse(LIST), page(partner), page(partner, "directory_agreement")):
        assert stranger.get(url).status_code == 403
        assert editor.get(url).status_code == 200


def test_an_agreement_is_saved_after_its_effect_was_shown(editor):
    service, other = make.service("Food bank"), make.service("Legal clinic")
    form = {"name": "Valley", "rate": "60", "exclude_fields": "contact\nservice.fees"}
    form["organizations"] = str(service.organization.entry.hsds_id)
    url = reverse("admin:directory_new_agreement")
    shown = text(editor.post(url, form | {"deed": "save"}))
    assert not DataPartner.objects.exists()
    assert "1 service enters their view" in shown
    assert "Food bank" in shown
    assert other.name["en"] not in shown
    seen = re.search(r'name="seen" value="(\w+)"', shown)[1]
    changed = form | {"deed": "save", "seen": seen, "rate": "61"}
    assert "What changes when you save" in text(editor.post(url, changed))
    assert not DataPartner.objects.exists()  # what was shown was something else
    editor.post(url, form | {"deed": "save", "seen": seen})
    partner = DataPartner.objects.get()
    assert partner.exclude_fields == ["contact", "service.fees"]
    assert AuditEvent.objects.filter(action="agreement_saved").exists()
    shown = text(editor.get(page(partner)))
    assert "Food bank" in shown
    assert "Legal clinic" not in shown


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("exclude_fields", "service.description", "search and proximity read"),
        ("organizations", "12", "a UUID"),
        ("rate", "0", "greater than or equal to 1"),
        ("notify_url", "http://example.org", "https"),
        ("notify_secrets", "abc", "whsec_"),
    ],
)
def test_what_an_agreement_cannot_say_is_shown_at_its_field(editor, field, value, message):
    form = {"name": "Valley", "rate": "60", field: value}
    shown = text(editor.post(reverse("admin:directory_new_agreement"), form | {"deed": "preview"}))
    if field == "notify_url":  # found when it is saved
        seen = re.search(r'name="seen" value="(\w+)"', shown)[1]
        form |= {"deed": "save", "seen": seen}
        shown = text(editor.post(reverse("admin:directory_new_agreement"), form))
    assert message in shown
    assert not DataPartner.objects.exists()


def test_a_token_is_shown_once_and_revoked(editor):
    partner = agreed.partner()
    shown = text(editor.post(page(partner), {"deed": "token"}))
    secret = re.search(r"dovetail_data_[\w-]+", shown)[0]
    reader = Client(headers={"Authorization": f"Bearer {secret}"})
    assert reader.get("/hsds/3.1/services").status_code == 200
    assert secret not in text(editor.get(page(partner)))
    assert not AuditEvent.objects.filter(detail__icontains=secret).exists()
    editor.post(page(partner), {"deed": "revoke", "token": partner.tokens.get().pk})
    assert reader.get("/hsds/3.1/services").status_code == 401


def test_an_entry_is_shown_as_the_data_partner_sees_it(editor):
    service = make.service("Food bank", email="a@b.example.org")
    hidden = make.service("Secret place", secrecy="yes")
    partner = agreed.partner(exclude_fields=["service.email"])
    url = page(partner, "directory_data_partner_sees")
    shown = text(editor.get(url, {"entry": str(service.entry.hsds_id)}))
    assert "Food bank" in shown
    assert "a@b.example.org" not in shown
    for asked in (str(hidden.entry.hsds_id), "12345", "no id", "9" * 30):
        assert "<pre" not in text(editor.get(url, {"entry": asked}))


def test_the_page_of_a_service_leads_to_what_each_data_partner_sees(editor):
    service = make.service("Food bank")
    partner = agreed.partner()
    hsds_id = service.entry.hsds_id
    shown = text(editor.get(reverse("admin:directory_service", args=[hsds_id])))
    assert f"{reverse(LIST)}?entry={hsds_id}" in shown
    there = f"{page(partner, 'directory_data_partner_sees')}?entry={hsds_id}"
    assert there in text(editor.get(reverse(LIST), {"entry": str(hsds_id)}))
    assert "Food bank" in text(editor.get(there))


def test_a_letter_at_the_end_is_offered_and_noted(editor):
    partner = agreed.partner(valid_until=clock.now().date() + timedelta(days=10))
    assert page(partner, "directory_data_partner_letter") in text(editor.get(page(partner)))
    letter = text(editor.get(page(partner, "directory_data_partner_letter")))
    english, french = letter.split('lang="fr"')
    assert "Your agreement to use" in english
    assert "Votre entente" in french
    assert "Your agreement" not in french
    editor.post(page(partner), {"deed": "letter", "way": ""})
    assert not partner.letters.exists()
    editor.post(page(partner), {"deed": "letter", "way": "by e-mail"})
    assert "by e-mail (jo)" in text(editor.get(page(partner)))


def test_a_supplier_that_is_not_there_stays_in_an_agreement_that_names_it(editor):
    make.service("Food bank")
    partner = agreed.partner(include={"sources": ["North", "not public"], "not_public": True})
    url = page(partner, "directory_agreement")
    shown = text(editor.get(url))
    assert "North (there is no such supplier)" in shown
    form = {"name": partner.name, "rate": "60", "sources": ["North", "not public"]}
    shown = text(editor.post(url, form))
    assert "enters their view" not in shown  # nor does it without them: no form leaves them out
    seen = re.search(r'name="seen" value="(\w+)"', shown)[1]
    editor.post(url, form | {"deed": "save", "seen": seen})
    assert DataPartner.objects.get().include == {"sources": ["North", "not public"]}
    assert "North (there is no such supplier)" in text(editor.get(page(partner)))


def test_the_page_says_what_the_agreement_lets_in_and_which_files_are_written(editor):
    partner = agreed.partner(include={"statuses": ["temporarily closed"], "not_public": True})
    export = ScheduledExport.objects.create(
        name="nightly",
        partner=partner.name,
        format="airs-3.0",
        language="en",
        schedule="0 3 * * *",
        folder="valley",
        due_at=clock.now(),
    )
    export.runs.create(
        state="done", started_at=clock.now(), ended_at=clock.now(), file="directory-airs.xml"
    )
    shown = text(editor.get(page(partner)))
    for words in ("Only services with these statuses", "nightly", "valley", "directory-airs.xml"):
        assert words in shown
    for key in ("statuses", "not_public"):
        assert f">{key}<" not in shown


def test_files_go_on_when_their_data_partner_is_renamed():
    partner, other = agreed.partner(name="Valley"), agreed.partner(name="North")
    for one in (partner, other):
        ScheduledExport.objects.create(
            name=f"for {one.name}",
            partner=one.name,
            format="airs-3.0",
            language="en",
            schedule="0 3 * * *",
            folder=one.name,
            due_at=clock.now(),
        )
    agreed.change(partner, name="Valley Helpline")
    found = dict(ScheduledExport.objects.values_list("folder", "partner"))
    assert found == {"Valley": "Valley Helpline", "North": "North"}
